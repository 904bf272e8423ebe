//! When sends fail, or go out, faster than they should: what one dispatcher saw of one tenant's sends, and what it means.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use steward_proto::v1;

use crate::settings::Breaker;

/// Failures are weighed over this long, in seconds.
const WINDOW: i64 = 300;
/// Volume is weighed over this long, in seconds.
const MINUTE: i64 = 60;

/// How one attempt ended, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Refused for good for a reason that isn't the recipient's own, or of unknown fate.
    pub failed: bool,
    /// Nobody waited for it, and nobody let it go.
    pub by_itself: bool,
}

/// A second's sends.
#[derive(Debug, Clone, Copy, Default)]
struct Second {
    at: i64,
    sends: u32,
    failures: u32,
    by_itself: u32,
}

/// The last minutes of one tenant's sends; bounded, for seconds are counted and not sends.
#[derive(Debug, Clone, Default)]
pub struct Recent(VecDeque<Second>);

impl Recent {
    /// Counts an attempt; what the breaker is tripped with, if it is to be.
    pub fn count(&mut self, now: DateTime<Utc>, seen: Seen, limits: Breaker) -> Option<v1::BreakerTripped> {
        let at = now.timestamp();
        self.0.retain(|second| (at - WINDOW..=at).contains(&second.at));
        if self.0.back().is_none_or(|second| second.at != at) {
            self.0.push_back(Second { at, ..Second::default() });
        }
        if let Some(second) = self.0.back_mut() {
            second.sends += 1;
            second.failures += u32::from(seen.failed);
            second.by_itself += u32::from(seen.by_itself);
        }
        let (sends, failures) = self.0.iter().fold((0, 0), |(s, f), second| (s + second.sends, f + second.failures));
        if failures >= limits.failures && failures * 2 >= sends {
            let text = format!("{failures} of {sends} sends failed within {} minutes", WINDOW / 60);
            return Some(tripped("failures", text, sends, failures, WINDOW));
        }
        let minute = self.0.iter().filter(|second| second.at > at - MINUTE);
        let alone: u32 = minute.map(|second| second.by_itself).sum();
        let most = limits.sends_per_minute?;
        let text = || format!("{alone} messages went out by themselves within a minute, and the limit is {most}");
        (alone > most).then(|| tripped("volume", text(), alone, failures, MINUTE))
    }

    /// Begins anew: a person has looked.
    pub fn forget(&mut self) {
        self.0.clear();
    }

    /// Whether nothing was sent lately.
    pub fn is_idle(&self, now: DateTime<Utc>) -> bool {
        self.0.back().is_none_or(|second| now.timestamp() - second.at > TimeDelta::seconds(WINDOW).num_seconds())
    }
}

fn tripped(code: &str, text: String, sends: u32, failures: u32, seconds: i64) -> v1::BreakerTripped {
    v1::BreakerTripped {
        reason: Some(v1::Reason { code: code.to_owned(), text, event_id: String::new() }),
        sends,
        failures,
        seconds: seconds as u32,
        worker: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: Seen = Seen { failed: true, by_itself: true };
    const SENT: Seen = Seen { failed: false, by_itself: true };

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_251_600 + second, 0).unwrap()
    }

    #[test]
    fn it_trips_when_half_of_many_sends_fail_and_not_when_few_do() {
        let limits = Breaker { failures: 3, sends_per_minute: None };
        let mut recent = Recent::default();
        for second in 0..4 {
            assert_eq!(recent.count(at(second), SENT, limits), None);
        }
        let failed: Vec<bool> = (4..8).map(|second| recent.count(at(second), FAILED, limits).is_some()).collect();
        assert_eq!(failed, [false, false, false, true], "three of seven are less than half");
    }

    #[test]
    fn failures_of_long_ago_dont_count() {
        let limits = Breaker { failures: 2, sends_per_minute: None };
        let mut recent = Recent::default();
        assert_eq!(recent.count(at(0), FAILED, limits), None);
        assert_eq!(recent.count(at(301), FAILED, limits), None);
        assert!(recent.count(at(302), FAILED, limits).is_some());
        recent.forget();
        assert_eq!(recent.count(at(303), FAILED, limits), None);
    }

    #[test]
    fn it_trips_when_more_goes_out_by_itself_than_the_limit_and_answers_dont_count() {
        let limits = Breaker { failures: 50, sends_per_minute: Some(2) };
        let mut recent = Recent::default();
        for second in 0..10 {
            assert_eq!(recent.count(at(second), Seen { failed: false, by_itself: false }, limits), None);
        }
        assert_eq!(recent.count(at(0), SENT, limits), None);
        assert_eq!(recent.count(at(30), SENT, limits), None);
        assert_eq!(recent.count(at(70), SENT, limits), None, "the first is more than a minute ago");
        assert!(recent.count(at(71), SENT, limits).is_some_and(|t| t.sends == 3));
    }
}
