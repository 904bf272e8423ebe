//! Why a model gave no answer, and what to do about it: one enum and one table for all providers.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Why a call gave no answer. It quotes nothing of what was sent or received.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The provider takes the request for a mistake. It would every time.
    #[error("the provider refuses the request{}", param.map(|param| format!(": it doesn't take {param}")).unwrap_or_default())]
    Invalid { param: Option<Param> },
    /// The talk is longer than the model reads. A shorter one would do.
    #[error("the talk is longer than the model takes")]
    TooLong,
    /// The key isn't good for this. Somebody has to change the configuration.
    #[error("the provider refuses the key")]
    Auth,
    /// What was paid for is used up. Somebody has to pay.
    #[error("the provider wants money first")]
    Money,
    /// The provider has no such model. Somebody has to change the configuration.
    #[error("the provider has no such model")]
    NotFound,
    #[error("the provider has had too many requests")]
    RateLimited { after: Option<Duration> },
    #[error("the provider can't answer for now")]
    Overloaded { after: Option<Duration> },
    /// No connection, no answer or no further word within the time for it.
    #[error("the provider didn't answer in time")]
    Timeout,
    /// The connection failed, or ended before the answer did.
    #[error("the answer broke off after {received} bytes")]
    Cut { received: usize },
    /// The provider keeps the request back before a model reads it. That is an answer.
    #[error("the provider keeps the request back: {category}")]
    Blocked { category: &'static str },
    /// The answer isn't one, or is longer than one may be.
    #[error("the answer can't be read")]
    Malformed,
}

/// A part of the wire format that a model may not know, and that can be left out or said in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Param {
    Effort,
    /// The newer name of the limit of the answer, `max_completion_tokens`.
    MaxCompletionTokens,
    /// The older one, `max_tokens`.
    MaxTokens,
    /// The newer name of who instructs, `developer`.
    DeveloperRole,
    StreamOptions,
    ParallelCalls,
    CacheKey,
    /// Thoughts to send back, encrypted.
    Thoughts,
}

impl std::fmt::Display for Param {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Effort => "the effort",
            Self::MaxCompletionTokens => "max_completion_tokens",
            Self::MaxTokens => "max_tokens",
            Self::DeveloperRole => "the role developer",
            Self::StreamOptions => "stream_options",
            Self::ParallelCalls => "parallel_tool_calls",
            Self::CacheKey => "the cache key",
            Self::Thoughts => "the wish for encrypted thoughts",
        })
    }
}

/// How often the same provider is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It would answer the same.
    Never,
    Once,
    /// As often as one asks at all.
    Again,
}

/// What an error means for later calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// Nothing: it was the request's fault, or bad luck.
    Nobody,
    /// The provider is no use until the configuration changes.
    Provider,
    /// The same, of this model alone.
    Model,
    /// The model may be no use for a while.
    ForAWhile,
}

impl ModelError {
    /// A stable code, as events and metrics name it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::TooLong => "too_long",
            Self::Auth => "auth",
            Self::Money => "money",
            Self::NotFound => "not_found",
            Self::RateLimited { .. } => "rate_limited",
            Self::Overloaded { .. } => "overloaded",
            Self::Timeout => "timeout",
            Self::Cut { .. } => "cut",
            Self::Blocked { .. } => "blocked",
            Self::Malformed => "malformed",
        }
    }

    /// The table: whether to ask the same provider again.
    pub fn retry(&self) -> Retry {
        match self {
            Self::RateLimited { .. } | Self::Overloaded { .. } | Self::Timeout | Self::Cut { .. } => Retry::Again,
            Self::Malformed => Retry::Once,
            Self::Invalid { .. } | Self::TooLong | Self::Auth | Self::Money | Self::NotFound | Self::Blocked { .. } => {
                Retry::Never
            }
        }
    }

    pub fn blame(&self) -> Blame {
        match self {
            Self::Auth | Self::Money => Blame::Provider,
            Self::NotFound => Blame::Model,
            Self::RateLimited { .. } | Self::Overloaded { .. } | Self::Timeout | Self::Cut { .. } => Blame::ForAWhile,
            Self::Invalid { .. } | Self::TooLong | Self::Blocked { .. } | Self::Malformed => Blame::Nobody,
        }
    }

    /// How long the provider wants to be left alone.
    pub fn after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { after } | Self::Overloaded { after } => *after,
            _ => None,
        }
    }
}

