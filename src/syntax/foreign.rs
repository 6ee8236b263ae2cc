//! Words of Stata, R and Python, and what says the same here.

/// Stands for commands that load a package.
const LOADS: &str = "use std::MODULE";

/// Statements of other languages that begin with a word, and the text to write.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["xtset", "tsset", "xtdescribe"], "panel NAME from \"FILE.csv\" { unit A  time B }"),
    (&["spset", "spmatrix", "spmat", "spwmatrix", "nb2listw", "poly2nb"], "weights W = row(edges(\"FILE.csv\"))"),
    (&["gen", "generate", "egen", "replace", "mutate"], "let NAME = VALUE` inside the panel: `let lx = log(x)"),
    (&["reg", "regress", "areg", "lm", "glm"], "model m = ols(y ~ x)"),
    (&["xtreg", "reghdfe", "xtivreg", "feols", "plm", "felm", "fixest"], "model m = ols(y ~ x, fe: [unit, time])"),
    (&["xsmle", "spxtregress", "spregress", "spml", "spgm", "spatialreg", "lagsarlm"], "model m = sdm(y ~ x | W)"),
    (&["errorsarlm"], "model m = sem(y ~ x | W)"),
    (&["csdid", "did2s", "xtdidregress", "didregress", "did_imputation"], "model m = did(y ~ law)"),
    (&["keep", "drop", "filter", "subset"], "where CONDITION` inside the panel: `where year > 2003"),
    (&["merge", "joinby", "left_join"], "join \"FILE.csv\" by COLUMN` inside the panel"),
    (&["insheet", "infile", "clear", "sysuse", "webuse", "read"], "panel NAME from \"FILE.csv\" { unit A  time B }"),
    (&["library", "require", "import", "from", "ssc", "install", "install.packages", "source", "include"], LOADS),
    (&["def", "function", "lambda", "program", "define"], "fn NAME(x) = VALUE"),
    (&["local", "global", "scalar", "const", "var", "val", "set"], "let NAME = VALUE"),
    (&["predict"], "let f = fitted(m)"),
    (&["estimates", "eststo"], "model m = ols(y ~ x)"),
    (&["esttab", "outreg2", "stargazer", "modelsummary", "etable"], "save table(m) to \"table.tex\""),
    (&["summarize", "sum", "summary", "tabulate", "head", "str"], "describe(PANEL)"),
    (&["graph", "twoway", "scatter", "coefplot", "ggplot"], "plot(event_study(m, -5..3))"),
    (&["display", "di", "print", "cat", "echo"], "the value alone, on a line of its own"),
    (&["foreach", "forvalues", "for", "while"], "[ols(y ~ x) for y in [a, b]]"),
    (&["test", "testparm"], "wald(m)"),
    (&["sort", "order", "rename", "label", "format", "quietly", "cd", "setwd", "log", "capture", "return"], ""),
];

/// What to write instead of a command of another package; `None` for a word it does not know.
pub fn command_help(word: &str, arguments: &[&str]) -> Option<String> {
    let (words, text) = COMMANDS.iter().find(|(words, _)| words.contains(&word))?;
    if text.is_empty() {
        return Some(format!("leave `{word}` out: a program here says only what is estimated, on which data"));
    }
    if *text == LOADS {
        return Some("nothing is to be loaded: models, weights and tests are always there".to_string());
    }
    let plain = |a: &&str| a.chars().all(|c| c.is_alphanumeric() || c == '_');
    if words[0] == "xtset"
        && let [unit, time, ..] = arguments
        && plain(unit)
        && plain(time)
    {
        return Some(format!("write `panel NAME from \"FILE.csv\" {{ unit {unit}  time {time} }}`"));
    }
    if text.starts_with("the value") {
        return Some(format!("write {text}"));
    }
    let closed = if text.matches('`').count() % 2 == 1 && text.ends_with("the panel") { "" } else { "`" };
    Some(format!("write `{text}{closed}"))
}

