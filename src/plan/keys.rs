//! Keys of what planning makes: the meaning of each declaration with everything it is made from, down to the contents of
//! files. Equal keys, equal values; layout and places are no part of them, but of [`Layout`].

use super::Planner;
use super::graph::files_of;
use crate::check::spec::{
    Column, ColumnKind, DataSpec, EffectPart, ModelSpec, PanelSpec, PanelStep, Place, RowSource, TreatmentRule,
    TreatmentSpec, WeightsExpr, WeightsUse,
};
use crate::source::Span;
use std::collections::BTreeMap;

/// Keys that were worked out, by what they are of.
pub(crate) type Keys = BTreeMap<String, Option<String>>;

/// The keys of a model: everything but its variances and level, and everything.
#[derive(Clone, Debug)]
pub struct ModelKeys {
    pub optimum: String,
    pub fit: String,
}

/// A digest of parts.
struct Digest(blake3::Hasher);

impl Digest {
    fn of(kind: &str) -> Digest {
        let mut digest = Digest(blake3::Hasher::new());
        digest.add(kind);
        digest
    }

    fn add(&mut self, part: &str) {
        self.0.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }

    fn end(self) -> String {
        self.0.finalize().to_hex()[..32].to_string()
    }
}

impl Planner<'_> {
    /// The key of a kind and a number, worked out once; `None` where no memory is kept or a file cannot be read.
    fn key(
        &mut self,
        kind: &str,
        number: usize,
        work_out: impl FnOnce(&mut Self, &mut Digest) -> Option<()>,
    ) -> Option<String> {
        self.means.steps?;
        let name = format!("{kind} {number}");
        if let Some(known) = self.keys.get(&name) {
            return known.clone();
        }
        let mut digest = Digest::of(&name);
        digest.add(&format!("{:?}", self.means.lints));
        let key = work_out(self, &mut digest).map(|()| digest.end());
        self.keys.insert(name, key.clone());
        key
    }

    pub(super) fn data_key(&mut self, number: usize) -> Option<String> {
        let spec = self.spec.data.get(number)?;
        self.key("data", number, |planner, digest| {
            digest.add(&format!("{spec:?}"));
            if let Some(path) = super::summed::streamed_file(spec) {
                digest.add(&planner.files.fingerprint_of_stream(path)?);
                return Some(());
            }
            planner.sources_key(&spec.rows, digest)
        })
    }

    pub(super) fn panel_key(&mut self, number: usize) -> Option<String> {
        let spec = self.spec.panels.get(number)?;
        self.key("panel", number, |planner, digest| {
            digest.add(&format!("{spec:?}"));
            planner.sources_key(spec, digest)
        })
    }

    fn sources_key(&mut self, spec: &PanelSpec, digest: &mut Digest) -> Option<()> {
        for source in std::iter::once(&spec.source).chain(spec.joins.iter().map(|j| &j.source)) {
            let part = match source {
                RowSource::File(path) => self.files.fingerprint(path)?,
                RowSource::Panel(p) => self.panel_key(*p)?,
                RowSource::Data(d) => self.data_key(*d)?,
            };
            digest.add(&part);
        }
        if let Some(shapes) = &spec.shapes {
            for path in self.files.layer(&shapes.file) {
                digest.add(&self.files.fingerprint(&path)?);
            }
        }
        let columns: Vec<&Column> = spec.steps.iter().map(column_of).collect();
        self.columns_key(&columns, digest)
    }

    /// What expressions look at beside the panel they stand in.
    fn columns_key(&mut self, columns: &[&Column], digest: &mut Digest) -> Option<()> {
        for column in inner(columns) {
            match &column.kind {
                ColumnKind::Data { data, .. } => digest.add(&self.data_key(*data)?),
                ColumnKind::Foreign { panel, .. } => digest.add(&self.panel_key(*panel)?),
                ColumnKind::Treatment(k)
                | ColumnKind::EventTime { treatment: k, .. }
                | ColumnKind::Near { treatment: k, .. } => digest.add(&self.treatment_key(*k)?),
                ColumnKind::SpatialLag { weights, .. } => self.recipe_key(&weights.recipe, None, digest)?,
                ColumnKind::NearLine { file, .. } => digest.add(&self.files.fingerprint(file)?),
                ColumnKind::ExposureTime { treatment, weights, .. } => {
                    digest.add(&self.treatment_key(*treatment)?);
                    self.recipe_key(&weights.recipe, None, digest)?;
                }
                _ => {}
            }
        }
        Some(())
    }

    pub(super) fn treatment_key(&mut self, number: usize) -> Option<String> {
        let spec = self.spec.treatments.get(number)?;
        self.key("treatment", number, |planner, digest| {
            digest.add(&format!("{spec:?}"));
            digest.add(&planner.panel_key(spec.panel)?);
            match &spec.rule {
                TreatmentRule::Starts(column) | TreatmentRule::Indicator { column, .. } => {
                    planner.columns_key(&[column], digest)
                }
                TreatmentRule::Inline(_) => Some(()),
            }
        })
    }

    /// A recipe with its files; on a panel that is loaded, economic distance looks at the treatments too.
    fn recipe_key(&mut self, recipe: &WeightsExpr, panel: Option<usize>, digest: &mut Digest) -> Option<()> {
        digest.add(&format!("{recipe:?}"));
        let (mut files, mut of_data) = (Vec::new(), false);
        files_of(recipe, &mut files, &mut of_data);
        for path in files {
            digest.add(&self.files.fingerprint(path)?);
        }
        let Some(panel) = panel.filter(|_| of_data) else { return Some(()) };
        for number in 0..self.spec.treatments.len() {
            if self.spec.treatments[number].panel == panel {
                digest.add(&self.treatment_key(number)?);
            }
        }
        Some(())
    }

    /// A matrix on the units of a panel, which may still be losing rows.
    pub(super) fn weights_key(
        &mut self,
        kind: &str,
        recipe: &WeightsExpr,
        panel: usize,
        units: usize,
        kept: Option<&[bool]>,
    ) -> Option<String> {
        self.means.steps?;
        let early = self.panels.len() <= panel;
        let mut digest = Digest::of(kind);
        digest.add(&self.panel_key(panel)?);
        self.recipe_key(recipe, (!early).then_some(panel), &mut digest)?;
        digest.add(&format!("{early} {units} {kept:?}"));
        Some(digest.end())
    }

    pub(super) fn model_keys(&mut self, spec: &ModelSpec) -> Option<ModelKeys> {
        self.means.steps?;
        let mut digest = Digest::of("model");
        digest.add(&format!("{:?}", spec.without_inference()));
        digest.add(&self.panel_key(spec.panel)?);
        let columns: Vec<&Column> = model_columns(spec).collect();
        self.columns_key(&columns, &mut digest)?;
        for used in model_weights(spec) {
            self.recipe_key(&used.recipe, Some(used.panel), &mut digest)?;
        }
        let optimum = digest.end();
        let mut fit = Digest::of("fit");
        fit.add(&optimum);
        let seed = self.spec.settings.seed;
        fit.add(&format!(
            "{:?} {} {:?} {:?} {:?} {seed}",
            spec.variance, spec.variance_name, spec.level, spec.effect_errors, spec.resampling
        ));
        Some(ModelKeys { optimum, fit: fit.end() })
    }
}

