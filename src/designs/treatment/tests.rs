//! Treatments from columns, lists and indicators, and every fault of theirs.

use super::*;
use crate::data::csv::read;
use crate::data::keys::read_keys;
use crate::data::numbers::numbers;
use crate::fault::Level;

type Built = Result<Treatment, Vec<Fault>>;

fn with(text: &str, build: impl Fn(&Keys, &PanelIndex) -> Built) -> Built {
    let table = read("t.csv", format!("town,year,x\n{text}").as_bytes()).unwrap().0;
    let keys = Keys { panel: "towns", table: &table, unit: 0, time: 1 };
    let (index, _) = read_keys(&keys, &table.all_rows()).unwrap();
    build(&keys, &index)
}

/// Three periods from 2001, a start per unit.
fn rows(starts: &[(&str, &str)]) -> String {
    starts.iter().flat_map(|(u, g)| (2001..2004).map(move |t| format!("{u},{t},{g}\n"))).collect()
}

fn starts(text: &str) -> Built {
    with(text, |k, i| Treatment::from_starts("policy", k, i, Starts::Cells { column: 2, markers: &[] }))
}

fn indicator(text: &str, reversal: Reversal) -> Built {
    with(text, |k, i| {
        let x = numbers(k.table, 2, &[], &k.table.all_rows()).unwrap();
        Treatment::from_indicator("policy", k, i, ("active", Some(2), &x), reversal)
    })
}

fn first(built: Built) -> Fault {
    built.unwrap_err().remove(0)
}

fn codes(t: &Treatment) -> Vec<&'static str> {
    t.warnings().iter().map(|f| f.code.trim_start_matches("durbin::treatment::")).collect()
}

