//! `psm_did`: how units are matched.

use super::arguments::Bound;
use super::spec::*;
use super::{Check, Checker};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::*;

/// The bandwidth of the kernel where none is given (Stata's `psmatch2`).
const BANDWIDTH: f64 = 0.06;

impl Checker<'_> {
    pub(crate) fn matched_kind(&mut self, bound: &Bound) -> Check<StaggeredKind> {
        let mut word = |option: &str, choices: &[&'static str]| match bound.get(option) {
            Some(e) => self.choice(option, e, choices),
            None => Ok(choices[0]),
        };
        let how = word("match", &["nearest", "radius", "kernel"])?;
        let last_period = word("covariates", &["mean", "last"])? == "last";
        let common_support = word("support", &["common", "all"])? == "common";
        for (option, of) in [("neighbors", "nearest"), ("replacement", "nearest"), ("bandwidth", "kernel")] {
            if let Some(e) = bound.get(option).filter(|_| how != of) {
                let message = format!("`{option}:` is for `match: {of}`, and this is `match: {how}`");
                let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(e.span), message);
                return Err(self.report(fault.help("leave it out")));
            }
        }
        let replacement = match bound.get("replacement") {
            Some(e) => self.boolean("replacement", e)?,
            None => true,
        };
        let neighbors = match bound.get("neighbors") {
            Some(e) => self.count(e, "neighbors", 1)?,
            None => 1,
        };
        let bandwidth = match bound.get("bandwidth") {
            Some(e) => self.score_distance("bandwidth", e)?,
            None => BANDWIDTH,
        };
        let caliper = match bound.get("caliper") {
            None if how == "kernel" => CaliperUse::None,
            None => CaliperUse::OfLogOdds,
            Some(e) if matches!(&e.kind, ExprKind::Name(n) if n.text == "none") => CaliperUse::None,
            Some(e) => CaliperUse::OfScores(self.score_distance("caliper", e)?),
        };
        let adjust = match bound.get("adjust") {
            Some(e) => self.boolean("adjust", e)?,
            None => false,
        };
        let matching = match how {
            "nearest" => MatchUse::Nearest { neighbors, replacement },
            "radius" => MatchUse::Radius,
            _ => MatchUse::Kernel { bandwidth },
        };
        Ok(StaggeredKind::Matched { matching, caliper, last_period, common_support, adjust })
    }

    /// A distance between two propensity scores.
    fn score_distance(&mut self, option: &str, expr: &Expr) -> Check<f64> {
        let x = self.number(expr, &format!("`{option}`"))?;
        if x > 0.0 && x <= 1.0 {
            return Ok(x);
        }
        let message = format!("`{option}` is {x}; scores differ by more than 0 and at most 1");
        Err(self.report(Diagnostic::error("durbin::check::out_of_range", self.at(expr.span), message)))
    }
}
