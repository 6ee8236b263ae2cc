//! A Word document (Office Open XML): tables with three lines as journals set them, editable, notes beneath.

use super::grid::{Span, lower, spans, upper, word_columns};
use super::number::with_minus;
use super::pieces::Piece;
use super::zip::archive;
use crate::outcome::{Cell, Row, Table};

const SPACE: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
/// Columns from which a page lies on its side.
const WIDE: usize = 6;
/// Room between the margins of an upright page and of one on its side, in twentieths of a point.
const UPRIGHT: usize = 9638;
const ON_ITS_SIDE: usize = 14570;

/// A document of these pieces; figures, which Word does not show as SVG, are named by their words.
pub fn document(pieces: &[Piece]) -> Vec<u8> {
    // widths are generous: a fifth more than there is room for still fits
    let is_wide = |t: &Table| t.columns.len() >= WIDE || widths(t).iter().sum::<usize>() > UPRIGHT * 5 / 4;
    let wide = pieces.iter().any(|p| matches!(p, Piece::Table(t) if is_wide(t)));
    let room = if wide { ON_ITS_SIDE } else { UPRIGHT };
    let body: String = pieces.iter().map(|p| piece(p, room)).collect();
    let size = if wide {
        "<w:pgSz w:w=\"16838\" w:h=\"11906\" w:orient=\"landscape\"/>"
    } else {
        "<w:pgSz w:w=\"11906\" w:h=\"16838\"/>"
    };
    let margins = "<w:pgMar w:top=\"1134\" w:right=\"1134\" w:bottom=\"1134\" w:left=\"1134\" w:header=\"709\" w:footer=\"709\" w:gutter=\"0\"/>";
    let main = format!(
        "{HEAD}<w:document xmlns:w=\"{SPACE}\"><w:body>{body}<w:sectPr>{size}{margins}</w:sectPr></w:body></w:document>\n"
    );
    archive(&[
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", RELATIONS),
        ("word/document.xml", &main),
        ("word/styles.xml", &styles()),
        ("word/_rels/document.xml.rels", STYLE_RELATION),
    ])
}

fn piece(piece: &Piece, room: usize) -> String {
    match piece {
        Piece::Heading(level, text) => styled(&format!("Heading{}", level.clamp(&1, &3)), &run(text, "")),
        Piece::Paragraph(text) => styled("Normal", &run(&text.replace('`', ""), "")),
        Piece::Points(points) => {
            points.iter().map(|p| styled("Normal", &run(&format!("– {}", p.replace('`', "")), ""))).collect()
        }
        Piece::Facts(facts) => facts
            .iter()
            .map(|(k, v)| {
                let head = if k.is_empty() { String::new() } else { run(&format!("{k}: "), "<w:b/>") };
                styled("Normal", &(head + &run(&with_minus(v), "")))
            })
            .collect(),
        Piece::Code(text) | Piece::Program(text) => {
            text.trim_end().lines().map(|l| styled("Code", &run(l, ""))).collect()
        }
        Piece::Table(t) => table(t, room),
        Piece::Picture { words, .. } => styled("Notes", &run(&words.replace('`', ""), "")),
    }
}

