//! Tests before anything is estimated: cross-sections and matrices are fixed, and what cannot be compared or tested is
//! refused with the reason.

use super::columns::{Eval, number_at};
use super::design::cells_kept;
use super::{ModelPlan, Planner, Reported, Step, faults};
use crate::check::spec::{
    Autocorrelation, Column, ColumnKind, ModelSpec, Periods, Place, StepKind, TestQuery, TestSpec, WeightsUse,
};
use crate::data::balance::cells;
use crate::estimators::{Approach, FixedEffects, Likelihood, RandomEffects, observations};
use crate::fault::Fault;
use crate::outcome::Dropped;
use crate::syntax::ast::Operator;
use crate::weights::Weights;
use std::sync::Arc;

/// A column's cross-sections on one set of units.
#[derive(Clone, Debug)]
pub struct Sections {
    pub units: Vec<String>,
    pub weights: Arc<Weights>,
    /// Period and values by unit.
    pub periods: Vec<(i64, Vec<f64>)>,
    pub dropped: Vec<Dropped>,
}

/// What a test needs beside its models.
#[derive(Clone, Debug)]
pub enum TestPlan {
    Sections(Box<Sections>),
    /// A matrix on the model's units, where the test has one.
    Matrix(Option<Arc<Weights>>),
}

