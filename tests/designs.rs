//! Designs against the same questions written out by hand: whatever a design derives, the language can say too.

#![allow(clippy::unwrap_used)]

use durbin::loader::DiskLoader;
use durbin::session::{Program, Session};
use serde_json::Value;
use std::path::Path;

const PANEL: &str = r#"panel towns from "towns.csv" {
  unit town  time year  join "places.csv" by town  coords lon, lat
  let on = if is_missing(law_year) then 0 else (if year >= law_year then 1 else 0)
  let north = if region == "north" then on else 0
  let south = if region == "south" then on else 0
}
treatment law = starts(law_year)
weights W = W_knn(3)
"#;

/// The results of statements after the panel.
fn results(statements: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/data");
    let loader = DiskLoader::new(&folder, &[]);
    let run = Session::new(&loader).run(&Program::new("designs.durbin", &format!("{PANEL}{statements}")));
    let document = run.document();
    assert!(!run.failed(), "{document:#}");
    document["results"].as_array().unwrap().clone()
}

/// A number of a document; the entry of a list is that with the label.
fn at(value: &Value, path: &[&str]) -> f64 {
    let mut here = value;
    for key in path {
        let of = |e: &&Value| ["term", "group"].iter().any(|k| e[*k].as_str() == Some(key));
        here = match here.as_array() {
            Some(list) => list.iter().find(of).unwrap_or_else(|| panic!("no {key} in {here:#}")),
            None => &here[*key],
        };
    }
    here.as_f64().unwrap_or_else(|| panic!("{path:?} is {here}"))
}

fn same(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-8 * (1.0 + b.abs()), "{a} is not {b}");
}

#[test]
fn groups_are_a_column_each() {
    let found = results(
        "by_group(sdm_did(jobs ~ law + income | W, se: iid), region)\nsdm(jobs ~ north + south + income | W, se: iid)\n\
         by_group(did(jobs ~ law + income), region)\nols(jobs ~ north + south + income, se: cluster(unit))",
    );
    for group in ["north", "south"] {
        for part in ["direct", "indirect", "total"] {
            for number in ["estimate", "se"] {
                same(at(&found[0], &["groups", group, part, number]), at(&found[1], &["effects", group, part, number]));
            }
        }
        let own = at(&found[3], &["coefficients", group, "estimate"]);
        same(at(&found[2], &["groups", group, "direct", "estimate"]), own);
        same(at(&found[2], &["groups", group, "on_treated", "total", "estimate"]), own);
    }
    // One restriction: F is the square of the t of the difference.
    let v = |i: usize, k: usize| found[3]["vcov"]["matrix"][i][k].as_f64().unwrap();
    let b = |term: &str| at(&found[3], &["coefficients", term, "estimate"]);
    let f = (b("north") - b("south")).powi(2) / (v(0, 0) + v(1, 1) - 2.0 * v(0, 1));
    same(at(&found[2], &["equality", "statistic"]), f);
}

#[test]
fn a_subsample_is_the_model_where_the_group_is() {
    let found = results(
        "by_group(slx_did(jobs ~ law | W, se: iid), sector, method: subsample)\n\
         slx_did(jobs ~ law | W, se: iid, where: sector == \"farm\")\nslx_did(jobs ~ law | W, se: iid, where: sector == \"tech\")",
    );
    for (group, alone) in [("farm", &found[1]), ("tech", &found[2])] {
        for part in ["direct", "indirect", "total"] {
            for number in ["estimate", "se"] {
                same(at(&found[0], &["groups", group, part, number]), at(alone, &["effects", "law", part, number]));
            }
        }
        let policy = at(alone, &["policy_effects", "total_on_treated", "estimate"]);
        same(at(&found[0], &["groups", group, "on_treated", "total", "estimate"]), policy);
    }
    // Two blocks: what one group does not share with the other.
    let b = |k: usize, i: usize| found[k]["coefficients"][i]["estimate"].as_f64().unwrap();
    let v = |k: usize, i: usize, j: usize| found[k]["vcov"]["matrix"][i][j].as_f64().unwrap();
    let d = [b(2, 0) - b(1, 0), b(2, 1) - b(1, 1)];
    let s = |i: usize, j: usize| v(1, i, j) + v(2, i, j);
    let det = s(0, 0) * s(1, 1) - s(0, 1) * s(1, 0);
    let wald = (d[0] * d[0] * s(1, 1) - 2.0 * d[0] * d[1] * s(0, 1) + d[1] * d[1] * s(0, 0)) / det;
    same(at(&found[0], &["equality", "statistic"]), wald);
}

