//! The option `se:`: which variance estimator, in its canonical spelling, and whether the model has it.

use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::estimators::{Conley, ConleyKernel, Model, Scheme, Variance, WildWeights};
use crate::syntax::ast::*;
use crate::syntax::print;

/// A variance estimator as it stands in a spec.
#[derive(Clone, Debug)]
pub(crate) struct VarianceUse {
    pub variance: Variance,
    /// Canonical, with its defaults.
    pub name: String,
    /// The column of `cluster(col)`.
    pub cluster: Option<Column>,
    pub resampling: Option<Resampling>,
}

impl VarianceUse {
    pub fn plain(variance: Variance, name: impl Into<String>) -> VarianceUse {
        VarianceUse { variance, name: name.into(), cluster: None, resampling: None }
    }
}

/// Replications where nobody says how many (methods C.6: at least 499 of residuals).
const WILD_REPS: usize = 999;
const RESIDUAL_REPS: usize = 499;

/// What a variance estimator may build on.
#[derive(Clone, Copy, PartialEq)]
enum Family {
    /// Moments linear in the residual: every sandwich of methods C.11.
    LeastSquares,
    /// A likelihood: the variances of methods C.6.
    Likelihood,
}

/// What `se:` takes, one of each kind.
pub(super) const SE_CHOICES: [&str; 12] = [
    "iid",
    "observed",
    "qml",
    "robust",
    "cluster(unit)",
    "cluster(time)",
    "cluster(unit, time)",
    "driscoll_kraay(3)",
    "conley(200 km)",
    "wild(cluster: unit)",
    "bootstrap(wild_period)",
    "bootstrap(block_unit)",
];