impl Planner<'_> {
    /// What a test needs; its models are planned.
    pub(super) fn test(&mut self, test: &TestSpec, models: &[Option<Arc<ModelPlan>>]) -> Step<TestPlan> {
        let place = test.place.0;
        let planned = |m: usize| models.get(m).and_then(Option::as_deref).ok_or(Reported);
        let fault = match &test.query {
            TestQuery::Column { statistic, sample, weights, periods, .. } => {
                return self.sections(*statistic, sample, weights, *periods, test.place);
            }
            TestQuery::Residuals { model, weights, .. } | TestQuery::Lagrange { model, weights, .. } => {
                return self.on_model(*model, planned(*model)?, weights, test.place);
            }
            TestQuery::Dependence { model, weights } => {
                let plan = planned(*model)?;
                if plan.periods.len() < 3 {
                    Some(too_short("pesaran_cd", "correlations of units over time", 3, plan.periods.len()))
                } else if let Some(w) = weights {
                    return self.on_model(*model, plan, w, test.place);
                } else {
                    self.needs_all_cells(*model, plan)
                }
            }
            TestQuery::Serial { model } => {
                let periods = planned(*model)?.periods.len();
                (periods < 3)
                    .then(|| too_short("serial_correlation", "residuals and those of the period before", 3, periods))
            }
            TestQuery::Spread { .. } | TestQuery::Wald { .. } | TestQuery::Leads { .. } => None,
            TestQuery::LikelihoodRatio { small, big } => {
                let (a, b) = (self.compared(*small, planned(*small)?), self.compared(*big, planned(*big)?));
                differ(&a, &b, "lr")
                    .or_else(|| not_maximal(&a))
                    .or_else(|| not_maximal(&b))
                    .or_else(|| not_nested(&a, &b))
            }
            TestQuery::Hausman { fixed, random } => {
                let (a, b) = (self.compared(*fixed, planned(*fixed)?), self.compared(*random, planned(*random)?));
                same_data(&a, &b, "hausman").or_else(|| not_hausman(&a, &b))
            }
            TestQuery::Compare { models: compared, .. } => {
                let mut all = Vec::new();
                for (_, m) in compared {
                    all.push(self.compared(*m, planned(*m)?));
                }
                let first = all.first().ok_or(Reported)?;
                all.iter()
                    .find_map(not_transformed)
                    .or_else(|| all[1..].iter().find_map(|b| differ(first, b, "compare_models")))
            }
            TestQuery::Specification { .. } => None,
        };
        match fault {
            Some(fault) => Err(self.report(fault, place)),
            None => Ok(TestPlan::Matrix(None)),
        }
    }

    /// CD of a panel with gaps is one of pairs; its weighted form needs every cell.
    fn needs_all_cells(&self, model: usize, plan: &ModelPlan) -> Option<Fault> {
        let effects = plan.problem.fixed_effects;
        let period_effects = matches!(effects, FixedEffects::Time | FixedEffects::Both);
        (period_effects && plan.problem.present.is_some()).then(|| {
            let query = &self.spec.models[model].query;
            let message = format!("`pesaran_cd` of a `{query}` with time effects needs a balanced panel");
            Fault::error("durbin::plan::needs_balanced", message).help("`balance drop` leaves units with gaps out")
        })
    }

    /// A matrix on the units of a model's sample.
    fn on_model(&mut self, number: usize, plan: &ModelPlan, used: &WeightsUse, place: Place) -> Step<TestPlan> {
        if plan.problem.present.is_some() {
            let gap =
                "a test with weights needs a balanced panel: the neighbors of a unit are not there in every period";
            let fault =
                Fault::error("durbin::plan::needs_balanced", gap).help("`balance drop` leaves units with gaps out");
            return Err(self.report(fault, place.0));
        }
        let spec = &self.spec.models[number];
        let panel = self.loaded(spec.panel)?.clone();
        let sample = self.sample(spec, &panel)?;
        let cells = used.recipe.changes().then(|| cells_kept(&panel, &sample));
        let weights = self.build(used, &panel, cells.as_deref().or(sample.kept.as_deref()))?;
        if weights.matrix.nnz() == 0 {
            return Err(self.report(faults::empty_matrix(&used.name), place.0));
        }
        Ok(TestPlan::Matrix(Some(weights)))
    }

    /// The cross-sections of a column, with the sample's policies for missing values and gaps.
    fn sections(
        &mut self,
        statistic: Autocorrelation,
        spec: &ModelSpec,
        used: &WeightsUse,
        periods: Periods,
        place: Place,
    ) -> Step<TestPlan> {
        let panel = self.loaded(spec.panel)?.clone();
        let time = self.spec.panels[spec.panel].time.clone();
        let mut spec = spec.clone();
        if let Periods::At(period) = periods {
            let known = &panel.index.periods;
            if !known.contains(&period) {
                let range = format!("{} to {}", known.first().unwrap_or(&0), known.last().unwrap_or(&0));
                let fault = Fault::error(
                    "durbin::plan::unknown_period",
                    format!("panel `{}` has no period {period}: it runs from {range}", panel.name),
                );
                return Err(self.report(fault.help("`at:` is one of the panel's periods"), place.0));
            }
            spec.condition = Some(in_period(&time, period, place));
        }
        let sample = self.sample(&spec, &panel)?;
        let index = panel.index.restrict(&sample.rows);
        if !sample.balanced {
            return Err(self.report(faults::needs_balanced("a test by period", &index), place.0));
        }
        if index.units.len() < 4 {
            let message =
                format!("moments of autocorrelation need at least 4 units, the sample has {}", index.units.len());
            let fault =
                Fault::error("durbin::plan::too_few_units", message).help("look at `where` and at the column of units");
            return Err(self.report(fault, place.0));
        }
        if statistic == Autocorrelation::LocalMoran && index.periods.len() > 1 {
            let message =
                format!("`local_moran` looks at one cross-section, the sample has {} periods", index.periods.len());
            let help = format!("`at: {}`", index.periods.last().unwrap_or(&0));
            return Err(self.report(Fault::error("durbin::plan::several_periods", message).help(help), place.0));
        }
        let weights = self.build(used, &panel, sample.kept.as_deref())?;
        if weights.matrix.nnz() == 0 {
            return Err(self.report(faults::empty_matrix(&used.name), place.0));
        }
        let cells = cells(&index, &sample.rows);
        let value = Eval::new(self, &panel, sample.kept.as_deref()).numbers(&spec.outcome)?;
        let n = index.units.len();
        let section = |(t, period): (usize, &i64)| {
            let of = |i: usize| cells[t * n + i].map_or(f64::NAN, |row| number_at(&value, row as usize));
            (*period, (0..n).map(of).collect())
        };
        let periods = index.periods.iter().enumerate().map(section).collect();
        let sections = Sections { units: index.units.clone(), weights, periods, dropped: sample.dropped };
        Ok(TestPlan::Sections(Box::new(sections)))
    }

    fn compared<'a>(&'a self, number: usize, plan: &'a ModelPlan) -> Compared<'a> {
        let named = self.spec.steps.iter().find_map(|s| match &s.kind {
            StepKind::Model { name, model } if *model == number => Some(name.clone()),
            _ => None,
        });
        let spec = &self.spec.models[number];
        let name = named.unwrap_or_else(|| format!("{} of {}", spec.query, spec.outcome.text));
        Compared { name, spec, plan }
    }
}

