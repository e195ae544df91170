//! Medians and spreads, and how they are written.

/// What was measured, round by round.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// One more round.
    pub fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    /// The one in the middle.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The one that this part of all is no greater than.
    ///
    /// # Panics
    /// Nothing was measured.
    #[must_use]
    pub fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1).expect("a sample");
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index below the length"
        )]
        let at = (part * last as f64).round() as usize;
        sorted[at]
    }

    /// The greatest.
    #[must_use]
    pub fn most(&self) -> f64 {
        self.quantile(1.0)
    }

    /// By how much each is the one of the same round of another's.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        let pairs = self.0.iter().zip(&other.0);
        pairs.map(|(one, other)| one / other).collect()
    }

    /// Each less this.
    #[must_use]
    pub fn less(&self, floor: f64) -> Self {
        self.0.iter().map(|one| one - floor).collect()
    }

    /// Nanoseconds as `38.2 µs (37.9 to 38.8)`: the median, and the middle half.
    #[must_use]
    pub fn times(&self) -> String {
        let (unit, each) = unit(self.median());
        self.written(each, &format!(" {unit}"))
    }

    /// Ratios as `1.09 (1.07 to 1.12)`.
    #[must_use]
    pub fn ratios(&self) -> String {
        let [low, middle, high] = self.quartiles();
        format!("{middle:.2} ({low:.2} to {high:.2})")
    }

    fn written(&self, each: f64, unit: &str) -> String {
        let [low, middle, high] = self.quartiles().map(|one| one / each);
        format!(
            "{}{unit} ({} to {})",
            digits(middle),
            digits(low),
            digits(high)
        )
    }

    fn quartiles(&self) -> [f64; 3] {
        [0.25, 0.5, 0.75].map(|part| self.quantile(part))
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(samples: I) -> Self {
        Self(samples.into_iter().collect())
    }
}

/// Nanoseconds as `38.2 µs`.
#[must_use]
pub fn time(nanoseconds: f64) -> String {
    let (unit, each) = unit(nanoseconds);
    format!("{} {unit}", digits(nanoseconds / each))
}

/// Bytes as `6.4 MiB`.
#[must_use]
pub fn size(bytes: f64) -> String {
    const UNITS: [(&str, f64); 2] = [("MiB", 1_048_576.0), ("KiB", 1024.0)];
    let fits = UNITS.iter().find(|(_, each)| bytes >= *each);
    let (unit, each) = fits.copied().unwrap_or(("B", 1.0));
    format!("{} {unit}", digits(bytes / each))
}

/// Three digits that count, and no more.
fn digits(number: f64) -> String {
    match number.abs() {
        ..9.995 => format!("{number:.2}"),
        ..99.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

fn unit(nanoseconds: f64) -> (&'static str, f64) {
    const UNITS: [(&str, f64); 3] = [("s", 1e9), ("ms", 1e6), ("µs", 1e3)];
    let fits = UNITS.iter().find(|(_, each)| nanoseconds >= *each);
    fits.copied().unwrap_or(("ns", 1.0))
}

#[cfg(test)]
mod tests {
    use super::{Samples, size, time};

    #[test]
    fn a_median_is_written_with_its_middle_half_in_one_unit() {
        let samples: Samples = (1..=9).map(|n| f64::from(n) * 250_000.0).collect();
        assert_eq!(samples.times(), "1.25 ms (0.75 to 1.75)");
        let twice: Samples = (1..=9).map(|n| f64::from(n) * 500_000.0).collect();
        assert_eq!(twice.over(&samples).ratios(), "2.00 (2.00 to 2.00)");
    }

    #[test]
    fn sizes_and_times_have_three_digits() {
        assert_eq!(time(38_240.0), "38.2 µs");
        assert_eq!(time(1.0), "1.00 ns");
        assert_eq!(size(8_388_608.0), "8.00 MiB");
        assert_eq!(size(300.0), "300 B");
    }
}
