//! What placebos need of the data before anything is estimated: who may take whose treatment, and the models without a
//! group of treated units.

use super::columns::Eval;
use super::groups::Group;
use super::rings::RingCounts;
use super::{ModelPlan, Planner, Reported, Step};
use crate::check::spec::{Column, DesignSpec, ModelSpec, Permute, Place, PlaceboSpec};
use crate::data::series::Series;
use crate::designs::assignment::{Assignment, connected, in_order, neighbors};
use crate::diagnostic::{Diagnostic, SpanLabel};
use crate::fault::{Fault, counted, quoted_list, ticked_list};
use crate::syntax::ast::Operator;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a design is answered from beside the fits of its models.
#[derive(Clone)]
pub enum Prepared {
    /// Where random assignments come from, and how many groups it moves.
    Assignments { from: Assignment, groups: Option<usize> },
    /// The model without each group of treated units.
    Without(Vec<Left>),
    /// Who is in which ring.
    Rings(RingCounts),
    /// The groups of units that are compared.
    Groups(Vec<Group>),
}

/// A group of treated units and the model without its units.
#[derive(Clone)]
pub struct Left {
    pub group: String,
    pub units: Vec<String>,
    pub plan: Arc<ModelPlan>,
}

impl Planner<'_> {
    /// What a design needs of the data; `None` where it needs nothing.
    pub(super) fn prepare(&mut self, design: &DesignSpec, models: &[Option<Arc<ModelPlan>>]) -> Step<Option<Prepared>> {
        let plan_of = |model: usize| models.get(model).cloned().flatten().ok_or(Reported);
        match design {
            DesignSpec::Placebo(spec) => {
                let plan = plan_of(spec.model)?;
                self.assignments(spec, &plan).map(Some)
            }
            DesignSpec::LeaveOneOut { model, by, place, .. } => {
                let plan = plan_of(*model)?;
                self.without_each(*model, by, *place, &plan).map(|left| Some(Prepared::Without(left)))
            }
            DesignSpec::Rings { model, treatment, rings, place, .. } => {
                let plan = plan_of(*model)?;
                self.rings(treatment, rings, *place, &plan).map(|counts| Some(Prepared::Rings(counts)))
            }
            DesignSpec::ByGroup { model, by, split, place, .. } => {
                let plan = plan_of(*model)?;
                self.compared_groups(*model, by, *split, *place, &plan).map(Some)
            }
            DesignSpec::EventStudy { .. }
            | DesignSpec::SplitExposure { .. }
            | DesignSpec::Joint(_)
            | DesignSpec::Staggered(_)
            | DesignSpec::Honest(_)
            | DesignSpec::ByBand { .. }
            | DesignSpec::FakeTiming { .. }
            | DesignSpec::Simulate(_)
            | DesignSpec::SpecCurve(_) => Ok(None),
        }
    }

    fn assignments(&mut self, spec: &PlaceboSpec, plan: &ModelPlan) -> Step<Prepared> {
        if plan.problem.present.is_some() {
            let message = "`placebo` gives units each other's courses of treatment, and the panel has gaps";
            let fault =
                Fault::error("durbin::plan::needs_balanced", message).help("`balance drop` leaves units with gaps out");
            let place = self.spec.models[spec.model].place.0;
            return Err(self.report(fault, place));
        }
        let from = match &spec.scheme {
            Permute::Units => Assignment::Units { units: plan.units.len() },
            Permute::Torus => {
                let model = &self.spec.models[spec.model];
                let panel = self.panels.get(model.panel).cloned().flatten().ok_or(Reported)?;
                let Some(coordinates) = &panel.coordinates else { return Err(Reported) };
                let here = plan.units.iter().filter_map(|u| panel.index.unit(u));
                Assignment::torus(&coordinates.of(here))
            }
            Permute::Corridors(by) => {
                let Some(matrix) = matrix_of(plan) else { return Err(Reported) };
                if matrix.changes() {
                    let message = "corridors move to neighbors, and those of this model change over time";
                    let fault = Fault::error("durbin::check::not_available", message)
                        .help("`permute: clusters` and `torus` need no neighbors");
                    return Err(self.report(fault, self.spec.models[spec.model].place.0));
                }
                let neighbors = neighbors(matrix);
                let corridors = match by {
                    None => connected(&treated(plan), &neighbors),
                    Some(by) => {
                        let groups = self.treated_groups(spec.model, by, plan)?;
                        let mut sets: Vec<Vec<usize>> =
                            groups.into_values().map(|units| in_order(&units, &neighbors)).collect();
                        sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
                        sets
                    }
                };
                let groups = Some(corridors.len());
                return Ok(Prepared::Assignments { from: Assignment::Corridors { corridors, neighbors }, groups });
            }
            Permute::Clusters(by) => {
                let labels = self.group_labels(spec.model, by, plan)?;
                let (cluster, clusters) = self.clusters_by(by, &labels, plan)?;
                let groups = Some(clusters);
                return Ok(Prepared::Assignments { from: Assignment::Clusters { cluster, clusters }, groups });
            }
        };
        Ok(Prepared::Assignments { from, groups: None })
    }

    /// The cluster of every unit; units of one cluster have one course of treatment.
    fn clusters_by(&mut self, by: &Column, labels: &[Option<String>], plan: &ModelPlan) -> Step<(Vec<usize>, usize)> {
        let without: Vec<&str> =
            plan.units.iter().zip(labels).filter(|(_, l)| l.is_none()).map(|(u, _)| u.as_str()).collect();
        if !without.is_empty() {
            return Err(self.report(no_group(by, &without), by.place.0));
        }
        let names: Vec<&String> = labels.iter().flatten().collect();
        let mut known: Vec<&String> = names.clone();
        known.sort_unstable();
        known.dedup();
        let cluster: Vec<usize> = names.iter().map(|n| known.partition_point(|k| k < n)).collect();
        let mut mixed = Vec::new();
        for (number, name) in known.iter().enumerate() {
            let units: Vec<usize> = (0..cluster.len()).filter(|&i| cluster[i] == number).collect();
            if units.iter().any(|&i| course(plan, i) != course(plan, units[0])) {
                mixed.push(name.as_str());
            }
        }
        if mixed.is_empty() {
            return Ok((cluster, known.len()));
        }
        let message = format!(
            "units of one `{}` are treated from different periods on, in {} of {}: {}",
            by.text,
            mixed.len(),
            counted(known.len(), "cluster", "clusters"),
            quoted_list(&mixed)
        );
        let fault = Fault::error("durbin::treatment::cluster_varies", message).help(
            "`permute: clusters` shuffles whole clusters; `permute: corridors` moves connected sets with their starts",
        );
        Err(self.report(fault, by.place.0))
    }

    /// The model again without each group of treated units.
    fn without_each(&mut self, model: usize, by: &Column, place: Place, plan: &ModelPlan) -> Step<Vec<Left>> {
        let groups = self.treated_groups(model, by, plan)?;
        if groups.len() < 2 {
            let message = format!("`{}` has one group of treated units: without it nobody is treated", by.text);
            let fault = Fault::error("durbin::treatment::one_group", message)
                .help("name a column with several values among the treated, such as that of the corridors or cohorts");
            return Err(self.report(fault, place.0));
        }
        let spec = self.spec.models[model].clone();
        let mut out = Vec::new();
        for (group, units) in groups {
            let condition = self.condition_of(&spec, by, &group, Operator::NotEqual)?;
            let derived = ModelSpec { condition: Some(condition), ..spec.clone() };
            let told = self.diagnostics.len();
            let plan_of_rest = self.model(&derived).map(Arc::new);
            // Where it stands in the program, a fault says which group had left.
            let text = format!("without the units of `{}` = {group}", by.text);
            let here = |d: &mut Diagnostic| d.labels.push(SpanLabel { span: by.place.0, text: text.clone() });
            self.diagnostics[told..].iter_mut().for_each(here);
            let plan_of_rest = plan_of_rest?;
            let units = units.into_iter().map(|i| plan.units[i].clone()).collect();
            out.push(Left { group, units, plan: plan_of_rest });
        }
        Ok(out)
    }

    /// Treated units by their group, in the order of its names.
    fn treated_groups(&mut self, model: usize, by: &Column, plan: &ModelPlan) -> Step<BTreeMap<String, Vec<usize>>> {
        let labels = self.group_labels(model, by, plan)?;
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut without = Vec::new();
        for (i, _) in treated(plan).iter().enumerate().filter(|(_, t)| **t) {
            match &labels[i] {
                Some(label) => groups.entry(label.clone()).or_default().push(i),
                None => without.push(plan.units[i].as_str()),
            }
        }
        if without.is_empty() {
            return Ok(groups);
        }
        Err(self.report(no_group(by, &without), by.place.0))
    }

    /// The value of a column for every unit of a model, constant within a unit; `None` where it is missing.
    pub(super) fn group_labels(&mut self, model: usize, by: &Column, plan: &ModelPlan) -> Step<Vec<Option<String>>> {
        let number = self.spec.models[model].panel;
        let panel = self.panels.get(number).cloned().flatten().ok_or(Reported)?;
        let values = Eval::new(self, &panel, None).value(by)?.spread(panel.table.rows());
        let mut found: Vec<Option<Option<String>>> = vec![None; plan.units.len()];
        let mut varying: Vec<String> = Vec::new();
        for &row in &panel.rows {
            let row = row as usize;
            let Some((unit, period)) = panel.index.cell(row) else { continue };
            let name = &panel.index.units[unit];
            let Ok(place) = plan.units.binary_search(name) else { continue };
            if plan.periods.binary_search(&panel.index.periods[period]).is_err() {
                continue;
            }
            let label = label(&values, row);
            match &found[place] {
                None => found[place] = Some(label),
                Some(known) if *known != label && !varying.contains(name) => varying.push(name.clone()),
                Some(_) => {}
            }
        }
        if varying.is_empty() {
            return Ok(found.into_iter().map(Option::flatten).collect());
        }
        let message = format!(
            "`{}` is the group of a unit, and it changes within {}: {}",
            by.text,
            counted(varying.len(), "unit", "units"),
            ticked_list(&varying)
        );
        let fault = Fault::error("durbin::treatment::group_varies", message)
            .help("name a column with one value per unit, or make one with a `let` of the panel");
        Err(self.report(fault, by.place.0))
    }
}

