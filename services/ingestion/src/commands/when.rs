//! When a follow-up is due: an instant as given, or a phrase read in the contact's zone.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use steward_domain::person::Effective;
use steward_http::Problem;
use steward_language::time::{Meaning, Moment, TimeContext, parse};

/// Bytes of a phrase, at most: it only says a time.
const LONGEST_PHRASE: usize = 1_000;

/// A due time and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct When {
    pub due_at: DateTime<Utc>,
    pub zone: Tz,
    pub phrase: String,
    pub rule: String,
}

/// What times are read against: what counts for the person.
pub struct Clock {
    pub zone: Tz,
    /// BCP 47.
    pub language: String,
    context: TimeContext,
}

impl Clock {
    pub fn of(person: &Effective<'_>, now: DateTime<Utc>) -> Self {
        Self { zone: person.zone.value, language: person.tag.to_owned(), context: person.time_context(now) }
    }

    /// # Errors
    /// 422 saying what was understood, unless exactly one of the two is given and means one instant ahead.
    pub fn when(&self, due_at: Option<&str>, phrase: Option<&str>) -> Result<When, Problem> {
        match (due_at, phrase) {
            (Some(due_at), None) => {
                Ok(When { due_at: instant(due_at)?, zone: self.zone, phrase: String::new(), rule: String::new() })
            }
            (None, Some(phrase)) => self.of_phrase(phrase),
            _ => Err(Problem::unprocessable(
                "bad_time",
                "give exactly one of `due_at` (RFC 3339 with offset) and `phrase` (such as \"in two hours\")",
            )),
        }
    }

    fn of_phrase(&self, phrase: &str) -> Result<When, Problem> {
        if phrase.len() > LONGEST_PHRASE {
            return Err(Problem::unprocessable(
                "bad_time",
                format!("`phrase` has more than {LONGEST_PHRASE} bytes; give only the words that say the time"),
            ));
        }
        let shown = |m: &Moment| m.at.with_timezone(&m.zone).format("%Y-%m-%d %H:%M %Z").to_string();
        let short: String = phrase.chars().take(200).collect();
        match parse(phrase, &self.context) {
            Meaning::Instant(m) => {
                Ok(When { due_at: m.at, zone: m.zone, phrase: phrase.to_owned(), rule: m.rule.to_owned() })
            }
            Meaning::Ambiguous { readings, .. } if readings.is_empty() => Err(Problem::unprocessable(
                "ambiguous_time",
                format!("`{short}` is too loose for one instant; name a day or an hour, or give `due_at`"),
            )),
            Meaning::Ambiguous { readings, .. } => Err(Problem::unprocessable(
                "ambiguous_time",
                format!(
                    "`{short}` can mean {}; say which, or give `due_at`",
                    readings.iter().map(shown).collect::<Vec<_>>().join(" or ")
                ),
            )),
            Meaning::Past(m) => Err(Problem::unprocessable(
                "past",
                format!("`{short}` means {}, which has passed; name a time that is ahead", shown(&m)),
            )),
            Meaning::TooFar(m) => Err(Problem::unprocessable(
                "too_far",
                format!("`{short}` means {}, and nothing is promised more than two years ahead", shown(&m)),
            )),
            Meaning::None => Err(Problem::unprocessable(
                "no_time",
                format!("no time was found in `{short}`; say it like \"in two hours\" or \"завтра\", or give `due_at`"),
            )),
        }
    }
}

/// An RFC 3339 time with an offset.
///
/// # Errors
/// 422 showing the form.
pub fn instant(text: &str) -> Result<DateTime<Utc>, Problem> {
    DateTime::parse_from_rfc3339(text).map(|t| t.with_timezone(&Utc)).map_err(|_| {
        let short: String = text.chars().take(64).collect();
        Problem::unprocessable(
            "bad_time",
            format!("`{short}` is no time; write it as RFC 3339 with an offset, like 2026-11-21T09:00:00+08:00"),
        )
    })
}
