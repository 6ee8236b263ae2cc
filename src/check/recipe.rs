//! Recipes of weights in the words of the language.

use super::spec::{Bandwidth, IslandPolicy, Kernel, LinkWeight, Symmetric, WeightsKind};
use crate::data::writing::{Decimal, Writing};

impl IslandPolicy {
    /// Its word in the language.
    pub fn word(self) -> &'static str {
        match self {
            IslandPolicy::Error => "error",
            IslandPolicy::Keep => "keep",
            IslandPolicy::Nearest => "nearest",
            IslandPolicy::Drop => "drop",
        }
    }

    pub(crate) fn of(word: &str) -> IslandPolicy {
        match word {
            "keep" => IslandPolicy::Keep,
            "nearest" => IslandPolicy::Nearest,
            "drop" => IslandPolicy::Drop,
            _ => IslandPolicy::Error,
        }
    }
}

/// The recipe in words of the language, defaults written out: equal texts build equal matrices.
pub fn recipe_text(kind: &WeightsKind) -> String {
    let km = |x: f64| if x.is_infinite() { "inf".to_string() } else { format!("{x} km") };
    let col = |role: &str, c: &Option<String>| c.as_ref().map(|c| format!(", {role}: {c}")).unwrap_or_default();
    match kind {
        WeightsKind::Edges { file, writing, from, to, weight, time, islands } => format!(
            "edges(\"{file}\"{}{}{}{}{}, islands: {})",
            col("from", from),
            col("to", to),
            col("weight", weight),
            col("time", time),
            written(writing),
            islands.word()
        ),
        WeightsKind::Matrix { file, writing, islands } => {
            format!("matrix(\"{file}\"{}, islands: {})", written(writing), islands.word())
        }
        WeightsKind::Gal { file, islands } => format!("gal(\"{file}\", islands: {})", islands.word()),
        WeightsKind::Gwt { file, islands } => format!("gwt(\"{file}\", islands: {})", islands.word()),
        WeightsKind::Mtx { file, units, islands } => {
            let units = units.as_ref().map(|u| format!(", units: \"{u}\"")).unwrap_or_default();
            format!("mtx(\"{file}\"{units}, islands: {})", islands.word())
        }
        WeightsKind::Swm { file, islands } => format!("swm(\"{file}\", islands: {})", islands.word()),
        WeightsKind::Contiguity { contact, order, snap, weight, islands } => format!(
            "contiguity({}, order: {order}{}, weight: {}, islands: {})",
            contact.word(),
            snap.map(|s| format!(", snap: {s} km")).unwrap_or_default(),
            if *weight == LinkWeight::Length { "length" } else { "one" },
            islands.word()
        ),
        WeightsKind::Exponential { decay, cutoff, islands } => {
            format!("exponential_distance({decay}, cutoff: {}, islands: {})", km(*cutoff), islands.word())
        }
        WeightsKind::Gravity { column, power, cutoff, until, islands } => {
            let until = until.map(|u| format!(", until: {u}")).unwrap_or_default();
            format!("gravity({column}, power: {power}, cutoff: {}{until}, islands: {})", km(*cutoff), islands.word())
        }
        WeightsKind::HigherOrder(order, a) => format!("higher_order({}, order: {order})", a.text),
        WeightsKind::Band { lo, hi, islands } => format!("band({}, {}, islands: {})", km(*lo), km(*hi), islands.word()),
        WeightsKind::Knn { k, symmetric: Symmetric::No, islands } => format!("knn({k}, islands: {})", islands.word()),
        WeightsKind::Knn { k, symmetric, islands } => {
            format!("knn({k}, symmetric: \"{}\", islands: {})", symmetric.word(), islands.word())
        }
        WeightsKind::Inverse { power, cutoff, least, islands } => format!(
            "inverse_distance(power: {power}, cutoff: {}{}, islands: {})",
            km(cutoff.unwrap_or(f64::INFINITY)),
            least.map(|l| format!(", min_distance: {l} km")).unwrap_or_default(),
            islands.word()
        ),
        WeightsKind::Block { column, islands } => format!("block({column}, islands: {})", islands.word()),
        WeightsKind::Kernel { shape, bandwidth, islands } => {
            let width = match bandwidth {
                Bandwidth::Fixed(h) => km(*h),
                Bandwidth::Nearest(k) => format!("knn({k})"),
            };
            format!("kernel({}, bandwidth: {width}, islands: {})", kernel_word(*shape), islands.word())
        }
        WeightsKind::Similarity { column, until, least, islands } => {
            let until = until.map(|u| format!(", until: {u}")).unwrap_or_default();
            let least = least.map(|g| format!(", min_gap: {g}")).unwrap_or_default();
            format!("similarity({column}{until}{least}, islands: {})", islands.word())
        }
        WeightsKind::Add(a, b) => format!("({} + {})", a.text, b.text),
        WeightsKind::Hadamard(a, b) => format!("({} * {})", a.text, b.text),
        WeightsKind::Product(a, b) => format!("({} @ {})", a.text, b.text),
        WeightsKind::Transpose(a) => format!("transpose({})", a.text),
        WeightsKind::Scale(x, a) => format!("({x} * {})", a.text),
        WeightsKind::Row(a) => format!("row({})", a.text),
        WeightsKind::Spectral(a) => format!("spectral({})", a.text),
        WeightsKind::MinMax(a) => format!("minmax({})", a.text),
    }
}

fn kernel_word(kernel: Kernel) -> &'static str {
    match kernel {
        Kernel::Gaussian => "gaussian",
        Kernel::Epanechnikov => "epanechnikov",
        Kernel::Bisquare => "bisquare",
        Kernel::Triangular => "triangular",
        Kernel::Uniform => "uniform",
    }
}

/// What is said of how a file is written.
fn written(writing: &Writing) -> String {
    let mut out = String::new();
    if let Some(encoding) = writing.encoding {
        out.push_str(&format!(", encoding: \"{}\"", encoding.name().to_ascii_lowercase()));
    }
    if let Some(separator) = writing.separator {
        out.push_str(&format!(", separator: {:?}", char::from(separator).to_string()));
    }
    if writing.decimal == Decimal::Comma {
        out.push_str(", decimal: \",\"");
    }
    out
}
