//! Figures: the outcome they show, and where units are.

use super::Run;
use crate::check::spec::{FigureSpec, Picture};
use crate::fault::Fault;
use crate::outcome::Outcome;
use crate::outcome::figures::Figure;
use crate::report::figure::png::{NoPixels, png};
use crate::report::plots::{self, maps};
use crate::weights::contiguity::Surface;
use crate::weights::geometry::Coordinates;

impl Run<'_> {
    pub(super) fn figure(&self, spec: &FigureSpec) -> Result<Figure, Fault> {
        let outcome = self.outcome(&spec.of)?;
        let name = spec.name.0.as_str();
        let drawn = match spec.picture {
            Picture::Plot => plots::plot(name, &outcome),
            Picture::Map { panel } => {
                let ground = self.ground(panel)?;
                match &outcome {
                    Outcome::Treatment(t) => Some(maps::treatment(name, t, &ground)),
                    Outcome::Test(test) => Some(maps::clusters(test, &ground)),
                    Outcome::SplitEffects(split) => maps::effects(split, &ground),
                    _ => None,
                }
            }
        };
        let Some(mut figure) = drawn else {
            let message = format!("there is nothing to draw of `{name}`");
            return Err(Fault::error("durbin::run::nothing_to_draw", message)
                .help("look at the value itself: write its name on a line of its own"));
        };
        figure.title = spec.title.clone().or(figure.title);
        (figure.width, figure.height) = (spec.width, spec.height);
        Ok(figure)
    }

    fn ground(&self, panel: usize) -> Result<maps::Ground, Fault> {
        let data = &self.panels[panel];
        if let Some(of) = &data.outlines {
            let planar = of.surface != Surface::Degrees;
            let outlines = of.regions.iter().map(|r| r.rings.clone()).collect();
            return Ok(maps::Ground { units: data.index.units.clone(), points: of.middles(), outlines, planar });
        }
        let (points, planar) = match &data.coordinates {
            Some(Coordinates::Degrees(points) | Coordinates::Ellipsoid(points)) => (points.clone(), false),
            Some(Coordinates::Planar(points)) => (points.clone(), true),
            None => return Err(Fault::error("durbin::run::bug", "a map was planned without coordinates")),
        };
        Ok(maps::Ground { units: data.index.units.clone(), points, outlines: Vec::new(), planar })
    }
}

/// The bytes of `save plot(…) to "figure.png"`.
pub(super) fn pixels(figure: &Figure) -> Result<Vec<u8>, Fault> {
    png(figure).map_err(|why| match why {
        NoPixels::NoFonts => {
            Fault::error("durbin::output::no_fonts", "this machine has no font to write a `.png` with")
                .help("save it as `.svg`, which the reader's fonts draw, or install a font")
        }
        NoPixels::NotDrawn => Fault::error("durbin::run::bug", "a figure was not drawn"),
    })
}
