//! The polygons of a GeoPackage (OGC 12-128): a layer is a table of an SQLite database, its shapes are well-known binary.

use super::sqlite::{Cell, Database, Named, Stored};
use super::{Projection, Region, Ring, oriented, projection, unknown_attribute};
use crate::data::csv::nfc;
use crate::data::sniff::foreign_format;
use crate::fault::{Fault, ticked_all};

/// A table of shapes, and which of its columns holds them.
struct Layer<'d> {
    table: &'d Stored,
    columns: Vec<Named>,
    geometry: usize,
    reference: Cell,
}

impl Layer<'_> {
    /// The names of its attributes, without the shapes.
    fn attributes(&self) -> Vec<String> {
        let others = self.columns.iter().enumerate().filter(|(k, _)| *k != self.geometry);
        others.map(|(_, c)| nfc(&c.name).into_owned()).collect()
    }
}

/// Keys, regions and what the coordinates mean, of the one layer that has the attribute `by`.
pub(super) fn read(path: &str, bytes: &[u8], by: &str) -> Result<(Vec<String>, Vec<Region>, Projection), Fault> {
    if !bytes.starts_with(b"SQLite format 3\0") {
        let what = foreign_format(bytes).map_or("something else", |f| f.0);
        return Err(Fault::error("durbin::data::wrong_format", format!("{path} is no GeoPackage: it is {what}"))
            .help("export the layer again, or name the file by what it is")
            .label(path, 1, 1, "the first bytes say so"));
    }
    let database = Database::open(bytes).filter(|d| !d.is_cut()).ok_or_else(|| cut(path))?;
    let tables = database.tables().ok_or_else(|| damaged(path, "its list of tables"))?;
    let layers = layers(path, &database, &tables)?;
    let having: Vec<&Layer> = layers.iter().filter(|l| l.attributes().iter().any(|a| a == by)).collect();
    let layer = match having[..] {
        [layer] => layer,
        [] => {
            let mut names: Vec<String> = layers.iter().flat_map(Layer::attributes).collect();
            names.sort();
            names.dedup();
            return Err(unknown_attribute(path, by, &names));
        }
        _ => {
            let names: Vec<&String> = having.iter().map(|l| &l.table.name).collect();
            let message = format!("{} layers of {path} have an attribute `{by}`: {}", names.len(), ticked_all(&names));
            return Err(Fault::error("durbin::data::shapes_kind", message)
                .help("export the layer of the units into a file of its own"));
        }
    };
    let name = &layer.table.name;
    let rows = database.rows(layer.table).ok_or_else(|| damaged(path, &format!("layer `{name}`")))?;
    if rows.is_empty() {
        return Err(Fault::error("durbin::data::no_rows", format!("layer `{name}` of {path} holds no shapes")));
    }
    let at = layer.columns.iter().position(|c| nfc(&c.name) == by).unwrap_or(0);
    let (mut keys, mut regions) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for (k, (number, cells)) in rows.into_iter().enumerate() {
        keys.push(match cells.get(at) {
            Some(Cell::Text(text)) => nfc(text.trim()).into_owned(),
            Some(Cell::Integer(n)) => n.to_string(),
            Some(Cell::Real(x)) => x.to_string(),
            _ if layer.columns[at].is_row => number.to_string(),
            _ => String::new(),
        });
        regions.push(match cells.get(layer.geometry) {
            Some(Cell::Blob(blob)) => region(path, k + 1, blob)?,
            _ => Region::default(),
        });
    }
    let said = system(&database, &tables, &layer.reference);
    Ok((keys, regions, said))
}

/// The tables of shapes, as `gpkg_geometry_columns` lists them.
fn layers<'d>(path: &str, database: &Database, tables: &'d [Stored]) -> Result<Vec<Layer<'d>>, Fault> {
    let named = |name: &str| tables.iter().find(|t| t.name.eq_ignore_ascii_case(name));
    let Some(list) = named("gpkg_geometry_columns") else {
        let message = format!("{path} is an SQLite database without the tables of a GeoPackage");
        return Err(Fault::error("durbin::data::wrong_format", message)
            .help("export the layer as a GeoPackage, as GeoJSON or as a shapefile"));
    };
    let rows = database.rows(list).ok_or_else(|| damaged(path, "its list of layers"))?;
    let columns = list.columns();
    let place = |name: &str| columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
    let mut out = Vec::new();
    for (_, cells) in rows {
        let cell = |name: &str| place(name).and_then(|k| cells.get(k)).cloned().unwrap_or(Cell::Null);
        let (Cell::Text(table), Cell::Text(column)) = (cell("table_name"), cell("column_name")) else { continue };
        let Some(table) = named(&table) else { continue };
        let columns = table.columns();
        if let Some(geometry) = columns.iter().position(|c| c.name.eq_ignore_ascii_case(&column)) {
            out.push(Layer { table, columns, geometry, reference: cell("srs_id") });
        }
    }
    if out.is_empty() {
        return Err(Fault::error("durbin::data::no_rows", format!("{path} holds no layer of shapes")));
    }
    Ok(out)
}

