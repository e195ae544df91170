//! Numbers drawn from a seed, so that what was drawn once can be drawn again.

/// splitmix64: scripts of faults need no better.
#[derive(Debug, Clone)]
pub struct Seed(u64);

impl Seed {
    /// Draws from here.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The one that a variable of the environment names, else one of this moment.
    ///
    /// # Panics
    /// The variable is no number.
    #[must_use]
    pub fn from_environment(variable: &str) -> Self {
        match std::env::var(variable) {
            Ok(text) => Self(text.parse().expect("a seed is a number")),
            Err(_) => {
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                Self(now.map_or(1, |now| now.subsec_nanos().into()))
            }
        }
    }

    /// The number it began with, before anything was drawn.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.0
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 where there is none.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit.max(1)
    }

    /// The same for places in a list.
    ///
    /// # Panics
    /// Never: it is below a `usize`.
    pub fn index(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("no more than 64 bits");
        usize::try_from(self.below(limit)).expect("below a usize")
    }

    /// Whether something that happens once in `n` times happens now.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.index(of.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::Seed;

    #[test]
    fn the_same_seed_draws_the_same_and_another_does_not() {
        let drawn = |seed| {
            let mut seed = Seed::new(seed);
            [seed.draw(), seed.draw(), seed.draw()]
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }
}
