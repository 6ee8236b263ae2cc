//! Economic distance: `1/|x_i − x_k|` of one value for each unit (methods B.2).

use super::{Weights, from_entries};
use crate::fault::{Fault, quoted_list};

/// The matrix of `1/|x_i − x_k|` over all pairs; `means` is the mean of `column` of each of `units`, not a number where
/// it is missing. Differences below `least` count as that; two units with equal values are a fault where there is none.
pub fn similarity(column: &str, means: &[f64], units: &[String], least: Option<f64>) -> Result<Weights, Fault> {
    let missing: Vec<&String> = units.iter().zip(means).filter(|(_, x)| !x.is_finite()).map(|(u, _)| u).collect();
    if !missing.is_empty() {
        let verb = if missing.len() == 1 { "has" } else { "have" };
        let message =
            format!("{} of {} units {verb} no `{column}`: {}", missing.len(), units.len(), quoted_list(&missing));
        return Err(Fault::error("durbin::weights::missing_label", message)
            .help(format!("`similarity` compares the mean of `{column}` of every unit")));
    }
    if let Some(fault) = equal(column, means, units).filter(|_| least.is_none()) {
        return Err(fault);
    }
    let n = means.len();
    let mut entries = Vec::with_capacity(n * n.saturating_sub(1));
    for i in 0..n {
        entries.extend(
            (0..n).filter(|&k| k != i).map(|k| (i, k, 1.0 / (means[i] - means[k]).abs().max(least.unwrap_or(0.0)))),
        );
    }
    Ok(Weights::unscaled(from_entries(n, &entries)))
}

/// The first two units, by value, without a distance.
fn equal(column: &str, means: &[f64], units: &[String]) -> Option<Fault> {
    let mut order: Vec<usize> = (0..means.len()).collect();
    order.sort_by(|&a, &b| means[a].total_cmp(&means[b]).then(a.cmp(&b)));
    // a difference whose inverse overflows is none
    let no_distance = |w: &&[usize]| !(1.0 / (means[w[1]] - means[w[0]])).is_finite();
    let pairs: Vec<&[usize]> = order.windows(2).filter(no_distance).collect();
    let pair = pairs.first()?;
    let more =
        if pairs.len() > 1 { format!("; {} such pairs are next to each other", pairs.len()) } else { String::new() };
    let message = format!(
        "\"{}\" and \"{}\" have the same mean of `{column}`, {}: their similarity does not exist{more}",
        units[pair[0].min(pair[1])],
        units[pair[0].max(pair[1])],
        means[pair[0]]
    );
    Some(
        Fault::error("durbin::weights::zero_distance", message)
            .help("say what the smallest difference counts as, `min_gap: 0.1`, take a column that tells the units apart, or `block` where its values form groups"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units() -> Vec<String> {
        ["a", "b", "c"].map(String::from).to_vec()
    }

    #[test]
    fn weights_are_inverse_differences() {
        let w = similarity("gdp", &[1.0, 3.0, -1.0], &units(), None).unwrap();
        assert_eq!(w.matrix.nnz(), 6);
        assert_eq!((w.matrix.get(0, 1), w.matrix.get(1, 2)), (Some(&0.5), Some(&0.25)));
        assert!(w.symmetrizer.is_some());
    }

    #[test]
    fn a_smallest_difference_may_be_said() {
        let w = similarity("gdp", &[1.0, 3.0, 1.0], &units(), Some(0.25)).unwrap();
        assert_eq!((w.matrix.get(0, 1), w.matrix.get(0, 2)), (Some(&0.5), Some(&4.0)));
    }

    #[test]
    fn equal_and_missing_values_name_their_units() {
        let fault = similarity("gdp", &[1.0, 3.0, 1.0], &units(), None).unwrap_err();
        assert_eq!(fault.code, "durbin::weights::zero_distance");
        assert!(fault.message.starts_with("\"a\" and \"c\" have the same mean of `gdp`, 1:"), "{}", fault.message);
        assert_eq!(
            similarity("gdp", &[1.0, 1.0 + f64::MIN_POSITIVE, 5e-324], &units(), None).unwrap_err().code,
            fault.code
        );
        let missing = similarity("gdp", &[1.0, f64::NAN, 2.0], &units(), None).unwrap_err();
        assert!(missing.message.contains("1 of 3 units has no `gdp`: \"b\""), "{}", missing.message);
    }
}