#[test]
fn rings_are_columns_of_one_regression() {
    let found = results(
        "rings_did(jobs ~ law + income, [0, 38, 44])\n\
         ols(jobs ~ law + ring(law, 0, 38) + ring(law, 38, 44) + income, se: cluster(unit))",
    );
    for number in ["estimate", "se"] {
        same(at(&found[0], &["direct", number]), at(&found[1], &["coefficients", "law", number]));
        for (k, term) in ["ring(law, 0, 38)", "ring(law, 38, 44)"].iter().enumerate() {
            let ring = found[0]["rings"][k][number].as_f64().unwrap();
            same(ring, at(&found[1], &["coefficients", term, number]));
        }
    }
}

#[test]
fn a_group_that_is_left_out_is_a_condition() {
    let found = results(
        "leave_one_out(sdm_did(jobs ~ law | W, se: iid), by: law_year)\n\
         sdm_did(jobs ~ law | W, se: iid, where: (if is_missing(law_year) then true else law_year == 2014))",
    );
    for part in ["direct", "indirect", "total"] {
        same(
            at(&found[0], &["groups", "2013", part, "estimate"]),
            at(&found[1], &["effects", "law", part, "estimate"]),
        );
    }
    same(
        at(&found[0], &["groups", "2013", "direct_on_treated", "se"]),
        at(&found[1], &["policy_effects", "direct_on_treated", "se"]),
    );
}

#[test]
fn split_exposure_is_two_columns() {
    let found = results(
        "split_exposure(slx_did(jobs ~ law | W, se: iid))\n\
         ols(jobs ~ law + (law * (W @ law)) + ((1 - law) * (W @ law)), se: iid)",
    );
    for k in 0..3 {
        for number in ["estimate", "se"] {
            let of = |v: &Value| v["coefficients"][k][number].as_f64().unwrap();
            same(of(&found[0]), of(&found[1]));
        }
    }
}

#[test]
fn a_curve_is_its_models_in_order() {
    let found = results(
        "spec_curve([did(jobs ~ law), did(jobs ~ law + income), sdm_did(jobs ~ law | W)])\n\
         did(jobs ~ law)\ndid(jobs ~ law + income)\nsdm_did(jobs ~ law | W)",
    );
    let total = |v: &Value| at(v, &["effects", "law", "total", "estimate"]);
    let mut want: Vec<f64> = found[1..].iter().map(total).collect();
    want.sort_by(f64::total_cmp);
    let got: Vec<f64> =
        found[0]["specifications"].as_array().unwrap().iter().map(|s| s["estimate"].as_f64().unwrap()).collect();
    assert_eq!(got, want);
    assert_eq!(at(&found[0], &["median"]), want[1]);
}

/// A treatment whose groups answer alike is found alike in two outcomes that are one up to scale.
#[test]
fn joint_draws_keep_what_outcomes_have_in_common() {
    let found = results(
        "joint([did(y ~ law) for y in [jobs, jobs]], reps: 50)\njoint([did(jobs ~ law), did(income ~ law)], reps: 50)",
    );
    let r = |k: usize| found[k]["correlation"][0][1].as_f64().unwrap();
    same(r(0), 1.0);
    assert!(r(1).abs() < 0.9);
    assert!(found[0]["equality"]["statistic"].is_null(), "{}", found[0]["equality"]);
}

