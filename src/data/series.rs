//! The values columns take in expressions, one per row of a table, and element-wise functions on them.
//!
//! Missing passes on: NaN among numbers, no code among texts, `None` among truth values. A scalar goes with every row.
//! Nothing here knows expressions: whoever walks a tree calls one function per node, on whole columns.

use std::collections::HashMap;
use std::sync::Arc;

use thiserror::Error;

use crate::data::numbers::{Kind, is_missing};
use crate::data::table::Table;

/// The code of a missing text.
const NO_TEXT: u32 = u32::MAX;

/// A column of texts by number: `codes[r]` is a position in `levels`, which are sorted.
#[derive(Clone, Debug, PartialEq)]
pub struct Texts {
    codes: Vec<u32>,
    levels: Arc<Vec<Arc<str>>>,
}

impl Texts {
    /// Codes texts; `None` is missing.
    pub fn new<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Texts {
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut names: Vec<&str> = Vec::new();
        let mut codes: Vec<u32> = Vec::new();
        for text in texts {
            codes.push(text.map_or(NO_TEXT, |text| {
                *known.entry(text).or_insert_with(|| {
                    names.push(text);
                    names.len() as u32 - 1
                })
            }));
        }
        let mut order: Vec<u32> = (0..names.len() as u32).collect();
        order.sort_unstable_by_key(|&k| names[k as usize]);
        let mut rank = vec![0; names.len()];
        for (new, &old) in order.iter().enumerate() {
            rank[old as usize] = new as u32;
        }
        for code in codes.iter_mut().filter(|c| **c != NO_TEXT) {
            *code = rank[*code as usize];
        }
        Texts { codes, levels: Arc::new(order.iter().map(|&k| Arc::from(names[k as usize])).collect()) }
    }

    /// The text of a row; `None` where missing.
    pub fn get(&self, row: usize) -> Option<&str> {
        let code = *self.codes.get(row)?;
        self.levels.get(code as usize).map(AsRef::as_ref)
    }

    /// The distinct texts, sorted by code points; after a selection some may be without a row.
    pub fn levels(&self) -> &[Arc<str>] {
        &self.levels
    }

    /// The number of a row's level.
    pub fn code(&self, row: usize) -> Option<usize> {
        self.codes.get(row).filter(|&&c| c != NO_TEXT).map(|&c| c as usize)
    }

    pub fn len(&self) -> usize {
        self.codes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }
}

/// One value per row of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Series {
    /// NaN is missing.
    Numbers(Vec<f64>),
    Texts(Texts),
    Bools(Vec<Option<bool>>),
}

impl Series {
    /// A text column of a table; empty cells and declared markers are missing.
    pub fn of_texts(table: &Table, col: usize, markers: &[String]) -> Series {
        let cell = |row| Some(table.get(row, col)).filter(|c| !is_missing(c, markers));
        Series::Texts(Texts::new((0..table.rows()).map(cell)))
    }

    pub fn len(&self) -> usize {
        match self {
            Series::Numbers(x) => x.len(),
            Series::Texts(x) => x.len(),
            Series::Bools(x) => x.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a row is missing; rows beyond the end are.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Series::Numbers(x) => x.get(row).is_none_or(|v| v.is_nan()),
            Series::Texts(x) => x.code(row).is_none(),
            Series::Bools(x) => x.get(row).copied().flatten().is_none(),
        }
    }

    /// Values of other rows: row `r` of the answer is row `from[r]`, missing where that is `None`.
    pub fn gather(&self, from: &[Option<u32>]) -> Series {
        let from = from.iter().map(|r| r.map(|r| r as usize));
        match self {
            Series::Numbers(x) => {
                Series::Numbers(from.map(|r| r.and_then(|r| x.get(r)).copied().unwrap_or(f64::NAN)).collect())
            }
            Series::Texts(x) => Series::Texts(Texts {
                codes: from.map(|r| r.and_then(|r| x.codes.get(r)).copied().unwrap_or(NO_TEXT)).collect(),
                levels: x.levels.clone(),
            }),
            Series::Bools(x) => Series::Bools(from.map(|r| r.and_then(|r| x.get(r)).copied().flatten()).collect()),
        }
    }
}

/// A column, or a scalar that goes with every row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Column(Series),
    Number(f64),
    Text(Arc<str>),
    Bool(bool),
    /// `missing`: of any kind.
    Missing,
}

/// One element of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'a> {
    Number(f64),
    Text(&'a str),
    Bool(bool),
    Missing,
}

impl Value {
    /// How many rows it has; `None` for a scalar.
    pub fn rows(&self) -> Option<usize> {
        match self {
            Value::Column(c) => Some(c.len()),
            _ => None,
        }
    }

