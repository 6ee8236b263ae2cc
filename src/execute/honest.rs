//! `honest(es)`: the path of effects of a study, and what departures from parallel trends leave of one of them.

use super::Run;
use super::fit::Tails;
use crate::check::spec::{Departure, DesignSpec, HonestSpec, StudiedEffect};
use crate::designs::honest::{HonestError, Path, Restriction};
use crate::estimators::{Measured, Reference};
use crate::fault::Fault;
use crate::outcome::designs::Design;
use crate::outcome::honest::{Honest, RobustEffect};
use nalgebra::DMatrix;

/// Multiples of the largest move before the reference.
const RELATIVE: [f64; 4] = [0.5, 1.0, 1.5, 2.0];
/// Changes of slope, in standard errors of the effect.
const SMOOTH: [f64; 5] = [0.0, 0.1, 0.25, 0.5, 1.0];

/// A path with what it is of.
struct Studied {
    path: Path,
    treatment: String,
    gathered: bool,
}

impl Run<'_> {
    pub(super) fn honest(&self, spec: &HonestSpec) -> Result<Honest, Fault> {
        let studied = self.studied(spec)?;
        let path = &studied.path;
        let refused = |e: HonestError| refusal(&e, spec, path);
        let target = path.target(spec.at).map_err(refused)?;
        let restriction = match spec.departure {
            Departure::Relative => Restriction::Relative,
            Departure::Smooth => Restriction::Smooth,
        };
        let estimate: f64 = target.iter().zip(&path.estimates).map(|(w, b)| w * b).sum();
        let se = (target.transpose() * &path.vcov * &target)[0].sqrt();
        let original = Tails::new(Reference::Normal, spec.level).measured(Measured { estimate, se });
        let bounds: Vec<f64> = match (spec.bounds.as_slice(), spec.departure) {
            ([], Departure::Relative) => RELATIVE.to_vec(),
            ([], Departure::Smooth) => SMOOTH.iter().map(|k| k * se).collect(),
            (given, _) => given.to_vec(),
        };
        let mut found = Vec::new();
        for bound in bounds {
            let robust = path.robust(&target, restriction, bound, spec.level).map_err(refused)?;
            found.push(RobustEffect { bound, identified: robust.identified, ci: robust.interval });
        }
        let start = if restriction == Restriction::Relative { 1.0 } else { 0.25 * se };
        let (breakdown, breakdown_state) =
            match path.breakdown(&target, restriction, spec.level, start).map_err(refused)? {
                None => (f64::NAN, "none"),
                Some(x) if x.is_finite() => (x, "found"),
                Some(_) => (f64::NAN, "beyond"),
            };
        let mut notes = Vec::new();
        if studied.gathered {
            notes.push(
                "The ends of the window gather what lies beyond and stand for their event times; a wider window has \
                 more single ones."
                    .to_string(),
            );
        }
        Ok(Honest {
            of: spec.of.clone(),
            treatment: studied.treatment,
            effect: spec.effect.word(),
            event_time: spec.at,
            reference: path.reference,
            restriction: if restriction == Restriction::Relative { "relative" } else { "smooth" },
            level: spec.level,
            original,
            bounds: found,
            breakdown,
            breakdown_state,
            notes,
        })
    }

    fn studied(&self, spec: &HonestSpec) -> Result<Studied, Fault> {
        let bug = |what: &str| {
            Fault::error("durbin::run::bug", what.to_string()).help("please report the program to the authors")
        };
        match &spec.study {
            DesignSpec::EventStudy { model, .. } => {
                let (fitted, events, treatment) = self.events(*model)?;
                self.has_never_treated(events.treatment)?;
                let Some(found) = &fitted.estimated.events else { return Err(bug("an event study was not estimated")) };
                let which = match spec.effect {
                    StudiedEffect::Direct => 0,
                    StudiedEffect::Indirect => 1,
                    StudiedEffect::Total => 2,
                };
                let of = |e: &crate::outcome::Effect| [&e.direct, &e.indirect, &e.total][which].estimate;
                let times = events.bins.iter().map(|b| b.event_time()).collect();
                let estimates = match (&found.on_exposed, which) {
                    (Some(exposed), 1) => exposed.iter().map(|e| e.effect.estimate).collect(),
                    _ => fitted.fit.effects.iter().take(events.bins.len()).map(of).collect(),
                };
                let path = Path::new(times, events.reference, estimates, found.covariances[which].clone());
                let path = path.map_err(|e| unpathed(&e, spec))?;
                Ok(Studied { path, treatment, gathered: true })
            }
            DesignSpec::Staggered(number) => {
                let Design::Staggered(found) = self.staggered(*number)? else {
                    return Err(bug("a design has no path"));
                };
                let reference = -1 - found.anticipation;
                let none = Vec::new();
                let (periods, vcov) = match (spec.effect, &found.spillover) {
                    (StudiedEffect::Direct, _) => (found.dynamic(), &found.vcov),
                    (_, Some(spill)) => (spill.dynamic(), &spill.vcov),
                    (_, None) => (&none[..], &found.vcov),
                };
                if periods.is_empty() {
                    let message = format!("`{}` has no indirect effects: nobody is exposed", spec.of);
                    return Err(Fault::error("durbin::check::bad_option_value", message)
                        .help("matrices after the bar say who is exposed: `sun_abraham(y ~ law | C)`"));
                }
                let size = vcov.len();
                let matrix = DMatrix::from_fn(size, size, |i, j| vcov[i][j]);
                let times = periods.iter().map(|p| p.event_time).collect();
                let estimates = periods.iter().map(|p| p.value.estimate).collect();
                let path = Path::new(times, reference, estimates, matrix).map_err(|e| unpathed(&e, spec))?;
                Ok(Studied { path, treatment: found.treatment.clone(), gathered: false })
            }
            _ => Err(bug("a design has no path")),
        }
    }

    /// Without them trends and effects over time are one another's.
    fn has_never_treated(&self, treatment: usize) -> Result<(), Fault> {
        let Some(treatment) = self.treatments.get(treatment).and_then(Option::as_ref) else { return Ok(()) };
        if !treatment.never().is_empty() {
            return Ok(());
        }
        let latest = treatment.starts.iter().flatten().max().copied().unwrap_or(0);
        let message = format!(
            "`{}` treats every unit in the end, the last in {latest}: without units that are never treated a straight \
             trend and effects that grow cannot be told apart",
            treatment.name
        );
        Err(Fault::error("durbin::treatment::no_never_treated", message)
            .help("add units that are never treated, or end the panel before the last start"))
    }
}

