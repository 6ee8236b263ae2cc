//! Designs for staggered treatments: estimators of `designs::staggered` under the names of a program (methods E.3–E.6).

use super::Run;
use super::fit::Tails;
use super::testing::finding;
use crate::check::spec::{ComparisonUse, ControlUse, MultiplierUse, StaggeredKind, StaggeredSpec};
use crate::designs::staggered as designs;
use crate::designs::staggered::{Effect, Multiplier, Sample, StaggeredError, State};
use crate::estimators::{Measured, Reference};
use crate::fault::{Fault, counted, ticked_list};
use crate::outcome::Estimate;
use crate::outcome::designs::Design;
use crate::outcome::staggered::{EventEffect, LeftOut, SpilloverEffects, Staggered};
use crate::outcome::testing::{Distribution, Finding};
use crate::plan::staggered::StaggeredPlan;
use nalgebra::DMatrix;

mod decomposition;
mod group_time;
mod matched;

/// One design with what it is asked of.
pub(super) struct Asked<'a> {
    pub spec: &'a StaggeredSpec,
    pub plan: &'a StaggeredPlan,
    pub seed: u64,
}

impl Run<'_> {
    /// A design by its number in the spec.
    pub(super) fn staggered(&self, number: usize) -> Result<Design, Fault> {
        let unknown = || {
            Fault::error("durbin::run::bug", "a design was not planned")
                .help("please report the program to the authors")
        };
        let plan = self.staggered.get(number).and_then(Option::as_deref).ok_or_else(unknown)?;
        let spec = self.spec.staggered.get(number).ok_or_else(unknown)?;
        let asked = Asked { spec, plan, seed: self.spec.settings.seed };
        if let StaggeredKind::Matched { matching, caliper, last_period, common_support, adjust } = spec.kind {
            let how = matched::How { matching, caliper, last_period, common_support, adjust };
            return asked.matched(&how).map(|m| Design::Matched(Box::new(m)));
        }
        let found = match spec.kind {
            StaggeredKind::Bacon | StaggeredKind::Matched { .. } => asked.decomposition().map(Design::Bacon),
            StaggeredKind::GroupTime { control, estimator, varying, draws, multiplier } => {
                let base = if varying { designs::Base::Varying } else { designs::Base::Universal };
                let how = designs::Asked {
                    control: control_of(control),
                    method: method_of(estimator),
                    base,
                    anticipation: spec.anticipation,
                };
                let multiplier = match multiplier {
                    MultiplierUse::Rademacher => Multiplier::Rademacher,
                    MultiplierUse::Mammen => Multiplier::Mammen,
                };
                asked.group_time(&how, draws, multiplier).map(|s| Design::Staggered(Box::new(s)))
            }
            StaggeredKind::SunAbraham { control } => {
                asked.sun_abraham(control_of(control)).map(|s| Design::Staggered(Box::new(s)))
            }
            StaggeredKind::Imputation { leads } => {
                asked.imputed("imputation", designs::Residuals::ByGroup, leads).map(|s| Design::Staggered(Box::new(s)))
            }
            StaggeredKind::TwoStage { leads } => asked
                .imputed("two_stage", designs::Residuals::SecondStage, leads)
                .map(|s| Design::Staggered(Box::new(s))),
        };
        found.map_err(|e| asked.refusal(&e))
    }
}

fn control_of(control: ControlUse) -> designs::Control {
    match control {
        ControlUse::Never => designs::Control::Never,
        ControlUse::NotYet | ControlUse::Last => designs::Control::NotYet,
    }
}

fn method_of(estimator: ComparisonUse) -> designs::Method {
    match estimator {
        ComparisonUse::Dr => designs::Method::Dr,
        ComparisonUse::Reg => designs::Method::Reg,
        ComparisonUse::Ipw => designs::Method::Ipw,
    }
}

pub(super) fn rows(matrix: &DMatrix<f64>) -> Vec<Vec<f64>> {
    matrix.row_iter().map(|row| row.iter().copied().collect()).collect()
}

