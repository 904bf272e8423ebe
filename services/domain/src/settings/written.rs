//! How values are written in `steward.toml`: for each kind of value the two ways of serde, and what a bad one is told.

use std::time::Duration;

use serde::{
    Deserialize, Deserializer, Serializer,
    de::{self, Unexpected},
};

use super::QuietHours;

/// Longest duration a setting may have: ten years.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The units of a duration with their milliseconds, the longest first.
const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a string and turns it into `T`, or says what was found and what is `expected`.
///
/// # Errors
/// It is no string, or `parse` refuses it.
pub fn from_text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| de::Error::invalid_value(Unexpected::Str(&text), &expected))
}

/// `"1500ms"`, `"30m"`, `"1h30m"`; units ms, s, m, h, d, w. At most ten years.
pub fn duration_of(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (_, millis) = UNITS.into_iter().find(|(unit, _)| *unit == &rest[..unit_end])?;
        total = total.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
        rest = &rest[unit_end..];
    }
    (total <= LONGEST).then_some(total)
}

/// A duration as [`duration_of`] reads it, in the longest unit that it is a whole number of.
pub fn duration_text(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let whole = UNITS.into_iter().find(|(unit, of)| *unit != "w" && millis > 0 && millis.is_multiple_of(*of));
    let (unit, of) = whole.unwrap_or(("s", 1_000));
    format!("{}{unit}", millis / of)
}

struct Span(Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, r#"a duration such as "1500ms", "30m" or "1h""#, duration_of).map(Self)
    }
}

struct Positive(u32);

impl<'de> Deserialize<'de> for Positive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        u32::try_from(number)
            .ok()
            .filter(|n| *n > 0)
            .map(Self)
            .ok_or_else(|| de::Error::invalid_value(Unexpected::Signed(number), &"a whole number of at least 1"))
    }
}

/// A whole number of at least 1.
///
/// # Errors
/// It is none.
pub fn positive<'de, D: Deserializer<'de>, T: TryFrom<u32>>(deserializer: D) -> Result<T, D::Error> {
    let Positive(number) = Positive::deserialize(deserializer)?;
    T::try_from(number).map_err(|_| de::Error::custom("found more than this machine counts to"))
}

/// The same, where leaving it out means that there is none.
///
/// # Errors
/// As [`positive`].
pub fn some_positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    positive(deserializer).map(Some)
}

/// A list of them.
///
/// # Errors
/// As [`positive`].
pub fn positives<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    Ok(Vec::<Positive>::deserialize(deserializer)?.into_iter().map(|n| n.0).collect())
}

/// A local hour, 0–23.
///
/// # Errors
/// It is none.
pub fn hour<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    steward_language::time::hour(deserializer)
}

/// Declares a module with the two ways of a value that is written as text.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident: $type:ty, $expected:expr, $parse:expr, $show:expr) => {
        $(#[$doc])*
        pub mod $name {
            use super::*;

            /// # Errors
            /// It is written otherwise.
            pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                from_text(deserializer, $expected, $parse)
            }

            /// # Errors
            /// Those of the serializer.
            pub fn serialize<S: Serializer>(value: &$type, serializer: S) -> Result<S::Ok, S::Error> {
                let show: fn(&$type) -> Option<String> = $show;
                match show(value) {
                    Some(text) => serializer.serialize_str(&text),
                    None => serializer.serialize_none(),
                }
            }
        }
    };
}

text!(
    /// A duration.
    span: Duration,
    r#"a duration such as "1500ms", "30m" or "1h""#,
    duration_of,
    |value| Some(duration_text(*value))
);
text!(
    /// A duration, or `"never"`.
    span_or_never: Option<Duration>,
    r#"a duration such as "30m" or "1h", or "never""#,
    |text| if text.trim() == "never" { Some(None) } else { duration_of(text).filter(|d| !d.is_zero()).map(Some) },
    |value| Some(value.map_or("never".to_owned(), duration_text))
);
text!(
    /// An IANA time zone.
    zone: chrono_tz::Tz,
    r#"an IANA time zone such as "Europe/Madrid""#,
    |text| text.parse().ok(),
    |value| Some(value.name().to_owned())
);
text!(
    /// `ru`, `es` or `en`.
    language: steward_language::Language,
    r#""ru", "es" or "en""#,
    |text| text.parse().ok(),
    |value| Some(value.code().to_owned())
);
text!(
    /// Local hours of a person, `22:00-08:00`; left out: none.
    quiet_hours: Option<QuietHours>,
    r#"two different times of day such as "22:00-08:00""#,
    |text| crate::policy::parse_quiet_hours(text).map(Some),
    |value| value.map(|hours| hours.to_string())
);

/// A list of durations.
pub mod spans {
    use super::*;

    /// # Errors
    /// One of them is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Duration>, D::Error> {
        Ok(Vec::<Span>::deserialize(deserializer)?.into_iter().map(|span| span.0).collect())
    }

    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(spans: &[Duration], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(spans.iter().map(|span| duration_text(*span)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_units_and_nothing_else() {
        for (text, millis) in
            [("1500ms", 1500), ("30m", 1_800_000), ("1h30m", 5_400_000), ("0s", 0), ("2w", 1_209_600_000)]
        {
            assert_eq!(duration_of(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(duration_of(&duration_text(Duration::from_millis(millis))), Some(Duration::from_millis(millis)));
        }
        for text in ["", "5", "m", "5 m", "-1s", "1y", "1.5h", "99999999999999999999s", "9999w", "5mm"] {
            assert_eq!(duration_of(text), None, "{text}");
        }
    }
}
