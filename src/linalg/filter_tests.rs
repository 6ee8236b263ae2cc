//! The routes of the filter against one another, on rings, grids, nearest neighbors, islands and blocks.

use super::*;
use crate::linalg::samples;

fn never() -> bool {
    false
}

/// Dense determinants of the definition, to compare every route with.
fn dense_value(w: &CsMat<f64>, rho: f64) -> f64 {
    DenseLu::factor(&Csr::from_sprs(w).unwrap(), rho).unwrap().ln_abs_det()
}

/// What rounding may do to `ln|I − ρW|`: a pivot's error of some `n·eps`, relative to the smallest factor `|1 − ρω|`.
fn rounding(eigenvalues: &[(f64, f64)], rho: f64) -> f64 {
    let smallest = eigenvalues.iter().map(|&(a, b)| (1.0 - rho * a).hypot(rho * b)).fold(f64::INFINITY, f64::min);
    singular_pivot(eigenvalues.len()) / smallest
}

fn check_routes(name: &str, w: &CsMat<f64>, symmetrizer: Option<&[f64]>, rhos: &[f64]) {
    let filter = SpatialFilter::new(w, symmetrizer).unwrap();
    assert_eq!(filter.of.symmetrizer.is_some(), symmetrizer.is_some(), "{name}");
    let eigen = filter.all_eigenvalues().unwrap();
    for &rho in rhos {
        let exact = dense_value(w, rho);
        let tolerance = 1e-10 * exact.abs().max(1.0) + rounding(eigen, rho);
        let close = |route: &str, value: f64| {
            assert!((value - exact).abs() < tolerance, "{name} {route} at {rho}: {value} against {exact}");
        };
        close("eigen", log_determinant_of(eigen, rho));
        close("lu", filter.log_determinant_lu(rho).unwrap());
        let pivoted = PivotedLu::factor(filter.transposed(), filter.elimination().unwrap(), rho).unwrap();
        close("pivoted", pivoted.ln_abs_det());
        close("chosen", filter.log_determinant(rho).unwrap());
        if symmetrizer.is_some() {
            close("cholesky", filter.cholesky().unwrap().log_determinant(rho).unwrap());
        }
    }
}

const RHOS: [f64; 9] = [-0.99, -0.6, -0.2, 1e-3, 0.3, 0.5, 0.8, 0.95, 0.999];

#[test]
fn every_route_gives_the_same_log_determinant() {
    for (name, w) in [
        ("ring", samples::ring(63)),
        ("grid", samples::triangulated(17)),
        ("band with islands", samples::band(250, 0.06, 3)),
        ("blocks", samples::blocks(&[samples::ring(31), samples::triangulated(9), CsMat::zero((3, 3))])),
    ] {
        check_routes(name, &w, Some(&samples::symmetrizer(&w)), &RHOS);
    }
    for (name, w) in [
        ("knn", samples::knn(260, 6, 8)),
        ("sparse knn", samples::knn(230, 1, 2)),
        (
            "knn blocks with islands",
            samples::blocks(&[samples::knn(120, 4, 1), samples::knn(90, 3, 5), CsMat::zero((2, 2))]),
        ),
    ] {
        check_routes(name, &w, None, &RHOS);
    }
}

#[test]
fn routes_agree_outside_of_diagonal_dominance() {
    let grid = samples::triangulated(16);
    let s = samples::symmetrizer(&grid);
    let filter = SpatialFilter::new(&grid, Some(&s)).unwrap();
    let interval = filter.interval().unwrap();
    assert!(interval.lo < -1.5);
    check_routes("grid", &grid, Some(&s), &[interval.lo * (1.0 - 1e-5), 0.9 * interval.lo, -1.2, 1.0 - 1e-6]);
    let knn = samples::knn(240, 5, 6);
    check_routes("knn", &knn, None, &[-1.4, -1.2, 0.99999]);
}

