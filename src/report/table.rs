//! Fits side by side, as a paper shows them: semantic cells, no markup.

use super::fit::{Blocks, policy_rows};
use super::{lang, words};
use crate::outcome::{
    Beneath, Block, Cell, Coefficient, Effect, Estimate, Fit, Lang, Part, PolicyEffects, Row, Table, Under,
};
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
    pub under: Under,
    /// Significant digits.
    pub digits: usize,
    /// What stands for a term, an outcome or a model: `lngdp` → `GDP per head`.
    pub labels: BTreeMap<String, String>,
    /// Terms that one row `Controls` stands for.
    pub controls: Vec<String>,
    /// The parts that are shown; `None`: all.
    pub show: Option<Vec<Part>>,
    /// Headings over so many columns each.
    pub groups: Vec<(String, usize)>,
    pub lang: Lang,
}

impl Default for TableOptions {
    fn default() -> Self {
        TableOptions {
            stars: Stars::Conventional,
            under: Under::Error,
            digits: 4,
            labels: BTreeMap::new(),
            controls: Vec::new(),
            show: None,
            groups: Vec::new(),
            lang: Lang::En,
        }
    }
}

impl TableOptions {
    /// As everything is shown that says nothing else, in a language.
    pub fn in_language(lang: Lang) -> TableOptions {
        TableOptions { lang, ..TableOptions::default() }
    }

    /// The label of a term; a lag's own part is labelled too.
    fn label(&self, term: &str) -> String {
        let bare = bare(term);
        match self.labels.get(term).or_else(|| self.labels.get(bare)) {
            Some(label) => label.clone(),
            None if matches!(term, "(Intercept)" | "rho" | "lambda") => self.say(term),
            None => self.product(bare).unwrap_or_else(|| bare.to_string()),
        }
    }

    /// `Corridor × Income`, of a product `stic:income` one of whose factors has a label.
    fn product(&self, term: &str) -> Option<String> {
        let inside = term.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(term);
        let factors: Vec<&str> = inside.split(':').collect();
        let one = |f: &&str| self.labels.get(*f).map_or((*f).to_string(), Clone::clone);
        (factors.len() > 1 && factors.iter().any(|f| self.labels.contains_key(*f)))
            .then(|| factors.iter().map(one).collect::<Vec<_>>().join(" × "))
    }

    fn say(&self, text: &str) -> String {
        lang::say(self.lang, text)
    }

    fn shows(&self, part: Part) -> bool {
        self.show.as_ref().is_none_or(|parts| parts.contains(&part))
    }

    pub(super) fn cell(&self, e: &Estimate) -> Cell {
        if e.estimate.is_nan() && e.se.is_nan() {
            return Cell::Empty;
        }
        let p = if self.stars == Stars::None { f64::NAN } else { e.p };
        let (estimate, se) = (e.estimate, e.se);
        let beneath = match self.under {
            Under::Error => return Cell::Estimate { estimate, se, p },
            Under::Statistic => Beneath::Statistic(e.statistic),
            Under::P => Beneath::P(e.p),
            Under::Interval => Beneath::Interval(e.ci),
            Under::Nothing => Beneath::Nothing,
        };
        Cell::EstimateOver { estimate, se, p, beneath }
    }

    /// What stands beneath the estimates, then something else that a reader must know.
    pub(super) fn beneath(&self, more: &str) -> String {
        let said = match self.under {
            Under::Error => "Standard errors in brackets",
            Under::Statistic => "t statistics in brackets",
            Under::P => "p-values in brackets",
            Under::Interval => "Intervals in brackets",
            Under::Nothing => return more.to_string(),
        };
        if more.is_empty() { format!("{said}.") } else { format!("{said}; {more}") }
    }

    /// What stands beneath the estimates, and what standard errors these are; the columns of each level of intervals.
    fn beneath_note(&self, levels: &[(f64, Vec<String>)], errors: &str) -> String {
        match self.under {
            Under::Error => format!("Standard errors in brackets: {errors}."),
            Under::Statistic => format!("t statistics in brackets; standard errors {errors}."),
            Under::P => format!("p-values in brackets; standard errors {errors}."),
            Under::Interval => match levels {
                [(level, _)] => {
                    format!("{} % intervals in brackets; standard errors {errors}.", rounded(100.0 * level))
                }
                several => {
                    let of = |(level, names): &(f64, Vec<String>)| {
                        format!("{} % ({})", rounded(100.0 * level), names.join(", "))
                    };
                    let each: Vec<String> = several.iter().map(of).collect();
                    format!("Intervals in brackets, {}; standard errors {errors}.", each.join(", "))
                }
            },
            Under::Nothing => format!("Standard errors: {errors}."),
        }
    }
}