fn table(table: &Table, room: usize) -> String {
    let mut out = table.title.as_ref().map_or(String::new(), |t| styled("Caption", &run(t, "")));
    out.push_str("<w:tbl><w:tblPr><w:tblW w:w=\"0\" w:type=\"auto\"/><w:jc w:val=\"left\"/><w:tblBorders>");
    for side in ["top", "bottom"] {
        out.push_str(&format!("<w:{side} w:val=\"single\" w:sz=\"12\" w:space=\"0\" w:color=\"auto\"/>"));
    }
    out.push_str("</w:tblBorders><w:tblLayout w:type=\"autofit\"/><w:tblCellMar><w:left w:w=\"85\" w:type=\"dxa\"/>");
    out.push_str("<w:right w:w=\"85\" w:type=\"dxa\"/></w:tblCellMar></w:tblPr><w:tblGrid>");
    let widths = widths(table);
    let all: usize = widths.iter().sum();
    let fitted = |w: &usize| if all > room { w * room / all } else { *w };
    widths.iter().map(fitted).for_each(|w| out.push_str(&format!("<w:gridCol w:w=\"{w}\"/>")));
    out.push_str("</w:tblGrid>");
    spans(table).iter().for_each(|row| out.push_str(&span_row(row)));
    let words = word_columns(table);
    let heads = table.columns.iter().zip(&words).map(|(c, w)| cell(&[run(c, "")], align(*w), "", LINE_BELOW));
    out.push_str(&row(&(cell(&[String::new()], "left", "", LINE_BELOW) + &heads.collect::<String>()), true));
    let mut first = true;
    for block in &table.blocks {
        let rows: Vec<&Row> =
            block.rows.iter().filter(|r| !r.cells.iter().any(|c| matches!(c, Cell::Heading(_)))).collect();
        let mut above = if first || rows.is_empty() { "" } else { LINE_ABOVE };
        first &= rows.is_empty();
        if let (Some(heading), false) = (&block.heading, rows.is_empty()) {
            let span = format!("<w:gridSpan w:val=\"{}\"/>", table.columns.len() + 1);
            out.push_str(&row(&cell(&[run(heading, "<w:i/>")], "left", &span, above), false));
            above = "";
        }
        for r in rows {
            out.push_str(&row(&cells(r, table, &words, above), false));
            above = "";
        }
    }
    out.push_str("</w:tbl>");
    table.notes.iter().for_each(|n| out.push_str(&styled("Notes", &run(n, ""))));
    // Word joins tables that follow each other without a paragraph between.
    if table.notes.is_empty() {
        out.push_str(&styled("Notes", ""));
    }
    out
}

/// Widths of the columns in twentieths of a point, by their longest texts; long words are broken, numbers are not.
fn widths(table: &Table) -> Vec<usize> {
    let wide = |text: &str| super::layout::width(text) * LETTER + 2 * MARGIN;
    let rows = || table.blocks.iter().flat_map(|b| &b.rows);
    let label = rows().map(|r| wide(&r.label)).max().unwrap_or(0).min(LONGEST);
    let words = word_columns(table);
    let column = |j: usize| {
        let cell = |r: &Row| {
            r.cells
                .get(j)
                .filter(|c| !matches!(c, Cell::Heading(_)))
                .map_or(0, |c| wide(&upper(c, table.digits)).max(wide(&lower(c, table.digits))))
        };
        let widest = rows().map(cell).max().unwrap_or(0).max(wide(&table.columns[j]));
        if words.get(j) == Some(&true) { widest.min(LONGEST) } else { widest }
    };
    let mut all: Vec<usize> = std::iter::once(label).chain((0..table.columns.len()).map(column)).collect();
    for row in spans(table) {
        let mut from = 1;
        for span in row {
            let there: usize = all.iter().skip(from).take(span.columns).sum();
            from += span.columns;
            if let Some(last) = all.get_mut(from - 1) {
                *last += wide(&span.text).saturating_sub(there);
            }
        }
    }
    all
}

/// A letter of a cell, the margin at either side of it, and the widest column of words.
const LETTER: usize = 125;
const MARGIN: usize = 85;
const LONGEST: usize = 4000;

const LINE_BELOW: &str =
    "<w:tcBorders><w:bottom w:val=\"single\" w:sz=\"6\" w:space=\"0\" w:color=\"auto\"/></w:tcBorders>";
const LINE_ABOVE: &str =
    "<w:tcBorders><w:top w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"auto\"/></w:tcBorders>";

fn align(words: bool) -> &'static str {
    if words { "left" } else { "center" }
}

fn span_row(spans: &[Span]) -> String {
    let mut out = cell(&[String::new()], "left", "", "");
    for span in spans {
        let line = if span.text.is_empty() { "" } else { LINE_BELOW };
        let width = format!("<w:gridSpan w:val=\"{}\"/>", span.columns);
        out.push_str(&cell(&[run(&span.text, "")], "center", &width, line));
    }
    row(&out, true)
}

fn cells(r: &Row, table: &Table, words: &[bool], borders: &str) -> String {
    let mut out = cell(&[run(&r.label, "")], "left", "", borders);
    for j in 0..table.columns.len() {
        let c = r.cells.get(j).unwrap_or(&Cell::Empty);
        let is_words = words.get(j) == Some(&true);
        // Numbers and intervals stay on one line.
        let kept = |text: String| if is_words { text } else { text.replace(' ', "\u{a0}") };
        let mut lines = vec![starred(&kept(with_minus(&upper(c, table.digits))))];
        let below = kept(with_minus(&lower(c, table.digits)));
        if !below.is_empty() {
            lines.push(run(&below, ""));
        }
        out.push_str(&cell(&lines, align(is_words), "", borders));
    }
    out
}