fn column_of(step: &PanelStep) -> &Column {
    match step {
        PanelStep::Let { value, .. } => value,
        PanelStep::Where { condition } => condition,
    }
}

fn model_columns(spec: &ModelSpec) -> impl Iterator<Item = &Column> {
    let effects = spec.effects.iter().flat_map(|e| &e.parts).filter_map(|p| match p {
        EffectPart::Column(column) => Some(column),
        EffectPart::Unit | EffectPart::Time => None,
    });
    std::iter::once(&spec.outcome)
        .chain(spec.terms.iter().map(|t| &t.value))
        .chain(&spec.condition)
        .chain(effects)
        .chain(&spec.cluster)
}

fn model_weights(spec: &ModelSpec) -> impl Iterator<Item = &WeightsUse> {
    let lags = spec.time_lags.iter().filter_map(|l| l.weights.as_ref());
    spec.weights.iter().chain(&spec.lag_weights).chain(&spec.error_weights).chain(lags)
}

fn inner<'c>(columns: &[&'c Column]) -> Vec<&'c Column> {
    let mut out = Vec::new();
    for column in columns {
        column.visit(&mut |c| out.push(c));
    }
    out
}

/// Where the parts of a declaration begin, seen from its own beginning: remarks that are told again are told at the
/// same parts of an equal declaration, which may stand elsewhere.
pub(super) struct Layout {
    origin: Span,
    digest: Digest,
}