/// A column's name without the backticks that a program needs.
fn bare(term: &str) -> &str {
    let inside = term.strip_prefix('`').and_then(|t| t.strip_suffix('`'));
    inside.filter(|t| !t.contains('`')).unwrap_or(term)
}

/// A percentage without the noise of its division.
fn rounded(x: f64) -> f64 {
    (x * 1e6).round() / 1e6
}

/// Models in columns: coefficients, `W @ x`, spatial parameters, effects, policy effects, and how each was made.
/// Terms stand in the order in which the models bring them.
pub fn side_by_side(fits: &[(&str, &Fit)], options: &TableOptions) -> Table {
    let models: Vec<&Fit> = fits.iter().map(|(_, f)| *f).collect();
    let sorted: Vec<Blocks> = models.iter().map(|f| Blocks::of(f)).collect();
    let mut blocks = vec![head_block(&models, options)];
    if options.shows(Part::Coefficients) {
        blocks.push(term_block(Some("Coefficients".to_string()), sorted.iter().map(|b| b.own.as_slice()), options));
    }
    if options.shows(Part::Lags) {
        blocks.extend(lag_blocks(&sorted, options));
    }
    if options.shows(Part::Spatial) {
        let spatial = sorted.iter().map(|b| b.spatial.as_slice());
        blocks.push(term_block(Some("Spatial parameters".to_string()), spatial, options));
    }
    if options.shows(Part::Effects) {
        blocks.extend(effect_blocks(&models, options));
    }
    let policies: Vec<_> = models.iter().map(|f| f.policy_effects.as_ref()).collect();
    if options.shows(Part::Policy) {
        blocks.push(own_words(policy_block(&policies, options), options));
    }
    if options.shows(Part::Fixed) {
        blocks.push(own_words(fixed_effects_block(&models, options), options));
    }
    if options.shows(Part::Fit) {
        blocks.push(own_words(statistics_block(&models), options));
    }
    blocks.retain(|b| !b.rows.is_empty());
    for block in &mut blocks {
        block.heading = block.heading.take().map(|h| options.say(&h));
    }
    let columns = fits.iter().map(|(name, _)| options.label(name)).collect();
    let notes = table_notes(fits, &sorted, options);
    Table {
        title: None,
        columns,
        blocks,
        notes: notes.iter().map(|n| options.say(n)).collect(),
        digits: options.digits,
    }
}

/// A block whose labels are the report's own and no names of a program.
fn own_words(block: Block, options: &TableOptions) -> Block {
    Block { rows: block.rows.into_iter().map(|r| lang::row(r, options.lang)).collect(), ..block }
}

/// A table of something else than models under the options of `table(…)`: labels and title by name, then its language.
pub fn relabelled(table: Table, title: Option<String>, options: &TableOptions) -> Table {
    let mut out = lang::table(table, options.lang);
    let label = |text: &mut String| {
        if let Some(label) = options.labels.get(text.as_str()) {
            text.clone_from(label);
        }
    };
    out.columns.iter_mut().for_each(label);
    out.blocks.iter_mut().flat_map(|b| &mut b.rows).for_each(|r| label(&mut r.label));
    out.blocks.iter_mut().filter_map(|b| b.heading.as_mut()).for_each(label);
    Table { title: title.or(out.title), digits: options.digits, ..out }
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
    let mut notes = [vec![options.beneath("")], star_note(options)].concat();
    notes.retain(|n| !n.is_empty());
    Table { title: None, columns, blocks, notes, digits: options.digits }
}

fn texts(label: &str, models: &[&Fit], of: impl Fn(&Fit) -> String) -> Row {
    let text = |s: String| if s.is_empty() { Cell::Empty } else { Cell::Text(s) };
    Row { label: label.to_string(), cells: models.iter().map(|f| text(of(f))).collect() }
}

