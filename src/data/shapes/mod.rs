//! Polygons of regions from GeoJSON, a shapefile or a GeoPackage: their rings, the key of each, and what their coordinates mean.

mod dbf;
mod geojson;
mod geopackage;
mod lines;
mod projection;
mod shapefile;
mod sqlite;

use std::collections::BTreeMap;

use crate::data::writing::Writing;
use crate::fault::{Fault, counted, quoted_list};
use crate::suggest;
pub use lines::{Courses, check_lines, read_lines};
pub use projection::Projection;

/// A closed line: its first point is not repeated at its end.
pub type Ring = Vec<[f64; 2]>;

/// What one unit covers. Outer rings run counterclockwise, holes clockwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Region {
    pub rings: Vec<Ring>,
}

/// The regions of a file by the attribute that names them, as the file has them.
#[derive(Clone, Debug)]
pub struct Layer {
    pub file: String,
    /// Key, region and number of the feature in the file, from 1.
    pub features: Vec<(String, Region, usize)>,
    pub projection: Projection,
}

/// Whether the name of a file is that of a layer of shapes. Error: `unknown_format`.
pub fn check_extension(path: &str) -> Result<(), Fault> {
    let name = path.to_ascii_lowercase();
    if [".shp", ".gpkg", ".geojson", ".json"].iter().any(|e| name.ends_with(e)) {
        return Ok(());
    }
    Err(Fault::error(
        "durbin::data::unknown_format",
        format!("\"{path}\" is no file of shapes durbin reads; it reads .geojson, .json, .gpkg, .shp"),
    )
    .help("export the layer as GeoJSON, as a GeoPackage or as a shapefile"))
}

pub(super) fn is_shapefile(path: &str) -> bool {
    path.to_ascii_lowercase().ends_with(".shp")
}

fn is_geopackage(path: &str) -> bool {
    path.to_ascii_lowercase().ends_with(".gpkg")
}

/// Files that belong to a layer: the one of a shapefile's attributes, and those that may be missing, among them what a
/// program has not written into a GeoPackage yet.
pub fn companions(path: &str) -> (Vec<String>, Vec<String>) {
    if is_geopackage(path) {
        return (Vec::new(), vec![format!("{path}-wal")]);
    }
    if !is_shapefile(path) {
        return (Vec::new(), Vec::new());
    }
    let stem = &path[..path.len() - 4];
    let beside =
        |ending: &str| format!("{stem}.{}", if path.ends_with(".SHP") { ending.to_uppercase() } else { ending.into() });
    (vec![beside("dbf")], vec![beside("prj"), beside("cpg")])
}

/// The bytes of a layer's files: of the file itself, its attributes, its projection, the name of its encoding, and of
/// changes that are not in it yet.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    pub shapes: Vec<u8>,
    pub attributes: Option<Vec<u8>>,
    pub projection: Option<Vec<u8>>,
    pub encoding: Option<Vec<u8>>,
    pub unwritten: Option<Vec<u8>>,
}

/// Names of a layer's attributes from the beginning of its files; `None`: they were not found there.
pub fn attributes(path: &str, parts: &Parts, writing: &Writing) -> Result<Option<Vec<String>>, Fault> {
    if is_shapefile(path) {
        let bytes = parts.attributes.as_deref().unwrap_or_default();
        return dbf::names(path, bytes, &dbf::encoding(parts, writing)).map(Some);
    }
    // A database has no beginning that would say it.
    Ok(if is_geopackage(path) { None } else { geojson::names(&parts.shapes) })
}

/// Reads a layer; `by`: the attribute that names the units. Errors: `io::changed`, `wrong_format`, `truncated`, `damaged`, `not_utf8`,
/// `shapes_kind`, `shapes_number`, `unknown_column`, `no_rows`.
pub fn read(path: &str, parts: &Parts, by: &str, writing: &Writing) -> Result<Layer, Fault> {
    let (keys, regions, projection) = if is_shapefile(path) {
        let regions = shapefile::read(path, &parts.shapes)?;
        let keys =
            dbf::column(path, parts.attributes.as_deref().unwrap_or_default(), by, &dbf::encoding(parts, writing))?;
        if keys.len() != regions.len() {
            let (_, table) = (path, companions(path).0.remove(0));
            let message = format!(
                "{path} holds {} and {table} {}",
                counted(regions.len(), "shape", "shapes"),
                counted(keys.len(), "row", "rows")
            );
            return Err(Fault::error("durbin::data::shapes_number", message)
                .help("the two belong together, row by row: get both again from one place"));
        }
        let projection = parts.projection.as_deref().map_or(Projection::Unsaid, projection::of_text);
        (keys, regions, projection)
    } else if is_geopackage(path) {
        if parts.unwritten.as_ref().is_some_and(|w| !w.is_empty()) {
            let message = format!("changes to {path} stand in {path}-wal and are not in it yet");
            return Err(Fault::error("durbin::io::changed", message)
                .help("close the program that has the file open, such as QGIS: it writes them into it"));
        }
        geopackage::read(path, &parts.shapes, by)?
    } else {
        geojson::read(path, &parts.shapes, by)?
    };
    let projection = projection.judged(&regions);
    let features = keys.into_iter().zip(regions).enumerate().map(|(k, (key, region))| (key, region, k + 1)).collect();
    Ok(Layer { file: path.to_string(), features, projection })
}

