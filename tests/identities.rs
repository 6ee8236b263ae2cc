//! The indices of `std::indices` over random employment: each against its formula written out in loops, and the
//! identities that hold between them (methods A.1 to A.6).

#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // each test draws what it needs
#[path = "support/random.rs"]
mod random;

use durbin::loader::MemoryLoader;
use durbin::session::{Program, Session};
use random::Random;
use serde_json::Value;
use std::collections::BTreeMap;

/// Employment of cities by year and industry: `cells[t][i][j]`.
#[derive(Clone)]
struct Jobs {
    cells: Vec<Vec<Vec<f64>>>,
}

/// A table of a city's or an industry's values, by year and number: `values[t][i]`; NaN where missing.
type Values = Vec<Vec<f64>>;

const FIRST_YEAR: usize = 2001;

impl Jobs {
    /// Skewed, with a fifth of the cells zero; every city and every industry has something in each year.
    fn draw(seed: u64) -> Jobs {
        let mut random = Random::new(seed, 3);
        let mut size = |lo: usize, hi: usize| lo + (random.uniform() * (hi - lo + 1) as f64) as usize;
        let (cities, industries, years) = (size(2, 9), size(2, 12), size(1, 3));
        let mut cell = |i: usize, j: usize| {
            let (u, z) = (random.uniform(), random.normal());
            if u < 0.2 && !(i + j).is_multiple_of(industries.min(cities)) {
                0.0
            } else {
                (100.0 * z.exp()).round() + 1.0
            }
        };
        let mut year = || (0..cities).map(|i| (0..industries).map(|j| cell(i, j)).collect()).collect();
        Jobs { cells: (0..years).map(|_| year()).collect() }
    }

    fn map(&self, f: impl Fn(usize, usize, usize, f64) -> f64) -> Jobs {
        let mut out = self.clone();
        for (t, year) in out.cells.iter_mut().enumerate() {
            for (i, city) in year.iter_mut().enumerate() {
                for (j, x) in city.iter_mut().enumerate() {
                    *x = f(t, i, j, *x);
                }
            }
        }
        out
    }

    fn industries(&self) -> usize {
        self.cells[0][0].len()
    }

    fn cities(&self) -> usize {
        self.cells[0].len()
    }

    /// The printed arrays of expressions over `jobs.employed` and `industry`, by year and city or by year and industry.
    fn evaluate(&self, expressions: &[&str]) -> Vec<Values> {
        let mut jobs = "city,year,industry,employed\n".to_string();
        let mut keys = "city,year\n".to_string();
        for (t, year) in self.cells.iter().enumerate() {
            for (i, city) in year.iter().enumerate() {
                keys.push_str(&format!("c{i:02},{}\n", FIRST_YEAR + t));
                for (j, x) in city.iter().enumerate() {
                    jobs.push_str(&format!("c{i:02},{},j{j:02},{x}\n", FIRST_YEAR + t));
                }
            }
        }
        let mut files = MemoryLoader::default();
        files.files.insert("jobs.csv".into(), jobs.into_bytes());
        files.files.insert("keys.csv".into(), keys.into_bytes());
        let mut program = "use std::indices\ndata jobs from \"jobs.csv\" { keys city, year, industry }\n\
            panel cities from \"keys.csv\" { unit city  time year }\n"
            .to_string();
        for e in expressions {
            let e = e.replace('E', "jobs.employed").replace('J', "industry");
            program.push_str(&format!("{e}\n"));
        }
        let run = Session::new(&files).run(&Program::new("p.durbin", &program));
        assert!(!run.failed(), "{:?}\n{program}", run.diagnostics);
        let document = run.document();
        let results = document["results"].as_array().unwrap();
        assert_eq!(results.len(), expressions.len());
        results.iter().map(|r| by_year(r, self.cells.len())).collect()
    }
}

/// A printed array over years and one other dimension.
fn by_year(result: &Value, years: usize) -> Values {
    let labels = |d: usize| -> Vec<&str> {
        result["labels"][d].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect()
    };
    let dims = result["dimensions"].as_array().unwrap();
    assert_eq!(dims.len(), 2, "{}", result["source"]);
    let time = usize::from(dims[1] == "year");
    let others = labels(1 - time);
    let mut out = vec![vec![f64::NAN; others.len()]; years];
    let values = result["values"].as_array().unwrap();
    for (a, first) in labels(0).iter().enumerate() {
        for (b, second) in labels(1).iter().enumerate() {
            let (year, other) = if time == 0 { (first, second) } else { (second, first) };
            let number = |label: &str| label[1..].parse::<usize>().unwrap();
            let t = year.parse::<usize>().unwrap() - FIRST_YEAR;
            out[t][number(other)] = values[a * labels(1).len() + b].as_f64().unwrap_or(f64::NAN);
        }
    }
    out
}

