//! How far effects over time survive departures from parallel trends (Rambachan and Roth 2023, *Review of Economic
//! Studies* 90:2555–2591; methods E.10).
//!
//! Estimates are effects plus a difference of trends δ, zero in the reference period. *Relative*: δ moves from period to
//! period after the reference by at most M̄ times its largest move before. *Smooth*: its slope changes by at most M.

mod fixed_length;
mod relative;

pub use fixed_length::{FixedLength, folded_quantile};

use nalgebra::{DMatrix, DVector};

/// Estimates by event time with their covariance, ascending and without a gap but the reference; the reference lies
/// among them, its estimate zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub event_times: Vec<i64>,
    pub reference: i64,
    pub estimates: Vec<f64>,
    pub vcov: DMatrix<f64>,
}

/// How trends may depart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restriction {
    Relative,
    Smooth,
}

/// What is left of an effect under one bound on departures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Robust {
    pub bound: f64,
    /// The effects that estimates allow if they had no error; NaN where none fits the bound.
    pub identified: [f64; 2],
    /// A confidence interval.
    pub interval: [f64; 2],
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HonestError {
    /// Fewer event times before the reference than the restriction needs.
    #[error("{have} event times before the reference, {needed} are needed")]
    FewLeads { have: usize, needed: usize },
    /// Event times that do not follow each other.
    #[error("event time {after} follows {before}")]
    Gap { before: i64, after: i64 },
    #[error("an estimate has no variance")]
    NoVariance,
    #[error("the event time {0} is not there")]
    NoSuchTime(i64),
}

/// The largest bound a search for the breakdown value looks at, relative to its start.
const FARTHEST: f64 = 1e4;

impl Path {
    /// Checks that event times follow each other and variances are there.
    pub fn new(
        event_times: Vec<i64>,
        reference: i64,
        estimates: Vec<f64>,
        vcov: DMatrix<f64>,
    ) -> Result<Path, HonestError> {
        let mut last: Option<i64> = None;
        for &e in &event_times {
            let next = last.map(|l| if l + 1 == reference { l + 2 } else { l + 1 });
            if let (Some(next), Some(before)) = (next, last)
                && e != next
            {
                return Err(HonestError::Gap { before, after: e });
            }
            last = Some(e);
        }
        let diagonal = vcov.diagonal();
        if diagonal.iter().any(|v| !(*v > 0.0 && v.is_finite())) {
            return Err(HonestError::NoVariance);
        }
        Ok(Path { event_times, reference, estimates, vcov })
    }

    fn at(&self, event: i64) -> Option<usize> {
        self.event_times.iter().position(|e| *e == event)
    }

    /// The weights of one event time after the reference, or of the mean of all of them from 0 on (`None`).
    pub fn target(&self, event: Option<i64>) -> Result<DVector<f64>, HonestError> {
        let mut out = DVector::zeros(self.event_times.len());
        match event {
            Some(e) => match self.at(e).filter(|_| e > self.reference) {
                Some(k) => out[k] = 1.0,
                None => return Err(HonestError::NoSuchTime(e)),
            },
            None => {
                let after: Vec<usize> = (0..out.len()).filter(|&k| self.event_times[k] >= 0).collect();
                if after.is_empty() {
                    return Err(HonestError::NoSuchTime(0));
                }
                after.iter().for_each(|&k| out[k] = 1.0 / after.len() as f64);
            }
        }
        Ok(out)
    }

    fn value(&self, weights: &DVector<f64>) -> f64 {
        weights.iter().zip(&self.estimates).map(|(w, b)| w * b).sum()
    }

    fn variance(&self, a: &DVector<f64>, b: &DVector<f64>) -> f64 {
        (a.transpose() * &self.vcov * b)[0]
    }

    /// δ at an event time as weights of the estimates; the reference has none.
    fn unit(&self, event: i64) -> DVector<f64> {
        let mut out = DVector::zeros(self.event_times.len());
        if let Some(k) = self.at(event) {
            out[k] = 1.0;
        }
        out
    }

    fn first(&self) -> i64 {
        self.event_times.first().copied().unwrap_or(self.reference).min(self.reference)
    }

    fn last(&self) -> i64 {
        self.event_times.last().copied().unwrap_or(self.reference).max(self.reference)
    }

    /// The effect under one bound.
    ///
    /// # Errors
    /// `FewLeads`: one event time before the reference for `Relative`, and one for `Smooth` too.
    pub fn robust(
        &self,
        target: &DVector<f64>,
        restriction: Restriction,
        bound: f64,
        level: f64,
    ) -> Result<Robust, HonestError> {
        let have = usize::try_from(self.reference - self.first()).unwrap_or(0);
        if have == 0 {
            return Err(HonestError::FewLeads { have, needed: 1 });
        }
        Ok(match restriction {
            Restriction::Relative => self.relative(target, bound, level),
            Restriction::Smooth => {
                let found = self.fixed_length(target, bound, level);
                let (center, half) = (self.value(&found.weights), found.half_length);
                Robust { bound, identified: self.smooth_set(target, bound), interval: [center - half, center + half] }
            }
        })
    }

    /// The largest bound under which the interval still leaves zero out; `None` where it holds zero already at bound 0,
    /// infinity where it never does. `start` is a bound of the size that matters.
    ///
    /// # Errors
    /// As [`Path::robust`].
    pub fn breakdown(
        &self,
        target: &DVector<f64>,
        restriction: Restriction,
        level: f64,
        start: f64,
    ) -> Result<Option<f64>, HonestError> {
        let holds_zero = |bound: f64| -> Result<bool, HonestError> {
            let [lo, hi] = self.robust(target, restriction, bound, level)?.interval;
            Ok(lo <= 0.0 && 0.0 <= hi)
        };
        if holds_zero(0.0)? {
            return Ok(None);
        }
        let (mut low, mut high) = (0.0, start);
        while !holds_zero(high)? {
            if high > FARTHEST * start {
                return Ok(Some(f64::INFINITY));
            }
            (low, high) = (high, 2.0 * high);
        }
        for _ in 0..50 {
            let middle = 0.5 * (low + high);
            if high - low <= 1e-8 * high {
                break;
            }
            if holds_zero(middle)? { high = middle } else { low = middle }
        }
        Ok(Some(low))
    }
}
