//! The JSON document of a run (`durbin doc command`): field names are an interface, numbers full precision, none is NaN.

use super::grid::{GridLine, lines};
use crate::outcome::designs::Design;
use crate::outcome::{Block, Cell, Entry, Outcome, Row, Table};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The name and version of the document's shape.
pub const SCHEMA: &str = "durbin.results/1";

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Input {
    /// As the program writes it.
    pub path: String,
    pub bytes: u64,
    pub blake3: String,
}

/// What a document says about a run beside its warnings.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The version of durbin.
    pub version: &'a str,
    pub program_path: &'a str,
    pub program_blake3: &'a str,
    pub inputs: &'a [Input],
    pub seed: u64,
    /// Named models, printed and saved expressions in program order.
    pub entries: &'a [Entry],
}

/// The document of a program that ran.
pub fn document(run: &Run, warnings: Vec<Value>) -> Value {
    json!({
        "schema": SCHEMA,
        "durbin": run.version,
        "program": {"path": run.program_path, "blake3": run.program_blake3},
        "inputs": value(&run.inputs),
        "seed": run.seed,
        "results": run.entries.iter().map(entry).collect::<Vec<_>>(),
        "warnings": warnings,
    })
}

/// The document of a program that was refused.
pub fn refusal(errors: Vec<Value>, warnings: Vec<Value>) -> Value {
    json!({"schema": SCHEMA, "errors": errors, "warnings": warnings})
}

/// A document as it is written: indented, one newline at the end.
pub fn written(document: &Value) -> String {
    format!("{document:#}\n")
}

/// One entry of `results`: name, source, kind, then the kind's fields.
pub fn entry(entry: &Entry) -> Value {
    let mut fields = Map::new();
    fields.insert("name".to_string(), value(&entry.name));
    fields.insert("source".to_string(), value(&entry.source));
    fields.insert("kind".to_string(), Value::from(kind(&entry.outcome)));
    if let Value::Object(own) = body(&entry.outcome) {
        fields.extend(own);
    }
    Value::Object(fields)
}

/// The word for a kind of outcome.
pub fn kind(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Fit(_) => "fit",
        Outcome::Weights(_) => "weights",
        Outcome::Treatment(_) => "treatment",
        Outcome::Panel(_) | Outcome::Described(_) => "panel",
        Outcome::Data(_) => "data",
        Outcome::Table(_) => "table",
        Outcome::Test(_) => "test",
        Outcome::Array(_) => "array",
        Outcome::Value(_) => "value",
        // An explanation is text to a reader of the document, with its sections beside it.
        Outcome::Text(_) | Outcome::Explanation(_) => "text",
        Outcome::Effects { .. } | Outcome::SplitEffects(_) => "effects",
        Outcome::Design(Design::EventStudy(_)) => "event_study",
        Outcome::Design(Design::ByBand(_)) => "by_band",
        Outcome::Design(Design::Placebo(_)) => "placebo",
        Outcome::Design(Design::FakeTiming(_)) => "fake_timing",
        Outcome::Design(Design::LeaveOneOut(_)) => "leave_one_out",
        Outcome::Design(Design::Simulation(_)) => "simulate",
        Outcome::Design(Design::SpecCurve(_)) => "spec_curve",
        Outcome::Design(Design::Rings(_)) => "rings",
        Outcome::Design(Design::Joint(_)) => "joint",
        Outcome::Design(Design::ByGroup(_)) => "by_group",
        Outcome::Design(Design::SplitExposure(_)) => "split_exposure",
        Outcome::Design(Design::Staggered(s)) => s.kind,
        Outcome::Design(Design::Bacon(_)) => "bacon",
        Outcome::Design(Design::Honest(_)) => "honest",
        Outcome::Design(Design::Matched(_)) => "psm_did",
        Outcome::Figure(_) => "figure",
        Outcome::List(_) => "list",
    }
}

fn body(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Fit(fit) => value(fit),
        Outcome::Weights(w) => value(w),
        Outcome::Treatment(t) => value(t),
        Outcome::Panel(p) => value(p),
        Outcome::Described(d) => value(&**d),
        Outcome::Data(d) => value(d),
        Outcome::Array(a) => value(a),
        Outcome::Table(t) => table(t),
        Outcome::Test(t) => value(t),
        Outcome::Value(v) => json!({"value": value(v)}),
        Outcome::Text(t) => json!({"text": t}),
        Outcome::Explanation(e) => {
            json!({"text": super::explanation::text(e), "title": e.title, "sections": value(&e.sections)})
        }
        Outcome::Effects { effects, responses, policy_effects, level } => {
            let mut fields = Map::new();
            fields.insert("effects".to_string(), value(effects));
            if !responses.is_empty() {
                fields.insert("responses".to_string(), value(responses));
            }
            if let Some(policy) = policy_effects {
                fields.insert("policy_effects".to_string(), value(policy));
            }
            fields.insert("level".to_string(), value(level));
            Value::Object(fields)
        }
        Outcome::SplitEffects(split) => {
            let mut fields = value(&**split);
            if let Some(orders) = fields.get_mut("orders").and_then(Value::as_array_mut) {
                // What lies beyond the last order has a word instead of a number.
                for order in orders.iter_mut().filter(|o| o["order"].is_null()) {
                    order["order"] = Value::from("beyond");
                }
            }
            fields
        }
        Outcome::Design(d) => value(d),
        Outcome::Figure(f) => json!({"title": f.title, "path": f.path, "notes": f.notes}),
        Outcome::List(items) => json!({"items": items.iter().map(entry).collect::<Vec<_>>()}),
    }
}

/// Headings and lines as strings; a block's heading is a row of one cell.
fn table(table: &Table) -> Value {
    let rows: Vec<Vec<String>> = lines(table)
        .into_iter()
        .filter_map(|line| match line {
            GridLine::Heading(text) => Some(vec![text]),
            GridLine::Cells(cells) => Some(cells),
            GridLine::Rule => None,
        })
        .collect();
    let columns: Vec<&str> = std::iter::once("").chain(table.columns.iter().map(String::as_str)).collect();
    let blocks: Vec<Value> = table.blocks.iter().map(block).collect();
    json!({"title": table.title, "columns": columns, "rows": rows, "notes": table.notes, "blocks": blocks})
}

/// A block of a table with its numbers in full.
fn block(block: &Block) -> Value {
    let cell = |c: &Cell| match c {
        Cell::Empty => Value::Null,
        Cell::Text(t) | Cell::Heading(t) => Value::from(t.as_str()),
        Cell::Count(n) => Value::from(*n),
        Cell::Number(x) | Cell::Shown { exact: x, .. } => value(x),
        Cell::Estimate { estimate, se, p } | Cell::EstimateOver { estimate, se, p, .. } => {
            json!({"estimate": value(estimate), "se": value(se), "p": value(p)})
        }
    };
    let row = |r: &Row| json!({"label": r.label, "cells": r.cells.iter().map(cell).collect::<Vec<_>>()});
    json!({"heading": block.heading, "rows": block.rows.iter().map(row).collect::<Vec<_>>()})
}

/// Plain data cannot fail to serialize; numbers that do not exist become null.
fn value<T: Serialize + ?Sized>(data: &T) -> Value {
    serde_json::to_value(data).unwrap_or(Value::Null)
}
