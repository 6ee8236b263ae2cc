//! What the renderers make of the hand-made outcomes, as a user sees it.

use super::layout::{LINE, width};
use super::samples::{array, entry, estimate, fit, panel, plain_fit, treatment, weights};
use super::{Stars, TableOptions, side_by_side};
use super::{csv, formats_of, json, saved, tex, text};
use crate::outcome::*;

pub(super) fn fit_entry(f: Fit) -> Entry {
    entry(Some("base"), "sdm_did(lhom ~ law + controls | C)", Outcome::Fit(Box::new(f)))
}

pub(super) fn small_table() -> Table {
    let cell = |b, se, p| Cell::Estimate { estimate: b, se, p };
    let coefficients = Block {
        heading: Some("Coefficients".into()),
        rows: vec![Row {
            label: "a_b & \"专业化\"".into(),
            cells: vec![cell(-0.5, 0.25, 0.045), cell(0.00012, 0.00002, 0.0001), Cell::Empty],
        }],
    };
    let fit = Block {
        heading: None,
        rows: vec![Row {
            label: "N".into(),
            cells: vec![Cell::Count(12345), Cell::Number(0.5), Cell::Text("Yes".into())],
        }],
    };
    Table {
        title: None,
        columns: vec!["m_1".into(), "m2".into(), "[3]".into()],
        blocks: vec![coefficients, fit],
        notes: vec!["p < 0.1, 50 %".into()],
        digits: 4,
    }
}

#[test]
fn a_fit_reads_from_header_to_notes() {
    let shown = text(&fit_entry(fit("C")));
    assert_eq!(
        shown,
        r#"base: Spatial Durbin model, difference-in-differences
  sdm_did(lhom ~ law + controls | C)

  Outcome          lhom
  Treatment        law
  Panel            states
  Observations     48 units × 11 periods = 528 (2000 to 2010)
  Fixed effects    unit, time
  Likelihood       transformed (fixed effects removed by an orthonormal transformation), M = 470
  Standard errors  clustered by unit
  Weights          C: 214 links, row-standardized, 1 island ("Maine")

  Log-likelihood         123.4560      sigma2         0.0312345
  AIC                   -230.9000      R2                0.9123
  BIC                   -190.1000      R2 within         0.0456
  rho              0.1234, admissible between -1.3912 and 1.0000

─────────────────────────────────────────────────────────────────────────────────────────────────
                                     Estimate  Std. error       z       p          95 % interval
─────────────────────────────────────────────────────────────────────────────────────────────────
Coefficients
  law                                  0.0957      0.0386    2.48   0.013      [ 0.0200,  0.1714]
  unemployrt                        -0.002100    0.000080  -26.25  <0.001  [-0.002257, -0.001943]
  人均GDP                             1250.50      402.25    3.11   0.070      [ 462.09, 2038.91]
Spatial lags: C @ x
  law                                 -0.0478      0.0386   -1.24   0.013      [-0.1235,  0.0278]
  unemployrt                         0.001050    0.000080   13.12  <0.001    [0.000893, 0.001207]
  人均GDP                             -625.25      402.25   -1.55   0.070     [-1413.66,  163.16]
Spatial parameters
  rho                                  0.1234      0.0500    2.47   0.014      [ 0.0254,  0.2214]
Effects, averaged over units
  law
    direct                             0.0960      0.0400    2.40   0.020      [ 0.0176,  0.1744]
    indirect                          -0.0300      0.0800   -0.38   0.710      [-0.1868,  0.1268]
    total                              0.0660      0.0900    0.73   0.450      [-0.1104,  0.2424]
  unemployrt
    direct                            -0.0020      0.0400   -0.05   0.020      [-0.0804,  0.0764]
    indirect                          -0.0300      0.0800   -0.38   0.710      [-0.1868,  0.1268]
    total                             -0.0320      0.0900   -0.36   0.450      [-0.2084,  0.1444]
Policy effects, averaged over (n) unit-periods
  direct, on the treated (95)          0.0960      0.0400    2.40   0.016      [ 0.0176,  0.1744]
  indirect, on the treated (95)        0.0100      0.0200    0.50   0.600      [-0.0292,  0.0492]
  total, on the treated (95)           0.1060      0.0500    2.12   0.030      [ 0.0080,  0.2040]
  indirect, on the untreated (193)    -0.0050      0.0100   -0.50   0.600      [-0.0246,  0.0146]
  indirect, on the exposed (120)      -0.0080      0.0160   -0.50   0.600      [-0.0394,  0.0234]
  aggregate, summed over all           7.5000           .       .       .                       .
─────────────────────────────────────────────────────────────────────────────────────────────────
Exposed: untreated unit-periods with a treated neighbor.
Note: 48 rows left out: missing
Note: the transformed likelihood was chosen because every row of the weights sums to one
"#
    );
}