/// `year == 1986`.
fn in_period(time: &str, period: i64, place: Place) -> Column {
    let column = |kind, text: String| Column { kind, text, place };
    let left = column(ColumnKind::Name(time.to_string()), time.to_string());
    let right = column(ColumnKind::Number(period as f64), period.to_string());
    let kind = ColumnKind::Chain { first: Box::new(left), rest: vec![(Operator::Equal, right)] };
    column(kind, format!("{time} == {period}"))
}

fn too_short(test: &str, what: &str, least: usize, periods: usize) -> Fault {
    let message = format!("`{test}` compares {what} and needs at least {least} periods; the sample has {periods}");
    Fault::error("durbin::plan::too_few_periods", message).help("a longer panel, or another test")
}

/// A model beside another.
struct Compared<'a> {
    name: String,
    spec: &'a ModelSpec,
    plan: &'a ModelPlan,
}

impl Compared<'_> {
    fn effects(&self) -> FixedEffects {
        self.plan.problem.fixed_effects
    }

    fn spatial(&self) -> bool {
        self.spec.model.has_lag() || self.spec.model.has_error()
    }

    /// The row of methods C.3 in a word; without effects there is one.
    fn likelihood(&self) -> &'static str {
        match (self.effects(), self.plan.problem.likelihood) {
            (FixedEffects::None, _) => "no effects",
            (_, Likelihood::Transform) => "transform",
            (_, Likelihood::Partial) => "partial",
            (_, Likelihood::Direct) => "direct",
        }
    }

    fn observations(&self) -> f64 {
        let p = &self.plan.problem;
        observations(p.units, p.periods, p.fixed_effects, p.likelihood)
    }

    fn lagged(&self) -> Vec<&str> {
        let p = &self.plan.problem;
        if !p.model.has_durbin() {
            return Vec::new();
        }
        self.plan.terms.iter().zip(&p.regressors).filter(|(_, r)| r.lagged).map(|(t, _)| t.as_str()).collect()
    }
}

/// The `fe:` option in words.
fn effects_word(effects: FixedEffects) -> &'static str {
    match effects {
        FixedEffects::None => "none",
        FixedEffects::Unit => "unit",
        FixedEffects::Time => "time",
        FixedEffects::Both => "[unit, time]",
    }
}

fn incomparable(what: String, help: &str) -> Fault {
    Fault::error("durbin::plan::not_comparable", what).help(help.to_string())
}