    /// The element of a row.
    pub fn item(&self, row: usize) -> Item<'_> {
        match self {
            Value::Column(c) if c.is_missing(row) => Item::Missing,
            Value::Column(Series::Numbers(x)) => Item::Number(x[row]),
            Value::Column(Series::Texts(x)) => x.get(row).map_or(Item::Missing, Item::Text),
            Value::Column(Series::Bools(x)) => x[row].map_or(Item::Missing, Item::Bool),
            Value::Number(x) if x.is_nan() => Item::Missing,
            Value::Number(x) => Item::Number(*x),
            Value::Text(x) => Item::Text(x),
            Value::Bool(x) => Item::Bool(*x),
            Value::Missing => Item::Missing,
        }
    }

    /// Its kind in the words of the language; `None` for `missing`.
    pub fn kind(&self) -> Option<&'static str> {
        match self {
            Value::Column(Series::Numbers(_)) | Value::Number(_) => Some(Kind::Number.word()),
            Value::Column(Series::Texts(_)) | Value::Text(_) => Some(Kind::Text.word()),
            Value::Column(Series::Bools(_)) | Value::Bool(_) => Some("true or false"),
            Value::Missing => None,
        }
    }

    fn number(&self, row: usize) -> f64 {
        match self {
            Value::Column(Series::Numbers(x)) => x.get(row).copied().unwrap_or(f64::NAN),
            Value::Number(x) => *x,
            _ => f64::NAN,
        }
    }

    fn truth(&self, row: usize) -> Option<bool> {
        match self.item(row) {
            Item::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// As a column of `rows` rows.
    pub fn spread(&self, rows: usize) -> Series {
        match self {
            Value::Column(c) => c.clone(),
            Value::Number(x) => Series::Numbers(vec![*x; rows]),
            Value::Missing => Series::Numbers(vec![f64::NAN; rows]),
            Value::Text(x) => Series::Texts(Texts { codes: vec![0; rows], levels: Arc::new(vec![x.clone()]) }),
            Value::Bool(x) => Series::Bools(vec![Some(*x); rows]),
        }
    }
}

/// Why values do not go together.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum KindError {
    #[error("a {expected} is wanted, this is {found}")]
    Wrong { expected: &'static str, found: &'static str },
    #[error("{left} is compared with {right}")]
    Compared { left: &'static str, right: &'static str },
    #[error("columns of {left} and {right} rows do not go together")]
    Lengths { left: usize, right: usize },
}

/// The rows of a result: those of its columns, which must agree; `None` where all are scalars.
fn common_rows(values: &[&Value]) -> Result<Option<usize>, KindError> {
    let mut rows = None;
    for value in values {
        match (rows, value.rows()) {
            (Some(left), Some(right)) if left != right => return Err(KindError::Lengths { left, right }),
            (None, found) => rows = found,
            _ => {}
        }
    }
    Ok(rows)
}

fn wanted(value: &Value, expected: &'static str) -> Result<(), KindError> {
    match value.kind() {
        Some(found) if found != expected => Err(KindError::Wrong { expected, found }),
        _ => Ok(()),
    }
}

fn numbers_of(rows: Option<usize>, f: impl Fn(usize) -> f64) -> Value {
    match rows {
        Some(n) => Value::Column(Series::Numbers((0..n).map(f).collect())),
        None => Value::Number(f(0)),
    }
}

fn bools_of(rows: Option<usize>, f: impl Fn(usize) -> Option<bool>) -> Value {
    match rows {
        Some(n) => Value::Column(Series::Bools((0..n).map(f).collect())),
        None => f(0).map_or(Value::Missing, Value::Bool),
    }
}

/// Functions of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    Negate,
    Log,
    Exp,
    Sqrt,
    Abs,
    /// Half away from zero.
    Round,
}

impl Unary {
    fn of(self, x: f64) -> f64 {
        match self {
            Unary::Negate => -x,
            Unary::Log => x.ln(),
            Unary::Exp => x.exp(),
            Unary::Sqrt => x.sqrt(),
            Unary::Abs => x.abs(),
            Unary::Round => x.round(),
        }
    }
}

/// Functions of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Min,
    Max,
}

impl Binary {
    fn of(self, a: f64, b: f64) -> f64 {
        if a.is_nan() || b.is_nan() {
            // `missing ^ 0` and `min(missing, 1)` are missing, though IEEE says otherwise.
            return f64::NAN;
        }
        match self {
            Binary::Add => a + b,
            Binary::Subtract => a - b,
            Binary::Multiply => a * b,
            Binary::Divide => a / b,
            Binary::Power => a.powf(b),
            Binary::Min => a.min(b),
            Binary::Max => a.max(b),
        }
    }
}

