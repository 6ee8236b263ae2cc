//! The directed graph of a weights matrix: its strong components, and which of them carry the eigenvalue one.

use super::csr::Csr;

/// Strong components of the graph `i → j` where `w_ij ≠ 0`.
#[derive(Clone, Debug, PartialEq)]
pub struct StrongComponents {
    /// Component of each unit; a component comes after every one it points to is numbered.
    pub of_unit: Vec<u32>,
    pub count: usize,
}

impl StrongComponents {
    /// Tarjan's algorithm with an explicit stack, so that long chains cannot overflow.
    pub fn find(w: &Csr) -> StrongComponents {
        const UNSEEN: u32 = u32::MAX;
        let mut of_unit = vec![UNSEEN; w.n];
        let mut index = vec![UNSEEN; w.n];
        let mut low = vec![0u32; w.n];
        let mut open: Vec<u32> = Vec::new();
        let mut walk: Vec<(u32, usize)> = Vec::new();
        let (mut next, mut count) = (0u32, 0u32);
        for root in 0..w.n {
            if index[root] != UNSEEN {
                continue;
            }
            walk.push((root as u32, w.ptr[root]));
            while let Some(&mut (unit, ref mut at)) = walk.last_mut() {
                let u = unit as usize;
                if *at == w.ptr[u] && index[u] == UNSEEN {
                    index[u] = next;
                    low[u] = next;
                    next += 1;
                    open.push(unit);
                }
                if *at < w.ptr[u + 1] {
                    let v = w.col[*at] as usize;
                    *at += 1;
                    if index[v] == UNSEEN {
                        walk.push((v as u32, w.ptr[v]));
                    } else if of_unit[v] == UNSEEN {
                        low[u] = low[u].min(index[v]);
                    }
                    continue;
                }
                walk.pop();
                if let Some(&(parent, _)) = walk.last() {
                    low[parent as usize] = low[parent as usize].min(low[u]);
                }
                if low[u] == index[u] {
                    while let Some(member) = open.pop() {
                        of_unit[member as usize] = count;
                        if member == unit {
                            break;
                        }
                    }
                    count += 1;
                }
            }
        }
        StrongComponents { of_unit, count: count as usize }
    }

    /// Units of each component, ascending.
    pub fn members(&self) -> Vec<Vec<u32>> {
        let mut members = vec![Vec::new(); self.count];
        for (unit, &component) in self.of_unit.iter().enumerate() {
            members[component as usize].push(unit as u32);
        }
        members
    }
}

/// How many strong components nobody leaves and whose non-negative rows all sum to one: the multiplicity of the
/// eigenvalue one, hence the power of `1 − ρ` in `|I − ρW|`, when no row sums to more than one. Connected components
/// of a row-standardised symmetric contiguity count one each; islands count none.
pub fn closed_unit_classes(w: &Csr, components: &StrongComponents) -> usize {
    let mut unit = vec![true; components.count];
    for i in 0..w.n {
        let own = components.of_unit[i] as usize;
        let mut sum = 0.0;
        for (j, v) in w.row(i) {
            sum += v;
            if components.of_unit[j] as usize != own || v < 0.0 {
                unit[own] = false;
            }
        }
        if (sum - 1.0).abs() > 1e-12 {
            unit[own] = false;
        }
    }
    unit.iter().filter(|&&yes| yes).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::samples;

    #[test]
    fn a_ring_is_one_class_and_two_rings_are_two() {
        let ring = Csr::from_sprs(&samples::ring(12)).unwrap();
        assert_eq!(closed_unit_classes(&ring, &StrongComponents::find(&ring)), 1);
        let two = Csr::from_sprs(&samples::blocks(&[samples::ring(7), samples::ring(9)])).unwrap();
        assert_eq!(closed_unit_classes(&two, &StrongComponents::find(&two)), 2);
    }

    #[test]
    fn islands_carry_no_unit_eigenvalue() {
        let w = Csr::from_sprs(&samples::blocks(&[samples::ring(7), sprs::CsMat::zero((2, 2))])).unwrap();
        let components = StrongComponents::find(&w);
        assert_eq!(components.count, 3);
        assert_eq!(closed_unit_classes(&w, &components), 1);
    }

    #[test]
    fn a_class_that_leaks_into_another_is_not_closed() {
        // 0 and 1 point to each other and to 2; 2 and 3 only to each other.
        let mut t = sprs::TriMat::new((4, 4));
        for (i, j, v) in [(0, 1, 0.5), (0, 2, 0.5), (1, 0, 1.0), (2, 3, 1.0), (3, 2, 1.0)] {
            t.add_triplet(i, j, v);
        }
        let w = Csr::from_sprs(&t.to_csr()).unwrap();
        let components = StrongComponents::find(&w);
        assert_eq!(components.count, 2);
        assert_eq!(closed_unit_classes(&w, &components), 1);
    }

    #[test]
    fn a_long_chain_does_not_overflow_the_stack() {
        let n = 200_000;
        let mut t = sprs::TriMat::new((n, n));
        for i in 0..n - 1 {
            t.add_triplet(i, i + 1, 1.0);
        }
        let w = Csr::from_sprs(&t.to_csr()).unwrap();
        assert_eq!(StrongComponents::find(&w).count, n);
    }
}