/// Stars are raised.
fn starred(text: &str) -> String {
    let bare = text.trim_end_matches('*');
    let stars = &text[bare.len()..];
    let raised = if stars.is_empty() { String::new() } else { run(stars, "<w:vertAlign w:val=\"superscript\"/>") };
    run(bare, "") + &raised
}

fn row(cells: &str, head: bool) -> String {
    let head = if head { "<w:tblHeader/>" } else { "" };
    format!("<w:tr><w:trPr><w:cantSplit/>{head}</w:trPr>{cells}</w:tr>")
}

/// A cell of lines, each a paragraph.
fn cell(lines: &[String], align: &str, span: &str, borders: &str) -> String {
    let paragraph =
        |l: &String| format!("<w:p><w:pPr><w:pStyle w:val=\"Cell\"/><w:jc w:val=\"{align}\"/></w:pPr>{l}</w:p>");
    let inside: String = lines.iter().map(paragraph).collect();
    let whole = if align == "center" { "<w:noWrap/>" } else { "" };
    format!("<w:tc><w:tcPr><w:tcW w:w=\"0\" w:type=\"auto\"/>{span}{borders}{whole}</w:tcPr>{inside}</w:tc>")
}

fn styled(style: &str, runs: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>{runs}</w:p>")
}

/// Text in one form; empty text is no run.
fn run(text: &str, form: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let form = if form.is_empty() { String::new() } else { format!("<w:rPr>{form}</w:rPr>") };
    format!("<w:r>{form}<w:t xml:space=\"preserve\">{}</w:t></w:r>", escaped(text))
}

/// Text without meaning for XML; signs XML cannot hold are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() || c == '\u{fffe}' || c == '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

/// Times with a Chinese song face; sizes in half points.
fn styles() -> String {
    let style = |id: &str, name: &str, size: u8, more: &str, paragraph: &str| {
        let default = if id == "Normal" { " w:default=\"1\"" } else { "" };
        format!(
            "<w:style w:type=\"paragraph\"{default} w:styleId=\"{id}\"><w:name w:val=\"{name}\"/><w:pPr>{paragraph}</w:pPr>\
             <w:rPr>{more}<w:sz w:val=\"{size}\"/><w:szCs w:val=\"{size}\"/></w:rPr></w:style>"
        )
    };
    let gap = |before: u32, after: u32| format!("<w:spacing w:before=\"{before}\" w:after=\"{after}\"/>");
    let kept = |before: u32, level: u8| format!("<w:keepNext/>{}<w:outlineLvl w:val=\"{level}\"/>", gap(before, 80));
    let all = [
        style("Normal", "Normal", 21, "", &gap(0, 60)),
        style("Heading1", "heading 1", 32, "<w:b/>", &kept(120, 0)),
        style("Heading2", "heading 2", 26, "<w:b/>", &kept(240, 1)),
        style("Heading3", "heading 3", 23, "<w:b/>", &kept(180, 2)),
        style("Caption", "caption", 21, "<w:b/>", &format!("<w:keepNext/>{}", gap(120, 60))),
        style("Cell", "Table Cell", 19, "", &gap(10, 10)),
        style("Notes", "Table Notes", 17, "", &gap(30, 0)),
        style(
            "Code",
            "Code",
            17,
            "<w:rFonts w:ascii=\"Consolas\" w:hAnsi=\"Consolas\" w:cs=\"Consolas\"/>",
            &gap(0, 0),
        ),
    ];
    format!(
        "{HEAD}<w:styles xmlns:w=\"{SPACE}\"><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii=\"Times New Roman\" \
         w:hAnsi=\"Times New Roman\" w:cs=\"Times New Roman\" w:eastAsia=\"SimSun\"/></w:rPr></w:rPrDefault></w:docDefaults>{}</w:styles>\n",
        all.join("")
    )
}

const TYPES: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n",
    "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">",
    "<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>",
    "<Default Extension=\"xml\" ContentType=\"application/xml\"/>",
    "<Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/>",
    "<Override PartName=\"/word/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml\"/>",
    "</Types>\n"
);

const RELATIONS: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n",
    "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">",
    "<Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/>",
    "</Relationships>\n"
);

const STYLE_RELATION: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n",
    "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">",
    "<Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles\" Target=\"styles.xml\"/>",
    "</Relationships>\n"
);