#[test]
fn a_rho_beyond_the_interval_falls_back_to_pivoting() {
    let w = samples::triangulated(16);
    let filter = SpatialFilter::new(&w, Some(&samples::symmetrizer(&w))).unwrap();
    for rho in [1.7, -3.3, 25.0] {
        let error = rounding(filter.all_eigenvalues().unwrap(), rho);
        assert!((filter.log_determinant(rho).unwrap() - dense_value(&w, rho)).abs() < 1e-8 + error, "{rho}");
    }
}

#[test]
fn sizes_and_density_choose_the_method() {
    let small = SpatialFilter::new(&samples::knn(50, 4, 1), None).unwrap();
    assert_eq!((small.method(), small.eigenvalues().unwrap().len()), ("eigen", 50));
    let (w, s) = samples::inverse_distance(220, 2);
    let dense = SpatialFilter::new(&w, Some(&s)).unwrap();
    assert_eq!(dense.method(), "eigen");
    assert!(dense.eigenvalues().unwrap().iter().all(|&(_, im)| im == 0.0));
    assert!((dense.log_determinant(0.7).unwrap() - dense_value(&w, 0.7)).abs() < 1e-10);
    let ring = samples::ring(300);
    assert_eq!(SpatialFilter::new(&ring, Some(&samples::symmetrizer(&ring))).unwrap().method(), "cholesky");
    let lu = SpatialFilter::new(&ring, None).unwrap();
    assert_eq!((lu.method(), lu.eigenvalues()), ("lu", None));
}

#[test]
fn a_wrong_symmetrizer_is_not_used() {
    let w = samples::triangulated(16);
    let filter = SpatialFilter::new(&w, Some(&vec![1.0; 256])).unwrap();
    assert_eq!(filter.method(), "lu");
    assert!((filter.log_determinant(0.6).unwrap() - dense_value(&w, 0.6)).abs() < 1e-10);
}

#[test]
fn at_a_reciprocal_eigenvalue_the_filter_is_singular() {
    let ring = samples::ring(100);
    let s = samples::symmetrizer(&ring);
    let large = samples::ring(400);
    let t = samples::symmetrizer(&large);
    for filter in [
        SpatialFilter::new(&ring, Some(&s)).unwrap(),
        SpatialFilter::new(&large, Some(&t)).unwrap(),
        SpatialFilter::new(&large, None).unwrap(),
    ] {
        // The reciprocal itself and its neighbors in floating point, on whatever side rounding puts the last pivot.
        for rho in [1.0, 1.0 - f64::EPSILON, 1.0 + f64::EPSILON] {
            assert_eq!(filter.log_determinant(rho), Err(LinalgError::Singular { rho }));
        }
        assert!(filter.log_determinant(f64::NAN).is_err());
    }
}

#[test]
fn lanczos_finds_the_ends_that_dense_eigenvalues_find() {
    for (name, w) in [
        ("grid", samples::triangulated(17)),
        ("ring", samples::ring(301)),
        ("even ring", samples::ring(300)),
        ("band with islands", samples::band(400, 0.05, 9)),
        ("two grids", samples::blocks(&[samples::triangulated(12), samples::triangulated(13)])),
    ] {
        let s = samples::symmetrizer(&w);
        let filter = SpatialFilter::new(&w, Some(&s)).unwrap();
        let exact = RhoInterval::of_eigenvalues(filter.all_eigenvalues().unwrap());
        let end =
            |end| lanczos::extreme(&filter.of.w, &s, filter.cholesky().unwrap(), filter.of.row_bound, end).unwrap();
        assert!((end(End::Smallest) * exact.lo - 1.0).abs() < 1e-9, "{name}");
        assert!((end(End::Largest) * exact.hi - 1.0).abs() < 1e-9, "{name}");
        let found = filter.interval().unwrap();
        assert_eq!((found.rule, found.hi), ("eigen", 1.0));
        assert!((found.lo / exact.lo - 1.0).abs() < 1e-9, "{name}");
    }
}

