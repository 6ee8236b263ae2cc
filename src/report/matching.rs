//! Difference in differences on matched units: the estimate, and what matching did to the covariates.

use super::number;
use super::table::{TableOptions, star_note};
use crate::fault::counted;
use crate::outcome::matching::MatchedDid;
use crate::outcome::{Block, Cell, Row, Table, Under};

/// Standardized differences above this call for a look (Rosenbaum and Rubin 1985 speak of 20).
const LARGE: f64 = 10.0;

/// What the columns of the balance are.
const BIAS: &str = "bias: difference of means in percent of the standard deviation before matching; variance ratio: \
                    treated over controls.";

pub fn about(m: &MatchedDid) -> String {
    format!("the effect of `{}` on {} among matched units", m.treatment, m.outcome)
}

/// Estimate and balance.
pub fn table(m: &MatchedDid, options: &TableOptions) -> Table {
    let effect = m.coefficients.iter().map(|c| Row { label: c.term.clone(), cells: vec![options.cell(&c.value)] });
    let number = |x: f64| if x.is_finite() { Cell::Number(x) } else { Cell::Empty };
    let mut blocks = vec![Block { heading: Some("Weighted two-way regression".to_string()), rows: effect.collect() }];
    let pad = |cells: [f64; 4]| std::iter::once(Cell::Empty).chain(cells.map(number)).collect();
    let before = m.balance.iter().map(|b| Row {
        label: b.term.clone(),
        cells: pad([b.treated_before, b.controls_before, b.bias_before, b.variance_ratio_before]),
    });
    let after = m.balance.iter().map(|b| Row {
        label: b.term.clone(),
        cells: pad([b.treated_after, b.controls_after, b.bias_after, b.variance_ratio_after]),
    });
    blocks.push(Block { heading: Some("Covariates before matching".to_string()), rows: before.collect() });
    blocks.push(Block { heading: Some("Covariates after matching".to_string()), rows: after.collect() });
    let columns = ["effect", "treated", "controls", "bias, %", "variance ratio"].map(String::from).to_vec();
    Table { title: None, columns, blocks, notes: notes(m, options), digits: options.digits }
}

fn named(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
    let more = if names.len() > 5 { format!(" and {} more", names.len() - 5) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

fn notes(m: &MatchedDid, options: &TableOptions) -> Vec<String> {
    let mut notes = vec![
        match options.under {
            Under::Error => format!("Standard errors in brackets, weights taken as given; {BIAS}"),
            _ => options.beneath(&format!("standard errors take weights as given; {BIAS}")),
        },
        star_note(options).concat(),
        format!(
            "{} of {} treated matched to {} of {} by {} (caliper: {}); the weights are worth {} controls.",
            m.matched_treated,
            counted(m.treated_units, "unit", "units"),
            m.matched_controls,
            counted(m.candidates, "control", "controls"),
            m.matching,
            m.caliper,
            number::fixed(m.effective_controls, 1)
        ),
    ];
    for (names, why) in [
        (&m.off_support, "no control has a score as low or as high"),
        (&m.without_match, "no control is near enough"),
        (&m.always_treated, "treated from the first period on"),
    ] {
        if !names.is_empty() {
            notes.push(format!(
                "Left out: {} ({}): {why}.",
                counted(names.len(), "treated unit", "treated units"),
                named(names)
            ));
        }
    }
    if m.exposed > 0 {
        notes.push(format!(
            "{} with a treated neighbor by {} {} no candidates.",
            counted(m.exposed, "untreated unit", "untreated units"),
            crate::fault::ticked_all(&m.exposure),
            if m.exposed == 1 { "is" } else { "are" }
        ));
    }
    let large: Vec<&str> = m.balance.iter().filter(|b| b.bias_after.abs() > LARGE).map(|b| b.term.as_str()).collect();
    if !large.is_empty() {
        notes.push(format!("Still apart by more than {LARGE} % after matching: {}.", large.join(", ")));
    }
    let told = |r: &crate::outcome::Restriction| match r.statistic.is_finite() {
        true => {
            let p = number::p_value(r.p);
            let p = p.strip_prefix('<').map_or(format!("= {p}"), |bound| format!("< {bound}"));
            format!("chi-squared({}) = {:.2}, p {p}", r.df, r.statistic)
        }
        false => "not computed".to_string(),
    };
    notes.push(format!(
        "Covariates tell treated from controls: before matching {}; after it {}.",
        told(&m.told.before),
        told(&m.told.after)
    ));
    notes.extend(m.notes.iter().cloned());
    let span = match m.covariates_from == m.covariates_to {
        true => format!("in {}", m.covariates_to),
        false => format!("over {} to {}", m.covariates_from, m.covariates_to),
    };
    notes.push(format!(
        "From `{}`: score by {} {span}; {} rows, {} to {}; standard errors {}.",
        m.of,
        m.covariates.join(", "),
        m.nobs,
        m.first_period,
        m.last_period,
        m.se_type
    ));
    notes
}
