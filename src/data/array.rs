//! Labelled arrays: values over any number of named dimensions, dense and row-major.
//!
//! Arithmetic aligns labels and broadcasts over dimensions that one side lacks; a label that only one side has gives
//! missing cells. Labels of a dimension are in key order (numbers by value, texts by code point), so that sums do not
//! depend on the order of a file. Missing cells remember why they are missing.

use std::sync::Arc;

use crate::data::series::{Item, Series, Value};

/// Why a cell is missing; 0 is no reason (it is there, or the file has it empty).
pub type Reason = u8;

/// The reason of a cell whose label an operand does not have.
pub const NO_LABEL: Reason = Reason::MAX;

/// A dimension: its name and its labels in key order.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    pub name: String,
    pub labels: Arc<Vec<Arc<str>>>,
}

impl Dimension {
    /// Sorts labels into key order and leaves out repetitions.
    pub fn new(name: &str, labels: impl IntoIterator<Item = Arc<str>>) -> Dimension {
        let mut labels: Vec<Arc<str>> = labels.into_iter().collect();
        sort_labels(&mut labels);
        labels.dedup();
        Dimension { name: name.to_string(), labels: Arc::new(labels) }
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    fn same_labels(&self, other: &Dimension) -> bool {
        Arc::ptr_eq(&self.labels, &other.labels) || self.labels == other.labels
    }
}

/// Key order: by value where all labels are whole numbers, else by code point.
pub fn sort_labels(labels: &mut [Arc<str>]) {
    let numbers: Option<Vec<i64>> = labels.iter().map(|l| crate::data::keys::parse_time(l)).collect();
    match numbers {
        Some(_) => labels.sort_by(|a, b| {
            let number = |l: &Arc<str>| crate::data::keys::parse_time(l);
            number(a).cmp(&number(b)).then_with(|| a.cmp(b))
        }),
        None => labels.sort_unstable(),
    }
}

/// Values over dimensions; the last dimension runs fastest. Invariants: `values` has a row per cell; `why`, where it is
/// there, has one reason per cell and none for cells that are not missing.
#[derive(Clone, Debug)]
pub struct Array {
    pub dims: Vec<Dimension>,
    pub values: Series,
    pub why: Option<Vec<Reason>>,
}

impl Array {
    /// One value without dimensions.
    pub fn scalar(value: &Value, reason: Reason) -> Array {
        let why = (reason != 0).then(|| vec![reason]);
        Array { dims: Vec::new(), values: value.spread(1), why }
    }

    pub fn cells(&self) -> usize {
        self.dims.iter().map(Dimension::len).product()
    }

    /// The position of a dimension.
    pub fn dimension(&self, name: &str) -> Option<usize> {
        self.dims.iter().position(|d| d.name == name)
    }

    /// How far apart neighbors along each dimension lie.
    pub fn strides(&self) -> Vec<usize> {
        strides(&self.dims)
    }

