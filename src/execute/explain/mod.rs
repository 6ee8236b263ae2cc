//! `explain(m)`: an estimate in words, as a referee would want to read it. The equation with the names of the program,
//! how it was estimated and why so, the formula of every effect beside its number, what has to be assumed, and what was
//! left out or decided.
//!
//! Nothing is computed here but sums of weights and sizes: numbers are those of the [`Fit`].

mod approach;
mod assumptions;
mod decisions;
mod dynamics;
mod effects;
mod equation;
mod estimator;
mod symbols;
mod variance;

use super::Fitted;
use crate::check::spec::{ModelSpec, Spec, StepKind};
use crate::estimators::{FixedEffects, Model};
use crate::outcome::{Estimate, Explanation, Fit, Passage, Section};
use crate::plan::rollout::RollOut;
use crate::plan::{MatrixUsed, ModelPlan};
use crate::report::number::significant;
use crate::report::words;
use symbols::Symbols;

/// What the sections are written from.
struct Context<'a> {
    spec: &'a Spec,
    model: &'a ModelSpec,
    plan: &'a ModelPlan,
    fitted: &'a Fitted,
    fit: &'a Fit,
    /// Of a difference-in-differences.
    roll_out: Option<RollOut>,
    symbols: Symbols,
}

/// The explanation of a model of the program.
pub(super) fn explain(spec: &Spec, model: usize, fitted: &Fitted) -> Explanation {
    let name = spec.steps.iter().find_map(|s| match &s.kind {
        StepKind::Model { name, model: m } if *m == model => Some(name.as_str()),
        _ => None,
    });
    let title = words::title(&fitted.fit);
    let context = Context {
        spec,
        model: &spec.models[model],
        plan: &fitted.plan,
        fitted,
        fit: &fitted.fit,
        roll_out: RollOut::of(&fitted.plan),
        symbols: Symbols::new(&spec.models[model], &fitted.plan, &fitted.fit),
    };
    let mut sections = vec![
        equation::model(&context),
        equation::coefficients(&context),
        estimator::section(&context),
        variance::section(&context),
    ];
    sections.extend(dynamics::stability(&context));
    sections.push(effects::effects(&context));
    sections.extend(dynamics::long_run(&context));
    sections.extend(effects::policy(&context));
    sections.push(assumptions::section(&context));
    sections.push(decisions::section(&context));
    Explanation { title: name.map_or(title.clone(), |name| format!("{name}: {title}")), sections }
}

impl Context<'_> {
    fn family(&self) -> Model {
        self.plan.problem.model
    }

    fn is_dynamic(&self) -> bool {
        self.fit.stability.is_some()
    }

    fn is_did(&self) -> bool {
        self.model.treatment.is_some()
    }

    fn has_unit_effects(&self) -> bool {
        matches!(self.plan.problem.fixed_effects, FixedEffects::Unit | FixedEffects::Both)
    }

    fn has_time_effects(&self) -> bool {
        matches!(self.plan.problem.fixed_effects, FixedEffects::Time | FixedEffects::Both)
    }

    /// The name of the matrix of ρ, of λ.
    fn lag_name(&self) -> Option<String> {
        self.plan.lag_weights.as_ref().map(|m| symbols::grouped(&m.name))
    }

    fn error_name(&self) -> Option<String> {
        self.plan.error_weights.as_ref().map(|m| symbols::grouped(&m.name))
    }

    /// The treatment as the program calls it.
    fn treatment(&self) -> &str {
        self.fit.treatment.as_deref().unwrap_or("treatment")
    }
}

fn headed(heading: &str, passages: Vec<Passage>) -> Section {
    Section { heading: heading.to_string(), passages }
}

fn paragraph(text: impl Into<String>) -> Passage {
    Passage::Paragraph(text.into())
}

fn point(text: impl Into<String>) -> Passage {
    Passage::Point(text.into())
}

/// A number as prose shows it.
fn shown(x: f64) -> String {
    significant(x, 4)
}

/// `0.0957 (0.0386)`: an estimate and its standard error, where it has one.
fn with_error(e: &Estimate) -> String {
    if e.se.is_finite() { format!("{} ({})", shown(e.estimate), shown(e.se)) } else { shown(e.estimate) }
}

/// Whether every row of a matrix sums to one.
fn rows_sum_to_one(matrix: &MatrixUsed) -> bool {
    matrix.weights.row_sums().iter().all(|s| (s - 1.0).abs() < 1e-9)
}

/// `a`, `a and b`, `a, b and c`.
fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}