/// Different outcomes or rows.
fn same_data(a: &Compared, b: &Compared, test: &str) -> Option<Fault> {
    let (left, right) = (&a.name, &b.name);
    if a.spec.outcome.text != b.spec.outcome.text {
        let what = format!(
            "`{test}` compares models of one outcome: that of `{left}` is `{}`, that of `{right}` is `{}`",
            a.spec.outcome.text, b.spec.outcome.text
        );
        return Some(incomparable(what, "estimate both with the same outcome"));
    }
    let sample =
        |c: &Compared| format!("{} rows, {} units × {} periods", c.plan.nobs, c.plan.units.len(), c.plan.periods.len());
    let same = a.plan.units == b.plan.units && a.plan.periods == b.plan.periods && a.plan.nobs == b.plan.nobs;
    if !same || a.spec.panel != b.spec.panel {
        let (mut left_rows, mut right_rows) = (sample(a), sample(b));
        if left_rows == right_rows {
            left_rows.push_str(&format!(
                ", {} to {}",
                a.plan.periods.first().unwrap_or(&0),
                a.plan.periods.last().unwrap_or(&0)
            ));
            right_rows.push_str(&format!(
                ", {} to {}",
                b.plan.periods.first().unwrap_or(&0),
                b.plan.periods.last().unwrap_or(&0)
            ));
        }
        let what =
            format!("`{test}` compares models on the same rows: `{left}` uses {left_rows}, `{right}` {right_rows}");
        return Some(incomparable(
            what,
            "leave the same rows out of both, with `where` in the panel or `missing drop` for the columns of both",
        ));
    }
    None
}

/// What makes two likelihoods no likelihoods of the same data (methods C.4).
fn differ(a: &Compared, b: &Compared, test: &str) -> Option<Fault> {
    if let Some(fault) = same_data(a, b, test) {
        return Some(fault);
    }
    if let Some(fault) = other_estimators(a, b, test) {
        return Some(fault);
    }
    let (left, right) = (&a.name, &b.name);
    let uncorrected = |c: &Compared| matches!(c.likelihood(), "direct" | "no effects");
    if a.effects() != b.effects() && !(uncorrected(a) && uncorrected(b)) {
        let what = format!(
            "`{test}` compares likelihoods of the same data: `{left}` has `fe: {}`, `{right}` has `fe: {}`, and what is transformed out is no data any more",
            effects_word(a.effects()),
            effects_word(b.effects())
        );
        return Some(incomparable(
            what,
            "give both the same `fe:`, or `likelihood: direct`, under which effects are parameters",
        ));
    }
    let same_count = (a.observations() - b.observations()).abs() < 0.5;
    if a.effects() == b.effects() && (a.likelihood() != b.likelihood() || !same_count) {
        let said =
            |c: &Compared| format!("`likelihood: {}`, which counts {} observations", c.likelihood(), c.observations());
        let what = format!(
            "`{test}` compares likelihoods of the same kind: `{left}` has {}, `{right}` has {}",
            said(a),
            said(b)
        );
        return Some(incomparable(what, "name the same `likelihood:` in both; `direct` exists for every matrix"));
    }
    None
}

/// Likelihoods of random effects beside others, and instruments and moments, which have none.
fn other_estimators(a: &Compared, b: &Compared, test: &str) -> Option<Fault> {
    if let Some(fault) = no_likelihood(a).or_else(|| no_likelihood(b)) {
        return Some(fault);
    }
    let words = |c: &Compared| match (&c.plan.problem.approach, c.spec.model.has_error()) {
        (Approach::Random(RandomEffects::Baltagi), true) => "`fe: random, random: baltagi`".to_string(),
        (Approach::Random(_), true) => "`fe: random, random: kkp`".to_string(),
        (Approach::Random(_), false) => "`fe: random`".to_string(),
        _ => format!("`fe: {}`", effects_word(c.effects())),
    };
    let random = |c: &Compared| matches!(c.plan.problem.approach, Approach::Random(_));
    let both_errors = a.spec.model.has_error() && b.spec.model.has_error();
    let places = random(a) && random(b) && both_errors && a.plan.problem.approach != b.plan.problem.approach;
    if random(a) == random(b) && !places {
        return None;
    }
    let what = format!(
        "`{test}` compares likelihoods of one kind: `{}` has {}, `{}` has {}",
        a.name,
        words(a),
        b.name,
        words(b)
    );
    Some(incomparable(
        what,
        "`hausman` compares random with fixed effects; give both models the same `fe:` for a ratio",
    ))
}

