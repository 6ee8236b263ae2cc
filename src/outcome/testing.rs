//! What a test returns: the null hypothesis in words, a statistic, its distribution under it, and what a rejection means.

use serde::Serialize;
use serde::ser::SerializeMap;

/// The distribution of a statistic under the null.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    Normal,
    ChiSquared(usize),
    /// With the degrees of freedom of numerator and denominator.
    F(usize, f64),
    T(f64),
    /// So many drawn orders.
    Permutation(usize),
    /// None: a number that is compared and not tested.
    None,
}

impl Distribution {
    /// `df` of the document: one number, two for F, none for the normal and for drawn orders.
    fn df(self) -> serde_json::Value {
        let number = |x: f64| match x {
            x if x.fract() == 0.0 && x.abs() < 1e15 => serde_json::Value::from(x as i64),
            x => serde_json::Value::from(x),
        };
        match self {
            Distribution::ChiSquared(df) => serde_json::Value::from(df),
            Distribution::F(above, below) => vec![serde_json::Value::from(above), number(below)].into(),
            Distribution::T(df) => number(df),
            Distribution::Normal | Distribution::Permutation(_) | Distribution::None => serde_json::Value::Null,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Distribution::Normal => "normal",
            Distribution::ChiSquared(_) => "chi_squared",
            Distribution::F(..) => "f",
            Distribution::T(_) => "t",
            Distribution::Permutation(_) => "permutation",
            Distribution::None => "none",
        }
    }
}

/// By what a part is found in the document.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    Test(String),
    Time(i64),
    Unit(String),
}

/// One hypothesis and what the data say to it. Numbers that a test does not have are absent.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub key: Key,
    /// As the report names it.
    pub label: String,
    /// The matrix, where a test is done with several.
    pub weights: Option<String>,
    /// The null in words; empty where the whole test has said it.
    pub null: String,
    /// What a rejection means; empty likewise.
    pub rejected: String,
    /// Estimate, its mean and variance under the null.
    pub moments: Option<[f64; 3]>,
    pub statistic: f64,
    pub distribution: Distribution,
    pub p: f64,
    /// Further numbers by name, shown in columns of their own.
    pub numbers: Vec<(&'static str, f64)>,
    pub words: Vec<(&'static str, String)>,
}

impl Finding {
    /// A statistic under its name, the rest to be filled in.
    pub fn new(test: &str, label: &str, statistic: f64, distribution: Distribution, p: f64) -> Finding {
        Finding {
            key: Key::Test(test.to_string()),
            label: label.to_string(),
            weights: None,
            null: String::new(),
            rejected: String::new(),
            moments: None,
            statistic,
            distribution,
            p,
            numbers: Vec::new(),
            words: Vec::new(),
        }
    }

    pub fn about(self, null: &str, rejected: &str) -> Finding {
        Finding { null: null.to_string(), rejected: rejected.to_string(), ..self }
    }
}

impl Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.key {
            Key::Test(test) => map.serialize_entry("test", test)?,
            Key::Time(time) => map.serialize_entry("time", time)?,
            Key::Unit(unit) => map.serialize_entry("unit", unit)?,
        }
        if let Some(weights) = &self.weights {
            map.serialize_entry("weights", weights)?;
        }
        if !self.null.is_empty() {
            map.serialize_entry("null", &self.null)?;
        }
        if !self.rejected.is_empty() {
            map.serialize_entry("rejected", &self.rejected)?;
        }
        if let Some([estimate, expected, variance]) = self.moments {
            map.serialize_entry("estimate", &estimate)?;
            map.serialize_entry("expected", &expected)?;
            map.serialize_entry("variance", &variance)?;
        }
        if self.distribution != Distribution::None {
            map.serialize_entry("statistic", &self.statistic)?;
            map.serialize_entry("df", &self.distribution.df())?;
            map.serialize_entry("distribution", self.distribution.name())?;
            map.serialize_entry("p", &self.p)?;
        }
        for (name, value) in &self.numbers {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in &self.words {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A test of a program: one finding, or several parts.
#[derive(Clone, Debug, PartialEq)]
pub struct TestResult {
    pub test: String,
    /// As the report heads it.
    pub title: String,
    /// Lines under the title: model, weights, sample.
    pub about: Vec<(&'static str, String)>,
    /// The null of all parts, where they have one; of the finding where there is one.
    pub null: String,
    pub rejected: String,
    pub whole: Option<Finding>,
    pub parts: Vec<Finding>,
    pub notes: Vec<String>,
    /// Of one period of a column: what a scatter shows.
    pub scatter: Option<Scatter>,
}

/// Standardized values of a column and their spatial lags, unit by unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    pub period: i64,
    pub units: Vec<String>,
    pub z: Vec<f64>,
    pub lag: Vec<f64>,
}

impl TestResult {
    /// How many parts go by a name: several where a test is done with several matrices.
    pub fn parts_of(&self, name: &str) -> usize {
        self.parts.iter().filter(|f| matches!(&f.key, Key::Test(test) if test == name)).count()
    }

    /// The finding of a part, or the only one.
    pub fn finding(&self, part: Option<&str>) -> Option<&Finding> {
        match part {
            None => self.whole.as_ref(),
            Some(name) => self.parts.iter().find(|f| match &f.key {
                Key::Test(test) => test == name,
                Key::Time(time) => time.to_string() == name,
                Key::Unit(unit) => unit == name,
            }),
        }
    }
}

impl Serialize for TestResult {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("test", &self.test)?;
        map.serialize_entry("null", &self.null)?;
        map.serialize_entry("rejected", &self.rejected)?;
        match &self.whole {
            Some(f) => {
                if let Some([estimate, expected, variance]) = f.moments {
                    map.serialize_entry("estimate", &estimate)?;
                    map.serialize_entry("expected", &expected)?;
                    map.serialize_entry("variance", &variance)?;
                }
                map.serialize_entry("statistic", &f.statistic)?;
                map.serialize_entry("df", &f.distribution.df())?;
                map.serialize_entry("distribution", f.distribution.name())?;
                map.serialize_entry("p", &f.p)?;
                for (name, value) in &f.numbers {
                    map.serialize_entry(name, value)?;
                }
            }
            None => {
                for name in ["statistic", "df", "p"] {
                    map.serialize_entry(name, &())?;
                }
            }
        }
        map.serialize_entry("parts", &self.parts)?;
        let about: serde_json::Map<String, serde_json::Value> =
            self.about.iter().map(|(k, v)| (k.to_lowercase(), v.clone().into())).collect();
        map.serialize_entry("about", &about)?;
        map.serialize_entry("notes", &self.notes)?;
        map.end()
    }
}