/// A call without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub error: ModelError,
    /// The provider's own word on whether to ask again (`x-should-retry`).
    pub should_retry: Option<bool>,
}

impl From<ModelError> for Failed {
    fn from(error: ModelError) -> Self {
        Self { error, should_retry: None }
    }
}

/// How often one provider is asked in one go: as often as the providers' own libraries ask.
pub const TRIES: u32 = 3;

/// The wait before the second try; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait that we choose ourselves.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

impl Failed {
    /// How long to wait before the same provider is asked again; `None`: it isn't. `tries` is how often it was asked, and
    /// `jitter`, from 0 to 1, is how much of the quarter by which waits differ is taken off.
    ///
    /// The provider's word on whether to ask again wins over the table, but nobody asks again with a refused key or
    /// without money: each answer would be the same.
    pub fn wait(&self, tries: u32, jitter: f64) -> Option<Duration> {
        let again = match (self.error.blame(), self.should_retry) {
            (Blame::Provider, _) | (_, Some(false)) => false,
            (_, Some(true)) => true,
            (_, None) => match self.error.retry() {
                Retry::Never => false,
                Retry::Once => tries < 2,
                Retry::Again => true,
            },
        };
        if !again || tries >= TRIES {
            return None;
        }
        let doubled = FIRST_WAIT.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(LONGEST_WAIT);
        let own = doubled.mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0));
        Some(own.max(self.error.after().unwrap_or_default()))
    }
}

/// The names and values of an answer's headers, the names in small letters.
pub type Headers = [(String, String)];

pub(super) fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.trim())
}

