//! Tests as they will be done.

use super::{ModelSpec, Place, WeightsUse};
use crate::syntax::ast::Operator;

/// Periods whose cross-sections are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Periods {
    /// The only one of the panel.
    Only,
    At(i64),
    /// Each on its own.
    Each,
}

/// A statistic of spatial autocorrelation of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Autocorrelation {
    Moran,
    Geary,
    LocalMoran,
}

/// How moments without autocorrelation are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MomentsOf {
    Randomization,
    Normal,
    Permutation,
}

/// An expression over the coefficients of a model.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    Number(f64),
    /// A coefficient by its name as terms are written.
    Term(String),
    Negate(Box<Quantity>),
    Chain {
        first: Box<Quantity>,
        rest: Vec<(Operator, Quantity)>,
    },
    /// `log(…)`, unless a term is written so.
    Call {
        term: String,
        function: super::Function,
        argument: Box<Quantity>,
    },
}

/// `left = right` under the null.
#[derive(Clone, Debug, PartialEq)]
pub struct RestrictionSpec {
    pub left: Quantity,
    pub right: Quantity,
    pub text: String,
}

/// One matrix of `specification_tests` with the models that are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    pub weights: WeightsUse,
    pub slx: usize,
    pub sar: usize,
    pub sem: usize,
    pub sdm: usize,
    /// The Durbin model with random unit effects, where unit effects are all there are.
    pub random: Option<usize>,
}

/// The models whose likelihoods say whether effects are there.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectsFamily {
    /// Least squares as asked for, on which Lagrange multiplier tests stand.
    pub base: usize,
    /// Under `direct`: without effects, and with those that are asked for: of units, of periods, of both.
    pub none: usize,
    pub unit: Option<usize>,
    pub time: Option<usize>,
    pub both: Option<usize>,
}

impl EffectsFamily {
    /// The models of the tests of effects; a cross-section has none.
    pub fn of_effects(&self) -> Vec<usize> {
        let with: Vec<usize> = [self.unit, self.time, self.both].into_iter().flatten().collect();
        if with.is_empty() { with } else { std::iter::once(self.none).chain(with).collect() }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum TestQuery {
    /// Of a column: a model without terms says sample and matrix.
    Column {
        statistic: Autocorrelation,
        sample: Box<ModelSpec>,
        weights: WeightsUse,
        periods: Periods,
        moments: MomentsOf,
        draws: usize,
    },
    /// Moran's I of a model's residuals.
    Residuals {
        model: usize,
        weights: WeightsUse,
        draws: usize,
    },
    Lagrange {
        model: usize,
        weights: WeightsUse,
        centered: bool,
    },
    Hausman {
        fixed: usize,
        random: usize,
    },
    /// Empty restrictions: those that simplify the model.
    Wald {
        model: usize,
        restrictions: Vec<RestrictionSpec>,
    },
    LikelihoodRatio {
        small: usize,
        big: usize,
    },
    Dependence {
        model: usize,
        weights: Option<WeightsUse>,
    },
    Serial {
        model: usize,
    },
    Spread {
        model: usize,
    },
    /// The leads of a model with event times, made of the model that is named.
    Leads {
        of: String,
        model: usize,
    },
    Specification {
        effects: EffectsFamily,
        families: Vec<Family>,
    },
    /// Posterior probabilities of models on the same data.
    Compare {
        models: Vec<(String, usize)>,
        uniform: bool,
    },
}

/// A test of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct TestSpec {
    pub query: TestQuery,
    pub place: Place,
}

impl TestSpec {
    /// Whether it is about a column, and not a model: several of these stand beside each other in one table.
    pub fn is_of_column(&self) -> bool {
        matches!(self.query, TestQuery::Column { .. })
    }

    /// The models it needs.
    pub fn models(&self) -> Vec<usize> {
        match &self.query {
            TestQuery::Column { .. } => Vec::new(),
            TestQuery::Residuals { model, .. }
            | TestQuery::Lagrange { model, .. }
            | TestQuery::Wald { model, .. }
            | TestQuery::Dependence { model, .. }
            | TestQuery::Serial { model }
            | TestQuery::Leads { model, .. }
            | TestQuery::Spread { model } => vec![*model],
            TestQuery::Hausman { fixed, random } => vec![*fixed, *random],
            TestQuery::LikelihoodRatio { small, big } => vec![*small, *big],
            TestQuery::Specification { effects, families } => {
                let of = |f: &Family| [f.slx, f.sar, f.sem, f.sdm].into_iter().chain(f.random);
                std::iter::once(effects.base).chain(families.iter().flat_map(of)).chain(effects.of_effects()).collect()
            }
            TestQuery::Compare { models, .. } => models.iter().map(|m| m.1).collect(),
        }
    }
}