impl Asked<'_> {
    fn sample(&self) -> &Sample {
        &self.plan.sample
    }

    /// What every design says of itself.
    fn header(&self, kind: &'static str, reference: Reference) -> Staggered {
        let (model, sample) = (&self.plan.model, self.sample());
        let (distribution, df) = match reference {
            Reference::Normal => ("normal", f64::NAN),
            Reference::T(df) => ("t", df),
        };
        Staggered {
            kind,
            of: self.spec.of.clone(),
            outcome: self.spec.sample.outcome.text.clone(),
            treatment: self.plan.treatment.clone(),
            covariates: model.terms.iter().skip(1).cloned().collect(),
            exposure: self.plan.matrices.clone(),
            control: None,
            estimator: None,
            base_period: None,
            anticipation: self.spec.anticipation,
            level: self.spec.sample.level,
            se_type: self.spec.sample.variance_name.clone(),
            distribution: distribution.to_string(),
            distribution_df: df,
            nobs: model.nobs,
            units: sample.units,
            first_period: sample.periods.first().copied().unwrap_or(0),
            last_period: sample.periods.last().copied().unwrap_or(0),
            treated_units: sample.starts.iter().flatten().count(),
            clean_units: sample.never_dirty().len(),
            dropped: model.dropped.clone(),
            left_out: Vec::new(),
            overall: None,
            periods: Vec::new(),
            leads: Vec::new(),
            att: Vec::new(),
            aggregates: None,
            pretrend: None,
            spillover: None,
            vcov: Vec::new(),
            bootstrap: None,
            notes: Vec::new(),
        }
    }

    fn tails(&self, reference: Reference) -> Tails {
        Tails::new(reference, self.spec.sample.level)
    }

    /// Units left out for having no clean period to compare with.
    fn without_base(&self, units: &[usize]) -> Option<LeftOut> {
        if units.is_empty() {
            return None;
        }
        let exposed = !self.plan.matrices.is_empty();
        let reason = if exposed { "no period before treatment or exposure" } else { "no period before treatment" };
        let names = units.iter().map(|&i| self.plan.model.units[i].clone()).collect();
        Some(LeftOut { reason: reason.to_string(), units: names, cells: units.len() * self.sample().periods.len() })
    }

    /// Cells of exposed units that are not treated, and units that ever have one.
    fn exposed_cells(&self) -> (Vec<usize>, usize) {
        let sample = self.sample();
        let n = sample.units;
        let exposed =
            |r: usize| sample.is_present(r) && matches!(sample.state(r % n, sample.periods[r / n]), State::Exposed(_));
        let cells: Vec<usize> = (0..n * sample.periods.len()).filter(|&r| exposed(r)).collect();
        let units = units_in(&cells, n);
        (cells, units)
    }

    fn sun_abraham(&self, control: designs::Control) -> Result<Staggered, StaggeredError> {
        let found = designs::sun_abraham(self.sample(), control, self.spec.anticipation)?;
        let reference = Reference::T(found.clusters as f64 - 1.0);
        let tails = self.tails(reference);
        let mut out = self.header("sun_abraham", reference);
        out.left_out.extend(self.without_base(&found.without_base));
        let word = match found.last_as_control {
            Some(last) => {
                out.notes.push(format!(
                    "Nobody stays {}: the last group, from {last} on, is the control, and periods from {last} on are \
                     left out.",
                    if out.exposure.is_empty() { "untreated" } else { "untreated and unexposed" }
                ));
                "last"
            }
            None => "never",
        };
        out.control = Some(word.to_string());
        let of = |effect: Effect| -> (Vec<EventEffect>, DMatrix<f64>) {
            let at: Vec<usize> = (0..found.periods.len()).filter(|&k| found.periods[k].effect == effect).collect();
            let vcov = found.vcov.select_rows(&at).select_columns(&at);
            let event = |(j, &k): (usize, &usize)| {
                let p = &found.periods[k];
                event_effect(&tails, p.event_time, p.estimate, vcov[(j, j)].sqrt(), p.units)
            };
            (at.iter().enumerate().map(event).collect(), vcov)
        };
        let overall = |effect: Effect| {
            let average = found.overall.iter().find(|(o, _)| o.effect == effect);
            average.map(|(o, v)| measured(&tails, o.estimate, v.sqrt()))
        };
        let (periods, vcov) = of(Effect::Direct);
        out.pretrend = self.pretrend(&periods, &vcov, Some(found.clusters));
        (out.periods, out.vcov, out.overall) = (periods, rows(&vcov), overall(Effect::Direct));
        if !out.exposure.is_empty() {
            let (periods, vcov) = of(Effect::Spillover);
            let (cells, units) = self.exposed_cells();
            out.spillover = Some(SpilloverEffects {
                overall: overall(Effect::Spillover),
                pretrend: self.pretrend(&periods, &vcov, Some(found.clusters)),
                periods,
                vcov: rows(&vcov),
                units,
                cells: cells.len(),
                ..SpilloverEffects::default()
            });
        }
        Ok(out)
    }

    fn imputed(
        &self,
        kind: &'static str,
        residuals: designs::Residuals,
        leads: usize,
    ) -> Result<Staggered, StaggeredError> {
        let sample = self.sample();
        let n = sample.units;
        let tails = self.tails(Reference::Normal);
        let mut out = self.header(kind, Reference::Normal);
        // Each target with what it is: effect, event time, matrix.
        let mut keys: Vec<(Effect, Option<i64>, Option<usize>)> = Vec::new();
        let labeled = std::cell::RefCell::new(&mut keys);
        let targets = |cells: &[usize]| {
            let found = targets_of(sample, cells);
            **labeled.borrow_mut() = found.iter().map(|t| t.0).collect();
            found.into_iter().map(|t| t.1).collect()
        };
        let sizes = std::cell::RefCell::new(Vec::new());
        let found = designs::imputation(sample, self.spec.anticipation, residuals, &|cells| {
            let targets: Vec<designs::Target> = targets(cells);
            *sizes.borrow_mut() = targets.iter().map(|t| (t.cells.len(), units_in(&t.cells, n))).collect();
            targets
        })?;
        let sizes = sizes.into_inner();
        let se = |k: usize| found.vcov[(k, k)].sqrt();
        let estimate = |k: usize| measured(&tails, found.estimates[k], se(k));
        let at = |effect: Effect| -> Vec<usize> {
            (0..keys.len()).filter(|&k| keys[k].0 == effect && keys[k].1.is_some()).collect()
        };
        let events = |which: &[usize]| -> Vec<EventEffect> {
            let of = |&k: &usize| event_effect(&tails, keys[k].1.unwrap_or(0), found.estimates[k], se(k), sizes[k].1);
            which.iter().map(of).collect()
        };
        let overall = |effect: Effect| keys.iter().position(|k| *k == (effect, None, None)).map(estimate);
        let direct = at(Effect::Direct);
        (out.periods, out.overall) = (events(&direct), overall(Effect::Direct));
        out.vcov = rows(&found.vcov.select_rows(&direct).select_columns(&direct));
        if !out.exposure.is_empty() {
            let which = at(Effect::Spillover);
            let (cells, units) = self.exposed_cells();
            let by_matrix = |(m, name): (usize, &String)| {
                let k = keys.iter().position(|k| *k == (Effect::Spillover, None, Some(m)))?;
                Some(crate::outcome::staggered::ByMatrix {
                    weights: name.clone(),
                    value: estimate(k),
                    units: sizes[k].1,
                    cells: sizes[k].0,
                })
            };
            out.spillover = Some(SpilloverEffects {
                overall: overall(Effect::Spillover),
                periods: events(&which),
                matrices: self.plan.matrices.iter().enumerate().filter_map(by_matrix).collect(),
                vcov: rows(&found.vcov.select_rows(&which).select_columns(&which)),
                units,
                cells: cells.len(),
                ..SpilloverEffects::default()
            });
        }
        out.left_out.extend(self.not_imputable(&found.left_out));
        if let Some(found) = designs::leads(sample, self.spec.anticipation, leads)? {
            let tails = self.tails(Reference::T(found.clusters as f64 - 1.0));
            let of = |(k, &(e, estimate)): (usize, &(i64, f64))| {
                event_effect(&tails, e, estimate, found.vcov[(k, k)].sqrt(), found.units[k])
            };
            out.leads = found.estimates.iter().enumerate().map(of).collect();
            out.pretrend = self.pretrend(&out.leads, &found.vcov, Some(found.clusters));
        }
        let alone = self.groups_of_one();
        if residuals == designs::Residuals::ByGroup && alone > 0 {
            out.notes.push(format!(
                "{} of one unit: its effect is its group's mean, and its own shocks are in no standard error.",
                counted(alone, "group consists", "groups consist")
            ));
        }
        Ok(out)
    }

    fn groups_of_one(&self) -> usize {
        self.sample().groups(self.spec.anticipation).0.iter().filter(|g| g.units.len() == 1).count()
    }

    fn not_imputable(&self, cells: &[usize]) -> Option<LeftOut> {
        if cells.is_empty() {
            return None;
        }
        let n = self.sample().units;
        let mut units: Vec<usize> = cells.iter().map(|r| r % n).collect();
        units.sort_unstable();
        units.dedup();
        let units = units.into_iter().map(|i| self.plan.model.units[i].clone()).collect();
        let reason = "no clean cell of the unit or of the period says what they would be".to_string();
        Some(LeftOut { reason, units, cells: cells.len() })
    }

    /// All event times before the start (less those of anticipation) are zero: F with the degrees of freedom of
    /// clusters, or chi-squared.
    fn pretrend(&self, periods: &[EventEffect], vcov: &DMatrix<f64>, clusters: Option<usize>) -> Option<Finding> {
        let before = |e: &EventEffect| e.event_time < -self.spec.anticipation;
        let at: Vec<usize> = (0..periods.len()).filter(|&k| before(&periods[k])).collect();
        if at.is_empty() {
            return None;
        }
        let estimates: Vec<f64> = at.iter().map(|&k| periods[k].value.estimate).collect();
        Some(joint(&estimates, &vcov.select_rows(&at).select_columns(&at), clusters))
    }

    /// Why there is no estimate, in the words of the program.
    fn refusal(&self, error: &StaggeredError) -> Fault {
        let spec = self.spec;
        let query = &spec.query;
        let treatment = &self.plan.treatment;
        let covariates: Vec<&String> = self.plan.model.terms.iter().skip(1).collect();
        let group = |start: &Option<i64>| match start {
            Some(start) => format!("the group of {start}"),
            None => "units that are exposed and never treated".to_string(),
        };
        match error {
            StaggeredError::NoNever => {
                let message = format!("no unit is never treated by `{treatment}` and never exposed");
                Fault::error("durbin::treatment::no_clean_controls", message)
                    .help("`exposure: none` if nothing spills over, or a matrix with fewer neighbors")
            }
            StaggeredError::NothingIdentified | StaggeredError::NothingImputable | StaggeredError::NoCleanCells => {
                let message = format!(
                    "`{query}` finds no treated unit with a period before treatment{} and a control after it",
                    if self.plan.matrices.is_empty() { "" } else { " and exposure" }
                );
                Fault::error("durbin::treatment::no_clean_controls", message).help(
                    "begin the panel earlier, add units that are never treated, or take a matrix with fewer neighbors",
                )
            }
            StaggeredError::Collinear { covariates: at } => {
                let names: Vec<&&String> = at.iter().filter_map(|&k| covariates.get(k)).collect();
                let where_ = match spec.kind {
                    StaggeredKind::GroupTime { .. } => "among the controls",
                    _ => "off the effects of units and periods",
                };
                let message = match names.is_empty() {
                    true => format!("the covariates are linear combinations of each other {where_}"),
                    false => format!("{} is a linear combination of others {where_}", ticked_list(&names)),
                };
                Fault::error("durbin::plan::collinear", message).help("leave it out")
            }
            StaggeredError::FewControls { start, time, controls, coefficients } => {
                let message = format!(
                    "{} in {time}: {controls} controls for {coefficients} coefficients of the covariates",
                    group(start)
                );
                Fault::error("durbin::plan::small_group", message)
                    .help("fewer covariates, or `control: not_yet`, which has more controls")
            }
            StaggeredError::NoOverlap { start, time, largest } => {
                let message = format!(
                    "{} in {time}: covariates tell treated from controls (a propensity score of {largest:.4})",
                    group(start)
                );
                Fault::error("durbin::estimate::no_overlap", message).help(
                    "`estimator: reg` extrapolates the outcome instead; or leave covariates out that decide treatment",
                )
            }
            StaggeredError::Unbalanced => {
                Fault::error("durbin::plan::needs_balanced", format!("`{query}` needs a balanced panel"))
                    .help("`balance drop` leaves units with gaps out")
            }
            StaggeredError::TooLarge { numbers } => {
                let message = format!("`{query}` needs a regression of {numbers} numbers");
                Fault::error("durbin::plan::memory", message).help("`imputation` estimates the same without one")
            }
        }
    }
}

