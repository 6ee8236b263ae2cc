//! Effects that differ: between groups of units, and between treated and untreated neighbors.

use super::arguments::Bound;
use super::library::Entry;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::*;

impl Checker<'_> {
    /// `by_group(m, region, method: interaction)`
    pub(crate) fn by_group(&mut self, call: &Expr, entry: &Entry, bound: &Bound) -> Check<DesignSpec> {
        let found = self.treated_model(call, entry, bound);
        let method = match bound.get("method") {
            Some(e) => self.choice("method", e, &["interaction", "subsample"]),
            None => Ok("interaction"),
        };
        let (base, of) = found?;
        let Some(group) = bound.get("group") else { return Err(Reported) };
        let by = Box::new(self.column(group, self.spec.models[base].panel)?);
        let place = Place(self.at(call.span));
        if method? == "subsample" {
            return Ok(DesignSpec::ByGroup { of, model: base, by, split: false, place });
        }
        let spec = self.spec.models[base].clone();
        self.by_likelihood(call, entry, &spec)?;
        let law = &spec.terms[0].value;
        let kind = ColumnKind::Split { of: Box::new(law.clone()), by: by.clone() };
        let split = Term { value: Column { kind, text: law.text.clone(), place } };
        let terms = std::iter::once(split).chain(spec.terms.iter().skip(1).cloned()).collect();
        let model = self.interned_model(ModelSpec { terms, treatment: None, ..spec });
        Ok(DesignSpec::ByGroup { of, model, by, split: true, place })
    }

    /// Instruments name the places of terms, which these designs move.
    fn by_likelihood(&mut self, call: &Expr, entry: &Entry, spec: &ModelSpec) -> Check<()> {
        match spec.approach {
            ApproachSpec::Likelihood => Ok(()),
            _ => Err(self.later(call.span, format!("`{}` of a model with instruments or moments", entry.name))),
        }
    }

    /// `split_exposure(m)`
    pub(crate) fn split_exposure(&mut self, call: &Expr, entry: &Entry, bound: &Bound) -> Check<DesignSpec> {
        let (base, of) = self.treated_model(call, entry, bound)?;
        self.not_of_changing_weights(call, entry, base)?;
        let spec = self.spec.models[base].clone();
        self.by_likelihood(call, entry, &spec)?;
        let lagged = spec.model.has_durbin() && spec.durbin.as_ref().is_none_or(|chosen| chosen.contains(&0));
        let place = Place(self.at(call.span));
        if !lagged || spec.weights.is_empty() {
            let message = format!("`{of}` has no spatial lag of its treatment: there is no exposure to split");
            let fault = Diagnostic::error("durbin::check::no_weights", place.0, message)
                .help("ask it of a model with such a lag: `slx_did`, `sdm_did` or `sdem_did`");
            return Err(self.report(fault));
        }
        if !spec.time_lags.is_empty() {
            return Err(self.later(call.span, "`split_exposure` of a model with a lag of the outcome in time"));
        }
        let law = spec.terms[0].value.clone();
        let column = |kind: ColumnKind, text: String| Column { kind, text, place };
        let product = |a: Column, b: Column, text: String| {
            column(ColumnKind::Chain { first: Box::new(a), rest: vec![(Operator::Times, b)] }, text)
        };
        let one = column(ColumnKind::Number(1.0), "1".to_string());
        let rest = ColumnKind::Chain { first: Box::new(one), rest: vec![(Operator::Minus, law.clone())] };
        let rest = column(rest, format!("(1 - {})", law.text));
        let mut parts = Vec::new();
        for used in &spec.weights {
            let text = format!("{} @ {}", used.name, law.text);
            let lag = ColumnKind::SpatialLag { weights: used.clone(), of: Box::new(law.clone()) };
            let lag = column(lag, text.clone());
            parts.push(Term { value: product(law.clone(), lag.clone(), format!("{text} on treated")) });
            parts.push(Term { value: product(rest.clone(), lag, format!("{text} on untreated")) });
        }
        let more = parts.len();
        let durbin = match &spec.durbin {
            None => (1..spec.terms.len()).map(|k| k + more).collect(),
            Some(chosen) => chosen.iter().filter(|k| **k > 0).map(|k| k + more).collect(),
        };
        let matrices = spec.weights.len();
        let (first, others) = spec.terms.split_at(1);
        let terms = first.iter().cloned().chain(parts).chain(others.iter().cloned()).collect();
        let model = self.interned_model(ModelSpec { terms, durbin: Some(durbin), ..spec });
        Ok(DesignSpec::SplitExposure { of, model, matrices })
    }
}
