//! The lock of a program: version, program, fingerprints of its data, every number of every result.

use crate::fault::Fault;
use crate::plan::InputFile;
use crate::session::{Program, Run};
use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value, json};

const SCHEMA: &str = "durbin.lock/1";

/// What tells the items of a list apart, in the order in which their places say it.
const IDENTITIES: [&str; 14] = [
    "term",
    "name",
    "test",
    "model",
    "lo",
    "hi",
    "unit",
    "group",
    "cohort",
    "time",
    "event_time",
    "lag",
    "horizon",
    "order",
];

/// Numbers by their place among the results, such as `base: coefficients, law, se`; NaN where the result has none.
pub type LockedNumbers = IndexMap<String, f64>;

/// What a program gave when it was locked.
#[derive(Clone, Debug, PartialEq)]
pub struct Lock {
    /// Of durbin.
    pub version: String,
    pub program_blake3: String,
    /// The program as it was, so that what changed in it can be said.
    pub text: String,
    /// `--set` values.
    pub sets: Vec<(String, String)>,
    pub seed: u64,
    pub inputs: Vec<InputFile>,
    pub numbers: LockedNumbers,
}

impl Lock {
    /// The lock of a run that went well.
    pub fn of(program: &Program, run: &Run) -> Lock {
        let document = run.document();
        let (mut numbers, mut named, mut heads) = (LockedNumbers::new(), Vec::new(), IndexSet::new());
        for (place, entry) in document["results"].as_array().into_iter().flatten().enumerate() {
            let name = entry["name"].as_str().or(entry["source"].as_str()).unwrap_or("result");
            // A model that is printed is locked under its name once.
            if entry["kind"] == "fit" && entry["name"].is_string() && named.contains(&name) {
                continue;
            }
            named.push(name);
            let head = if heads.contains(name) { format!("{name} ({})", place + 1) } else { name.to_string() };
            heads.insert(head.clone());
            let Value::Object(fields) = entry else { continue };
            for (field, value) in fields.iter().filter(|(f, _)| !["name", "source", "kind"].contains(&f.as_str())) {
                collect(&format!("{head}: {field}"), value, &mut numbers);
            }
        }
        Lock {
            version: env!("CARGO_PKG_VERSION").to_string(),
            program_blake3: run.program_blake3.clone(),
            text: String::from_utf8_lossy(&program.bytes).into_owned(),
            sets: program.sets.clone(),
            seed: run.seed,
            inputs: run.inputs.clone(),
            numbers,
        }
    }

    /// The file's content.
    pub fn to_json(&self) -> String {
        let inputs: Vec<Value> =
            self.inputs.iter().map(|i| json!({"path": i.path, "bytes": i.bytes, "blake3": i.blake3})).collect();
        let number = |x: f64| if x.is_nan() { Value::Null } else { json!(x) };
        let results: Map<String, Value> = self.numbers.iter().map(|(place, x)| (place.clone(), number(*x))).collect();
        let sets: Map<String, Value> = self.sets.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        let document = json!({
            "schema": SCHEMA,
            "durbin": self.version,
            "program": {"blake3": self.program_blake3, "text": self.text.lines().collect::<Vec<_>>()},
            "set": sets,
            "seed": self.seed,
            "inputs": inputs,
            "results": results,
        });
        crate::report::json::written(&document)
    }