/// What a mean is taken over: effect, event time, matrix of exposure.
type Key = (Effect, Option<i64>, Option<usize>);

/// The means of a study of imputed effects: overall, by event time, by matrix.
fn targets_of(sample: &Sample, cells: &[usize]) -> Vec<(Key, designs::Target)> {
    let n = sample.units;
    let key = |r: usize| -> Option<(Effect, i64, Option<usize>)> {
        let (unit, period) = (r % n, sample.periods[r / n]);
        let dirty = sample.dirty_from(unit)?;
        match sample.state(unit, period) {
            State::Treated => Some((Effect::Direct, period - sample.starts[unit]?, None)),
            State::Exposed(matrix) => Some((Effect::Spillover, period - dirty, Some(matrix))),
            // Within the periods of anticipation.
            State::Clean => Some((Effect::Direct, period - dirty, None)).filter(|_| sample.starts[unit] == Some(dirty)),
        }
    };
    let mut keys: Vec<Key> = Vec::new();
    for &r in cells {
        if let Some((effect, event, matrix)) = key(r) {
            keys.extend([(effect, Some(event), None), (effect, None, None)]);
            keys.extend(matrix.map(|m| (effect, None, Some(m))));
        }
    }
    keys.sort_unstable();
    keys.dedup();
    let holds = |wanted: &Key, r: usize| match key(r) {
        Some((effect, event, matrix)) if effect == wanted.0 => match (wanted.1, wanted.2) {
            (Some(e), _) => e == event,
            (None, Some(m)) => matrix == Some(m),
            (None, None) => event >= 0,
        },
        _ => false,
    };
    let of = |wanted: Key| {
        let cells: Vec<usize> = cells.iter().copied().filter(|&r| holds(&wanted, r)).collect();
        (wanted, designs::Target { cells })
    };
    keys.into_iter().map(of).filter(|(_, t)| !t.cells.is_empty()).collect()
}

