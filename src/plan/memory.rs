//! How much memory steps need: estimates by size alone, before anything is computed, and the limit they are held to.
//!
//! The factors come from what the kernels hold (scaling 4, 5 and 7): numbers are 8 bytes, entries of a matrix 16 as they
//! are built and 12 in a filter. They are meant to be right to within a factor of two where memory is scarce, for large
//! samples; small ones are dominated by what the program itself takes.

use super::panels::PanelData;
use super::{Planner, Step};
use crate::check::spec::{WeightsExpr, WeightsKind};
use crate::estimators::Problem;
use crate::fault::{Fault, size};
use crate::linalg::filter::DENSE_UNITS;
use crate::outcome::steps::{Steps, What};
use crate::weights::geometry::links_within;

/// Units whose neighbors are counted to guess the links of a matrix.
const ASKED: usize = 500;
/// Nodes at which a log-determinant is taken at the same time, at most.
const NODES: usize = 16;

/// The memory there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `--memory`.
    Given(u64),
    /// What the machine has left.
    Available(u64),
}

impl Limit {
    /// In bytes.
    pub fn bytes(self) -> u64 {
        match self {
            Limit::Given(bytes) | Limit::Available(bytes) => bytes,
        }
    }

    fn words(self) -> String {
        match self {
            Limit::Given(bytes) => format!("`--memory` allows {}", size(bytes)),
            Limit::Available(bytes) => format!("this machine has {} left", size(bytes)),
        }
    }
}

/// Bytes of a step: those that stay, and those it needs beside while it is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub kept: u64,
    pub working: u64,
}

impl Size {
    fn all(self) -> u64 {
        self.kept.saturating_add(self.working)
    }
}

/// So many numbers of eight bytes; sizes of matrices that nobody can hold do not overflow.
fn numbers(count: usize) -> u64 {
    8u64.saturating_mul(count as u64)
}

/// A file as it stands, and its cells with their ends.
pub(super) fn file(bytes: u64, cells: usize) -> Size {
    Size { kept: bytes + 4 * cells as u64, working: bytes }
}

/// Some pieces of a file at a time, with their columns.
pub(super) fn stream(bytes: u64) -> Size {
    Size { kept: 0, working: bytes.min(96 << 20) }
}

/// Keys of rows, the rows of joined columns, derived columns.
pub(super) fn panel(rows: usize, derived: usize) -> Size {
    Size { kept: 20 * rows as u64 + numbers(rows * derived), working: numbers(3 * rows) }
}

/// A matrix, which is a list of its entries first.
pub(super) fn weights(units: usize, links: u64) -> Size {
    Size { kept: links.saturating_mul(16) + numbers(3 * units), working: links.saturating_mul(48) }
}

/// What a filter holds: the matrix both ways (once more where units are in another order), eigenvalues or patterns;
/// at work, the dense matrices of eigenvalues or a factor per node.
pub(super) fn log_determinant(method: &str, units: usize, links: usize, factor: usize, threads: usize) -> Size {
    let moved = if units > DENSE_UNITS { 16 } else { 0 };
    let filter = (24 + moved) * links as u64 + numbers(4 * units);
    match method {
        "eigen" => Size { kept: filter + numbers(2 * units), working: 3 * numbers(factor) },
        _ => Size {
            kept: filter + 20 * links as u64 + numbers(factor / 4),
            working: numbers(factor).saturating_mul(threads.clamp(1, NODES) as u64),
        },
    }
}

/// Raw columns of a model.
pub(super) fn design(problem: &Problem) -> Size {
    let columns = 1 + problem.regressors.len();
    Size { kept: numbers(columns * problem.units * problem.periods), working: numbers(problem.units * problem.periods) }
}

/// Residuals and fitted values stay; at work, columns with their lags and a basis of them, and the operators of
/// variances: whole matrices for few units.
pub(super) fn fit(problem: &Problem, slopes: usize, factors: u64) -> Size {
    let (units, periods) = problem.spatial_shape();
    let cells = units * periods;
    let spatial = usize::from(problem.model.has_lag()) + usize::from(problem.model.has_error());
    let moved = if units > DENSE_UNITS && spatial > 0 { 1 + problem.regressors.len() } else { 0 };
    let filtered = if problem.model.has_error() { slopes + 2 } else { 0 };
    let whole = if units <= DENSE_UNITS { 6 * spatial * units * units } else { 0 };
    Size {
        kept: numbers(2 * cells + slopes * slopes),
        working: numbers((2 * slopes + 10 + moved + filtered) * cells + whole).saturating_add(factors),
    }
}

