//! A plan as text and as a document: the steps of a run with what they need, under the headings of a methods section.

use super::layout::{Align, LINE, padded, width, wrapped};
use super::number::count;
use crate::fault::{counted, size};
use crate::outcome::Dropped;
use crate::outcome::steps::{Step, Steps, What};
use serde_json::{Map, Value, json};

/// The name and version of the document's shape.
pub const SCHEMA: &str = "durbin.plan/1";

/// Labels longer than this take a line of their own.
const LABEL: usize = 20;
/// Sizes of steps below this are not shown, only their sum.
const NOTABLE: u64 = 10_000_000;

/// The plan of a program for the terminal.
pub fn text(program: &str, steps: &Steps) -> String {
    let mut out = format!("Plan of {program}\n\n");
    for line in wrapped("  ", 2, &overview(steps)) {
        out.push_str(&format!("{line}\n"));
    }
    let label = steps.steps.iter().map(|s| width(&label(s))).filter(|&w| w <= LABEL).max().unwrap_or(0);
    let mut heading = "";
    let mut model = "";
    for step in &steps.steps {
        let now = section(&step.what);
        if now != heading {
            out.push_str(&format!("\n{now}\n"));
            heading = now;
        }
        if now == "Models" && step.name != model {
            out.push_str(&format!("  {}\n", step.name));
            model = &step.name;
        }
        out.push_str(&lines(step, label));
    }
    out
}

fn overview(steps: &Steps) -> String {
    let models = steps.steps.iter().filter(|s| matches!(s.what, What::Fit { .. })).count();
    let mut out = format!(
        "{}, {}; nothing is estimated yet.",
        counted(steps.steps.len(), "step", "steps"),
        counted(models, "model", "models")
    );
    if let Some(worst) = steps.steps.iter().find(|s| s.number == steps.peak_step) {
        out.push_str(&format!(
            " At the worst moment, at step {}, it takes about {} of memory, with {} at the same time.",
            worst.number,
            size(steps.peak_bytes),
            if steps.threads == 1 { "one step".to_string() } else { format!("up to {} steps", steps.threads) }
        ));
    }
    out
}

fn section(what: &What) -> &'static str {
    match what {
        What::Read { .. } | What::Data { .. } | What::Panel { .. } => "Data",
        What::Derived { .. } => "Columns that are spatial lags",
        What::Treatment { .. } => "Treatments",
        What::Weights { .. } => "Weights",
        What::LogDeterminant { .. } | What::Interval { .. } => "Log-determinants ln|I − ρW|",
        What::Design { .. } | What::Fit { .. } | What::Effects { .. } => "Models",
        What::Output { .. } => "Results",
    }
}

/// What stands before the description: models have their name above them.
fn label(step: &Step) -> String {
    match &step.what {
        What::Read { .. }
        | What::Weights { .. }
        | What::LogDeterminant { .. }
        | What::Interval { .. }
        | What::Derived { .. }
        | What::Treatment { .. }
        | What::Output { .. } => step.name.clone(),
        What::Data { .. } => format!("data {}", step.name),
        What::Panel { .. } => format!("panel {}", step.name),
        What::Design { .. } => "columns".to_string(),
        What::Fit { .. } => "fit".to_string(),
        What::Effects { .. } => "effects".to_string(),
    }
}

/// The lines of one step: number, label, description.
fn lines(step: &Step, label_width: usize) -> String {
    let name = label(step);
    let number = padded(&step.number.to_string(), 4, Align::Right);
    let indent = 6 + label_width + 2;
    let mut out = String::new();
    let mut first = format!("{number}  {}", padded(&name, label_width, Align::Left));
    if width(&name) > label_width {
        out.push_str(&format!("{number}  {name}\n"));
        first = " ".repeat(indent - 2);
    }
    first.push_str("  ");
    let mut paragraphs = described(step);
    if let Some(last) = paragraphs.last_mut() {
        last.push_str(&needs(step));
    }
    paragraphs.retain(|p| !p.is_empty());
    if paragraphs.is_empty() && width(&name) <= label_width {
        return format!("{}\n", first.trim_end());
    }
    for paragraph in paragraphs {
        for line in wrapped(&first, indent, &paragraph) {
            out.push_str(&format!("{}\n", line.trim_end()));
        }
        first = " ".repeat(indent);
    }
    debug_assert!(indent < LINE);
    out
}

