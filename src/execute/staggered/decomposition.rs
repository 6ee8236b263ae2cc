//! The two-way estimate taken apart.

use super::{Asked, StaggeredError, State};
use crate::designs::staggered::{self as designs, Versus};
use crate::outcome::staggered::{BaconComparison, BaconType, Decomposition, ExposedControls};

fn word(versus: Versus) -> &'static str {
    match versus {
        Versus::Never => "never",
        Versus::Later => "earlier_vs_later",
        Versus::Earlier => "later_vs_earlier",
        Versus::Always => "later_vs_always",
    }
}

impl Asked<'_> {
    pub(super) fn decomposition(&self) -> Result<Decomposition, StaggeredError> {
        let sample = self.sample();
        let found = designs::bacon(sample)?;
        let header = self.header("bacon", crate::estimators::Reference::Normal);
        let comparison = |c: &designs::Comparison| BaconComparison {
            treated: c.treated,
            control: c.control,
            versus: word(c.versus),
            weight: c.weight,
            estimate: c.estimate,
        };
        let of = |versus: Versus| {
            let parts: Vec<_> = found.comparisons.iter().filter(|c| c.versus == versus).collect();
            let weight: f64 = parts.iter().map(|c| c.weight).sum();
            let estimate = parts.iter().map(|c| c.weight * c.estimate).sum::<f64>() / weight;
            (!parts.is_empty()).then(|| BaconType { group: word(versus), weight, estimate, comparisons: parts.len() })
        };
        let exposed_controls = match self.plan.matrices.is_empty() {
            true => None,
            false => {
                let (weight, cells) = designs::exposed_weight(sample)?;
                let n = sample.units;
                let ever = |i: usize| sample.periods.iter().any(|p| matches!(sample.state(i, *p), State::Exposed(_)));
                Some(ExposedControls { cells, units: (0..n).filter(|&i| ever(i)).count(), weight })
            }
        };
        Ok(Decomposition {
            of: header.of,
            outcome: header.outcome,
            treatment: header.treatment,
            estimate: found.estimate,
            types: [Versus::Never, Versus::Later, Versus::Earlier, Versus::Always].into_iter().filter_map(of).collect(),
            comparisons: found.comparisons.iter().map(comparison).collect(),
            exposure: header.exposure,
            exposed_controls,
            nobs: header.nobs,
            units: header.units,
            first_period: header.first_period,
            last_period: header.last_period,
            dropped: header.dropped,
            notes: Vec::new(),
        })
    }
}
