//! A figure as pixels, drawn from its SVG by resvg.

use crate::outcome::figures::Figure;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Family, Query};
use resvg::usvg::{Options, Tree};
use std::sync::Arc;

/// Pixels per pixel of the figure: twice as many as on screen, for print.
const SCALE: f32 = 2.0;

/// Why a figure has no picture in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPixels {
    /// The machine has no font, and words would be missing.
    NoFonts,
    /// The drawing library refused it.
    NotDrawn,
}

/// The figure as a PNG file.
///
/// # Errors
/// [`NoPixels`]
pub fn png(figure: &Figure) -> Result<Vec<u8>, NoPixels> {
    let options = Options { fontdb: Arc::new(fonts()?), ..Options::default() };
    let tree = Tree::from_str(&super::svg(figure), &options).map_err(|_| NoPixels::NotDrawn)?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or(NoPixels::NotDrawn)?;
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or(NoPixels::NotDrawn)?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|_| NoPixels::NotDrawn)
}

/// Families that stand for the generic one where the machine names none.
const PLAIN: [&str; 5] = ["DejaVu Sans", "Liberation Sans", "Noto Sans", "Noto Sans CJK SC", "WenQuanYi Zen Hei"];

/// The fonts of the machine; where the generic family has none, a plain one stands for it, else the first.
fn fonts() -> Result<Database, NoPixels> {
    let mut fonts = Database::new();
    fonts.load_system_fonts();
    let has = |family: Family| fonts.query(&Query { families: &[family], ..Query::default() }).is_some();
    if has(Family::SansSerif) {
        return Ok(fonts);
    }
    if let Some(plain) = PLAIN.iter().find(|name| has(Family::Name(name))) {
        fonts.set_sans_serif_family(*plain);
    } else {
        let mut names: Vec<String> =
            fonts.faces().filter_map(|f| f.families.first().map(|(name, _)| name.clone())).collect();
        names.sort();
        let first = names.into_iter().next().ok_or(NoPixels::NoFonts)?;
        fonts.set_sans_serif_family(first);
    }
    Ok(fonts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_a_png_where_there_are_fonts() {
        match png(&Figure { title: Some("Effects".to_string()), ..Figure::default() }) {
            Ok(bytes) => assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n")),
            Err(why) => assert_eq!(why, NoPixels::NoFonts),
        }
    }
}
