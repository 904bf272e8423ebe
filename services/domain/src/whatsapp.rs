//! What WhatsApp's two directions agree on: the reference that a send carries and its statuses bring back, and what the
//! Cloud API's error codes mean.

use std::{fmt, str::FromStr, time::Duration};

use crate::ids::{ClaimId, MessageId};

/// The other way in which WhatsApp writes the same number: Mexico's with and without the 1 behind 52, Brazil's mobile ones
/// with and without the 9 behind the area code. `None`: it has one way only.
///
/// Brazil's numbers of landlines (2 to 5) never had a 9: with it, they are somebody else's.
pub fn other_form(number: &str) -> Option<String> {
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let begins =
        |text: &str, digits: std::ops::RangeInclusive<u8>| text.bytes().next().is_some_and(|b| digits.contains(&b));
    if let Some(national) = number.strip_prefix("52") {
        return match national.len() {
            10 if begins(national, b'2'..=b'9') => Some(format!("521{national}")),
            11 => national.strip_prefix('1').filter(|rest| begins(rest, b'2'..=b'9')).map(|rest| format!("52{rest}")),
            _ => None,
        };
    }
    let (area, local) = number.strip_prefix("55")?.split_at_checked(2)?;
    match local.len() {
        8 if begins(local, b'6'..=b'9') => Some(format!("55{area}9{local}")),
        9 => local.strip_prefix('9').filter(|rest| begins(rest, b'6'..=b'9')).map(|rest| format!("55{area}{rest}")),
        _ => None,
    }
}

/// The ways in which WhatsApp may write a number that a person named: with or without a plus, in the other form of Mexico's
/// and Brazil's, and Argentina's with or without the 9 behind 54. The first is as it was named; empty: that is no number.
///
/// Argentina's form without a 9 may be a landline's, so it is only a name for whoever is there, never proof that two are one.
pub fn named_forms(named: &str) -> Vec<String> {
    let number = named.strip_prefix('+').unwrap_or(named);
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Vec::new();
    }
    let argentine = number.strip_prefix("54").and_then(|national| match national.len() {
        10 => Some(format!("549{national}")),
        11 => national.strip_prefix('9').map(|rest| format!("54{rest}")),
        _ => None,
    });
    std::iter::once(number.to_owned()).chain(other_form(number)).chain(argentine).collect()
}

/// Whether both are one number, however it is written.
pub fn same_number(one: &str, other: &str) -> bool {
    one == other || other_form(one).is_some_and(|form| form == other)
}

/// What `biz_opaque_callback_data` of a send holds (at most 512 characters): which attempt of which part of which message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub message_id: MessageId,
    /// From 0.
    pub part: u32,
    pub claim_id: ClaimId,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "steward:{}:{}:{}", self.message_id, self.part, self.claim_id)
    }
}

/// The text is no reference of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no reference to a message of Steward's")]
pub struct NoReference;

impl FromStr for Reference {
    type Err = NoReference;

    fn from_str(text: &str) -> Result<Self, NoReference> {
        let mut fields = text.strip_prefix("steward:").ok_or(NoReference)?.split(':');
        let (Some(message_id), Some(part), Some(claim_id), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(NoReference);
        };
        Ok(Self {
            message_id: message_id.parse().map_err(|_| NoReference)?,
            part: part.parse().map_err(|_| NoReference)?,
            claim_id: claim_id.parse().map_err(|_| NoReference)?,
        })
    }
}

/// What an error means for the message it was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// This message will never go; others may.
    Permanent,
    /// Nothing goes to this recipient until they write.
    Blocked,
    /// Free text is not taken now; a template may be.
    WindowClosed,
    /// The same may go later; the pause before the second attempt, which doubles up to `most`.
    Later { pause: Duration, most: Duration },
    /// Nothing of this account goes until somebody mends it.
    Stopped,
}

/// One error code of the Cloud API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    pub meaning: Meaning,
    /// Our reason code.
    pub reason: &'static str,
}

