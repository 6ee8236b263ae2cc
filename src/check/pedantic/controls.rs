//! Terms that may not do what a control is for: they are made of the outcome, or the treatment could have moved them.

use super::lineage::{Lineage, Origin, shared};
use super::{MOST_LABELS, controls};
use crate::check::Checker;
use crate::check::spec::*;
use crate::diagnostic::Diagnostic;
use crate::estimators::{Scheme, Variance};
use crate::fault::{counted, ticked_all, ticked_list};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};

impl Checker<'_> {
    /// `outcome_like_term`: a term that is computed from the very columns the outcome grows with.
    pub(super) fn outcome_like_terms(&self, lineage: &Lineage) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        for model in &self.spec.models {
            let outcome = lineage.column(self, model.panel, &model.outcome).mainly;
            for (number, term) in controls(model) {
                if model.time_lags.iter().any(|l| l.term == number) {
                    continue;
                }
                let common = shared(&lineage.column(self, model.panel, &term.value).from, &outcome);
                if common.is_empty() {
                    continue;
                }
                let spatial = matches!(term.value.kind, ColumnKind::SpatialLag { .. });
                let (text, y) = (&term.value.text, &model.outcome.text);
                let message = format!(
                    "`{text}` is computed from {}, as the outcome `{y}` is: its coefficient is partly arithmetic",
                    ticked_all(&common)
                );
                let help = match spatial {
                    true => format!("`sar` and `sdm` estimate the spatial lag of `{y}`; leave `{text}` out"),
                    false => format!("leave `{text}` out; the outcome of the period before is `lag({y})`"),
                };
                let lint = Diagnostic::lint("durbin::check::outcome_like_term", term.value.place.0, message);
                out.push(lint.label(model.outcome.place.0, "the outcome").help(help));
            }
        }
        out
    }

    /// `bad_control`: terms of a difference-in-differences that the program itself shows to be moved by the treatment.
    pub(super) fn bad_controls(&self, lineage: &Lineage) -> Vec<Diagnostic> {
        let answers = self.answers(lineage);
        let mut out = Vec::new();
        for model in &self.spec.models {
            let (Some(treatment), Some(law)) = (model.treatment, self.treatment_name(model)) else { continue };
            let of_treatment = lineage.treatment(self, treatment).from;
            for (number, term) in controls(model) {
                let text = &term.value.text;
                let traits = lineage.column(self, model.panel, &term.value);
                let lint = |reason: String| {
                    Diagnostic::lint("durbin::check::bad_control", term.value.place.0, format!("`{text}` {reason}"))
                };
                if model.time_lags.iter().any(|l| l.term == number) {
                    let reason = format!(
                        "is an effect of `{law}` from the second treated period on: holding it fixed leaves \
                         `{law}` its effect within one period"
                    );
                    let help = format!("leave it out for the whole effect, or read the long-run effects of `{law}`");
                    out.push(lint(reason).help(help));
                } else if !shared(&traits.from, &of_treatment).is_empty() {
                    let made = ticked_all(&shared(&traits.from, &of_treatment));
                    let reason = format!("is computed from {made}, of which the treatment `{law}` is made");
                    out.push(lint(reason).help("leave it out; effects by time since the start are an event study"));
                } else if traits.ahead {
                    let reason = format!("looks into later periods, in which `{law}` may have moved it");
                    out.push(lint(reason).help("use the value of the same or an earlier period"));
                } else if let Some(other) = answered(&answers, model, &traits.from) {
                    let reason = format!("is the outcome of another model of `{law}`: what it may move is no control");
                    let help = format!("leave it out here, or show the effect of `{law}` without it beside");
                    out.push(lint(reason).label(other, "an outcome here").help(help));
                }
            }
        }
        out
    }

    /// The outcomes whose answer to a treatment the program asks for, each once, with what they grow with.
    fn answers(&self, lineage: &Lineage) -> Vec<(&ModelSpec, BTreeSet<Origin>)> {
        let mut known = BTreeSet::new();
        let asked = self.spec.models.iter().filter(|m| m.treatment.is_some());
        let new = asked.filter(|m| known.insert((m.treatment, m.panel, m.outcome.text.as_str())));
        new.map(|m| (m, lineage.column(self, m.panel, &m.outcome).mainly)).collect()
    }

    /// `post_treatment_control`: controls measured in every period, those after the start among them. Once per
    /// treatment, with all its controls but those of which worse is said.
    pub(super) fn post_treatment_controls(&self, lineage: &Lineage, bad: &[Diagnostic]) -> Vec<Diagnostic> {
        let worse: BTreeSet<Span> = bad.iter().filter_map(|d| d.span).collect();
        let mut by_treatment: BTreeMap<usize, (usize, Vec<(String, Span)>)> = BTreeMap::new();
        for (number, model) in self.spec.models.iter().enumerate() {
            let Some(treatment) = model.treatment else { continue };
            for (at, term) in controls(model) {
                let current = lineage.column(self, model.panel, &term.value).current;
                let said = worse.contains(&term.value.place.0) || model.time_lags.iter().any(|l| l.term == at);
                let (_, found) = by_treatment.entry(treatment).or_insert((number, Vec::new()));
                if current && !said && !found.iter().any(|(text, _)| *text == term.value.text) {
                    found.push((term.value.text.clone(), term.value.place.0));
                }
            }
        }
        let lint = |(_, (number, found)): (usize, (usize, Vec<(String, Span)>))| {
            let ((_, place), model) = (found.first()?, self.spec.models.get(number)?);
            let law = self.treatment_name(model)?;
            let names: Vec<&str> = found.iter().map(|f| f.0.as_str()).collect();
            let (verb, them) = if names.len() == 1 { ("is", "it") } else { ("are", "them") };
            let message = format!(
                "{} of `{law}` {verb} measured after it starts too: {}; an effect of `{law}` that passes through {them} is taken out",
                counted(names.len(), "control", "controls"),
                ticked_list(&names)
            );
            let bar = model.weights.first().map(|w| format!(" | {}", w.name)).unwrap_or_default();
            let plain = format!("{}({} ~ {law}{bar})", model.query, model.outcome.text);
            let help = format!("keep what `{law}` cannot move, and show `{plain}` beside");
            let lint = Diagnostic::lint("durbin::check::post_treatment_control", *place, message).help(help);
            let others = found.iter().skip(1).take(MOST_LABELS - 1);
            Some(others.fold(lint, |lint, (_, place)| lint.label(*place, "")))
        };
        by_treatment.into_iter().filter_map(lint).collect()
    }

    /// `treatment_as_term`: a declared treatment in a query that does not know it as one.
    pub(super) fn treatments_as_terms(&self) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        let derived = self.derived();
        let written = self.spec.models.iter().enumerate().filter(|(number, _)| !derived.contains(number));
        for (_, model) in written.filter(|(_, m)| m.treatment.is_none() && m.query != "gns") {
            let treated = model.terms.iter().find_map(|t| match t.value.kind {
                ColumnKind::Treatment(number) => Some((number, t.value.place.0)),
                _ => None,
            });
            let Some((number, place)) = treated else { continue };
            let Some(treatment) = self.spec.treatments.get(number) else { continue };
            let sibling = if model.query == "ols" { "did".to_string() } else { format!("{}_did", model.query) };
            let message = format!(
                "`{}` is a treatment, and `{}` treats it as any column: no policy effects, no errors by unit",
                treatment.name, model.query
            );
            let help = format!("write `{sibling}(…)` with `{}` as its first term", treatment.name);
            out.push(Diagnostic::lint("durbin::check::treatment_as_term", place, message).help(help));
        }
        out
    }

    /// `unclustered`: a difference-in-differences whose errors leave dependence over time out.
    pub(super) fn unclustered(&self) -> Vec<Diagnostic> {
        let asked = self.spec.models.iter().filter(|m| m.treatment.is_some() && forgets_time(m));
        asked
            .map(|m| {
                let message = format!(
                    "`se: {}` takes the errors of a unit as independent over time; a treatment that stays makes its \
                     intervals too short",
                    m.variance_name
                );
                Diagnostic::lint("durbin::check::unclustered", m.place.0, message)
                    .help("leave `se:` out for `cluster(unit)`, the default of a difference-in-differences")
            })
            .collect()
    }
}

/// Where the columns of a control are the outcome of another model of the same treatment.
fn answered(answers: &[(&ModelSpec, BTreeSet<Origin>)], model: &ModelSpec, control: &BTreeSet<Origin>) -> Option<Span> {
    let others = answers.iter().filter(|(m, _)| m.treatment == model.treatment && m.outcome != model.outcome);
    others.into_iter().find(|(_, from)| !from.is_disjoint(control)).map(|(m, _)| m.outcome.place.0)
}

/// Whether errors of one unit in two periods are taken as unrelated.
fn forgets_time(model: &ModelSpec) -> bool {
    match (model.resampling, model.variance) {
        (Some(Resampling::Residuals { scheme, .. }), _) => scheme != Scheme::BlockUnit,
        (_, Variance::Iid | Variance::Observed | Variance::Qml | Variance::Robust | Variance::ClusterTime) => true,
        (_, Variance::DriscollKraay(lags)) => lags == Some(0),
        (_, Variance::Conley(conley)) => conley.lags == 0,
        (_, Variance::ClusterUnit | Variance::ClusterUnitTime | Variance::ClusterColumn) => false,
    }
}
