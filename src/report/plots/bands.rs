//! Effects by band of distance, with what could have been found and the boundary.

use super::{numbers, percent, plain, says, zero};
use crate::outcome::Estimate;
use crate::outcome::designs::{BandEffects, ByBand};
use crate::outcome::figures::{Axis, Figure, Ink, Interval, Layer, Marks, Panel};

/// The indirect effect of each band in one panel, the direct one beneath it.
pub fn by_band(b: &ByBand) -> Figure {
    let indirect = panel(b, "Indirect", "indirect effect", 1, |band| &band.indirect, true);
    let direct = panel(b, "Direct", "direct effect", 0, |band| &band.direct, false);
    let mut notes = vec![
        format!("Bars: {} intervals; each band is the matrix of a model of its own.", percent(b.level)),
        "Dashes: the least indirect effect that a test of level 0.05 finds with power 0.8.".to_string(),
    ];
    notes.push(match b.boundary {
        Some(at) => {
            let unit = b.bands.first().map_or("km", |band| band.unit);
            format!("The last band whose indirect effect differs from zero ends at {} {unit}.", plain(at))
        }
        None => "No band's indirect effect differs from zero.".to_string(),
    });
    let exposed: Vec<String> = b.bands.iter().map(|band| format!("{}: {}", name(band), band.exposed_units)).collect();
    notes.push(format!("Untreated units with a treated one in the band: {}.", exposed.join(", ")));
    Figure {
        title: Some(format!("Effects of {} by distance", b.treatment)),
        panels: vec![indirect, direct],
        notes,
        ..Figure::default()
    }
}

fn name(band: &BandEffects) -> String {
    if band.hi.is_infinite() {
        return format!("beyond {} {}", plain(band.lo), band.unit);
    }
    format!("{}\u{2013}{} {}", plain(band.lo), plain(band.hi), band.unit)
}

fn panel(
    b: &ByBand,
    heading: &str,
    what: &str,
    series: usize,
    of: impl Fn(&BandEffects) -> &Estimate,
    detectable: bool,
) -> Panel {
    let intervals = b.bands.iter().enumerate().map(|(k, band)| {
        let estimate = of(band);
        Interval {
            at: k as f64,
            estimate: estimate.estimate,
            ci: estimate.ci,
            wide: None,
            says: format!("{}: {}", name(band), says(what, estimate, b.level)),
        }
    });
    let mut layers = vec![zero(true)];
    if detectable {
        for sign in [-1.0, 1.0] {
            let line = b.bands.iter().enumerate().map(|(k, band)| [k as f64, sign * band.detectable]).collect();
            layers.push(Layer { series: None, ink: Ink::Grey, marks: Marks::Dashes(line) });
        }
        if let Some(at) = b.boundary
            && let Some(last) = b.bands.iter().position(|band| band.hi == at)
        {
            layers.push(Layer { series: None, ink: Ink::Grey, marks: Marks::Upright(last as f64 + 0.5) });
        }
    }
    layers.push(Layer { series: None, ink: Ink::Series(series), marks: Marks::Intervals(intervals.collect()) });
    Panel {
        heading: Some(heading.to_string()),
        x: Axis::Names {
            label: "distance of the neighbors".to_string(),
            names: b.bands.iter().map(name).collect(),
            own: true,
        },
        y: numbers(what),
        layers,
        aspect: None,
    }
}
