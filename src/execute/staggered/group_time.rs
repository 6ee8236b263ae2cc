//! Group-time effects with their averages and uniform intervals.

use super::{Asked, event_effect, joint, measured, rows};
use crate::designs::staggered as designs;
use crate::designs::staggered::{Aggregate, Bands, Effect, GroupTime, Multiplier, StaggeredError};
use crate::estimators::Reference;
use crate::execute::fit::Tails;
use crate::fault::counted;
use crate::outcome::Estimate;
use crate::outcome::staggered::{
    Aggregated, Averages, EventEffect, GroupEffect, GroupTimeEffect, LeftOut, Multiplied, PeriodEffect,
    SpilloverEffects, Staggered,
};
use crate::outcome::testing::Finding;
use nalgebra::DMatrix;

/// What is made of one effect, direct or spillover.
struct Part {
    att: Vec<GroupTimeEffect>,
    aggregates: Aggregated,
    vcov: DMatrix<f64>,
    critical: f64,
    critical_dynamic: f64,
}

impl Asked<'_> {
    pub(super) fn group_time(
        &self,
        how: &designs::Asked,
        draws: usize,
        multiplier: Multiplier,
    ) -> Result<Staggered, StaggeredError> {
        let found = designs::group_time(self.sample(), how)?;
        let mut out = self.header("att_gt", Reference::Normal);
        let word = |varying: bool| if varying { "varying" } else { "universal" };
        out.control = Some(if how.control == designs::Control::Never { "never" } else { "not_yet" }.to_string());
        out.estimator = Some(
            match how.method {
                designs::Method::Dr => "dr",
                designs::Method::Reg => "reg",
                designs::Method::Ipw => "ipw",
            }
            .to_string(),
        );
        out.base_period = Some(word(how.base == designs::Base::Varying).to_string());
        out.left_out.extend(self.without_base(&found.without_base));
        out.left_out.extend(without_controls(&found));
        out.notes.extend(self.regressed(&found));
        let direct = self.part(&found, Effect::Direct, draws, multiplier);
        out.pretrend = self.before(&found, Effect::Direct);
        out.bootstrap = Some(Multiplied {
            draws,
            weights: multiplier.word(),
            clusters: self.sample().cluster_count(),
            seed: self.seed,
            critical_dynamic: direct.critical_dynamic,
            critical: direct.critical,
        });
        (out.att, out.aggregates, out.vcov) = (direct.att, Some(direct.aggregates), rows(&direct.vcov));
        if !out.exposure.is_empty() {
            let spill = self.part(&found, Effect::Spillover, draws, multiplier);
            let (cells, units) = self.exposed_cells();
            out.spillover = Some(SpilloverEffects {
                att: spill.att,
                aggregates: Some(spill.aggregates),
                pretrend: self.before(&found, Effect::Spillover),
                vcov: rows(&spill.vcov),
                units,
                cells: cells.len(),
                ..SpilloverEffects::default()
            });
        }
        Ok(out)
    }

    /// All effects before the first dirty period are zero.
    fn before(&self, found: &GroupTime, effect: Effect) -> Option<Finding> {
        let counts = |c: &usize| found.cells[*c].pre && found.cells[*c].effect == effect;
        let at: Vec<usize> = (0..found.cells.len()).filter(counts).collect();
        let estimates: Vec<f64> = at.iter().map(|&c| found.cells[c].estimate).collect();
        (!at.is_empty()).then(|| joint(&estimates, &self.variance(&found.influence.select_columns(&at)), None))
    }

    /// The covariance of estimates with these influence functions.
    fn variance(&self, influence: &DMatrix<f64>) -> DMatrix<f64> {
        let sums = designs::by_cluster(influence, &self.sample().clusters);
        sums.tr_mul(&sums) / (influence.nrows() as f64).powi(2)
    }

    fn bands(&self, influence: &DMatrix<f64>, draws: usize, multiplier: Multiplier) -> Bands {
        let sums = designs::by_cluster(influence, &self.sample().clusters);
        designs::bands(&sums, influence.nrows(), draws, self.spec.sample.level, self.seed, multiplier)
    }

    fn part(&self, found: &GroupTime, effect: Effect, draws: usize, multiplier: Multiplier) -> Part {
        let sample = self.sample();
        let tails = self.tails(Reference::Normal);
        let at: Vec<usize> = (0..found.cells.len()).filter(|&c| found.cells[c].effect == effect).collect();
        let influence = found.influence.select_columns(&at);
        let bands = self.bands(&influence, draws, multiplier);
        let variance = self.variance(&influence);
        let cell = |(j, &c): (usize, &usize)| {
            let (cell, group) = (&found.cells[c], &found.groups[found.cells[c].group]);
            let started = group.start.filter(|_| effect == Effect::Direct);
            GroupTimeEffect {
                group: started.unwrap_or(group.dirty),
                time: cell.time,
                exposed_from: started.and(Some(group.dirty)).filter(|d| Some(*d) != group.start),
                treated_from: group.start.filter(|_| effect == Effect::Spillover),
                value: measured(&tails, cell.estimate, variance[(j, j)].sqrt()),
                uniform: around(cell.estimate, bands.critical * bands.se[j]),
                se_bootstrap: bands.se[j],
                base: cell.base,
                units: group.units.len(),
                controls: cell.controls,
            }
        };
        let att = at.iter().enumerate().map(cell).collect();
        let averages = designs::aggregates(found, effect);
        let estimate = |a: &Aggregate| -> Estimate {
            let se = designs::standard_error(&a.influence, sample);
            measured(&tails, a.estimate, se)
        };
        let (dynamic, vcov, critical_dynamic) = self.dynamic(&averages.dynamic, &tails, draws, multiplier);
        let group = |a: &Aggregate| GroupEffect { group: a.key, value: estimate(a), units: a.units };
        let period = |a: &Aggregate| PeriodEffect { time: a.key, value: estimate(a), units: a.units };
        let [by_event, by_group, by_period] = &averages.overall;
        let aggregates = Aggregated {
            simple: averages.simple.as_ref().map(estimate),
            dynamic,
            group: averages.group.iter().map(group).collect(),
            calendar: averages.calendar.iter().map(period).collect(),
            overall: Averages {
                dynamic: by_event.as_ref().map(estimate),
                group: by_group.as_ref().map(estimate),
                calendar: by_period.as_ref().map(estimate),
            },
        };
        Part { att, aggregates, vcov, critical: bands.critical, critical_dynamic }
    }

    /// Averages by event time with their covariance and the reach of uniform intervals.
    fn dynamic(
        &self,
        averages: &[Aggregate],
        tails: &Tails,
        draws: usize,
        multiplier: Multiplier,
    ) -> (Vec<EventEffect>, DMatrix<f64>, f64) {
        let n = self.sample().units;
        let influence = DMatrix::from_fn(n, averages.len(), |i, k| averages[k].influence[i]);
        let bands = self.bands(&influence, draws, multiplier);
        let variance = self.variance(&influence);
        let of = |(k, a): (usize, &Aggregate)| EventEffect {
            uniform: Some(around(a.estimate, bands.critical * bands.se[k])),
            se_bootstrap: Some(bands.se[k]),
            ..event_effect(tails, a.key, a.estimate, variance[(k, k)].sqrt(), a.units)
        };
        (averages.iter().enumerate().map(of).collect(), variance, bands.critical)
    }

    /// Groups whose size allows no propensity score.
    fn regressed(&self, found: &GroupTime) -> Option<String> {
        if found.regressed.is_empty() {
            return None;
        }
        let named = |&k: &usize| match found.groups[k].start {
            Some(start) => start.to_string(),
            None => format!("exposed from {}", found.groups[k].dirty),
        };
        let names: Vec<String> = found.regressed.iter().map(named).collect();
        Some(format!(
            "{} ({}) fewer than five units, too few for a propensity score: outcome regression took its place.",
            counted(names.len(), "group has", "groups have"),
            names.join(", ")
        ))
    }
}

fn around(estimate: f64, half: f64) -> [f64; 2] {
    [estimate - half, estimate + half]
}

/// Groups in periods without anybody to compare with.
fn without_controls(found: &GroupTime) -> Option<LeftOut> {
    let mut starts: Vec<i64> = found.without_controls.iter().filter_map(|c| c.0).collect();
    starts.dedup();
    if found.without_controls.is_empty() {
        return None;
    }
    let starts: Vec<String> = starts.iter().map(i64::to_string).collect();
    let reason = match starts.is_empty() {
        true => "no control is left in their periods".to_string(),
        false => format!("no control is left in their periods (groups {})", starts.join(", ")),
    };
    Some(LeftOut { reason, units: Vec::new(), cells: found.without_controls.len() })
}