/// The matrix that says who is next to whom: that of the lags of regressors, or of the outcome, or of the errors.
fn matrix_of(plan: &ModelPlan) -> Option<&crate::weights::Weights> {
    let used = plan.durbin_weights.first().or(plan.lag_weights.as_ref()).or(plan.error_weights.as_ref());
    used.map(|m| &*m.weights)
}

/// Units that are ever treated.
pub(super) fn treated(plan: &ModelPlan) -> Vec<bool> {
    (0..plan.units.len()).map(|i| course(plan, i).contains(&true)).collect()
}

/// Whether a unit is treated, period by period.
fn course(plan: &ModelPlan, unit: usize) -> Vec<bool> {
    let problem = &plan.problem;
    (0..problem.periods).map(|t| problem.regressors[0].values[t * problem.units + unit] > 0.5).collect()
}

fn no_group(by: &Column, units: &[&str]) -> Fault {
    let message =
        format!("`{}` is missing for {}: {}", by.text, counted(units.len(), "unit", "units"), ticked_list(units));
    Fault::error("durbin::treatment::missing_group", message)
        .help("every unit that belongs to a group needs its name; `coalesce(x, \"other\")` gives one to the rest")
}

pub(super) fn label(values: &Series, row: usize) -> Option<String> {
    match values {
        Series::Numbers(v) => v.get(row).filter(|v| !v.is_nan()).map(f64::to_string),
        Series::Texts(t) => t.get(row).map(str::to_string),
        Series::Bools(b) => b.get(row).copied().flatten().map(|b| b.to_string()),
    }
}
