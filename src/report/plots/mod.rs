//! What `plot` makes of an outcome: one file per kind of picture. Here it is settled which outcomes have one.

mod bands;
mod coefficients;
mod comparisons;
mod density;
mod designs;
mod events;
pub mod maps;
mod matching;
mod quantiles;
mod responses;
mod rollout;
mod scatter;
mod staggered;
mod units;

use crate::outcome::designs::Design;
use crate::outcome::figures::{Axis, Figure, Ink, Layer, Marks};
use crate::outcome::{Estimate, Fit, Outcome};
use crate::report::number;

/// The picture of an outcome; `None` where there is none to draw.
pub fn plot(name: &str, outcome: &Outcome) -> Option<Figure> {
    match outcome {
        Outcome::Fit(fit) => Some(coefficients::of_one(fit)),
        Outcome::List(entries) if entries.iter().all(|e| matches!(e.outcome, Outcome::Test(_))) => {
            let tests = entries.iter().map(|e| match &e.outcome {
                Outcome::Test(test) => Some((test.as_ref(), test.scatter.as_ref()?)),
                _ => None,
            });
            tests.collect::<Option<Vec<_>>>().filter(|t| !t.is_empty()).map(|t| scatter::several(&t))
        }
        Outcome::List(entries) => {
            let fits: Option<Vec<(String, &Fit)>> = entries
                .iter()
                .map(|e| match &e.outcome {
                    Outcome::Fit(fit) => Some((e.name.clone().unwrap_or_else(|| e.source.clone()), fit.as_ref())),
                    _ => None,
                })
                .collect();
            fits.filter(|f| !f.is_empty()).map(|f| coefficients::of_several(&f))
        }
        Outcome::Design(Design::EventStudy(e)) => Some(events::study(e)),
        Outcome::Design(Design::ByBand(b)) => Some(bands::by_band(b)),
        Outcome::Design(Design::Placebo(p)) => Some(designs::placebo(p)),
        Outcome::Design(Design::Rings(r)) => Some(designs::rings(r)),
        Outcome::Design(Design::ByGroup(g)) => Some(designs::groups(g)),
        Outcome::Design(Design::LeaveOneOut(l)) => Some(designs::left_out(l)),
        Outcome::Design(Design::SpecCurve(c)) => Some(designs::curve(c)),
        Outcome::Design(Design::Bacon(b)) => Some(comparisons::weights(b)),
        Outcome::Design(Design::Matched(m)) => Some(matching::scores(m)),
        Outcome::Design(Design::Staggered(s)) => Some(staggered::study(s)),
        Outcome::Treatment(t) => Some(rollout::rollout(name, t)),
        Outcome::Effects { responses, level, .. } if !responses.is_empty() => {
            Some(responses::responses(responses, *level))
        }
        Outcome::Effects { effects, level, .. } => Some(coefficients::of_effects(effects, *level)),
        Outcome::SplitEffects(split) if !split.units.is_empty() => Some(units::ranked(split)),
        Outcome::SplitEffects(split) => Some(units::by_order(split)),
        Outcome::Test(test) => test.scatter.as_ref().map(|s| scatter::moran(test, s)),
        Outcome::Array(array) => Some(quantiles::normal(name, array)),
        _ => None,
    }
}

/// `95 %`, as levels are written under pictures.
fn percent(level: f64) -> String {
    format!("{} %", (1e10 * level).round() / 1e8)
}

/// `direct effect 0.068, 95 % interval 0.015 to 0.121`
fn says(what: &str, e: &Estimate, level: f64) -> String {
    let shown = |x: f64| number::significant(x, 3);
    if e.se.is_nan() {
        return format!("{what} {}", shown(e.estimate));
    }
    format!("{what} {}, {} interval {} to {}", shown(e.estimate), percent(level), shown(e.ci[0]), shown(e.ci[1]))
}

/// The rule at zero behind estimates: across where they stand along y.
fn zero(across: bool) -> Layer {
    Layer { series: None, ink: Ink::Grey, marks: if across { Marks::Across(0.0) } else { Marks::Upright(0.0) } }
}

/// `p = 0.031`, `p < 0.001`
fn p_in_words(p: f64) -> String {
    let shown = number::p_value(p);
    match shown.strip_prefix('<') {
        Some(bound) => format!("p < {bound}"),
        None => format!("p = {shown}"),
    }
}

/// A number without zeros it does not need: `300`, `0.5`.
fn plain(x: f64) -> String {
    if x.is_infinite() { "beyond".to_string() } else { format!("{x}").replace('-', "\u{2212}") }
}

fn numbers(label: &str) -> Axis {
    Axis::Numbers { label: label.to_string(), whole: false }
}

fn whole(label: &str) -> Axis {
    Axis::Numbers { label: label.to_string(), whole: true }
}
