//! Inputs of any size and depth end in an answer or in a located fault: nothing overflows the stack, nothing takes the
//! square of its length. Tests run on threads with a small stack, which is the point.

#![allow(clippy::unwrap_used)]

#[path = "support/cases.rs"]
#[allow(dead_code)]
mod cases;

use cases::{data_files, rendered};
use durbin::session::{Program, Run, Session};
use std::time::{Duration, Instant};

const PANEL: &str = "panel towns from \"towns.csv\" { unit town  time year }\n";

/// Far more than any of them takes, and far less than what the square of a length would.
const MOST: Duration = Duration::from_secs(100);

fn checked(text: &str) -> Run {
    let start = Instant::now();
    let run = Session::new(data_files()).check(&Program::new("big.durbin", &format!("{PANEL}{text}")));
    let shown = rendered(&run, &data_files());
    assert!(start.elapsed() < MOST, "{:?} for {} bytes", start.elapsed(), text.len());
    assert!(shown.len() < 200_000, "{} bytes of diagnostics", shown.len());
    run
}

/// The codes of the errors, each with a place in the program.
fn refused(text: &str) -> Vec<&'static str> {
    let run = checked(text);
    let errors = run.diagnostics.iter().filter(|d| d.is_error());
    errors.map(|d| d.span.map(|_| d.code).unwrap()).collect()
}

fn accepted(text: &str) -> Run {
    let run = checked(text);
    assert!(!run.failed(), "{}", rendered(&run, &data_files()));
    run
}

#[test]
fn nesting_beyond_the_limit_is_a_fault_at_its_place() {
    let brackets = |n: usize| format!("let x = {}1{}\nx\n", "(".repeat(n), ")".repeat(n));
    accepted(&brackets(120));
    for text in [
        brackets(10_000),
        format!("let x = {}1{}\n", "([{a: ".repeat(5_000), "}])".repeat(5_000)),
        format!("let x = {}", "(".repeat(1_000_000)),
        format!("let x = {}1{}\n", "if true then ".repeat(10_000), " else 1".repeat(10_000)),
        format!("let x = {}1{}\n", "log(".repeat(10_000), ")".repeat(10_000)),
        format!("let x = a{}\n", ".b".repeat(10_000)),
        format!("let x = f{}\n", "(1)".repeat(10_000)),
    ] {
        assert_eq!(refused(&text), ["durbin::syntax::too_deep"], "{}", &text[..40]);
    }
}

#[test]
fn what_is_long_and_not_deep_is_an_answer() {
    accepted(&format!("let x = {}true\nx\n", "not ".repeat(100_000)));
    accepted(&format!("let x = {}1\nx\n", "-".repeat(100_000)));
    accepted(&format!("let x = {}1\nx\n", "1^".repeat(20_000)));
    accepted(&format!("let x = {}1\nx\n", "if true then 1 else ".repeat(10_000)));
    accepted(&format!("let x = {}1\nx\n", "1 + ".repeat(200_000)));
}

#[test]
fn a_hundred_thousand_statements_are_checked_and_their_lints_counted() {
    let lets: String = (0..100_000).map(|i| format!("let v{i} = {i}\n")).collect();
    let run = accepted(&lets);
    assert_eq!(run.diagnostics.len(), 101);
    assert_eq!(run.diagnostics[100].message, "99900 more of these are not listed");
    let chain: String = (1..50_000).map(|i| format!("let v{i} = v{} + 1\n", i - 1)).collect();
    assert!(accepted(&format!("let v0 = 0\n{chain}v49999\n")).diagnostics.is_empty());
    let functions: String = (1..5_000).map(|i| format!("fn f{i}(x) = f{}(x)\n", i - 1)).collect();
    accepted(&format!("fn f0(x) = x\n{functions}f20(1)\n"));
}

#[test]
fn a_line_of_ten_megabytes_is_shown_around_its_fault() {
    accepted(&format!("let x = \"{}\"\nx\n", "a".repeat(10_000_000)));
    let garbage = format!("let x = {}\n", "% $ & ".repeat(1_700_000));
    assert_eq!(refused(&garbage).len(), 100);
    let run = checked(&format!("let x = 1{} wrong wrong\n", " ".repeat(10_000_000)));
    let place = run.diagnostics[0].to_json(&run.sources)["span"].clone();
    assert_eq!(place["line"], 2);
    assert!(place["column"].as_u64().unwrap() > 10_000_000);
    accepted(&format!("let {} = 1\n", "a".repeat(10_000_000)));
    let terms = vec!["income"; 50_000].join(" + ");
    assert_eq!(accepted(&format!("ols(jobs ~ {terms})\n")).diagnostics.len(), 101);
}

#[test]
fn a_program_of_fifty_megabytes_is_an_answer_or_a_fault() {
    accepted(&format!("{}1\n", "# a comment of about fifty characters in one line\n".repeat(300_000)));
    for text in ["\"", "()", "x y\n", "# a comment\n"] {
        assert_eq!(refused(&text.repeat(50_000_000 / text.len())), ["durbin::syntax::too_long"]);
    }
}

#[test]
fn ranges_and_lists_beyond_the_limit_are_refused_before_they_are_made() {
    assert_eq!(refused("let x = 0..1000000000000\n"), ["durbin::check::range_too_long"]);
    let nested = "[[[[1 for a in 1..1000] for b in 1..1000] for c in 1..1000] for d in 1..1000]\n";
    assert!(refused(nested).iter().all(|c| *c == "durbin::check::too_large"));
}