/// A function of one number on every row.
pub fn unary(f: Unary, x: &Value) -> Result<Value, KindError> {
    wanted(x, "number")?;
    Ok(numbers_of(x.rows(), |r| f.of(x.number(r))))
}

/// A function of two numbers on every row, scalars going with all.
pub fn binary(f: Binary, a: &Value, b: &Value) -> Result<Value, KindError> {
    wanted(a, "number")?;
    wanted(b, "number")?;
    Ok(numbers_of(common_rows(&[a, b])?, |r| f.of(a.number(r), b.number(r))))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Comparison {
    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterEqual => order.is_ge(),
        }
    }
}

fn ordered(a: Item, b: Item) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Item::Number(a), Item::Number(b)) => a.partial_cmp(&b),
        (Item::Text(a), Item::Text(b)) => Some(a.cmp(b)),
        (Item::Bool(a), Item::Bool(b)) => Some(a.cmp(&b)),
        _ => None,
    }
}

fn comparable(a: &Value, b: &Value) -> Result<Option<usize>, KindError> {
    match (a.kind(), b.kind()) {
        (Some(left), Some(right)) if left != right => Err(KindError::Compared { left, right }),
        _ => common_rows(&[a, b]),
    }
}

/// Compares numbers with numbers, texts with texts (by code points); missing where either side is.
pub fn compare(how: Comparison, a: &Value, b: &Value) -> Result<Value, KindError> {
    let rows = comparable(a, b)?;
    Ok(bools_of(rows, |r| ordered(a.item(r), b.item(r)).map(|o| how.holds(o))))
}

/// `x in [...]`; missing where `x` is.
pub fn is_in(x: &Value, list: &[Value]) -> Result<Value, KindError> {
    for member in list {
        comparable(x, member)?;
    }
    let members = list.iter().collect::<Vec<_>>();
    let rows = common_rows(&[&[x], members.as_slice()].concat())?;
    let found = |r: usize| list.iter().any(|m| ordered(x.item(r), m.item(r)).is_some_and(|o| o.is_eq()));
    Ok(bools_of(rows, |r| if x.item(r) == Item::Missing { None } else { Some(found(r)) }))
}

/// `a and b`: missing where either is.
pub fn and(a: &Value, b: &Value) -> Result<Value, KindError> {
    logical(a, b, |a, b| a && b)
}

/// `a or b`: missing where either is.
pub fn or(a: &Value, b: &Value) -> Result<Value, KindError> {
    logical(a, b, |a, b| a || b)
}

fn logical(a: &Value, b: &Value, f: impl Fn(bool, bool) -> bool) -> Result<Value, KindError> {
    wanted(a, "true or false")?;
    wanted(b, "true or false")?;
    Ok(bools_of(common_rows(&[a, b])?, |r| Some(f(a.truth(r)?, b.truth(r)?))))
}

/// `not a`.
pub fn not(a: &Value) -> Result<Value, KindError> {
    wanted(a, "true or false")?;
    Ok(bools_of(a.rows(), |r| a.truth(r).map(|b| !b)))
}

/// `is_missing(x)`: never missing itself.
pub fn missing(x: &Value) -> Value {
    bools_of(x.rows(), |r| Some(x.item(r) == Item::Missing))
}

/// `if condition then a else b`; missing where the condition is.
pub fn choose(condition: &Value, a: &Value, b: &Value) -> Result<Value, KindError> {
    wanted(condition, "true or false")?;
    let pick = |r: usize| match condition.truth(r) {
        Some(true) => a.item(r),
        Some(false) => b.item(r),
        None => Item::Missing,
    };
    picked(&[a, b], common_rows(&[condition, a, b])?, pick)
}

/// The first of the values that is not missing.
pub fn coalesce(values: &[&Value]) -> Result<Value, KindError> {
    let pick = |r: usize| values.iter().map(|v| v.item(r)).find(|i| *i != Item::Missing).unwrap_or(Item::Missing);
    picked(values, common_rows(values)?, pick)
}

