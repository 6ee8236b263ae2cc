//! Polygons: the clause `shapes` and the weights made from them.

use super::arguments::Bound;
use super::spec::*;
use super::{Check, Checker, Input, Reported};
use crate::data::door::HEAD;
use crate::data::shapes::{self, Parts};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::*;

impl Checker<'_> {
    /// `shapes "file.geojson" by COL`: the files are there, and have the attribute where that is seen from their beginning.
    pub(crate) fn shapes_clause(
        &mut self,
        clause: &Clause,
        source: &Expr,
        by: &Name,
        planar: bool,
        at: usize,
    ) -> Check<()> {
        let ExprKind::Text(path) = &source.kind else {
            let fault =
                Diagnostic::error("durbin::check::wrong_kind", source.span, "`shapes` takes the name of a file");
            return Err(self.report(fault.help("write `shapes \"regions.geojson\" by COLUMN`")));
        };
        let span = self.at(source.span);
        if let Err(f) = shapes::check_extension(path) {
            return Err(self.report(Diagnostic::at(f, Some(span))));
        }
        let (needed, optional) = shapes::companions(path);
        let mut parts = Parts::default();
        for file in std::iter::once(path).chain(&needed) {
            self.inputs.push(Input { path: file.clone(), place: span });
            let bytes = self.request.loader.head(file, HEAD).map_err(|mut f| {
                if needed.contains(file) && f.code == "durbin::io::not_found" {
                    f.help = Some(format!("the attributes of `{path}` are in `{file}`: put it beside the `.shp`"));
                }
                self.report(Diagnostic::at(f, Some(span)))
            })?;
            if needed.contains(file) { parts.attributes = Some(bytes) } else { parts.shapes = bytes }
        }
        for file in optional {
            let there = self.request.loader.head(&file, HEAD).ok();
            if file.to_ascii_lowercase().ends_with(".cpg") {
                parts.encoding = there.clone();
            }
            if there.is_some() {
                self.inputs.push(Input { path: file, place: span });
            }
        }
        let writing = self.panels[at].spec.writing.clone();
        match shapes::attributes(path, &parts, &writing) {
            Err(f) => return Err(self.report(Diagnostic::at(f, Some(span)))),
            // Of GeoJSON only the first feature was looked at: others may have more.
            Ok(Some(names)) if !needed.is_empty() && !names.contains(&by.text) => {
                let fault = shapes::unknown_attribute(path, &by.text, &names);
                return Err(self.report(Diagnostic::at(fault, Some(by.span))));
            }
            Ok(_) => {}
        }
        let shapes = ShapesSpec { file: path.clone(), by: by.text.clone(), planar, place: Place(clause.span) };
        self.panels[at].spec.shapes = Some(shapes);
        self.panels[at].files.push(path.clone());
        Ok(())
    }

    /// `contiguity` on a panel without polygons.
    pub(crate) fn no_shapes(&mut self, place: Span, panel: usize) -> Reported {
        let name = self.panels[panel].spec.name.clone();
        let message = format!("`contiguity` needs the polygons of the units, and panel `{name}` has no `shapes`");
        let help = format!(
            "add `shapes \"FILE.geojson\" by COLUMN` to panel `{name}`, or read a list of neighbors: `edges(\"FILE.csv\")`"
        );
        self.report(Diagnostic::error("durbin::check::no_shapes", place, message).help(help))
    }

    /// `contiguity(queen, order: 1, snap: 10 m, weight: length)`.
    pub(crate) fn contiguity(
        &mut self,
        kind: Option<&Expr>,
        bound: &Bound,
        islands: IslandPolicy,
    ) -> Check<WeightsKind> {
        let contact = match kind {
            Some(e) if self.choice("contiguity", e, &["queen", "rook"])? == "rook" => Contact::Rook,
            _ => Contact::Queen,
        };
        let order = match bound.get("order") {
            Some(e) => self.count(e, "order", 1)?,
            None => 1,
        };
        let snap = self.positive_length(bound, "snap")?;
        let weight = match bound.get("weight") {
            Some(e) if self.choice("weight", e, &["one", "length"])? == "length" => LinkWeight::Length,
            _ => LinkWeight::One,
        };
        if let Some(e) = bound.get("weight").filter(|_| weight == LinkWeight::Length && order > 1) {
            let message = format!("units {order} borders apart have no common border whose length could be the weight");
            let fault = Diagnostic::error("durbin::check::out_of_range", self.at(e.span), message);
            return Err(self.report(fault.help("leave `order` or `weight` out")));
        }
        Ok(WeightsKind::Contiguity { contact, order, snap, weight, islands })
    }
}
