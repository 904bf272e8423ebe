//! How late things came, in figures and in words.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

/// For each thing, how much later it came than it was due.
#[derive(Debug, Clone, Default)]
pub struct Lateness(Vec<TimeDelta>);

impl Lateness {
    pub fn add(&mut self, due: DateTime<Utc>, at: DateTime<Utc>) {
        self.0.push(at - due);
        self.0.sort();
    }

    /// How many things came before their time.
    pub fn early(&self) -> usize {
        self.0.iter().filter(|late| **late < TimeDelta::zero()).count()
    }

    /// The lateness that this share of all things doesn't exceed; `share` goes from 0 to 1.
    pub fn percentile(&self, share: f64) -> TimeDelta {
        let last = self.0.len().saturating_sub(1);
        self.0.get(((self.0.len() as f64 * share) as usize).min(last)).copied().unwrap_or_default()
    }
}

impl fmt::Display for Lateness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |share| self.percentile(share).num_microseconds().unwrap_or(i64::MAX) as f64 / 1000.0;
        write!(
            f,
            "{} sends, {} early; late by p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms",
            self.0.len(),
            self.early(),
            ms(0.5),
            ms(0.99),
            ms(1.0)
        )
    }
}

/// A number from the environment that says how much of a show to run; `normal` if it isn't set.
pub fn amount(variable: &str, normal: usize) -> usize {
    std::env::var(variable).ok().and_then(|v| v.parse().ok()).unwrap_or(normal)
}

/// Reads a time as the API writes it.
///
/// # Panics
/// The value isn't a time.
pub fn time_of(value: &serde_json::Value) -> DateTime<Utc> {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no time"));
    DateTime::parse_from_rfc3339(text).unwrap_or_else(|e| panic!("{text}: {e}")).with_timezone(&Utc)
}
