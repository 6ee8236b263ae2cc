//! The words of `durbin::plan::…`: data are known, nothing is estimated.

use super::MatrixUsed;
use crate::data::keys::PanelIndex;
use crate::fault::{Fault, quoted_list};

/// A step of planning that gave up without a word.
pub(super) fn silent() -> Fault {
    Fault::error("durbin::run::bug", "planning stopped without a reason")
        .help("this is an error of durbin: please report the program to its authors")
}

pub(super) fn too_few_units(index: &PanelIndex) -> Fault {
    let message = format!("the sample has one unit, `{}`: there is nobody to compare it with", index.units.join(""));
    Fault::error("durbin::plan::too_few_units", message).help("look at `where` and at the column of units")
}

pub(super) fn too_few_periods(units: usize) -> Fault {
    let message = format!(
        "the sample is a cross-section ({units} units × 1 period): unit effects need at least 2 periods, they would leave nothing"
    );
    Fault::error("durbin::plan::too_few_periods", message).help("`fe: none` estimates a cross-section")
}

pub(super) fn random_of_one_period(units: usize) -> Fault {
    let message = format!(
        "the sample is a cross-section ({units} units × 1 period): random unit effects cannot be told from the errors"
    );
    Fault::error("durbin::plan::too_few_periods", message).help("`fe: none` estimates a cross-section")
}

pub(super) fn random_with_gaps(query: &str) -> Fault {
    let message = format!("random effects of `{query}` need a balanced panel, and this one has gaps");
    Fault::error("durbin::plan::needs_balanced", message).help("`balance drop` leaves units with gaps out")
}

pub(super) fn too_few_rows(parameters: usize, rows: usize) -> Fault {
    let message = format!("{parameters} parameters, fixed effects included, and {rows} rows");
    Fault::error("durbin::plan::too_few_rows", message).help("leave terms or fixed effects out")
}

/// The first gap, and who can use a panel with gaps.
pub(super) fn needs_balanced(query: &str, index: &PanelIndex) -> Fault {
    let cells = index.cell_map();
    let gap = (0..index.units.len()).find_map(|u| {
        let p = (0..index.periods.len()).find(|&p| cells.row(u, p).is_none())?;
        Some(format!(": `{}` lacks {}", index.units[u], index.periods[p]))
    });
    let message = format!(
        "`{query}` needs a balanced panel, for the spatial lag of a unit is not defined where a neighbor has no row{}",
        gap.unwrap_or_default()
    );
    Fault::error("durbin::plan::needs_balanced", message)
        .help("`balance drop` leaves units with gaps out; `ols` and `did` take a panel with gaps")
}

/// `within` names the fixed effects that leave nothing.
pub(super) fn constant_outcome(outcome: &str, value: f64, within: Option<&str>) -> Fault {
    let message = match within {
        None => format!("the outcome `{outcome}` is {value} in every row of the sample"),
        Some(effects) => format!("nothing of the outcome `{outcome}` is left within the {effects} effects"),
    };
    Fault::error("durbin::plan::constant_outcome", message).help("look at `where` and at the outcome's column")
}

pub(super) fn few_clusters(count: usize, kind: &str) -> Fault {
    if count < 2 {
        let message = format!("standard errors clustered by {kind} need at least 2 clusters, the sample has {count}");
        return Fault::error("durbin::plan::few_clusters", message).help("`se: robust`");
    }
    let message = format!("standard errors clustered by {count} {kind}: fewer than 30 clusters make them unreliable");
    Fault::warning("durbin::plan::few_clusters", message)
        .help("`placebo` tests by permutation and does not rest on the number of clusters")
}

/// A variance that looks further back than the panel goes.
pub(super) fn variance_lags(variance: &str, lags: usize, periods: usize) -> Fault {
    let periods = crate::fault::counted(periods, "period", "periods");
    let message = format!("`{variance}` relates errors {lags} periods apart, and the sample has {periods}");
    Fault::error("durbin::plan::too_many_lags", message).help("fewer lags, well below the number of periods")
}

pub(super) fn few_periods(periods: usize) -> Fault {
    let message =
        format!("`driscoll_kraay` rests on many periods, and the sample has {periods}: its errors may be too small");
    Fault::warning("durbin::plan::few_clusters", message).help("`cluster(unit)` rests on the number of units")
}

pub(super) fn short_dynamic(periods: usize) -> Fault {
    let message = format!(
        "a dynamic model on {}: the correction for its unit effects leaves a bias of the order of 1/T²",
        crate::fault::counted(periods, "period", "periods")
    );
    Fault::warning("durbin::plan::short_dynamic", message)
        .help("read the coefficient of the lag with care; more periods reduce the bias")
}

