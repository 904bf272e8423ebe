//! Times that the client, a tool or the tenant said: to quote them is true.

use std::{cell::OnceCell, collections::HashSet};

use chrono::{NaiveDate, Timelike};
use steward_language::{
    excerpt::head,
    time::{Said, Wall, said},
};

use super::Backing;

/// Texts that are read, at most: the last ones.
const MOST_TEXTS: usize = 64;

/// The clocks and days of the known texts, read when first asked for.
#[derive(Default)]
pub(super) struct Known(OnceCell<Times>);

#[derive(Default)]
struct Times {
    clocks: HashSet<(u32, u32)>,
    days: HashSet<NaiveDate>,
}

impl Known {
    /// Whether the time stands in a known text.
    pub fn holds(&self, time: &Said, backing: &Backing) -> bool {
        let times = self.0.get_or_init(|| Times::of(backing));
        time.readings.is_empty()
            || time.readings.iter().any(|moment| {
                let local = moment.elsewhere.unwrap_or(Wall::Zone(backing.zone)).local(moment.at);
                let clock = !time.clock || times.clocks.contains(&(local.hour(), local.minute()));
                // A clock alone may be of any day that is spoken of.
                let day = !time.day || times.days.contains(&local.date());
                clock && day
            })
    }
}

impl Times {
    fn of(backing: &Backing) -> Self {
        let mut times = Self::default();
        let context = backing.context();
        let skipped = backing.known_texts.len().saturating_sub(MOST_TEXTS);
        for text in backing.known_texts.iter().skip(skipped).map(|text| head(text)) {
            for time in said(text, &context) {
                for moment in &time.readings {
                    let local = moment.elsewhere.unwrap_or(Wall::Zone(backing.zone)).local(moment.at);
                    times.days.extend(time.day.then_some(local.date()));
                    times.clocks.extend(time.clock.then_some((local.hour(), local.minute())));
                }
            }
            times.clocks.extend(digits(text));
        }
        times.days.extend(backing.all().map(|b| b.when.with_timezone(&backing.zone).date_naive()));
        times
    }
}

/// What is written like a clock: "9", "18:00", "18.30".
fn digits(text: &str) -> impl Iterator<Item = (u32, u32)> + '_ {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != ':' && c != '.');
    words.filter_map(|word| {
        let (hour, minute) = word.split_once([':', '.']).unwrap_or((word, "0"));
        let minute = if minute.is_empty() { "0" } else { minute };
        let clock = (hour.parse().ok()?, minute.parse().ok()?);
        (clock.0 < 24 && clock.1 < 60).then_some(clock)
    })
}