/// The attribute a layer does not have.
pub fn unknown_attribute(path: &str, by: &str, names: &[String]) -> Fault {
    let message = format!("the shapes of {path} have no attribute `{by}`");
    let list = format!("they have {}", crate::fault::ticked_all(names));
    let near = suggest::did_you_mean(by, names.iter().map(String::as_str));
    Fault::error("durbin::check::unknown_column", message).help(match near {
        Some(help) if names.len() > 12 => help,
        Some(help) => format!("{help} {list}"),
        None => list,
    })
}

impl Layer {
    /// The regions of `units` (sorted keys), several features of one key taken together, with notes. Errors:
    /// `plan::unit_mismatch` where a unit has no shape.
    pub fn of_units(self, units: &[String], panel: &str) -> Result<(Vec<Region>, Vec<Fault>), Fault> {
        let mut by_key: BTreeMap<String, (Region, usize)> = BTreeMap::new();
        let total = self.features.len();
        for (key, region, _) in self.features {
            let known = by_key.entry(key).or_default();
            known.0.rings.extend(region.rings);
            known.1 += 1;
        }
        let mut lacking: Vec<&String> = Vec::new();
        let mut regions = Vec::with_capacity(units.len());
        let mut several: Vec<&String> = Vec::new();
        for unit in units {
            match by_key.remove(unit) {
                Some((region, parts)) if !region.rings.is_empty() => {
                    regions.push(region);
                    if parts > 1 {
                        several.push(unit);
                    }
                }
                _ => lacking.push(unit),
            }
        }
        let spare: Vec<String> = by_key.into_keys().filter(|k| !k.is_empty()).collect();
        if let Some(first) = lacking.first() {
            let message = format!(
                "{} of the {} of panel `{panel}` {} no shape in {}, which has {total}: {}",
                lacking.len(),
                counted(units.len(), "unit", "units"),
                if lacking.len() == 1 { "has" } else { "have" },
                self.file,
                quoted_list(&lacking)
            );
            let near = crate::data::similar::near(first, spare.iter().map(String::as_str));
            let near = near.map(|n| format!("did you mean \"{n}\" for \"{first}\"? ")).unwrap_or_default();
            let help = format!(
                "{near}mend the keys with `recode`, name another attribute after `by`, or leave the units out with `where`"
            );
            return Err(Fault::error("durbin::plan::unit_mismatch", message).help(help));
        }
        let mut notes = Vec::new();
        if !several.is_empty() {
            let message = format!("several shapes of {} are one unit: {}", self.file, quoted_list(&several));
            notes.push(Fault::note("durbin::data::shapes_joined", message).help("they are taken together"));
        }
        if !spare.is_empty() {
            let message = format!(
                "{} of {} {} no unit of panel `{panel}`: {}",
                counted(spare.len(), "shape", "shapes"),
                self.file,
                if spare.len() == 1 { "is" } else { "are" },
                quoted_list(&spare)
            );
            notes.push(Fault::note("durbin::data::shapes_unused", message).help("they are no neighbors of any unit"));
        }
        Ok((regions, notes))
    }
}

/// Twice the area within a ring, positive where it runs counterclockwise.
pub(super) fn doubled_area(ring: &[[f64; 2]]) -> f64 {
    let Some(origin) = ring.first() else { return 0.0 };
    let from = |p: &[f64; 2]| [p[0] - origin[0], p[1] - origin[1]];
    ring.windows(2).map(|w| (from(&w[0]), from(&w[1]))).map(|(a, b)| a[0] * b[1] - a[1] * b[0]).sum()
}

/// A region of polygons whose first ring is the outside and whose others are holes, whichever way they run.
fn oriented(polygons: Vec<Vec<Ring>>) -> Region {
    let mut rings = Vec::new();
    for polygon in polygons {
        for (k, ring) in polygon.into_iter().enumerate() {
            let Some(mut ring) = open_ring(ring) else { continue };
            if (doubled_area(&ring) < 0.0) == (k == 0) {
                ring.reverse();
            }
            rings.push(ring);
        }
    }
    Region { rings }
}

/// A ring without its repeated end; `None` where it encloses nothing.
pub(super) fn open_ring(mut ring: Ring) -> Option<Ring> {
    while ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
    }
    (ring.len() >= 3).then_some(ring)
}