/// `← 3, 4; once for base, near; 120 MB`
fn needs(step: &Step) -> String {
    let mut parts = Vec::new();
    if !step.needs.is_empty() {
        let numbers: Vec<String> = step.needs.iter().map(usize::to_string).collect();
        parts.push(format!("from {}", numbers.join(", ")));
    }
    let several = step.used_by.len() > 1;
    if several && matches!(step.what, What::Weights { .. } | What::LogDeterminant { .. }) {
        parts.push(format!("once for {}", some(&step.used_by)));
    }
    if step.kept_bytes.saturating_add(step.working_bytes) >= NOTABLE {
        parts.push(format!("{} stay, {} more at work", size(step.kept_bytes), size(step.working_bytes)));
    }
    if parts.is_empty() { String::new() } else { format!(" [{}]", parts.join("; ")) }
}

/// Paragraphs about a step; the last one takes what it needs.
fn described(step: &Step) -> Vec<String> {
    match &step.what {
        What::Read { bytes, rows: Some(rows), columns: Some(columns) } => {
            vec![format!("{} × {}, {}", rows_of(*rows), counted(*columns, "column", "columns"), size(*bytes))]
        }
        What::Read { bytes, .. } => vec![size(*bytes)],
        What::Data { keys, labels, rows, cells } => {
            let keys: Vec<String> = keys.iter().zip(labels).map(|(k, n)| format!("{} {k}", count(*n))).collect();
            vec![format!("{} = {} cells, {}", keys.join(" × "), count(*cells), counted(*rows, "row", "rows"))]
        }
        What::Panel { .. } => panel(&step.what),
        What::Derived { panel, .. } => vec![format!("of panel {panel}")],
        What::Treatment { units, never, first_start, last_start, .. } => {
            let when = match (first_start, last_start) {
                (Some(a), Some(b)) if a == b => format!(", all from {a}"),
                (Some(a), Some(b)) => format!(", the first from {a}, the last from {b}"),
                _ => String::new(),
            };
            vec![format!("{} of {} units treated{when}", count(units - never), count(*units))]
        }
        What::Weights { recipe, units, links, islands, .. } => {
            let mean = *links as f64 / (*units).max(1) as f64;
            let alone =
                if *islands == 0 { String::new() } else { format!(", {}", counted(*islands, "island", "islands")) };
            let size =
                format!("{} units, {} links, {mean:.1} neighbors on average{alone}", count(*units), count(*links));
            if *recipe == step.name { vec![size] } else { vec![recipe.clone(), size] }
        }
        What::LogDeterminant { method, why, numbers } => vec![match method.as_str() {
            "eigen" => format!("by eigenvalues: {why}"),
            "cholesky" => {
                format!("by sparse Cholesky, for the matrix is {why}; a factor of {} numbers", count(*numbers))
            }
            _ => format!("by sparse LU, for the matrix is {why}; {} numbers at a time", count(*numbers)),
        }],
        What::Interval { .. } => vec!["the interval of rho, to be printed".to_string()],
        What::Design { .. } => design(&step.what),
        What::Fit { .. } => fit(&step.what),
        What::Effects { terms, policy, errors, draws } => {
            let word = match *errors {
                "simulate" => "simulated draws",
                "wild" => "replications of the wild bootstrap",
                _ => "replications of the bootstrap",
            };
            let how = draws.map_or("delta method".to_string(), |d| format!("{} {word}", count(d)));
            let policy = policy.as_ref().map_or(String::new(), |p| format!("; policy effects of {p}"));
            vec![format!("direct, indirect and total of {} ({how}){policy}", some(terms))]
        }
        What::Output { path: Some(path), .. } => vec![format!("saved to {path}")],
        What::Output { .. } => vec![String::new()],
    }
}

fn rows_of(rows: usize) -> String {
    format!("{} {}", count(rows), if rows == 1 { "row" } else { "rows" })
}

