//! What an expression mentions, without evaluating it: the names in it, whether it looks along time or over space.

use crate::check::spec::{Column, ColumnKind, PanelStep};

/// Names of columns an expression mentions.
pub(crate) fn names_of(column: &Column) -> Vec<String> {
    let mut names = Vec::new();
    column.visit(&mut |c| {
        if let ColumnKind::Name(name) = &c.kind
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    });
    names
}

/// Whether an expression looks along a unit's time: its value depends on which rows there are.
pub(crate) fn looks_along_time(column: &Column) -> bool {
    let mut found = false;
    column.visit(&mut |c| found |= matches!(&c.kind, ColumnKind::Call { function, .. } if function.along_time()));
    found
}

pub(crate) fn has_spatial_lag(column: &Column) -> bool {
    let mut found = false;
    column.visit(&mut |c| found |= matches!(&c.kind, ColumnKind::SpatialLag { .. } | ColumnKind::ExposureTime { .. }));
    found
}

/// Derived columns without and with spatial lags, also through other columns.
pub(in crate::plan) fn split_spatial<'s>(steps: &[&'s PanelStep]) -> (Vec<&'s PanelStep>, Vec<&'s PanelStep>) {
    let mut names: Vec<&str> = Vec::new();
    let (mut plain, mut spatial) = (Vec::new(), Vec::new());
    for step in steps {
        let PanelStep::Let { name, value } = step else { continue };
        if has_spatial_lag(value) || names_of(value).iter().any(|n| names.contains(&n.as_str())) {
            names.push(name);
            spatial.push(*step);
        } else {
            plain.push(*step);
        }
    }
    (plain, spatial)
}
