//! Times as people say them: near days by their names, the rest by date; hours as the language writes them.

use chrono::{DateTime, Datelike as _, SecondsFormat, Timelike as _, Utc};
use chrono_tz::Tz;

use super::words::Words;

/// Now, somewhere.
#[derive(Clone, Copy)]
pub struct Clock {
    pub zone: Tz,
    pub now: DateTime<Utc>,
    pub words: &'static dyn Words,
    /// Hours are counted to twelve, twice a day.
    pub twelve: bool,
}

impl Clock {
    /// The same on another clock.
    pub fn at(self, zone: Tz) -> Self {
        Self { zone, ..self }
    }

    /// "9:00"; all languages here count 24 hours, whoever looks may have twelve.
    pub fn hour(&self, at: DateTime<Utc>) -> String {
        self.of_day(at, "%M")
    }

    pub fn seconds(&self, at: DateTime<Utc>) -> String {
        self.of_day(at, "%M:%S")
    }

    pub fn milliseconds(&self, at: DateTime<Utc>) -> String {
        self.of_day(at, "%M:%S%.3f")
    }

    /// A time of day, whose hour is written as whoever looks counts hours.
    fn of_day(&self, at: DateTime<Utc>, rest: &str) -> String {
        let local = at.with_timezone(&self.zone);
        if !self.twelve {
            return local.format(&format!("%-H:{rest}")).to_string();
        }
        let w = self.words.fixed();
        let half = if local.hour() < 12 { w.am } else { w.pm };
        format!("{}\u{a0}{half}", local.format(&format!("%-I:{rest}")))
    }

    /// A whole hour of the day.
    pub fn whole_hour(&self, hour: u32) -> String {
        let w = self.words.fixed();
        match (self.twelve, hour) {
            (false, _) => format!("{hour}:00"),
            (true, hour) => {
                format!("{}\u{a0}{}", (hour + 11) % 12 + 1, if hour < 12 { w.am } else { w.pm })
            }
        }
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{super::words, *};

    #[test]
    fn hours_are_counted_to_twelve_or_to_twenty_four() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let words = words::of(steward_language::Language::En);
        let clock = |twelve| Clock { zone: Tz::UTC, now: at("2026-11-28T10:00:00Z"), words, twelve };
        for (time, to_24, to_12) in [
            ("2026-11-28T00:05:00Z", "0:05", "12:05\u{a0}am"),
            ("2026-11-28T09:00:00Z", "9:00", "9:00\u{a0}am"),
            ("2026-11-28T12:00:00Z", "12:00", "12:00\u{a0}pm"),
            ("2026-11-28T18:30:00Z", "18:30", "6:30\u{a0}pm"),
        ] {
            assert_eq!((clock(false).hour(at(time)), clock(true).hour(at(time))), (to_24.to_owned(), to_12.to_owned()));
        }
        let whole: Vec<String> = [0, 9, 12, 18].map(|hour| clock(true).whole_hour(hour)).into();
        assert_eq!(whole, ["12\u{a0}am", "9\u{a0}am", "12\u{a0}pm", "6\u{a0}pm"]);
        assert_eq!(clock(false).whole_hour(9), "9:00");
    }
}
