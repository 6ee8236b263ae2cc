//! Units without neighbors: the fault that names them, and the link to the nearest unit.

use super::geometry::{Coordinates, nearest_unit};
use super::{Weights, from_entries};
use crate::fault::{Fault, Level, quoted_list};

/// `islands` at a level (error, warning under `keep`, note under `nearest` and `drop`); `None` without islands.
pub fn islands_fault(
    weights: &Weights,
    units: &[String],
    coordinates: Option<&Coordinates>,
    level: Level,
) -> Option<Fault> {
    let islands = weights.islands();
    let first = *islands.first()?;
    let names: Vec<&String> = islands.iter().map(|&i| &units[i]).collect();
    let verb = if islands.len() == 1 { "has" } else { "have" };
    let mut message = format!("{} of {} units {verb} no neighbor: {}", islands.len(), units.len(), quoted_list(&names));
    if let Some((k, km)) = coordinates.and_then(|c| nearest_unit(c, first)) {
        message += &format!(" (\"{}\" is {km:.0} km from its nearest unit, \"{}\")", units[first], units[k]);
    }
    let fault = Fault::new(level, "durbin::weights::islands", message);
    Some(fault.help(match level {
        Level::Error => {
            "say what becomes of them: `islands: keep` (a row of zeros), `islands: nearest` (a link to the nearest unit) or `islands: drop` (leave them out)"
        }
        Level::Warning | Level::Lint => {
            "their spatial lags are zero; `islands: nearest` would link them, `islands: drop` leave them out"
        }
        Level::Note => "as the weights say, they are linked to their nearest unit, or left out",
    }))
}

/// Gives every island's own row a link of weight 1 to its nearest unit, no link back.
pub fn link_nearest(weights: &Weights, coordinates: &Coordinates) -> Weights {
    let mut entries: Vec<(usize, usize, f64)> = weights.matrix.iter().map(|(v, (i, k))| (i, k, *v)).collect();
    entries
        .extend(weights.islands().into_iter().filter_map(|i| nearest_unit(coordinates, i).map(|(k, _)| (i, k, 1.0))));
    entries.sort_by_key(|e| (e.0, e.1));
    Weights::unscaled(from_entries(weights.units(), &entries))
}
