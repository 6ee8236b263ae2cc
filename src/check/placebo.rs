//! What never happened, around a model: random assignments of its treatment, starts moved back, parts left out.

use super::arguments::Bound;
use super::library::Entry;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::*;

/// Random assignments where nobody says how many.
const REPS: usize = 500;
/// Periods that starts move back where nobody says how many.
const SHIFT: usize = 3;

impl Checker<'_> {
    /// `placebo(m, reps: 500, permute: units)`
    pub(crate) fn placebo(&mut self, call: &Expr, entry: &Entry, bound: &Bound) -> Check<DesignSpec> {
        let found = self.treated_model(call, entry, bound);
        let reps = match bound.get("reps") {
            Some(e) => self.replications(e, "reps", 1),
            None => Ok(REPS),
        };
        let permute = match bound.get("permute") {
            Some(e) => self.choice("permute", e, &["units", "corridors", "clusters", "torus"]),
            None => Ok("units"),
        };
        let statistic = match bound.get("statistic") {
            Some(e) => self.choice("statistic", e, &["direct", "indirect", "total"]),
            None => Ok("direct"),
        };
        let (model, of) = found?;
        self.not_of_changing_weights(call, entry, model)?;
        let by = bound.get("by").map(|e| self.column(e, self.spec.models[model].panel)).transpose();
        let (reps, permute, statistic, by) = (reps?, permute?, statistic?, by?);
        let scheme = self.scheme(call, bound, model, permute, by)?;
        let statistic = match statistic {
            "indirect" => Aspect::Indirect,
            "total" => Aspect::Total,
            _ => Aspect::Direct,
        };
        Ok(DesignSpec::Placebo(PlaceboSpec { of, model, reps, scheme, statistic }))
    }

    /// What is shuffled, with the column or the matrix or the places it needs.
    fn scheme(
        &mut self,
        call: &Expr,
        bound: &Bound,
        model: usize,
        permute: &str,
        by: Option<Column>,
    ) -> Check<Permute> {
        let spec = &self.spec.models[model];
        let (panel, has_matrix) = (spec.panel, !spec.weights.is_empty());
        if let (Some(e), "units" | "torus") = (bound.get("by"), permute) {
            let message = format!("`by:` names groups of units, and `permute: {permute}` has none");
            let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(e.span), message)
                .help("`permute: clusters` shuffles groups, `permute: corridors` moves them");
            return Err(self.report(fault));
        }
        let place = self.at(bound.get("permute").map_or(call.span, |e| e.span));
        match permute {
            "corridors" if !has_matrix => {
                let message = "a corridor moves to neighboring units, and the model has no matrix that says which are";
                let fault = Diagnostic::error("durbin::check::no_weights", place, message)
                    .help("ask it of a spatial model, or shuffle whole groups with `permute: clusters, by: COLUMN`");
                Err(self.report(fault))
            }
            "corridors" => Ok(Permute::Corridors(by.map(Box::new))),
            "clusters" => match by {
                Some(by) => Ok(Permute::Clusters(Box::new(by))),
                None => {
                    let message = "`permute: clusters` lacks the column of the clusters";
                    let fault = Diagnostic::error("durbin::check::arguments", place, message)
                        .help("`placebo(m, permute: clusters, by: province)`");
                    Err(self.report(fault))
                }
            },
            "torus" if self.panels[panel].spec.coords.is_none() => {
                let name = self.panels[panel].spec.name.clone();
                let message = format!("`permute: torus` shifts the map, and panel `{name}` has no `coords`");
                let fault = Diagnostic::error("durbin::check::no_coordinates", place, message)
                    .help(format!("add `coords LON, LAT` to panel `{name}` (longitude first)"));
                Err(self.report(fault))
            }
            "torus" => Ok(Permute::Torus),
            _ => Ok(Permute::Units),
        }
    }

    /// `fake_timing(m, shift: 3)`
    pub(crate) fn fake_timing(&mut self, call: &Expr, entry: &Entry, bound: &Bound) -> Check<DesignSpec> {
        let found = self.treated_model(call, entry, bound);
        let shift = match bound.get("shift") {
            Some(e) => self.count(e, "shift", 1),
            None => Ok(SHIFT),
        };
        let (model, of) = found?;
        self.not_of_changing_weights(call, entry, model)?;
        Ok(DesignSpec::FakeTiming { of, model, shift: shift?, place: Place(self.at(call.span)) })
    }

    /// `leave_one_out(m, by: corridor)`
    pub(crate) fn leave_one_out(&mut self, call: &Expr, entry: &Entry, bound: &Bound) -> Check<DesignSpec> {
        let (model, of) = self.treated_model(call, entry, bound)?;
        let Some(by) = bound.get("by") else { return Err(Reported) };
        let column = self.column(by, self.spec.models[model].panel)?;
        Ok(DesignSpec::LeaveOneOut { of, model, by: Box::new(column), place: Place(self.at(call.span)) })
    }
}