impl Checker<'_> {
    /// The variance estimator of a query; `not_for` says why a model has it not.
    pub(super) fn variance(&mut self, expr: &Expr, model: Model, panel: usize) -> Check<VarianceUse> {
        let family = if matches!(model, Model::Ols | Model::Slx) { Family::LeastSquares } else { Family::Likelihood };
        let (word, arguments): (&str, &[Argument]) = match &expr.kind {
            ExprKind::Name(n) => (&n.text, &[]),
            ExprKind::Call { callee, arguments } => match &callee.kind {
                ExprKind::Name(n) => (&n.text, arguments),
                _ => return Err(self.bad_option_value("se", expr, &SE_CHOICES)),
            },
            _ => return Err(self.bad_option_value("se", expr, &SE_CHOICES)),
        };
        let plain = matches!(expr.kind, ExprKind::Name(_));
        let found = match word {
            "iid" if plain => VarianceUse::plain(Variance::Iid, word),
            "observed" if plain => VarianceUse::plain(Variance::Observed, word),
            "qml" if plain => VarianceUse::plain(Variance::Qml, word),
            "robust" if plain => VarianceUse::plain(Variance::Robust, word),
            "cluster" => self.cluster(expr, arguments, panel)?,
            "driscoll_kraay" => self.driscoll_kraay(expr, arguments)?,
            "conley" => self.conley(expr, arguments, panel)?,
            "wild" if family == Family::LeastSquares => return self.wild(expr, arguments, panel),
            "bootstrap" if family == Family::Likelihood => return self.bootstrap(expr, arguments),
            "wild" => {
                let reason = "its residuals cannot be flipped without estimating rho or lambda again";
                let instead = "`bootstrap(wild_period)` or `bootstrap(block_unit)`";
                return Err(self.not_for(expr, model, family, reason, instead));
            }
            "bootstrap" => {
                let reason = "the wild bootstrap of its clusters needs no estimate again";
                return Err(self.not_for(expr, model, family, reason, "`wild(cluster: unit)`"));
            }
            _ => return Err(self.bad_option_value("se", expr, &SE_CHOICES)),
        };
        match without(found.variance, family) {
            Some((reason, instead)) => Err(self.not_for(expr, model, family, reason, instead)),
            None => Ok(found),
        }
    }

    fn not_for(&mut self, expr: &Expr, model: Model, family: Family, reason: &str, instead: &str) -> Reported {
        let kind = if family == Family::LeastSquares { "least-squares" } else { "likelihood" };
        let text = print::expression(expr);
        let message = format!("`se: {text}` is not defined for `{}`, a {kind} model: {reason}", model.name());
        self.report(
            Diagnostic::error("durbin::check::bad_option_value", self.at(expr.span), message)
                .help(format!("use {instead}")),
        )
    }

    fn cluster(&mut self, expr: &Expr, arguments: &[Argument], panel: usize) -> Check<VarianceUse> {
        let words: Option<Vec<&str>> = arguments
            .iter()
            .map(|a| match (&a.label, &a.value.kind) {
                (None, ExprKind::Name(n)) => Some(n.text.as_str()),
                _ => None,
            })
            .collect();
        match words.as_deref() {
            Some(["unit"]) => Ok(VarianceUse::plain(Variance::ClusterUnit, "cluster(unit)")),
            Some(["time"]) => Ok(VarianceUse::plain(Variance::ClusterTime, "cluster(time)")),
            Some(["unit", "time"] | ["time", "unit"]) => {
                Ok(VarianceUse::plain(Variance::ClusterUnitTime, "cluster(unit, time)"))
            }
            Some(words) if !words.is_empty() && words.iter().all(|w| self.dimension(w, panel).is_some()) => {
                Err(self.named_by_column("se", expr, words, panel))
            }
            Some([_]) => {
                let column = self.column(&arguments[0].value, panel)?;
                let name = format!("cluster({})", column.text);
                Ok(VarianceUse { cluster: Some(column), ..VarianceUse::plain(Variance::ClusterColumn, name) })
            }
            Some([_, ..]) => {
                let message = format!("`se: {}` clusters by several columns", print::expression(expr));
                Err(self.report(
                    Diagnostic::error("durbin::check::bad_option_value", self.at(expr.span), message).help(
                        "one column, or `cluster(unit, time)`; for the cells of two columns derive a column of both",
                    ),
                ))
            }
            _ => Err(self.bad_option_value("se", expr, &SE_CHOICES)),
        }
    }

    /// `driscoll_kraay(3)`; without a number the rule of methods C.11 decides once the periods are known.
    fn driscoll_kraay(&mut self, expr: &Expr, arguments: &[Argument]) -> Check<VarianceUse> {
        let lags = match arguments {
            [] => None,
            [a] if a.label.as_ref().is_none_or(|l| l.text == "lags") => Some(self.count(&a.value, "lags", 0)?),
            _ => return Err(self.bad_option_value("se", expr, &SE_CHOICES)),
        };
        let name = lags.map_or("driscoll_kraay".to_string(), |l| format!("driscoll_kraay({l})"));
        Ok(VarianceUse::plain(Variance::DriscollKraay(lags), name))
    }

    fn conley(&mut self, expr: &Expr, arguments: &[Argument], panel: usize) -> Check<VarianceUse> {
        self.settings_once("conley", arguments)?;
        let mut cutoff = None;
        let mut conley = Conley { cutoff_km: f64::NAN, lags: 0, kernel: ConleyKernel::Bartlett };
        for (i, a) in arguments.iter().enumerate() {
            match a.label.as_ref().map(|l| l.text.as_str()) {
                None if i == 0 => cutoff = Some((self.length(&a.value, "the cutoff")?, a.value.span)),
                Some("cutoff") if cutoff.is_none() => {
                    cutoff = Some((self.length(&a.value, "the cutoff")?, a.value.span));
                }
                Some("lags") => conley.lags = self.count(&a.value, "lags", 0)?,
                Some("kernel") => {
                    conley.kernel = match self.choice("kernel", &a.value, &["bartlett", "uniform"])? {
                        "uniform" => ConleyKernel::Uniform,
                        _ => ConleyKernel::Bartlett,
                    };
                }
                _ => return Err(self.bad_option_value("se", expr, &SE_CHOICES)),
            }
        }
        let Some((cutoff, span)) = cutoff else {
            let message = "`conley` needs its cutoff: the distance beyond which errors are unrelated";
            return Err(self.report(
                Diagnostic::error("durbin::check::bad_option_value", self.at(expr.span), message)
                    .help("write `conley(200 km)`; no distance is right for every study, so there is no default"),
            ));
        };
        if !(cutoff > 0.0 && cutoff.is_finite()) {
            let message = format!("the cutoff of `conley` is a length above 0 km, {cutoff} km was given");
            return Err(self.report(Diagnostic::error("durbin::check::out_of_range", self.at(span), message)));
        }
        if self.panels[panel].spec.coords.is_none() {
            let name = self.panels[panel].spec.name.clone();
            return Err(self.report(
                Diagnostic::error(
                    "durbin::check::no_coordinates",
                    self.at(expr.span),
                    format!("`conley` needs distances, and panel `{name}` has no `coords`"),
                )
                .help(format!("add `coords LON, LAT` to panel `{name}`")),
            ));
        }
        conley.cutoff_km = cutoff;
        let name = format!("conley({cutoff} km, lags: {}, kernel: {})", conley.lags, conley.kernel.word());
        Ok(VarianceUse::plain(Variance::Conley(conley), name))
    }

    /// `wild(cluster: unit, reps: 999, weights: webb)`.
    fn wild(&mut self, expr: &Expr, arguments: &[Argument], panel: usize) -> Check<VarianceUse> {
        self.settings_once("wild", arguments)?;
        let (mut reps, mut weights) = (WILD_REPS, None);
        let mut clusters = VarianceUse::plain(Variance::ClusterUnit, "cluster(unit)");
        for a in arguments {
            match a.label.as_ref().map(|l| l.text.as_str()) {
                Some("reps") => reps = self.replications(&a.value, "reps", 9)?,
                Some("weights") => {
                    weights = Some(match self.choice("weights", &a.value, &["rademacher", "webb"])? {
                        "webb" => WildWeights::Webb,
                        _ => WildWeights::Rademacher,
                    });
                }
                Some("cluster") => {
                    if let ExprKind::Name(n) = &a.value.kind
                        && let Some(dimension) = self.dimension(&n.text, panel).filter(|d| *d != n.text)
                    {
                        let message = format!("`{}` is no value of `cluster:`", n.text);
                        let help =
                            format!("the dimensions of a panel are `unit` and `time`: write `cluster: {dimension}`");
                        let fault =
                            Diagnostic::error("durbin::check::bad_option_value", self.at(a.value.span), message);
                        return Err(self.report(fault.help(help)));
                    }
                    let by = Argument { label: None, ..a.clone() };
                    clusters = self.cluster(expr, std::slice::from_ref(&by), panel)?;
                }
                _ => return Err(self.bad_option_value("se", expr, &SE_CHOICES)),
            }
        }
        let by = clusters.name.trim_start_matches("cluster(").trim_end_matches(')').to_string();
        let chosen = weights.map_or(String::new(), |w| format!(", weights: {}", w.word()));
        let name = format!("wild(cluster: {by}, reps: {reps}{chosen})");
        Ok(VarianceUse { name, resampling: Some(Resampling::Wild { reps, weights }), ..clusters })
    }

    /// `bootstrap(wild_period, reps: 499)`, `bootstrap(block_unit, reps: 499)`.
    fn bootstrap(&mut self, expr: &Expr, arguments: &[Argument]) -> Check<VarianceUse> {
        self.settings_once("bootstrap", arguments)?;
        let (mut reps, mut scheme) = (RESIDUAL_REPS, None);
        for a in arguments {
            match a.label.as_ref().map(|l| l.text.as_str()) {
                Some("reps") => reps = self.replications(&a.value, "reps", 9)?,
                None | Some("scheme") => {
                    scheme = Some(match self.choice("bootstrap", &a.value, &["wild_period", "block_unit"])? {
                        "block_unit" => Scheme::BlockUnit,
                        _ => Scheme::WildPeriod,
                    });
                }
                Some(_) => return Err(self.bad_option_value("se", expr, &SE_CHOICES)),
            }
        }
        let Some(scheme) = scheme else { return Err(self.bad_option_value("se", expr, &SE_CHOICES)) };
        let name = format!("bootstrap({}, reps: {reps})", scheme.word());
        let resampling = Some(Resampling::Residuals { scheme, reps });
        Ok(VarianceUse { resampling, ..VarianceUse::plain(Variance::Iid, name) })
    }
}

