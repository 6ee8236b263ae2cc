//! `new`, `lock`, `verify`, `diff`: what moved, and why, in words.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A copy of an example, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn of(example: &str, name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("durbin-lock-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        if !example.is_empty() {
            for file in
                fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example)).unwrap().flatten()
            {
                if file.path().is_file() {
                    fs::copy(file.path(), folder.join(file.file_name())).unwrap();
                }
            }
        }
        Folder(folder)
    }

    fn durbin(&self, arguments: &[&str]) -> (i32, String, String) {
        let done = Command::new(env!("CARGO_BIN_EXE_durbin")).args(arguments).current_dir(&self.0).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap_or(-1), text(done.stdout), text(done.stderr))
    }

    fn change(&self, file: &str, from: &str, to: &str) {
        let path = self.0.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_example_is_locked_and_verified() {
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap().flatten();
    let named = folders.map(|f| f.file_name().into_string().unwrap());
    let examples: Vec<String> = named.filter(|n| !n.ends_with(".rs")).collect();
    assert!(examples.len() >= 2);
    for example in &examples {
        let folder = Folder::of(example, &format!("every-{example}"));
        let named = format!("{example}.durbin");
        let file = if folder.0.join(&named).exists() { named } else { "paper.durbin".to_string() };
        let (status, out, err) = folder.durbin(&["lock", "--quiet", &file]);
        assert!(status == 0 && out.starts_with(&format!("{file}.lock: ")), "{out}{err}");
        let first = fs::read(folder.0.join(format!("{file}.lock"))).unwrap();
        let (status, out, err) = folder.durbin(&["verify", "--quiet", &file]);
        assert!(status == 0 && out.ends_with("as locked\n") && err.is_empty(), "{out}{err}");
        folder.durbin(&["lock", "--quiet", "--threads", "1", &file]);
        assert!(first == fs::read(folder.0.join(format!("{file}.lock"))).unwrap(), "a lock is the same on one thread");
    }
}

#[test]
fn a_change_is_told_in_the_right_words() {
    let changes: [(&str, &str, &str, i32, &str); 6] = [
        ("panel.csv", "8.713443", "8.713444", 3, "the content of `panel.csv` changed, its size did not"),
        ("contiguity.csv", "\n", "\n\n", 0, "the content of `contiguity.csv` changed: +1 B"),
        ("castle.durbin", "| C)", "| C, se: qml)", 3, "`base`: standard errors cluster(unit) → qml"),
        ("castle.durbin", "+ l_police", "", 3, "`base`: control `l_police` removed"),
        ("castle.durbin", "W_band(0, 600)", "W_band(0, 650)", 3, "weights W_band(0, 600) → W_band(0, 650)"),
        ("castle.durbin", "weights C", "options { seed 7 }\nweights C", 0, "`seed` 42 → 7"),
    ];
    for (k, (file, from, to, status, words)) in changes.into_iter().enumerate() {
        let folder = Folder::of("castle", &format!("change-{k}"));
        assert_eq!(folder.durbin(&["lock", "--quiet", "castle.durbin"]).0, 0);
        folder.change(file, from, to);
        let (found, out, err) = folder.durbin(&["verify", "--quiet", "castle.durbin"]);
        assert!(found == status && out.contains(words), "{file} {from} → {to}\n{found}\n{out}{err}");
        assert_eq!(out.contains("\nMoved\n"), status == 3, "{out}");
        let (_, json, _) = folder.durbin(&["verify", "--quiet", "--format", "json", "castle.durbin"]);
        let document: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(document["holds"], status == 0);
        assert_eq!(document["moved"].as_array().unwrap().is_empty(), status == 0);
    }
}

#[test]
fn another_seed_moves_what_is_drawn_and_nothing_else() {
    let folder = Folder::of("castle", "seed");
    let program = "panel states from \"panel.csv\" { unit state  time year }\nweights C = row(edges(\"contiguity.csv\"))\n\
                   model m = sdm(homicide ~ poverty | C, effects: simulate(draws: 100))\n";
    fs::write(folder.0.join("p.durbin"), program).unwrap();
    assert_eq!(folder.durbin(&["lock", "--quiet", "p.durbin"]).0, 0);
    fs::write(folder.0.join("p.durbin"), format!("options {{ seed 7 }}\n{program}")).unwrap();
    let (status, out, _) = folder.durbin(&["verify", "--quiet", "p.durbin"]);
    assert!(status == 3 && out.contains("Changed\n  `seed` 42 → 7\n\nMoved\n"), "{out}");
    let moved = out.split("\nMoved\n").nth(1).unwrap();
    let drawn = |line: &str| line.contains(": effects, ") || line == "  m: simulated, seed: 42 → 7 (-83.333 %)";
    assert!(moved.lines().count() > 3 && moved.lines().all(drawn), "{moved}");
}

#[test]
fn a_moved_number_is_named_with_its_change() {
    let folder = Folder::of("castle", "moved");
    folder.durbin(&["lock", "--quiet", "castle.durbin"]);
    let lock = folder.0.join("castle.durbin.lock");
    let text = fs::read_to_string(&lock).unwrap();
    let line = text.lines().find(|l| l.contains("base: coefficients, law, estimate")).unwrap().to_string();
    let value: f64 = line.split(": ").last().unwrap().trim_end_matches(',').parse().unwrap();
    fs::write(&lock, text.replace(&line, &line.replace(&value.to_string(), &(value * 1.25).to_string()))).unwrap();
    let (status, out, _) = folder.durbin(&["verify", "--quiet", "castle.durbin"]);
    assert!(status == 3 && out.contains("1 of ") && out.contains("base: coefficients, law, estimate: "), "{out}");
    assert!(out.contains("(-20.000 %)") && out.contains("Neither the program, nor its data"), "{out}");
    let (status, ..) = folder.durbin(&["verify", "--quiet", "--tolerance", "0.5", "castle.durbin"]);
    assert_eq!(status, 0);
    fs::write(&lock, "{}").unwrap();
    let (status, out, err) = folder.durbin(&["verify", "castle.durbin", "--format", "json"]);
    assert!(status == 1 && err.contains("durbin::lock::unreadable"), "{err}");
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["errors"][0]["code"], "durbin::lock::unreadable");
    fs::remove_file(&lock).unwrap();
    let (status, _, err) = folder.durbin(&["verify", "castle.durbin"]);
    assert!(status == 1 && err.contains("`durbin lock FILE` writes it"), "{err}");
}

