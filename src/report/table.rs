//! Fits side by side, as a paper shows them: semantic cells, no markup.

use super::fit::{Blocks, policy_rows};
use super::words;
use crate::outcome::{Block, Cell, Coefficient, Effect, Estimate, Fit, PolicyEffects, Row, Table};
use std::collections::BTreeMap;

/// Whether estimates carry stars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stars {
    None,
    /// `*` below 0.1, `**` below 0.05, `***` below 0.01.
    #[default]
    Conventional,
}

/// How a table is made.
#[derive(Clone, Debug, PartialEq)]
pub struct TableOptions {
    pub stars: Stars,
    /// Significant digits.
    pub digits: usize,
    /// What stands for a term or an outcome: `lngdp` → `GDP per head`.
    pub labels: BTreeMap<String, String>,
}

impl Default for TableOptions {
    fn default() -> Self {
        TableOptions { stars: Stars::Conventional, digits: 4, labels: BTreeMap::new() }
    }
}

impl TableOptions {
    /// The label of a term; a lag's own part is labelled too.
    fn label(&self, term: &str) -> String {
        self.labels.get(term).cloned().unwrap_or_else(|| term.to_string())
    }

    pub(super) fn cell(&self, e: &Estimate) -> Cell {
        if e.estimate.is_nan() && e.se.is_nan() {
            return Cell::Empty;
        }
        let p = if self.stars == Stars::None { f64::NAN } else { e.p };
        Cell::Estimate { estimate: e.estimate, se: e.se, p }
    }
}

/// Models in columns: coefficients, `W @ x`, spatial parameters, effects, policy effects, and how each was made.
/// Terms stand in the order in which the models bring them.
pub fn side_by_side(fits: &[(&str, &Fit)], options: &TableOptions) -> Table {
    let models: Vec<&Fit> = fits.iter().map(|(_, f)| *f).collect();
    let sorted: Vec<Blocks> = models.iter().map(|f| Blocks::of(f)).collect();
    let mut blocks = vec![head_block(&models, options)];
    blocks.push(term_block(Some("Coefficients".to_string()), sorted.iter().map(|b| b.own.as_slice()), options));
    blocks.extend(lag_blocks(&sorted, options));
    blocks.push(term_block(
        Some("Spatial parameters".to_string()),
        sorted.iter().map(|b| b.spatial.as_slice()),
        options,
    ));
    blocks.extend(effect_blocks(&models, options));
    blocks.push(policy_block(&models.iter().map(|f| f.policy_effects.as_ref()).collect::<Vec<_>>(), options));
    blocks.push(fixed_effects_block(&models));
    blocks.push(statistics_block(&models));
    blocks.retain(|b| !b.rows.is_empty());
    let columns = fits.iter().map(|(name, _)| name.to_string()).collect();
    Table { title: None, columns, blocks, notes: table_notes(fits, options), digits: options.digits }
}

/// The effects of one model: terms in rows; direct, indirect and total in columns.
pub fn effects_table(effects: &[Effect], policy: Option<&PolicyEffects>, options: &TableOptions) -> Table {
    let rows = effects.iter().map(|e| Row {
        label: options.label(&e.term),
        cells: [&e.direct, &e.indirect, &e.total].map(|x| options.cell(x)).to_vec(),
    });
    let long_run: Vec<Row> = effects
        .iter()
        .filter_map(|e| Some((e, e.long_run.as_deref()?)))
        .map(|(e, l)| Row {
            label: options.label(&e.term),
            cells: [&l.direct, &l.indirect, &l.total].map(|x| options.cell(x)).to_vec(),
        })
        .collect();
    let run = if long_run.is_empty() { "" } else { " of the short run" };
    let heading = format!("Effects{run}, averaged over units");
    let mut blocks = vec![Block { heading: Some(heading), rows: rows.collect() }];
    if !long_run.is_empty() {
        blocks.push(Block { heading: Some("Effects of the long run".to_string()), rows: long_run });
    }
    if let Some(p) = policy {
        let on = |label: &str, cells: Vec<Cell>| Row { label: label.to_string(), cells };
        let cell = |e| options.cell(e);
        let rows = vec![
            on(
                "on the treated",
                [&p.direct_on_treated, &p.indirect_on_treated, &p.total_on_treated].map(cell).to_vec(),
            ),
            on("on the untreated", vec![Cell::Empty, cell(&p.indirect_on_untreated), Cell::Empty]),
            on("on the exposed", vec![Cell::Empty, cell(&p.indirect_on_exposed), Cell::Empty]),
            on("aggregate, summed over all", vec![Cell::Empty, Cell::Empty, cell(&p.aggregate)]),
        ];
        blocks.push(Block { heading: Some("Policy effects".to_string()), rows });
    }
    let columns = ["direct", "indirect", "total"].map(String::from).to_vec();
    let notes = [vec!["Standard errors in brackets.".to_string()], star_note(options)].concat();
    Table { title: None, columns, blocks, notes, digits: options.digits }
}