/// Why a family of models does not have a variance estimator, and what to use instead.
fn without(variance: Variance, family: Family) -> Option<(&'static str, &'static str)> {
    match (family, variance) {
        (Family::LeastSquares, Variance::Observed) => {
            Some(("its expected and its observed information are one", "`iid`, `robust` or `cluster(unit)`"))
        }
        (Family::LeastSquares, Variance::Qml) => Some((
            "the variance of its coefficients does not rest on normal errors",
            "`iid`, `robust` or `cluster(unit)`",
        )),
        (Family::LeastSquares, _) => None,
        (Family::Likelihood, Variance::Iid | Variance::Observed | Variance::Qml | Variance::ClusterUnit) => None,
        (Family::Likelihood, Variance::Robust) => Some((
            "unequal variances make the estimate of rho or lambda itself inconsistent, which no standard error mends",
            "`qml` for errors that are not normal, or `cluster(unit)`",
        )),
        (Family::Likelihood, Variance::ClusterTime | Variance::ClusterUnitTime) => Some((
            "errors that units of one period share enter the estimate of rho or lambda itself",
            "`cluster(unit)`; time effects take shocks out that are common to all units",
        )),
        (Family::Likelihood, Variance::ClusterColumn) => Some((
            "errors that units of one cluster share enter the estimate of rho or lambda itself",
            "`cluster(unit)`, or an estimator by least squares: `ols`, `slx`, `did`, `slx_did`",
        )),
        (Family::Likelihood, Variance::DriscollKraay(_) | Variance::Conley(_)) => Some((
            "errors related in space enter the estimate of rho or lambda itself",
            "an estimator by least squares (`ols`, `slx`), or a model of the spatial error (`sdem`, `sac`) with `cluster(unit)`",
        )),
    }
}
