//! Columns that look at how far away treated units, or the lines of a file, are.

use super::{Eval, number_at};
use crate::check::spec::Column;
use crate::data::series::{Series, Value};
use crate::data::shapes::{Projection, read_lines};
use crate::designs::nearest::{distances, inside};
use crate::fault::Fault;
use crate::plan::{Planner, Reported, Step};
use crate::source::Span;
use crate::weights::lines::{Lines, Metric};
use std::collections::HashMap;
use std::sync::Arc;

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

    /// `distance_to("line.geojson")` of every row's place, or whether it lies in a ring; missing where the place is.
    pub(super) fn near_line(
        &mut self,
        file: &str,
        ring: Option<[f64; 2]>,
        metric: Metric,
        at: &[Column; 2],
        place: Span,
    ) -> Step<Value> {
        let lines = self.planner.lines(file, metric, place)?;
        let (x, y) = (self.number(&at[0])?, self.number(&at[1])?);
        let mut known: HashMap<[u64; 2], f64> = HashMap::new();
        let value = |row: usize| {
            let p = [number_at(&x, row), number_at(&y, row)];
            if !p.iter().all(|v| v.is_finite()) {
                return f64::NAN;
            }
            let distance = *known.entry(p.map(f64::to_bits)).or_insert_with(|| lines.distance_km(p));
            ring.map_or(distance, |ring| f64::from(u8::from(inside(distance, ring))))
        };
        Ok(Value::Column(Series::Numbers((0..self.panel.table.rows()).map(value).collect())))
    }
}

impl Planner<'_> {
    /// The lines of a file, read once.
    fn lines(&mut self, file: &str, metric: Metric, place: Span) -> Step<Arc<Lines>> {
        let slot = (file.to_string(), metric);
        if let Some(known) = self.lines.get(&slot).cloned() {
            self.files.touch(file);
            return Ok(known);
        }
        let bytes = self.files.bytes(file).map_err(|f| self.report(f, place))?;
        let courses = read_lines(file, &bytes).map_err(|f| self.report(f, place))?;
        let degrees = match courses.projection {
            Projection::Degrees => Some(true),
            Projection::Projected(_) => Some(false),
            Projection::Unsaid => None,
        };
        let refusal = match (metric, degrees) {
            (Metric::Plane, Some(true)) => Some((
                format!("{file} holds degrees, and the panel's `coords` are meters of a plane"),
                "project the lines as the coordinates are; or give `coords LON, LAT` without `planar`",
            )),
            (Metric::Sphere | Metric::Ellipsoid, Some(false)) => Some((
                format!("the coordinates of {file} are those of a projection, and the panel's `coords` are degrees"),
                "export the lines in degrees (WGS84); or give `coords X, Y planar` in the same projection",
            )),
            _ => None,
        };
        if let Some((message, help)) = refusal {
            return Err(self.report(Fault::error("durbin::panel::coords_projected", message).help(help), place));
        }
        let lines = Arc::new(Lines::new(&courses.paths, metric));
        self.lines.insert(slot, lines.clone());
        Ok(lines)
    }
}
