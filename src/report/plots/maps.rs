//! Maps: units where they are, colored by what is asked of them.

use super::{p_in_words, percent};
use crate::fault::counted;
use crate::outcome::figures::{Axis, Figure, Ink, Layer, Marks, Named, Panel, Point, Polygon};
use crate::outcome::testing::{Key, TestResult};
use crate::outcome::{Entry, LabeledArray, Outcome, SplitEffects, TreatmentSummary};
use crate::report::number;
use std::collections::HashMap;

/// Names are written beside at most so many points.
const NAMED: usize = 40;
/// Cohorts with a color of their own; later ones share the last.
const COHORTS: usize = 6;
/// Classes of a map of numbers.
const CLASSES: usize = 5;

/// Where the units of a panel are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ground {
    pub units: Vec<String>,
    /// Longitude and latitude, or projected meters.
    pub points: Vec<[f64; 2]>,
    /// The outlines of units, where the panel has shapes; else empty.
    pub outlines: Vec<Vec<Vec<[f64; 2]>>>,
    pub planar: bool,
}

impl Ground {
    /// So many units of y are as long as one of x: on the sphere it is one over the cosine of the middle latitude.
    fn aspect(&self) -> f64 {
        if self.planar {
            return 1.0;
        }
        let low = self.points.iter().fold(f64::INFINITY, |m, p| m.min(p[1]));
        let high = self.points.iter().fold(f64::NEG_INFINITY, |m, p| m.max(p[1]));
        1.0 / (0.5 * (low + high)).to_radians().cos().max(0.05)
    }

    /// One class of units as a layer: their outlines, or points where there are none.
    fn layer(&self, series: Option<String>, ink: Ink, of: &[(usize, String)]) -> Layer {
        let marks = if self.outlines.len() == self.units.len() {
            Marks::Polygons(
                of.iter().map(|(k, says)| Polygon { rings: self.outlines[*k].clone(), says: says.clone() }).collect(),
            )
        } else {
            Marks::Points(
                of.iter()
                    .map(|(k, says)| Point { x: self.points[*k][0], y: self.points[*k][1], says: says.clone() })
                    .collect(),
            )
        };
        Layer { series, ink, marks }
    }

    fn figure(&self, title: String, mut layers: Vec<Layer>, named: &[usize], notes: Vec<String>) -> Figure {
        if named.len() <= NAMED {
            let names = named.iter().map(|k| Named {
                x: self.points[*k][0],
                y: self.points[*k][1],
                text: self.units[*k].clone(),
            });
            layers.push(Layer { series: None, ink: Ink::Black, marks: Marks::Names(names.collect()) });
        }
        let hidden = || Axis::Numbers { label: String::new(), whole: false };
        let panel = Panel { heading: None, x: hidden(), y: hidden(), layers, aspect: Some(self.aspect()) };
        Figure { title: Some(title), panels: vec![panel], notes, ..Figure::default() }
    }

    fn number_of(&self, unit: &str) -> Option<usize> {
        self.units.iter().position(|u| u == unit)
    }
}

/// Who is treated from when: a color for each of the first cohorts, one for all later ones.
pub fn treatment(name: &str, t: &TreatmentSummary, ground: &Ground) -> Figure {
    let mut layers = Vec::new();
    let mut named = Vec::new();
    let mut treated = vec![false; ground.units.len()];
    for (c, cohort) in t.starts.iter().enumerate().take(COHORTS) {
        let rest = t.starts.len() > COHORTS && c == COHORTS - 1;
        let cohorts = if rest { &t.starts[c..] } else { std::slice::from_ref(cohort) };
        let mut of = Vec::new();
        for one in cohorts {
            for unit in &one.names {
                if let Some(k) = ground.number_of(unit) {
                    treated[k] = true;
                    named.push(k);
                    of.push((k, format!("{unit}: treated from {}", one.time)));
                }
            }
        }
        let when = if rest { format!("{} and later", cohort.time) } else { cohort.time.to_string() };
        layers.push(ground.layer(
            Some(format!("from {when} ({})", counted(of.len(), "unit", "units"))),
            Ink::Series(c),
            &of,
        ));
    }
    let never: Vec<(usize, String)> = (0..treated.len())
        .filter(|k| !treated[*k])
        .map(|k| (k, format!("{}: never treated", ground.units[k])))
        .collect();
    let label = format!("never ({})", counted(never.len(), "unit", "units"));
    layers.insert(0, ground.layer(Some(label), Ink::Grey, &never));
    ground.figure(format!("Treatment {name}"), layers, &named, Vec::new())
}

