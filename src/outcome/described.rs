//! What `describe(panel, …)` returns.

use super::{ColumnSummary, PanelSummary};
use serde::Serialize;
use serde::ser::SerializeMap;

/// A panel's columns in numbers; by groups, with variance inflation, with what each column means.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    pub panel: PanelSummary,
    /// Variance inflation of the columns of the description, in their order: infinite where a column is a combination of
    /// others, NaN where it has none.
    pub vif: Vec<f64>,
    /// Rows and columns the inflation was computed from.
    pub vif_rows: usize,
    /// What the groups are by.
    pub by: Option<String>,
    pub groups: Vec<Group>,
    /// Instead of numbers, what the columns mean.
    pub codebook: Vec<Meaning>,
}

/// The rows of one group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    pub group: String,
    pub units: usize,
    pub rows: usize,
    pub columns: Vec<ColumnSummary>,
}

/// What a column is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Meaning {
    pub name: String,
    pub symbol: String,
    pub definition: String,
    /// The expression it is computed by, where it is.
    pub computed: String,
    pub unit: String,
    pub source: String,
}

impl Description {
    /// Means apart in standard deviations, (m₁ − m₂)/√((s₁² + s₂²)/2), where there are two groups; by column.
    pub fn differences(&self) -> Option<Vec<f64>> {
        let [a, b] = self.groups.as_slice() else { return None };
        let apart =
            |(x, y): (&ColumnSummary, &ColumnSummary)| (x.mean - y.mean) / ((x.sd * x.sd + y.sd * y.sd) / 2.0).sqrt();
        Some(a.columns.iter().zip(&b.columns).map(apart).collect())
    }
}

impl Serialize for Description {
    /// As a panel, with what was asked beyond it.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(&self.panel) {
            for (name, value) in fields {
                map.serialize_entry(&name, &value)?;
            }
        }
        let shown = |x: f64| if x.is_infinite() { serde_json::Value::from("inf") } else { serde_json::json!(x) };
        let vif: serde_json::Map<String, serde_json::Value> =
            self.panel.columns.iter().zip(&self.vif).map(|(c, x)| (c.name.clone(), shown(*x))).collect();
        map.serialize_entry("vif", &vif)?;
        if let Some(by) = &self.by {
            map.serialize_entry("by", by)?;
            map.serialize_entry("groups", &self.groups)?;
            map.serialize_entry("standardized_differences", &self.differences())?;
        }
        if !self.codebook.is_empty() {
            map.serialize_entry("codebook", &self.codebook)?;
        }
        map.end()
    }
}