#[test]
fn units_are_treated_from_their_start_on() {
    let t = starts(&rows(&[("B", "2002.0"), ("A", ""), ("C", "2003")])).unwrap();
    assert_eq!(t.starts, [None, Some(2002), Some(2003)]);
    assert_eq!(t.treated, [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
    let s = t.summary();
    assert_eq!((s.units, s.never, s.always, s.absorbing), (3, 1, 0, true));
    assert_eq!(s.starts.iter().map(|c| (c.time, c.units)).collect::<Vec<_>>(), [(2002, 1), (2003, 1)]);
    assert_eq!(s.treated_by_period, [0, 1, 2]);
    assert_eq!(codes(&t), ["small_cohort"]);
}

#[test]
fn an_indicator_and_its_starts_are_one_treatment() {
    let a = starts(&rows(&[("A", ""), ("B", "2002")])).unwrap();
    let b = indicator("B,2003,1\nA,2001,0\nA,2002,0\nB,2001,0\nA,2003,0\nB,2002,1\n", Reversal::Refused).unwrap();
    assert_eq!(a, b);
    let list = |_: &Keys, i: &PanelIndex| Treatment::from_list("policy", "towns", i, &[("B".into(), 2002)]);
    assert_eq!(with(&rows(&[("A", ""), ("B", "")]), list).unwrap(), a);
}

#[test]
fn starts_that_cannot_be_read_are_refused() {
    let f = first(starts(&rows(&[("A", ""), ("B", "soon")])));
    assert_eq!((f.code, f.labels[0].line), ("durbin::treatment::bad_start", 5));
    assert!(f.message.contains("\"soon\"") && f.message.contains("`B`"));
    let f = first(starts(&rows(&[("A", "0"), ("B", "2002"), ("C", "0")])));
    assert_eq!(f.code, "durbin::treatment::zero_start");
    assert!(f.message.contains("2 units start in 0 in column `x`"), "{}", f.message);
    assert!(f.help.unwrap().contains("if x == 0 then missing else x"));
    let f = first(starts("A,2001,2003\nA,2002,\nB,2001,\n"));
    assert_eq!(f.code, "durbin::treatment::start_varies");
    assert!(f.message.contains("`A`") && f.message.contains("2003 and empty"), "{}", f.message);
    assert_eq!(f.labels.iter().map(|l| l.line).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn derived_starts_are_numbers_with_nan_for_never() {
    let text = rows(&[("A", ""), ("B", "")]);
    let build = |x: f64| {
        let values = [f64::NAN, f64::NAN, f64::NAN, x, x, x];
        with(&text, |k, i| Treatment::from_starts("p", k, i, Starts::Numbers { name: "g", values: &values }))
    };
    assert_eq!(build(2002.0).unwrap().starts, [None, Some(2002)]);
    assert_eq!(first(build(2002.5)).code, "durbin::treatment::bad_start");
}

#[test]
fn unknown_units_are_named_with_a_near_one() {
    let list = |_: &Keys, i: &PanelIndex| {
        Treatment::from_list("policy", "towns", i, &[("Corra".into(), 2002), ("Elva".into(), 2002)])
    };
    let f = first(with(&rows(&[("Cora", ""), ("Elva", "")]), list));
    assert_eq!((f.code, f.help.unwrap().as_str()), ("durbin::treatment::unknown_unit", "did you mean `Cora`?"));
    assert!(f.message.contains("\"Corra\" is no unit"));
}

#[test]
fn a_treatment_of_nobody_or_everybody_identifies_nothing() {
    let f = first(starts(&rows(&[("A", "2015"), ("B", "2017")])));
    assert_eq!(f.code, "durbin::treatment::none_treated");
    assert!(f.message.contains("2001 to 2003; starts run from 2015 to 2017"), "{}", f.message);
    assert!(first(starts(&rows(&[("A", ""), ("B", "")]))).message.contains("no unit has a start"));
    assert_eq!(first(starts(&rows(&[("A", "1999"), ("B", "2001")]))).code, "durbin::treatment::no_untreated");
}

#[test]
fn warnings_come_once_per_cause() {
    let t = starts(&rows(&[("A", "2001"), ("B", "2003"), ("C", "2002"), ("D", "10000"), ("E", "10000")])).unwrap();
    assert_eq!(codes(&t), ["always_treated", "small_cohort", "after_sample"]);
    let w = t.warnings();
    assert!(w[0].message.contains("1 unit ") && w[0].message.contains("`A`"));
    assert!(w[1].message.contains("2 cohorts") && w[1].message.contains("2003 (`B`)"), "{}", w[1].message);
    assert!(w[2].level == Level::Note && w[2].message.contains("2 units") && w[2].message.contains("10000"));
    assert_eq!((t.summary().never, t.summary().always), (2, 1));
    let t = starts(&rows(&[("A", "2002"), ("B", "2002"), ("C", "2002"), ("D", "2003")])).unwrap();
    assert_eq!(codes(&t), ["no_never_treated", "small_cohort"]);
    assert!(t.warnings()[0].message.contains("2003: `D`"), "{}", t.warnings()[0].message);
}

#[test]
fn indicators_are_zero_or_one_and_stay() {
    let f = first(indicator("A,1,0\nA,2,2\nB,1,0\nB,2,0.5\n", Reversal::Refused));
    assert_eq!((f.code, f.labels[0].line, f.labels[1].line), ("durbin::treatment::not_binary", 3, 5));
    assert!(f.message.contains("`active`") && f.message.contains("2, 0.5"));
    assert_eq!(first(indicator("A,1,0\nA,2,\nB,1,1\n", Reversal::Refused)).labels[0].line, 3);
    let back = "A,1,0\nA,2,0\nA,3,0\nCora,3,1\nCora,2,0\nCora,1,1\n";
    let f = first(indicator(back, Reversal::Refused));
    assert_eq!((f.code, f.labels[0].line), ("durbin::treatment::reverses", 6));
    assert!(f.message.contains("1 unit: `Cora` 2") && f.help.unwrap().contains("reversible: true"), "{}", f.message);
    let t = indicator(back, Reversal::Allowed).unwrap();
    assert!(!t.absorbing);
    assert_eq!(t.treated, [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(t.summary().treated_by_period, [1, 0, 1]);
}

#[test]
fn a_smaller_sample_matches_units_by_key() {
    let t = starts(&rows(&[("A", "2002"), ("B", ""), ("C", "2003")])).unwrap();
    let smaller = with("C,2001,\nC,2002,\nB,2001,\nB,2002,\n", |_, i| Ok(t.on(i))).unwrap();
    assert_eq!((smaller.starts.clone(), smaller.after_sample.clone()), (vec![None, None], vec![(1, 2003)]));
    assert_eq!(smaller.check().unwrap_err().code, "durbin::treatment::none_treated");
}
