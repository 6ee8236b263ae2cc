//! Records of firms added up to city × industry × year while their file is read.
//!
//! `cargo bench --bench firms` writes a file of 2 GB (`-- 0.5` for half of one) into the system's folder for temporary
//! files, adds it up on all processors and on one, and removes it. Target: 200 MB/s in memory that does not grow with
//! the file.

#![allow(clippy::unwrap_used)]

use durbin::loader::DiskLoader;
use durbin::session::{Program, Session};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

const CITIES: u64 = 300;
const YEARS: u64 = 15;
const INDUSTRIES: u64 = 90;

const PLAIN: &str = "data jobs from \"firms.csv\" { keys city, industry, year  sum employed, sales  count firms }\n\
                     sum(jobs.sales over [city, industry, year])\n";
const CHOSEN: &str = "data jobs from \"firms.csv\" {\n  keys city, industry, year\n  where employed > 4\n  \
                      let per_head = sales / employed\n  sum employed, per_head\n  count firms\n}\n\
                      sum(jobs.per_head over [city, industry, year])\n";

/// Random numbers by their place.
fn mixed(k: u64) -> u64 {
    let mut z = k.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn write(path: &Path, bytes: u64) -> u64 {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let (mut written, mut line, mut k) =
        (0, String::from("firm,name,city,industry,year,employed,wages,sales,opened\n"), 0);
    while written < bytes {
        for _ in 0..1000 {
            k += 1;
            let z = mixed(k);
            let (city, industry, year) = (z % CITIES, (z >> 12) % INDUSTRIES, 2001 + (z >> 24) % YEARS);
            let employed = 1 + (z >> 32) % 300;
            let (wages, sales) = (employed * (20 + (z >> 44) % 30), (z >> 40) as f64 / 128.0);
            let (id, opened) = (z % 10_000_000, 1960 + (z >> 52) % 50);
            writeln!(
                line,
                "{id},Firm {id} Ltd,City {city:03},I{industry:02},{year},{employed},{wages},{sales:.2},{opened}-04-01"
            )
            .unwrap();
        }
        file.write_all(line.as_bytes()).unwrap();
        written += line.len() as u64;
        line.clear();
    }
    file.flush().unwrap();
    k
}

/// The most memory the process has held, in MB.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(f64::NAN) / 1024.0
}

fn main() {
    let size = std::env::args().skip(1).find_map(|a| a.parse::<f64>().ok()).unwrap_or(2.0);
    let folder = std::env::temp_dir().join(format!("durbin-firms-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("firms.csv");
    let rows = write(&path, (size * 1e9) as u64);
    let megabytes = fs::metadata(&path).unwrap().len() as f64 / 1e6;
    println!("firms.csv: {rows} records, {megabytes:.0} MB");
    let files = DiskLoader::new(&folder, &[]);
    let all = std::thread::available_parallelism().map_or(1, |n| n.get());
    for (name, program) in [("plain", PLAIN), ("with `where` and `let`", CHOSEN)] {
        for threads in [all, 1] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let clock = Instant::now();
            let run = pool.install(|| Session::new(&files).run(&Program::new("firms.durbin", program)));
            let seconds = clock.elapsed().as_secs_f64();
            assert!(!run.failed(), "{:?}", run.diagnostics);
            let value = &run.document()["results"][0]["value"];
            println!("| {name} | {threads} | {seconds:.2} | {:.0} | {:.0} | {value} |", megabytes / seconds, peak());
        }
    }
    fs::remove_dir_all(&folder).unwrap();
}
