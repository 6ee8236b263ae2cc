//! What instruments and random effects need of a sample (methods C.9, C.10).

use super::design::Columns;
use super::panels::PanelData;
use super::sample::Sample;
use super::{Planner, Step, faults};
use crate::check::spec::{ApproachSpec, ModelSpec};
use crate::data::keys::PanelIndex;
use crate::estimators::Approach;
use crate::linalg::panel::unit_means;

/// Values differ where they do by more than this share of the largest.
const CONSTANT: f64 = 1e-11;

impl Planner<'_> {
    /// What random effects need, and the unit means of terms that move over time and differ between units (Mundlak):
    /// how many there are. They stand behind the terms, under the name the language has for them.
    pub(super) fn random_effects(
        &mut self,
        spec: &ModelSpec,
        index: &PanelIndex,
        balanced: bool,
        columns: &mut Columns,
    ) -> Step<usize> {
        let ApproachSpec::Random { mundlak, .. } = spec.approach else { return Ok(0) };
        let (n, t) = (index.units.len(), index.periods.len());
        if t == 1 {
            return Err(self.report(faults::random_of_one_period(n), spec.formula_place.0));
        }
        if !balanced {
            return Err(self.report(faults::random_with_gaps(&spec.query), spec.formula_place.0));
        }
        if !mundlak {
            return Ok(0);
        }
        let before = columns.terms.len();
        for k in 0..before {
            let (name, values) = &columns.terms[k];
            let means = unit_means(values, n, t);
            let size = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            let moves = values.iter().enumerate().any(|(r, v)| (v - means[r % n]).abs() > CONSTANT * size);
            let differs = means.iter().any(|m| (m - means[0]).abs() > CONSTANT * size);
            if moves && differs {
                let column = (0..n * t).map(|r| means[r % n]).collect();
                columns.terms.push((format!("mean({name} over time)"), column));
                columns.origin.push(columns.origin[k]);
            }
        }
        Ok(columns.terms.len() - before)
    }

    /// The approach with its columns.
    pub(super) fn approach(
        &mut self,
        spec: &ModelSpec,
        panel: &PanelData,
        sample: &Sample,
        cells: &[Option<u32>],
        columns: &Columns,
    ) -> Step<Approach> {
        Ok(match &spec.approach {
            ApproachSpec::Likelihood => Approach::Likelihood,
            ApproachSpec::Random { effects, .. } => Approach::Random(*effects),
            ApproachSpec::Moments => Approach::Moments,
            ApproachSpec::Instruments { endogenous, instruments } => {
                let (found, _) = self.term_columns(instruments, spec, panel, sample, cells)?;
                let of_term = |k: &usize| endogenous.contains(&columns.origin[*k]);
                Approach::Instruments {
                    endogenous: (0..columns.terms.len()).filter(of_term).collect(),
                    instruments: found.into_iter().map(|(_, values)| values).collect(),
                }
            }
        })
    }
}
