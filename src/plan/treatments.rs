//! Treatments of a panel: who is treated from when.

use super::Planner;
use super::columns::Eval;
use crate::check::spec::{ColumnKind, TreatmentRule};
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
            let place = treatment.place.0;
            let keys = data.keys();
            let name = &treatment.name;
            let found = match &treatment.rule {
                TreatmentRule::Inline(list) => {
                    let starts: Vec<(String, i64)> = list.iter().map(|(u, s, _)| (u.clone(), *s)).collect();
                    Treatment::from_list(name, keys.panel, &data.index, &starts)
                }
                TreatmentRule::Starts(column) => {
                    let file = match &column.kind {
                        ColumnKind::Name(n) if !data.lets.contains_key(n) => data.table.column(n),
                        _ => None,
                    };
                    match file {
                        Some(c) => {
                            let starts = Starts::Cells { column: c, markers: &data.markers };
                            Treatment::from_starts(name, &keys, &data.index, starts)
                        }
                        None => {
                            let Ok(value) = Eval::new(self, &data, None).value(column) else { continue };
                            let Series::Numbers(values) = value.spread(data.table.rows()) else {
                                let fault = Fault::error(
                                    "durbin::check::wrong_kind",
                                    format!("`{}` is no number: starts are periods", column.text),
                                );
                                self.report(fault, column.place.0);
                                continue;
                            };
                            let starts = Starts::Numbers { name: &column.text, values: &values };
                            Treatment::from_starts(name, &keys, &data.index, starts)
                        }
                    }
                }
                TreatmentRule::Indicator { column, reversible } => {
                    let Ok(value) = Eval::new(self, &data, None).indicator(column) else { continue };
                    let file = match &column.kind {
                        ColumnKind::Name(n) if !data.lets.contains_key(n) => data.table.column(n),
                        _ => None,
                    };
                    let reversal = if *reversible { Reversal::Allowed } else { Reversal::Refused };
                    Treatment::from_indicator(name, &keys, &data.index, (&column.text, file, &value), reversal)
                }
            };
            match found {
                Ok(t) => {
                    self.report_all(t.warnings(), place);
                    self.treatments[number] = Some(t);
                }
                Err(faults) => {
                    let key = self.first_at_fault(&treatment.rule, &data.index).unwrap_or(place);
                    self.report_all(faults, key);
                }
            }
        }
    }

    /// The first key of starts written out that is no unit, or starts in 0.
    fn first_at_fault(&self, rule: &TreatmentRule, index: &PanelIndex) -> Option<Span> {
        let TreatmentRule::Inline(list) = rule else { return None };
        list.iter().find(|(unit, start, _)| index.unit(unit).is_none() || *start == 0).map(|(_, _, key)| key.0)
    }
}
