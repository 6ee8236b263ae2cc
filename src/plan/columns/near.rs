//! Columns that look at how far away treated units are.

use super::Eval;
use crate::data::series::{Series, Value};
use crate::designs::nearest::{distances, inside};
use crate::plan::{Reported, Step};

impl Eval<'_, '_> {
    /// `distance_to(law)`, or whether an untreated unit's distance lies in a ring.
    pub(super) fn near(&mut self, number: usize, ring: Option<[f64; 2]>) -> Step<Value> {
        let treatment = self.planner.treatments.get(number).cloned().flatten().ok_or(Reported)?;
        let Some(coordinates) = self.panel.coordinates.clone() else { return Err(Reported) };
        // Neighbors that an estimate leaves out were treated all the same.
        let treatment = treatment.on(&self.panel.index);
        let index = &self.panel.index;
        let (n, found) = (index.units.len(), distances(&treatment, &coordinates));
        let at = |row: usize| {
            let Some((unit, period)) = index.cell(row) else { return f64::NAN };
            let cell = period * n + unit;
            match (treatment.treated.get(cell), ring) {
                (Some(d), _) if d.is_nan() => f64::NAN,
                (_, Some(ring)) => f64::from(u8::from(inside(found[cell], ring))),
                (_, None) if found[cell].is_infinite() => f64::NAN,
                (_, None) => found[cell],
            }
        };
        Ok(Value::Column(Series::Numbers((0..self.panel.table.rows()).map(at).collect())))
    }
}