/// The worst moment: a step of planning with what came before it, or the largest estimates at the same time on top of
/// everything that stays. Sets [`Steps::peak_bytes`] and [`Steps::peak_step`].
pub(super) fn peak(steps: &mut Steps) {
    let later = |what: &What| matches!(what, What::LogDeterminant { .. } | What::Interval { .. } | What::Fit { .. });
    let (mut held, mut worst) = (0u64, (0u64, 0usize));
    for step in steps.steps.iter().filter(|s| !later(&s.what)) {
        held = held.saturating_add(step.kept_bytes);
        let now = held.saturating_add(step.working_bytes);
        if now > worst.0 {
            worst = (now, step.number);
        }
    }
    let mut at_work: Vec<(u64, usize)> =
        steps.steps.iter().filter(|s| later(&s.what)).map(|s| (s.working_bytes, s.number)).collect();
    at_work.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let all = steps.steps.iter().fold(0u64, |sum, s| sum.saturating_add(s.kept_bytes));
    let together = at_work.iter().take(steps.threads).fold(all, |sum, w| sum.saturating_add(w.0));
    if let Some(first) = at_work.first().filter(|_| together > worst.0) {
        worst = (together, first.1);
    }
    (steps.peak_bytes, steps.peak_step) = worst;
}

/// The fault of a run that needs more than there is.
pub(super) fn check(steps: &Steps, limit: Option<Limit>) -> Option<Fault> {
    let limit = limit.filter(|l| steps.peak_bytes > l.bytes())?;
    let step = steps.steps.iter().find(|s| s.number == steps.peak_step)?;
    let doing = match &step.what {
        What::Read { .. } => "reading",
        What::Weights { .. } => "building",
        What::LogDeterminant { .. } | What::Interval { .. } => "the log-determinant of",
        What::Fit { .. } => "estimating",
        _ => "making",
    };
    let message = format!(
        "the run would need about {}, most of it at step {}, {doing} `{}`, and {}",
        size(steps.peak_bytes),
        step.number,
        step.name,
        limit.words()
    );
    let help = match &step.what {
        What::Weights { .. } | What::LogDeterminant { .. } | What::Interval { .. } => SPARSER,
        What::Fit { .. } => {
            "fewer terms or models in one program, or sparser weights; `--threads 1` estimates one model after the other"
        }
        _ => "keep fewer rows with `where`, in a smaller file",
    };
    Some(Fault::error("durbin::plan::memory", message).help(help))
}

const SPARSER: &str = "sparser weights: a smaller bound or cutoff, or the nearest units alone, as in `knn(10)`";

impl Planner<'_> {
    /// Refuses a source of weights whose matrix would not fit, before it is built.
    pub(super) fn room_for(&mut self, recipe: &WeightsExpr, panel: &PanelData) -> Step<()> {
        let Some(limit) = self.means.memory else { return Ok(()) };
        let units = panel.index.units.len();
        let complete = (units as u64).saturating_mul(units as u64);
        if weights(units, complete).all() <= limit.bytes() {
            return Ok(());
        }
        let Some(links) = links_ahead(&recipe.kind, panel) else { return Ok(()) };
        let need = weights(units, links).all();
        if need <= limit.bytes() {
            return Ok(());
        }
        let message = format!(
            "building `{}` for {units} units, with about {links} links, would need about {}, and {}",
            recipe.text,
            size(need),
            limit.words()
        );
        Err(self.report(Fault::error("durbin::plan::memory", message).help(SPARSER), recipe.place.0))
    }
}

/// How many links a source will have, where its file does not bound them: from the neighbors of some units.
fn links_ahead(kind: &WeightsKind, panel: &PanelData) -> Option<u64> {
    let points = panel.coordinates.as_ref();
    let units = panel.index.units.len() as u64;
    let complete = units.saturating_mul(units);
    match kind {
        WeightsKind::Band { lo, hi, .. } if hi.is_finite() => Some(links_within(points?, *lo, *hi, ASKED)),
        WeightsKind::Inverse { cutoff: Some(cutoff), .. } => Some(links_within(points?, 0.0, *cutoff, ASKED)),
        WeightsKind::Knn { k, .. } => Some(units.saturating_mul(*k as u64)),
        WeightsKind::Exponential { cutoff, .. } | WeightsKind::Gravity { cutoff, .. } if cutoff.is_finite() => {
            Some(links_within(points?, 0.0, *cutoff, ASKED))
        }
        WeightsKind::Band { .. }
        | WeightsKind::Inverse { .. }
        | WeightsKind::Exponential { .. }
        | WeightsKind::Gravity { .. }
        | WeightsKind::Similarity { .. } => Some(complete),
        _ => None,
    }
}
