//! Words of Stata, R, Python and MATLAB, and what says the same here.

/// What replaces a function of another package; `argument` is what stood in its brackets.
pub fn function(name: &str, argument: &str) -> Option<String> {
    Some(match name {
        "I" => format!("arithmetic needs no wrapper: `{}`", bracketed(argument)),
        "factor" | "C" | "as_factor" => format!("`i({argument})` makes one dummy per level"),
        "ln" | "log10" | "log1p" => format!("the natural logarithm is `log({argument})`"),
        "L" | "l" | "shift" => format!("`lag({argument})` is the value one period earlier"),
        "F" => format!("`lead({argument})` is the value one period later"),
        "D" | "d" => format!("`diff({argument})` is the change since the period before"),
        "lisa" | "localmoran" | "Moran_Local" => format!("clusters are found by `local_moran({argument})`"),
        "psm" | "psmatch2" | "matchit" => "matching is `psm_did(y ~ treatment + covariates)`".into(),
        "slag" | "splag" | "lag_spatial" | "lag_listw" => format!("a spatial lag is written `W @ {argument}`"),
        "feols" | "felm" | "plm" | "reghdfe" | "areg" | "xtreg" | "lm" | "PanelOLS" => {
            "least squares with fixed effects is `ols(y ~ x, fe: [unit, time])`".into()
        }
        "spml" | "xsmle" | "spreg" | "lagsarlm" | "errorsarlm" | "spxtregress" | "SDPDm" | "Panel_FE_Lag" => {
            "spatial models are `sar`, `sem`, `sdm`, `sdem`, `sac`: `sdm(y ~ x | W)`".into()
        }
        _ => return None,
    })
}

fn bracketed(argument: &str) -> String {
    let plain = argument.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '^');
    if plain { argument.to_string() } else { format!("({argument})") }
}

/// Options of other packages: the one that says it here.
pub fn option(name: &str) -> Option<&'static str> {
    Some(match name {
        "cluster" | "vcov" | "robust" | "vce" | "std_errors" | "cov_type" => "se",
        "effects_type" | "twoways" | "fixef" | "absorb" | "fixed_effects" | "effect" | "type" => "fe",
        "data" => "where",
        "subset" | "sample" | "filter" => "where",
        "wmat" | "listw" | "wmatrix" | "weights" | "w" => "| W",
        "nolog" | "nsim" => "effects",
        _ => return None,
    })
}

/// `i.year`, `L2.y`: the term as it is written here.
pub fn stata_term(prefix: &str, column: &str) -> Option<String> {
    let (letter, digits) = prefix.split_at(prefix.find(|c: char| c.is_ascii_digit()).unwrap_or(prefix.len()));
    let k: Option<u32> = if digits.is_empty() { Some(1) } else { digits.parse().ok() };
    let k = k?;
    let shifted = |name: &str| if k == 1 { format!("{name}({column})") } else { format!("{name}({column}, {k})") };
    match letter {
        "i" | "ib" => Some(format!("i({column})")),
        "c" if digits.is_empty() => Some(column.to_string()),
        "L" | "l" => Some(shifted("lag")),
        "F" | "f" => Some(shifted("lead")),
        "D" | "d" | "S" | "s" => Some(shifted("diff")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stata_prefixes_are_translated() {
        assert_eq!(stata_term("L2", "jobs").as_deref(), Some("lag(jobs, 2)"));
        assert_eq!(stata_term("i", "year").as_deref(), Some("i(year)"));
        assert_eq!(stata_term("jobs", "x"), None);
    }

    #[test]
    fn wrappers_of_r_are_translated() {
        assert!(function("I", "jobs^2").unwrap().contains("`jobs^2`"));
        assert!(function("ln", "income").unwrap().contains("log(income)"));
        assert_eq!(function("lisa", "jobs, W").as_deref(), Some("clusters are found by `local_moran(jobs, W)`"));
    }
}