impl Known {
    /// How long to wait after the given attempt, from 1; `None`: it isn't to be tried again by itself.
    pub fn pause(self, attempt: u32) -> Option<Duration> {
        let (pause, most) = match self.meaning {
            Meaning::Later { pause, most } => (pause, most),
            Meaning::Stopped => (STOPPED, HOUR * 6),
            Meaning::Permanent | Meaning::Blocked | Meaning::WindowClosed => return None,
        };
        let doubled = pause.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
        Some(doubled.min(most))
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// Somebody has to act first.
const STOPPED: Duration = Duration::from_secs(600);

const fn permanent(reason: &'static str) -> Known {
    Known { meaning: Meaning::Permanent, reason }
}

const fn later(reason: &'static str, pause: Duration, most: Duration) -> Known {
    Known { meaning: Meaning::Later { pause, most }, reason }
}

const fn stopped(reason: &'static str) -> Known {
    Known { meaning: Meaning::Stopped, reason }
}

/// What a code of the Cloud API means. `None`: it isn't on the published list, so the HTTP status has to say.
///
/// Source: Meta's "Error codes" page, as listed by pywa (`error_codes.json`).
pub fn known(code: i64) -> Option<Known> {
    Some(match code {
        // The token, or what it may do.
        0 | 190 => stopped("unauthorized"),
        3 | 10 | 200..=299 | 131_005 => stopped("unauthorized"),
        // The account or the number.
        368 | 131_031 | 131_037 | 131_042 | 131_044 | 131_045 | 131_048 | 131_064 => stopped("account_stopped"),
        // Meta's own trouble.
        1 | 2 | 131_000 | 131_016 | 135_000 => later("provider_down", SECOND, MINUTE),
        131_057 | 2_494_100 => later("provider_down", MINUTE, MINUTE * 15),
        // Too much at once.
        130_429 => later("rate_limited", SECOND, MINUTE),
        4 | 613 | 80_007 => later("rate_limited", MINUTE, HOUR),
        131_056 => later("rate_limited", SECOND * 6, MINUTE * 10),
        132_069 | 133_016 | 131_208 => later("rate_limited", MINUTE * 10, HOUR),
        // Withheld for this person for now: a day by Meta's own advice.
        130_472 | 131_049 => later("withheld", HOUR * 24, HOUR * 24),
        131_047 => Known { meaning: Meaning::WindowClosed, reason: "window_closed" },
        // Not on WhatsApp, an old app, or it blocked us: Meta doesn't say which.
        131_026 => Known { meaning: Meaning::Blocked, reason: "blocked" },
        // Only marketing is unwanted.
        131_050 => permanent("opted_out"),
        130_497 => permanent("not_allowed_in_country"),
        132_000..=132_999 | 131_063 => permanent("template_refused"),
        100
        | 131_008
        | 131_009
        | 131_020
        | 131_021
        | 131_030
        | 131_041
        | 131_051..=131_053
        | 131_059
        | 131_062
        | 131_201..=131_215
        | 137_000
        | 138_000..=139_999
        | 147_001..=147_005
        | 2_388_000..=2_388_999
        | 2_494_101..=2_494_999 => permanent("provider_refused"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::{self, ConversationId};

    #[test]
    fn a_reference_comes_back_as_it_went() {
        let conversation = ConversationId::new(Uuid::from_u128(7));
        let reference = Reference {
            message_id: ids::message(conversation, Uuid::from_u128(8)),
            part: 3,
            claim_id: ClaimId::new(Uuid::from_u128(9)),
        };
        let text = reference.to_string();
        assert!(text.len() <= 512);
        assert_eq!(text.parse(), Ok(reference));
        for foreign in ["", "some data", "steward:", "steward:x:0:y", &format!("{text}:1"), &text[..text.len() - 1]] {
            assert_eq!(foreign.parse::<Reference>(), Err(NoReference), "{foreign}");
        }
    }

    #[test]
    fn a_number_of_mexico_or_brazil_has_two_forms_and_each_names_the_other() {
        for (one, other) in [
            ("525512345678", Some("5215512345678")),
            ("528112345678", Some("5218112345678")),
            ("553187654321", Some("5531987654321")),
            ("551166665555", Some("5511966665555")),
            // A landline, a number too short, another country, an id.
            ("551133334444", None),
            ("5511933334444", None),
            ("52551234567", None),
            ("34600111222", None),
            ("52155123456789", None),
            ("5211112345678", None),
            ("MX.525512345678", None),
            ("", None),
            ("55", None),
        ] {
            assert_eq!(other_form(one).as_deref(), other, "{one}");
            if let Some(other) = other {
                assert_eq!(other_form(other).as_deref(), Some(one), "{other}");
                assert!(same_number(one, other) && same_number(other, one));
            }
        }
        assert!(same_number("34600111222", "34600111222") && !same_number("34600111222", "34600111223"));
    }

    #[test]
    fn whoever_names_a_number_may_write_it_in_any_of_its_forms() {
        for (one, other) in [
            ("525512345678", "5215512345678"),
            ("551166665555", "5511966665555"),
            ("541123456789", "5491123456789"),
            ("543511234567", "5493511234567"),
        ] {
            for (named, forms) in [(one, [one, other]), (other, [other, one])] {
                assert_eq!(named_forms(named), forms, "{named}");
                assert_eq!(named_forms(&format!("+{named}")), forms, "+{named}");
            }
        }
        assert_eq!(named_forms("34600111222"), ["34600111222"]);
        assert_eq!(named_forms("+34600111222"), ["34600111222"]);
        for none in ["", "+", "AR.5491123456789", "ana", "54 9 11", "++54"] {
            assert!(named_forms(none).is_empty(), "{none}");
        }
        assert!(!same_number("541123456789", "5491123456789"), "a landline's form proves nothing");
    }

    #[test]
    fn each_published_code_has_its_meaning() {
        let meaning = |code| known(code).map(|k| k.meaning);
        assert_eq!(meaning(131_047), Some(Meaning::WindowClosed));
        assert_eq!(meaning(131_026), Some(Meaning::Blocked));
        for code in [0, 3, 10, 190, 200, 299, 368, 131_031, 131_042, 131_048] {
            assert_eq!(meaning(code), Some(Meaning::Stopped), "{code}");
        }
        for code in [4, 80_007, 130_429, 131_056, 131_000, 131_016, 131_057, 131_049, 130_472] {
            assert!(matches!(meaning(code), Some(Meaning::Later { .. })), "{code}");
        }
        for code in [131_050, 132_000, 132_001, 132_015, 131_051, 131_062, 131_008] {
            assert_eq!(meaning(code), Some(Meaning::Permanent), "{code}");
        }
        assert_eq!(meaning(424_242), None);
    }

    #[test]
    fn pauses_grow_up_to_their_limit() {
        let pair = known(131_056).unwrap();
        let seconds: Vec<_> = (1..=8).map(|n| pair.pause(n).unwrap().as_secs()).collect();
        assert_eq!(seconds, [6, 12, 24, 48, 96, 192, 384, 600]);
        assert_eq!(known(190).unwrap().pause(1), Some(STOPPED));
        assert_eq!(known(190).unwrap().pause(u32::MAX), Some(HOUR * 6));
        assert_eq!(known(131_047).unwrap().pause(1), None);
    }
}
