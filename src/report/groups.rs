//! Effects group by group, and exposure on treated and untreated units, as tables.

use super::designs::{in_words, made_from};
use super::number;
use super::table::{TableOptions, star_note};
use crate::outcome::groups::{ByGroup, SplitExposure};
use crate::outcome::{Block, Cell, Estimate, Impact, Row, Table};

/// The title of effects by group.
pub fn about(g: &ByGroup) -> String {
    let how = if g.method == "subsample" { "each on its own units" } else { "in one model" };
    format!("effects of `{}` by `{}`, {how}", g.treatment, g.by)
}

/// One row per group; spatial models also with what the policy did there.
pub fn table(g: &ByGroup) -> Table {
    let options = TableOptions::default();
    let three = |i: &Impact| [&i.direct, &i.indirect, &i.total].map(|e| options.cell(e));
    let averages = g.groups.iter().map(|x| {
        let mut cells = vec![Cell::Count(x.units), Cell::Count(x.treated_units), options.cell(&x.direct)];
        if g.spatial {
            cells.extend([options.cell(&x.indirect), options.cell(&x.total)]);
        }
        Row { label: x.group.clone(), cells }
    });
    let heading = g.spatial.then(|| "Effects, averaged over units".to_string());
    let mut blocks = vec![Block { heading, rows: averages.collect() }];
    if g.spatial {
        let rows = g.groups.iter().map(|x| Row {
            label: x.group.clone(),
            cells: [Cell::Empty, Cell::Empty].into_iter().chain(three(&x.on_treated)).collect(),
        });
        let heading = Some("On the treated of the group, as they were treated".to_string());
        blocks.push(Block { heading, rows: rows.collect() });
    }
    let mut columns = vec!["units", "treated"];
    columns.extend(if g.spatial { vec!["direct", "indirect", "total"] } else { vec!["effect"] });
    let what = if g.spatial { "own and lagged coefficients of the treatment are" } else { "the effect is" };
    let mut notes = vec![
        "Standard errors in brackets.".to_string(),
        star_note(&options).concat(),
        format!("In all groups {what} the same: {}.", in_words(&g.equality)),
    ];
    notes.extend(match g.method.as_str() {
        "subsample" => subsample_note(g),
        _ => vec![
            match g.spatial {
                true => "One model: groups share rho and all other coefficients, and are controls of each other.",
                false => "One model: groups share all other coefficients, and are controls of each other.",
            }
            .to_string(),
        ],
    });
    notes.push(g.made_from.clone());
    Table {
        title: None,
        columns: columns.into_iter().map(String::from).collect(),
        blocks,
        notes,
        digits: options.digits,
    }
}

/// What leaving the others out does to the matrices.
fn subsample_note(g: &ByGroup) -> Vec<String> {
    let mut notes = vec![
        "Each group has a model of its own, so that every coefficient differs; the test takes groups to be independent."
            .to_string(),
    ];
    let lost: Vec<String> = g
        .groups
        .iter()
        .filter_map(|x| x.weights_lost.map(|l| format!("{} {} %", x.group, number::significant(100.0 * l, 2))))
        .collect();
    if !lost.is_empty() {
        notes.push(format!(
            "Matrices are struck to the group and scaled anew: what comes from units of other groups is lost, which is so \
             much of the weights of its rows: {}. `method: interaction` keeps them.",
            lost.join(", ")
        ));
    }
    notes
}

/// The title of split exposure.
pub fn about_exposure(s: &SplitExposure) -> String {
    format!("spillovers of `{}` on treated and on untreated units", s.treatment)
}

/// Coefficients, then what the policy did.
pub fn exposure(s: &SplitExposure) -> Table {
    let options = TableOptions::default();
    let row = |label: &str, cells: Option<usize>, e: &Estimate| Row {
        label: label.to_string(),
        cells: vec![cells.map_or(Cell::Empty, Cell::Count), options.cell(e), Cell::Text(number::p_value(e.p))],
    };
    let coefficients = s.coefficients.iter().map(|c| row(&c.term, None, &c.value)).collect();
    let did = vec![
        row("on treated", Some(s.treated_cells), &s.on_treated),
        row("  of it by exposure", None, &s.by_exposure_on_treated),
        row("on untreated", Some(s.untreated_cells), &s.on_untreated),
        row("  on exposed ones", Some(s.exposed_cells), &s.on_exposed),
    ];
    let blocks = vec![
        Block { heading: Some("Coefficients".to_string()), rows: coefficients },
        Block { heading: Some("What the policy did (unit-periods)".to_string()), rows: did },
    ];
    let alike = s.equality.p >= 1.0 - s.level;
    let notes = vec![
        "Standard errors in brackets.".to_string(),
        star_note(&options).concat(),
        format!(
            "Exposure acts alike on treated and untreated units: {}{}.",
            in_words(&s.equality),
            if s.equality.p.is_nan() {
                ""
            } else if alike {
                ", which is not rejected"
            } else {
                ", which is rejected"
            }
        ),
        "Untreated: from the first period with a treatment on; exposed: with a treated neighbor.".to_string(),
        made_from(&s.model, &s.fit),
    ];
    Table {
        title: None,
        columns: ["cells", "estimate", "p"].map(String::from).to_vec(),
        blocks,
        notes,
        digits: options.digits,
    }
}
