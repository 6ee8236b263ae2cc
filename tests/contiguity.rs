//! Contiguity of real maps beside the neighbor lists that GeoDa made of them, and matrices durbin writes beside what
//! libpysal reads. The maps are those of the reference data beside this repository; without them there is nothing to hold
//! against, and without Python nobody to read.

#![allow(clippy::unwrap_used)]

use durbin::data::shapes::{self, Parts};
use durbin::data::writing::Writing;
use durbin::loader::DiskLoader;
use durbin::session::{Program, Session};
use durbin::weights::contiguity::{Contact, LinkWeight, Surface, contiguity, usual_tolerance};
use durbin::writer::DiskWriter;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

type Links = BTreeSet<(String, String)>;

fn maps() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("shared/data/shapes");
    folder.is_dir().then_some(folder)
}

fn found(folder: &Path, shp: &str, by: &str, contact: Contact) -> Links {
    let read = |ending: &str| std::fs::read(folder.join(shp).with_extension(ending)).ok();
    let parts =
        Parts { shapes: read("shp").unwrap(), attributes: read("dbf"), projection: read("prj"), ..Parts::default() };
    let layer = shapes::read("m.shp", &parts, by, &Writing::default()).unwrap();
    let mut units: Vec<String> = layer.features.iter().map(|f| f.0.clone()).collect();
    units.sort();
    units.dedup();
    let (regions, _) = layer.of_units(&units, "p").unwrap();
    let tolerance = usual_tolerance(&regions);
    let w = contiguity(&regions, contact, 1, tolerance, Surface::Degrees, LinkWeight::One).unwrap();
    w.matrix.iter().map(|(_, (i, k))| (units[i].clone(), units[k].clone())).collect()
}

/// The links of a GAL file; `name` turns its keys into those of the map.
fn listed(path: &Path, name: &dyn Fn(&str) -> String) -> Links {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().skip(1).filter(|l| !l.trim().is_empty());
    let mut out = Links::new();
    while let Some(line) = lines.next() {
        let mut words = line.split_whitespace();
        let (unit, count) = (words.next().unwrap(), words.next().unwrap());
        if count != "0" {
            let neighbors = lines.next().unwrap().split_whitespace();
            out.extend(neighbors.map(|k| (name(unit), name(k))));
        }
    }
    out
}

#[test]
fn neighbors_on_real_maps_are_those_geoda_found() {
    let Some(folder) = maps() else { return };
    let as_they_are = |key: &str| key.to_string();
    for (shp, by, gal, contact) in [
        ("columbus/columbus", "POLYID", "columbus/columbus.gal", Contact::Queen),
        ("sids2/sids2", "FIPSNO", "sids2/sids2.gal", Contact::Rook),
        // its README says queen: it is the same list as the one of rooks
        ("stl/stl_hom", "POLY_ID_OG", "stl/stl.gal", Contact::Rook),
        ("stl/stl_hom", "POLY_ID_OG", "stl/stl_hom_rook.gal", Contact::Rook),
        ("virginia/virginia", "POLY_ID", "virginia/virginia.gal", Contact::Queen),
        ("virginia/virginia", "FIPS", "virginia/virginia_queen.gal", Contact::Queen),
        ("virginia/virginia", "POLY_ID", "virginia/virginia_rook.gal", Contact::Rook),
    ] {
        assert_eq!(found(&folder, shp, by, contact), listed(&folder.join(gal), &as_they_are), "{gal}");
    }
}

/// A column of a table, in its order.
fn column(path: &Path, at: usize) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|l| l.split(',').nth(at).unwrap().trim_matches('"').to_string()).collect()
}

#[test]
fn lists_by_number_are_those_of_the_tables_beside_them() {
    let Some(folder) = maps() else { return };
    let states = column(&folder.join("us_income/usjoin.csv"), 0);
    let name = |key: &str| states[key.parse::<usize>().unwrap()].clone();
    let gal = listed(&folder.join("us_income/states48.gal"), &name);
    assert_eq!(found(&folder, "us_income/us48", "STATE_NAME", Contact::Queen), gal);
    // Durango and Jalisco are listed as neighbors; on the map 4.8 km lie between them, where Nayarit meets Zacatecas.
    let mended = |name: &str| match name {
        "Quertaro" => "Queretaro de Arteaga".to_string(),
        "Michoacan" => "Michoacan de Ocampo".to_string(),
        "Baja California" => "Baja California Norte".to_string(),
        "Veracruz" => "Veracruz-Llave".to_string(),
        "Coahuila" => "Coahuila De Zaragoza".to_string(),
        other => other.to_string(),
    };
    let states = column(&folder.join("mexico/mexico.csv"), 0);
    let name = |key: &str| mended(&states[key.parse::<usize>().unwrap()]);
    let gal = listed(&folder.join("mexico/mexico.gal"), &name);
    let queen = found(&folder, "mexico/mexicojoin", "NAME", Contact::Queen);
    let more: Vec<&(String, String)> = gal.difference(&queen).collect();
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    assert_eq!(more, [&pair("Durango", "Jalisco"), &pair("Jalisco", "Durango")]);
    assert!(queen.is_subset(&gal));
}

#[test]
fn libpysal_reads_what_durbin_writes() {
    let python =
        |code: &str, at: &Path| Command::new("python3").args(["-W", "ignore", "-c", code]).current_dir(at).output();
    let there = |o: std::io::Result<std::process::Output>| o.is_ok_and(|o| o.status.success());
    if !there(python("import libpysal, scipy", Path::new("."))) {
        return;
    }
    let to = std::env::temp_dir().join(format!("durbin-libpysal-{}", std::process::id()));
    std::fs::create_dir_all(&to).unwrap();
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/data");
    let text = "panel towns from \"towns.csv\" { unit town  time year  join \"places.csv\" by town  coords lon, lat }\n\
                weights W = row(inverse_distance(cutoff: 200 km, islands: keep))\n\
                save W to \"w.gal\"\nsave W to \"w.gwt\"\nsave W to \"w.mtx\"\nsave W to \"w.csv\"\n";
    let files = DiskLoader::new(&home, &[]);
    let writer = DiskWriter::new(&to, &home, &to.join("p.durbin"));
    let run = Session::new(&files).writing(&writer).run(&Program::new("p.durbin", text));
    assert!(!run.failed(), "{:?}", run.diagnostics);
    let code = "\
import csv, libpysal, scipy.io\n\
links = {(r['from'], r['to']): float(r['weight']) for r in csv.DictReader(open('w.csv'))}\n\
assert links\n\
gal = libpysal.io.open('w.gal').read()\n\
assert {(a, b) for a, near in gal.neighbors.items() for b in near} == set(links)\n\
gwt = libpysal.io.open('w.gwt').read()\n\
assert {(a, b): w for a, near in gwt.neighbors.items() for b, w in zip(near, gwt.weights[a])} == links\n\
units = [l.split(' ', 2)[2].strip() for l in open('w.mtx') if l.startswith('%unit')]\n\
m = scipy.io.mmread('w.mtx').tocoo()\n\
assert {(units[i], units[k]): w for i, k, w in zip(m.row, m.col, m.data)} == links\n\
assert libpysal.io.open('w.mtx').read().n == len(units)\n";
    let read = python(code, &to).unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    std::fs::remove_dir_all(&to).unwrap();
}
