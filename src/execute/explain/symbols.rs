//! The letters of the equation: `b` for regressors, `t` for their spatial lags, numbered by regressor.

use crate::check::spec::ModelSpec;
use crate::estimators::TimeLag;
use crate::execute::fit::operand;
use crate::outcome::Fit;
use crate::plan::ModelPlan;

/// A regressor, its letter and those of its spatial lags.
pub(super) struct Regressor {
    pub term: String,
    /// `b1`
    pub own: String,
    /// Letter and number of the matrix, in the order of the matrices: `t1`, or `t1.1`, `t1.2` with several.
    pub lags: Vec<(String, usize)>,
    /// A lag of the outcome in time, with the matrix it goes through: its letter is `tau`, or `eta`.
    pub past: Option<Option<String>>,
}

/// The letters of one model.
pub(super) struct Symbols {
    /// `it`, or `i` where there is one period.
    pub index: &'static str,
    pub regressors: Vec<Regressor>,
    /// Names of the matrices of spatial lags, bracketed where need be.
    pub matrices: Vec<String>,
    /// Letter and term of every coefficient, in the order of the fit.
    pub coefficients: Vec<(String, String)>,
}

impl Symbols {
    pub fn new(spec: &ModelSpec, plan: &ModelPlan, fit: &Fit) -> Symbols {
        let several = plan.durbin_weights.len() > 1;
        let durbin = plan.problem.model.has_durbin();
        let lag = |k: usize, j: usize| if several { format!("t{k}.{}", j + 1) } else { format!("t{k}") };
        let mut letters = Letters::of(plan);
        let regressors: Vec<Regressor> = plan
            .terms
            .iter()
            .zip(&plan.problem.regressors)
            .enumerate()
            .map(|(k, (term, regressor))| {
                let count = if durbin && regressor.lagged { plan.durbin_weights.len() } else { 0 };
                let past = past(spec, plan, k);
                let own = match &past {
                    None => format!("b{}", letters.next_regressor()),
                    Some(None) => "tau".to_string(),
                    Some(Some(_)) => letters.next_eta(),
                };
                let number = letters.regressors;
                let lag = |letters: &mut Letters, j| if past.is_some() { letters.next_eta() } else { lag(number, j) };
                let lags = (0..count).map(|j| (lag(&mut letters, j), j)).collect();
                Regressor { term: term.clone(), own, lags, past }
            })
            .collect();
        let matrices: Vec<String> = plan.durbin_weights.iter().map(|m| grouped(&m.name)).collect();
        let mut symbols = Symbols {
            index: if plan.problem.periods == 1 { "i" } else { "it" },
            regressors,
            matrices,
            coefficients: Vec::new(),
        };
        symbols.coefficients = symbols.in_order(plan, fit);
        symbols
    }

    /// The order of a fit's coefficients: intercept, regressors, lags by matrix, spatial parameters.
    fn in_order(&self, plan: &ModelPlan, fit: &Fit) -> Vec<(String, String)> {
        let mut letters = Vec::new();
        if fit.fixed_effects.is_empty() {
            letters.push("a".to_string());
        }
        letters.extend(self.regressors.iter().map(|r| r.own.clone()));
        for matrix in 0..plan.durbin_weights.len() {
            let of = |r: &Regressor| r.lags.iter().find(|(_, j)| *j == matrix).map(|(letter, _)| letter.clone());
            letters.extend(self.regressors.iter().filter_map(of));
        }
        if plan.problem.model.has_lag() {
            letters.push("rho".to_string());
        }
        if plan.problem.model.has_error() {
            letters.push("lambda".to_string());
        }
        letters.into_iter().zip(fit.coefficients.iter().map(|c| c.term.clone())).collect()
    }

    /// The regressors that have effects: not the lags of the outcome.
    pub fn of_effects(&self) -> impl Iterator<Item = &Regressor> {
        self.regressors.iter().filter(|r| r.past.is_none())
    }

    /// `law_it`, `(a:b)_it`.
    pub fn indexed(&self, term: &str) -> String {
        format!("{}_{}", operand(term), self.index)
    }

    /// `(C law)_it`: the spatial lag of a term.
    pub fn lagged(&self, matrix: &str, term: &str) -> String {
        format!("({matrix} {})_{}", operand(term), self.index)
    }
}

/// Letters given so far.
struct Letters {
    regressors: usize,
    etas: usize,
    /// There is more than one spatial lag of the outcome's lag.
    several: bool,
}

impl Letters {
    fn of(plan: &ModelPlan) -> Letters {
        let problem = &plan.problem;
        let lagged = |t: &&TimeLag| problem.regressors.get(t.regressor).is_some_and(|r| r.lagged);
        let by_durbin = problem.time_lags.iter().filter(lagged).count() * plan.durbin_weights.len();
        let by_durbin = if problem.model.has_durbin() { by_durbin } else { 0 };
        let named = problem.time_lags.iter().filter(|t| t.weights.is_some()).count();
        Letters { regressors: 0, etas: 0, several: by_durbin + named > 1 }
    }

    fn next_regressor(&mut self) -> usize {
        self.regressors += 1;
        self.regressors
    }

    fn next_eta(&mut self) -> String {
        self.etas += 1;
        if self.several { format!("eta{}", self.etas) } else { "eta".to_string() }
    }
}

/// Whether a regressor is a lag of the outcome in time, and through which matrix.
fn past(spec: &ModelSpec, plan: &ModelPlan, regressor: usize) -> Option<Option<String>> {
    let at = plan.problem.time_lags.iter().position(|t| t.regressor == regressor)?;
    Some(spec.time_lags.get(at)?.weights.as_ref().map(|w| grouped(&w.name)))
}

/// The name of a matrix as a factor: bracketed where it is a sum or a product.
pub(super) fn grouped(name: &str) -> String {
    operand(name)
}