fn panel(what: &What) -> Vec<String> {
    let What::Panel { unit, time, units, periods, first_period, last_period, rows, balanced, joins, derived, dropped } =
        what
    else {
        return Vec::new();
    };
    let balance = if *balanced { "balanced" } else { "with gaps" };
    let when = if first_period == last_period {
        format!("{first_period}")
    } else {
        format!("{first_period} to {last_period}")
    };
    let mut out = vec![format!(
        "{} units ({unit}) × {} ({time} {when}), {}, {balance}",
        count(*units),
        counted(*periods, "period", "periods"),
        rows_of(*rows)
    )];
    out.extend(left_out(dropped));
    if !joins.is_empty() {
        out.push(format!("joined with {}", joins.join(", ")));
    }
    if !derived.is_empty() {
        out.push(format!("derived: {}", derived.join(", ")));
    }
    out
}

fn left_out(dropped: &[Dropped]) -> Option<String> {
    let parts: Vec<String> =
        dropped.iter().filter(|d| d.rows > 0).map(|d| format!("{} ({})", rows_of(d.rows), d.reason)).collect();
    (!parts.is_empty()).then(|| format!("left out: {}", parts.join(", ")))
}

/// The first six names, and how many more.
fn some(names: &[String]) -> String {
    let shown = names.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 6 { format!("{shown} and {} more", names.len() - 6) } else { shown }
}

fn design(what: &What) -> Vec<String> {
    let What::Design { query, outcome, terms, lagged, lagged_by, units, periods, observations, dropped } = what else {
        return Vec::new();
    };
    let lags = match lagged.len() {
        0 => String::new(),
        n if n == terms.len() && n == 1 => format!(" and its lag by {}", lagged_by.join(" and by ")),
        2 if terms.len() == 2 => format!(" and the lags of both by {}", lagged_by.join(" and by ")),
        n if n == terms.len() => format!(" and the lags of all {n} by {}", lagged_by.join(" and by ")),
        _ => format!(" and the lags of {} by {}", some(lagged), lagged_by.join(" and by ")),
    };
    let mut out = vec![
        format!("{query}: {outcome} on {}{lags}", some(terms)),
        format!(
            "{} observations of {} units × {}",
            count(*observations),
            count(*units),
            counted(*periods, "period", "periods")
        ),
    ];
    out.extend(left_out(dropped));
    out
}

fn fit(what: &What) -> Vec<String> {
    let What::Fit { estimator, fixed_effects, coefficients, likelihood, why, m_effective, variance, optimum_of } = what
    else {
        return Vec::new();
    };
    let effects = match fixed_effects.as_slice() {
        [] => "no fixed effects".to_string(),
        [one] => format!("{one} effects"),
        several => format!("{} effects", several.join(" and ")),
    };
    let mut out =
        vec![format!("{} and {effects}, by {estimator}", counted(*coefficients, "coefficient", "coefficients"))];
    if let Some(row) = likelihood {
        let counts = if m_effective.is_finite() {
            format!(", which counts {} observations", count(*m_effective as usize))
        } else {
            String::new()
        };
        out.push(format!("likelihood `{row}`{counts}: {why}"));
    }
    if let Some(first) = optimum_of {
        out.push(format!("the optimum is that of step {first}: the two differ in standard errors alone"));
    }
    out.push(format!("standard errors {variance}"));
    out
}

/// The document of a plan: as of a run, with steps in the place of results. Where the program is refused `errors` says
/// why, and the steps are there if it came to them.
pub fn document(head: Map<String, Value>, steps: Option<&Steps>, errors: Vec<Value>, warnings: Vec<Value>) -> Value {
    let mut out = Map::new();
    out.insert("schema".to_string(), Value::from(SCHEMA));
    out.extend(head);
    if let Some(Value::Object(fields)) = steps.map(|s| serde_json::to_value(s).unwrap_or(Value::Null)) {
        out.extend(fields);
    }
    if !errors.is_empty() {
        out.insert("errors".to_string(), json!(errors));
    }
    out.insert("warnings".to_string(), json!(warnings));
    Value::Object(out)
}
