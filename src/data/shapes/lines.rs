//! GeoJSON (RFC 7946): the lines and points of a file, whatever they stand in.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Projection;
use super::geojson::{Position, not_json};
use crate::fault::Fault;

/// Lines as lists of places; a point is one of a single place.
#[derive(Clone, Debug, PartialEq)]
pub struct Courses {
    pub paths: Vec<Vec<[f64; 2]>>,
    pub projection: Projection,
}

#[derive(Deserialize)]
struct Object {
    #[serde(rename = "type")]
    kind: String,
    features: Option<Vec<Object>>,
    geometry: Option<Box<Object>>,
    geometries: Option<Vec<Object>>,
    coordinates: Option<Box<RawValue>>,
    crs: Option<Value>,
}

/// Whether the name of a file is that of lines. Error: `unknown_format`.
pub fn check_lines(path: &str) -> Result<(), Fault> {
    let name = path.to_ascii_lowercase();
    if [".geojson", ".json"].iter().any(|e| name.ends_with(e)) {
        return Ok(());
    }
    let message = format!("\"{path}\" is no file of lines durbin reads; it reads .geojson, .json");
    Err(Fault::error("durbin::data::unknown_format", message).help("export the lines or points as GeoJSON"))
}

/// Reads lines and points. Errors: `wrong_format`, `truncated`, `damaged`, `shapes_kind`, `no_rows`.
pub fn read_lines(path: &str, bytes: &[u8]) -> Result<Courses, Fault> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let read: Object = serde_json::from_slice(bytes).map_err(|e| not_json(path, bytes, &e))?;
    let crs = read.crs.as_ref().map(Value::to_string).unwrap_or_default();
    let mut paths = Vec::new();
    match read.features {
        Some(features) if read.kind == "FeatureCollection" => {
            for (k, feature) in features.into_iter().enumerate() {
                collect(path, &format!("feature {}", k + 1), feature, &mut paths)?;
            }
        }
        features => collect(path, "the geometry", Object { features, ..read }, &mut paths)?,
    }
    if paths.is_empty() {
        let fault = Fault::error("durbin::data::no_rows", format!("{path} holds no lines and no points"));
        return Err(fault.help("it should hold `LineString`, `MultiLineString`, `Point` or `MultiPoint` geometries"));
    }
    let said = crs.contains("CRS84") || crs.contains("4326");
    let fit = |p: &[f64; 2]| p[0].abs() <= 360.0 && p[1].abs() <= 90.0;
    let projection = match (said, paths.iter().flatten().all(fit)) {
        (true, _) => Projection::Degrees,
        (false, true) => Projection::Unsaid,
        (false, false) => Projection::Projected(1.0),
    };
    Ok(Courses { paths, projection })
}

/// The lines of a feature or geometry, and of what it is made of.
fn collect(path: &str, what: &str, object: Object, out: &mut Vec<Vec<[f64; 2]>>) -> Result<(), Fault> {
    let raw = object.coordinates.as_ref().map_or("[]", |r| r.get());
    let damaged = |why: String| {
        Fault::error(
            "durbin::data::damaged",
            format!("the coordinates of {what} of {path} are no {}: {why}", object.kind),
        )
        .help("get the file again, or export it again as GeoJSON")
        .label(path, 1, 1, what)
    };
    let places = |line: Vec<Position>| -> Vec<[f64; 2]> { line.into_iter().map(|p| p.0).collect() };
    let bad = |e: serde_json::Error| damaged(e.to_string());
    let lines: Vec<Vec<[f64; 2]>> = match object.kind.as_str() {
        "Feature" => return object.geometry.map_or(Ok(()), |geometry| collect(path, what, *geometry, out)),
        "GeometryCollection" => {
            let parts = object.geometries.unwrap_or_default();
            return parts.into_iter().try_for_each(|part| collect(path, what, part, out));
        }
        "Point" => vec![vec![serde_json::from_str::<Position>(raw).map_err(bad)?.0]],
        "MultiPoint" => places(serde_json::from_str(raw).map_err(bad)?).into_iter().map(|p| vec![p]).collect(),
        "LineString" => vec![places(serde_json::from_str(raw).map_err(bad)?)],
        "MultiLineString" => {
            let lines: Vec<Vec<Position>> = serde_json::from_str(raw).map_err(bad)?;
            lines.into_iter().map(places).collect()
        }
        other => {
            let message = format!("{what} of {path} is a {other}: distances are measured to lines and points");
            return Err(Fault::error("durbin::data::shapes_kind", message)
                .help("export its border as lines; areas of the units are read by the clause `shapes`")
                .label(path, 1, 1, what));
        }
    };
    let is_line = object.kind.ends_with("LineString");
    for line in lines.into_iter().filter(|line| !line.is_empty()) {
        if is_line && line.len() < 2 {
            return Err(damaged("a line has two places or more".to_string()));
        }
        out.push(line);
    }
    Ok(())
}
