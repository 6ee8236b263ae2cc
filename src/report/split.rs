//! Effects unit by unit and order by order, as a table.

use super::number::count;
use crate::outcome::{Block, Cell, Estimate, Row, SplitEffects, Table, UnitEffect};

/// Terms in blocks; units or orders in rows.
pub fn table(split: &SplitEffects) -> Table {
    let mut columns = vec!["direct".to_string(), "indirect".to_string(), "total".to_string()];
    let mut blocks = Vec::new();
    for effect in &split.effects {
        let units = split.units.iter().filter(|u| u.term == effect.term).map(unit_row);
        let orders = split.orders.iter().filter(|o| o.term == effect.term).map(|o| Row {
            label: o.order.map_or("beyond".to_string(), |q| format!("order {}", count(q))),
            cells: [&o.impact.direct, &o.impact.indirect, &o.impact.total].map(cell).to_vec(),
        });
        let mut rows: Vec<Row> = units.chain(orders).collect();
        let label = if split.units.is_empty() { "all orders" } else { "average" };
        let mut all = [&effect.direct, &effect.indirect, &effect.total].map(cell).to_vec();
        if !split.units.is_empty() {
            all.push(Cell::Empty);
        }
        rows.push(Row { label: label.to_string(), cells: all });
        blocks.push(Block { heading: Some(effect.term.clone()), rows });
    }
    let mut notes = vec!["Standard errors in brackets, by the delta method.".to_string()];
    if split.units.is_empty() {
        notes.push(
            "order 0: the unit itself; order q: what reaches a unit over q links; beyond: all further orders."
                .to_string(),
        );
    } else {
        columns.push("on others".to_string());
        notes.push(
            "direct: of a change in the unit; indirect: of a change in all others; on others: what a change in the \
             unit does to all others together."
                .to_string(),
        );
    }
    notes.extend(split.notes.iter().cloned());
    Table { title: None, columns, blocks, notes, digits: 4 }
}

fn cell(e: &Estimate) -> Cell {
    measured(e.estimate, e.se)
}

/// Without stars: a list of units is no list of tests.
fn measured(estimate: f64, se: f64) -> Cell {
    if se.is_nan() { Cell::Number(estimate) } else { Cell::Estimate { estimate, se, p: f64::NAN } }
}

fn unit_row(u: &UnitEffect) -> Row {
    let cells = [(u.direct, u.se.direct), (u.indirect, u.se.indirect), (u.total, u.se.total), (u.from, u.se.from)];
    Row { label: u.unit.clone(), cells: cells.map(|(x, se)| measured(x, se)).to_vec() }
}