    /// Reads a lock.
    ///
    /// # Errors
    /// `durbin::lock::unreadable`: what it lacks.
    pub fn from_json(file: &str, bytes: &[u8]) -> Result<Lock, Fault> {
        let bad = |what: &str| {
            Fault::error("durbin::lock::unreadable", format!("`{file}` is no lock: {what}"))
                .help("write it again with `durbin lock`")
        };
        let document: Value = serde_json::from_slice(bytes).map_err(|e| bad(&e.to_string()))?;
        if document["schema"] != SCHEMA {
            return Err(bad(&format!("its `schema` is not `{SCHEMA}`")));
        }
        let text = |v: &Value, what: &str| v.as_str().map(str::to_string).ok_or_else(|| bad(&format!("no {what}")));
        let lines = document["program"]["text"].as_array().ok_or_else(|| bad("no text of the program"))?;
        let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
        let mut inputs = Vec::new();
        for input in document["inputs"].as_array().ok_or_else(|| bad("no list of inputs"))? {
            inputs.push(InputFile {
                path: text(&input["path"], "path of an input")?,
                bytes: input["bytes"].as_u64().ok_or_else(|| bad("no size of an input"))?,
                blake3: text(&input["blake3"], "fingerprint of an input")?,
            });
        }
        let results = document["results"].as_object().ok_or_else(|| bad("no results"))?;
        let number = |(place, value): (&String, &Value)| (place.clone(), value.as_f64().unwrap_or(f64::NAN));
        let set = |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap_or_default().to_string());
        Ok(Lock {
            version: text(&document["durbin"], "version")?,
            program_blake3: text(&document["program"]["blake3"], "fingerprint of the program")?,
            text: lines.iter().map(|l| format!("{l}\n")).collect(),
            sets: document["set"].as_object().into_iter().flatten().map(set).collect(),
            seed: document["seed"].as_u64().ok_or_else(|| bad("no seed"))?,
            inputs,
            numbers: results.iter().map(number).collect(),
        })
    }

    /// A number by its place.
    pub fn number(&self, place: &str) -> Option<f64> {
        self.numbers.get(place).copied()
    }

    /// The effects of the first term of each model that has some: model, term, and direct, indirect, total.
    pub fn headlines(&self) -> Vec<(String, String, [f64; 3])> {
        let mut out: Vec<(String, String, [f64; 3])> = Vec::new();
        for place in self.numbers.keys() {
            let Some((model, rest)) = place.split_once(": effects, ") else { continue };
            let Some(term) = rest.strip_suffix(", direct, estimate") else { continue };
            if out.iter().any(|h| h.0 == model) {
                continue;
            }
            let at =
                |part: &str| self.number(&format!("{model}: effects, {term}, {part}, estimate")).unwrap_or(f64::NAN);
            out.push((model.to_string(), term.to_string(), ["direct", "indirect", "total"].map(at)));
        }
        out
    }
}

/// The numbers of a part of a document.
fn collect(place: &str, value: &Value, out: &mut LockedNumbers) {
    match value {
        Value::Number(x) => {
            out.insert(place.to_string(), x.as_f64().unwrap_or(f64::NAN));
        }
        Value::Object(fields) => {
            for (field, inner) in fields {
                collect(&format!("{place}, {field}"), inner, out);
            }
        }
        Value::Array(items) => {
            for (item, name) in items.iter().zip(names(items)) {
                let place = format!("{place}, {name}");
                match item {
                    Value::Object(fields) => {
                        for (field, inner) in fields.iter().filter(|(f, v)| identity(f, v).is_none()) {
                            collect(&format!("{place}, {field}"), inner, out);
                        }
                    }
                    other => collect(&place, other, out),
                }
            }
        }
        Value::Null if place.ends_with(", se") || place.ends_with(", p") => {
            out.insert(place.to_string(), f64::NAN);
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// What a field says of which item it is in; `None` where it is one of the item's numbers.
fn identity(field: &str, value: &Value) -> Option<String> {
    if !IDENTITIES.contains(&field) {
        return None;
    }
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(x) => x.as_f64().map(|x| x.to_string()),
        _ => None,
    }
}

/// The items of a list by what tells them apart; those that nothing does by their number.
fn names(items: &[Value]) -> Vec<String> {
    let mut seen: IndexMap<String, usize> = IndexMap::new();
    let of = |(number, item): (usize, &Value)| {
        let parts: Vec<String> = IDENTITIES.iter().filter_map(|f| identity(f, &item[*f])).collect();
        let name = if parts.is_empty() { (number + 1).to_string() } else { parts.join(", ") };
        let times = seen.entry(name.clone()).and_modify(|n| *n += 1).or_insert(1);
        if *times > 1 { format!("{name} ({times})") } else { name }
    };
    items.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_list_has_a_place_of_its_own() {
        let list = json!([
            {"term": "law", "unit": "Ohio", "direct": 1.0},
            {"term": "law", "unit": "Iowa", "direct": 2.0},
            {"lo": 0.0, "hi": 100.0, "unit": "km", "direct": 3.0},
            {"event_time": -5, "direct": 4.0},
            {"direct": 5.0},
            {"term": "law", "unit": "Ohio", "direct": 6.0},
            {"group": "north", "lag": null, "p": null},
        ]);
        let mut numbers = LockedNumbers::new();
        collect("m: units", &list, &mut numbers);
        let places: Vec<&str> = numbers.keys().map(String::as_str).collect();
        let wanted = [
            "m: units, law, Ohio, direct",
            "m: units, law, Iowa, direct",
            "m: units, 0, 100, km, direct",
            "m: units, -5, direct",
            "m: units, 5, direct",
            "m: units, law, Ohio (2), direct",
            "m: units, north, p",
        ];
        assert_eq!(places, wanted);
    }
}
