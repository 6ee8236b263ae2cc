//! What is saved for papers is read by the programs papers are made with: LaTeX, Word's formats, a browser. Each test
//! runs where its program is installed.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names that are markup or formulas elsewhere, in every kind of table.
const PROGRAM: &str = r##"## Towns & <b>harvests</b>
panel towns from "towns.csv" { unit town  time year }
treatment law = starts(law_year)
weights W = row(edges("roads.csv"))
model plain = did(jobs ~ law + income)
model durbin = sdm_did(jobs ~ law + income | W, se: iid)
let names = { law: "R&D_% <script>alert(1)</script>", income: "=cmd() {x} \\y $z$ #1 ~ ^", durbin: "[2] \"quoted\"" }
let paper = table(plain, durbin, labels: names, groups: { "No & space": 1, "W_x": 1 }, title: "50 % of <b>")
save paper to "paper.tex"
save table(event_study(durbin, -1..1), beneath: interval) to "study.tex"
save moran(durbin) to "moran.tex"
save law to "law.tex"
save describe(towns, by: law, columns: [jobs, income]) to "towns.tex"
save describe(towns, codebook: true) to "codebook.tex"
save paper to "paper.docx"
save paper to "paper.html"
report "page.html" { "# One & only"; paper; durbin; law; describe(towns) }
"##;

const TABLES: [&str; 6] = ["paper", "study", "moran", "law", "towns", "codebook"];

/// A folder with the program's results, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, program: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("durbin-papers-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/data");
        for file in ["towns.csv", "roads.csv"] {
            fs::copy(data.join(file), folder.join(file)).unwrap();
        }
        fs::write(folder.join("paper.durbin"), program).unwrap();
        let folder = Folder(folder);
        let (done, said) = folder.run(env!("CARGO_BIN_EXE_durbin"), &["run", "--quiet", "paper.durbin"]).unwrap();
        assert!(done, "{said}");
        folder
    }

    /// Whether a program did well, and what it said; `None` where it is not installed.
    fn run(&self, program: &str, arguments: &[&str]) -> Option<(bool, String)> {
        let done = Command::new(program).args(arguments).current_dir(&self.0).output().ok()?;
        let said = [done.stdout, done.stderr].concat();
        Some((done.status.success(), String::from_utf8_lossy(&said).into_owned()))
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A document of the tables, each within the width of the page.
fn document(head: &str, tables: &[&str]) -> String {
    let table = |t: &&str| format!("\\begin{{table}}\\centering\\footnotesize\n\\input{{{t}}}\n\\end{{table}}\n");
    let body: String = tables.iter().map(table).collect();
    format!(
        "\\documentclass{{article}}\n\\usepackage{{booktabs}}\n{head}\\begin{{document}}\n{body}\\end{{document}}\n"
    )
}

#[test]
fn tables_are_read_by_latex_in_a_plain_article() {
    let folder = Folder::new("latex", PROGRAM);
    fs::write(folder.0.join("doc.tex"), document("", &TABLES)).unwrap();
    let Some((done, said)) = folder.run("pdflatex", &["-interaction=nonstopmode", "-halt-on-error", "doc.tex"]) else {
        return;
    };
    assert!(done, "{said}");
    assert!(!said.contains("Missing character"), "{said}");
    if let Some((_, text)) = folder.run("pdftotext", &["-layout", "doc.pdf", "-"]) {
        // An underscore is a rule, which is no letter of the text.
        for words in ["% <script>alert(1)</script>", "=cmd() {x} \\y $z$ #1", "50 % of <b>", "No & space"] {
            assert!(text.contains(words), "{words} is not in\n{text}");
        }
    }
}

#[test]
#[ignore = "slow: needs XeLaTeX with ctex"]
fn chinese_tables_are_read_by_xelatex() {
    let program =
        PROGRAM.replace("panel towns from", "options { lang \"zh\" }\npanel towns from").replace("R&D_%", "专业化");
    let folder = Folder::new("xelatex", &program);
    let fonts = "\\usepackage{xeCJK}\n\\setCJKmainfont{WenQuanYi Zen Hei}\n";
    fs::write(folder.0.join("doc.tex"), document(fonts, &TABLES)).unwrap();
    let Some((done, said)) = folder.run("xelatex", &["-interaction=nonstopmode", "-halt-on-error", "doc.tex"]) else {
        return;
    };
    assert!(done && !said.contains("Missing character"), "{said}");
    let (_, text) = folder.run("pdftotext", &["-layout", "doc.pdf", "-"]).unwrap();
    for words in ["专业化", "空间权重矩阵", "括号内为标准误", "从未处理"] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
}

#[test]
#[ignore = "slow: needs LibreOffice"]
fn word_documents_are_read_by_an_office() {
    let folder = Folder::new("docx", PROGRAM);
    let Some((done, said)) = folder.run("soffice", &["--headless", "--convert-to", "pdf", "paper.docx"]) else {
        return;
    };
    assert!(done && folder.0.join("paper.pdf").exists(), "{said}");
    let (_, text) = folder.run("pdftotext", &["-layout", "paper.pdf", "-"]).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["alert(1)", "=cmd()", "50 % of <b>", "No & space", "Standard errors in brackets"] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
}

#[test]
#[ignore = "slow: needs Chromium"]
fn pages_are_shown_by_a_browser_without_a_complaint_or_a_request() {
    let folder = Folder::new("page", PROGRAM);
    for page in ["page.html", "paper.html"] {
        let written = folder.read(page);
        for word in ["http:", "https:", "src=", "@import", "url(", "<script"] {
            assert!(!written.contains(word), "{page} has {word}");
        }
        let address = format!("file://{}", folder.0.join(page).display());
        let common = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"];
        let arguments = [&common[..], &["--dump-dom", &address]].concat();
        let Some((done, said)) = folder.run("chromium", &arguments) else { return };
        assert!(done && !said.contains("CONSOLE"), "{said}");
        assert!(said.contains("R&amp;D_% &lt;script&gt;alert(1)&lt;/script&gt;"), "{said}");
    }
}
