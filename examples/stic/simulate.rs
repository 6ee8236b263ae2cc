//! The corridor study's data, invented: 75 real places, and outcomes drawn from a spatial Durbin model with two-way
//! effects. No number made here says anything about a real city; README.md lists what was built in.
//!
//! A place's specialization and diversity are drawn first and its employment is then laid out over 19 industries so that
//! the indices of `std::indices` give them back, up to the rounding to whole persons.

use crate::random::Random;
use nalgebra::{DMatrix, DVector};
use std::fmt::Write;

pub const FIRST: i64 = 2006;
pub const YEARS: usize = 17;
/// The seed of the files in this folder.
pub const SEED: u64 = 2025;
/// What is the same in every draw: controls, levels of places and years, who specializes in what.
const DESIGN: u64 = 75;
/// Spillovers pass between places more than so many kilometers apart, and at most so many.
pub const RING_KM: (f64, f64) = (100.0, 250.0);
const EARTH_KM: f64 = 6371.0088;
/// The standard deviation of what is drawn anew for each place and year.
pub const SIGMA: f64 = 0.03;

/// An outcome's parameters. `direct` and `spill` are by years since joining, the last for all later years too.
pub struct Path {
    pub rho: f64,
    pub direct: [f64; 6],
    pub spill: [f64; 6],
    /// Of `lngdp`, `lnpop`, `open`, in the place itself and in its ring.
    pub controls: [f64; 3],
    pub lagged: [f64; 3],
    level: f64,
    spread: f64,
}

/// The log of the largest location quotient: a dip of three years, then a rise; in the ring a rise that fades.
pub const SPEC: Path = Path {
    rho: 0.2,
    direct: [-0.05, -0.05, -0.04, 0.10, 0.16, 0.22],
    spill: [0.30, 0.34, 0.28, 0.10, 0.04, 0.0],
    controls: [0.06, 0.05, 0.001],
    lagged: [0.03, 0.0, 0.001],
    level: 0.88,
    spread: 0.05,
};

/// The log of relative diversity: a gain from the first year on; in the ring one from the fourth.
pub const DIV: Path = Path {
    rho: 0.2,
    direct: [0.05, 0.07, 0.08, 0.09, 0.10, 0.10],
    spill: [0.0, 0.0, 0.0, 0.12, 0.20, 0.34],
    controls: [0.05, 0.05, 0.001],
    lagged: [0.02, 0.0, 0.0],
    level: 0.57,
    spread: 0.03,
};

/// Classes of industries with the industries that may lead, and how strongly the class responds.
const CLASSES: [(&[usize], f64); 3] = [(&[2, 8, 9, 12], 1.6), (&[1, 3, 6, 10, 13], 1.0), (&[0, 4, 5, 7, 14], 0.2)];
/// The industries of no class: they take up the diversity that the leading ones leave.
const OTHERS: [usize; 5] = [11, 15, 16, 17, 18];
/// Industries' weights in the nation: the other five hold two fifths.
const NATION: [f64; 19] =
    [3.4, 3.2, 3.9, 3.0, 3.6, 3.6, 3.5, 3.3, 3.3, 3.5, 3.4, 6.0, 3.2, 3.0, 3.0, 8.0, 7.0, 5.0, 7.5];
const NATION_PERSONS: f64 = 4e8;

/// A place of cities.csv.
pub struct City {
    pub name: String,
    lon: f64,
    lat: f64,
    pub start: Option<i64>,
}

/// The places, their weights, and all that no draw changes.
pub struct Study {
    pub cities: Vec<City>,
    /// Row-standardized over the ring.
    pub w: DMatrix<f64>,
    /// GDP per head, persons in tens of thousands, trade in percent of GDP, by year and place.
    gdp: Vec<Vec<f64>>,
    population: Vec<Vec<f64>>,
    open: Vec<Vec<f64>>,
}

/// A draw as the files it is written to.
pub struct Files {
    pub panel: String,
    pub employment: String,
    pub nation: String,
}

fn kilometers(a: &City, b: &City) -> f64 {
    let (p, q) = (a.lat.to_radians(), b.lat.to_radians());
    let h = ((p - q) / 2.0).sin().powi(2) + p.cos() * q.cos() * ((a.lon - b.lon).to_radians() / 2.0).sin().powi(2);
    2.0 * EARTH_KM * h.sqrt().asin()
}

fn decimals(x: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (x * scale).round() / scale
}

impl Study {
    /// From the text of cities.csv.
    pub fn new(text: &str) -> Study {
        let cities: Vec<City> = text.lines().skip(1).map(city).collect();
        let n = cities.len();
        let near = |i: usize, k: usize| {
            let d = kilometers(&cities[i], &cities[k]);
            i != k && RING_KM.0 < d && d <= RING_KM.1
        };
        let mut w = DMatrix::from_fn(n, n, |i, k| f64::from(u8::from(near(i, k))));
        for mut row in w.row_iter_mut() {
            let sum = row.sum();
            assert!(sum > 0.0, "a place has no other in its ring");
            row /= sum;
        }
        let mut study = Study { cities, w, gdp: Vec::new(), population: Vec::new(), open: Vec::new() };
        study.draw_controls();
        study
    }

