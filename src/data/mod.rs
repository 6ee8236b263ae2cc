//! Files become tables, tables become panels: readers, keys, joins, balance, series.
//!
//! Everything here works on whole columns and answers with [`crate::fault::Fault`]s: plain words and places in data
//! files. Whoever calls on behalf of a clause adds the clause's place in the program.

pub mod array;
pub mod balance;
pub mod chunk;
pub mod collinear;
pub mod columnar;
pub mod coords;
pub mod csv;
pub mod describe;
pub mod door;
pub mod excel;
pub mod finite;
pub mod join;
pub mod keys;
pub mod missing;
pub mod natives;
pub mod numbers;
mod pieces;
mod places;
mod records;
pub mod reduce;
pub mod series;
pub mod shapes;
mod shortest;
pub mod similar;
pub mod sniff;
pub mod stata;
pub mod stream;
pub mod sums;
pub mod table;
pub mod time;
pub mod unpack;
pub mod writing;
