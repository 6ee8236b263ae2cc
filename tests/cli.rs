//! The command as a shell sees it: exit statuses, what goes to which stream, files read and written.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of its own for each test, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("durbin-cli-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let folder = Folder(path);
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/data");
        for file in ["towns.csv", "places.csv", "roads.csv"] {
            fs::copy(data.join(file), folder.0.join(file)).unwrap();
        }
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Runs the command in the folder.
    fn durbin(&self, arguments: &[&str]) -> Shown {
        self.durbin_with_input(arguments, "")
    }

    fn durbin_with_input(&self, arguments: &[&str], input: &str) -> Shown {
        let mut child = Command::new(env!("CARGO_BIN_EXE_durbin"))
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses its arguments does not wait for input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Shown::from(child.wait_with_output().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[derive(Debug)]
struct Shown {
    status: i32,
    out: String,
    err: String,
}

impl From<Output> for Shown {
    fn from(output: Output) -> Shown {
        Shown {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

const PANEL: &str = "panel towns from \"towns.csv\" { unit town  time year }\n";

fn counting(more: &str) -> String {
    format!("{PANEL}model m = ols(jobs ~ income)\nnobs(m)\n{more}")
}

#[test]
fn results_go_to_standard_output_and_remarks_to_standard_error() {
    let folder = Folder::new("streams");
    folder.write("p.durbin", &counting("let idle = 1\n"));
    let run = folder.durbin(&["run", "p.durbin"]);
    assert_eq!((run.status, run.out.trim()), (0, "48"));
    assert!(run.err.contains("durbin::check::never_used") && !run.err.contains('\u{1b}'), "{}", run.err);
    let quiet = folder.durbin(&["run", "--quiet", "p.durbin"]);
    assert_eq!((quiet.status, quiet.out.trim(), quiet.err.as_str()), (0, "48", ""));
}

#[test]
fn a_refused_program_leaves_with_1_and_nothing_on_standard_output() {
    let folder = Folder::new("refused");
    folder.write("p.durbin", &counting("nobs(n)\n"));
    let run = folder.durbin(&["run", "p.durbin"]);
    assert_eq!((run.status, run.out.as_str()), (1, ""));
    assert!(run.err.contains("durbin::check::unknown_name") && run.err.contains("p.durbin:4:6"), "{}", run.err);
    let missing = folder.durbin(&["run", "q.durbin"]);
    assert_eq!((missing.status, missing.out.as_str()), (1, ""));
    assert!(missing.err.contains("durbin::io::not_found") && missing.err.contains("p.durbin"), "{}", missing.err);
}

#[test]
fn bad_usage_leaves_with_2() {
    let folder = Folder::new("usage");
    let sizes = [["run", "p.durbin", "--memory", "4"], ["plan", "p.durbin", "--memory", "lots"]];
    let others =
        [&["fly"][..], &["run"], &["plan"], &["run", "p.durbin", "--fast"], &["run", "--threads", "0", "p.durbin"]];
    for arguments in others.into_iter().chain(sizes.iter().map(|s| &s[..])) {
        let run = folder.durbin(arguments);
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!run.err.is_empty());
    }
    let set = folder.durbin(&["run", "--set", "cutoff", "p.durbin"]);
    assert!(set.status == 2 && set.err.contains("NAME=VALUE"), "{set:?}");
    assert_eq!(folder.durbin(&["--version"]).status, 0);
}

#[test]
fn json_is_one_document_also_of_faults() {
    let folder = Folder::new("json");
    folder.write("p.durbin", &counting(""));
    let run = folder.durbin(&["run", "--format", "json", "p.durbin"]);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.status, document["results"].is_null()), (0, false));
    folder.write("p.durbin", &counting("nobs(n)\n"));
    for command in ["run", "check"] {
        let refused = folder.durbin(&[command, "--format", "json", "p.durbin"]);
        let document: serde_json::Value = serde_json::from_str(&refused.out).unwrap();
        let fault = &document["errors"][0];
        assert_eq!((refused.status, fault["code"].as_str()), (1, Some("durbin::check::unknown_name")));
        assert_eq!((fault["span"]["line"].as_u64(), fault["span"]["column"].as_u64()), (Some(4), Some(6)));
        assert!(document["results"].is_null());
    }
}

#[test]
fn a_label_in_a_data_file_names_line_and_column() {
    let folder = Folder::new("place");
    folder.write("towns.csv", &folder.read("towns.csv").replacen(",11.08,", ",NA,", 1));
    folder.write("p.durbin", &counting(""));
    let refused = folder.durbin(&["run", "--format", "json", "p.durbin"]);
    let document: serde_json::Value = serde_json::from_str(&refused.out).unwrap();
    let label = &document["errors"][0]["labels"][0];
    assert_eq!(label["file"], "towns.csv");
    assert_eq!((label["line"].as_u64(), label["column"].as_u64()), (Some(3), Some(18)));
    assert!(label["field"].is_null(), "fields are a matter of the inside");
}

#[test]
fn a_dash_is_standard_input() {
    let folder = Folder::new("input");
    let run = folder.durbin_with_input(&["run", "-"], &counting(""));
    assert_eq!((run.status, run.out.trim()), (0, "48"), "{}", run.err);
    let checked = folder.durbin_with_input(&["check", "-"], "nobs(");
    assert_eq!(checked.status, 1);
    assert!(checked.err.contains("durbin::syntax::unclosed_bracket"));
}

#[test]
fn set_overrides_a_let() {
    let folder = Folder::new("set");
    folder.write("p.durbin", "let which = \"farm\"\nlet times = 2\nwhich\n3 * times\n");
    let plain = folder.durbin(&["run", "p.durbin"]);
    assert_eq!(plain.out.split_whitespace().collect::<Vec<_>>(), ["farm", "6"]);
    let set = folder.durbin(&["run", "--set", "which=tech", "--set", "times=5", "p.durbin"]);
    assert_eq!(set.out.split_whitespace().collect::<Vec<_>>(), ["tech", "15"]);
    let unknown = folder.durbin(&["run", "--set", "time=5", "p.durbin"]);
    assert!(unknown.status == 1 && unknown.err.contains("did you mean `times`?"), "{}", unknown.err);
}

#[test]
fn threads_change_no_byte() {
    let folder = Folder::new("threads");
    folder.write(
        "p.durbin",
        "panel towns from \"towns.csv\" { unit town  time year  join \"places.csv\" by town  coords lon, lat }\n\
         treatment law = starts(law_year)\n\
         weights W = row(edges(\"roads.csv\"))\n\
         model a = sdm_did(jobs ~ law + income | W)\n\
         model b = sar(jobs ~ income | W_band(0, 80))\n\
         table(a, b)\n",
    );
    let one = folder.durbin(&["run", "--format", "json", "--threads", "1", "p.durbin"]);
    let two = folder.durbin(&["run", "--format", "json", "--threads", "2", "p.durbin"]);
    assert_eq!(one.status, 0, "{}", one.err);
    assert!(one.out == two.out, "one thread and two differ");
}

#[test]
fn files_are_read_at_home_and_in_folders_that_are_allowed() {
    let folder = Folder::new("reading");
    fs::create_dir_all(folder.0.join("code")).unwrap();
    folder.write("code/p.durbin", &counting("").replace("towns.csv", "../towns.csv"));
    let outside = folder.durbin(&["run", "code/p.durbin"]);
    assert_eq!((outside.status, outside.out.as_str()), (1, ""));
    assert!(outside.err.contains("durbin::io::outside") && outside.err.contains("--allow-read"), "{}", outside.err);
    let allowed = folder.durbin(&["run", "--allow-read", ".", "code/p.durbin"]);
    assert_eq!((allowed.status, allowed.out.trim()), (0, "48"), "{}", allowed.err);
    folder.write("p.durbin", &counting("").replace("towns.csv", "code"));
    let directory = folder.durbin(&["run", "p.durbin"]);
    assert!(directory.err.contains("durbin::io::is_directory") && directory.err.contains("code/p.durbin"));
    folder.write("p.durbin", &counting("").replace("towns.csv", "nowhere/towns.csv"));
    assert!(folder.durbin(&["run", "p.durbin"]).err.contains("there is no such folder"));
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out() {
    let (home, elsewhere) = (Folder::new("link"), Folder::new("target"));
    std::os::unix::fs::symlink(elsewhere.0.join("towns.csv"), home.0.join("linked.csv")).unwrap();
    home.write("p.durbin", &counting("").replace("towns.csv", "linked.csv"));
    let run = home.durbin(&["run", "p.durbin"]);
    assert!(run.status == 1 && run.err.contains("durbin::io::outside"), "{}", run.err);
}

#[test]
fn line_ends_of_program_and_data_change_nothing() {
    let (lf, crlf) = (Folder::new("lf"), Folder::new("crlf"));
    let windows = |text: &str| text.replace("\r\n", "\n").replace('\n', "\r\n");
    let program = "# two lines\npanel towns from \"towns.csv\" {\n  unit town  time year\n}\nweights W = \
                   row(edges(\"roads.csv\"))\nmodel m = sdm(jobs ~\n  income | W)\ntable(m)\n";
    lf.write("p.durbin", program);
    crlf.write("p.durbin", &windows(program));
    for file in ["towns.csv", "roads.csv"] {
        let text = crlf.read(file);
        crlf.write(file, &windows(&text));
    }
    let (a, b) = (lf.durbin(&["run", "p.durbin"]), crlf.durbin(&["run", "p.durbin"]));
    assert_eq!((a.status, a.err.as_str()), (0, ""), "{}", a.err);
    assert_eq!((&a.out, &a.err), (&b.out, &b.err));
    // A fault is at the same line and column, and is shown with the same text.
    lf.write("p.durbin", &program.replace("income", "incom"));
    crlf.write("p.durbin", &windows(&program.replace("income", "incom")));
    let (a, b) = (lf.durbin(&["run", "p.durbin"]), crlf.durbin(&["run", "p.durbin"]));
    assert!(a.status == 1 && a.err.contains("p.durbin:7:"), "{}", a.err);
    assert_eq!(a.err, b.err);
}

#[test]
fn save_writes_below_out_and_nowhere_else() {
    let folder = Folder::new("save");
    folder.write("p.durbin", &counting("save table(m) to \"tables/t.csv\"\n"));
    assert_eq!(folder.durbin(&["run", "p.durbin"]).status, 0);
    assert!(folder.read("tables/t.csv").contains("income"));
    assert_eq!(folder.durbin(&["run", "--out", "results", "p.durbin"]).status, 0);
    assert_eq!(folder.read("results/tables/t.csv"), folder.read("tables/t.csv"));
    folder.write("p.durbin", &counting("save table(m) to \"../t.csv\"\n"));
    assert!(folder.durbin(&["run", "p.durbin"]).err.contains("durbin::io::outside_out"));
    folder.write("p.durbin", &counting("save table(m) to \"towns.csv\"\n"));
    let before = folder.read("towns.csv");
    assert!(folder.durbin(&["run", "p.durbin"]).err.contains("durbin::io::overwrites_input"));
    assert_eq!(folder.read("towns.csv"), before);
}

#[test]
fn a_file_that_cannot_be_written_leaves_none() {
    let folder = Folder::new("unwritten");
    fs::create_dir_all(folder.0.join("t.tex")).unwrap();
    folder.write("p.durbin", &counting("save table(m) to \"t.csv\"\nsave table(m) to \"t.tex\"\n"));
    let run = folder.durbin(&["run", "p.durbin"]);
    assert_eq!((run.status, run.out.as_str()), (1, ""));
    assert!(run.err.contains("durbin::io::write_failed") && run.err.contains("p.durbin:5:18"), "{}", run.err);
    assert!(!folder.0.join("t.csv").exists());
}

#[test]
fn a_refused_program_writes_no_file() {
    let folder = Folder::new("nothing");
    folder.write("p.durbin", &counting("save table(m) to \"t.csv\"\nassert nobs(m) == 1\n"));
    let run = folder.durbin(&["run", "p.durbin"]);
    assert!(run.status == 1 && run.err.contains("48 against 1"), "{}", run.err);
    assert!(!folder.0.join("t.csv").exists());
}

#[test]
fn check_takes_several_files_and_reads_no_rows() {
    let folder = Folder::new("check");
    folder.write("towns.csv", "town,year,jobs,income\nonly,a,header,counts\n");
    folder.write("good.durbin", &counting(""));
    folder.write("bad.durbin", &counting("nobs(n)\n"));
    let good = folder.durbin(&["check", "good.durbin"]);
    assert_eq!((good.status, good.out.as_str()), (0, "good.durbin: no errors\n"));
    let both = folder.durbin(&["check", "bad.durbin", "good.durbin"]);
    assert_eq!((both.status, both.out.as_str()), (1, "good.durbin: no errors\n"));
    assert!(both.err.contains("bad.durbin:4:6"), "{}", both.err);
}

#[test]
fn a_program_in_a_folder_std_is_no_part_of_the_library() {
    let folder = Folder::new("std");
    folder.write("p.durbin", &counting(""));
    fs::create_dir(folder.0.join("std")).unwrap();
    for file in ["p.durbin", "towns.csv"] {
        fs::rename(folder.0.join(file), folder.0.join("std").join(file)).unwrap();
    }
    let run = folder.durbin(&["run", "std/p.durbin"]);
    assert_eq!((run.status, run.out.trim(), run.err.as_str()), (0, "48", ""));
}

#[test]
fn doc_shows_entries_modules_and_faults() {
    let folder = Folder::new("doc");
    let list = folder.durbin(&["doc"]);
    assert_eq!((list.status, list.err.as_str()), (0, ""));
    assert!(list.out.contains("std::weights") && list.out.contains("sdm_did"), "{}", list.out);
    for (name, shows) in [
        ("knn", "fn knn(k, islands = error, symmetric = \"none\")"),
        ("std::weights::knn", "row(knn(4))"),
        ("std::weights", "transpose"),
        ("weights", "transpose"),
        ("durbin::panel::duplicate_key", "one unit and period on several rows"),
        ("unbalanced", "balance drop"),
    ] {
        let page = folder.durbin(&["doc", name]);
        assert_eq!((page.status, page.err.as_str()), (0, ""), "{name}");
        assert!(page.out.contains(shows) && !page.out.contains('\u{1b}'), "{name}: {}", page.out);
    }
}

#[test]
fn doc_of_an_unknown_name_leaves_with_1_and_names_the_nearest() {
    let folder = Folder::new("doc-unknown");
    let near =
        [("inverse_distnace", "`inverse_distance`"), ("std::weigths", "`std::weights`"), ("unbalancd", "`unbalanced`")];
    for (name, nearest) in near {
        let refused = folder.durbin(&["doc", name]);
        assert_eq!((refused.status, refused.out.as_str()), (1, ""), "{name}");
        assert!(refused.err.contains(&format!("did you mean {nearest}?")), "{}", refused.err);
    }
    let several = folder.durbin(&["doc", "not_utf8"]);
    assert!(several.status == 1 && several.err.contains("`durbin::data::not_utf8`"), "{}", several.err);
    let far = folder.durbin(&["doc", "regress"]);
    assert!(far.status == 1 && far.err.contains("`durbin doc` lists"), "{}", far.err);
    assert_eq!(folder.durbin(&["doc", "knn", "band"]).status, 2);
}

#[test]
fn a_plan_is_text_or_one_document_and_writes_nothing() {
    let folder = Folder::new("plan");
    folder.write("p.durbin", &counting("save table(m) to \"t.csv\"\n"));
    let plan = folder.durbin(&["plan", "p.durbin"]);
    assert_eq!((plan.status, plan.err.as_str()), (0, ""), "{plan:?}");
    assert!(plan.out.starts_with("Plan of p.durbin\n") && plan.out.contains("saved to t.csv"), "{}", plan.out);
    assert!(!folder.0.join("t.csv").exists());
    let data = folder.durbin(&["plan", "--format", "json", "p.durbin"]);
    let document: serde_json::Value = serde_json::from_str(&data.out).unwrap();
    assert_eq!(
        (document["schema"].as_str(), document["steps"][0]["kind"].as_str()),
        (Some("durbin.plan/1"), Some("read"))
    );
    assert!(document["errors"].is_null());
}

#[test]
fn a_run_beyond_its_memory_is_refused_and_its_plan_still_shown() {
    let folder = Folder::new("memory");
    folder.write("p.durbin", &counting(""));
    let run = folder.durbin(&["run", "--memory", "5kB", "p.durbin"]);
    assert_eq!((run.status, run.out.as_str()), (1, ""));
    assert!(run.err.contains("durbin::plan::memory") && run.err.contains("5.0 kB"), "{}", run.err);
    let plan = folder.durbin(&["plan", "--memory", "5kB", "p.durbin"]);
    assert!(plan.status == 1 && plan.out.contains("Plan of") && plan.err.contains("durbin::plan::memory"), "{plan:?}");
    let data = folder.durbin(&["plan", "--memory", "5kB", "--format", "json", "p.durbin"]);
    let document: serde_json::Value = serde_json::from_str(&data.out).unwrap();
    assert_eq!(document["errors"][0]["code"], "durbin::plan::memory");
    assert!(document["steps"].is_array());
    assert_eq!(folder.durbin(&["run", "--memory", "1GB", "p.durbin"]).status, 0);
}

#[test]
fn check_prints_what_a_program_means() {
    let folder = Folder::new("emit");
    folder.write("p.durbin", &counting(""));
    let spec = folder.durbin(&["check", "--emit", "spec", "p.durbin"]);
    assert!(spec.status == 0 && spec.out.starts_with("Spec {") && !spec.out.contains("place"), "{}", spec.out);
    folder.write("q.durbin", "nobs(m)\n");
    let refused = folder.durbin(&["check", "--emit", "spec", "q.durbin"]);
    assert_eq!((refused.status, refused.out.as_str()), (1, ""));
}

#[cfg(unix)]
#[test]
fn a_link_leads_no_saved_file_out() {
    let (home, elsewhere) = (Folder::new("link-out"), Folder::new("target-out"));
    std::os::unix::fs::symlink(&elsewhere.0, home.0.join("results")).unwrap();
    home.write("p.durbin", &counting("save table(m) to \"results/t.csv\"\n"));
    let run = home.durbin(&["run", "p.durbin"]);
    assert!(run.status == 1 && run.err.contains("durbin::io::outside_out"), "{}", run.err);
    assert!(!elsewhere.0.join("t.csv").exists());
    // A link to an input is the input.
    std::os::unix::fs::symlink(home.0.join("towns.csv"), home.0.join("t.csv")).unwrap();
    home.write("p.durbin", &counting("save table(m) to \"t.csv\"\n"));
    let before = home.read("towns.csv");
    assert!(home.durbin(&["run", "p.durbin"]).err.contains("durbin::io::overwrites_input"));
    assert_eq!(home.read("towns.csv"), before);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_file_to_read() {
    let folder = Folder::new("pipe");
    if !Command::new("mkfifo").arg(folder.0.join("towns.pipe")).status().is_ok_and(|s| s.success()) {
        return;
    }
    folder.write("p.durbin", &counting("").replace("towns.csv", "towns.pipe"));
    let run = folder.durbin(&["run", "p.durbin"]);
    assert!(run.status == 1 && run.err.contains("no ordinary file"), "{}", run.err);
}

#[test]
fn pedantic_lints_come_when_asked_for_as_text_and_as_records() {
    let folder = Folder::new("pedantic");
    let panel = "panel towns from \"towns.csv\" { unit town  time year }\ntreatment law = starts(law_year)\n";
    folder.write("p.durbin", &format!("{panel}did(jobs ~ law + income)\n"));
    let usual = folder.durbin(&["check", "p.durbin"]);
    assert_eq!((usual.status, usual.out.as_str()), (0, "p.durbin: no errors\n"));
    let asked = folder.durbin(&["check", "--pedantic", "p.durbin"]);
    assert_eq!((asked.status, asked.out.as_str()), (0, "p.durbin: no errors, 1 remark\n"));
    assert!(asked.err.contains("durbin::check::post_treatment_control"), "{}", asked.err);
    for command in ["check", "plan", "run"] {
        let shown = folder.durbin(&[command, "--pedantic", "--format", "json", "p.durbin"]);
        let document: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
        let lints: Vec<&str> = document["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|w| w["level"] == "lint")
            .map(|w| w["code"].as_str().unwrap())
            .collect();
        let expected: &[&str] = match command {
            "check" => &["durbin::check::post_treatment_control"],
            _ => &["durbin::check::post_treatment_control", "durbin::treatment::staggered"],
        };
        assert_eq!(lints, expected, "{command}");
    }
}

#[test]
fn a_run_is_shown_as_markdown_or_as_a_page() {
    let folder = Folder::new("shapes");
    folder.write("p.durbin", &counting("m\nlet none = 1\nm\n"));
    let md = folder.durbin(&["run", "--quiet", "--format", "md", "p.durbin"]);
    assert_eq!(md.status, 0, "{}", md.err);
    assert!(md.out.starts_with("## nobs(m)\n\n```text\n48\n```\n\n## m: Linear model\n\n"), "{}", md.out);
    assert!(md.out.contains("\n| income | ") && md.out.contains("- **Outcome**: jobs\n"), "{}", md.out);
    let html = folder.durbin(&["run", "--quiet", "--format", "html", "p.durbin"]);
    assert!(html.out.starts_with("<!DOCTYPE html>") && html.out.ends_with("</html>\n"), "{}", html.out);
    assert!(html.out.contains("<h2>m: Linear model</h2>"), "{}", html.out);
    folder.write("bad.durbin", &counting("nobs(k)\n"));
    let refused = folder.durbin(&["run", "--quiet", "--format", "html", "bad.durbin"]);
    assert!(refused.status == 1 && refused.out.is_empty() && refused.err.contains("unknown_name"), "{refused:?}");
    assert_eq!(folder.durbin(&["check", "--format", "html", "p.durbin"]).status, 2);
}
