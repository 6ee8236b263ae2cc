//! Treatments of a panel: who is treated from when.

use super::columns::Eval;
use super::panels::PanelData;
use super::{Layout, Named, Planner, Step};
use crate::check::spec::{Column, ColumnKind, TreatmentRule, TreatmentSpec};
use crate::data::keys::PanelIndex;
use crate::data::series::Series;
use crate::designs::treatment::{Reversal, Starts, Treatment};
use crate::fault::Fault;
use crate::source::Span;

impl Planner<'_> {
    /// Reads the treatments declared on a panel that was just loaded.
    pub(super) fn treatments_of(&mut self, panel: usize) {
        let spec = self.spec;
        if self.treatments.is_empty() {
            self.treatments = vec![None; spec.treatments.len()];
        }
        for (number, treatment) in spec.treatments.iter().enumerate().filter(|(_, t)| t.panel == panel) {
            let Some(data) = self.panels[panel].clone() else { continue };
            let named = Named {
                key: self.treatment_key(number),
                layout: Layout::of_treatment(treatment),
                origin: treatment.place.0,
            };
            let bytes = |t: &Treatment| 9 * t.treated.len() as u64;
            let found = self.remembered(named, bytes, |planner| planner.treatment(treatment, &data));
            self.treatments[number] = found.ok().map(|t| (*t).clone());
        }
    }

    fn treatment(&mut self, treatment: &TreatmentSpec, data: &PanelData) -> Step<Treatment> {
        let place = treatment.place.0;
        let keys = data.keys();
        let name = &treatment.name;
        let file = |column: &Column| match &column.kind {
            ColumnKind::Name(n) if !data.lets.contains_key(n) => data.table.column(n),
            _ => None,
        };
        let found = match &treatment.rule {
            TreatmentRule::Inline(list) => {
                let starts: Vec<(String, i64)> = list.iter().map(|(u, s, _)| (u.clone(), *s)).collect();
                Treatment::from_list(name, keys.panel, &data.index, &starts)
            }
            TreatmentRule::Starts(column) => match file(column) {
                Some(c) => {
                    let starts = Starts::Cells { column: c, markers: &data.markers };
                    Treatment::from_starts(name, &keys, &data.index, starts)
                }
                None => {
                    let value = Eval::new(self, data, None).value(column)?;
                    let Series::Numbers(values) = value.spread(data.table.rows()) else {
                        let message = format!("`{}` is no number: starts are periods", column.text);
                        let fault = Fault::error("durbin::check::wrong_kind", message);
                        return Err(self.report(fault, column.place.0));
                    };
                    let starts = Starts::Numbers { name: &column.text, values: &values };
                    Treatment::from_starts(name, &keys, &data.index, starts)
                }
            },
            TreatmentRule::Indicator { column, reversible } => {
                let value = Eval::new(self, data, None).indicator(column)?;
                let reversal = if *reversible { Reversal::Allowed } else { Reversal::Refused };
                Treatment::from_indicator(name, &keys, &data.index, (&column.text, file(column), &value), reversal)
            }
        };
        match found {
            Ok(t) => {
                self.report_all(t.warnings(), place);
                Ok(t)
            }
            Err(faults) => {
                let key = self.first_at_fault(&treatment.rule, &data.index).unwrap_or(place);
                Err(self.report_all(faults, key))
            }
        }
    }

    /// The first key of starts written out that is no unit, or starts in 0.
    fn first_at_fault(&self, rule: &TreatmentRule, index: &PanelIndex) -> Option<Span> {
        let TreatmentRule::Inline(list) = rule else { return None };
        list.iter().find(|(unit, start, _)| index.unit(unit).is_none() || *start == 0).map(|(_, _, key)| key.0)
    }
}