/// A column in one period: two classes where its values are 0 and 1, else classes of equal numbers of units.
pub fn column(name: &str, array: &LabeledArray, period: usize, ground: &Ground) -> Option<Figure> {
    let when = array.labels.get(1)?.get(period)?;
    let title = format!("{name}, {when}");
    let values = cross_section(array, period, ground);
    let known: Vec<(usize, f64)> =
        values.iter().enumerate().filter(|(_, v)| v.is_finite()).map(|(k, v)| (k, *v)).collect();
    if known.is_empty() {
        return None;
    }
    let says = |k: usize| {
        let shown = if values[k].is_finite() { number::significant(values[k], 4) } else { "no value".to_string() };
        (k, format!("{}: {shown}", ground.units[k]))
    };
    let missing: Vec<_> = (0..values.len()).filter(|k| !values[*k].is_finite()).map(says).collect();
    let mut layers = Vec::new();
    if !missing.is_empty() {
        layers.push(ground.layer(Some(format!("no value ({})", units(missing.len()))), Ink::Faint, &missing));
    }
    if known.iter().all(|(_, v)| *v == 0.0 || *v == 1.0) {
        let of = |value: f64| known.iter().filter(|u| u.1 == value).map(|u| says(u.0)).collect::<Vec<_>>();
        let (inside, outside) = (of(1.0), of(0.0));
        layers.push(ground.layer(Some(format!("no ({})", units(outside.len()))), Ink::Grey, &outside));
        layers.push(ground.layer(Some(format!("yes ({})", units(inside.len()))), Ink::Series(0), &inside));
        let named: Vec<usize> = inside.iter().map(|u| u.0).collect();
        return Some(ground.figure(title, layers, &named, Vec::new()));
    }
    layers.extend(classes(known, ground, says));
    let notes = vec!["Classes hold equally many units, but that units with one value are in one class.".to_string()];
    Some(ground.figure(title, layers, &[], notes))
}

/// A treatment and columns of 0 and 1 in one map: a unit has the color of the first layer it is in. A layer of other
/// numbers is returned with one of them.
pub fn layers(of: &[Entry], period: Option<usize>, ground: &Ground) -> Result<Option<Figure>, (String, f64)> {
    let mut free = vec![true; ground.units.len()];
    let (mut layers, mut named, mut when) = (Vec::new(), Vec::new(), None);
    for (c, entry) in of.iter().enumerate() {
        let members: Vec<usize> = match (&entry.outcome, period) {
            (Outcome::Treatment(t), _) => {
                let names = t.starts.iter().flat_map(|s| &s.names);
                names.filter_map(|unit| ground.number_of(unit)).filter(|k| free[*k]).collect()
            }
            (Outcome::Array(array), Some(period)) => {
                when = array.labels.get(1).and_then(|l| l.get(period)).cloned();
                let values = cross_section(array, period, ground);
                if let Some(other) = values.iter().find(|v| v.is_finite() && **v != 0.0 && **v != 1.0) {
                    return Err((entry.source.clone(), *other));
                }
                (0..values.len()).filter(|k| free[*k] && values[*k] == 1.0).collect()
            }
            _ => return Ok(None),
        };
        if matches!(entry.outcome, Outcome::Treatment(_)) {
            named.extend(&members);
        }
        members.iter().for_each(|k| free[*k] = false);
        let label = format!("{} ({})", entry.source, units(members.len()));
        let says: Vec<_> = members.iter().map(|k| (*k, format!("{}: {}", ground.units[*k], entry.source))).collect();
        layers.push(ground.layer(Some(label), Ink::Series(c % COHORTS), &says));
    }
    let rest: Vec<_> =
        (0..free.len()).filter(|k| free[*k]).map(|k| (k, format!("{}: none", ground.units[k]))).collect();
    layers.insert(0, ground.layer(Some(format!("none ({})", units(rest.len()))), Ink::Grey, &rest));
    let names: Vec<&str> = of.iter().map(|e| e.source.as_str()).collect();
    let title = [names.join(", ")].into_iter().chain(when).collect::<Vec<_>>().join(", ");
    Ok(Some(ground.figure(title, layers, &named, Vec::new())))
}

/// The values of a period in the order of the ground's units.
fn cross_section(array: &LabeledArray, period: usize, ground: &Ground) -> Vec<f64> {
    let (units, periods) = (&array.labels[0], array.labels.get(1).map_or(1, Vec::len));
    let at: HashMap<&str, usize> = units.iter().enumerate().map(|(k, u)| (u.as_str(), k)).collect();
    let value = |unit: &String| at.get(unit.as_str()).and_then(|k| array.values.get(k * periods + period)).copied();
    ground.units.iter().map(|unit| value(unit).unwrap_or(f64::NAN)).collect()
}

