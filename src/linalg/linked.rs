//! Which things links bring together, one link after the other (union and find, with halved paths).

/// Things numbered from 0, each in a part of its own until links join them.
pub struct Linked {
    above: Vec<usize>,
}

impl Linked {
    pub fn of(things: usize) -> Linked {
        Linked { above: (0..things).collect() }
    }

    pub fn link(&mut self, a: usize, b: usize) {
        let (a, b) = (self.part(a), self.part(b));
        self.above[a] = b;
    }

    /// The thing that stands for the part of another.
    pub fn part(&mut self, mut k: usize) -> usize {
        while self.above[k] != k {
            self.above[k] = self.above[self.above[k]];
            k = self.above[k];
        }
        k
    }
}
