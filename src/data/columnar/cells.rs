//! Arrays of typed values as the texts that stand for them, as the same table written to CSV would have them.

use arrow_array::cast::AsArray;
use arrow_array::temporal_conversions::{date32_to_datetime, date64_to_datetime};
use arrow_array::types::*;
use arrow_array::{Array, ArrowPrimitiveType, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};

use super::files::too_large;
use crate::data::csv::nfc;
use crate::data::shortest;
use crate::data::table::TextColumn;
use crate::fault::Fault;

/// Why a column ended early.
pub(super) enum Stop {
    TooLarge,
    /// A type that [`is_read`] does not have, inside another.
    Foreign(DataType),
}

impl Stop {
    pub(super) fn fault(&self, file: &str) -> Fault {
        match self {
            Stop::TooLarge => too_large(file),
            Stop::Foreign(found) => Fault::error(
                "durbin::data::wrong_format",
                format!("a column of {file} holds {found}, which no cell does"),
            )
            .help("write the file without that column"),
        }
    }
}

/// Whether values of a type are cells of a table.
pub(super) fn is_read(kind: &DataType) -> bool {
    use DataType::*;
    match kind {
        Dictionary(_, values) => is_read(values),
        Null | Boolean | Utf8 | LargeUtf8 | Utf8View | Date32 | Date64 | Timestamp(..) => true,
        Decimal128(..) | Decimal256(..) => true,
        other => other.is_integer() || matches!(other, Float32 | Float64),
    }
}

/// Adds the cells of an array to a column; what is null is empty.
pub(super) fn append(array: &dyn Array, to: &mut TextColumn) -> Result<(), Stop> {
    use DataType::*;
    match array.data_type() {
        Null => (0..array.len()).try_for_each(|_| put(to, "")),
        Boolean => {
            let values = array.as_boolean();
            values.iter().try_for_each(|v| put(to, v.map_or("", |b| if b { "TRUE" } else { "FALSE" })))
        }
        Utf8 => array.as_string::<i32>().iter().try_for_each(|v| put(to, v.unwrap_or(""))),
        LargeUtf8 => array.as_string::<i64>().iter().try_for_each(|v| put(to, v.unwrap_or(""))),
        Utf8View => array.as_string_view().iter().try_for_each(|v| put(to, v.unwrap_or(""))),
        Int8 => whole::<Int8Type>(array, to),
        Int16 => whole::<Int16Type>(array, to),
        Int32 => whole::<Int32Type>(array, to),
        Int64 => whole::<Int64Type>(array, to),
        UInt8 => whole::<UInt8Type>(array, to),
        UInt16 => whole::<UInt16Type>(array, to),
        UInt32 => whole::<UInt32Type>(array, to),
        UInt64 => whole::<UInt64Type>(array, to),
        Float32 => written(array.as_primitive::<Float32Type>(), to, |x, text| {
            if x.is_infinite() { text.push_str("inf") } else { shortest::single(x, text) }
        }),
        Float64 => written(array.as_primitive::<Float64Type>(), to, |x, text| {
            if x.is_infinite() { text.push_str("inf") } else { shortest::double(x, text) }
        }),
        Date32 => written(array.as_primitive::<Date32Type>(), to, |x, text| {
            text.push_str(&date32_to_datetime(x).map(|d| d.format("%Y-%m-%d").to_string()).unwrap_or_default());
        }),
        Date64 => written(array.as_primitive::<Date64Type>(), to, |x, text| {
            text.push_str(&date64_to_datetime(x).map(|d| d.format("%Y-%m-%d").to_string()).unwrap_or_default());
        }),
        Timestamp(TimeUnit::Second, _) => moments::<TimestampSecondType>(array, to, 1),
        Timestamp(TimeUnit::Millisecond, _) => moments::<TimestampMillisecondType>(array, to, 1_000),
        Timestamp(TimeUnit::Microsecond, _) => moments::<TimestampMicrosecondType>(array, to, 1_000_000),
        Timestamp(TimeUnit::Nanosecond, _) => moments::<TimestampNanosecondType>(array, to, 1_000_000_000),
        Decimal128(..) => decimals::<Decimal128Type>(array, to),
        Decimal256(..) => decimals::<Decimal256Type>(array, to),
        Dictionary(..) => {
            let coded = array.as_any_dictionary();
            let mut levels = TextColumn::default();
            append(coded.values().as_ref(), &mut levels)?;
            let keys = coded.normalized_keys();
            (0..array.len())
                .try_for_each(|row| put(to, if coded.keys().is_null(row) { "" } else { levels.get(keys[row]) }))
        }
        other => Err(Stop::Foreign(other.clone())),
    }
}

fn put(to: &mut TextColumn, cell: &str) -> Result<(), Stop> {
    if to.push(&nfc(cell)) { Ok(()) } else { Err(Stop::TooLarge) }
}

fn written<T: ArrowPrimitiveType>(
    values: &PrimitiveArray<T>,
    to: &mut TextColumn,
    write: impl Fn(T::Native, &mut String),
) -> Result<(), Stop> {
    let mut text = String::new();
    values.iter().try_for_each(|value| {
        text.clear();
        if let Some(value) = value {
            write(value, &mut text);
        }
        put(to, &text)
    })
}

fn whole<T: ArrowPrimitiveType>(array: &dyn Array, to: &mut TextColumn) -> Result<(), Stop>
where
    T::Native: std::fmt::Display,
{
    written(array.as_primitive::<T>(), to, |x, text| text.push_str(&x.to_string()))
}

fn decimals<T: DecimalType>(array: &dyn Array, to: &mut TextColumn) -> Result<(), Stop> {
    let values = array.as_primitive::<T>();
    (0..values.len()).try_for_each(|row| {
        let text = if values.is_null(row) { String::new() } else { values.value_as_string(row) };
        put(to, &text)
    })
}

/// A day, with the time where there is one; `unit` parts make a second.
fn moments<T: ArrowPrimitiveType<Native = i64>>(array: &dyn Array, to: &mut TextColumn, unit: i64) -> Result<(), Stop> {
    written(array.as_primitive::<T>(), to, |x, text| {
        let millis = (i128::from(x) * 1000).div_euclid(i128::from(unit));
        let moment = i64::try_from(millis).ok().and_then(date64_to_datetime);
        let Some(moment) = moment else { return };
        let form = if millis.rem_euclid(86_400_000) == 0 { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M:%S" };
        text.push_str(&moment.format(form).to_string());
    })
}
