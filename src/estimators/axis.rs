//! One spatial parameter of a search: where it may lie, and its log-determinant as a curve that is cheap to follow.

use super::rows::Row;
use super::shared::Spectrum;
use super::{EstimateError, Interrupt, Interval};
use crate::linalg::filter::SpatialFilter;
use crate::linalg::interpolant::LogDetInterpolant;
use crate::linalg::series::{Rough, rough};
use crate::linalg::walks::ClosedWalks;
use crate::weights::Weights;

/// Share of the interval that is left out at each end (methods B.6).
const MARGIN: f64 = 1e-6;
/// Nodes of the first look over the whole interval.
const LOOK: usize = 16;
/// Of the random signs of that look.
const SEED: u64 = 0x5EED_0000;

/// A spatial parameter with its matrix.
pub(crate) struct Axis<'a> {
    spectrum: &'a Spectrum,
    pub weights: &'a Weights,
    /// Its own factors; what no ρ moves is that of the spectrum.
    pub filter: SpatialFilter,
    pub interval: Interval,
    /// Common row sum of its matrix, where rows have one.
    pub row_sum: Option<f64>,
    /// Units above which the first look is a series, and exact values are kept for windows.
    dense_units: usize,
    pub interrupt: &'a dyn Interrupt,
}

/// `L(ρ) = ln|I − ρW|` on a stretch of the interval; beyond its ends it goes on as a straight line, which lies above `L`
/// where that is concave.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    pub log_determinant: LogDetInterpolant,
    pub lo: f64,
    pub hi: f64,
    /// Largest error of its values that is expected.
    pub error: f64,
}

impl Curve {
    /// `L` and `L′`.
    pub fn at(&self, x: f64) -> (f64, f64) {
        let inside = x.clamp(self.lo, self.hi);
        let slope = self.log_determinant.first(inside);
        let beyond = if x == inside { 0.0 } else { slope * (x - inside) };
        (self.log_determinant.value(inside) + beyond, slope)
    }
}

impl<'a> Axis<'a> {
    pub fn new(spectrum: &'a Spectrum, interrupt: &'a dyn Interrupt, dense_units: usize) -> Self {
        Axis {
            spectrum,
            weights: &spectrum.weights,
            filter: spectrum.filter.another(),
            interval: spectrum.interval,
            row_sum: spectrum.row_sum,
            dense_units,
            interrupt,
        }
    }

    /// The interval without its ends (methods B.6).
    pub fn open(&self) -> (f64, f64) {
        let margin = MARGIN * (self.interval.hi - self.interval.lo);
        (self.interval.lo + margin, self.interval.hi - margin)
    }

    /// Within a thousandth of the interval's width from its ends.
    pub fn at_boundary(&self, x: f64) -> bool {
        let width = self.interval.hi - self.interval.lo;
        (x - self.interval.lo).min(self.interval.hi - x) < 1e-3 * width
    }

    /// Closed walks on its matrix, worked out when first needed.
    pub fn walks(&self) -> &ClosedWalks {
        self.spectrum.walks.get_or_init(|| ClosedWalks::of(self.filter.matrix()))
    }

    /// Whether every curve of it is exact everywhere.
    pub fn exact(&self) -> bool {
        self.filter.eigenvalues().is_some()
    }

    /// `m L(x) − c ln(1 − κx)` and its derivative.
    pub fn term(&self, row: &Row, curve: &Curve, x: f64) -> (f64, f64) {
        let (value, slope) = curve.at(x);
        let (constant, constant_slope) = self.constant(row, x);
        (row.periods * value - constant, row.periods * slope - constant_slope)
    }

    /// `c ln(1 − κx)` and its derivative: what period effects take out of the determinant (methods C.3).
    pub fn constant(&self, row: &Row, x: f64) -> (f64, f64) {
        if row.constant == 0.0 {
            return (0.0, 0.0);
        }
        let k = self.row_sum.unwrap_or(1.0);
        (row.constant * (1.0 - k * x).ln(), -row.constant * k / (1.0 - k * x))
    }

    /// A first look over the whole interval: exact values at its nodes, or a series for many units.
    pub fn look(&self) -> Result<Curve, EstimateError> {
        if let Some(known) = self.spectrum.look.get() {
            return Ok(known.clone());
        }
        let curve = self.first_look()?;
        // Somebody else may have been first, with the same curve.
        let _ = self.spectrum.look.set(curve.clone());
        Ok(curve)
    }

    fn first_look(&self) -> Result<Curve, EstimateError> {
        let (lo, hi) = self.open();
        if !self.exact() && self.filter.units() > self.dense_units {
            self.interrupt.begin("first look at the log-determinant");
            let found = rough(&self.filter, (lo, hi), self.walks(), SEED, &|| self.interrupt.stop())?;
            let Rough { log_determinant, lo, hi, error } = found;
            return Ok(Curve { log_determinant, lo, hi, error });
        }
        let curve = self.through(lo, hi, LOOK)?;
        Ok(Curve { error: curve.log_determinant.tail().0, ..curve })
    }

    /// Around `center`, inside the open interval; six nodes on a narrow stretch, more on a wider one (scaling 3).
    pub fn window(&self, center: f64, half: f64) -> Result<Curve, EstimateError> {
        let (lo, hi) = self.open();
        let nodes = match half {
            h if h <= 0.02 => 6,
            h if h <= 0.05 => 8,
            _ => 10,
        };
        self.through((center - half).max(lo), (center + half).min(hi), nodes)
    }

    fn through(&self, lo: f64, hi: f64, nodes: usize) -> Result<Curve, EstimateError> {
        self.interrupt.begin(match nodes {
            6 => "log-determinant at 6 nodes",
            8 => "log-determinant at 8 nodes",
            10 => "log-determinant at 10 nodes",
            _ => "log-determinant at 16 nodes",
        });
        let log_determinant = self.filter.interpolate(lo, hi, nodes, &|| self.interrupt.stop())?;
        let (lo, hi) = if self.exact() { (f64::NEG_INFINITY, f64::INFINITY) } else { (lo, hi) };
        Ok(Curve { log_determinant, lo, hi, error: 0.0 })
    }
}

/// The sum of every row, where they have one.
pub(crate) fn row_sum(weights: &Weights) -> Option<f64> {
    let sums = weights.row_sums();
    let first = *sums.first()?;
    sums.iter().all(|s| (s - first).abs() < 1e-12).then_some(first)
}
