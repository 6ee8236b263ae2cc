//! The estimates of a fit as a table of estimate, standard error, statistic, p and interval, for documents.

use super::fit::{Blocks, policy_rows, remarks, shows_effects};
use super::lang;
use super::number::{MISSING, count, decimals_for, fixed, in_row, p_value, significant, stars};
use crate::outcome::{Block, Cell, Coefficient, Estimate, Fit, Lang, Row, Table};

/// Coefficients, spatial lags, spatial parameters, effects and policy effects; the fit's remarks are its notes.
pub fn table(fit: &Fit, language: Lang) -> Table {
    let say = |text: &str| lang::say(language, text);
    let mut blocks = Vec::new();
    let mut block = |heading: String, rows: Vec<Row>| {
        if !rows.is_empty() {
            blocks.push(Block { heading: Some(heading), rows });
        }
    };
    let sorted = Blocks::of(fit);
    let rows =
        |list: &[(String, &Coefficient)]| list.iter().map(|(l, c)| row(parameter(l, language), &c.value)).collect();
    block(say("Coefficients"), rows(&sorted.own));
    for (weights, list) in &sorted.lags {
        block(say(&format!("Spatial lags: {weights} @ x")), rows(list));
    }
    block(say("Spatial parameters"), rows(&sorted.spatial));
    if shows_effects(fit) {
        let parts = |e: &crate::outcome::Effect| [e.direct.clone(), e.indirect.clone(), e.total.clone()];
        let dynamic = fit.effects.iter().any(|e| e.long_run.is_some());
        let short = fit.effects.iter().flat_map(|e| effect_rows(&e.term, parts(e), language)).collect();
        block(say(if dynamic { "Effects of the short run" } else { "Effects, averaged over units" }), short);
        let long = fit.effects.iter().filter_map(|e| Some((&e.term, e.long_run.as_deref()?)));
        let long =
            long.flat_map(|(t, l)| effect_rows(t, [l.direct.clone(), l.indirect.clone(), l.total.clone()], language));
        block(say("Effects of the long run"), long.collect());
    }
    if let Some(policy) = &fit.policy_effects {
        let row = |(label, e, cells): (&str, &Estimate, Option<usize>)| {
            let n = cells.map_or(String::new(), |n| format!(" ({})", count(n)));
            row(format!("{}{n}", say(label)), e)
        };
        block(
            say("Policy effects, averaged over (n) unit-periods"),
            policy_rows(policy).into_iter().map(row).collect(),
        );
    }
    let statistic = match fit.distribution.as_str() {
        "t" => "t",
        "normal" => "z",
        _ => "z or t",
    };
    let interval =
        format!("{} % interval", significant(100.0 * fit.level, 3).trim_end_matches('0').trim_end_matches('.'));
    let columns = [say("Estimate"), say("Std. error"), statistic.to_string(), "p".to_string(), say(&interval)].to_vec();
    let mut notes: Vec<String> = remarks(fit).iter().map(|n| say(n)).collect();
    notes.push("* p < 0.1, ** p < 0.05, *** p < 0.01.".to_string());
    Table { title: None, columns, blocks, notes, digits: 4 }
}

fn parameter(label: &str, language: Lang) -> String {
    if matches!(label, "(Intercept)" | "rho" | "lambda") { lang::say(language, label) } else { label.to_string() }
}

fn effect_rows(term: &str, parts: [Estimate; 3], language: Lang) -> Vec<Row> {
    let names = ["direct", "indirect", "total"].map(|n| lang::say(language, n));
    names.into_iter().zip(&parts).map(|(name, e)| row(format!("{term}, {name}"), e)).collect()
}

/// One estimate with its decimals.
fn row(label: String, e: &Estimate) -> Row {
    let d = decimals_for(e.estimate, e.se);
    let shown = |text: String, exact: f64| Cell::Shown { text, exact };
    let [lo, hi] = e.ci.map(|x| in_row(x, d));
    let interval = if lo == MISSING && hi == MISSING { MISSING.to_string() } else { format!("[{lo}, {hi}]") };
    let statistic = if e.statistic.abs() >= 1e4 { significant(e.statistic, 3) } else { fixed(e.statistic, 2) };
    let cells = vec![
        shown(in_row(e.estimate, d), e.estimate),
        shown(in_row(e.se, d), e.se),
        shown(statistic, e.statistic),
        shown(format!("{}{}", p_value(e.p), stars(e.p)), e.p),
        Cell::Text(interval),
    ];
    Row { label, cells }
}