/// Estimates that are no maximum of their likelihood.
fn not_maximal(c: &Compared) -> Option<Fault> {
    let name = &c.name;
    if let Some(fault) = no_likelihood(c) {
        return Some(fault);
    }
    let why = if c.plan.problem.df_adjust {
        "`df_adjust: true` moves it from the maximum of its likelihood"
    } else if c.spatial() && c.plan.problem.likelihood == Likelihood::Partial && c.likelihood() == "partial" {
        "`likelihood: partial` corrects it after the maximum"
    } else if !c.plan.problem.time_lags.is_empty()
        && matches!(c.effects(), FixedEffects::Unit | FixedEffects::Both)
        && c.plan.problem.likelihood != Likelihood::Direct
    {
        "the bias of lags of the outcome is taken out after the maximum"
    } else {
        return None;
    };
    let what = format!("a likelihood ratio compares maxima, and `{name}` is none: {why}");
    Some(incomparable(what, "`wald` tests restrictions on corrected estimates; `likelihood: direct` corrects nothing"))
}

/// Instruments and moments maximize nothing.
fn no_likelihood(c: &Compared) -> Option<Fault> {
    let method = match c.plan.problem.approach {
        Approach::Instruments { .. } => "gs2sls",
        Approach::Moments => "gmm",
        Approach::Likelihood | Approach::Random(_) => return None,
    };
    let what = format!("`{}` has no likelihood: it is estimated by `method: {method}`", c.name);
    Some(incomparable(what, "`wald` tests its restrictions; `method: qml` has a likelihood"))
}

/// Why neither model contains the other.
fn not_nested(small: &Compared, big: &Compared) -> Option<Fault> {
    let (left, right) = (&small.name, &big.name);
    let not = |why: String| {
        Some(incomparable(
            format!("`lr` compares a model with one that contains it, and `{right}` does not contain `{left}`: {why}"),
            "put the smaller model first; `compare_models` compares models of which neither contains the other",
        ))
    };
    if let Some(term) = small.plan.terms.iter().find(|t| !big.plan.terms.contains(t)) {
        return not(format!("it has no term `{term}`"));
    }
    let (a, b) = (small.spec.model, big.spec.model);
    if common_factor(small, big) {
        return None;
    }
    if a.has_lag() && !b.has_lag() {
        return not("it has no rho".to_string());
    }
    if a.has_error() && !b.has_error() {
        return not("it has no lambda".to_string());
    }
    if let Some(term) = small.lagged().iter().find(|t| !big.lagged().contains(t)) {
        return not(format!("it has no spatial lag of `{term}`"));
    }
    let matrices =
        [(&small.plan.lag_weights, &big.plan.lag_weights), (&small.plan.error_weights, &big.plan.error_weights)];
    for (m, other) in matrices {
        if let (Some(m), Some(other)) = (m, other)
            && m.recipe != other.recipe
        {
            return not(format!("its matrix is `{}`, not `{}`", other.name, m.name));
        }
    }
    let missing =
        small.plan.durbin_weights.iter().find(|m| !big.plan.durbin_weights.iter().any(|o| o.recipe == m.recipe));
    if let Some(m) = missing.filter(|_| !small.lagged().is_empty()) {
        return not(format!("its terms are not lagged by `{}`", m.name));
    }
    let within = match (small.effects(), big.effects()) {
        (FixedEffects::None, _) | (_, FixedEffects::Both) => true,
        (a, b) => a == b,
    };
    if !within {
        return not(format!(
            "it has `fe: {}`, not `fe: {}`",
            effects_word(big.effects()),
            effects_word(small.effects())
        ));
    }
    (parameters(big) <= parameters(small)).then(|| not("they have the same parameters".to_string())).flatten()
}