    fn draw_controls(&mut self) {
        let n = self.cities.len();
        let [level, slope, size, trade] = [1, 2, 3, 4].map(|stream| Random::new(DESIGN, stream).normals(n));
        let mut shocks = Random::new(DESIGN, 5);
        for t in 0..YEARS {
            let year = t as f64;
            let mut at = |mean: f64, sd: f64| mean + sd * shocks.normal();
            let gdp = (0..n).map(|i| at(10.3 + 0.4 * level[i] + (0.07 + 0.008 * slope[i]) * year, 0.08).exp().round());
            self.gdp.push(gdp.collect());
            let people = (0..n).map(|i| decimals(at(6.0 + 0.5 * size[i] + 0.008 * year, 0.03).exp(), 2));
            self.population.push(people.collect());
            let open = (0..n).map(|i| decimals(at(3.2 + 0.5 * trade[i] - 0.01 * year, 0.12).exp(), 2));
            self.open.push(open.collect());
        }
    }

    /// The controls of a year, as the program takes them.
    pub fn controls(&self, t: usize) -> [DVector<f64>; 3] {
        let of = |values: &[f64], f: fn(f64) -> f64| DVector::from_iterator(values.len(), values.iter().map(|v| f(*v)));
        [of(&self.gdp[t], f64::ln), of(&self.population[t], f64::ln), of(&self.open[t], |v| v)]
    }

    /// Years since a place joined; `None` before, and where it never does.
    pub fn since(&self, i: usize, t: usize) -> Option<usize> {
        self.cities[i].start.and_then(|start| usize::try_from(FIRST + t as i64 - start).ok())
    }

    /// What each place has of a path in a year.
    pub fn along(&self, path: &[f64; 6], t: usize) -> DVector<f64> {
        DVector::from_fn(self.cities.len(), |i, _| self.since(i, t).map_or(0.0, |e| path[e.min(5)]))
    }

    /// `(I - rho W)^-1`, explicitly.
    pub fn multiplier(&self, rho: f64) -> DMatrix<f64> {
        let n = self.cities.len();
        (DMatrix::identity(n, n) - &self.w * rho).try_inverse().unwrap_or_else(|| panic!("rho {rho} is not admissible"))
    }

    /// The part of an outcome that treatment and controls bring, before it is passed on in space.
    pub fn systematic(&self, path: &Path, t: usize) -> DVector<f64> {
        let mut own = self.along(&path.direct, t);
        let mut given = self.along(&path.spill, t);
        for (k, x) in self.controls(t).iter().enumerate() {
            let x = x.add_scalar([-10.85, -6.0, -27.0][k]);
            own += &x * path.controls[k];
            given += &x * path.lagged[k];
        }
        own + &self.w * given
    }

    /// An outcome over all years: levels of places and years, the systematic part, and noise of its own stream.
    fn outcome(&self, path: &Path, seed: u64, stream: u64) -> Vec<DVector<f64>> {
        let n = self.cities.len();
        let level = Random::new(DESIGN, 10 + stream).normals(n);
        let mut common = Random::new(DESIGN, 20 + stream);
        let mut noise = Random::new(seed, 30 + stream);
        let inverse = self.multiplier(path.rho);
        let year = |t: usize| {
            let shared = (1.0 - path.rho) * path.level + 0.01 * common.normal();
            let drawn = DVector::from_fn(n, |i, _| shared + path.spread * level[i] + SIGMA * noise.normal());
            &inverse * (drawn + self.systematic(path, t))
        };
        (0..YEARS).map(year).collect()
    }

    /// One draw. Equal seeds give equal files.
    pub fn draw(&self, seed: u64) -> Files {
        let (spec, div) = (self.outcome(&SPEC, seed, 0), self.outcome(&DIV, seed, 1));
        let mut files = Files {
            panel: "city,year,gdp,population,open,research\n".into(),
            employment: "city,year,industry,employed\n".into(),
            nation: "year,industry,employed\n".into(),
        };
        let nations: Vec<Vec<f64>> = (0..YEARS).map(nation).collect();
        for (t, persons) in nations.iter().enumerate() {
            for (j, p) in persons.iter().enumerate() {
                let _ = writeln!(files.nation, "{},{},{p}", FIRST + t as i64, letter(j));
            }
        }
        let research = self.research(seed);
        for (i, city) in self.cities.iter().enumerate() {
            let mut plan = Profile::of(i, city.start.is_some(), seed);
            for t in 0..YEARS {
                let (name, year) = (&city.name, FIRST + t as i64);
                let (gdp, population, open) = (self.gdp[t][i], self.population[t][i], self.open[t][i]);
                let _ = writeln!(files.panel, "{name},{year},{gdp},{population},{open},{}", research[t][i]);
                let effect = self.along(&SPEC.direct, t)[i] + (&self.w * self.along(&SPEC.spill, t))[i];
                let grown = 0.11 * (gdp.ln() - 10.85);
                let shares = plan.shares(&nations[t], spec[t][i], div[t][i], (effect, grown));
                for (j, share) in shares.iter().enumerate() {
                    let persons = (share * 4_000.0 * population).round();
                    let _ = writeln!(files.employment, "{name},{year},{},{persons}", letter(j));
                }
            }
        }
        files
    }