/// A value of elements taken from others, which must be of one kind.
fn picked<'a>(from: &[&Value], rows: Option<usize>, pick: impl Fn(usize) -> Item<'a>) -> Result<Value, KindError> {
    let Some(kind) = from.iter().find_map(|v| v.kind()) else {
        return Ok(rows.map_or(Value::Missing, |n| Value::Column(Series::Numbers(vec![f64::NAN; n]))));
    };
    for value in from {
        wanted(value, kind)?;
    }
    let Some(n) = rows else {
        return Ok(match pick(0) {
            Item::Number(x) => Value::Number(x),
            Item::Text(x) => Value::Text(Arc::from(x)),
            Item::Bool(x) => Value::Bool(x),
            Item::Missing => Value::Missing,
        });
    };
    let items = (0..n).map(pick);
    Ok(Value::Column(match kind {
        "number" => Series::Numbers(items.map(|i| if let Item::Number(x) = i { x } else { f64::NAN }).collect()),
        "text" => Series::Texts(Texts::new(items.map(|i| if let Item::Text(x) = i { Some(x) } else { None }))),
        _ => Series::Bools(items.map(|i| if let Item::Bool(x) = i { Some(x) } else { None }).collect()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NA: f64 = f64::NAN;

    fn column(x: &[f64]) -> Value {
        Value::Column(Series::Numbers(x.to_vec()))
    }

    fn texts(x: &[Option<&str>]) -> Value {
        Value::Column(Series::Texts(Texts::new(x.iter().copied())))
    }

    fn items(v: &Value) -> Vec<Item<'_>> {
        (0..v.rows().unwrap()).map(|r| v.item(r)).collect()
    }

    #[test]
    fn scalars_go_with_every_row_and_missing_passes_on() {
        let v = binary(Binary::Power, &column(&[2.0, NA, 3.0]), &Value::Number(0.0)).unwrap();
        assert_eq!(items(&v), [Item::Number(1.0), Item::Missing, Item::Number(1.0)]);
        let v = binary(Binary::Min, &column(&[2.0, NA]), &Value::Number(1.0)).unwrap();
        assert_eq!(items(&v), [Item::Number(1.0), Item::Missing]);
        assert_eq!(binary(Binary::Add, &Value::Number(1.0), &Value::Number(2.0)).unwrap(), Value::Number(3.0));
        assert_eq!(unary(Unary::Round, &Value::Number(-2.5)).unwrap(), Value::Number(-3.0));
    }

    #[test]
    fn kinds_and_lengths_must_agree() {
        let t = texts(&[Some("a")]);
        let e = compare(Comparison::Equal, &column(&[1.0]), &Value::Text("2003".into())).unwrap_err();
        assert_eq!(e, KindError::Compared { left: "number", right: "text" });
        assert!(matches!(unary(Unary::Log, &t), Err(KindError::Wrong { found: "text", .. })));
        assert!(matches!(binary(Binary::Add, &column(&[1.0]), &column(&[1.0, 2.0])), Err(KindError::Lengths { .. })));
    }

    #[test]
    fn comparisons_of_missing_are_missing() {
        let v = compare(Comparison::Less, &column(&[1.0, NA, 3.0]), &Value::Number(2.0)).unwrap();
        assert_eq!(items(&v), [Item::Bool(true), Item::Missing, Item::Bool(false)]);
        let v =
            is_in(&texts(&[Some("b"), None, Some("c")]), &[Value::Text("a".into()), Value::Text("b".into())]).unwrap();
        assert_eq!(items(&v), [Item::Bool(true), Item::Missing, Item::Bool(false)]);
        let v = compare(Comparison::Equal, &texts(&[Some("b"), None]), &Value::Text("b".into())).unwrap();
        assert_eq!(items(&and(&v, &Value::Bool(true)).unwrap()), [Item::Bool(true), Item::Missing]);
        assert_eq!(items(&or(&v, &Value::Bool(true)).unwrap()), [Item::Bool(true), Item::Missing]);
        assert_eq!(items(&not(&missing(&v)).unwrap()), [Item::Bool(true), Item::Bool(false)]);
    }

    #[test]
    fn choices_and_coalesce_keep_their_kind() {
        let x = column(&[0.0, 2003.0, NA]);
        let zero = compare(Comparison::Equal, &x, &Value::Number(0.0)).unwrap();
        let v = choose(&zero, &Value::Missing, &x).unwrap();
        assert_eq!(items(&v), [Item::Missing, Item::Number(2003.0), Item::Missing]);
        let v = coalesce(&[&texts(&[None, Some("b")]), &Value::Text("z".into())]).unwrap();
        assert_eq!(items(&v), [Item::Text("z"), Item::Text("b")]);
        assert!(choose(&zero, &Value::Number(1.0), &Value::Text("a".into())).is_err());
    }

    #[test]
    fn levels_are_sorted_and_survive_a_selection() {
        let Value::Column(s) = texts(&[Some("b"), None, Some("a"), Some("b")]) else { unreachable!() };
        let Series::Texts(t) = s.gather(&[Some(3), None, Some(1)]) else { unreachable!() };
        assert_eq!(t.levels().iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["a", "b"]);
        assert_eq!((t.get(0), t.get(1), t.get(2), t.code(0)), (Some("b"), None, None, Some(1)));
    }
}