/// Whether a spatial error model is the other one under `theta + rho beta = 0` (methods F.3).
fn common_factor(small: &Compared, big: &Compared) -> bool {
    let (a, b) = (small.spec.model, big.spec.model);
    let shape = a.has_error() && !a.has_lag() && !a.has_durbin() && b.has_lag() && b.has_durbin() && !b.has_error();
    let matrices = (&small.plan.error_weights, &big.plan.lag_weights);
    let same = matches!(matrices, (Some(error), Some(lag)) if error.recipe == lag.recipe);
    shape
        && same
        && small.plan.terms == big.plan.terms
        && small.effects() == big.effects()
        && has_common_factor(big.plan)
}

/// Whether a spatial Durbin model becomes one of spatial errors under `theta + rho beta = 0`: one matrix, every term
/// lagged by it, and no intercept whose lag it would need.
pub fn has_common_factor(plan: &ModelPlan) -> bool {
    let [durbin] = &plan.durbin_weights[..] else { return false };
    let problem = &plan.problem;
    plan.lag_weights.as_ref().is_some_and(|m| m.recipe == durbin.recipe)
        && problem.regressors.iter().all(|r| r.lagged)
        && (problem.fixed_effects != FixedEffects::None || super::weights::sums_to_one(&durbin.weights))
}

/// Parameters of a likelihood, the dummies of effects among them: what a ratio's degrees of freedom are differences of.
fn parameters(c: &Compared) -> usize {
    parameters_of(c.plan)
}

/// As `parameters`, of a plan.
pub fn parameters_of(plan: &ModelPlan) -> usize {
    let p = &plan.problem;
    let dummies = match p.fixed_effects {
        FixedEffects::None => 1,
        FixedEffects::Unit => p.units,
        FixedEffects::Time => p.periods,
        FixedEffects::Both => p.units + p.periods - 1,
    };
    let lagged = if p.model.has_durbin() { p.regressors.iter().filter(|r| r.lagged).count() } else { 0 };
    let spatial = usize::from(p.model.has_lag()) + usize::from(p.model.has_error());
    dummies + plan.terms.len() + lagged * plan.durbin_weights.len() + spatial
}

/// Posterior probabilities integrate the likelihood of what effects leave.
fn not_transformed(c: &Compared) -> Option<Fault> {
    if let Some(fault) = no_likelihood(c) {
        return Some(fault);
    }
    if matches!(c.plan.problem.approach, Approach::Random(_)) {
        let what = format!(
            "posterior probabilities need effects that are transformed out, and those of `{}` are random",
            c.name
        );
        return Some(incomparable(what, "`fe: unit` transforms them out"));
    }
    if matches!(c.likelihood(), "transform" | "no effects") {
        return None;
    }
    let what = format!(
        "posterior probabilities need effects that are transformed out, and `{}` has `likelihood: {}`",
        c.name,
        c.likelihood()
    );
    Some(incomparable(what, "row-standardized matrices without islands allow `transform`; so does `fe: unit`"))
}

/// What stands against a Hausman test.
fn not_hausman(fixed: &Compared, random: &Compared) -> Option<Fault> {
    let units = |c: &Compared| matches!(c.effects(), FixedEffects::Unit | FixedEffects::Both);
    if !units(fixed) {
        let what = format!(
            "`hausman` compares fixed with random unit effects, and `{}` has `fe: {}`",
            fixed.name,
            effects_word(fixed.effects())
        );
        return Some(incomparable(what, "the first model has `fe: unit`, the second `fe: random`"));
    }
    if units(random) {
        let what = format!(
            "`hausman` compares fixed with random unit effects, and both models have fixed ones (`fe: {}`)",
            effects_word(random.effects())
        );
        return Some(incomparable(what, "the first model has `fe: unit`, the second `fe: random`"));
    }
    if !fixed.plan.terms.iter().any(|t| random.plan.terms.contains(t)) {
        let what = format!("`{}` and `{}` have no term in common", fixed.name, random.name);
        return Some(incomparable(what, "a Hausman test compares the slopes of terms that both models have"));
    }
    None
}
