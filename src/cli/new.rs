//! `durbin new DIR`: a starter project that runs.

use super::{Format, terminal};
use crate::fault::Fault;
use crate::session::Columns;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Regions lie on a grid of this width.
const WIDTH: usize = 6;
const FIRST: i64 = 2010;
const YEARS: i64 = 10;

const PROGRAM: &str = r#"## What did the program do to jobs, at home and next door?

panel regions from "data/panel.csv" {
  unit region
  time year
  let  ljobs = log(jobs)
}

weights W = row(edges("data/borders.csv"))  # who borders whom
treatment program = starts(start)           # first treated year; empty = never treated

model base = sdm_did(ljobs ~ program + wage | W)

base
save table(base) to "results/table.csv"
"#;

const README: &str = "\
The data of this project are made up. Replace `data/`, change `study.durbin`, and run it:

    durbin run study.durbin       results on the terminal, tables in results/
    durbin run study.durbin --watch   again whenever a file changes
    durbin repl study.durbin      the same, and then what you type
    durbin lock study.durbin      keep every number in study.durbin.lock, beside the program in version control
    durbin verify study.durbin    do they still come out?
";

#[derive(clap::Args, Debug)]
pub struct New {
    /// The folder, which is made; one that exists must be empty
    dir: PathBuf,
}

impl New {
    pub fn execute(&self) -> ExitCode {
        let occupied = fs::read_dir(&self.dir).is_ok_and(|mut entries| entries.next().is_some());
        if occupied || self.dir.is_file() {
            let message = format!("`{}` exists and is not empty", self.dir.display());
            return terminal::refused(
                Fault::error("durbin::io::write_failed", message).help("name another folder"),
                Format::Text,
            );
        }
        if let Err(e) = written(&self.dir) {
            let message = format!("`{}` cannot be written: {e}", self.dir.display());
            return terminal::refused(Fault::error("durbin::io::write_failed", message), Format::Text);
        }
        let program = self.dir.join("study.durbin");
        let said = format!("made {}; try `durbin run {}`\n", self.dir.display(), program.display());
        ExitCode::from(u8::from(!terminal::print(&said)))
    }
}

fn written(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder.join("data"))?;
    fs::write(folder.join("study.durbin"), PROGRAM)?;
    fs::write(folder.join("README.md"), README)?;
    fs::write(folder.join(".gitignore"), "/results/\n")?;
    fs::write(folder.join("data/panel.csv"), panel().to_csv())?;
    fs::write(folder.join("data/borders.csv"), borders().to_csv())
}

fn name(i: usize) -> String {
    format!("R{:02}", i + 1)
}

/// Neighbors on the grid.
fn neighbors(i: usize) -> Vec<usize> {
    let (row, column) = (i / WIDTH, i % WIDTH);
    let mut out = Vec::new();
    if row > 0 {
        out.push(i - WIDTH);
    }
    if row + 1 < WIDTH {
        out.push(i + WIDTH);
    }
    if column > 0 {
        out.push(i - 1);
    }
    if column + 1 < WIDTH {
        out.push(i + 1);
    }
    out
}

fn borders() -> Columns {
    let pairs: Vec<(usize, usize)> =
        (0..WIDTH * WIDTH).flat_map(|i| neighbors(i).into_iter().map(move |k| (i, k))).collect();
    Columns::new().text("from", pairs.iter().map(|p| name(p.0))).text("to", pairs.iter().map(|p| name(p.1)))
}

/// First treated year: eight regions from 2014, six from 2017.
fn start(i: usize) -> Option<i64> {
    match i % 5 {
        0 => Some(2014),
        2 if i.is_multiple_of(2) || i == 7 || i == 17 => Some(2017),
        _ => None,
    }
}

/// A reproducible number in (-1, 1), from a counter.
fn noise(k: u64) -> f64 {
    let mut z = k.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    2.0 * (((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64) - 1.0
}

/// Jobs rise by 8 % where the program runs and by 3 % per share of treated neighbors.
fn panel() -> Columns {
    let cells: Vec<(usize, i64)> = (0..WIDTH * WIDTH).flat_map(|i| (0..YEARS).map(move |t| (i, FIRST + t))).collect();
    let treated = |i: usize, year: i64| start(i).is_some_and(|s| year >= s);
    let at = |i: usize, year: i64| (i as u64) * 64 + (year - FIRST) as u64;
    let wage = |i: usize, year: i64| {
        let trend = 0.4 * (year - FIRST) as f64;
        ((20.0 + 3.0 * noise(10_000 + i as u64) + trend + noise(20_000 + at(i, year))) * 100.0).round() / 100.0
    };
    let jobs = |i: usize, year: i64| {
        let near = neighbors(i);
        let share = near.iter().filter(|&&k| treated(k, year)).count() as f64 / near.len() as f64;
        let own = if treated(i, year) { 0.08 } else { 0.0 };
        let level = 6.0 + 0.5 * noise(30_000 + i as u64) + 0.02 * (year - FIRST) as f64;
        (level + own + 0.03 * share - 0.01 * wage(i, year) + 0.03 * noise(at(i, year))).exp().round()
    };
    let start = |i: usize| start(i).map_or(String::new(), |s| s.to_string());
    Columns::new()
        .text("region", cells.iter().map(|c| name(c.0)))
        .integers("year", cells.iter().map(|c| c.1))
        .numbers("jobs", cells.iter().map(|c| jobs(c.0, c.1)))
        .numbers("wage", cells.iter().map(|c| wage(c.0, c.1)))
        .text("start", cells.iter().map(|c| start(c.0)))
}
