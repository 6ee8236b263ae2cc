//! Maps: units where they are, colored by what is asked of them.

use super::{p_in_words, percent};
use crate::fault::counted;
use crate::outcome::figures::{Axis, Figure, Ink, Layer, Marks, Named, Panel, Point, Polygon};
use crate::outcome::testing::{Key, TestResult};
use crate::outcome::{SplitEffects, TreatmentSummary};
use crate::report::number;

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

/// The indirect effects of the first term, in classes of equal numbers of units.
pub fn effects(split: &SplitEffects, ground: &Ground) -> Option<Figure> {
    let term = split.units.first()?.term.clone();
    let mut of: Vec<(usize, f64, String)> = split
        .units
        .iter()
        .filter(|u| u.term == term)
        .filter_map(|u| {
            let shown = number::significant(u.indirect, 3);
            Some((ground.number_of(&u.unit)?, u.indirect, format!("{}: indirect effect {shown}", u.unit)))
        })
        .collect();
    of.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    let mut layers = Vec::new();
    let size = of.len().div_ceil(CLASSES).max(1);
    for (c, class) in of.chunks(size).enumerate() {
        let (first, last) = (class.first()?.1, class.last()?.1);
        let label = format!("{} to {}", number::significant(first, 3), number::significant(last, 3));
        let places: Vec<(usize, String)> = class.iter().map(|f| (f.0, f.2.clone())).collect();
        layers.push(ground.layer(Some(label), Ink::Scale(c), &places));
    }
    let notes = vec![format!(
        "Indirect effect of a change in {term} in all other units; classes hold equally many units. Level {}.",
        percent(split.level)
    )];
    Some(ground.figure(format!("Indirect effect of {term}, unit by unit"), layers, &[], notes))
}
