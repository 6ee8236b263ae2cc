//! What instruments and random effects need of a sample (methods C.9, C.10).

use super::design::Columns;
use super::panels::PanelData;
use super::sample::Sample;
use super::{Planner, Step};
use crate::check::spec::{ApproachSpec, ModelSpec};
use crate::data::balance::cells;
use crate::data::keys::PanelIndex;
use crate::estimators::Approach;

impl Planner<'_> {
    /// The approach with its columns.
    pub(super) fn approach(
        &mut self,
        spec: &ModelSpec,
        panel: &PanelData,
        sample: &Sample,
        index: &PanelIndex,
        columns: &Columns,
    ) -> Step<Approach> {
        Ok(match &spec.approach {
            ApproachSpec::Likelihood | ApproachSpec::Random { .. } => Approach::Likelihood,
            ApproachSpec::Moments => Approach::Moments,
            ApproachSpec::Instruments { endogenous, instruments } => {
                let cells = cells(index, &sample.rows);
                let (found, _) = self.term_columns(instruments, spec, panel, sample, &cells)?;
                let of_term = |k: &usize| endogenous.contains(&columns.origin[*k]);
                Approach::Instruments {
                    endogenous: (0..columns.terms.len()).filter(of_term).collect(),
                    instruments: found.into_iter().map(|(_, values)| values).collect(),
                }
            }
        })
    }
}
