//! Many estimates as tables: the quality of an analysis, and one effect over many models.

use super::designs::in_words;
use super::number;
use super::table::{TableOptions, star_note};
use crate::outcome::replications::{Joint, Quality, Simulation, SpecCurve, Specification};
use crate::outcome::{Block, Cell, Row, Table};

/// The title of a simulation.
pub fn about_simulation(s: &Simulation) -> String {
    format!("`{}` on {} outcomes drawn from it", s.model, number::count(s.reps))
}

/// One row per number whose truth is known.
pub fn simulation(s: &Simulation) -> Table {
    let row = |label: &str, q: &Quality| Row { label: label.to_string(), cells: cells(q) };
    let mut blocks = Vec::new();
    let coefficients = s.terms.iter().map(|t| row(&t.term, &t.quality)).collect();
    blocks.push(Block { heading: Some("Coefficients".to_string()), rows: coefficients });
    let headline = s.treatment.as_deref();
    let shown = s.effects.iter().filter(|e| headline.is_none_or(|t| e.term == t));
    for e in shown.filter(|_| s.spatial) {
        let rows = vec![row("direct", &e.direct), row("indirect", &e.indirect), row("total", &e.total)];
        blocks.push(Block { heading: Some(format!("Effects of {}, averaged over units", e.term)), rows });
    }
    if let (Some(p), true) = (&s.policy_effects, s.spatial) {
        let rows = vec![
            row("direct on treated", &p.direct_on_treated),
            row("total on treated", &p.total_on_treated),
            row("on untreated", &p.indirect_on_untreated),
        ];
        blocks.push(Block { heading: Some("What the policy did".to_string()), rows });
    }
    let columns = ["truth", "bias", "RMSE", "se / sd", "coverage", "power", "detectable"];
    Table {
        title: None,
        columns: columns.map(String::from).to_vec(),
        blocks,
        notes: notes(s),
        digits: TableOptions::default().digits,
    }
}

fn cells(q: &Quality) -> Vec<Cell> {
    let number = |x: f64| if x.is_finite() { Cell::Number(x) } else { Cell::Empty };
    let rate = |x: f64| if x.is_finite() { Cell::Text(number::fixed(x, 3)) } else { Cell::Empty };
    vec![
        number(q.truth),
        Cell::Estimate { estimate: q.bias, se: q.monte_carlo_error.bias, p: f64::NAN },
        number(q.rmse),
        rate(q.error_ratio),
        rate(q.coverage),
        rate(q.power),
        number(q.detectable),
    ]
}

fn notes(s: &Simulation) -> Vec<String> {
    let used = (s.reps - s.discarded) as f64;
    let error = |rate: f64| number::fixed((rate * (1.0 - rate) / used).sqrt(), 3);
    let set = match s.set.as_slice() {
        [] => "All parameters are as estimated".to_string(),
        names => format!("Set: {}; the other parameters are as estimated", names.join(", ")),
    };
    let errors = match s.errors.as_str() {
        "residuals" => "errors are the residuals of whole units, drawn with replacement".to_string(),
        _ => format!("errors are normal with variance {}", number::significant(s.sigma2, 4)),
    };
    let mut notes = vec![
        "Bias with its Monte Carlo error in brackets; se / sd: the mean standard error over the spread of the estimates; \
         power: how often zero is rejected, which is the size of the test where the truth is 0."
            .to_string(),
        format!(
            "Detectable: the least that a test of level 0.05 finds with power 0.8 (2.8 spreads). Monte Carlo errors: {} of \
             a coverage of {}, {} of a power of one half.",
            error(s.level),
            s.level,
            error(0.5)
        ),
        format!("{set}; {errors}; fixed effects, terms and matrices stay."),
    ];
    notes.extend(answer(s));
    if s.discarded > 0 {
        notes.push(format!("{} of {} outcomes have no estimate and are left out.", s.discarded, number::count(s.reps)));
    }
    notes.push(format!("Seed {}.", s.seed));
    notes.push(s.made_from.clone());
    notes
}

/// Whether this design could have found the effect of the treatment.
fn answer(s: &Simulation) -> Option<String> {
    let (treatment, treated) = (s.treatment.as_ref()?, s.treated_units?);
    let e = s.effects.iter().find(|e| e.term == *treatment)?;
    let (what, q) = if s.spatial { ("a total effect", &e.total) } else { ("an effect", &e.direct) };
    let verdict = if q.truth == 0.0 {
        format!("find {what} where there is none in {} % of samples", percent(q.power))
    } else {
        format!(
            "find {what} of {} in {} % of samples, and {what} of {} in about 80 %",
            number::significant(q.truth, 3),
            percent(q.power),
            number::significant(q.detectable, 3)
        )
    };
    let units = |n: usize| if n == 1 { "unit" } else { "units" };
    Some(format!(
        "{} {}, {treated} of them treated, over {} periods would {verdict}.",
        s.units,
        units(s.units),
        s.periods
    ))
}

fn percent(share: f64) -> String {
    number::significant(100.0 * share, 3)
}

/// The title of a curve.
pub fn about_curve(c: &SpecCurve) -> String {
    format!("the {} effect of `{}` over {} models", c.effect, c.term, c.specifications.len())
}

/// What tells the models of a curve apart.
struct Differs<'a> {
    heading: &'static str,
    of: Box<dyn Fn(&Specification) -> String + 'a>,
}