/// What the reference system of a layer says of its coordinates.
fn system(database: &Database, tables: &[Stored], reference: &Cell) -> Projection {
    let Some(list) = tables.iter().find(|t| t.name == "gpkg_spatial_ref_sys") else { return Projection::Unsaid };
    let columns = list.columns();
    let place = |name: &str| columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
    let (Some(id), Some(definition)) = (place("srs_id"), place("definition")) else { return Projection::Unsaid };
    for (number, cells) in database.rows(list).unwrap_or_default() {
        let own = if columns[id].is_row {
            Some(&Cell::Integer(number)) == Some(reference)
        } else {
            cells.get(id) == Some(reference)
        };
        if own && let Some(Cell::Text(text)) = cells.get(definition) {
            return projection::of_text(text.as_bytes());
        }
    }
    Projection::Unsaid
}

fn cut(path: &str) -> Fault {
    Fault::error("durbin::data::truncated", format!("{path} is cut off: pages it says it has are not there"))
        .help("it may have been cut off on its way: get it again")
        .label(path, 1, 1, "its header says how many there should be")
}

fn damaged(path: &str, what: &str) -> Fault {
    Fault::error(
        "durbin::data::damaged",
        format!("{what} of {path} cannot be read: what it says of itself leads nowhere"),
    )
    .help("export the layer again")
    .label(path, 1, 1, "the file is damaged")
}

/// The region of a feature's shape: a header of its own, then well-known binary.
fn region(path: &str, number: usize, blob: &[u8]) -> Result<Region, Fault> {
    let envelope = [0, 32, 48, 48, 64];
    let broken = || damaged(path, &format!("the shape of feature {number}"));
    let flags = blob.get(3).filter(|_| blob.starts_with(b"GP")).ok_or_else(broken)?;
    let skipped = envelope.get(usize::from(flags >> 1 & 7)).ok_or_else(broken)?;
    // A geometry without any place.
    if flags >> 4 & 1 == 1 {
        return Ok(Region::default());
    }
    let mut wkb = Wkb { bytes: blob.get(8 + skipped..).ok_or_else(broken)? };
    let (kind, polygons) = wkb.polygons().ok_or_else(broken)?;
    let Some(polygons) = polygons else {
        let message = format!("feature {number} of {path} is a {kind}, not a polygon");
        return Err(Fault::error("durbin::data::shapes_kind", message)
            .help("`shapes` takes the areas of the units; places are given by `coords`")
            .label(path, 1, 1, format!("feature {number}")));
    };
    Ok(oriented(polygons))
}

/// Kinds of shapes by their numbers in well-known binary.
const KINDS: [&str; 18] = [
    "Geometry",
    "Point",
    "LineString",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
    "CircularString",
    "CompoundCurve",
    "CurvePolygon",
    "MultiCurve",
    "MultiSurface",
    "Curve",
    "Surface",
    "PolyhedralSurface",
    "TIN",
    "Triangle",
];

/// Well-known binary that is not read yet. `None`: it ends before what it announces.
struct Wkb<'b> {
    bytes: &'b [u8],
}