pub(super) fn should_retry(headers: &Headers) -> Option<bool> {
    match header(headers, "x-should-retry")? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Longer than any turn: whoever is to wait so long isn't asked again, so it needn't be told from longer still.
const LONGEST_DELAY: Duration = Duration::from_secs(24 * 3600);

/// How long the server wants to be left alone: by its headers, else by the delay that stands in the body (`34.4s`), else by
/// the words of its message (`try again in 6m0s`).
pub(super) fn server_delay(
    headers: &Headers,
    in_body: Option<&str>,
    message: &str,
    now: DateTime<Utc>,
) -> Option<Duration> {
    let seconds = |number: f64| Duration::try_from_secs_f64(number).ok().map(|delay| delay.min(LONGEST_DELAY));
    let milliseconds = || header(headers, "retry-after-ms")?.parse::<f64>().ok().and_then(|ms| seconds(ms / 1000.0));
    let after = || {
        let value = header(headers, "retry-after")?;
        if let Ok(number) = value.parse::<f64>() {
            return seconds(number);
        }
        let date = DateTime::parse_from_rfc2822(value).ok()?;
        Some((date.to_utc() - now).to_std().unwrap_or_default().min(LONGEST_DELAY))
    };
    let in_words = || {
        let (_, behind) = message.split_once("try again in ")?;
        span(behind)
    };
    milliseconds().or_else(after).or_else(|| in_body.and_then(span)).or_else(in_words)
}

/// The span that a text begins with: `34.4s`, `17ms`, `6m0s`, `1h2m3s`, `20 seconds`.
fn span(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = None;
    loop {
        let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let Ok(number) = rest[..digits].parse::<f64>() else { return total };
        let behind = rest[digits..].trim_start_matches(' ');
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match &behind[..letters] {
            "ms" | "milliseconds" => 0.001,
            "s" | "sec" | "second" | "seconds" => 1.0,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3600.0,
            _ => return total,
        };
        let part = Duration::try_from_secs_f64(number * unit).ok()?;
        total = Some(total.unwrap_or_default().saturating_add(part).min(LONGEST_DELAY));
        rest = &behind[letters..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn now() -> DateTime<Utc> {
        "2026-11-27T12:00:00Z".parse().unwrap()
    }

    fn delay(headers: &[(&str, &str)], in_body: Option<&str>, message: &str) -> Option<Duration> {
        let headers: Vec<_> = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        server_delay(&headers, in_body, message, now())
    }

    #[test]
    fn a_delay_is_read_in_all_its_forms_and_the_first_wins() {
        let words = "Rate limit reached. Please try again in 6m0.5s. Visit the page.";
        assert_eq!(delay(&[("retry-after-ms", "1500"), ("retry-after", "9")], Some("3s"), words), Some(SECOND * 3 / 2));
        assert_eq!(delay(&[("retry-after", "2.5")], Some("3s"), words), Some(SECOND * 5 / 2));
        assert_eq!(delay(&[("retry-after", "Fri, 27 Nov 2026 12:00:30 GMT")], None, words), Some(SECOND * 30));
        assert_eq!(delay(&[("retry-after", "Fri, 27 Nov 2026 11:00:00 GMT")], None, words), Some(Duration::ZERO));
        assert_eq!(delay(&[], Some("34.4s"), words), Some(Duration::from_millis(34_400)));
        assert_eq!(delay(&[], None, words), Some(Duration::from_millis(360_500)));
        assert_eq!(delay(&[], None, "try again in 17ms"), Some(Duration::from_millis(17)));
        assert_eq!(delay(&[], None, "try again in 20 seconds."), Some(SECOND * 20));
        assert_eq!(delay(&[], None, "try again later"), None);
        // What can't be a delay isn't one, and the next source counts.
        for odd in ["soon", "-1", "NaN", "inf", ""] {
            assert_eq!(delay(&[("retry-after-ms", odd), ("retry-after", odd)], Some("1s"), ""), Some(SECOND), "{odd}");
        }
        assert_eq!(delay(&[("retry-after", "1e300")], None, ""), None);
        assert_eq!(delay(&[("retry-after", "999999999")], None, ""), Some(LONGEST_DELAY));
    }

    #[test]
    fn the_wait_is_the_longer_of_the_servers_and_ours() {
        let limited = |after| Failed::from(ModelError::RateLimited { after });
        assert_eq!(limited(None).wait(1, 0.0), Some(SECOND / 2));
        assert_eq!(limited(None).wait(2, 0.0), Some(SECOND));
        assert_eq!(limited(None).wait(2, 1.0), Some(SECOND * 3 / 4));
        assert_eq!(limited(None).wait(TRIES, 0.0), None, "enough");
        assert_eq!(limited(Some(SECOND * 30)).wait(1, 0.5), Some(SECOND * 30));
        assert_eq!(limited(Some(Duration::ZERO)).wait(1, 0.0), Some(SECOND / 2));
    }

    /// The table of the reference, written out once more.
    #[test]
    fn the_table_says_who_is_asked_again() {
        use ModelError::*;
        let table = [
            (Invalid { param: None }, 0, Blame::Nobody),
            (TooLong, 0, Blame::Nobody),
            (Auth, 0, Blame::Provider),
            (Money, 0, Blame::Provider),
            (NotFound, 0, Blame::Model),
            (RateLimited { after: None }, 2, Blame::ForAWhile),
            (Overloaded { after: None }, 2, Blame::ForAWhile),
            (Timeout, 2, Blame::ForAWhile),
            (Cut { received: 3 }, 2, Blame::ForAWhile),
            (Blocked { category: "content_filter" }, 0, Blame::Nobody),
            (Malformed, 1, Blame::Nobody),
        ];
        for (error, retries, blame) in table {
            let again = |should_retry| {
                let failed = Failed { error: error.clone(), should_retry };
                (1..10).take_while(|tries| failed.wait(*tries, 0.0).is_some()).count()
            };
            assert_eq!((again(None), error.blame()), (retries, blame), "{error:?}");
            assert_eq!(again(Some(false)), 0, "{error:?}");
            let asked_to = if blame == Blame::Provider { 0 } else { 2 };
            assert_eq!(again(Some(true)), asked_to, "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn any_words_are_read_without_trouble(words in "(try again in |[0-9.]{0,4}|m|s|ms|h| |ж|-){0,12}") {
            let read = server_delay(&[], Some(&words), &words, now());
            prop_assert!(read.is_none_or(|delay| delay <= LONGEST_DELAY));
        }

        #[test]
        fn our_own_wait_stays_between_its_bounds(tries in 1u32..TRIES, jitter in 0.0f64..=1.0) {
            let wait = Failed::from(ModelError::Timeout).wait(tries, jitter).unwrap();
            prop_assert!(wait >= FIRST_WAIT * 3 / 4 && wait <= LONGEST_WAIT);
        }
    }
}
