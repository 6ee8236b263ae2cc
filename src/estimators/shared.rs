//! What models on one sample have in common, made once: matrices in memory order, and all of `ln|I − ρW|` that depends
//! neither on ρ nor on data (scaling 7: symbolic once per W).
//!
//! A matrix is known by its address: whoever wants sharing gives models the same `Arc`. Nothing here changes a number:
//! what is remembered is what each model would have made for itself.

use super::axis::{Axis, Curve, row_sum};
use super::renumber::order_of;
use super::search::Search;
use super::{EstimateError, Interrupt, Interval};
use crate::linalg::filter::{DENSE_UNITS, SpatialFilter};
use crate::linalg::order::{permute_matrix, permute_panel};
use crate::linalg::walks::ClosedWalks;
use crate::weights::Weights;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A matrix with its filter and the admissible interval of its parameter.
#[derive(Debug)]
pub struct Spectrum {
    pub(crate) weights: Arc<Weights>,
    pub(crate) filter: SpatialFilter,
    pub interval: Interval,
    /// Common row sum, where rows have one.
    pub(crate) row_sum: Option<f64>,
    pub(crate) walks: OnceLock<ClosedWalks>,
    /// The first look over the whole interval.
    pub(crate) look: OnceLock<Curve>,
}

impl Spectrum {
    /// `eigen`, `cholesky` or `lu`.
    pub fn method(&self) -> &'static str {
        self.filter.method()
    }
}

/// Searches that are remembered at most.
const SEARCHES: usize = 256;

/// The memory that estimates of one run, or of all runs of a session, have in common.
#[derive(Debug)]
pub struct Shared {
    dense_units: usize,
    orders: Memory<Option<Vec<u32>>>,
    moved: Memory<Weights>,
    filters: Memory<SpatialFilter>,
    spectra: Memory<Spectrum>,
    searches: Mutex<Vec<(String, Arc<Search>)>>,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared::with(DENSE_UNITS)
    }
}

impl Shared {
    /// Whole matrices up to `dense_units` units.
    pub(crate) fn with(dense_units: usize) -> Shared {
        let (orders, moved, filters) = (Memory::new(), Memory::new(), Memory::new());
        Shared { dense_units, orders, moved, filters, spectra: Memory::new(), searches: Mutex::default() }
    }

    pub(crate) fn dense_units(&self) -> usize {
        self.dense_units
    }

    /// The order of units in which neighbors of a matrix are close in memory; `None` where they are already.
    pub(crate) fn order(&self, giver: &Arc<Weights>) -> Result<Arc<Option<Vec<u32>>>, EstimateError> {
        self.orders.get(&[giver], || order_of(giver))
    }

    /// A matrix with its units in the order of `giver`.
    pub(crate) fn moved(&self, giver: &Arc<Weights>, w: &Arc<Weights>) -> Result<Arc<Weights>, EstimateError> {
        match self.order(giver)?.as_ref() {
            None => Ok(w.clone()),
            Some(order) => self.moved.get(&[giver, w], || {
                Ok(Weights {
                    matrix: permute_matrix(&w.matrix, order)?,
                    scaling: w.scaling,
                    symmetrizer: w.symmetrizer.as_ref().map(|s| permute_panel(s, order)),
                    periods: w.periods,
                })
            }),
        }
    }

    /// The filter of a matrix as it stands, with the interval of its parameter.
    ///
    /// # Errors
    /// Those of the eigenvalues or of the analysis of the matrix.
    pub fn spectrum(&self, w: &Arc<Weights>, interrupt: &dyn Interrupt) -> Result<Arc<Spectrum>, EstimateError> {
        self.spectra.get(&[w], || {
            let filter = self.filter(w)?.another();
            interrupt.begin("interval of the spatial parameter");
            let found = filter.interval()?;
            Ok(Spectrum {
                weights: w.clone(),
                filter,
                interval: Interval { lo: found.lo, hi: found.hi, rule: found.rule },
                row_sum: row_sum(w),
                walks: OnceLock::new(),
                look: OnceLock::new(),
            })
        })
    }

    /// Everything about `w` that estimates with units in the order of `giver` need and that no data move.
    ///
    /// # Errors
    /// As [`Shared::spectrum`], and `Interrupted`.
    pub fn prepare(
        &self,
        giver: &Arc<Weights>,
        w: &Arc<Weights>,
        interrupt: &dyn Interrupt,
    ) -> Result<Arc<Spectrum>, EstimateError> {
        let spectrum = self.spectrum(&self.moved(giver, w)?, interrupt)?;
        spectrum.filter.prepare()?;
        Axis::new(&spectrum, interrupt, self.dense_units).look()?;
        Ok(spectrum)
    }

