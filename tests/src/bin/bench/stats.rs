//! Samples, and what is said about many of them: quantiles and the maximum.

use std::time::Duration;

use crate::report::{Figure, figure};

/// Durations in milliseconds.
#[derive(Debug, Default, Clone)]
pub struct Samples {
    ms: Vec<f64>,
    sorted: bool,
}

impl Samples {
    pub fn add(&mut self, took: Duration) {
        self.add_ms(took.as_secs_f64() * 1e3);
    }

    /// Adds a sample; a negative one means early.
    pub fn add_ms(&mut self, ms: f64) {
        self.ms.push(ms);
        self.sorted = false;
    }

    pub fn merge(&mut self, other: Self) {
        self.ms.extend(other.ms);
        self.sorted = false;
    }

    pub fn len(&self) -> usize {
        self.ms.len()
    }

    pub fn below_zero(&self) -> usize {
        self.ms.iter().filter(|ms| **ms < 0.0).count()
    }

    /// The value that the share `q` (0 to 1) of the samples doesn't pass; 0 without samples.
    pub fn quantile(&mut self, q: f64) -> f64 {
        if !self.sorted {
            self.ms.sort_by(f64::total_cmp);
            self.sorted = true;
        }
        let last = self.ms.len().saturating_sub(1);
        self.ms.get((last as f64 * q).round() as usize).copied().unwrap_or(0.0)
    }

    /// p50, p99 and the maximum.
    pub fn figures(&mut self) -> Vec<Figure> {
        vec![
            figure("p50", self.quantile(0.5), "ms"),
            figure("p99", self.quantile(0.99), "ms"),
            figure("max", self.quantile(1.0), "ms"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted_samples() {
        let mut samples = Samples::default();
        (0..=100).rev().for_each(|ms| samples.add_ms(f64::from(ms)));
        assert_eq!((samples.quantile(0.5), samples.quantile(0.99), samples.quantile(1.0)), (50.0, 99.0, 100.0));
    }
}
