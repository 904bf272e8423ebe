//! What each kind of channel can do, as data: deciders ask this table instead of knowing channels by name.

use chrono::TimeDelta;

/// How a text's length is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// UTF-16 code units, as Telegram counts.
    Utf16,
    /// Unicode characters.
    Chars,
}

/// The longest text of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextLimit {
    pub most: usize,
    pub unit: Unit,
}

impl TextLimit {
    /// How much of the limit one character takes.
    pub fn weight(self, c: char) -> usize {
        match self.unit {
            Unit::Utf16 => c.len_utf16(),
            Unit::Chars => 1,
        }
    }
}

/// How it is found out whether a send of unknown fate arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reconciled {
    /// Nothing ever says so: an operator decides.
    ByOperator,
    /// The provider's status carries our own id of the message.
    ByStatus,
    /// The Message-ID was ours before it was sent: a bounce or a reply names it.
    ByMessageId,
    /// There is no such send: the log itself is the delivery.
    Never,
}

impl Reconciled {
    pub fn name(self) -> &'static str {
        match self {
            Self::ByOperator => "operator",
            Self::ByStatus => "status",
            Self::ByMessageId => "message_id",
            Self::Never => "never",
        }
    }
}

/// What a kind of channel can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// `None`: any length.
    pub text: Option<TextLimit>,
    /// How long after the client's last word free text may be sent; `None`: always.
    pub window: Option<TimeDelta>,
    /// Outside the window a template approved by the provider may go.
    pub templates: bool,
    /// Buttons below a text, at most so many.
    pub buttons: usize,
    /// The provider says when a message was delivered or read.
    pub receipts: bool,
    /// A message that was sent can be changed.
    pub edits: bool,
    pub unknown: Reconciled,
    /// Automatic answers to one correspondent per hour, unless told otherwise: two machines that answer each other
    /// must come to an end.
    pub auto_replies_per_hour: Option<u32>,
}

impl Capabilities {
    /// By the channel's kind as it stands in events. A kind that isn't known can do nothing special.
    pub fn of(kind: &str) -> Self {
        let plain = Self {
            text: None,
            window: None,
            templates: false,
            buttons: 0,
            receipts: false,
            edits: false,
            unknown: Reconciled::ByOperator,
            auto_replies_per_hour: None,
        };
        match kind {
            // Bot API, `sendMessage`: 4096 UTF-16 units. Its 100 buttons are more than anybody offers.
            "telegram" => {
                Self { text: Some(TextLimit { most: 4096, unit: Unit::Utf16 }), buttons: 100, edits: true, ..plain }
            }
            // Cloud API: 4096 characters, three reply buttons, 24 h of service window.
            "whatsapp" => Self {
                text: Some(TextLimit { most: 4096, unit: Unit::Chars }),
                window: Some(TimeDelta::hours(24)),
                templates: true,
                buttons: 3,
                receipts: true,
                unknown: Reconciled::ByStatus,
                ..plain
            },
            "email" => Self { unknown: Reconciled::ByMessageId, auto_replies_per_hour: Some(10), ..plain },
            "web" => Self { unknown: Reconciled::Never, ..plain },
            _ => plain,
        }
    }

    /// The text in parts that the channel takes, in order: cut at the last line break, else the last space, that keeps
    /// a part within the limit; else in the word.
    pub fn split(&self, text: &str) -> Vec<String> {
        let Some(limit) = self.text else { return vec![text.to_owned()] };
        let mut parts = Vec::new();
        let mut rest = text.trim_end();
        while !rest.is_empty() {
            let mut taken = 0;
            let mut fits = rest.len();
            for (i, c) in rest.char_indices() {
                taken += limit.weight(c);
                if taken > limit.most {
                    fits = i;
                    break;
                }
            }
            let end = if fits == rest.len() {
                fits
            } else {
                let head = &rest[..fits];
                let boundary = head.rfind('\n').or_else(|| head.rfind(' ')).filter(|i| *i > 0);
                boundary.unwrap_or(fits)
            };
            let part = rest[..end].trim_end();
            if !part.is_empty() {
                parts.push(part.to_owned());
            }
            rest = rest[end..].trim_start_matches(['\n', ' ']);
        }
        if parts.is_empty() { vec![text.to_owned()] } else { parts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_split_at_a_space_and_nothing_is_lost() {
        let text = "слово ".repeat(1500);
        let parts = Capabilities::of("telegram").split(&text);
        assert_eq!(parts.len(), 3);
        assert!(parts.iter().all(|p| p.encode_utf16().count() <= 4096 && p.ends_with("слово")));
        assert_eq!(parts.join(" "), text.trim_end());
    }

    #[test]
    fn a_word_longer_than_a_message_is_cut_by_the_channels_own_count() {
        let counts = |kind: &str| -> Vec<usize> {
            Capabilities::of(kind).split(&"🙂".repeat(5000)).iter().map(|p| p.chars().count()).collect()
        };
        assert_eq!(counts("telegram"), [2048, 2048, 904]);
        assert_eq!(counts("whatsapp"), [4096, 904]);
        assert_eq!(counts("email"), [5000]);
    }
}