#[test]
fn symmetric_matrices_that_are_not_row_standardized_have_both_ends_by_lanczos() {
    let mut t = sprs::TriMat::new((289, 289));
    for (_, (i, j)) in samples::triangulated(17).iter() {
        t.add_triplet(i, j, 0.25);
    }
    let w: CsMat<f64> = t.to_csr();
    let ones = vec![1.0; 289];
    let filter = SpatialFilter::new(&w, Some(&ones)).unwrap();
    assert_eq!((filter.method(), filter.unit_classes()), ("cholesky", 0));
    let (found, exact) = (filter.interval().unwrap(), RhoInterval::of_eigenvalues(filter.all_eigenvalues().unwrap()));
    assert!((found.lo / exact.lo - 1.0).abs() < 1e-9 && (found.hi / exact.hi - 1.0).abs() < 1e-9);
}

#[test]
fn large_matrices_without_symmetry_get_the_unit_interval() {
    let neighbors: Vec<Vec<usize>> = (0..2500).map(|i| vec![(i + 1) % 2500, (i + 7) % 2500]).collect();
    let filter = SpatialFilter::new(&samples::standardized(&neighbors), None).unwrap();
    assert_eq!(filter.interval().unwrap(), RhoInterval { lo: -1.0, hi: 1.0, rule: "unit" });
    let zeros = SpatialFilter::new(&CsMat::zero((30, 30)), None).unwrap();
    assert_eq!(zeros.interval().unwrap(), RhoInterval { lo: -1.0, hi: 1.0, rule: "unit" });
    assert_eq!(zeros.log_determinant(0.5), Ok(0.0));
}

#[test]
fn the_interpolant_and_its_derivatives_follow_the_eigenvalues() {
    let grid = samples::triangulated(16);
    let s = samples::symmetrizer(&grid);
    let blocks = samples::blocks(&[samples::ring(121), samples::ring(122), CsMat::zero((2, 2))]);
    let t = samples::symmetrizer(&blocks);
    let knn = samples::knn(300, 6, 12);
    for (w, s) in [(&grid, Some(&s[..])), (&blocks, Some(&t[..])), (&knn, None)] {
        let filter = SpatialFilter::new(w, s).unwrap();
        let exact = LogDetInterpolant::of_eigenvalues(filter.all_eigenvalues().unwrap().clone());
        for (lo, hi) in [(0.3, 0.6), (-0.4, -0.1), (0.9, 0.95)] {
            let found = filter.interpolate(lo, hi, 16, &never).unwrap();
            assert_eq!(
                found.window().map(|(a, b)| ((a - lo).abs() < 1e-15, (b - hi).abs() < 1e-15)),
                Some((true, true))
            );
            for k in 0..=10 {
                let rho = lo + (hi - lo) * (0.05 + 0.09 * k as f64);
                let near = |a: f64, b: f64, tolerance: f64| (a - b).abs() <= tolerance * b.abs().max(1.0);
                // Differentiating a polynomial of n nodes on a half-width h multiplies errors by up to n²/h each time.
                let error = rounding(filter.all_eigenvalues().unwrap(), hi);
                let steep = 16.0 * 16.0 / (0.5 * (hi - lo));
                assert!(near(found.value(rho), exact.value(rho), 1e-9 + error), "value at {rho}");
                assert!(near(found.first(rho), exact.first(rho), 1e-6 + error * steep), "first at {rho}");
                assert!(near(found.second(rho), exact.second(rho), 1e-4 + error * steep * steep), "second at {rho}");
            }
        }
    }
}