/// Twelve towns in eight years, some of which start, with what clocks of exposure by the three nearest show in columns of
/// their own; `q` are the leads of the starts, `x` those of first starts among neighbors, by the end of the name.
fn towns_with_clocks() -> String {
    let place = |i: i64| [(7 * i % 12) as f64 * 0.3, 50.0 + (5 * i % 11) as f64 * 0.2 + i as f64 * 0.013];
    let start = |i: i64| [0, 2004, 0, 2006, 0, 0, 2003, 0, 2005, 0, 0, 0][i as usize];
    let km = |i: i64, k: i64| durbin::weights::geometry::haversine_km(place(i), place(k));
    let mut csv = String::from("town,year,lon,lat,start,y,v,q_before,q_0,q_after,x_before,x_0,x_after\n");
    for i in 0..12 {
        let mut near: Vec<i64> = (0..12).filter(|k| *k != i).collect();
        near.sort_by(|a, b| km(i, *a).total_cmp(&km(i, *b)));
        let first = near[..3].iter().map(|k| start(*k)).filter(|s| *s > 0).min();
        for year in 2001..2009 {
            let bins = |since: Option<i64>, there: bool| {
                let e = since.filter(|_| there).map(|s| year - s);
                let of = |f: &dyn Fn(i64) -> bool| u8::from(e.is_some_and(f));
                format!("{},{},{}", of(&|e| e <= -2), of(&|e| e == 0), of(&|e| e >= 1))
            };
            let own = Some(start(i)).filter(|s| *s > 0);
            let untreated = own.is_none_or(|s| year < s);
            let noise = |a: i64| ((i * year * 61 + (i + a) * year * year * 29 + a) % 997) as f64 / 100.0;
            let [lon, lat] = place(i);
            let shown = own.map(|s| s.to_string()).unwrap_or_default();
            csv += &format!("t{i},{year},{lon},{lat},{shown},{},{},", noise(3), noise(11));
            csv += &format!("{},{}\n", bins(own, true), bins(first, untreated));
        }
    }
    csv
}

#[test]
fn a_clock_of_exposure_is_a_column_for_each_event_time() {
    let mut files = durbin::loader::MemoryLoader::default();
    files.files.insert("clocks.csv".to_string(), towns_with_clocks().into_bytes());
    let program = "panel towns from \"clocks.csv\" { unit town  time year  coords lon, lat }\n\
                   weights W = W_knn(3)\ntreatment law = starts(start)\n\
                   event_study(slx_did(y ~ law + v | W), -2..1, spill_clock: own)\n\
                   slx(y ~ q_before + q_0 + q_after + x_before + x_0 + x_after + v | W, durbin: [v], se: cluster(unit))";
    let run = Session::new(&files).run(&Program::new("clocks.durbin", program));
    let document = run.document();
    assert!(!run.failed(), "{document:#}");
    let (study, plain) = (&document["results"][0], &document["results"][1]);
    for (k, name) in ["before", "0", "after"].iter().enumerate() {
        for (part, letter) in [("direct", "q"), ("indirect", "x")] {
            for number in ["estimate", "se"] {
                let of = &study["periods"][k][part][number];
                same(of.as_f64().unwrap(), at(plain, &["coefficients", &format!("{letter}_{name}"), number]));
            }
        }
        assert!(study["periods"][k]["total"].is_null() && study["periods"][k]["exposed_units"].as_u64() > Some(0));
    }
    // The leads of exposure: one restriction, the square of its t.
    let (b, se) =
        (at(plain, &["coefficients", "x_before", "estimate"]), at(plain, &["coefficients", "x_before", "se"]));
    same(at(study, &["pretrend_spillover", "statistic"]), (b / se).powi(2));
}

#[test]
fn conditions_take_columns_of_any_kind() {
    let found = results(
        "panel more from towns { let up = region == \"north\" }\ntreatment start on more = starts(law_year)\n\
         model m = did(jobs ~ start)\nby_group(m, up, method: subsample)\nby_group(m, region, method: subsample)\n\
         leave_one_out(m, by: up)\nleave_one_out(m, by: region)",
    );
    for (group, name) in [("true", "north"), ("false", "south")] {
        // after the model itself: groups, then what is left without each of them
        for k in [1, 3] {
            let of = |k: usize, group: &str| at(&found[k], &["groups", group, "direct", "estimate"]);
            same(of(k, group), of(k + 1, name));
        }
    }
}
