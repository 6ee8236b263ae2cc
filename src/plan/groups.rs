//! The groups of `by_group`: who is in each, and the model on each group alone.

use super::placebo::{Prepared, treated};
use super::{ModelPlan, Planner, Reported, Step};
use crate::check::spec::{Column, ColumnKind, Function, ModelSpec, Place};
use crate::data::series::Series;
use crate::diagnostic::{Diagnostic, SpanLabel};
use crate::fault::{Fault, counted};
use crate::plan::columns::Eval;
use crate::syntax::ast::Operator;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A group of units.
#[derive(Clone)]
pub struct Group {
    pub name: String,
    pub units: usize,
    pub treated: usize,
    /// The model on its units alone, and the share of the weights of their rows that leads to other groups.
    pub alone: Option<(Arc<ModelPlan>, f64)>,
}

impl Planner<'_> {
    /// The groups of an interaction (those with treated units), or of subsamples, each with its plan.
    pub(super) fn compared_groups(
        &mut self,
        model: usize,
        by: &Column,
        split: bool,
        place: Place,
        plan: &ModelPlan,
    ) -> Step<Prepared> {
        let labels = self.group_labels(model, by, plan)?;
        let treated = if split { split_treated(plan) } else { treated(plan) };
        let mut members: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (i, label) in labels.iter().enumerate() {
            if let Some(label) = label {
                members.entry(label.clone()).or_default().push(i);
            }
        }
        let count = |units: &[usize]| units.iter().filter(|&&i| treated[i]).count();
        let concerned = members.iter().filter(|(_, units)| !split || count(units) > 0).count();
        if concerned < 2 {
            let what = if split { "with treated units" } else { "of units" };
            let message = format!("`{}` has {} {what}", by.text, counted(concerned, "group", "groups"));
            let fault = Fault::error("durbin::treatment::one_group", message)
                .help("effects are compared between two groups or more");
            return Err(self.report(fault, by.place.0));
        }
        let mut out = Vec::new();
        for (name, units) in members {
            let treated = count(&units);
            if split && treated == 0 {
                continue;
            }
            let alone = match split {
                true => None,
                false => Some(self.alone(model, by, (&name, &units), treated, place, plan)?),
            };
            out.push(Group { name, units: units.len(), treated, alone });
        }
        Ok(Prepared::Groups(out))
    }

    /// The model on one group.
    fn alone(
        &mut self,
        model: usize,
        by: &Column,
        (name, units): (&str, &[usize]),
        treated: usize,
        place: Place,
        plan: &ModelPlan,
    ) -> Step<(Arc<ModelPlan>, f64)> {
        if treated == 0 || treated == units.len() {
            let lacking = if treated == 0 { "none of them treated" } else { "all of them treated" };
            let message = format!(
                "the group `{}` = {name} cannot be estimated alone: {}, {lacking}",
                by.text,
                counted(units.len(), "unit", "units")
            );
            let fault = Fault::error("durbin::plan::small_group", message)
                .help("`method: interaction` keeps all units as controls of every group");
            return Err(self.report(fault, place.0));
        }
        let spec = self.spec.models[model].clone();
        let condition = self.condition_of(&spec, by, name, Operator::Equal)?;
        let told = self.diagnostics.len();
        let found = self.model(&ModelSpec { condition: Some(condition), ..spec });
        let text = format!("with the units of `{}` = {name} alone", by.text);
        let here = |d: &mut Diagnostic| d.labels.push(SpanLabel { span: by.place.0, text: text.clone() });
        self.diagnostics[told..].iter_mut().for_each(here);
        Ok((Arc::new(found?), lost(plan, units)))
    }

    /// The condition of a model, and that a column is the group of that name (`==`), or another one or none (`!=`).
    pub(super) fn condition_of(
        &mut self,
        spec: &ModelSpec,
        by: &Column,
        name: &str,
        operator: Operator,
    ) -> Step<Column> {
        let panel = self.panels.get(spec.panel).cloned().flatten().ok_or(Reported)?;
        let values = Eval::new(self, &panel, None).value(by)?.spread(panel.table.rows());
        let place = by.place;
        let column = |kind: ColumnKind, text: String| Column { kind, text, place };
        // Groups go by their names, and a column is compared with values of its own kind.
        let value = match (&values, name.parse::<f64>()) {
            (Series::Numbers(_), Ok(x)) => column(ColumnKind::Number(x), name.to_string()),
            (Series::Bools(_), _) => column(ColumnKind::Bool(name == "true"), name.to_string()),
            _ => column(ColumnKind::Text(name.to_string()), format!("\"{name}\"")),
        };
        let (sign, where_missing) = if operator == Operator::Equal { ("==", false) } else { ("!=", true) };
        let text = format!("{} {sign} {}", by.text, value.text);
        let compared = ColumnKind::Chain { first: Box::new(by.clone()), rest: vec![(operator, value)] };
        let missing = ColumnKind::Call { function: Function::IsMissing, arguments: vec![by.clone()], number: f64::NAN };
        let branches = vec![(
            column(missing, format!("is_missing({})", by.text)),
            column(ColumnKind::Bool(where_missing), where_missing.to_string()),
        )];
        let otherwise = Box::new(column(compared, text.clone()));
        let here = column(ColumnKind::If { branches, otherwise }, text.clone());
        let Some(own) = &spec.condition else { return Ok(here) };
        let text = format!("({}) and {text}", own.text);
        Ok(column(ColumnKind::Chain { first: Box::new(own.clone()), rest: vec![(Operator::And, here)] }, text))
    }
}

/// Units that are ever treated, of a model whose treatment is split.
fn split_treated(plan: &ModelPlan) -> Vec<bool> {
    let (n, problem) = (plan.units.len(), &plan.problem);
    let ever = |i: usize| {
        let parts = problem.regressors[..problem.events].iter();
        parts.flat_map(|r| (0..problem.periods).map(move |t| r.values[t * n + i])).any(|d| d > 0.5)
    };
    (0..n).map(ever).collect()
}

/// The share of the weights of some rows that leads to other units than these.
fn lost(plan: &ModelPlan, units: &[usize]) -> f64 {
    let used = plan.durbin_weights.first().or(plan.lag_weights.as_ref()).or(plan.error_weights.as_ref());
    let Some(used) = used else { return 0.0 };
    let (mut all, mut outside) = (0.0, 0.0);
    for (v, (i, k)) in used.weights.matrix.iter() {
        // Of weights that change over time every block is on the same units.
        let n = plan.units.len();
        if units.binary_search(&(i % n)).is_ok() {
            all += v;
            outside += if units.binary_search(&(k % n)).is_ok() { 0.0 } else { *v };
        }
    }
    if all > 0.0 { outside / all } else { 0.0 }
}
