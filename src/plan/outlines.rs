//! Polygons of a panel's units: read, matched by key, and where nothing else says it the places of the units.

use super::panels::PanelData;
use super::{Planner, Reported, Step};
use crate::check::spec::{Contact, LinkWeight, PanelSpec};
use crate::data::shapes::{self, Projection, Region};
use crate::fault::Fault;
use crate::source::Span;
use crate::weights::Weights;
use crate::weights::centroid::{planar_centroid, spherical_centroid};
use crate::weights::contiguity::{Surface, contiguity, usual_tolerance};
use crate::weights::geometry::Coordinates;
use std::sync::Arc;

/// Kilometers of a degree of a great circle.
const KM_OF_DEGREE: f64 = 6371.0088 * std::f64::consts::PI / 180.0;

/// Polygons in the order of a panel's units.
#[derive(Clone, Debug)]
pub struct Outlines {
    pub file: String,
    pub regions: Vec<Region>,
    pub surface: Surface,
    /// Coordinates of a projection that the author does not call planar.
    pub unsaid: bool,
}

impl Outlines {
    /// Neighbors by their borders; `snap_km`: the distance within which points are one.
    pub fn contiguity(
        &self,
        contact: Contact,
        order: usize,
        snap_km: Option<f64>,
        weight: LinkWeight,
    ) -> Result<Weights, Fault> {
        let tolerance = match (snap_km, self.surface) {
            (None, _) => usual_tolerance(&self.regions),
            (Some(km), Surface::Degrees) => km / KM_OF_DEGREE,
            (Some(km), Surface::Plane(meters)) => 1000.0 * km / meters,
        };
        contiguity(&self.regions, contact, order, tolerance, self.surface, weight)
    }

    /// The centers of the regions, in the coordinates of the file.
    pub fn middles(&self) -> Vec<[f64; 2]> {
        match self.surface {
            Surface::Degrees => self.regions.iter().map(spherical_centroid).collect(),
            Surface::Plane(_) => self.regions.iter().map(planar_centroid).collect(),
        }
    }

    /// The centers of the regions as places of units.
    fn centers(&self) -> Coordinates {
        match self.surface {
            Surface::Degrees => Coordinates::Degrees(self.middles()),
            Surface::Plane(meters) => {
                Coordinates::Planar(self.middles().into_iter().map(|p| p.map(|x| x * meters)).collect())
            }
        }
    }
}

impl Planner<'_> {
    /// Reads the polygons a panel names; without `coords` their centers are where the units are.
    pub(super) fn outlines(&mut self, spec: &PanelSpec, data: &mut PanelData) -> Step<()> {
        data.outlines = None;
        let Some(of) = &spec.shapes else { return Ok(()) };
        let place = of.place.0;
        let parts = self.files.shapes(&of.file).map_err(|f| self.report(f, place))?;
        let layer = shapes::read(&of.file, &parts, &of.by, &spec.writing).map_err(|f| self.report(f, place))?;
        drop(parts);
        let projection = layer.projection;
        let (regions, notes) = layer.of_units(&data.index.units, &data.name).map_err(|f| self.report(f, place))?;
        self.report_all(notes, place);
        let surface = match projection {
            Projection::Projected(meters) => Surface::Plane(meters),
            _ if of.planar => Surface::Plane(1.0),
            _ => Surface::Degrees,
        };
        let unsaid = surface != Surface::Degrees && !of.planar;
        let outlines = Outlines { file: of.file.clone(), regions, surface, unsaid };
        if spec.coords.is_none() {
            data.coordinates = (!unsaid).then(|| outlines.centers());
        }
        data.outlines = Some(Arc::new(outlines));
        Ok(())
    }

    /// Where the units are; `coords_projected` where only a projection is known that nobody called one.
    pub(super) fn places<'p>(&mut self, panel: &'p PanelData, place: Span) -> Step<&'p Coordinates> {
        panel.coordinates.as_ref().ok_or(Reported).map_err(|Reported| self.no_places(panel, place))
    }

    pub(super) fn no_places(&mut self, panel: &PanelData, place: Span) -> Reported {
        let Some(outlines) = panel.outlines.as_ref().filter(|o| o.unsaid) else { return Reported };
        let message = format!(
            "distances are wanted of panel `{}`, and the coordinates of {} are those of a projection, not degrees",
            panel.name, outlines.file
        );
        let fault = Fault::error("durbin::panel::coords_projected", message).help(
            "say that distances on the plane are meant: `shapes \"FILE\" by COLUMN planar`; or give `coords LON, LAT`",
        );
        self.report(fault, place)
    }
}