#[test]
fn items_of_a_list_are_locked_under_their_own_names() {
    let folder = Folder::of("castle", "lists");
    let path = folder.0.join("castle.durbin");
    let more = "effects(base, by: unit)\nby_band(base, [0, 300, 600])\nevent_study(base, -3..3)\n";
    fs::write(&path, fs::read_to_string(&path).unwrap() + more).unwrap();
    let (status, out, err) = folder.durbin(&["lock", "--quiet", "castle.durbin"]);
    assert_eq!(status, 0, "{out}{err}");
    let lock = folder.0.join("castle.durbin.lock");
    let document: serde_json::Value = serde_json::from_slice(&fs::read(&lock).unwrap()).unwrap();
    let results = document["results"].as_object().unwrap();
    let own = |k: &str, head: &str, tail: &str| {
        k.starts_with(head) && k.ends_with(tail) && ![", se, ", ", on_treated, "].iter().any(|other| k.contains(other))
    };
    let count = |head: &str, tail: &str| results.keys().filter(|k| own(k, head, tail)).count();
    assert_eq!(count("effects(base, by: unit): units, law, ", ", direct"), 48, "a place for each state");
    assert_eq!(count("by_band(base, [0, 300, 600]): bands, ", "km, direct, estimate"), 2);
    assert_eq!(count("event_study(base, -3..3): periods, ", ", direct, estimate"), 6);
    for place in [
        "effects(base, by: unit): units, law, Florida, direct",
        "by_band(base, [0, 300, 600]): bands, 300, 600, km, indirect, estimate",
        "event_study(base, -3..3): periods, -2, direct, estimate",
    ] {
        let was = results[place].as_f64().unwrap();
        let text = fs::read_to_string(&lock).unwrap();
        let line = text.lines().find(|l| l.contains(place)).unwrap().to_string();
        fs::write(&lock, text.replace(&line, &line.replace(&was.to_string(), &(was * 2.0).to_string()))).unwrap();
        let (status, out, _) = folder.durbin(&["verify", "--quiet", "castle.durbin"]);
        assert!(status == 3 && out.contains("1 of ") && out.contains(&format!("{place}: ")), "{place}\n{out}");
        fs::write(&lock, text).unwrap();
    }
}

