//! Single values as they are written in `steward.toml`: durations, hours, zones, addresses, secrets.

use std::{fmt, net::SocketAddr, str::FromStr, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{self, Unexpected},
};
use steward_domain::{policy::parse_quiet_hours, settings::QuietHours};

/// Longest duration a setting may have: ten years.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Text that must not be shown: `Debug` and logs show `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one who has to send or compare it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What was found is a secret, too: the message only says that it is empty.
        let text = String::deserialize(deserializer)?;
        if text.trim().is_empty() {
            return Err(de::Error::custom("found empty text, expected the secret itself"));
        }
        Ok(Self(text))
    }
}

/// Reads a string and turns it into `T`, or says what was found and what is `expected`.
fn from_text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| de::Error::invalid_value(Unexpected::Str(&text), &expected))
}

/// `"1500ms"`, `"30m"`, `"1h30m"`; units ms, s, m, h, d, w. At most ten years.
pub(super) fn duration_of(text: &str) -> Option<Duration> {
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
        let millis = match &rest[..unit_end] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
        rest = &rest[unit_end..];
    }
    (total <= LONGEST).then_some(total)
}

/// A duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, r#"a duration such as "1500ms", "30m" or "1h""#, duration_of).map(Self)
    }
}

/// A duration, or `"never"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpanOrNever(pub Option<Duration>);

impl<'de> Deserialize<'de> for SpanOrNever {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, r#"a duration such as "30m" or "1h", or "never""#, |text| {
            if text.trim() == "never" { Some(None) } else { duration_of(text).filter(|d| !d.is_zero()).map(Some) }
        })
        .map(Self)
    }
}

/// A local hour, 0–23.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hour(pub u32);

impl<'de> Deserialize<'de> for Hour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            hour @ 0..=23 => Ok(Self(hour as u32)),
            other => Err(de::Error::invalid_value(Unexpected::Signed(other), &"an hour from 0 to 23")),
        }
    }
}

/// A whole number of at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Positive(pub u32);

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

/// An IANA time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Zone(pub chrono_tz::Tz);

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, r#"an IANA time zone such as "Europe/Madrid""#, |text| text.parse().ok()).map(Self)
    }
}

/// A language Steward speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spoken(pub steward_language::Language);

impl<'de> Deserialize<'de> for Spoken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, steward_language::Language::TAGS, |text| text.parse().ok()).map(Self)
    }
}

/// Local hours of a person in which nothing proactive is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HoursOfDay(pub QuietHours);

impl<'de> Deserialize<'de> for HoursOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, r#"two different times of day such as "22:00-08:00""#, parse_quiet_hours).map(Self)
    }
}

/// `address:port` to listen on; `localhost` stands for 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listen(pub SocketAddr);

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, r#"an address with a port such as "127.0.0.1:8080""#, |text| {
            let text = text.trim();
            let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
            SocketAddr::from_str(numeric.as_deref().unwrap_or(text)).ok()
        })
        .map(Self)
    }
}

/// An address or a network whose word is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proxy(pub steward_http::Network);

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, r#"an address or a network such as "10.0.0.0/8""#, |text| text.parse().ok()).map(Self)
    }
}

/// MB for request bodies: at least what lets the largest mail through as a quarter of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Megabytes(pub usize);

impl<'de> Deserialize<'de> for Megabytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            number @ 104..=1_048_576 => Ok(Self(number as usize)),
            other => Err(de::Error::invalid_value(Unexpected::Signed(other), &"a number of MB from 104 to 1048576")),
        }
    }
}

/// An absolute http(s) URL, kept without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WebUrl(pub String);

impl<'de> Deserialize<'de> for WebUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, r#"a URL such as "https://example.com", without a query"#, |text| {
            url_of(text, &["http", "https"]).filter(|url| url.query().is_none() && url.fragment().is_none())?;
            Some(text.trim().trim_end_matches('/').to_owned())
        })
        .map(Self)
    }
}

/// `text` as a URL with a host and one of `schemes`.
pub(super) fn url_of(text: &str, schemes: &[&str]) -> Option<reqwest::Url> {
    let url = reqwest::Url::parse(text.trim()).ok()?;
    (schemes.contains(&url.scheme()) && url.has_host()).then_some(url)
}

/// Letters, digits, `-` and `_`, at most 64: it becomes part of subjects and paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(pub String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "1 to 64 letters, digits, `-` or `_`", |text| {
            let fits = (1..=64).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            fits.then(|| text.to_owned())
        })
        .map(Self)
    }
}

/// Any text but an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "text that isn't empty", |text| (!text.trim().is_empty()).then(|| text.to_owned()))
            .map(Self)
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
        }
        for text in ["", "5", "m", "5 m", "-1s", "1y", "1.5h", "99999999999999999999s", "9999w", "5mm"] {
            assert_eq!(duration_of(text), None, "{text}");
        }
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }
}
