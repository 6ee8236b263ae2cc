//! Points that are one point: equal ones, and those closer than a tolerance.

use rayon::prelude::*;

/// A number for every point, and where each number is: points within `tolerance` of each other (also over others
/// between them) have one number, and the place of the first of them by its coordinates.
pub(super) fn numbered(points: &[[f64; 2]], tolerance: f64) -> (Vec<u32>, Vec<[f64; 2]>) {
    let mut order: Vec<u32> = (0..points.len() as u32).collect();
    let at = |i: u32| points[i as usize];
    let by_place = |a: &u32, b: &u32| {
        let (p, q) = (at(*a), at(*b));
        p[0].total_cmp(&q[0]).then(p[1].total_cmp(&q[1])).then(a.cmp(b))
    };
    order.par_sort_unstable_by(by_place);
    // Distinct places, by x and then y; −0 and 0 differ here and meet below.
    let mut places: Vec<[f64; 2]> = Vec::new();
    let mut place_of = vec![0u32; points.len()];
    for &i in &order {
        if places.last() != Some(&at(i)) {
            places.push(at(i));
        }
        place_of[i as usize] = places.len() as u32 - 1;
    }
    let mut parent: Vec<u32> = (0..places.len() as u32).collect();
    for (a, b) in near_pairs(&places, tolerance) {
        let (a, b) = (root(&mut parent, a), root(&mut parent, b));
        parent[a.max(b) as usize] = a.min(b);
    }
    let mut number = vec![u32::MAX; places.len()];
    let mut kept = Vec::new();
    for p in 0..places.len() as u32 {
        let first = root(&mut parent, p) as usize;
        if number[first] == u32::MAX {
            number[first] = kept.len() as u32;
            kept.push(places[first]);
        }
        number[p as usize] = number[first];
    }
    (place_of.into_iter().map(|p| number[p as usize]).collect(), kept)
}

fn root(parent: &mut [u32], mut i: u32) -> u32 {
    while parent[i as usize] != i {
        parent[i as usize] = parent[parent[i as usize] as usize];
        i = parent[i as usize];
    }
    i
}

/// Pairs of sorted distinct places at most `tolerance` apart: each column of equal x against itself and those next to it.
fn near_pairs(places: &[[f64; 2]], tolerance: f64) -> Vec<(u32, u32)> {
    let columns: Vec<(usize, usize)> = places
        .chunk_by(|a, b| a[0] == b[0])
        .scan(0, |start, chunk| {
            let from = *start;
            *start += chunk.len();
            Some((from, *start))
        })
        .collect();
    let of_column = |c: usize| {
        let mut out = Vec::new();
        let (from, to) = columns[c];
        for k in from + 1..to {
            if places[k][1] - places[k - 1][1] <= tolerance {
                out.push((k as u32 - 1, k as u32));
            }
        }
        for &(start, end) in
            columns[c + 1..].iter().take_while(|other| places[other.0][0] - places[from][0] <= tolerance)
        {
            let mut low = start;
            for k in from..to {
                while low < end && places[low][1] < places[k][1] - tolerance {
                    low += 1;
                }
                let near = (low..end).take_while(|&j| places[j][1] <= places[k][1] + tolerance);
                let close = |j: &usize| (places[*j][0] - places[k][0]).hypot(places[*j][1] - places[k][1]) <= tolerance;
                out.extend(near.filter(close).map(|j| (k as u32, j as u32)));
            }
        }
        out
    };
    (0..columns.len()).into_par_iter().flat_map_iter(of_column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_points_have_one_number() {
        let points = [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0 + 1e-9], [1.0 - 1e-9, 1.0], [0.0, -0.0], [1.0, 2.0]];
        let (numbers, places) = numbered(&points, 1e-8);
        assert_eq!(numbers[0], numbers[2]);
        assert_eq!(numbers[0], numbers[3]);
        assert_eq!(numbers[1], numbers[4]);
        assert_eq!(places.len(), 3);
        assert_eq!(numbered(&points, 0.0).1.len(), 5);
    }
}
