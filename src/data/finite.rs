//! What an expression's values may not be: not finite, of two kinds, a category that no row has.

use crate::data::keys::{Keys, PanelIndex};
use crate::data::series::{Item, Series, Value};
use crate::fault::Fault;

/// Which operation's values are looked at; it decides the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Log,
    Sqrt,
    Divide,
    /// Overflow of anything else.
    Other,
}

/// What went into an operation: the text of the operand and its values.
pub type Operand<'a> = (&'a str, &'a Value);

/// Refuses rows in which finite inputs gave no finite number: `not_finite`. `written` is the expression as the program
/// has it; of `inputs` the last is the one at fault (the argument, the divisor).
pub fn check_finite(
    keys: &Keys,
    index: &PanelIndex,
    rows: &[u32],
    (operation, written): (Operation, &str),
    inputs: &[Operand],
    output: &[f64],
) -> Result<(), Fault> {
    let sound = |r: usize| inputs.iter().all(|(_, v)| !matches!(v.item(r), Item::Missing));
    let broken = |r: usize| output.get(r).is_some_and(|y| !y.is_finite()) && sound(r);
    let bad: Vec<usize> = rows.iter().map(|&r| r as usize).filter(|&r| broken(r)).collect();
    let Some(&first) = bad.first() else { return Ok(()) };
    let told = |r: usize| {
        let values: Vec<String> = inputs
            .iter()
            .filter_map(|(name, v)| match v.item(r) {
                Item::Number(x) if matches!(v, Value::Column(_)) => Some(format!("`{name}` is {x}")),
                _ => None,
            })
            .collect();
        if values.is_empty() { String::new() } else { format!(", where {}", values.join(" and ")) }
    };
    // Rows of a table without a panel's keys are named by their line.
    let named = |r: usize| {
        Some(index.named(r)).filter(|n| !n.is_empty()).unwrap_or_else(|| format!("line {}", keys.table.line(r)))
    };
    let others: Vec<String> = bad.iter().skip(1).take(4).map(|&r| named(r)).collect();
    let mut message = format!("`{written}` is not a finite number for {}{}", named(first), told(first));
    if bad.len() > 1 {
        let more = if bad.len() > 5 { format!(" and {} more", bad.len() - 5) } else { String::new() };
        message.push_str(&format!("; {} rows in all, the others {}{more}", bad.len(), others.join(", ")));
    }
    let subject = inputs.last().map_or("x", |(name, _)| name);
    let help = match operation {
        Operation::Log => format!(
            "`where {subject} > 0` keeps the rows that have a logarithm; `log({subject} + 1)` is another variable"
        ),
        Operation::Sqrt => format!("`where {subject} >= 0` keeps the rows that have a root"),
        Operation::Divide => format!("`where {subject} != 0` keeps the rows that can be divided"),
        Operation::Other => "numbers are 64-bit floats, up to about 1.8e308: rescale the column".to_string(),
    };
    let mut fault = Fault::error("durbin::data::not_finite", message).help(help);
    for &row in bad.iter().take(5) {
        let text = format!("{}{}", named(row), told(row));
        fault = fault.label(&keys.table.file, keys.table.line(row), 1, text);
    }
    Err(fault)
}

/// A number compared with text, or the reverse: names as written, kinds in the words of the language.
pub fn compared_kinds((left, left_kind): (&str, &str), (right, right_kind): (&str, &str)) -> Fault {
    let bare = right.trim_matches('"');
    let help = if right.starts_with('"') && bare.parse::<f64>().is_ok() {
        format!("write the number without quotes: {bare}")
    } else {
        "compare numbers with numbers and text with \"text\"".to_string()
    };
    Fault::error(
        "durbin::data::compared_kinds",
        format!("`{left}` ({left_kind}) is compared with `{right}` ({right_kind})"),
    )
    .help(help)
}

/// A warning where no row of a text column has the text it is compared with.
pub fn no_such_level(column: &str, values: &Series, text: &str) -> Option<Fault> {
    let Series::Texts(texts) = values else { return None };
    if (0..texts.len()).any(|r| texts.get(r) == Some(text)) {
        return None;
    }
    let fault = Fault::warning("durbin::data::no_such_level", format!("no row has \"{text}\" in `{column}`"));
    Some(match crate::suggest::did_you_mean(text, texts.levels().iter().map(AsRef::as_ref)) {
        Some(help) => fault.help(help),
        None => fault,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::read;
    use crate::data::keys::read_keys;
    use crate::data::series::{Binary, Texts, Unary, binary, unary};

    fn check(operation: (Operation, &str), inputs: &[Operand], output: &Value, rows: &[u32]) -> Result<(), Fault> {
        let table = read("t.csv", b"u,t\nA,1\nElva,2002\nC,1\n").unwrap().0;
        let keys = Keys { panel: "p", table: &table, unit: 0, time: 1 };
        let (index, _) = read_keys(&keys, &table.all_rows()).unwrap();
        let Value::Column(Series::Numbers(y)) = output else { unreachable!() };
        check_finite(&keys, &index, rows, operation, inputs, y)
    }

    fn column(x: &[f64]) -> Value {
        Value::Column(Series::Numbers(x.to_vec()))
    }

    #[test]
    fn the_logarithm_of_zero_says_what_went_in() {
        let jobs = column(&[1.0, 0.0, f64::NAN]);
        let y = unary(Unary::Log, &jobs).unwrap();
        let f = check((Operation::Log, "log(jobs)"), &[("jobs", &jobs)], &y, &[0, 1, 2]).unwrap_err();
        assert_eq!((f.code, f.labels[0].line), ("durbin::data::not_finite", 3));
        assert_eq!(f.message, "`log(jobs)` is not a finite number for `Elva` 2002, where `jobs` is 0");
        let help = f.help.unwrap();
        assert!(help.contains("where jobs > 0") && help.contains("log(jobs + 1)"));
        assert!(check((Operation::Log, "log(jobs)"), &[("jobs", &jobs)], &y, &[0, 2]).is_ok());
    }

    #[test]
    fn zero_by_zero_counts_but_missing_does_not() {
        let (a, b) = (column(&[0.0, 1.0, f64::NAN]), column(&[0.0, 0.0, 0.0]));
        let y = binary(Binary::Divide, &a, &b).unwrap();
        let f = check((Operation::Divide, "a / b"), &[("a", &a), ("b", &b)], &y, &[0, 1, 2]).unwrap_err();
        assert_eq!(f.labels.len(), 2);
        assert!(f.message.contains("2 rows in all") && f.help.unwrap().contains("where b != 0"), "{}", f.message);
    }

    #[test]
    fn kinds_and_levels() {
        let f = compared_kinds(("year", "number"), ("\"2003\"", "text"));
        assert!(f.message.contains("`year` (number)") && f.help.unwrap().contains("2003"));
        let s = Series::Texts(Texts::new([Some("tech"), None]));
        assert!(no_such_level("sector", &s, "tech").is_none());
        assert!(no_such_level("sector", &s, "tehc").unwrap().help.unwrap().contains("`tech`"));
    }
}
