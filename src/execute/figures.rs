//! Figures: the outcome they show, and where units are.

use super::Run;
use crate::check::spec::{FigureSpec, Picture};
use crate::fault::Fault;
use crate::outcome::figures::Figure;
use crate::outcome::{LabeledArray, Outcome};
use crate::report::figure::png::{NoPixels, png};
use crate::report::lang;
use crate::report::plots::{self, maps};
use crate::weights::contiguity::Surface;
use crate::weights::geometry::Coordinates;

impl Run<'_> {
    pub(super) fn figure(&self, spec: &FigureSpec) -> Result<Figure, Fault> {
        let outcome = self.outcome(&spec.of)?;
        let name = spec.name.0.as_str();
        let drawn = match spec.picture {
            Picture::Plot => plots::plot(name, &outcome),
            Picture::Map { panel, at } => {
                let ground = self.ground(panel)?;
                match &outcome {
                    Outcome::Treatment(t) => Some(maps::treatment(name, t, &ground)),
                    Outcome::Array(array) => maps::column(name, array, period(array, at)?, &ground),
                    Outcome::List(tests) if tests.iter().all(|t| matches!(t.outcome, Outcome::Test(_))) => {
                        Some(maps::several(tests, &ground))
                    }
                    Outcome::List(layers) => {
                        let arrays = layers.iter().filter_map(|l| match &l.outcome {
                            Outcome::Array(array) => Some(array),
                            _ => None,
                        });
                        let period = arrays.map(|a| period(a, at)).next().transpose()?;
                        maps::layers(layers, period, &ground).map_err(|(name, value)| not_an_indicator(&name, value))?
                    }
                    Outcome::Test(test) => Some(maps::clusters(test, &ground)),
                    Outcome::SplitEffects(split) => maps::effects(split, &ground),
                    _ => None,
                }
            }
        };
        let Some(figure) = drawn else {
            let message = format!("there is nothing to draw of `{name}`");
            return Err(Fault::error("durbin::run::nothing_to_draw", message)
                .help("look at the value itself: write its name on a line of its own"));
        };
        let mut figure = lang::figure(figure, self.spec.settings.lang);
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

/// Which of an array's periods a map shows: the one asked for, or the last.
fn period(array: &LabeledArray, at: Option<i64>) -> Result<usize, Fault> {
    let known = array.labels.get(1).map_or(&[][..], Vec::as_slice);
    let Some(period) = at else { return Ok(known.len().saturating_sub(1)) };
    known.iter().position(|label| *label == period.to_string()).ok_or_else(|| {
        let range = format!("{} to {}", known.first().map_or("", |l| l), known.last().map_or("", |l| l));
        Fault::error("durbin::plan::unknown_period", format!("the panel has no period {period}: it runs from {range}"))
            .help("`at:` is one of the panel's periods")
    })
}

fn not_an_indicator(name: &str, value: f64) -> Fault {
    let message = format!("a layer of a map is 1 or 0 for each unit, and `{name}` has the value {value}");
    Fault::error("durbin::run::nothing_to_draw", message).help("compare it with a number, or map it alone")
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
