//! What takes dimensions away or looks along them: reductions, ranks and the like, lags of an array in time.

use super::reasons::DIVISION;
use crate::check::spec::{Along, Column, ColumnKind, Function, Reduction};
use crate::data::array::{Array, Dimension, broadcast, common_dimensions, over};
use crate::data::reduce::{along, reduce, shifted};
use crate::data::series::{Binary, Series, binary};
use crate::fault::Fault;
use crate::plan::Step;
use crate::plan::columns::Eval;
use crate::source::Span;
use std::sync::Arc;

/// Results this small are remembered, so that indices share their totals.
const REMEMBERED_CELLS: usize = 1_000_000;

/// Whether nothing of a panel is in it.
pub(super) fn is_pure(column: &Column) -> bool {
    let mut pure = true;
    column.visit(&mut |c| {
        pure &= !matches!(
            c.kind,
            ColumnKind::Name(_)
                | ColumnKind::Treatment(_)
                | ColumnKind::EventTime { .. }
                | ColumnKind::ExposureTime { .. }
                | ColumnKind::Near { .. }
                | ColumnKind::NearLine { .. }
                | ColumnKind::Split { .. }
                | ColumnKind::SpatialLag { .. }
                | ColumnKind::Levels(_)
                | ColumnKind::Foreign { .. }
                | ColumnKind::Reduce { of_panel: true, .. }
        );
    });
    pure
}

impl Eval<'_, '_> {
    pub(super) fn array_along_time(&mut self, function: Function, x: Arc<Array>, k: f64, place: Span) -> Step<Array> {
        let is_time = |d: &Dimension| d.name == "time" || self.planner.spec.panels.iter().any(|p| p.time == d.name);
        let Some(time) = x.dims.iter().position(is_time) else {
            let names: Vec<&str> = x.dims.iter().map(|d| d.name.as_str()).collect();
            let message = format!("this looks along time, and the dimensions are {}", crate::fault::ticked_all(&names));
            let fault = Fault::error("durbin::check::unknown_dimension", message)
                .help("a key is the time where a panel of the program has it as its `time`");
            return Err(self.planner.report(fault, place));
        };
        let lag = if function == Function::Lead { -k as i64 } else { k as i64 };
        match function {
            Function::Lag | Function::Lead => Ok(shifted(&x, time, lag)),
            Function::Cumsum => {
                let names = vec![x.dims[time].name.clone()];
                let numbers = self.numbers_in(&x, place)?;
                Ok(along(&x, &numbers, None, &names, Along::Cumulate))
            }
            _ => {
                let before = Arc::new(shifted(&x, time, lag));
                let change =
                    self.numeric(vec![x, before.clone()], place, |v| binary(Binary::Subtract, &v[0], &v[1]))?;
                if function == Function::Diff {
                    return Ok(change);
                }
                self.guarded(vec![Arc::new(change), before], place, DIVISION, |v| binary(Binary::Divide, &v[0], &v[1]))
            }
        }
    }

    pub(super) fn numbers_in(&mut self, array: &Array, place: Span) -> Step<Vec<f64>> {
        match &array.values {
            Series::Numbers(x) => Ok(x.clone()),
            Series::Bools(_) | Series::Texts(_) => {
                let found = if matches!(array.values, Series::Texts(_)) { "text" } else { "true or false" };
                Err(self.planner.report(
                    Fault::error("durbin::check::wrong_kind", format!("numbers are wanted here, this is {found}"))
                        .help("of a condition a number is made by `if c then 1 else 0`"),
                    place,
                ))
            }
        }
    }

    pub(super) fn reduced(
        &mut self,
        column: &Column,
        (how, skip, of_panel): (Reduction, bool, bool),
        of: &Column,
        over_dims: &[String],
    ) -> Step<Arc<Array>> {
        let key = is_pure(column).then(|| format!("{:?}", column.kind));
        if let Some(known) = key.as_ref().and_then(|k| self.planner.remembered.get(k)) {
            return Ok(known.clone());
        }
        let place = column.place.0;
        self.scopes.push(of.clone());
        let array = self.array(of);
        self.scopes.pop();
        let mut array = array?;
        if of_panel {
            array = Arc::new(self.of_panel(&array)?);
        }
        let counted = how == Reduction::Count;
        let numbers = match &array.values {
            Series::Numbers(x) => x.clone(),
            // What is counted need not be a number.
            other if counted => (0..other.len()).map(|r| if other.is_missing(r) { f64::NAN } else { 1.0 }).collect(),
            _ => self.numbers_in(&array, place)?,
        };
        let (out, skipped) = reduce(&array, &numbers, over_dims, how, skip);
        if skipped > 0 {
            let message = format!(
                "`{}` left {} out",
                column.text,
                crate::fault::counted(skipped, "missing cell", "missing cells")
            );
            self.planner.report(Fault::note("durbin::data::skipped", message), place);
        }
        let out = Arc::new(out);
        if let Some(key) = key.filter(|_| out.cells() <= REMEMBERED_CELLS) {
            self.planner.remembered.insert(key, out.clone());
        }
        Ok(out)
    }

    pub(super) fn looked_along(
        &mut self,
        how: Along,
        of: &Column,
        by: Option<&Column>,
        over_dims: &[String],
        place: Span,
    ) -> Step<Array> {
        self.scopes.push(of.clone());
        let x = self.array(of);
        let by = by.map(|b| self.array(b));
        self.scopes.pop();
        let (x, by) = (x?, by.transpose()?);
        let Some(by) = by else {
            let numbers = self.numbers_in(&x, place)?;
            return Ok(along(&x, &numbers, None, over_dims, how));
        };
        let dims = common_dimensions(&[&x, &by]);
        let cells = self.planner.fits(&dims, place)?;
        let (values, why) = broadcast(&x, &dims);
        let order = match broadcast(&by, &dims).0.spread(cells) {
            Series::Numbers(o) => o,
            Series::Texts(t) => (0..cells).map(|r| t.code(r).map_or(f64::NAN, |c| c as f64)).collect(),
            Series::Bools(b) => b.into_iter().map(|b| b.map_or(f64::NAN, |b| f64::from(u8::from(b)))).collect(),
        };
        let whole = over(dims, values.spread(cells), why);
        let numbers = self.numbers_in(&whole, place)?;
        Ok(along(&whole, &numbers, Some(&order), over_dims, how))
    }
}