#[test]
fn clauses_of_models_have_their_words() {
    let folder = Folder::of("castle", "clauses");
    let head = "panel states from \"panel.csv\" { unit state  time year  join \"states.csv\" by state  coords lon, lat  \
                let dry = 1 + k }\nweights W = row(band(0, far))\ntreatment law = starts(law_year)\n";
    let write = |name: &str, k: &str, far: &str, options: &str| {
        let model = format!("model m = did(homicide ~ law + log(poverty + k){options})");
        let near = "model n = sar(homicide ~ poverty | W)\nmoran(n, W)\nevent_study(m, -2..2)";
        let text = format!("let k = {k}\nlet far = {far}\nlet since = 200{k}\n{head}{model}\n{near}\n");
        fs::write(folder.0.join(name), text).unwrap();
    };
    write("a.durbin", "1", "400 km", "");
    let cases: [(&str, &str, &str, &[&str]); 5] = [
        ("1", "400 km", ", fe: [unit, law_year:time]", &["`m`: fixed effects unit and time → unit, law_year:time"]),
        ("1", "400 km", ", trends: unit", &["`m`: trends none → unit"]),
        ("2", "400 km", "", &["in `states`, `dry` = `1 + k` with 1 → 2", "`m`: `log(poverty + k)` with 1 → 2"]),
        ("1", "500 km", "", &["band of `W` 400 km → 500 km"]),
        ("1", "400 km", ", where: year > since", &["`m`: rows all → `year > since`"]),
    ];
    for (k, far, options, words) in cases {
        write("b.durbin", k, far, options);
        let (status, out, err) = folder.durbin(&["diff", "a.durbin", "b.durbin"]);
        assert_eq!((status, out.lines().collect::<Vec<_>>()), (0, words.to_vec()), "{err}");
    }
    write("b.durbin", "1", "400 km", "");
    folder.change("b.durbin", "poverty | W)", "poverty | W, effects: simulate(draws: 50))");
    let (_, out, err) = folder.durbin(&["diff", "a.durbin", "b.durbin"]);
    assert_eq!(out, "`n`: errors of effects delta → simulate(draws: 50)\n", "{err}");
    write("b.durbin", "1", "400 km", "");
    folder.change("b.durbin", "poverty | W)", "poverty | W, method: gs2sls)");
    let (_, out, err) = folder.durbin(&["diff", "a.durbin", "b.durbin"]);
    let found = "`n`: found by likelihood or least squares → two stages, endogenous none, instruments none\n";
    assert!(out.contains(found), "{out}{err}");
    write("a.durbin", "1", "400 km", ", where: year > since");
    write("b.durbin", "2", "400 km", ", where: year > since");
    let (_, out, _) = folder.durbin(&["diff", "a.durbin", "b.durbin"]);
    assert!(out.contains("`m`: rows `year > since` with 2001 → 2002\n"), "{out}");
}

#[test]
fn models_without_a_name_go_by_query_and_outcome() {
    let folder = Folder::of("castle", "unnamed");
    let head =
        "panel states from \"panel.csv\" { unit state  time year }\nweights W = row(edges(\"contiguity.csv\"))\n";
    let write = |name: &str, queries: &str| fs::write(folder.0.join(name), format!("{head}{queries}\n")).unwrap();
    let said = |a: &str, b: &str| {
        write("a.durbin", a);
        write("b.durbin", b);
        folder.durbin(&["diff", "a.durbin", "b.durbin"]).1
    };
    let two = "let q = ols(homicide ~ poverty)\nq\nnobs(sar(robbery ~ poverty | W))";
    let more = said(two, &two.replace("robbery ~ poverty", "robbery ~ unemployrt"));
    assert!(
        more.starts_with("`sar(robbery ~ …)`: term `poverty` removed\n`sar(robbery ~ …)`: term `unemployrt` added\n"),
        "{more}"
    );
    let other = said(two, &two.replace("homicide", "murder"));
    assert_eq!(other, "`ols(homicide ~ …)`: outcome homicide → murder\n");
    let new = said(two, &format!("{two}\nols(homicide ~ unemployrt, fe: unit)"));
    assert!(new.starts_with("model `ols(homicide ~ …) (2)` added\n"), "{new}");
}

