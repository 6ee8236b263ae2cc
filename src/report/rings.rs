//! Rings as a table: the treated, then the units around them from near to far.

use super::designs::made_from;
use super::number;
use super::table::{TableOptions, star_note};
use crate::outcome::rings::Rings;
use crate::outcome::{Block, Cell, Estimate, Row, Table};

/// The title of rings.
pub fn about(r: &Rings) -> String {
    format!("effects of `{}` on the treated and on units by their distance to them", r.treatment)
}

/// One row for the treated and one per ring.
pub fn table(r: &Rings) -> Table {
    let options = TableOptions::default();
    let row = |label: String, units: usize, e: &Estimate| Row {
        label,
        cells: vec![Cell::Count(units), options.cell(e), Cell::Text(number::p_value(e.p))],
    };
    let mut rows = vec![row("treated".to_string(), r.treated_units, &r.direct)];
    rows.extend(r.rings.iter().map(|b| row(format!("{} to {} {}", b.lo, b.hi, b.unit), b.exposed_units, &b.value)));
    let last = r.rings.last();
    let far = last.filter(|b| b.value.p < 1.0 - r.level);
    let mut notes = vec![
        "Standard errors in brackets; units: those ever treated, or ever in the ring while untreated.".to_string(),
        star_note(&options).concat(),
        format!(
            "Units never treated and never within {} km of a treated one, which show what would have happened: {}.",
            last.map_or(0.0, |b| b.hi),
            r.clean_units
        ),
        "The effect on the treated holds what comes to them from other treated units.".to_string(),
    ];
    if let Some(b) = far {
        notes.push(format!(
            "The last ring differs from zero at level {:.2}: spillovers may reach beyond {} km, and then the clean units \
             are not; add a ring.",
            1.0 - r.level,
            b.hi
        ));
    }
    notes.push(made_from(&r.model, &r.fit));
    let columns = ["units", "effect", "p"].map(String::from).to_vec();
    Table { title: None, columns, blocks: vec![Block { heading: None, rows }], notes, digits: options.digits }
}
