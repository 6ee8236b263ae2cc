//! Distances to treated units or to lines of a file: the columns `ring(law, 0, 300)` and `distance_to(law)`, and `rings_did`.

use super::arguments::Bound;
use super::arrays::On;
use super::library::Entry;
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, Input, Reported};
use crate::data::shapes::check_lines;
use crate::diagnostic::Diagnostic;
use crate::estimators::{Model, Variance};
use crate::syntax::ast::*;
use crate::syntax::print;
use crate::weights::lines::Metric;

impl Checker<'_> {
    /// `ring(law, 0, 300)`, `distance_to(law)`; or of the lines and points of a file, `distance_to("road.geojson")`.
    pub(crate) fn near_call(
        &mut self,
        call: &Expr,
        entry: &Entry,
        arguments: &[Argument],
        on: On,
    ) -> Check<ColumnKind> {
        let bound = self.bind(&entry.name, &entry.parameters, arguments, call.span)?;
        let On::Panel(panel) = on else {
            let message = format!("`{}` looks at the units of a panel, and this is none", entry.name);
            return Err(self.report(Diagnostic::error("durbin::check::wrong_kind", self.at(call.span), message)));
        };
        let Some(of) = bound.get("of") else { return Err(Reported) };
        if let ExprKind::Text(file) = &of.kind {
            return self.near_line(of, file, entry, &bound, panel);
        }
        let treatment = match self.column(of, panel)?.kind {
            ColumnKind::Treatment(t) => t,
            _ => {
                let message = format!("`{}` is no treatment", print::expression(of));
                let names = self.scope.names_of(|v| matches!(v, Value::Treatment(_)));
                let help = match names.as_slice() {
                    [] => "declare one: `treatment NAME = starts(COLUMN)`; or name a file of lines".to_string(),
                    names => format!(
                        "the program's treatments: {}; or name a file of lines",
                        crate::fault::ticked_all(names)
                    ),
                };
                let fault = Diagnostic::error("durbin::check::wrong_kind", self.at(of.span), message).help(help);
                return Err(self.report(fault));
            }
        };
        self.has_places(call, &entry.name, panel)?;
        let ring = self.ring(&bound)?;
        Ok(ColumnKind::Near { treatment, ring })
    }

    /// Distances to the lines of a file, from the places of rows: those of `coords`.
    fn near_line(&mut self, of: &Expr, file: &str, entry: &Entry, bound: &Bound, panel: usize) -> Check<ColumnKind> {
        let span = self.at(of.span);
        check_lines(file).map_err(|f| self.report(Diagnostic::at(f, Some(span))))?;
        self.inputs.push(Input { path: file.to_string(), place: span });
        self.request.loader.head(file, 1).map_err(|f| self.report(Diagnostic::at(f, Some(span))))?;
        let ring = self.ring(bound)?;
        let Some(coords) = self.panels[panel].spec.coords.clone() else {
            let name = self.panels[panel].spec.name.clone();
            let message = format!("`{}` needs distances, and panel `{name}` has no `coords`", entry.name);
            return Err(self.report(Diagnostic::error("durbin::check::no_coordinates", span, message).help(format!(
                "add `coords LON, LAT` to panel `{name}` (longitude first), before a clause that measures"
            ))));
        };
        let metric = match (coords.planar, coords.ellipsoid) {
            (true, _) => Metric::Plane,
            (_, true) => Metric::Ellipsoid,
            _ => Metric::Sphere,
        };
        let column =
            |name: &String| Column { kind: ColumnKind::Name(name.clone()), text: name.clone(), place: coords.place };
        let at = Box::new([column(&coords.lon), column(&coords.lat)]);
        Ok(ColumnKind::NearLine { file: file.to_string(), ring, metric, at })
    }

    /// The bounds of `ring`; `distance_to` has none.
    fn ring(&mut self, bound: &Bound) -> Check<Option<[f64; 2]>> {
        match (bound.get("lo"), bound.get("hi")) {
            (Some(lo), Some(hi)) => {
                let (a, b) = (self.length(lo, "`lo`")?, self.length(hi, "`hi`")?);
                if !(0.0 <= a && a < b) {
                    let message = format!("a ring reaches from `lo` out to a larger `hi`, {a} and {b} were given");
                    let place = self.at(lo.span.to(hi.span));
                    return Err(self.report(Diagnostic::error("durbin::check::out_of_range", place, message)));
                }
                Ok(Some([a, b]))
            }
            _ => Ok(None),
        }
    }

    fn has_places(&mut self, call: &Expr, what: &str, panel: usize) -> Check<()> {
        if self.panels[panel].spec.coords.is_some() {
            return Ok(());
        }
        let name = self.panels[panel].spec.name.clone();
        let message = format!("`{what}` needs distances, and panel `{name}` has no `coords`");
        Err(self.report(
            Diagnostic::error("durbin::check::no_coordinates", self.at(call.span), message)
                .help(format!("add `coords LON, LAT` to panel `{name}` (longitude first)")),
        ))
    }

    /// `rings_did(y ~ law + x, [0, 300, 600])`, or of a model, which lends its formula and options.
    pub(crate) fn rings_did(&mut self, call: &Expr, entry: &Entry, bound: &Bound) -> Check<DesignSpec> {
        let Some(first) = bound.get("formula") else { return Err(Reported) };
        let (base, of) = self.lent(call, first, bound)?;
        let Some(list) = bound.get("bounds") else { return Err(Reported) };
        let bounds = self.bounds(list)?;
        let spec = self.spec.models[base].clone();
        let Some(treatment) = spec.treatment else { return Err(self.no_treatment(call, entry, first)) };
        self.has_places(call, &entry.name, spec.panel)?;
        let place = Place(self.at(list.span));
        let name = self.spec.treatments[treatment].name.clone();
        let rings: Vec<[f64; 2]> = bounds.windows(2).map(|pair| [pair[0], pair[1]]).collect();
        let columns = rings.iter().map(|&[lo, hi]| Term {
            value: Column {
                kind: ColumnKind::Near { treatment, ring: Some([lo, hi]) },
                text: format!("ring({name}, {lo}, {hi})"),
                place,
            },
        });
        let (law, others) = spec.terms.split_at(1);
        let terms = law.iter().cloned().chain(columns).chain(others.iter().cloned()).collect();
        let likelihood_errors = matches!(spec.variance, Variance::Observed | Variance::Qml);
        let (variance, variance_name) = match likelihood_errors {
            true => (Variance::ClusterUnit, "cluster(unit)".to_string()),
            false => (spec.variance, spec.variance_name.clone()),
        };
        let model = self.interned_model(ModelSpec {
            query: "did".to_string(),
            model: Model::Ols,
            terms,
            weights: Vec::new(),
            durbin: Some(Vec::new()),
            lag_weights: None,
            error_weights: None,
            treatment: None,
            likelihood: None,
            approach: ApproachSpec::Likelihood,
            df_adjust: false,
            time_lags: Vec::new(),
            variance,
            variance_name,
            ..spec
        });
        Ok(DesignSpec::Rings { of, model, treatment: name, rings, place })
    }

    /// The model a design with a formula begins from: that of a `did` with its options, or one by name, and its text.
    pub(crate) fn lent(&mut self, call: &Expr, first: &Expr, bound: &Bound) -> Check<(usize, String)> {
        let text = print::expression(first);
        if !matches!(first.kind, ExprKind::Formula { tilde: Some(_), .. }) {
            return Ok((self.model_argument(first)?, text));
        }
        let options = ["se", "level", "where", "fe"];
        let given = bound.named.iter().filter(|(name, _)| options.contains(&name.as_str()));
        let label = |name: &str, span| Some(Name { text: name.to_string(), span, quoted: false });
        let formula = Argument { label: None, value: first.clone(), over: None };
        let rest = given.map(|(name, e)| Argument { label: label(name, e.span), value: (*e).clone(), over: None });
        let arguments: Vec<Argument> = std::iter::once(formula).chain(rest).collect();
        let Some(did) = self.request.library.get("did").cloned() else { return Err(Reported) };
        Ok((self.model_call(call, &did, Model::Ols, true, &arguments)?, text))
    }
}
