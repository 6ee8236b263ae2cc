//! Kernel weights `K(d/h)` of distances (methods B.2), with one bandwidth or one for each unit.

use super::geometry::{Cells, Coordinates, empty_band, first_radius, nearest, too_many_neighbors};
use super::{Weights, from_entries};
use crate::fault::Fault;

/// The kernel `K`; its leading constant vanishes under row standardisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    Gaussian,
    Epanechnikov,
    Bisquare,
    Triangular,
    Uniform,
}

impl Kernel {
    /// `K(z)` for `z ≥ 0`; zero beyond 1, except that the Gaussian has no cutoff.
    pub fn at(self, z: f64) -> f64 {
        if self == Kernel::Gaussian {
            return (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        }
        if z > 1.0 {
            return 0.0;
        }
        match self {
            Kernel::Gaussian | Kernel::Uniform => 1.0,
            Kernel::Epanechnikov => 0.75 * (1.0 - z * z),
            Kernel::Bisquare => 0.9375 * (1.0 - z * z).powi(2),
            Kernel::Triangular => 1.0 - z,
        }
    }

    /// The greatest distance of a pair with weight, in bandwidths.
    fn reach(self) -> f64 {
        if self == Kernel::Gaussian { f64::INFINITY } else { 1.0 }
    }
}

/// The `h` of `K(d/h)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bandwidth {
    /// The same for all, in km.
    Fixed(f64),
    /// For every unit the distance to its `k`-th neighbor, enlarged by 1e-9 so that this neighbor counts too.
    Nearest(usize),
}

/// `K(d_ik/h_i)` for `i ≠ k`; without own weights. Pairs whose weight is zero are no links.
pub fn kernel(
    coordinates: &Coordinates,
    units: &[String],
    kernel: Kernel,
    bandwidth: Bandwidth,
) -> Result<Weights, Fault> {
    let n = coordinates.len();
    let widths = match bandwidth {
        Bandwidth::Fixed(h) => vec![h; n],
        Bandwidth::Nearest(k) => adaptive(coordinates, units, k)?,
    };
    let widest = widths.iter().copied().fold(0.0, f64::max);
    let mut entries = Vec::new();
    if widest > 0.0 {
        let cells = Cells::new(coordinates, coordinates.chord((kernel.reach() * widest).min(20_100.0)).max(1e-9));
        for (i, &h) in widths.iter().enumerate() {
            let near = cells.within(i, -1.0, kernel.reach() * h).into_iter();
            entries.extend(near.map(|(k, d)| (i, k, kernel.at(d / h))).filter(|e| e.2 > 0.0));
        }
    }
    if entries.is_empty() {
        return Err(empty_band(coordinates, 0.0, widest));
    }
    Ok(Weights::unscaled(from_entries(n, &entries)))
}