pub(super) fn weakly_identified() -> Fault {
    let message =
        "`gns` has spatial lags of outcome, regressors and error at once: its parameters are weakly identified";
    Fault::warning("durbin::plan::weakly_identified", message).help("estimate `sdm` or `sdem`")
}

pub(super) fn dense(name: &str, share: f64) -> Fault {
    let message =
        format!("`{name}` links {:.0} % of all pairs of units; estimates of rho suffer from so many", share * 100.0);
    Fault::warning("durbin::weights::dense", message)
        .help("a cutoff, as in `band(0, 250)`, makes neighbors of near units only")
}

pub(super) fn empty_matrix(name: &str) -> Fault {
    Fault::error("durbin::weights::empty", format!("`{name}` links no units of the sample"))
        .help("look at its bounds, and at the units the sample leaves out")
}

pub(super) fn missing_lag(term: &str) -> Fault {
    let message = format!("`{term}` is missing for units of the sample whose neighbors have missing values");
    Fault::error("durbin::data::missing_value", message)
        .help("under `missing drop` the lagged column counts as used where it stands in the formula by itself")
}

pub(super) fn partial_without_periods() -> Fault {
    Fault::error(
        "durbin::check::bad_option_value",
        "`likelihood: partial` corrects for period effects, and this model has none",
    )
    .help("`likelihood: transform` needs no row sums without period effects")
}

/// Which rows of a matrix do not sum to one: islands by name, or the sums.
pub(super) fn uneven_rows(matrix: &MatrixUsed, units: &[String]) -> String {
    let sums = matrix.weights.row_sums();
    let empty: Vec<&String> = units.iter().zip(&sums).filter(|(_, s)| **s == 0.0).map(|(u, _)| u).collect();
    if !empty.is_empty() {
        let verb = if empty.len() == 1 { "has" } else { "have" };
        return format!("{} {verb} no neighbor in `{}`", quoted_list(&empty), matrix.name);
    }
    let least = sums.iter().copied().fold(f64::INFINITY, f64::min);
    let most = sums.iter().copied().fold(0.0, f64::max);
    if most - least < 1e-4 {
        return format!("rows of `{}` sum to {most:.4}, not to 1", matrix.name);
    }
    format!("rows of `{}` sum to between {least:.4} and {most:.4}, not to 1", matrix.name)
}

pub(super) fn row_sums(matrix: &MatrixUsed, units: &[String]) -> Fault {
    let message = format!(
        "`likelihood: transform` with period effects needs rows of W that sum to one: {}",
        uneven_rows(matrix, units)
    );
    Fault::error("durbin::plan::row_sums", message)
        .help("`likelihood: partial` takes such a matrix and is the default for it; `row(…)` scales rows to one")
}

/// A column that fixed effects take away.
pub fn absorbed(term: &str, effect: &str) -> Fault {
    let message = format!("`{term}` does not vary once {effect} effects are removed: they absorb it");
    Fault::error("durbin::plan::absorbed", message)
        .help(format!("leave `{term}` out, choose other effects with `fe:`, or let it act through an interaction"))
}

/// Columns that make one another up, with their coefficients.
pub fn collinear(term: &str, others: &[(String, f64)], effects: Option<&str>, complete: bool) -> Fault {
    let mut parts: Vec<String> = others.iter().map(|(name, c)| format!("{} × `{name}`", signed(*c))).collect();
    if let Some(effects) = effects {
        parts.push(format!("{effects} effects"));
    }
    let mut message = format!("`{term}` is a linear combination of other columns: {}", parts.join(" + "));
    if complete {
        message += "; its matrix links all units equally, so that the lag of a unit is the mean of the others";
    }
    let names: Vec<&String> = others.iter().map(|o| &o.0).collect();
    let help = if complete {
        "use weights that tell units apart, such as `W_band(0, 250)` or `W_knn(5)`; or leave that lag out with `durbin:`".to_string()
    } else if names.is_empty() {
        format!("leave `{term}` out, or use weights that differ between units")
    } else {
        format!("leave out one of {} and `{term}`", crate::fault::ticked_all(&names))
    };
    Fault::error("durbin::plan::collinear", message).help(help)
}

fn signed(c: f64) -> String {
    let rounded = format!("{c:.4}");
    rounded.trim_end_matches('0').trim_end_matches('.').to_string()
}