#[test]
fn derivatives_are_the_traces_they_stand_for() {
    let w = samples::knn(120, 5, 3);
    let filter = SpatialFilter::new(&w, None).unwrap();
    let l = filter.interpolate(-0.9, 0.9, 8, &never).unwrap();
    for rho in [-0.5, 0.4, 0.8] {
        // Columns of (I − ρW)⁻¹, multiplied by W: G itself.
        let inverse = filter.dense_inverse(rho).unwrap();
        let g: Vec<Vec<f64>> = (0..120)
            .map(|j| {
                let column: Vec<f64> = (0..120).map(|i| inverse[(i, j)]).collect();
                let mut image = vec![0.0; 120];
                filter.multiply(&column, &mut image);
                image
            })
            .collect();
        let trace: f64 = (0..120).map(|i| g[i][i]).sum();
        let square: f64 = (0..120).map(|i| (0..120).map(|k| g[k][i] * g[i][k]).sum::<f64>()).sum();
        let of_inverse: f64 = (0..120).map(|i| inverse[(i, i)]).sum();
        assert!((l.first(rho) + trace).abs() < 1e-10 * trace.abs().max(1.0));
        assert!((l.second(rho) + square).abs() < 1e-10 * square.abs().max(1.0));
        assert!((of_inverse - (120.0 - rho * l.first(rho))).abs() < 1e-10 * 120.0);
    }
}

#[test]
fn solves_leave_small_residuals_on_every_route() {
    let grid = samples::triangulated(16);
    let s = samples::symmetrizer(&grid);
    let knn_small = samples::knn(90, 5, 3);
    let knn = samples::knn(300, 6, 4);
    for (w, s) in [(&grid, Some(&s[..])), (&knn_small, None), (&knn, None)] {
        let filter = SpatialFilter::new(w, s).unwrap();
        let n = filter.units();
        for rho in [-1.1, -0.7, 0.2, 0.9, 0.999] {
            for transposed in [false, true] {
                let b = samples::vector(77, 3 * n);
                let mut x = b.clone();
                if transposed { filter.solve_transposed(rho, &mut x) } else { filter.solve(rho, &mut x) }.unwrap();
                let a = if transposed { filter.transposed() } else { &filter.of.w };
                for (x, b) in x.chunks_exact(n).zip(b.chunks_exact(n)) {
                    assert!(iterate::relative_residual(a, rho, x, b) <= iterate::RESIDUAL, "{n} {rho}");
                }
            }
        }
    }
}

#[test]
fn the_pivoted_factor_solves_both_ways() {
    let w = samples::knn(230, 5, 3);
    let filter = SpatialFilter::new(&w, None).unwrap();
    for rho in [0.7, 2.5] {
        let lu = PivotedLu::factor(filter.transposed(), filter.elimination().unwrap(), rho).unwrap();
        for transposed in [false, true] {
            let a = if transposed { filter.transposed() } else { &filter.of.w };
            let b = samples::vector(3, 460);
            let mut x = b.clone();
            lu.solve(&mut x, transposed).unwrap();
            for (x, b) in x.chunks_exact(230).zip(b.chunks_exact(230)) {
                assert!(iterate::relative_residual(a, rho, x, b) < 1e-12);
            }
        }
    }
}

#[test]
fn shapes_are_checked() {
    let filter = SpatialFilter::new(&samples::ring(10), None).unwrap();
    assert!(matches!(filter.solve(0.3, &mut [1.0; 15]), Err(LinalgError::Shape { .. })));
    let large = SpatialFilter::new(&samples::ring(2100), None).unwrap();
    assert!(matches!(large.dense_inverse(0.3), Err(LinalgError::TooLarge { .. })));
    assert!(matches!(large.interpolate(0.3, 0.3, 6, &never), Err(LinalgError::Shape { .. })));
    let none = SpatialFilter::new(&CsMat::zero((0, 0)), None).unwrap();
    assert_eq!((none.log_determinant(0.4), none.solve(0.4, &mut [])), (Ok(0.0), Ok(())));
}

#[test]
fn interpolation_stops_when_asked() {
    let filter = SpatialFilter::new(&samples::ring(300), None).unwrap();
    assert!(matches!(filter.interpolate(0.1, 0.2, 4, &|| true), Err(LinalgError::Stopped)));
}

#[test]
fn threads_change_no_bit() {
    let w = samples::knn(300, 6, 21);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let filter = SpatialFilter::new(&w, None).unwrap();
            let l = filter.interpolate(0.2, 0.7, 9, &never).unwrap();
            (l.value(0.5).to_bits(), l.second(0.5).to_bits())
        })
    };
    assert_eq!(run(1), run(4));
}