/// Classes of about equal numbers of units, from low to high.
fn classes(mut of: Vec<(usize, f64)>, ground: &Ground, says: impl Fn(usize) -> (usize, String)) -> Vec<Layer> {
    of.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    let size = of.len().div_ceil(CLASSES).max(1);
    let (mut layers, mut start) = (Vec::new(), 0);
    for c in 0..CLASSES {
        // units with the same value are in one class
        let mut end = ((c + 1) * size).clamp(start, of.len());
        while end > start && end < of.len() && of[end].1 == of[end - 1].1 {
            end += 1;
        }
        let class = &of[start..end];
        start = end;
        let (Some(first), Some(last)) = (class.first(), class.last()) else { continue };
        let shown = |x: f64| number::significant(x, 3);
        let label = match (shown(first.1), shown(last.1)) {
            (low, high) if low == high => low,
            (low, high) => format!("{low} to {high}"),
        };
        let places: Vec<(usize, String)> = class.iter().map(|f| says(f.0)).collect();
        layers.push(ground.layer(Some(label), Ink::Scale(c), &places));
    }
    layers
}

fn units(count: usize) -> String {
    counted(count, "unit", "units")
}

/// Clusters of local Moran's I: units that stand out at 5 %, by their kind.
pub fn clusters(test: &TestResult, ground: &Ground) -> Figure {
    let kinds = [("high among high", 1), ("low among low", 0), ("high among low", 4), ("low among high", 5)];
    let mut layers = Vec::new();
    let mut named = Vec::new();
    let mut rest = Vec::new();
    let found: Vec<(usize, String, f64, &str)> = test
        .parts
        .iter()
        .filter_map(|f| {
            let Key::Unit(unit) = &f.key else { return None };
            let kind = f.words.iter().find(|w| w.0 == "kind").map_or("", |w| w.1.as_str());
            let p = p_in_words(f.p);
            Some((ground.number_of(unit)?, format!("{unit}: {kind}, {p}"), f.p, kind))
        })
        .collect();
    for (k, says, p, kind) in &found {
        if !(*p <= 0.05 && kinds.iter().any(|(name, _)| name == kind)) {
            rest.push((*k, says.clone()));
        }
    }
    layers.push(ground.layer(Some("not at 5 %".to_string()), Ink::Grey, &rest));
    for (kind, ink) in kinds {
        let of: Vec<(usize, String)> =
            found.iter().filter(|f| f.2 <= 0.05 && f.3 == kind).map(|f| (f.0, f.1.clone())).collect();
        named.extend(of.iter().map(|f| f.0));
        let label = format!("{kind} ({})", of.len());
        layers.push(ground.layer(Some(label), Ink::Series(ink), &of));
    }
    let mut notes: Vec<String> = test.about.iter().map(|(k, v)| format!("{k}: {v}.")).collect();
    notes.push("Colored where p is at most 5 %, each unit on its own; many units are tested at once.".to_string());
    ground.figure(format!("Clusters: {}", test.title), layers, &named, notes)
}

/// One panel of clusters for each test, as of several periods.
pub fn several(tests: &[Entry], ground: &Ground) -> Figure {
    let mut out = Figure::default();
    for entry in tests {
        let Outcome::Test(test) = &entry.outcome else { continue };
        let one = clusters(test, ground);
        for mut panel in one.panels {
            let when = test.scatter.as_ref().map(|s| s.period.to_string());
            panel.heading = Some([test.title.clone()].into_iter().chain(when).collect::<Vec<_>>().join(", "));
            // one legend for all panels: how many units a kind has differs
            for layer in &mut panel.layers {
                layer.series = layer.series.take().map(|s| s.split(" (").next().unwrap_or_default().to_string());
            }
            out.panels.push(panel);
        }
        let fresh: Vec<String> = one.notes.into_iter().filter(|n| !out.notes.contains(n)).collect();
        out.notes.extend(fresh);
    }
    out
}

/// The indirect effects of the first term, in classes of equal numbers of units.
pub fn effects(split: &SplitEffects, ground: &Ground) -> Option<Figure> {
    let term = split.units.first()?.term.clone();
    let of: HashMap<usize, f64> = split
        .units
        .iter()
        .filter(|u| u.term == term)
        .filter_map(|u| Some((ground.number_of(&u.unit)?, u.indirect)))
        .collect();
    let says = |k: usize| (k, format!("{}: indirect effect {}", ground.units[k], number::significant(of[&k], 3)));
    let known = (0..ground.units.len()).filter_map(|k| Some((k, *of.get(&k)?))).collect();
    let layers = classes(known, ground, says);
    let notes = vec![format!(
        "Indirect effect of a change in {term} in all other units; classes hold equally many units. Level {}.",
        percent(split.level)
    )];
    Some(ground.figure(format!("Indirect effect of {term}, unit by unit"), layers, &[], notes))
}