/// The distance of every unit to its `k`-th neighbor, a little enlarged; a distance of zero is a fault.
fn adaptive(coordinates: &Coordinates, units: &[String], k: usize) -> Result<Vec<f64>, Fault> {
    let n = coordinates.len();
    if k == 0 || k >= n {
        return Err(too_many_neighbors(k, n));
    }
    let radius = first_radius(coordinates, k);
    let cells = Cells::new(coordinates, radius.max(1e-9));
    let width = |i: usize| match nearest(&cells, i, k, radius).get(k - 1) {
        Some(&(d, _)) if d > 0.0 => Ok(d * (1.0 + 1e-9)),
        found => {
            let other = found.map_or(i, |f| f.1);
            let message = format!(
                "\"{}\" and its {k} nearest units, \"{}\" among them, are at one place: the bandwidth there is zero",
                units[i], units[other]
            );
            Err(Fault::error("durbin::weights::zero_distance", message)
                .help("take more neighbors, a bandwidth in km, or give them different coordinates"))
        }
    };
    (0..n).map(width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Units on a line at 0, 1, 3 and 6 km.
    fn line() -> (Vec<String>, Coordinates) {
        let at = [0.0, 1.0, 3.0, 6.0].map(|x| [1000.0 * x, 0.0]).to_vec();
        (["a", "b", "c", "d"].map(String::from).to_vec(), Coordinates::Planar(at))
    }

    #[test]
    fn a_pair_at_the_bandwidth_counts_for_the_uniform_kernel_only() {
        let (units, at) = line();
        let links = |k| {
            let w = kernel(&at, &units, k, Bandwidth::Fixed(3.0)).unwrap();
            w.matrix.iter().map(|(v, (i, k))| (i, k, *v)).filter(|e| e.0 < e.1).collect::<Vec<_>>()
        };
        assert_eq!(links(Kernel::Uniform), [(0, 1, 1.0), (0, 2, 1.0), (1, 2, 1.0), (2, 3, 1.0)]);
        assert_eq!(links(Kernel::Triangular), [(0, 1, 1.0 - 1.0 / 3.0), (1, 2, 1.0 - 2.0 / 3.0)]);
        let bisquare = links(Kernel::Bisquare);
        assert!((bisquare[0].2 - 15.0 / 16.0 * (8.0 / 9.0f64).powi(2)).abs() < 1e-15);
        let epanechnikov = links(Kernel::Epanechnikov);
        assert!((epanechnikov[1].2 - 0.75 * 5.0 / 9.0).abs() < 1e-15);
        let gaussian = links(Kernel::Gaussian);
        assert_eq!(gaussian.len(), 6);
        assert!((gaussian[2].2 - 0.3989422804014327 * (-2.0f64).exp()).abs() < 1e-15);
    }

    #[test]
    fn the_adaptive_bandwidth_reaches_the_kth_neighbor() {
        let (units, at) = line();
        let w = kernel(&at, &units, Kernel::Triangular, Bandwidth::Nearest(2)).unwrap();
        // a and d are equally far from c
        assert_eq!(w.matrix.outer_iterator().map(|r| r.nnz()).collect::<Vec<_>>(), [2, 2, 3, 2]);
        assert!((w.matrix.get(0, 1).unwrap() - 2.0 / 3.0).abs() < 1e-8);
        assert!(*w.matrix.get(0, 2).unwrap() < 2e-9);
        assert!((w.matrix.get(3, 2).unwrap() - 0.4).abs() < 1e-8);
        assert!(w.symmetrizer.is_none());
    }

    #[test]
    fn the_index_finds_what_comparing_all_pairs_finds() {
        let mut x = 7u64;
        let mut next = move || {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (x >> 11) as f64 / (1u64 << 53) as f64
        };
        let at = Coordinates::Degrees((0..120).map(|_| [360.0 * next() - 180.0, 180.0 * next() - 90.0]).collect());
        let units: Vec<String> = (0..120).map(|i| format!("{i:03}")).collect();
        let w = kernel(&at, &units, Kernel::Bisquare, Bandwidth::Fixed(2000.0)).unwrap();
        for i in 0..120 {
            for k in (0..120).filter(|&k| k != i) {
                let expected = Kernel::Bisquare.at(at.distance_km(i, k) / 2000.0);
                assert_eq!(w.matrix.get(i, k).copied().unwrap_or(0.0), expected);
            }
        }
    }

    #[test]
    fn what_has_no_weights_is_a_fault() {
        let (units, at) = line();
        let code = |b| kernel(&at, &units, Kernel::Triangular, b).unwrap_err().code;
        assert_eq!(code(Bandwidth::Fixed(0.5)), "durbin::weights::empty");
        assert_eq!(code(Bandwidth::Fixed(0.0)), "durbin::weights::empty");
        assert_eq!(code(Bandwidth::Nearest(4)), "durbin::weights::too_many_neighbors");
        let stacked = Coordinates::Planar(vec![[0.0, 0.0], [0.0, 0.0], [9.0, 0.0], [8.0, 0.0]]);
        let fault = kernel(&stacked, &units, Kernel::Triangular, Bandwidth::Nearest(1)).unwrap_err();
        assert_eq!(fault.code, "durbin::weights::zero_distance");
    }
}
