//! Closed walks on the graph of a weights matrix: exact diagonals of its first powers, which carry most of the variance
//! of every estimate made with random signs (scaling 2).

use super::csr::Csr;

/// Multiplications above which only the diagonal of `W²` is worked out.
const MOST_WORK: f64 = 4e8;

/// Diagonals of `W` to `W⁴`, or to `W²` for a matrix with very many entries.
#[derive(Clone, Debug, PartialEq)]
pub struct ClosedWalks {
    /// `powers[k]` is the diagonal of `W^(k+1)`, length N.
    powers: Vec<Vec<f64>>,
    /// `tr W'W`, then `tr W'W²` and `tr W²'W²` where `W²` is worked out.
    products: Vec<f64>,
}

impl ClosedWalks {
    /// Work of the order of the entries of `W²`.
    pub fn of(w: &Csr) -> ClosedWalks {
        let transposed = w.transpose();
        let degree = |i: usize| (w.ptr[i + 1] - w.ptr[i]) as f64;
        let work: f64 = w.col.iter().map(|&j| 2.0 * degree(j as usize)).sum();
        let mut powers = vec![vec![0.0; w.n]; if work <= MOST_WORK { 4 } else { 2 }];
        let [mut row, mut column, mut row_square, mut column_square] = std::array::from_fn(|_| Scattered::new(w.n));
        let mut products = vec![0.0; powers.len() - 1];
        for i in 0..w.n {
            row.set(w.row(i));
            column.set(transposed.row(i));
            powers[0][i] = row.value[i];
            powers[1][i] = row.dot(&column);
            products[0] += row.dot(&row);
            if powers.len() > 2 {
                // (W³)_ii and (W⁴)_ii from row i and column i of W².
                row_square.set(row.entries().flat_map(|(j, a)| w.row(j).map(move |(k, b)| (k, a * b))));
                column_square.set(column.entries().flat_map(|(j, a)| transposed.row(j).map(move |(k, b)| (k, a * b))));
                powers[2][i] = row_square.dot(&column);
                powers[3][i] = row_square.dot(&column_square);
                products[1] += row.dot(&row_square);
                products[2] += row_square.dot(&row_square);
            }
        }
        ClosedWalks { powers, products }
    }

    /// Highest power whose diagonal is known.
    pub fn order(&self) -> usize {
        self.powers.len()
    }

    /// Diagonal of `W^k`, `1 ≤ k ≤ order`.
    pub fn diagonal(&self, k: usize) -> &[f64] {
        &self.powers[k - 1]
    }

    /// `‖W‖²` or `‖W + ρW²‖²` (Frobenius), with the number of powers in it: as many as were worked out.
    pub fn frobenius(&self, rho: f64) -> (usize, f64) {
        match self.products[..] {
            [one, mixed, two] => (2, one + 2.0 * rho * mixed + rho * rho * two),
            _ => (1, self.products[0]),
        }
    }

    /// `tr W^k`, `1 ≤ k ≤ order`.
    pub fn trace(&self, k: usize) -> f64 {
        super::panel::sum(self.diagonal(k))
    }
}

/// A vector with few entries in full storage.
struct Scattered {
    value: Vec<f64>,
    touched: Vec<u32>,
    marked: Vec<bool>,
}

impl Scattered {
    fn new(n: usize) -> Scattered {
        Scattered { value: vec![0.0; n], touched: Vec::new(), marked: vec![false; n] }
    }

    /// Forgets what was there and adds up the terms.
    fn set(&mut self, terms: impl Iterator<Item = (usize, f64)>) {
        for &k in &self.touched {
            self.value[k as usize] = 0.0;
            self.marked[k as usize] = false;
        }
        self.touched.clear();
        for (k, v) in terms {
            if !self.marked[k] {
                self.marked[k] = true;
                self.touched.push(k as u32);
            }
            self.value[k] += v;
        }
    }

    fn entries(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.touched.iter().map(|&k| (k as usize, self.value[k as usize]))
    }

    fn dot(&self, other: &Scattered) -> f64 {
        let shorter = if self.touched.len() <= other.touched.len() { self } else { other };
        shorter.touched.iter().map(|&k| self.value[k as usize] * other.value[k as usize]).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::samples;

    #[test]
    fn diagonals_are_those_of_the_powers() {
        for w in
            [samples::knn(60, 5, 3), samples::triangulated(7), samples::blocks(&[samples::ring(9), samples::ring(2)])]
        {
            let csr = Csr::from_sprs(&w).unwrap();
            let walks = ClosedWalks::of(&csr);
            assert_eq!(walks.order(), 4);
            let mut power = w.clone();
            for k in 1..=4 {
                for i in 0..csr.n {
                    let exact = power.get(i, i).copied().unwrap_or(0.0);
                    assert!((walks.diagonal(k)[i] - exact).abs() < 1e-15, "{k} {i}");
                }
                power = &power * &w;
            }
            let square = &w * &w;
            let entry = |i: usize, j: usize| {
                w.get(i, j).copied().unwrap_or(0.0) + 0.3 * square.get(i, j).copied().unwrap_or(0.0)
            };
            let exact: f64 =
                (0..csr.n).flat_map(|i| (0..csr.n).map(move |j| (i, j))).map(|(i, j)| entry(i, j).powi(2)).sum();
            assert!((walks.frobenius(0.3).1 / exact - 1.0).abs() < 1e-13);
        }
    }
}