    /// The reason of a cell.
    pub fn reason(&self, cell: usize) -> Reason {
        self.why.as_ref().and_then(|w| w.get(cell)).copied().unwrap_or(0)
    }
}

fn strides(dims: &[Dimension]) -> Vec<usize> {
    let mut out = vec![1; dims.len()];
    for d in (1..dims.len()).rev() {
        out[d - 1] = out[d] * dims[d].len();
    }
    out
}

/// Too many cells: what the dimensions would need.
#[derive(Clone, Debug, PartialEq)]
pub struct TooLarge {
    pub cells: f64,
    /// Name and number of labels.
    pub dims: Vec<(String, usize)>,
}

/// The most cells an array may have: 1.6 GB of numbers.
pub const MOST_CELLS: usize = 200_000_000;

/// Refuses dimensions whose product passes [`MOST_CELLS`].
pub fn check_size(dims: &[Dimension]) -> Result<usize, TooLarge> {
    let cells: f64 = dims.iter().map(|d| d.len() as f64).product();
    if cells > MOST_CELLS as f64 {
        return Err(TooLarge { cells, dims: dims.iter().map(|d| (d.name.clone(), d.len())).collect() });
    }
    Ok(cells as usize)
}

/// The dimensions of a result: those of the first operand, then new ones as they come; labels of one dimension are
/// the union of those the operands have.
pub fn common_dimensions(arrays: &[&Array]) -> Vec<Dimension> {
    let mut out: Vec<Dimension> = Vec::new();
    // The operand with most dimensions leads, so that its cells are read in their own order.
    let mut order: Vec<&&Array> = arrays.iter().collect();
    order.sort_by_key(|a| std::cmp::Reverse(a.dims.len()));
    for array in order {
        for dim in &array.dims {
            match out.iter_mut().find(|d| d.name == dim.name) {
                None => out.push(dim.clone()),
                Some(known) if known.same_labels(dim) => {}
                Some(known) => {
                    let both = known.labels.iter().chain(dim.labels.iter()).cloned();
                    *known = Dimension::new(&dim.name, both.collect::<std::collections::BTreeSet<_>>());
                }
            }
        }
    }
    out
}

/// No cell there.
const NOWHERE: u32 = u32::MAX;

/// For every cell of `dims`, the cell of `array` it shows; `None` where `array` has these very dimensions.
fn sources(array: &Array, dims: &[Dimension]) -> Option<Vec<u32>> {
    let same = array.dims.len() == dims.len()
        && array.dims.iter().zip(dims).all(|(a, b)| a.name == b.name && a.same_labels(b));
    if same {
        return None;
    }
    let own = array.strides();
    // Per dimension of the result, the offset each of its labels adds; nowhere where the array lacks the label.
    let offsets: Vec<Vec<u32>> = dims
        .iter()
        .map(|d| match array.dimension(&d.name) {
            None => vec![0; d.len()],
            Some(k) if array.dims[k].same_labels(d) => (0..d.len()).map(|i| (i * own[k]) as u32).collect(),
            Some(k) => {
                let place: std::collections::HashMap<&str, usize> =
                    array.dims[k].labels.iter().enumerate().map(|(i, l)| (l.as_ref(), i)).collect();
                d.labels.iter().map(|l| place.get(l.as_ref()).map_or(NOWHERE, |&i| (i * own[k]) as u32)).collect()
            }
        })
        .collect();
    let mut out: Vec<u32> = vec![0];
    for offset in &offsets {
        let mut next = Vec::with_capacity(out.len() * offset.len());
        for &base in &out {
            next.extend(offset.iter().map(|&o| if base == NOWHERE || o == NOWHERE { NOWHERE } else { base + o }));
        }
        out = next;
    }
    Some(out)
}

/// An operand spread over the dimensions of a result: its values and, where any cell has one, reasons.
pub fn broadcast(array: &Array, dims: &[Dimension]) -> (Value, Option<Vec<Reason>>) {
    if array.dims.is_empty() {
        let value = match scalar_item(&array.values) {
            Item::Number(x) => Value::Number(x),
            Item::Text(x) => Value::Text(Arc::from(x)),
            Item::Bool(x) => Value::Bool(x),
            Item::Missing => Value::Missing,
        };
        let cells = dims.iter().map(Dimension::len).product();
        return (value, array.why.as_ref().map(|w| vec![w.first().copied().unwrap_or(0); cells]));
    }
    let Some(from) = sources(array, dims) else { return (Value::Column(array.values.clone()), array.why.clone()) };
    let gaps = from.contains(&NOWHERE);
    let reason = |f: u32| if f == NOWHERE { NO_LABEL } else { array.reason(f as usize) };
    let why = (gaps || array.why.is_some()).then(|| from.iter().map(|&f| reason(f)).collect());
    let values = match &array.values {
        Series::Numbers(x) => {
            Series::Numbers(from.iter().map(|&f| x.get(f as usize).copied().unwrap_or(f64::NAN)).collect())
        }
        other => other.gather(&from.iter().map(|&f| (f != NOWHERE).then_some(f)).collect::<Vec<_>>()),
    };
    (Value::Column(values), why)
}

fn scalar_item(values: &Series) -> Item<'_> {
    match values {
        _ if values.is_missing(0) => Item::Missing,
        Series::Numbers(x) => Item::Number(x[0]),
        Series::Texts(x) => x.get(0).map_or(Item::Missing, Item::Text),
        Series::Bools(x) => x[0].map_or(Item::Missing, Item::Bool),
    }
}