    /// Spending on research in percent of GDP: it rises by 0.3 when a place joins, and does not enter the outcomes.
    fn research(&self, seed: u64) -> Vec<Vec<f64>> {
        let level = Random::new(DESIGN, 6).normals(self.cities.len());
        let mut noise = Random::new(seed, 40);
        let mut at = |i: usize, t: usize| {
            let joined = if self.since(i, t).is_some() { 0.3 } else { 0.0 };
            decimals(1.6 + 0.3 * level[i] + 0.05 * t as f64 + joined + 0.15 * noise.normal(), 3).max(0.05)
        };
        (0..YEARS).map(|t| (0..self.cities.len()).map(|i| at(i, t)).collect()).collect()
    }
}

fn city(line: &str) -> City {
    let cells: Vec<&str> = line.split(',').collect();
    let number = |k: usize| cells[k].parse().unwrap_or_else(|_| panic!("cities.csv: {line}"));
    City { name: cells[0].into(), lon: number(2), lat: number(3), start: cells[5].parse().ok() }
}

fn letter(j: usize) -> char {
    (b'A' + j as u8) as char
}

/// The nation's employment by industry: services gain slowly.
fn nation(t: usize) -> Vec<f64> {
    let grown = |j: usize| NATION[j] * (0.004 * (j as f64 - 9.0) / 9.0 * t as f64).exp();
    let total: f64 = (0..19).map(grown).sum();
    (0..19).map(|j| (NATION_PERSONS * grown(j) / total).round()).collect()
}

/// How a place lays out its employment: its leading industry of each class, which class leads, and what bends the rest.
struct Profile {
    leading: [usize; 3],
    first: usize,
    bend: Vec<f64>,
    class_level: [f64; 3],
    noise: Random,
}

impl Profile {
    fn of(i: usize, joins: bool, seed: u64) -> Profile {
        let mut draw = Random::new(DESIGN, 100 + i as u64);
        let leading = CLASSES.map(|(all, _)| all[(draw.uniform() * all.len() as f64) as usize]);
        let first = (draw.uniform() * if joins { 2.0 } else { 3.0 }) as usize;
        let bend = (0..19).map(|_| 0.85 + 0.3 * draw.uniform()).collect();
        let class_level = [0, 1, 2].map(|_| 0.28 + 0.04 * draw.normal());
        Profile { leading, first, bend, class_level, noise: Random::new(seed, 1000 + i as u64) }
    }

    /// Shares whose largest quotient to the nation's is `exp(spec)` and whose absolute differences from them add up to
    /// `exp(-div)`. The first class leads; the other two follow paths of their own below it.
    fn shares(&mut self, nation: &[f64], spec: f64, div: f64, (effect, grown): (f64, f64)) -> Vec<f64> {
        let total: f64 = nation.iter().sum();
        let s: Vec<f64> = nation.iter().map(|p| p / total).collect();
        let mut shares = s.clone();
        let mut above = 0.0;
        for c in 0..3 {
            let own = self.class_level[c] + CLASSES[c].1 * effect + grown + 0.04 * self.noise.normal();
            let log = if c == self.first { spec } else { own.clamp(0.05, spec - 0.02) };
            let j = self.leading[c];
            shares[j] = s[j] * log.exp();
            above += shares[j] - s[j];
        }
        let half = (-div).exp() / 2.0;
        let left: Vec<usize> = (0..19).filter(|j| !OTHERS.contains(j) && !self.leading.contains(j)).collect();
        self.shift(&mut shares, &s, &OTHERS, half - above);
        self.shift(&mut shares, &s, &left, -half);
        let largest = OTHERS.iter().map(|j| shares[*j] / s[*j]).fold(0.0, f64::max);
        let fits = half > above && largest < spec.exp() && shares.iter().all(|x| *x > 0.0);
        assert!(fits, "no employment has specialization {spec} and diversity {div}");
        shares
    }

    /// Spreads `amount` over industries in proportion to their size and the place's bend.
    fn shift(&self, shares: &mut [f64], s: &[f64], among: &[usize], amount: f64) {
        let weight: f64 = among.iter().map(|j| s[*j] * self.bend[*j]).sum();
        for j in among {
            shares[*j] += amount * s[*j] * self.bend[*j] / weight;
        }
    }
}