/// One year as the formulas have it: shares `s[i][j]` of cities, `r[j]` of the reference.
struct Year<'a> {
    e: &'a [Vec<f64>],
    s: Vec<Vec<f64>>,
    r: Vec<f64>,
}

impl Year<'_> {
    fn of(e: &[Vec<f64>]) -> Year<'_> {
        let total: f64 = e.iter().flatten().sum();
        let s = e.iter().map(|c| c.iter().map(|x| x / c.iter().sum::<f64>()).collect()).collect();
        let r = (0..e[0].len()).map(|j| e.iter().map(|c| c[j]).sum::<f64>() / total).collect();
        Year { e, s, r }
    }

    fn sum(&self, i: usize, f: impl Fn(f64, f64) -> f64) -> f64 {
        (0..self.r.len()).map(|j| f(self.s[i][j], self.r[j])).sum()
    }

    fn max(&self, i: usize, f: impl Fn(f64, f64) -> f64) -> f64 {
        (0..self.r.len()).map(|j| f(self.s[i][j], self.r[j])).fold(0.0, f64::max)
    }

    fn entropy(&self, i: usize) -> f64 {
        -self.sum(i, |s, _| if s > 0.0 { s * s.ln() } else { 0.0 })
    }

    /// ½ ΣΣ r_j r_k |LQ_j − LQ_k| (methods A.2).
    fn gini(s: &[f64], r: &[f64]) -> f64 {
        let pair = |j: usize, k: usize| r[j] * r[k] * (s[j] / r[j] - s[k] / r[k]).abs();
        (0..r.len()).map(|j| (0..r.len()).map(|k| pair(j, k)).sum::<f64>()).sum::<f64>() / 2.0
    }

    /// The distribution of an industry over cities, and that of all jobs.
    fn places(&self, j: usize) -> (Vec<f64>, Vec<f64>) {
        let of: f64 = self.e.iter().map(|c| c[j]).sum();
        let all: f64 = self.e.iter().flatten().sum();
        (self.e.iter().map(|c| c[j] / of).collect(), self.e.iter().map(|c| c.iter().sum::<f64>() / all).collect())
    }
}

/// Both within 1e-12, relative to their size above one.
#[track_caller]
fn near(a: f64, b: f64, what: &str) {
    assert!((a - b).abs() <= 1e-12 * a.abs().max(1.0), "{what}: {a} and {b}");
}

const SEEDS: std::ops::Range<u64> = 1..26;

const BY_CITY: &[&str] = &[
    "specialization(E, J)",
    "relative_specialization(E, J)",
    "diversity(E, J)",
    "relative_diversity(E, J)",
    "herfindahl(E, J)",
    "normalized_herfindahl(E, J)",
    "krugman(E, J)",
    "specialization_coefficient(E, J)",
    "shannon(E, J)",
    "evenness(E, J)",
    "theil(E, J)",
    "absolute_theil(E, J)",
    "hachman(E, J)",
    "gini(E, J)",
    "top_share(E, J, 2)",
    "krugman(E, J, reference: of_unit(E, \"c00\"))",
];