#[test]
fn effects_of_another_text_are_not_compared() {
    let folder = Folder::of("castle", "stale");
    fs::copy(folder.0.join("castle.durbin"), folder.0.join("b.durbin")).unwrap();
    folder.change("b.durbin", "poverty + ", "");
    for file in ["castle.durbin", "b.durbin"] {
        assert_eq!(folder.durbin(&["lock", "--quiet", file]).0, 0);
    }
    assert!(folder.durbin(&["diff", "castle.durbin", "b.durbin"]).1.contains("Effects, as locked"));
    folder.change("b.durbin", "unemployrt + ", "");
    let (_, out, _) = folder.durbin(&["diff", "castle.durbin", "b.durbin"]);
    assert!(!out.contains("Effects, as locked"), "{out}");
    assert!(out.contains("`b.durbin` is not as it was when `b.durbin.lock` was written: lock it again"), "{out}");
    let (status, _, err) = folder.durbin(&["lock", "-"]);
    assert!(status == 2 && err.contains("standard input has no place"), "{err}");
}

#[test]
fn two_programs_differ_as_analyses() {
    let folder = Folder::of("castle", "diff");
    fs::copy(folder.0.join("castle.durbin"), folder.0.join("b.durbin")).unwrap();
    let (status, out, _) = folder.durbin(&["diff", "castle.durbin", "b.durbin"]);
    assert_eq!((status, out.as_str()), (0, "no difference: both programs mean the same\n"));
    folder.change("b.durbin", "poverty + ", "");
    folder.change("b.durbin", "let    lhom = log(homicide)", "let lhom = log(homicide + 1)\n  where year > 2000");
    folder.change("b.durbin", "starts(law_year)", "starts({ \"Florida\": 2005 })");
    let (_, out, _) = folder.durbin(&["diff", "castle.durbin", "b.durbin"]);
    for words in [
        "in `states`, `lhom` = log(homicide) → log(homicide + 1)",
        "`states` keeps `year > 2000` alone",
        "treatment `law` starts(law_year) → starts({ \"Florida\": 2005 })",
        "`base`: control `poverty` removed",
    ] {
        assert!(out.contains(words), "{words}\n{out}");
    }
    folder.durbin(&["lock", "--quiet", "castle.durbin"]);
    fs::write(
        folder.0.join("b.durbin"),
        fs::read_to_string(folder.0.join("castle.durbin")).unwrap().replace("poverty + ", ""),
    )
    .unwrap();
    folder.durbin(&["lock", "--quiet", "b.durbin"]);
    let (_, out, _) = folder.durbin(&["diff", "castle.durbin", "b.durbin"]);
    assert!(out.contains("Effects, as locked\n  `base`, law: direct 0.1202 → "), "{out}");
    let (_, json, _) = folder.durbin(&["diff", "--format", "json", "castle.durbin", "b.durbin"]);
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["effects"][0]["term"], "law");
    assert!(document["differences"].as_array().unwrap().len() >= 2);
}

#[test]
fn bands_are_compared_by_their_ends() {
    let folder = Folder::of("castle", "bands");
    let head =
        "panel states from \"panel.csv\" { unit state  time year  join \"states.csv\" by state  coords lon, lat }\n";
    let program = |hi: &str, k: u8| {
        format!(
            "{head}weights W = row(band(0, {hi}))\nweights K = row(knn({k}))\nmodel m = sar(homicide ~ poverty | W)\nK\n"
        )
    };
    fs::write(folder.0.join("a.durbin"), program("250 km", 4)).unwrap();
    fs::write(folder.0.join("b.durbin"), program("300 km", 6)).unwrap();
    let (status, out, err) = folder.durbin(&["diff", "a.durbin", "b.durbin"]);
    assert_eq!((status, out.as_str()), (0, "band of `W` 250 km → 300 km\nnearest neighbors of `K` 4 → 6\n"), "{err}");
}

#[test]
fn a_new_project_runs() {
    let folder = Folder::of("", "new");
    let (status, out, _) = folder.durbin(&["new", "study"]);
    assert!(status == 0 && out.contains("durbin run study/study.durbin"), "{out}");
    let (status, out, err) = folder.durbin(&["run", "study/study.durbin"]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("Policy effects") && folder.0.join("study/results/table.csv").exists());
    let formatted = folder.durbin(&["fmt", "--check", "study/study.durbin"]);
    assert_eq!(formatted.0, 0, "{}", formatted.2);
    let (status, _, err) = folder.durbin(&["new", "study"]);
    assert!(status == 1 && err.contains("exists and is not empty"), "{err}");
}