impl Layout {
    fn from(origin: Span) -> Layout {
        Layout { origin, digest: Digest::of("layout") }
    }

    fn add(&mut self, place: Place) {
        let span = place.0;
        let here = span.source == self.origin.source;
        let from = if here { self.origin.start } else { 0 };
        let source = if here { u32::MAX } else { span.source.0 };
        self.digest.add(&format!("{source} {}", i64::from(span.start) - i64::from(from)));
    }

    fn columns(&mut self, columns: &[&Column]) {
        for column in inner(columns) {
            self.add(column.place);
            if let ColumnKind::SpatialLag { weights, .. } | ColumnKind::ExposureTime { weights, .. } = &column.kind {
                self.recipe(&weights.recipe);
            }
        }
    }

    fn recipe(&mut self, recipe: &WeightsExpr) {
        self.add(recipe.place);
        recipe.parts().into_iter().for_each(|p| self.recipe(p));
    }

    fn rows(&mut self, spec: &PanelSpec) {
        for place in [spec.source_place, spec.unit_place, spec.time_place, spec.missing_place, spec.balance_place] {
            self.add(place);
        }
        spec.joins.iter().map(|j| j.place).chain(spec.coords.iter().map(|c| c.place)).for_each(|p| self.add(p));
        spec.mends.iter().map(|m| m.place).chain(spec.shapes.iter().map(|s| s.place)).for_each(|p| self.add(p));
        self.columns(&spec.steps.iter().map(column_of).collect::<Vec<_>>());
    }

    pub fn of_panel(spec: &PanelSpec) -> String {
        let mut layout = Layout::from(spec.place.0);
        layout.rows(spec);
        layout.digest.end()
    }

    pub fn of_data(spec: &DataSpec) -> String {
        let mut layout = Layout::from(spec.rows.place.0);
        layout.rows(&spec.rows);
        layout.add(spec.keys_place);
        spec.sums.iter().for_each(|s| layout.add(s.place));
        layout.digest.end()
    }

    pub fn of_treatment(spec: &TreatmentSpec) -> String {
        let mut layout = Layout::from(spec.place.0);
        match &spec.rule {
            TreatmentRule::Starts(column) | TreatmentRule::Indicator { column, .. } => layout.columns(&[column]),
            TreatmentRule::Inline(list) => list.iter().for_each(|(_, _, place)| layout.add(*place)),
        }
        layout.digest.end()
    }

    pub fn of_recipe(recipe: &WeightsExpr) -> String {
        let mut layout = Layout::from(recipe.place.0);
        layout.recipe(recipe);
        layout.digest.end()
    }

    pub fn of_model(spec: &ModelSpec) -> String {
        let mut layout = Layout::from(spec.formula_place.0);
        layout.add(spec.place);
        layout.columns(&model_columns(spec).collect::<Vec<_>>());
        for used in model_weights(spec) {
            layout.add(used.place);
            layout.recipe(&used.recipe);
        }
        layout.digest.end()
    }
}