    /// The filter of a matrix in the order of `giver`: its method and its size, before anything is factored.
    ///
    /// # Errors
    /// Those of the analysis.
    pub fn filter_of(&self, giver: &Arc<Weights>, w: &Arc<Weights>) -> Result<Arc<SpatialFilter>, EstimateError> {
        self.filter(&self.moved(giver, w)?)
    }

    /// Whether [`Shared::prepare`] has nothing left to do.
    pub fn prepared(&self, giver: &Arc<Weights>, w: &Arc<Weights>) -> bool {
        let moved = match self.orders.known(&[giver]).as_deref() {
            Some(None) => Some(w.clone()),
            Some(Some(_)) => self.moved.known(&[giver, w]),
            None => None,
        };
        moved.and_then(|m| self.spectra.known(&[&m])).is_some_and(|s| s.look.get().is_some())
    }

    /// Whether the interval of a matrix as it stands is known.
    pub fn knows_interval(&self, w: &Arc<Weights>) -> bool {
        self.spectra.known(&[w]).is_some()
    }

    /// Lets go of everything that belongs to other matrices than these and those that are these in another order.
    pub fn keep(&self, matrices: &[Arc<Weights>]) {
        let among = |all: &[Arc<Weights>], w: &Arc<Weights>| all.iter().any(|m| Arc::ptr_eq(m, w));
        self.orders.retain(|key, _| key.iter().all(|w| among(matrices, w)));
        self.moved.retain(|key, _| key.iter().all(|w| among(matrices, w)));
        let mut all = matrices.to_vec();
        self.moved.retain(|_, moved| {
            all.push(moved.clone());
            true
        });
        self.filters.retain(|key, _| key.iter().all(|w| among(&all, w)));
        self.spectra.retain(|key, _| key.iter().all(|w| among(&all, w)));
        let mut searches = self.searches.lock().unwrap_or_else(PoisonError::into_inner);
        let over = searches.len().saturating_sub(if matrices.is_empty() { 0 } else { SEARCHES });
        searches.drain(..over);
    }

    fn filter(&self, w: &Arc<Weights>) -> Result<Arc<SpatialFilter>, EstimateError> {
        self.filters.get(&[w], || Ok(SpatialFilter::new(&w.matrix, w.symmetrizer.as_deref())?))
    }

    /// The optima of a model: those known under its key, or what `make` finds. Without a key nothing is remembered.
    pub(crate) fn search(
        &self,
        key: Option<&str>,
        make: impl FnOnce() -> Result<Search, EstimateError>,
    ) -> Result<Arc<Search>, EstimateError> {
        let Some(key) = key else { return Ok(Arc::new(make()?)) };
        let lock = || self.searches.lock().unwrap_or_else(PoisonError::into_inner);
        let known = || {
            let mut all = lock();
            let place = all.iter().position(|(k, _)| k == key)?;
            // The last are those used last.
            let found = all.remove(place);
            all.push(found.clone());
            Some(found.1)
        };
        if let Some(known) = known() {
            return Ok(known);
        }
        let found = Arc::new(make()?);
        lock().push((key.to_string(), found.clone()));
        Ok(found)
    }
}

/// What was made of matrices, by their addresses; the matrices are held, so that no address comes back for another.
#[derive(Debug)]
struct Memory<T>(Mutex<Vec<Kept<T>>>);

type Kept<T> = (Vec<Arc<Weights>>, Arc<T>);

impl<T> Memory<T> {
    fn new() -> Memory<T> {
        Memory(Mutex::new(Vec::new()))
    }

    fn known(&self, of: &[&Arc<Weights>]) -> Option<Arc<T>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |key: &[Arc<Weights>]| key.iter().zip(of).all(|(a, b)| Arc::ptr_eq(a, b));
        kept.iter().find(|(key, _)| same(key)).map(|(_, made)| made.clone())
    }

    fn retain(&self, mut keep: impl FnMut(&[Arc<Weights>], &Arc<T>) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(key, made)| keep(key, made));
    }

    /// What is known, or what `make` gives, which is remembered. No lock is held meanwhile: whoever wants it made once
    /// makes it before others ask.
    fn get(
        &self,
        of: &[&Arc<Weights>],
        make: impl FnOnce() -> Result<T, EstimateError>,
    ) -> Result<Arc<T>, EstimateError> {
        if let Some(known) = self.known(of) {
            return Ok(known);
        }
        let made = Arc::new(make()?);
        let key = of.iter().map(|w| Arc::clone(w)).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((key, made.clone()));
        Ok(made)
    }
}