fn unpathed(error: &HonestError, spec: &HonestSpec) -> Fault {
    let (message, help) = match error {
        HonestError::Gap { before, after } => (
            format!("`{}` has no event time between {before} and {after}: moves of trends cannot be followed", spec.of),
            "narrow the window to event times that follow each other",
        ),
        HonestError::NoVariance => (
            format!("an event time of `{}` has no standard error", spec.of),
            "narrow the window: event times of one unit alone may have none",
        ),
        HonestError::FewLeads { .. } | HonestError::NoSuchTime(_) => {
            (error.to_string(), "widen the window of the event study")
        }
    };
    Fault::error("durbin::estimate::no_statistic", message).help(help)
}

fn refusal(error: &HonestError, spec: &HonestSpec, path: &Path) -> Fault {
    let shown: Vec<String> = path.event_times.iter().map(i64::to_string).collect();
    let message = match error {
        HonestError::FewLeads { have, needed } => {
            format!("`{}` has {have} event times before the reference {}, {needed} are needed", spec.of, path.reference)
        }
        HonestError::NoSuchTime(e) => {
            format!("`{}` has no effect at event time {e}: it has {}", spec.of, shown.join(", "))
        }
        other => return unpathed(other, spec),
    };
    Fault::error("durbin::treatment::empty_event_time", message)
        .help("widen the window, or name another event time with `at:`")
}