fn texts(label: &str, models: &[&Fit], of: impl Fn(&Fit) -> String) -> Row {
    let text = |s: String| if s.is_empty() { Cell::Empty } else { Cell::Text(s) };
    Row { label: label.to_string(), cells: models.iter().map(|f| text(of(f))).collect() }
}

fn head_block(models: &[&Fit], options: &TableOptions) -> Block {
    let mut rows = vec![
        texts("Model", models, words::short),
        texts("Outcome", models, |f| options.label(&f.outcome)),
        texts("Weights", models, |f| f.weights_used.iter().map(|w| w.name.as_str()).collect::<Vec<_>>().join("; ")),
    ];
    rows.retain(|r| r.cells.iter().any(|c| *c != Cell::Empty));
    Block { heading: None, rows }
}

/// Rows by term, one cell per model.
fn term_block<'a>(
    heading: Option<String>,
    models: impl Iterator<Item = &'a [(String, &'a Coefficient)]>,
    options: &TableOptions,
) -> Block {
    let models: Vec<_> = models.collect();
    let mut terms: Vec<&str> = Vec::new();
    for (term, _) in models.iter().copied().flatten() {
        if !terms.contains(&term.as_str()) {
            terms.push(term);
        }
    }
    // The constant closes its block, as in every table.
    terms.sort_by_key(|t| *t == "(Intercept)");
    let cell = |model: &[(String, &Coefficient)], term: &str| {
        model.iter().find(|(t, _)| t == term).map_or(Cell::Empty, |(_, c)| options.cell(&c.value))
    };
    let row = |term: &&str| Row { label: options.label(term), cells: models.iter().map(|m| cell(m, term)).collect() };
    Block { heading, rows: terms.iter().map(row).collect() }
}

/// Spatial lags: with one matrix per model a single block, each column having its own `W`; else a block per matrix.
fn lag_blocks(sorted: &[Blocks], options: &TableOptions) -> Vec<Block> {
    let mut names: Vec<&str> = Vec::new();
    for (w, _) in sorted.iter().flat_map(|b| &b.lags) {
        if !names.contains(&w.as_str()) {
            names.push(w);
        }
    }
    if sorted.iter().all(|b| b.lags.len() <= 1) {
        let name = if names.len() == 1 { names[0] } else { "W" };
        let lags = sorted.iter().map(|b| b.lags.first().map_or(&[][..], |(_, list)| list.as_slice()));
        return vec![term_block(Some(format!("Spatial lags: {name} @ x")), lags, options)];
    }
    let block = |name: &&str| {
        let lags =
            sorted.iter().map(|b| b.lags.iter().find(|(w, _)| w == name).map_or(&[][..], |(_, list)| list.as_slice()));
        term_block(Some(format!("Spatial lags: {name} @ x")), lags, options)
    };
    names.iter().map(block).collect()
}

/// Takes one part of an effect.
type Part = fn(&Effect) -> Option<&Estimate>;

/// Direct, indirect and total; those of dynamic models in the short and in the long run.
const PARTS: [(&str, &str, Part); 6] = [
    ("Direct effects", "Direct effects, short run", |e| Some(&e.direct)),
    ("Indirect effects", "Indirect effects, short run", |e| Some(&e.indirect)),
    ("Total effects", "Total effects, short run", |e| Some(&e.total)),
    ("", "Direct effects, long run", |e| e.long_run.as_deref().map(|l| &l.direct)),
    ("", "Indirect effects, long run", |e| e.long_run.as_deref().map(|l| &l.indirect)),
    ("", "Total effects, long run", |e| e.long_run.as_deref().map(|l| &l.total)),
];