fn by_name(jobs: &Jobs, expressions: &[&'static str]) -> BTreeMap<&'static str, Values> {
    let name = |e: &&'static str| e.split("(E").next().unwrap_or(e);
    expressions.iter().map(name).zip(jobs.evaluate(expressions)).collect()
}

#[test]
fn every_index_is_its_formula() {
    for seed in SEEDS {
        let jobs = Jobs::draw(seed);
        let found = jobs.evaluate(BY_CITY);
        let n = jobs.industries() as f64;
        for (t, year) in jobs.cells.iter().enumerate() {
            let y = Year::of(year);
            for i in 0..jobs.cities() {
                let (herfindahl, krugman) = (y.sum(i, |s, _| s * s), y.sum(i, |s, r| (s - r).abs()));
                let mut sorted = y.s[i].clone();
                sorted.sort_by(|a, b| b.total_cmp(a));
                let want = [
                    y.max(i, |s, _| s),
                    y.max(i, |s, r| s / r),
                    1.0 / herfindahl,
                    1.0 / krugman,
                    herfindahl,
                    (herfindahl - 1.0 / n) / (1.0 - 1.0 / n),
                    krugman,
                    krugman / 2.0,
                    y.entropy(i),
                    y.entropy(i) / n.ln(),
                    y.sum(i, |s, r| if s > 0.0 { s * (s / r).ln() } else { 0.0 }),
                    n.ln() - y.entropy(i),
                    1.0 / y.sum(i, |s, r| s * s / r),
                    Year::gini(&y.s[i], &y.r),
                    sorted[..2].iter().sum(),
                    (0..jobs.industries()).map(|j| (y.s[i][j] - y.s[0][j]).abs()).sum(),
                ];
                for ((values, want), name) in found.iter().zip(want).zip(BY_CITY) {
                    near(values[t][i], want, &format!("{name}, seed {seed}, city {i}, year {t}"));
                }
            }
        }
    }
}

#[test]
fn indices_of_industries_are_their_formulas_and_hoover_is_not_above_gini() {
    for seed in SEEDS {
        let jobs = Jobs::draw(seed);
        let found = jobs.evaluate(&["locational_gini(E, J)", "hoover(E, J)", "raw_concentration(E, J)"]);
        for (t, year) in jobs.cells.iter().enumerate() {
            let y = Year::of(year);
            for j in 0..jobs.industries() {
                let (of, all) = y.places(j);
                let gap = |f: &dyn Fn(f64) -> f64| of.iter().zip(&all).map(|(a, b)| f(a - b)).sum::<f64>();
                near(found[0][t][j], Year::gini(&of, &all), "locational Gini");
                near(found[1][t][j], gap(&f64::abs) / 2.0, "Hoover");
                let squares: f64 = all.iter().map(|x| x * x).sum();
                near(found[2][t][j], gap(&|d| d * d) / (1.0 - squares), "raw concentration");
                assert!(found[1][t][j] <= found[0][t][j] + 1e-12);
            }
        }
    }
}

#[test]
fn indices_stand_in_their_identities() {
    for seed in SEEDS {
        let jobs = Jobs::draw(seed);
        let v = by_name(&jobs, &BY_CITY[..15]);
        let n = jobs.industries() as f64;
        for (t, year) in jobs.cells.iter().enumerate() {
            let y = Year::of(year);
            for i in 0..jobs.cities() {
                let of = |name: &str| v[name][t][i];
                near(of("krugman") * of("relative_diversity"), 1.0, "KSI RDI = 1");
                near(of("diversity") * of("herfindahl"), 1.0, "DI HHI = 1");
                near(of("specialization_coefficient"), of("krugman") / 2.0, "SPEC = KSI / 2");
                near(of("absolute_theil"), n.ln() - of("shannon"), "THEIL0 = ln J - SHN");
                near(of("evenness") * n.ln(), of("shannon"), "EVN ln J = SHN");
                let chi2 = y.sum(i, |s, r| (s - r).powi(2) / r);
                near(of("hachman"), 1.0 / (1.0 + chi2), "HACH = 1 / (1 + chi2)");
                let (zi, hhi) = (of("specialization"), of("herfindahl"));
                assert!(zi <= hhi.sqrt() + 1e-15 && hhi <= zi + 1e-15, "ZI {zi}, HHI {hhi}");
                // The ranges of the table in A.1.
                assert!(zi > 1.0 / n - 1e-15 && zi <= 1.0 && of("relative_specialization") >= 1.0 - 1e-12);
                assert!((1.0 - 1e-12..=n + 1e-12).contains(&of("diversity")) && of("relative_diversity") > 0.5);
                assert!((0.0..2.0).contains(&of("krugman")) && (0.0..1.0).contains(&of("gini")));
                assert!((-1e-15..=n.ln() + 1e-12).contains(&of("shannon")) && of("theil") >= -1e-12);
                assert!(of("hachman") > 0.0 && of("hachman") <= 1.0 + 1e-12);
                assert!((-1e-12..=1.0 + 1e-12).contains(&of("normalized_herfindahl")));
                assert!(of("specialization_coefficient") <= of("gini") + 1e-12, "the Lorenz curve's largest gap");
            }
        }
    }
}

#[test]
fn scale_and_the_order_of_industries_change_nothing() {
    for seed in SEEDS.step_by(3) {
        let jobs = Jobs::draw(seed);
        let plain = jobs.evaluate(BY_CITY);
        let scaled = jobs.map(|_, _, _, x| 0.125 * x).evaluate(BY_CITY);
        let of_a_city = jobs.map(|_, i, _, x| if i == 1 { 3.0 * x } else { x }).evaluate(&BY_CITY[..1]);
        let n = jobs.industries();
        let turned = jobs.map(|t, i, j, _| jobs.cells[t][i][(j + 1) % n]).evaluate(BY_CITY);
        for t in 0..jobs.cells.len() {
            for i in 0..jobs.cities() {
                near(of_a_city[0][t][i], plain[0][t][i], "an absolute index of a city thrice as large");
                for k in 0..BY_CITY.len() {
                    near(scaled[k][t][i], plain[k][t][i], BY_CITY[k]);
                    near(turned[k][t][i], plain[k][t][i], BY_CITY[k]);
                }
            }
        }
    }
}

#[test]
fn variety_between_and_within_groups_is_the_entropy_in_bits() {
    let groups = "if J in [\"j00\", \"j03\"] then \"a\" else if J == \"j01\" then \"b\" else \"c\"";
    let group = |j: usize| match j {
        0 | 3 => 0,
        1 => 1,
        _ => 2,
    };
    for seed in SEEDS {
        let jobs = Jobs::draw(seed);
        let (uv, rv) = (format!("unrelated_variety(E, J, {groups})"), format!("related_variety(E, J, {groups})"));
        let found = jobs.evaluate(&[&uv, &rv, "shannon(E, J)"]);
        for (t, year) in jobs.cells.iter().enumerate() {
            let y = Year::of(year);
            for i in 0..jobs.cities() {
                let mut p = [0.0; 3];
                y.s[i].iter().enumerate().for_each(|(j, s)| p[group(j)] += s);
                let bits = |x: f64| if x > 0.0 { -x * x.log2() } else { 0.0 };
                near(found[0][t][i], p.iter().copied().map(bits).sum(), "UV");
                let within = |g: usize| {
                    let inside = |j: usize| if group(j) == g { bits(y.s[i][j] / p[g]) } else { 0.0 };
                    if p[g] > 0.0 { p[g] * (0..jobs.industries()).map(inside).sum::<f64>() } else { 0.0 }
                };
                near(found[1][t][i], (0..3).map(within).sum(), "RV");
                near(found[0][t][i] + found[1][t][i], found[2][t][i] / std::f64::consts::LN_2, "UV + RV");
            }
        }
    }
}

#[test]
fn the_mean_location_quotient_is_one_and_classes_add_up() {
    let class = "J in [\"j00\", \"j02\"]";
    let parts = [
        "sum(share(sum(E over unit), J) * location_quotient(E, J) over J)".to_string(),
        format!("krugman(E, J, among: {class})"),
        format!("krugman(E, J, among: not ({class}))"),
        "krugman(E, J)".to_string(),
        format!("relative_specialization(E, J, among: {class})"),
        format!("relative_specialization(E, J, among: not ({class}))"),
        "relative_specialization(E, J)".to_string(),
        format!("krugman(within(E, {class}), J)"),
    ];
    for seed in SEEDS {
        let mut jobs = Jobs::draw(seed);
        // Every city has something of the class, so that its shares within it are defined.
        jobs = jobs.map(|_, _, j, x| if j == 0 { x + 1.0 } else { x });
        let found = jobs.evaluate(&parts.iter().map(String::as_str).collect::<Vec<_>>());
        for (t, year) in jobs.cells.iter().enumerate() {
            let restricted: Vec<Vec<f64>> = year
                .iter()
                .map(|c| c.iter().enumerate().filter(|(j, _)| *j == 0 || *j == 2).map(|(_, x)| *x).collect())
                .collect();
            let y = Year::of(&restricted);
            for i in 0..jobs.cities() {
                let v: Vec<f64> = found.iter().map(|f| f[t][i]).collect();
                near(v[0], 1.0, "the weighted mean of LQ");
                near(v[1] + v[2], v[3], "KSI adds up over classes");
                near(v[4].max(v[5]), v[6], "RZI is the largest of classes");
                near(v[7], y.sum(i, |s, r| (s - r).abs()), "KSI within the class");
            }
        }
    }
}

/// s_ij − s_j = (1 − E_i/E)(s_ij − s_j of the others): the city's own weight compresses KSI (methods A.6).
#[test]
fn a_reference_without_the_city_is_the_one_with_it_stretched() {
    for seed in SEEDS {
        let jobs = Jobs::draw(seed);
        let found = jobs.evaluate(&["krugman(E, J)", "krugman(E, J, reference: rest(E))"]);
        for (t, year) in jobs.cells.iter().enumerate() {
            let total: f64 = year.iter().flatten().sum();
            for (i, city) in year.iter().enumerate() {
                let own = city.iter().sum::<f64>() / total;
                near(found[0][t][i], (1.0 - own) * found[1][t][i], "self-weight");
            }
        }
    }
}

#[test]
fn the_share_of_the_largest_grows_from_zi_to_one() {
    for seed in SEEDS.step_by(2) {
        let jobs = Jobs::draw(seed);
        let n = jobs.industries();
        let expressions: Vec<String> =
            (1..=n + 2).map(|k| format!("top_share(E, J, {k})")).chain(["specialization(E, J)".into()]).collect();
        let found = jobs.evaluate(&expressions.iter().map(String::as_str).collect::<Vec<_>>());
        for t in 0..jobs.cells.len() {
            for i in 0..jobs.cities() {
                near(found[0][t][i], found[n + 2][t][i], "one label is ZI");
                for k in 1..n + 2 {
                    // Each further label is no larger than the one before.
                    let step = |k: usize| found[k][t][i] - if k == 0 { 0.0 } else { found[k - 1][t][i] };
                    assert!(step(k) >= -1e-12 && step(k) <= step(k - 1) + 1e-12);
                }
                (n - 1..n + 2).for_each(|k| near(found[k][t][i], 1.0, "all labels"));
            }
        }
    }
}

#[test]
fn the_share_of_the_largest_takes_ties_in_order_and_whole_numbers_alone() {
    let ties = Jobs { cells: vec![vec![vec![2.0, 2.0, 2.0, 4.0], vec![1.0, 1.0, 1.0, 1.0]]] };
    let two = ties.evaluate(&["top_share(E, J, 2)"]);
    [(two[0][0][0], 0.6), (two[0][0][1], 0.5)].iter().for_each(|(found, want)| near(*found, *want, "ties"));
    let odd = ties.evaluate(&["top_share(E, J, 0) * shannon(E, J)", "top_share(E, J, 1.5) * shannon(E, J)"]);
    assert!(odd.iter().flatten().flatten().all(|x| x.is_nan()), "{odd:?}");
}

/// The rows of the table of methods A.6.
#[test]
fn edges_are_as_agreed() {
    // A city with one industry, one with nothing, and two more.
    let jobs = Jobs {
        cells: vec![vec![
            vec![0.0, 40.0, 0.0, 0.0],
            vec![0.0, 0.0, 0.0, 0.0],
            vec![10.0, 20.0, 30.0, 0.0],
            vec![5.0, 25.0, 10.0, 0.0],
        ]],
    };
    let names = BY_CITY[..14].iter().copied();
    let v: BTreeMap<&str, Values> = names.map(|e| e.split("(E").next().unwrap()).zip(jobs.evaluate(BY_CITY)).collect();
    let one = |name: &str| v[name][0][0];
    let reference = 85.0 / 140.0;
    for (name, want) in [
        ("specialization", 1.0),
        ("herfindahl", 1.0),
        ("diversity", 1.0),
        ("shannon", 0.0),
        ("evenness", 0.0),
        ("relative_specialization", 1.0 / reference),
        ("krugman", 2.0 * (1.0 - reference)),
        // The fourth industry is absent everywhere: there are three.
        ("normalized_herfindahl", 1.0),
        ("absolute_theil", 3f64.ln()),
    ] {
        near(one(name), want, name);
    }
    for (name, values) in &v {
        assert!(values[0][1].is_nan(), "{name} of a city without jobs is {}", values[0][1]);
        assert!(values[0][2].is_finite() && values[0][3].is_finite(), "{name}");
    }
    // A city alone is its own reference.
    let alone = Jobs { cells: vec![vec![vec![3.0, 5.0]]] };
    let found = alone.evaluate(&["krugman(E, J)", "relative_diversity(E, J)", "hachman(E, J)", "theil(E, J)"]);
    assert_eq!((found[0][0][0], found[2][0][0], found[3][0][0]), (0.0, 1.0, 0.0));
    assert!(found[1][0][0].is_nan(), "identical to the reference");
    // One industry: what divides by the logarithm of the number of industries is undefined.
    let single = Jobs { cells: vec![vec![vec![3.0], vec![5.0]]] };
    let found = single.evaluate(&["evenness(E, J)", "normalized_herfindahl(E, J)", "herfindahl(E, J)"]);
    assert!(found[0][0][0].is_nan() && found[1][0][0].is_nan() && found[2][0][0] == 1.0);
}
