//! A cube of 4.8 million cells (300 cities, 20 years, 800 industries) from a file to an index of each city and year.
//!
//! `cargo bench --bench cube` writes the file into the system's folder for temporary files, runs the program on one
//! thread and removes it. The target is 3 seconds and 1 GB, both of the whole process, reading included.

#![allow(clippy::unwrap_used)]

use cpu_time::ProcessTime;
use durbin::loader::DiskLoader;
use durbin::session::{Program, Session};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

const CITIES: usize = 300;
const YEARS: usize = 20;
const INDUSTRIES: usize = 800;

const DATA: &str = "data jobs from \"jobs.csv\" { keys city, year, industry  value employed }\n";
const PANEL: &str = "panel cities from \"cities.csv\" {\n  unit city\n  time year\n  let spec = INDEX\n}\nmean(cities.spec over [unit, time])\n";

/// One after the other, so that peak memory is not above what this and earlier ones need.
const INDICES: &[&str] = &[
    "herfindahl(jobs.employed, industry)",
    "log(relative_specialization(jobs.employed, industry))",
    "log(relative_diversity(jobs.employed, industry))",
    "gini(jobs.employed, industry)",
];

/// A skewed count of jobs, one cell in eight empty of them.
fn jobs(i: usize, t: usize, j: usize) -> u64 {
    let mut z = (((i * YEARS + t) * INDUSTRIES + j) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z ^= z >> 27;
    if z.is_multiple_of(8) { 0 } else { (z >> 40) / (1 + (z >> 8) % 977) }
}

fn write(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let mut file = BufWriter::new(File::create(folder.join("jobs.csv")).unwrap());
    writeln!(file, "city,year,industry,employed").unwrap();
    let mut line = String::new();
    for i in 0..CITIES {
        for t in 0..YEARS {
            line.clear();
            for j in 0..INDUSTRIES {
                writeln!(line, "c{i:03},{},i{j:03},{}", 2001 + t, jobs(i, t, j)).unwrap();
            }
            file.write_all(line.as_bytes()).unwrap();
        }
    }
    file.flush().unwrap();
    let rows = (0..CITIES).flat_map(|i| (0..YEARS).map(move |t| format!("c{i:03},{}\n", 2001 + t)));
    fs::write(folder.join("cities.csv"), format!("city,year\n{}", rows.collect::<String>())).unwrap();
}

/// The most memory the process has held, in MB.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(f64::NAN) / 1024.0
}

fn main() {
    let folder = std::env::temp_dir().join(format!("durbin-cube-{}", std::process::id()));
    write(&folder);
    let size = fs::metadata(folder.join("jobs.csv")).unwrap().len() as f64 / 1e6;
    println!("jobs.csv: {} rows, {size:.0} MB", CITIES * YEARS * INDUSTRIES);
    let files = DiskLoader::new(&folder, &[]);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for index in INDICES {
        let program = format!("use std::indices\n{DATA}{}", PANEL.replace("INDEX", index));
        let (clock, processor) = (Instant::now(), ProcessTime::now());
        let run = pool.install(|| Session::new(&files).run(&Program::new("cube.durbin", &program)));
        let seconds = (clock.elapsed().as_secs_f64(), processor.elapsed().as_secs_f64());
        assert!(!run.failed(), "{:?}", run.diagnostics);
        let mean = &run.document()["results"][0];
        println!("| `{index}` | {:.2} | {:.2} | {:.0} | {} |", seconds.1, seconds.0, peak(), mean["value"]);
    }
    fs::remove_dir_all(&folder).unwrap();
}