/// Effects of the models that have weights or lags in time; none where no model does.
fn effect_blocks(models: &[&Fit], options: &TableOptions) -> Vec<Block> {
    let shown = |f: &Fit| !f.weights_used.is_empty() || f.stability.is_some();
    if !models.iter().any(|f| shown(f)) {
        return vec![];
    }
    let mut terms: Vec<&str> = Vec::new();
    for e in models.iter().flat_map(|f| &f.effects) {
        if !terms.contains(&e.term.as_str()) {
            terms.push(&e.term);
        }
    }
    let dynamic = models.iter().any(|f| f.stability.is_some());
    let cell = |f: &Fit, term: &str, part: Part| {
        let effect = f.effects.iter().find(|e| e.term == term && shown(f));
        effect.and_then(part).map_or(Cell::Empty, |e| options.cell(e))
    };
    let row = |term: &&str, part: Part| Row {
        label: options.label(term),
        cells: models.iter().map(|f| cell(f, term, part)).collect(),
    };
    PARTS
        .into_iter()
        .take(if dynamic { PARTS.len() } else { 3 })
        .map(|(plain, run, part)| Block {
            heading: Some(if dynamic { run } else { plain }.to_string()),
            rows: terms.iter().map(|t| row(t, part)).collect(),
        })
        .collect()
}

fn policy_block(policies: &[Option<&PolicyEffects>], options: &TableOptions) -> Block {
    let labels: Vec<&str> = policies
        .iter()
        .flatten()
        .next()
        .map_or(vec![], |p| policy_rows(p).iter().map(|(label, _, _)| *label).collect());
    let cell = |p: &Option<&PolicyEffects>, i: usize| {
        p.map_or(Cell::Empty, |p| policy_rows(p).get(i).map_or(Cell::Empty, |(_, e, _)| options.cell(e)))
    };
    let row = |(i, label): (usize, &&str)| Row {
        label: label.to_string(),
        cells: policies.iter().map(|p| cell(p, i)).collect(),
    };
    Block { heading: Some("Policy effects".to_string()), rows: labels.iter().enumerate().map(row).collect() }
}

fn fixed_effects_block(models: &[&Fit]) -> Block {
    let mut names: Vec<&str> = Vec::new();
    for name in models.iter().flat_map(|f| &f.fixed_effects) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let row = |name: &&str| {
        texts(&format!("{name} effects"), models, |f| {
            if f.fixed_effects.iter().any(|e| e == name) { "Yes".to_string() } else { "No".to_string() }
        })
    };
    Block { heading: Some("Fixed effects".to_string()), rows: names.iter().map(row).collect() }
}

fn statistics_block(models: &[&Fit]) -> Block {
    let numbers = |label: &str, of: fn(&Fit) -> f64| Row {
        label: label.to_string(),
        cells: models.iter().map(|f| if of(f).is_nan() { Cell::Empty } else { Cell::Number(of(f)) }).collect(),
    };
    let counts = |label: &str, of: fn(&Fit) -> usize| Row {
        label: label.to_string(),
        cells: models.iter().map(|f| Cell::Count(of(f))).collect(),
    };
    let mut rows = vec![
        counts("Observations", |f| f.nobs),
        counts("Units", |f| f.units),
        counts("Periods", |f| f.periods),
        numbers("sigma2", |f| f.sigma2),
        numbers("Log-likelihood", |f| f.loglik),
        numbers("AIC", |f| f.aic),
        numbers("BIC", |f| f.bic),
        numbers("R2", |f| f.r2),
        numbers("R2 within", |f| f.r2_within),
    ];
    rows.retain(|r| r.cells.iter().any(|c| *c != Cell::Empty));
    Block { heading: Some("Fit".to_string()), rows }
}

/// What was done, said once where all columns agree.
fn table_notes(fits: &[(&str, &Fit)], options: &TableOptions) -> Vec<String> {
    let mut kinds: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, fit) in fits {
        let kind = words::standard_errors(fit);
        match kinds.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, names)) => names.push(name),
            None => kinds.push((kind, vec![name])),
        }
    }
    let mut notes = match kinds.as_slice() {
        [] => vec![],
        [(kind, _)] => vec![format!("Standard errors in brackets: {kind}.")],
        many => {
            let parts: Vec<String> = many.iter().map(|(k, names)| format!("{k} ({})", names.join(", "))).collect();
            vec![format!("Standard errors in brackets: {}.", parts.join("; "))]
        }
    };
    if fits.iter().any(|(_, f)| !f.weights_used.is_empty()) {
        notes.push(
            "Effects are averages over units; they, not the coefficients, say what a regressor does.".to_string(),
        );
    }
    if fits.iter().any(|(_, f)| f.policy_effects.is_some()) {
        let text = "Policy effects are averages over the unit-periods named (exposed: untreated with a treated neighbor); the aggregate is a sum.";
        notes.push(text.to_string());
    }
    notes.extend(star_note(options));
    notes
}

pub(super) fn star_note(options: &TableOptions) -> Vec<String> {
    match options.stars {
        Stars::None => vec![],
        Stars::Conventional => vec!["* p < 0.1, ** p < 0.05, *** p < 0.01.".to_string()],
    }
}
