//! Times as people say them: near days by their names, the rest by date; hours as the language writes them.

use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};
use chrono_tz::Tz;

use super::words::Words;

/// Now, somewhere.
#[derive(Clone, Copy)]
pub struct Clock {
    pub zone: Tz,
    pub now: DateTime<Utc>,
    pub words: &'static dyn Words,
}

impl Clock {
    /// The same on another clock.
    pub fn at(self, zone: Tz) -> Self {
        Self { zone, ..self }
    }

    /// "9:00"; all languages here count 24 hours.
    pub fn hour(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%-H:%M").to_string()
    }

    pub fn seconds(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%-H:%M:%S").to_string()
    }

    /// "today", "tomorrow", a weekday within six days, else a date.
    pub fn day(&self, at: DateTime<Utc>) -> String {
        let (then, today) =
            (at.with_timezone(&self.zone).date_naive(), self.now.with_timezone(&self.zone).date_naive());
        let w = self.words.fixed();
        match (then - today).num_days() {
            0 => w.today.to_lowercase(),
            1 => w.tomorrow.to_lowercase(),
            -1 => self.words.yesterday().to_owned(),
            -6..=6 => self.words.weekday(then.weekday()).to_owned(),
            _ => self.words.date(then, then.year() != today.year()),
        }
    }

    /// The whole date, as it stands between days.
    pub fn date(&self, at: DateTime<Utc>) -> String {
        let (then, today) = (at.with_timezone(&self.zone), self.now.with_timezone(&self.zone));
        self.words.date(then.date_naive(), then.year() != today.year())
    }

    /// "tomorrow, 9:00".
    pub fn moment(&self, at: DateTime<Utc>) -> String {
        self.words.at(&self.day(at), &self.hour(at))
    }

    /// As a list shows it: the hour today, else the day.
    pub fn short(&self, at: DateTime<Utc>) -> String {
        let today = |at: DateTime<Utc>| at.with_timezone(&self.zone).date_naive();
        if today(at) == today(self.now) { self.hour(at) } else { self.day(at) }
    }

    /// How long ago, in the largest unit: "12 min".
    pub fn ago(&self, at: DateTime<Utc>) -> String {
        let passed = self.now - at;
        match () {
            () if passed.num_days() > 0 => self.words.days(passed.num_days()),
            () if passed.num_hours() > 0 => self.words.hours(passed.num_hours()),
            () => self.words.minutes(passed.num_minutes().max(0)),
        }
    }

    /// The same with the whole date in place of the day.
    pub fn dated_for_client(&self, at: DateTime<Utc>, theirs: Tz) -> String {
        let there = self.at(theirs);
        if there.hour(at) == self.hour(at) && there.day(at) == self.day(at) {
            return self.words.at(&self.date(at), &self.hour(at));
        }
        let theirs = self.words.at(&there.date(at), &self.words.there(&there.hour(at), &place(theirs)));
        format!("{theirs} · {}", self.words.yours(&self.moment(at)))
    }

    /// In the client's zone, and in the viewer's where it differs: "tomorrow, 15:00 in Makassar · 8:00 yours".
    pub fn for_client(&self, at: DateTime<Utc>, theirs: Tz) -> String {
        let there = self.at(theirs);
        if there.hour(at) == self.hour(at) && there.day(at) == self.day(at) {
            return self.moment(at);
        }
        let place = place(theirs);
        let theirs = self.words.at(&there.day(at), &self.words.there(&there.hour(at), &place));
        let mine = if there.day(at) == self.day(at) { self.hour(at) } else { self.moment(at) };
        format!("{theirs} · {}", self.words.yours(&mine))
    }
}

/// The place that a zone is named by.
pub fn place(zone: Tz) -> String {
    zone.name().rsplit('/').next().unwrap_or_default().replace('_', " ")
}

/// The exact instant.
pub fn exact(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
