//! Durbin: a language and interpreter for spatial panel econometrics and spatial difference-in-differences.
//!
//! One stream, each stage its own type, one arrow function per step, each stage printable:
//!
//! ```text
//! text ─parse→ Ast ─check→ Spec ─plan→ Plan ─execute→ Outcome ─report→ text · csv · tex · json
//! ```
//!
//! `source ← fault, diagnostic ← syntax ← check ← plan ← execute ← session ← cli`; `linalg ← weights, estimators,
//! inference, designs`, `data` beside them; `report` knows outcome types only. `tests/layers.rs` holds the table.

pub mod check;
pub mod cli;
pub mod data;
pub mod designs;
pub mod diagnostic;
pub mod doc;
pub mod estimators;
pub mod execute;
pub mod fault;
pub mod inference;
pub mod linalg;
pub mod loader;
mod modules;
pub mod outcome;
pub mod plan;
pub mod record;
pub mod repl;
pub mod report;
pub mod session;
pub mod source;
pub mod suggest;
pub mod syntax;
pub mod weights;
pub mod writer;
