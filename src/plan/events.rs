//! Event times of a design on the sample it will be estimated on (methods E.2).

use super::{Planner, Reported, Step};
use crate::check::spec::EventTimes;
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
