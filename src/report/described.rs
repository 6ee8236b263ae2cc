//! Tables of printed data and treatments: columns described, cohorts listed.

use super::number::count;
use super::summaries::plain;
use crate::outcome::described::{Description, Meaning};
use crate::outcome::{Block, Cell, ColumnSummary, Row, Table, TreatmentSummary};

/// Who starts when, and how many never or always.
pub fn cohorts(t: &TreatmentSummary) -> Table {
    let named = t.starts.iter().any(|c| !c.names.is_empty());
    let mut columns = vec!["units".to_string()];
    columns.extend(named.then(|| "names".to_string()));
    let line = |label: String, units: usize, names: &[String]| {
        let mut cells = vec![Cell::Count(units)];
        cells.extend(named.then(|| if names.is_empty() { Cell::Empty } else { Cell::Text(names.join(", ")) }));
        Row { label, cells }
    };
    let mut rows: Vec<Row> = t.starts.iter().map(|c| line(c.time.to_string(), c.units, &c.names)).collect();
    if t.always > 0 {
        rows.insert(0, line("Always treated".to_string(), t.always, &[]));
    }
    rows.push(line("Never treated".to_string(), t.never, &[]));
    let notes =
        vec![format!("First treated period; {} units, {} to {}.", count(t.units), t.first_period, t.last_period)];
    Table { title: None, columns, blocks: vec![Block { heading: None, rows }], notes, digits: 4 }
}

/// Columns with their numbers: how many are there, mean, standard deviation, range.
pub fn described(columns: &[ColumnSummary], rows: usize) -> Table {
    let shown = |x: f64| if x.is_nan() { Cell::Empty } else { Cell::Shown { text: plain(x), exact: x } };
    let line = |c: &ColumnSummary| {
        let numbers = [c.mean, c.sd, c.min, c.max].map(shown);
        Row {
            label: c.name.clone(),
            cells: [Cell::Count(rows - c.missing.min(rows))].into_iter().chain(numbers).collect(),
        }
    };
    let heads = ["N", "Mean", "Std. dev.", "Min", "Max"].map(String::from).to_vec();
    let blocks = vec![Block { heading: None, rows: columns.iter().map(line).collect() }];
    let texts = columns.iter().filter(|c| c.kind != "number").count();
    let mut notes = vec!["Standard deviations have the divisor n - 1.".to_string()];
    if texts > 0 {
        notes.push("Columns of text are counted.".to_string());
    }
    Table { title: None, columns: heads, blocks, notes, digits: 6 }
}

/// Descriptive statistics as a paper shows them: of all rows with variance inflation, by groups, or the codebook.
pub fn description(d: &Description) -> Table {
    if !d.codebook.is_empty() {
        return codebook(&d.codebook);
    }
    if d.groups.is_empty() { whole(d) } else { grouped(d) }
}

fn whole(d: &Description) -> Table {
    let mut table = described(&d.panel.columns, d.panel.rows);
    if d.vif.iter().all(|x| x.is_nan()) {
        return table;
    }
    table.columns.push("VIF".to_string());
    for (row, &vif) in table.blocks.iter_mut().flat_map(|b| &mut b.rows).zip(&d.vif) {
        row.cells.push(factor(vif));
    }
    let mut note = format!("VIF: 1/(1 - R2) of the column given the others, from {} rows", count(d.vif_rows));
    if d.vif.iter().any(|x| x.is_infinite()) {
        note.push_str("; inf: an exact combination of others");
    }
    table.notes.push(format!("{note}."));
    table
}

fn factor(vif: f64) -> Cell {
    match vif {
        x if x.is_nan() => Cell::Empty,
        x if x.is_infinite() => Cell::Shown { text: "inf".to_string(), exact: x },
        x => Cell::Shown { text: super::number::statistic(x, 4), exact: x },
    }
}

/// Means and deviations of each group side by side, their difference where there are two.
fn grouped(d: &Description) -> Table {
    let shown = |x: f64| if x.is_nan() { Cell::Empty } else { Cell::Shown { text: plain(x), exact: x } };
    let differences = d.differences();
    let mut columns = Vec::new();
    let mut over = Vec::new();
    for group in &d.groups {
        columns.extend(["N", "Mean", "Std. dev."].map(String::from));
        over.extend(std::iter::repeat_n(Cell::Heading(group.group.clone()), 3));
    }
    if differences.is_some() {
        columns.push("Std. difference".to_string());
        over.push(Cell::Empty);
    }
    let mut rows = vec![Row { label: String::new(), cells: over }];
    for (j, column) in d.panel.columns.iter().enumerate() {
        let mut cells = Vec::new();
        for group in &d.groups {
            let Some(c) = group.columns.get(j) else { continue };
            cells.extend([Cell::Count(group.rows - c.missing.min(group.rows)), shown(c.mean), shown(c.sd)]);
        }
        let apart = differences.as_ref().and_then(|all| all.get(j)).copied();
        cells.extend(apart.map(|x| {
            if x.is_finite() { Cell::Shown { text: super::number::fixed(x, 3), exact: x } } else { Cell::Empty }
        }));
        rows.push(Row { label: column.name.clone(), cells });
    }
    let sizes =
        d.groups.iter().map(|g| format!("{}: {} units", g.group, count(g.units))).collect::<Vec<_>>().join("; ");
    let mut notes = vec![sizes, "Standard deviations have the divisor n - 1.".to_string()];
    if differences.is_some() {
        notes.push(
            "Std. difference: the means apart in standard deviations, (m1 - m2)/sqrt((s1^2 + s2^2)/2).".to_string(),
        );
    }
    Table { title: None, columns, blocks: vec![Block { heading: None, rows }], notes, digits: 6 }
}

/// A part of a meaning.
type Said = fn(&Meaning) -> &String;

/// What each column is; parts that no column has are left out.
fn codebook(meanings: &[Meaning]) -> Table {
    let parts: [(&str, Said); 5] = [
        ("Symbol", |m| &m.symbol),
        ("Definition", |m| &m.definition),
        ("Computed as", |m| &m.computed),
        ("Unit of measure", |m| &m.unit),
        ("Source", |m| &m.source),
    ];
    let there: Vec<(&str, Said)> =
        parts.into_iter().filter(|(_, of)| meanings.iter().any(|m| !of(m).is_empty())).collect();
    let cell = |text: &String| if text.is_empty() { Cell::Empty } else { Cell::Text(text.clone()) };
    let row = |m: &Meaning| Row { label: m.name.clone(), cells: there.iter().map(|(_, of)| cell(of(m))).collect() };
    Table {
        title: None,
        columns: there.iter().map(|(name, _)| name.to_string()).collect(),
        blocks: vec![Block { heading: None, rows: meanings.iter().map(row).collect() }],
        notes: Vec::new(),
        digits: 4,
    }
}