/// The reasons of a result's missing cells: the first reason an operand has there.
pub fn joined_reasons(values: &Series, operands: &[Option<&Vec<Reason>>]) -> Option<Vec<Reason>> {
    if operands.iter().all(Option::is_none) {
        return None;
    }
    let reason = |cell: usize| {
        let first = operands.iter().flatten().find_map(|w| w.get(cell).copied().filter(|&r| r != 0));
        if values.is_missing(cell) { first.unwrap_or(0) } else { 0 }
    };
    Some((0..values.len()).map(reason).collect())
}

/// An array whose cells `from` names, over `dims`.
pub fn over(dims: Vec<Dimension>, values: Series, why: Option<Vec<Reason>>) -> Array {
    debug_assert_eq!(values.len(), dims.iter().map(Dimension::len).product::<usize>());
    Array { dims, values, why }
}

/// The text of a label of every cell along one dimension, or its number for `numbers`.
pub fn label_array(dim: &Dimension, numbers: bool) -> Array {
    let values = if numbers {
        let number = |l: &Arc<str>| crate::data::keys::parse_time(l).map_or(f64::NAN, |t| t as f64);
        Series::Numbers(dim.labels.iter().map(number).collect())
    } else {
        Series::Texts(crate::data::series::Texts::new(dim.labels.iter().map(|l| Some(l.as_ref()))))
    };
    Array { dims: vec![dim.clone()], values, why: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dim(name: &str, labels: &[&str]) -> Dimension {
        Dimension::new(name, labels.iter().map(|l| Arc::from(*l)))
    }

    fn numbers(v: &(Value, Option<Vec<Reason>>)) -> Vec<f64> {
        match &v.0 {
            Value::Column(Series::Numbers(x)) => x.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn labels_are_in_key_order() {
        assert_eq!(*dim("t", &["10", "9", "10"]).labels, ["9".into(), "10".into()] as [Arc<str>; 2]);
        assert_eq!(*dim("u", &["b", "B", "10"]).labels, ["10".into(), "B".into(), "b".into()] as [Arc<str>; 3]);
    }

    #[test]
    fn operands_are_aligned_by_label_and_spread_over_what_they_lack() {
        let a = over(
            vec![dim("u", &["a", "b"]), dim("j", &["x", "y", "z"])],
            Series::Numbers(vec![1., 2., 3., 4., 5., 6.]),
            None,
        );
        let b = over(vec![dim("j", &["x", "z"])], Series::Numbers(vec![10., 30.]), None);
        let dims = common_dimensions(&[&b, &a]);
        assert_eq!(dims.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["u", "j"]);
        assert_eq!(numbers(&broadcast(&a, &dims)), [1., 2., 3., 4., 5., 6.]);
        let spread = numbers(&broadcast(&b, &dims));
        assert_eq!((spread[0], spread[2], spread[3], spread[5]), (10., 30., 10., 30.));
        assert!(spread[1].is_nan() && spread[4].is_nan());
    }

    #[test]
    fn labels_of_either_side_are_kept() {
        let a = over(vec![dim("j", &["x", "y"])], Series::Numbers(vec![1., 2.]), None);
        let b = over(vec![dim("j", &["y", "z"])], Series::Numbers(vec![3., 4.]), None);
        let dims = common_dimensions(&[&a, &b]);
        assert_eq!(dims[0].len(), 3);
        let (x, y) = (numbers(&broadcast(&a, &dims)), numbers(&broadcast(&b, &dims)));
        assert_eq!((x[0], x[1], y[1], y[2]), (1., 2., 3., 4.));
        assert!(x[2].is_nan() && y[0].is_nan());
    }

    #[test]
    fn an_enormous_array_is_refused_with_its_dimensions() {
        let labels: Vec<String> = (0..20_000).map(|i| format!("{i}")).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let dims = [dim("u", &labels), dim("v", &labels)];
        assert_eq!(check_size(&dims).unwrap_err().cells, 4e8);
        assert_eq!(check_size(&dims[..1]).unwrap(), 20_000);
    }
}
