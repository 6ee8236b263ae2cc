//! Names of every kind come out right in every format, and options of tables do what they say.

use super::samples::{entry, fit, plain_fit};
use super::tests::{fit_entry, small_table};
use super::{TableOptions, csv, lang, saved, side_by_side, text};
use crate::outcome::*;

#[test]
fn no_text_of_a_table_is_a_formula_of_a_spreadsheet() {
    let labels =
        ["=cmd()", "+1+2", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "-A1", "-5 and before", "-0.5***", "plain"];
    let rows = labels.map(|l| Row { label: l.into(), cells: vec![] }).to_vec();
    let table = Table { blocks: vec![Block { heading: None, rows }], ..Table::default() };
    let written = csv::table(&table);
    let lines: Vec<&str> = written.lines().skip(1).collect();
    let expected = [
        "'=cmd()",
        "'+1+2",
        "'-2+3+cmd|' /C calc'!A0",
        "'@SUM(A1)",
        "'\t=1",
        "'-A1",
        "-5 and before",
        "-0.5***",
        "plain",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn what_a_user_wrote_is_no_markup_in_any_format() {
    let name = "<script>alert(1)</script> & \"R_D\" |*%$#{}~^\\ [x](http://a) 专业化";
    let row = Row { label: name.into(), cells: vec![Cell::Text(name.into()), Cell::Empty, Cell::Empty] };
    let blocks = vec![Block { heading: Some(name.into()), rows: vec![row] }];
    let table = Table { title: Some(name.into()), notes: vec![name.into()], blocks, ..small_table() };
    let e = entry(Some(name), name, Outcome::Table(table));
    let text = |extension| String::from_utf8_lossy(&saved(&e, extension, Lang::En).unwrap()).into_owned();
    for extension in ["html", "md", "docx"] {
        assert!(!text(extension).contains("<script>"), "{extension}");
        assert!(text(extension).contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; "), "{extension}");
        assert!(text(extension).contains("专业化"), "{extension}");
    }
    assert!(text("md").contains("\\|\\*%\\$#{}\\~^\\\\ \\[x](http://a)"), "{}", text("md"));
    let tex = text("tex");
    assert!(tex.contains("\\textless{}script\\textgreater{}alert(1)"), "{tex}");
    assert!(
        tex.contains(
            "\\textbar{}*\\%\\$\\#\\{\\}\\textasciitilde{}\\textasciicircum{}\\textbackslash{} {[}x](http://a)"
        ),
        "{tex}"
    );
    assert!(text("json").contains("<script>alert(1)</script> & \\\"R_D\\\""), "{}", text("json"));
}

#[test]
fn a_page_asks_nothing_of_the_network() {
    let page = String::from_utf8(saved(&fit_entry(fit("C")), "html", Lang::Zh).unwrap()).unwrap();
    assert!(page.contains("default-src 'none'") && page.contains("<html lang=\"zh-CN\">"));
    for word in ["http://", "https://", "src=", "@import", "url(", "<script"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("title=\"0.095700000\"") && page.contains("<dt>被解释变量</dt><dd>lhom</dd>"), "{page}");
}

#[test]
fn stars_and_what_stands_beneath_are_chosen() {
    let f = fit("C");
    let first = |under| {
        let table = side_by_side(&[("m", &f)], &TableOptions { under, ..TableOptions::default() });
        let shown = text(&entry(None, "t", Outcome::Table(table.clone())));
        let below = shown.lines().skip_while(|l| !l.contains("  law ")).nth(1).unwrap().trim().to_string();
        (below, table.notes[0].clone())
    };
    assert_eq!(first(Under::Error), ("(0.0386)".into(), "Standard errors in brackets: clustered by unit.".into()));
    assert_eq!(first(Under::Statistic).0, "(2.48)");
    assert_eq!(first(Under::P).0, "(0.013)");
    let (interval, note) = first(Under::Interval);
    assert_eq!(interval, "[0.0200, 0.1714]");
    assert_eq!(note, "95 % intervals in brackets; standard errors clustered by unit.");
    let wide = Fit { level: 0.99, ..f.clone() };
    let options = TableOptions { under: Under::Interval, ..TableOptions::default() };
    let note = side_by_side(&[("m", &f), ("n", &wide), ("o", &f)], &options).notes[0].clone();
    assert_eq!(note, "Intervals in brackets, 95 % (m, o), 99 % (n); standard errors clustered by unit.");
    let said = lang::say(Lang::Zh, &note);
    assert!(!said.contains("brackets"), "{said}");
    let (next, note) = first(Under::Nothing);
    assert!(next.starts_with("unemployrt ") && note == "Standard errors: clustered by unit.", "{next} {note}");
}

#[test]
fn controls_are_one_row_and_their_names_a_note() {
    let (f, mut g) = (fit("C"), plain_fit());
    g.coefficients.retain(|c| c.term == "law");
    let controls = vec!["unemployrt".to_string(), "人均GDP".to_string()];
    let groups = vec![("Spatial".to_string(), 1)];
    let options = TableOptions { controls, groups, ..TableOptions::default() };
    let table = side_by_side(&[("a", &f), ("b", &g)], &options);
    let rows: Vec<&Row> = table.blocks.iter().flat_map(|b| &b.rows).collect();
    assert!(rows.iter().all(|r| r.label != "unemployrt" && r.label != "人均GDP"));
    let controls = rows.iter().find(|r| r.label == "Controls").unwrap();
    assert_eq!(controls.cells, [Cell::Text("Yes".into()), Cell::Text("No".into())]);
    assert!(table.notes.contains(&"Controls: unemployrt, 人均GDP.".to_string()), "{:?}", table.notes);
    assert!(text(&entry(None, "t", Outcome::Table(table))).contains("Spatial\n"));
}