fn head_block(models: &[&Fit], options: &TableOptions) -> Block {
    let mut rows = vec![
        texts(&options.say("Model"), models, words::short),
        texts(&options.say("Outcome"), models, |f| options.label(&f.outcome)),
        texts(&options.say("Weights"), models, |f| {
            f.weights_used.iter().map(|w| w.name.as_str()).collect::<Vec<_>>().join("; ")
        }),
    ];
    rows.retain(|r| r.cells.iter().any(|c| *c != Cell::Empty));
    let over = options.groups.iter().flat_map(|(text, n)| std::iter::repeat_n(text, *n));
    let mut cells: Vec<Cell> = over.map(|t| Cell::Heading(t.clone())).collect();
    if !cells.is_empty() {
        cells.resize(models.len(), Cell::Empty);
        rows.insert(0, Row { label: String::new(), cells });
    }
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
        if !terms.contains(&term.as_str()) && !options.controls.contains(term) {
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
type PartOf = fn(&Effect) -> Option<&Estimate>;

/// Direct, indirect and total; those of dynamic models in the short and in the long run.
const PARTS: [(&str, &str, PartOf); 6] = [
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
    for e in models.iter().filter(|f| shown(f)).flat_map(|f| &f.effects) {
        if !terms.contains(&e.term.as_str()) && !options.controls.contains(&e.term) {
            terms.push(&e.term);
        }
    }
    let dynamic = models.iter().any(|f| f.stability.is_some());
    let cell = |f: &Fit, term: &str, part: PartOf| {
        let effect = f.effects.iter().find(|e| e.term == term && shown(f));
        effect.and_then(part).map_or(Cell::Empty, |e| options.cell(e))
    };
    let row = |term: &&str, part: PartOf| Row {
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

/// Fixed effects, and controls where one row stands for them: Yes or No.
fn fixed_effects_block(models: &[&Fit], options: &TableOptions) -> Block {
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
    let mut rows: Vec<Row> = Vec::new();
    if !options.controls.is_empty() {
        let controlled = |f: &Fit| f.coefficients.iter().any(|c| options.controls.contains(&c.term));
        rows.push(texts("Controls", models, |f| if controlled(f) { "Yes".to_string() } else { "No".to_string() }));
    }
    rows.extend(names.iter().map(row));
    let heading = if options.controls.is_empty() { "Fixed effects" } else { "Controls and fixed effects" };
    Block { heading: Some(heading.to_string()), rows }
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

/// The columns that have the same of something, in the order of their first.
fn alike<K: PartialEq>(fits: &[(&str, &Fit)], options: &TableOptions, of: impl Fn(&Fit) -> K) -> Vec<(K, Vec<String>)> {
    let mut out: Vec<(K, Vec<String>)> = Vec::new();
    for (name, fit) in fits {
        let own = of(fit);
        match out.iter_mut().find(|(k, _)| *k == own) {
            Some((_, names)) => names.push(options.label(name)),
            None => out.push((own, vec![options.label(name)])),
        }
    }
    out
}

/// What was done, said once where all columns agree.
fn table_notes(fits: &[(&str, &Fit)], sorted: &[Blocks], options: &TableOptions) -> Vec<String> {
    let levels = alike(fits, options, |f| f.level);
    let kinds = alike(fits, options, words::standard_errors);
    let mut notes = match kinds.as_slice() {
        [] => vec![],
        [(kind, _)] => vec![options.beneath_note(&levels, kind)],
        many => {
            let parts: Vec<String> = many.iter().map(|(k, names)| format!("{k} ({})", names.join(", "))).collect();
            vec![options.beneath_note(&levels, &parts.join("; "))]
        }
    };
    if !options.controls.is_empty() {
        let used = |c: &&String| sorted.iter().any(|b| b.own.iter().any(|(t, _)| t == *c));
        let names: Vec<String> = options.controls.iter().filter(used).map(|c| options.label(c)).collect();
        if !names.is_empty() {
            notes.push(format!("Controls: {}.", names.join(", ")));
        }
    }
    if options.shows(Part::Effects) && fits.iter().any(|(_, f)| !f.weights_used.is_empty()) {
        notes.push(
            "Effects are averages over units; they, not the coefficients, say what a regressor does.".to_string(),
        );
    }
    if options.shows(Part::Policy) && fits.iter().any(|(_, f)| f.policy_effects.is_some()) {
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
