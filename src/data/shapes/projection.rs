//! What the coordinates of shapes are: degrees, or a projection's meters.

use super::Region;

/// What coordinates of shapes mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Projection {
    Degrees,
    /// A projection; how many meters its unit is.
    Projected(f64),
    /// Nothing says it.
    Unsaid,
}

impl Projection {
    /// Where nothing says it: degrees if all values could be, else a projection in meters.
    pub(super) fn judged(self, regions: &[Region]) -> Projection {
        let fit = |p: &[f64; 2]| p[0].abs() <= 180.0 && p[1].abs() <= 90.0;
        let all = regions.iter().flat_map(|r| &r.rings).flatten().all(fit);
        match self {
            Projection::Unsaid if all => Projection::Degrees,
            Projection::Unsaid => Projection::Projected(1.0),
            said => said,
        }
    }
}

/// The well-known text of a `.prj` file.
pub(super) fn of_text(bytes: &[u8]) -> Projection {
    let text = String::from_utf8_lossy(bytes).to_ascii_uppercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("GEOG") {
        return Projection::Degrees;
    }
    if !text.starts_with("PROJ") {
        return Projection::Unsaid;
    }
    // The unit of lengths comes after that of angles, which stands in the inner system.
    let unit = text.rfind("UNIT[").and_then(|at| {
        let inside = text[at + 5..].split(']').next()?;
        inside.split(',').nth(1)?.trim().parse::<f64>().ok()
    });
    Projection::Projected(unit.filter(|u| u.is_finite() && *u > 0.0).unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_text_says_degrees_or_meters() {
        assert_eq!(of_text(br#"GEOGCS["WGS 84",DATUM["x"],UNIT["Degree",0.0174532925]]"#), Projection::Degrees);
        let feet = br#"PROJCS["NAD83",GEOGCS["g",UNIT["Degree",0.017]],UNIT["Foot_US",0.3048006096012192]]"#;
        assert_eq!(of_text(feet), Projection::Projected(0.3048006096012192));
        assert_eq!(of_text(b""), Projection::Unsaid);
    }
}
