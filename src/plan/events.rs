//! Event times of a design on the sample it will be estimated on (methods E.2).

use super::{Planner, Reported, Step};
use crate::check::spec::{Bin, EventTimes, WeightsUse};
use crate::data::keys::PanelIndex;
use crate::designs::treatment::Treatment;
use crate::fault::Fault;

impl Planner<'_> {
    /// How many units are observed at the event times of each bin; every bin has one.
    pub(super) fn event_times(&mut self, events: &EventTimes, index: &PanelIndex) -> Step<Vec<usize>> {
        let treatment = self.treatments.get(events.treatment).cloned().flatten().ok_or(Reported)?;
        if !treatment.absorbing {
            return Err(self.report(needs_absorbing(&treatment.name), events.place.0));
        }
        let treatment = treatment.on(index);
        let observed = observed(&treatment, index);
        let counts: Vec<usize> = events
            .bins
            .iter()
            .map(|bin| observed.iter().filter(|unit| unit.iter().any(|e| bin.holds(*e))).count())
            .collect();
        if counts.contains(&0) {
            return Err(self.report(empty_event_time(events, &counts, &observed), events.place.0));
        }
        Ok(counts)
    }

    /// How many untreated units are observed at each time of a clock of their exposure; every matrix has one at each.
    pub(super) fn exposure_times(
        &mut self,
        events: &EventTimes,
        weights: &[WeightsUse],
        units: usize,
        columns: &[(String, Vec<f64>)],
    ) -> Step<Vec<usize>> {
        let count = events.bins.len();
        let column = |b: usize, event: usize| &columns[count * (b + 1) + event].1;
        for (b, used) in weights.iter().enumerate() {
            let empty = |event: &usize| column(b, *event).iter().all(|v| *v <= 0.5);
            let empty: Vec<Bin> = (0..count).filter(empty).map(|event| events.bins[event]).collect();
            if !empty.is_empty() {
                return Err(self.report(no_exposure_at(&empty, count, &used.name), events.place.0));
            }
        }
        let ever = |event: usize, unit: usize| {
            (0..weights.len()).any(|b| column(b, event).iter().skip(unit).step_by(units).any(|v| *v > 0.5))
        };
        Ok((0..count).map(|event| (0..units).filter(|&unit| ever(event, unit)).count()).collect())
    }
}

/// The event times of the treated units, unit by unit.
fn observed(treatment: &Treatment, index: &PanelIndex) -> Vec<Vec<i64>> {
    let cells = index.cell_map();
    let of = |(unit, start): (usize, i64)| {
        let there = index.periods.iter().enumerate().filter(|(p, _)| cells.row(unit, *p).is_some());
        there.map(|(_, t)| t - start).collect()
    };
    treatment.starts.iter().enumerate().filter_map(|(unit, start)| start.map(|s| of((unit, s)))).collect()
}

fn needs_absorbing(treatment: &str) -> Fault {
    let message = format!("`{treatment}` may end: there is no time since a start to count");
    Fault::error("durbin::plan::needs_absorbing", message).help(
        "an event study takes a treatment that stays on: `starts(COLUMN)`, or `indicator(COLUMN)` without `reversible`",
    )
}

fn no_exposure_at(empty: &[Bin], bins: usize, matrix: &str) -> Fault {
    let named: Vec<String> = empty.iter().map(Bin::to_string).collect();
    let message = if empty.len() == bins {
        format!(
            "no untreated unit has a treated neighbor by `{matrix}` at any event time: there is no clock of exposure"
        )
    } else {
        let plural = if empty.len() == 1 { "the event time" } else { "the event times" };
        format!("no untreated unit is observed at {plural} {} of its exposure by `{matrix}`", named.join(", "))
    };
    Fault::error("durbin::treatment::empty_event_time", message)
        .help("`spill_clock: own` counts from the first start among a unit's neighbors: narrow the window, or widen the matrix")
}

fn empty_event_time(events: &EventTimes, counts: &[usize], observed: &[Vec<i64>]) -> Fault {
    let empty: Vec<String> =
        events.bins.iter().zip(counts).filter(|(_, n)| **n == 0).map(|(bin, _)| bin.to_string()).collect();
    let all = || observed.iter().flatten().copied();
    let (first, last) = (all().min().unwrap_or(0), all().max().unwrap_or(0));
    let plural = if empty.len() == 1 { "the event time" } else { "the event times" };
    let message = format!("no treated unit is observed at {plural} {}", empty.join(", "));
    let fault = Fault::error("durbin::treatment::empty_event_time", message);
    if first <= events.reference && events.reference < last {
        return fault.help(format!("the widest window is `{first}..{last}`"));
    }
    fault.help(format!(
        "treated units are observed from event time {first} to {last}, which leaves nothing to compare with the reference {}",
        events.reference
    ))
}
