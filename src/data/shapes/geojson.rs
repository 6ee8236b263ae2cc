//! GeoJSON (RFC 7946): the polygons of a feature collection.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Projection, Region, oriented, unknown_attribute};
use crate::data::csv::nfc;
use crate::data::sniff::foreign_format;
use crate::fault::Fault;

#[derive(Deserialize)]
struct Collection {
    #[serde(rename = "type")]
    kind: String,
    features: Option<Vec<Feature>>,
    crs: Option<Value>,
}

#[derive(Deserialize)]
struct Feature {
    id: Option<Value>,
    properties: Option<Map<String, Value>>,
    geometry: Option<Geometry>,
}

#[derive(Deserialize)]
struct Geometry {
    #[serde(rename = "type")]
    kind: String,
    coordinates: Option<Box<RawValue>>,
}

/// A place; a height is left out.
pub(super) struct Position(pub [f64; 2]);

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Position, D::Error> {
        struct Two;
        impl<'de> Visitor<'de> for Two {
            type Value = Position;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a pair of coordinates")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Position, A::Error> {
                let lacking = || serde::de::Error::custom("a place has two coordinates");
                let x: f64 = seq.next_element()?.ok_or_else(lacking)?;
                let y: f64 = seq.next_element()?.ok_or_else(lacking)?;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Position([x, y]))
            }
        }
        deserializer.deserialize_seq(Two)
    }
}

type Polygon = Vec<Vec<Position>>;

/// Names of the properties of the first feature in the beginning of a file.
pub(super) fn names(bytes: &[u8]) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(bytes);
    let at = text.find("\"properties\"")? + "\"properties\"".len();
    let rest = text[at..].trim_start().strip_prefix(':')?;
    let mut first = serde_json::Deserializer::from_str(rest).into_iter::<Map<String, Value>>();
    let mut names: Vec<String> = first.next()?.ok()?.keys().map(|k| nfc(k).into_owned()).collect();
    names.push("id".to_string());
    Some(names)
}

/// Keys, regions and what the coordinates mean.
pub(super) fn read(path: &str, bytes: &[u8], by: &str) -> Result<(Vec<String>, Vec<Region>, Projection), Fault> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let read: Collection = serde_json::from_slice(bytes).map_err(|e| not_json(path, bytes, &e))?;
    let Some(features) = read.features.filter(|_| read.kind == "FeatureCollection") else {
        let message = format!("{path} is a GeoJSON `{}`, not a `FeatureCollection`", read.kind);
        return Err(Fault::error("durbin::data::wrong_format", message)
            .help("a layer of shapes is a collection of features, each with its properties")
            .label(path, 1, 1, "its `type` says so"));
    };
    if features.is_empty() {
        return Err(Fault::error("durbin::data::no_rows", format!("{path} holds no features")).label(
            path,
            1,
            1,
            "`features` is empty",
        ));
    }
    let (mut keys, mut regions) = (Vec::new(), Vec::new());
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut found = false;
    for (k, feature) in features.into_iter().enumerate() {
        let properties = feature.properties.unwrap_or_default();
        let value = properties.get(by).or(feature.id.as_ref().filter(|_| by == "id"));
        found |= value.is_some();
        if k < 100 {
            known.extend(properties.keys().cloned());
        }
        keys.push(value.map(key).unwrap_or_default());
        regions.push(feature.geometry.map_or(Ok(Region::default()), |g| region(path, k + 1, g))?);
    }
    if !found {
        return Err(unknown_attribute(path, by, &known.into_iter().collect::<Vec<_>>()));
    }
    let crs = read.crs.map(|c| c.to_string()).unwrap_or_default();
    let degrees = crs.contains("CRS84") || crs.contains("4326");
    Ok((keys, regions, if degrees { Projection::Degrees } else { Projection::Unsaid }))
}

fn key(value: &Value) -> String {
    match value {
        Value::String(s) => nfc(s.trim()).into_owned(),
        Value::Number(n) => {
            n.as_i64().map(|i| i.to_string()).or(n.as_f64().map(|x| format!("{x}"))).unwrap_or_default()
        }
        Value::Bool(b) => b.to_string(),
        _ => String::new(),
    }
}

fn region(path: &str, number: usize, geometry: Geometry) -> Result<Region, Fault> {
    let raw = geometry.coordinates.as_ref().map_or("[]", |r| r.get());
    let bad = |e: serde_json::Error| {
        Fault::error(
            "durbin::data::damaged",
            format!("the coordinates of feature {number} of {path} are no {}: {e}", geometry.kind),
        )
        .help("get the file again, or export it again as GeoJSON")
        .label(path, 1, 1, format!("feature {number}"))
    };
    let polygons: Vec<Polygon> = match geometry.kind.as_str() {
        "Polygon" => vec![serde_json::from_str(raw).map_err(bad)?],
        "MultiPolygon" => serde_json::from_str(raw).map_err(bad)?,
        other => {
            let message = format!("feature {number} of {path} is a {other}, not a polygon");
            return Err(Fault::error("durbin::data::shapes_kind", message)
                .help("`shapes` takes the areas of the units; places are given by `coords`")
                .label(path, 1, 1, format!("feature {number}")));
        }
    };
    let places = |ring: Vec<Position>| ring.into_iter().map(|p| p.0).collect();
    Ok(oriented(polygons.into_iter().map(|polygon| polygon.into_iter().map(places).collect()).collect()))
}

pub(super) fn not_json(path: &str, bytes: &[u8], error: &serde_json::Error) -> Fault {
    if let Some((what, _)) = foreign_format(bytes).filter(|f| f.0 != "a JSON document") {
        return Fault::error("durbin::data::wrong_format", format!("{path} is {what}, not GeoJSON"))
            .help("export the layer as GeoJSON, or name the file by what it is")
            .label(path, 1, 1, "the first bytes say so");
    }
    let (line, column) = (error.line().max(1), error.column().max(1));
    let (code, help) = match error.classify() {
        serde_json::error::Category::Eof => {
            ("durbin::data::truncated", "it may have been cut off on its way: get it again")
        }
        _ => ("durbin::data::damaged", "export the layer again as GeoJSON"),
    };
    Fault::error(code, format!("{path} is no GeoJSON: {error}")).help(help).label(path, line, column, "here")
}
