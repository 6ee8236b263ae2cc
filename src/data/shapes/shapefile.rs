//! The shapes of a shapefile (`.shp`), as ESRI's technical description of 1998 has them.

use super::{Region, Ring, doubled_area, open_ring};
use crate::data::sniff::foreign_format;
use crate::fault::Fault;

/// Kinds of shapes by their numbers.
const KINDS: [(i32, &str); 13] = [
    (1, "points"),
    (3, "lines"),
    (5, "polygons"),
    (8, "points"),
    (11, "points"),
    (13, "lines"),
    (15, "polygons"),
    (18, "points"),
    (21, "points"),
    (23, "lines"),
    (25, "polygons"),
    (28, "points"),
    (31, "surfaces"),
];

/// One region per record; a null shape has no rings.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Vec<Region>, Fault> {
    let first = lines(file, bytes)?;
    if first.0 != "polygons" {
        let message = format!("{file} holds {}, not polygons", first.0);
        return Err(Fault::error("durbin::data::shapes_kind", message)
            .help("`shapes` takes the areas of the units; places are given by `coords`")
            .label(file, 1, 1, "its header says so"));
    }
    first.1.into_iter().map(|rings| Ok(region(rings))).collect()
}

/// Records of polygons or lines: the kind, and the parts of each record as they stand.
pub(crate) fn lines(file: &str, bytes: &[u8]) -> Result<(&'static str, Vec<Vec<Ring>>), Fault> {
    let whole = |at: usize, big: bool| -> Option<i32> {
        let raw: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if big { i32::from_be_bytes(raw) } else { i32::from_le_bytes(raw) })
    };
    if whole(0, true) != Some(9994) {
        let what = foreign_format(bytes).map_or("something else", |f| f.0);
        let message = format!("{file} is no shapefile: it is {what}");
        return Err(Fault::error("durbin::data::wrong_format", message)
            .help("a shapefile is at least a `.shp` and a `.dbf`; GeoJSON ends in `.geojson`")
            .label(file, 1, 1, "the first bytes say so"));
    }
    let kind = whole(32, false).ok_or_else(|| cut(file, 0))?;
    let kind = KINDS.iter().find(|k| k.0 == kind).map_or("shapes of no known kind", |k| k.1);
    let mut out = Vec::new();
    let mut at = 100;
    while at < bytes.len() {
        let number = out.len() + 1;
        let words = whole(at + 4, true).and_then(|w| usize::try_from(w).ok()).ok_or_else(|| cut(file, number))?;
        let length = words.checked_mul(2).ok_or_else(|| cut(file, number))?;
        let content = bytes.get(at + 8..).and_then(|rest| rest.get(..length)).ok_or_else(|| cut(file, number))?;
        out.push(parts(content).ok_or_else(|| cut(file, number))?);
        at += 8 + length;
    }
    Ok((kind, out))
}

/// The parts of one record; none of a null shape or a point.
fn parts(content: &[u8]) -> Option<Vec<Ring>> {
    let whole = |at: usize| Some(i32::from_le_bytes(content.get(at..at + 4)?.try_into().ok()?));
    let real = |at: usize| Some(f64::from_le_bytes(content.get(at..at + 8)?.try_into().ok()?));
    if !matches!(whole(0)?, 3 | 5 | 13 | 15 | 23 | 25) {
        return Some(Vec::new());
    }
    let (parts, points) = (usize::try_from(whole(36)?).ok()?, usize::try_from(whole(40)?).ok()?);
    let first = 44usize.checked_add(parts.checked_mul(4)?)?;
    content.get(first..first.checked_add(points.checked_mul(16)?)?)?;
    let mut starts = Vec::with_capacity(parts + 1);
    for k in 0..parts {
        starts.push(usize::try_from(whole(44 + 4 * k)?).ok()?);
    }
    starts.push(points);
    let mut out = Vec::with_capacity(parts);
    for pair in starts.windows(2) {
        if pair[0] > pair[1] || pair[1] > points {
            return None;
        }
        let mut ring = Vec::with_capacity(pair[1] - pair[0]);
        for p in pair[0]..pair[1] {
            let point = [real(first + 16 * p)?, real(first + 16 * p + 8)?];
            if !point.iter().all(|x| x.is_finite()) {
                return None;
            }
            ring.push(point);
        }
        out.push(ring);
    }
    Some(out)
}

/// In a shapefile outer rings run clockwise; where all of it runs the other way, the writer did not know.
fn region(rings: Vec<Ring>) -> Region {
    let mut rings: Vec<Ring> = rings.into_iter().filter_map(open_ring).collect();
    if rings.iter().map(|r| doubled_area(r)).sum::<f64>() < 0.0 {
        rings.iter_mut().for_each(|r| r.reverse());
    }
    Region { rings }
}

fn cut(file: &str, record: usize) -> Fault {
    let message = format!("{file} is damaged or cut off at its shape {record}");
    Fault::error("durbin::data::truncated", message).help("it may have been cut off on its way: get it again").label(
        file,
        record.max(1),
        1,
        "this shape is not all there",
    )
}