impl Wkb<'_> {
    /// The kind of a shape, and its polygons if it is made of some.
    fn polygons(&mut self) -> Option<(&'static str, Option<Vec<Vec<Ring>>>)> {
        let (little, kind, numbers) = self.head()?;
        let name = KINDS.get(kind).copied().unwrap_or("shape of no known kind");
        let polygons = match name {
            "Polygon" => vec![self.polygon(little, numbers)?],
            "MultiPolygon" => {
                let mut out = Vec::new();
                for _ in 0..self.count(little)? {
                    let (little, kind, numbers) = self.head()?;
                    (kind == 3).then_some(())?;
                    out.push(self.polygon(little, numbers)?);
                }
                out
            }
            _ => return Some((name, None)),
        };
        Some((name, Some(polygons)))
    }

    fn take(&mut self, size: usize) -> Option<&[u8]> {
        let (taken, rest) = self.bytes.split_at_checked(size)?;
        self.bytes = rest;
        Some(taken)
    }

    /// The order of bytes, the kind, and how many numbers a place has: heights and measures are left out.
    fn head(&mut self) -> Option<(bool, usize, usize)> {
        let little = self.take(1)?[0] == 1;
        let code = self.count(little)?;
        // Heights and measures are said by thousands, or by the highest bits.
        let (plain, thousands) = (code as u32 & 0x0FFF_FFFF, code as u32 >> 30);
        let more = match plain / 1000 {
            0 => thousands.count_ones(),
            1 | 2 => 1,
            3 => 2,
            _ => return None,
        };
        Some((little, (plain % 1000) as usize, 2 + more as usize))
    }

    fn count(&mut self, little: bool) -> Option<usize> {
        let raw: [u8; 4] = self.take(4)?.try_into().ok()?;
        Some(if little { u32::from_le_bytes(raw) } else { u32::from_be_bytes(raw) } as usize)
    }

    fn polygon(&mut self, little: bool, numbers: usize) -> Option<Vec<Ring>> {
        let mut rings = Vec::new();
        for _ in 0..self.count(little)? {
            let places = self.count(little)?;
            let raw = self.take(places.checked_mul(8 * numbers)?)?;
            let real = |raw: &[u8]| {
                let raw: [u8; 8] = raw.try_into().ok()?;
                let x = if little { f64::from_le_bytes(raw) } else { f64::from_be_bytes(raw) };
                x.is_finite().then_some(x)
            };
            let place = |raw: &[u8]| Some([real(&raw[..8])?, real(&raw[8..16])?]);
            rings.push(raw.chunks_exact(8 * numbers).map(place).collect::<Option<Ring>>()?);
        }
        Some(rings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shapes::{self, Parts};
    use crate::data::writing::Writing;

    const TOWNS: &[u8] = include_bytes!("../../../tests/cases/data/towns.gpkg");

    #[test]
    fn a_damaged_package_is_read_otherwise_or_refused() {
        let (keys, regions, said) = read("towns.gpkg", TOWNS, "town").unwrap();
        assert_eq!((keys.len(), regions.len(), said), (8, 8, Projection::Degrees));
        let mut refused = 0;
        for at in (0..TOWNS.len()).step_by(41) {
            let mut bytes = TOWNS.to_vec();
            for value in [0xFF, 0, bytes[at] ^ 0x41] {
                bytes[at] = value;
                refused += usize::from(read("towns.gpkg", &bytes, "town").is_err());
            }
            assert!(read("towns.gpkg", &TOWNS[..at], "town").is_err());
        }
        assert!(refused > 10, "{refused}");
    }

    #[test]
    fn changes_that_are_not_in_the_file_yet_are_not_passed_over() {
        let parts = |unwritten: &[u8]| Parts {
            shapes: TOWNS.to_vec(),
            unwritten: Some(unwritten.to_vec()),
            ..Parts::default()
        };
        let read = |parts: &Parts| shapes::read("towns.gpkg", parts, "town", &Writing::default());
        assert_eq!(read(&parts(b"")).unwrap().features.len(), 8);
        let fault = read(&parts(b"frames")).unwrap_err();
        assert_eq!(fault.code, "durbin::io::changed");
        assert!(fault.message.contains("towns.gpkg-wal"));
    }

    #[test]
    fn heights_and_measures_are_left_out() {
        let ring = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]];
        for (code, numbers) in [(3u32, 2), (1003, 3), (2003, 3), (3003, 4), (0x8000_0003, 3), (0xC000_0003, 4)] {
            let mut bytes = vec![0];
            [code, 1, 4].iter().for_each(|n| bytes.extend(n.to_be_bytes()));
            for place in ring {
                let [x, y]: [f64; 2] = place;
                [x, y, 7.0, 8.0][..numbers].iter().for_each(|x| bytes.extend(x.to_be_bytes()));
            }
            let read = Wkb { bytes: &bytes }.polygons();
            assert_eq!(read, Some(("Polygon", Some(vec![vec![ring.to_vec()]]))), "{code}");
            assert_eq!(Wkb { bytes: &bytes[..bytes.len() - 1] }.polygons(), None);
        }
    }
}
