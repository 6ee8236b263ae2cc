//! Weights of a million points and of a hundred thousand polygons, beside libpysal on the same data in the same run.
//!
//! `cargo bench --bench weights` makes both in memory, builds `band(0, 20 km)`, `knn(10)` and queen and rook contiguity,
//! and where Python with libpysal and shapely is there, writes the data into the system's folder for temporary files and
//! has `benches/weights.py` build the same: its links must be as many. `-- 0.1` takes a tenth of the points and polygons.
//! Targets: 6 s and 3 GB for the points, 10 s for the polygons.

#![allow(clippy::unwrap_used)]

use durbin::data::shapes::Region;
use durbin::weights::Weights;
use durbin::weights::contiguity::{Contact, LinkWeight, Surface, contiguity, usual_tolerance};
use durbin::weights::geometry::{Coordinates, band, knn};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Corners on each side of a polygon.
const SIDE: usize = 10;

/// A number between 0 and 1 by its place.
fn uniform(k: u64) -> f64 {
    let mut z = k.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z >> 11) as f64 / (1u64 << 53) as f64
}

/// Points spread evenly over a sixth of the earth: about fifteen within 20 km of each where there are a million.
fn points(n: usize) -> Vec<[f64; 2]> {
    let point = |k: u64| [-60.0 + 120.0 * uniform(2 * k + 1), (uniform(2 * k + 2) - 0.5).asin().to_degrees()];
    (0..n as u64).map(point).collect()
}

/// Squares with crooked sides: neighbors share every corner to the last bit.
fn polygons(n: usize) -> Vec<Region> {
    let across = (n as f64).sqrt().floor() as usize;
    let corner = |i: usize, j: usize| {
        let k = (i * (across * SIDE + 1) + j) as u64;
        let step = 0.1 / SIDE as f64;
        [step * (i as f64 + 0.3 * uniform(2 * k + 1)), step * (j as f64 + 0.3 * uniform(2 * k + 2))]
    };
    let square = |x: usize, y: usize| {
        let (i, j) = (x * SIDE, y * SIDE);
        let bottom = (0..SIDE).map(|s| corner(i + s, j));
        let right = (0..SIDE).map(|s| corner(i + SIDE, j + s));
        let top = (0..SIDE).map(|s| corner(i + SIDE - s, j + SIDE));
        let left = (0..SIDE).map(|s| corner(i, j + SIDE - s));
        Region { rings: vec![bottom.chain(right).chain(top).chain(left).collect()] }
    };
    (0..across).flat_map(|x| (0..across).map(move |y| (x, y))).map(|(x, y)| square(x, y)).collect()
}

/// The most memory the process has held, in MB.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(f64::NAN) / 1024.0
}

fn timed(name: &str, target: f64, build: impl FnOnce() -> Weights) {
    let clock = Instant::now();
    let weights = build();
    let seconds = clock.elapsed().as_secs_f64();
    println!("| {name} | durbin | {} | {seconds:.2} | {target} | {:.0} |", weights.matrix.nnz(), peak());
}

/// What the script reads: places as text, polygons as the corners of one after the other.
fn write(folder: &Path, points: &[[f64; 2]], polygons: &[Region]) {
    let mut text = String::new();
    points.iter().for_each(|[x, y]| writeln!(text, "{x} {y}").unwrap());
    fs::write(folder.join("points.txt"), &text).unwrap();
    text.clear();
    for [x, y] in polygons.iter().flat_map(|p| &p.rings[0]) {
        writeln!(text, "{x} {y}").unwrap();
    }
    fs::write(folder.join("polygons.txt"), text).unwrap();
}

fn main() {
    let share = std::env::args().skip(1).find_map(|a| a.parse::<f64>().ok()).unwrap_or(1.0);
    let (places, polygons) = (points((1e6 * share) as usize), polygons((1e5 * share) as usize));
    let at = Coordinates::Degrees(places.clone());
    println!("{} points, {} polygons of {} corners", places.len(), polygons.len(), 4 * SIDE);
    timed("band(0, 20 km)", 6.0, || band(&at, 0.0, 20.0).unwrap());
    timed("knn(10)", 6.0, || knn(&at, 10).unwrap().0);
    let tolerance = usual_tolerance(&polygons);
    for contact in [Contact::Queen, Contact::Rook] {
        timed(&format!("contiguity({})", contact.word()), 10.0, || {
            contiguity(&polygons, contact, 1, tolerance, Surface::Degrees, LinkWeight::One).unwrap()
        });
    }
    let folder = std::env::temp_dir().join(format!("durbin-weights-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    write(&folder, &places, &polygons);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/weights.py");
    match Command::new("python3").arg(script).arg(&folder).arg((4 * SIDE).to_string()).status() {
        Ok(status) if status.success() => {}
        _ => println!("libpysal was not measured: it takes python3 with libpysal, shapely and scipy"),
    }
    fs::remove_dir_all(&folder).unwrap();
}