#[test]
fn least_squares_has_t_and_no_spatial_blocks() {
    let shown = text(&fit_entry(plain_fit()));
    assert!(shown.starts_with("base: Two-way fixed effects, difference-in-differences\n"), "{shown}");
    assert!(shown.contains("Std. error       t       p"), "{shown}");
    assert!(!shown.contains("Spatial") && !shown.contains("Weights") && !shown.contains("Policy"), "{shown}");
}

#[test]
fn lags_of_several_matrices_stand_in_blocks_of_their_own() {
    let mut f = fit("W_band(0, 100)");
    let mut far = f.weights_used[0].clone();
    far.name = "W_band(100, 250)".into();
    f.weights_used.push(far);
    f.coefficients.push(Coefficient { term: "W_band(100, 250) @ law".into(), value: estimate(0.2, 0.1, 0.04) });
    let shown = text(&fit_entry(f.clone()));
    assert!(shown.contains("Spatial lags: W_band(0, 100) @ x\n  law "), "{shown}");
    assert!(shown.contains("Spatial lags: W_band(100, 250) @ x\n  law "), "{shown}");
    let table = side_by_side(&[("m", &f)], &TableOptions::default());
    let headings: Vec<&str> = table.blocks.iter().filter_map(|b| b.heading.as_deref()).collect();
    assert!(headings.contains(&"Spatial lags: W_band(100, 250) @ x"), "{headings:?}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let (f, g) = (fit("C"), fit("W_band(0, 600)"));
    let fits = [("base", &f), ("near", &g), ("far", &g), ("farther", &g), ("farthest", &g)];
    let table = entry(None, "table(…)", Outcome::Table(side_by_side(&fits, &TableOptions::default())));
    let entries = [
        fit_entry(fit("W_band(0, 600)")),
        table,
        entry(Some("C"), "C", Outcome::Weights(weights())),
        entry(Some("law"), "law", Outcome::Treatment(treatment())),
        entry(None, "states", Outcome::Panel(panel())),
    ];
    for e in entries {
        let shown = text(&e);
        let widest = shown.lines().max_by_key(|l| width(l)).unwrap();
        assert!(width(widest) <= LINE, "{} columns: {widest}", width(widest));
        assert!(shown.ends_with('\n') && shown.lines().all(|l| l == l.trim_end()));
    }
}

#[test]
fn a_treatment_is_drawn() {
    assert_eq!(
        text(&entry(Some("law"), "law", Outcome::Treatment(treatment()))),
        r#"Treatment law

  Panel            states, 2004 to 2006
  Units            48
  Never treated    27
  Always treated   0
  Absorbing        yes

  Starts
    2005     1  "Florida"
    2006    20

  Treated units
    2004  ········································   0
    2005  █·······································   1
    2006  ██████████████████······················  21
"#
    );
}

#[test]
fn printed_weights_name_their_islands() {
    assert_eq!(
        text(&entry(Some("C"), "C", Outcome::Weights(weights()))),
        r#"Weights C

  Built as         row(edges("contiguity.csv"))
  Panel            states
  Units            48
  Links            214 (9.49 % of all pairs)
  Neighbors        min 0, mean 4.46, max 8
  Islands          1: "Maine"
  Components       2
  Symmetric        no
  Scaling          row-standardized
  Admissible rho   (-1.3912, 1.0000), rule eigen
"#
    );
}

#[test]
fn a_panel_lists_its_columns() {
    assert_eq!(
        text(&entry(None, "states", Outcome::Panel(panel()))),
        r#"Panel states

  Units            48 (state)
  Periods          11 (year, 2000 to 2010)
  Rows             528, balanced

  Column    Type    Missing        Mean  Std. dev.   Min          Max
  ───────────────────────────────────────────────────────────────────
  人均GDP   number        0    0.123457        1.5    -2  10000000000
  law_year  number      297      2006.5        0.8  2005         2009
  region    text          0  7 distinct
"#
    );
}

#[test]
fn an_array_shows_its_first_rows_and_how_many_more() {
    assert_eq!(
        text(&entry(None, "residuals(base)", Outcome::Array(array()))),
        r#"residuals(base): 7 units × 2 periods, 1 missing

  unit  time     value
  ────────────────────
  城0   2001         0
  城0   2002         .
  城1   2001  0.666667
  城1   2002         1
  城2   2001   1.33333
  城2   2002   1.66667
  城3   2001         2
  城3   2002   2.33333
  城4   2001   2.66667
  城4   2002         3
  城5   2001   3.33333
  城5   2002   3.66667
  … and 2 more
"#
    );
}

#[test]
fn values_and_lists_print_plainly() {
    let value = |v| entry(None, "x", Outcome::Value(v));
    assert_eq!(text(&value(Scalar::Number(0.1))), "0.1\n");
    assert_eq!(text(&value(Scalar::Number(f64::NAN))), ".\n");
    let list = Outcome::List(vec![value(Scalar::Bool(true)), value(Scalar::Text("a".into()))]);
    assert_eq!(text(&entry(None, "l", list)), "[1 of 2] true\n\n[2 of 2] a\n");
}

#[test]
fn fits_stand_side_by_side() {
    let (f, g) = (plain_fit(), fit("C"));
    let table = side_by_side(&[("plain", &f), ("spatial", &g)], &TableOptions::default());
    assert_eq!(
        text(&entry(None, "table(plain, spatial)", Outcome::Table(table))),
        r#"────────────────────────────────────────────────────────
                                  plain       spatial
────────────────────────────────────────────────────────
Model                               DiD       SDM-DiD
Outcome                            lhom          lhom
Weights                                             C

Coefficients
  law                            0.0957**      0.0957**
                                (0.0386)      (0.0386)
  unemployrt                  -0.002100***  -0.002100***
                              (0.000080)    (0.000080)
  人均GDP                          1250*         1250*
                                   (402)         (402)

Spatial lags: C @ x
  law                                         -0.0478**
                                              (0.0386)
  unemployrt                                 0.001050***
                                            (0.000080)
  人均GDP                                      -625.2*
                                               (402.2)

Spatial parameters
  rho                                          0.1234**
                                              (0.0500)

Direct effects
  law                                          0.0960**
                                              (0.0400)
  unemployrt                                  -0.0020**
                                              (0.0400)

Indirect effects
  law                                         -0.0300
                                              (0.0800)
  unemployrt                                  -0.0300
                                              (0.0800)

Total effects
  law                                          0.0660
                                              (0.0900)
  unemployrt                                  -0.0320
                                              (0.0900)

Policy effects
  direct, on the treated                       0.0960**
                                              (0.0400)
  indirect, on the treated                     0.0100
                                              (0.0200)
  total, on the treated                        0.1060**
                                              (0.0500)
  indirect, on the untreated                  -0.0050
                                              (0.0100)
  indirect, on the exposed                    -0.0080
                                              (0.0160)
  aggregate, summed over all                    7.500

Fixed effects
  unit effects                      Yes           Yes
  time effects                      Yes           Yes

Fit
  Observations                      528           528
  Units                              48            48
  Periods                            11            11
  sigma2                         0.0312        0.0312
  Log-likelihood                 123.46        123.46
  AIC                           -230.90       -230.90
  BIC                           -190.10       -190.10
  R2                             0.9123        0.9123
  R2 within                      0.0456        0.0456
────────────────────────────────────────────────────────
Standard errors in brackets: clustered by unit.
Effects are averages over units; they, not the coefficients, say what a regressor does.
Policy effects are averages over the unit-periods named (exposed: untreated with a treated
  neighbor); the aggregate is a sum.
* p < 0.1, ** p < 0.05, *** p < 0.01.
"#
    );
}

#[test]
fn options_change_stars_digits_and_labels() {
    let labels = [("law".to_string(), "Castle law".to_string())].into();
    let f = fit("C");
    let table =
        side_by_side(&[("m", &f)], &TableOptions { stars: Stars::None, digits: 2, labels, ..TableOptions::default() });
    let shown = text(&entry(None, "table(m)", Outcome::Table(table)));
    assert!(!shown.contains('*'), "{shown}");
    assert!(shown.contains("  Castle law") && shown.contains("0.096\n") && shown.contains("(0.039)\n"), "{shown}");
}

#[test]
fn kinds_of_standard_errors_are_said_by_column_where_they_differ() {
    let (f, mut g) = (fit("C"), fit("C"));
    g.se_type = "qml".into();
    let table = side_by_side(&[("a", &f), ("b", &g)], &TableOptions::default());
    let note = "Standard errors in brackets: clustered by unit (a); quasi-maximum likelihood sandwich (b).";
    assert_eq!(table.notes[0], note);
}

#[test]
fn csv_quotes_what_must_be_quoted() {
    let expected = "\u{feff},m_1,m2,[3]\r\n\
        Coefficients,,,\r\n\
        \"a_b & \"\"专业化\"\"\",-0.5000**,0.000120***,\r\n\
        ,(0.2500),(0.000020),\r\n\
        N,12345,0.5000,Yes\r\n\
        \"p < 0.1, 50 %\",,,\r\n";
    assert_eq!(csv::table(&small_table()), expected);
}

#[test]
fn an_array_in_csv_is_long_and_exact() {
    let shown = csv::array(&array());
    assert!(
        shown.starts_with("unit,time,value\r\n城0,2001,0\r\n城0,2002,\r\n城1,2001,0.6666666666666666\r\n"),
        "{shown}"
    );
    assert_eq!(shown.lines().count(), 15);
}

#[test]
fn latex_escapes_and_keeps_unicode() {
    assert_eq!(
        tex::table(&small_table()),
        r#"% needs \usepackage{booktabs}
\begin{tabular}{lccl}
\toprule
 & m\_1 & m2 & {[}3] \\
\midrule
\multicolumn{4}{l}{\textit{Coefficients}} \\
a\_b \& {\char34}专业化{\char34} & $-$0.5000$^{**}$ & 0.000120$^{***}$ & \\
 & (0.2500) & (0.000020) & \\
\midrule
N & 12345 & 0.5000 & Yes \\
\bottomrule
\end{tabular}

\smallskip
\begin{minipage}{0.9\linewidth}\footnotesize
p \textless{} 0.1, 50 \%
\end{minipage}
"#
    );
}

#[test]
fn every_listed_format_is_written_and_no_other() {
    let outcomes = [
        Outcome::Fit(Box::new(fit("C"))),
        Outcome::Table(small_table()),
        Outcome::Effects {
            effects: fit("C").effects,
            responses: Vec::new(),
            policy_effects: fit("C").policy_effects,
            level: 0.95,
        },
        Outcome::Array(array()),
        Outcome::Weights(weights()),
        Outcome::Value(Scalar::Number(1.0)),
    ];
    for outcome in outcomes {
        let e = entry(None, "x", outcome);
        for extension in ["txt", "csv", "tex", "md", "html", "docx", "json", "svg", "rtf", ""] {
            let listed = formats_of(&e.outcome).contains(&extension);
            assert_eq!(
                saved(&e, extension, Lang::En).is_some_and(|s| !s.is_empty()),
                listed,
                "{extension} of {:?}",
                json::kind(&e.outcome)
            );
        }
    }
}

#[test]
fn a_fit_in_json_has_the_fields_of_the_contract() {
    let v = json::entry(&fit_entry(fit("C")));
    let fields = "name source kind model method likelihood m_effective durbin lag_weights error_weights df_adjust level outcome \
        weights fixed_effects se_type nobs units periods dropped coefficients effects policy_effects sigma2 loglik aic bic \
        df_residual r2 r2_within log_determinant rho_interval rho_interval_rule iterations converged vcov";
    for field in fields.split_whitespace() {
        assert!(v.get(field).is_some(), "{field} is missing");
    }
    assert_eq!(v["kind"], "fit");
    assert_eq!(v["coefficients"][3]["term"], "C @ law");
    assert_eq!(v["coefficients"][0]["estimate"], 0.0957);
    assert_eq!(v["policy_effects"]["direct_on_treated"]["se"], 0.04);
    assert_eq!(v["policy_effects"]["aggregate"]["ci"], serde_json::json!([null, null]));
    assert!(v["error_weights"].is_null() && v["vcov"]["matrix"][0][0].is_null());
    assert_eq!(v["dropped"][0], serde_json::json!({"reason": "missing", "rows": 48}));
    assert!(json::entry(&fit_entry(plain_fit())).get("policy_effects").is_none());
}

#[test]
fn numbers_in_json_read_back_to_the_same_bits() {
    let x = 0.1 + 0.2;
    let value = Outcome::Array(LabeledArray {
        dimensions: vec!["unit".into()],
        labels: vec![vec!["a".into(), "b".into(), "c".into()]],
        values: vec![x, f64::INFINITY, 5e-324],
    });
    let written = json::written(&json::entry(&entry(None, "x", value)));
    let back: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(back["values"][0].as_f64().map(f64::to_bits), Some(x.to_bits()));
    assert!(back["values"][1].is_null());
    assert_eq!(back["values"][2].as_f64(), Some(5e-324));
}

#[test]
fn a_document_says_what_ran_on_what() {
    let inputs = [json::Input { path: "panel.csv".into(), bytes: 12, blake3: "ab".into() }];
    let entries =
        [entry(None, "1 + 1", Outcome::Value(Scalar::Number(2.0))), entry(None, "t", Outcome::Table(small_table()))];
    let run = json::Run {
        version: "0.1.0",
        program_path: "a.durbin",
        program_blake3: "cd",
        inputs: &inputs,
        seed: 42,
        entries: &entries,
    };
    let v = json::document(&run, vec![]);
    let expected = serde_json::json!({
        "schema": "durbin.results/1",
        "durbin": "0.1.0",
        "program": {"path": "a.durbin", "blake3": "cd"},
        "inputs": [{"path": "panel.csv", "bytes": 12, "blake3": "ab"}],
        "seed": 42,
        "results": [
            {"name": null, "source": "1 + 1", "kind": "value", "value": 2.0},
            {"name": null, "source": "t", "kind": "table", "title": null, "columns": ["", "m_1", "m2", "[3]"],
             "rows": [["Coefficients"], ["a_b & \"专业化\"", "-0.5000**", "0.000120***", ""], ["", "(0.2500)", "(0.000020)", ""],
                      ["N", "12345", "0.5000", "Yes"]],
             "notes": ["p < 0.1, 50 %"],
             "blocks": [
                {"heading": "Coefficients", "rows": [{"label": "a_b & \"专业化\"", "cells": [
                    {"estimate": -0.5, "se": 0.25, "p": 0.045}, {"estimate": 0.00012, "se": 0.00002, "p": 0.0001}, null]}]},
                {"heading": null, "rows": [{"label": "N", "cells": [12345, 0.5, "Yes"]}]}]},
        ],
        "warnings": [],
    });
    assert_eq!(v, expected);
    let refusal = json::refusal(vec![serde_json::json!({"code": "durbin::syntax::unexpected"})], vec![]);
    assert_eq!(refusal["errors"][0]["code"], "durbin::syntax::unexpected");
    assert_eq!(refusal["warnings"], serde_json::json!([]));
}