/// Calls that are a statement elsewhere and nothing here: `library(splm)`.
pub fn is_command_call(word: &str) -> bool {
    matches!(
        word,
        "library"
            | "require"
            | "setwd"
            | "source"
            | "install.packages"
            | "import"
            | "include"
            | "print"
            | "cat"
            | "display"
    )
}

/// Clauses under other names, and the one they are here.
pub fn clause_help(word: &str) -> Option<&'static str> {
    let known = match word {
        "id" | "i" | "index" | "entity" | "group" | "region" | "panelvar" | "units" | "individual" => "unit",
        "year" | "t" | "date" | "period" | "timevar" | "times" | "quarter" | "month" => "time",
        "filter" | "keep" | "if" | "subset" | "drop" | "sample" | "select" => "where",
        "merge" | "left_join" | "with" => "join",
        "location" | "lonlat" | "latlon" | "lon" | "lat" | "xy" | "coord" | "coordinates" | "points" => "coords",
        "shape" | "geometry" | "polygons" | "shapefile" | "map" => "shapes",
        "gen" | "generate" | "mutate" | "compute" | "set" | "define" | "column" => "let",
        "na" | "nan" | "null" | "na_values" => "missing",
        "balanced" | "gaps" => "balance",
        "key" | "by" | "dimensions" | "dims" => "keys",
        "values" | "variable" | "measure" => "value",
        "aggregate" | "collapse" | "summarize" | "summarise" | "total" => "sum",
        "n" => "count",
        "fill" | "default" | "zero" => "absent",
        "charset" | "codepage" => "encoding",
        "sep" | "delim" | "delimiter" | "delimited" => "separator",
        "dec" => "decimal",
        "worksheet" | "tab" => "sheet",
        "cells" | "cellrange" => "range",
        "strip" => "trim",
        "replace" | "rename" | "relabel" => "recode",
        _ => return None,
    };
    Some(known)
}

/// Queries whose first argument is a formula.
pub fn is_query(word: &str) -> bool {
    let family = word.strip_suffix("_did").unwrap_or(word);
    matches!(family, "ols" | "slx" | "sar" | "sem" | "sdm" | "sdem" | "sac" | "gns" | "did" | "fit" | "rings")
        || matches!(word, "att_gt" | "sun_abraham" | "imputation" | "bacon")
}

/// The help for `m <- value` and its like: a declaration, and with a number after an arrow that points left the
/// comparison it may be, between what stands next to it.
pub fn assignment(name: &str, value: &str, points_left: bool) -> String {
    let binds = !name.is_empty()
        && name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let called = value.split('(').next().unwrap_or("").trim();
    let shown = if value.is_empty() { "…" } else { value };
    let declaration = match (binds, is_query(called)) {
        (true, true) => format!("model {name} = {shown}"),
        (true, false) => format!("let {name} = {shown}"),
        _ => "let NAME = …".to_string(),
    };
    let declared = format!("a name is bound with `=`: `{declaration}`");
    let left = name.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("");
    let number: String = value.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '_')).collect();
    if !points_left || left.is_empty() || !number.starts_with(|c: char| c.is_ascii_digit()) {
        return declared;
    }
    let comparison = format!("a comparison has a blank: `{left} < -{number}`");
    if binds { format!("{declared}; {comparison}") } else { comparison }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_becomes_the_statement_that_does_it() {
        let help = command_help("xtset", &["town", "year"]).unwrap();
        assert!(help.contains("{ unit town  time year }"), "{help}");
        assert_eq!(command_help("gen", &[]).unwrap(), "write `let NAME = VALUE` inside the panel: `let lx = log(x)`");
        assert_eq!(command_help("merge", &[]).unwrap(), "write `join \"FILE.csv\" by COLUMN` inside the panel");
        assert_eq!(command_help("pannel", &[]), None);
    }

    #[test]
    fn an_arrow_names_both_readings_where_both_are_possible() {
        assert_eq!(assignment("m", "ols(y ~ x)", false), "a name is bound with `=`: `model m = ols(y ~ x)`");
        assert!(assignment("x", "5", true).contains("x < -5"));
    }
}
