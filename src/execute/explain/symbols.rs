//! The letters of the equation: `b` for regressors, `t` for their spatial lags, numbered by regressor.

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
    pub fn new(plan: &ModelPlan, fit: &Fit) -> Symbols {
        let several = plan.durbin_weights.len() > 1;
        let durbin = plan.problem.model.has_durbin();
        let lag = |k: usize, j: usize| if several { format!("t{}.{}", k + 1, j + 1) } else { format!("t{}", k + 1) };
        let regressors: Vec<Regressor> = plan
            .terms
            .iter()
            .zip(&plan.problem.regressors)
            .enumerate()
            .map(|(k, (term, regressor))| {
                let count = if durbin && regressor.lagged { plan.durbin_weights.len() } else { 0 };
                let lags = (0..count).map(|j| (lag(k, j), j)).collect();
                Regressor { term: term.clone(), own: format!("b{}", k + 1), lags }
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

    /// `law_it`, `(a:b)_it`.
    pub fn indexed(&self, term: &str) -> String {
        format!("{}_{}", operand(term), self.index)
    }

    /// `(C law)_it`: the spatial lag of a term.
    pub fn lagged(&self, matrix: &str, term: &str) -> String {
        format!("({matrix} {})_{}", operand(term), self.index)
    }
}

/// The name of a matrix as a factor: bracketed where it is a sum or a product.
pub(super) fn grouped(name: &str) -> String {
    operand(name)
}