fn units_in(cells: &[usize], n: usize) -> usize {
    let mut units: Vec<usize> = cells.iter().map(|r| r % n).collect();
    units.sort_unstable();
    units.dedup();
    units.len()
}

/// Standard errors below this share of an estimate are rounding: what they are of fits exactly.
const ROUNDING: f64 = 1e-10;

fn measured(tails: &Tails, estimate: f64, se: f64) -> Estimate {
    let se = if se <= ROUNDING * estimate.abs() { 0.0 } else { se };
    tails.measured(Measured { estimate, se })
}

fn event_effect(tails: &Tails, event_time: i64, estimate: f64, se: f64, units: usize) -> EventEffect {
    let value = measured(tails, estimate, se);
    EventEffect { event_time, value, uniform: None, se_bootstrap: None, units }
}

/// A joint test that estimates are zero.
pub(super) fn joint(estimates: &[f64], vcov: &DMatrix<f64>, clusters: Option<usize>) -> Finding {
    let q = estimates.len();
    let statistic = designs::wald(estimates, vcov).unwrap_or(f64::NAN);
    let (statistic, distribution) = match clusters {
        Some(g) => (statistic / q as f64, Distribution::F(q, g as f64 - 1.0)),
        None => (statistic, Distribution::ChiSquared(q)),
    };
    finding("pretrend", "before the start", statistic, distribution)
        .about("no effect before the start", "units were on another path before they were treated")
}