/// One row per model, from the smallest effect to the largest, with what tells them apart.
pub fn curve(c: &SpecCurve) -> Table {
    let options = TableOptions::default();
    let mut sets: Vec<String> = Vec::new();
    for s in &c.specifications {
        let set = s.controls.join(" + ");
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    // Sets of controls are long: they have letters, the smaller sets first.
    sets.sort_by_key(|s| (s.split(" + ").count() * usize::from(!s.is_empty()), s.clone()));
    let letter = |s: &Specification| {
        let at = sets.iter().position(|set| *set == s.controls.join(" + ")).unwrap_or(0);
        letters(at)
    };
    let dash = || "–".to_string();
    let all = [
        Differs { heading: "model", of: Box::new(|s| s.query.clone()) },
        Differs { heading: "outcome", of: Box::new(|s| s.outcome.clone()) },
        Differs { heading: "weights", of: Box::new(|s| s.weights.clone().unwrap_or_else(dash)) },
        Differs { heading: "controls", of: Box::new(letter) },
        Differs { heading: "sample", of: Box::new(|s| s.sample.clone().unwrap_or_else(|| "all".to_string())) },
        Differs { heading: "panel", of: Box::new(|s| s.panel.clone()) },
        Differs { heading: "effects", of: Box::new(|s| s.fixed_effects.join(", ")) },
        Differs { heading: "errors", of: Box::new(|s| s.se_type.clone()) },
        Differs { heading: "likelihood", of: Box::new(|s| s.likelihood.clone()) },
    ];
    let differs: Vec<&Differs> = all
        .iter()
        .filter(|d| {
            let first = (d.of)(&c.specifications[0]);
            c.specifications.iter().any(|s| (d.of)(s) != first)
        })
        .collect();
    let rows = c.specifications.iter().enumerate().map(|(k, s)| {
        let mut cells = vec![options.cell(&s.value), Cell::Text(number::p_value(s.value.p))];
        cells.extend(differs.iter().map(|d| Cell::Text((d.of)(s))));
        Row { label: (k + 1).to_string(), cells }
    });
    let mut columns = vec![c.effect.clone(), "p".to_string()];
    columns.extend(differs.iter().map(|d| d.heading.to_string()));
    let mut notes = vec!["Standard errors in brackets.".to_string(), star_note(&options).concat()];
    if differs.iter().any(|d| d.heading == "controls") {
        let named = sets.iter().enumerate().map(|(k, set)| {
            let set = if set.is_empty() { "none" } else { set };
            format!("{}: {set}", letters(k))
        });
        notes.push(format!("Controls {}.", named.collect::<Vec<_>>().join("; ")));
    }
    let short = |x: f64| number::significant(x, 4);
    let n = c.specifications.len();
    notes.push(format!(
        "From {} to {}, median {}; of {n} models {} with an effect above zero at level {:.2}, {} with one below it.",
        short(c.range[0]),
        short(c.range[1]),
        short(c.median),
        c.positive,
        1.0 - c.level,
        c.negative
    ));
    notes.push(
        "Models of one data set are not independent: these shares are no p-values, and say how far the answer rests on \
         choices."
            .to_string(),
    );
    Table {
        title: None,
        columns,
        blocks: vec![Block { heading: None, rows: rows.collect() }],
        notes,
        digits: options.digits,
    }
}

/// A, B, …, Z, A1, B1, …
fn letters(at: usize) -> String {
    let letter = char::from(b'A' + (at % 26) as u8);
    if at < 26 { letter.to_string() } else { format!("{letter}{}", at / 26) }
}

/// The title of a joint effect.
pub fn about_joint(j: &Joint) -> String {
    format!("the {} effect of `{}` in {} models on the same units", j.effect, j.term, j.effects.len())
}

/// One row per model, with the correlations between their estimates.
pub fn joint(j: &Joint) -> Table {
    let options = TableOptions::default();
    let different = j.effects.iter().any(|e| e.outcome != j.effects[0].outcome);
    let name = |k: usize| if different { j.effects[k].outcome.clone() } else { j.effects[k].model.clone() };
    let rows = j.effects.iter().enumerate().map(|(k, e)| {
        let mut cells = vec![options.cell(&e.value), Cell::Text(number::p_value(e.value.p))];
        let below = j.correlation[k].iter().take(j.effects.len() - 1).enumerate();
        cells.extend(below.map(|(i, r)| if i < k { Cell::Text(number::fixed(*r, 2)) } else { Cell::Empty }));
        Row { label: format!("{}: {}", k + 1, name(k)), cells }
    });
    let mut columns = vec![j.effect.clone(), "p".to_string()];
    columns.extend((1..j.effects.len()).map(|k| format!("corr. with {k}")));
    let mut notes = vec![
        "Standard errors in brackets, from residuals of whole units drawn together for all models: units are taken to be \
         exchangeable, what a unit has in common over time and models stays."
            .to_string(),
        star_note(&options).concat(),
        format!("The effect is the same in all of them: {}.", in_words(&j.equality)),
        format!("{} joint draws, seed {}.", number::count(j.reps - j.discarded), j.seed),
    ];
    if j.discarded > 0 {
        notes.push(format!(
            "{} of {} draws lack an estimate in one of the models.",
            j.discarded,
            number::count(j.reps)
        ));
    }
    Table {
        title: None,
        columns,
        blocks: vec![Block { heading: None, rows: rows.collect() }],
        notes,
        digits: options.digits,
    }
}
