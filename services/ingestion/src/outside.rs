//! What strings from outside become where they enter: ids, names and texts, each bounded and without what no reader of
//! them expects.
//!
//! Whatever a stranger writes is kept, never refused: an ugly id by its hash, an ugly name cleaned, a long text cut. The
//! raw body in the event's source has all of it as it came. [`arrival`](crate::arrival) is made of these types, so that a
//! parser can't forget.

use std::{borrow::Borrow, fmt, ops::Deref};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de};
use sha2::{Digest as _, Sha256};

/// What an id begins with that is kept by its hash; the 64 hex digits of SHA-256 over its bytes follow.
const HASHED: &str = "sha256:";

/// What a text ends with that was cut.
const CUT: &str = "…";

/// Years of an outside time that are believed; any other says nothing.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2199;

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// For an event's field.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl PartialEq<String> for $name {
            fn eq(&self, other: &String) -> bool {
                self.0 == *other
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

text_type! {
    /// An id, an address or a key as somebody outside gives it.
    ///
    /// It is kept as it is while it has at most [`LONGEST`](Self::LONGEST) bytes, no control and no direction character,
    /// and doesn't begin with `sha256:`. Any other becomes `sha256:` and the hex SHA-256 of its bytes: equal ids stay
    /// equal, different ones stay different, and nobody can write one that means another's hash.
    OutsideId
}

text_type! {
    /// A name, a title, a provider's word for something: one line of at most [`LONGEST`](Self::LONGEST) characters,
    /// without control and direction characters.
    OutsideName
}

text_type! {
    /// What somebody says: at most [`LONGEST`](Self::LONGEST) bytes, without control characters other than tabs and line
    /// breaks. One that was cut ends with `…`.
    OutsideText
}

text_type! {
    /// All of what somebody said, where the text itself is a part of it: as [`OutsideText`], with more room.
    WholeText
}

impl OutsideId {
    /// In bytes: a mail address (320 bytes, RFC 5321) and all usual Message-IDs fit, and so do several of them in an entry
    /// of a database's index (2,700 bytes).
    pub const LONGEST: usize = 512;

    pub fn new(text: &str) -> Self {
        let plain = text.len() <= Self::LONGEST && !text.starts_with(HASHED) && !text.chars().any(is_odd);
        Self(if plain { text.to_owned() } else { format!("{HASHED}{}", hex::encode(Sha256::digest(text))) })
    }

    /// The id of something of this one's. `suffix` is a few characters of ours.
    pub fn with(&self, suffix: &str) -> Self {
        Self(format!("{self}{suffix}"))
    }
}

impl OutsideName {
    /// In characters.
    pub const LONGEST: usize = 256;

    /// In bytes: what a name may be cut from. More is looked at by nobody.
    const LOOKED_AT: usize = 4 << 10;

    pub fn new(text: &str) -> Self {
        let plain = text.len() <= Self::LONGEST && !text.chars().any(is_odd);
        if plain {
            return Self(text.to_owned());
        }
        let looked_at = up_to(text, Self::LOOKED_AT);
        let mut name = String::new();
        for word in looked_at.split(is_odd).map(str::trim).filter(|word| !word.is_empty()) {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(word);
        }
        let longer = looked_at.len() < text.len() || name.chars().nth(Self::LONGEST).is_some();
        if longer {
            let room = Self::LONGEST - CUT.chars().count();
            name = name.chars().take(room).collect();
            // A mark belongs to the character before it, which was cut.
            name.truncate(name.trim_end_matches(joins).len());
            name.push_str(CUT);
        }
        Self(name)
    }
}

impl OutsideText {
    pub const LONGEST: usize = 64 << 10;

    pub fn new(text: &str) -> Self {
        Self(cleaned(text, Self::LONGEST))
    }
}

impl WholeText {
    pub const LONGEST: usize = 200 << 10;

    pub fn new(text: &str) -> Self {
        Self(cleaned(text, Self::LONGEST))
    }

    /// All of a text that is too long for an [`OutsideText`]; else nothing.
    pub fn if_cut(text: &str) -> Self {
        if text.len() > OutsideText::LONGEST { Self::new(text) } else { Self::default() }
    }
}

/// A time that somebody outside names, if it can be one.
pub fn time(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    use chrono::Datelike as _;
    YEARS.contains(&at.year()).then_some(at)
}

/// Text of a command: cleaned as an [`OutsideText`]; one of more than `MOST` bytes is refused, for here somebody is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given<const MOST: usize>(String);

/// Words for a person.
pub type Words = Given<{ OutsideText::LONGEST }>;

/// A name or a key.
pub type Line = Given<512>;

/// A reason or a note.
pub type Note = Given<4096>;

impl<const MOST: usize> Deref for Given<MOST> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MOST: usize> Given<MOST> {
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Given<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() > MOST {
            return Err(de::Error::custom(format!("it has {} bytes, expected at most {MOST}", text.len())));
        }
        Ok(Self(cleaned(&text, MOST)))
    }
}

/// What no id and no name has: control characters, line and paragraph separators, and what turns the direction of text.
fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What makes one sign together with what stands before it.
fn joins(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036f}' | '\u{200d}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

fn cleaned(text: &str, longest: usize) -> String {
    let unsaid = |c: char| c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r');
    let cut = text.len() > longest;
    let kept = if cut { up_to(text, longest - CUT.len()) } else { text };
    let mut kept = if kept.contains(unsaid) { kept.replace(unsaid, "") } else { kept.to_owned() };
    if cut {
        kept.push_str(CUT);
    }
    kept
}

/// The start of a text, at most so many bytes.
fn up_to(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_ordinary_id_is_itself_and_an_odd_one_is_its_hash() {
        let longest = "x".repeat(OutsideId::LONGEST);
        for id in ["", "42", "Ünï", "a b", "a@b.c", "wamid.HBgL=", "-100123/33", "bc:42", "م", longest.as_str()] {
            assert_eq!(OutsideId::new(id), *id);
        }
        let long = "x".repeat(OutsideId::LONGEST + 1);
        let own = OutsideId::new(&long);
        for id in [long.as_str(), "a\r\nb", "\0", "a\u{7f}", "a\u{85}", "a\u{202e}b", "\u{2028}", own.as_str()] {
            let kept = OutsideId::new(id);
            assert!(kept.starts_with(HASHED) && kept.len() == 71, "{id:?}: {kept}");
            assert_ne!(kept, *id, "a hash that somebody writes is not the id that has it");
        }
    }

    #[test]
    fn a_name_is_one_line_and_cut_between_characters() {
        assert_eq!(OutsideName::new("Ana Borg"), "Ana Borg");
        assert_eq!(OutsideName::new("Ana\r\n\tBorg\0\u{202e}gro"), "Ana Borg gro");
        assert_eq!(OutsideName::new("\u{0}\n"), "");
        let long = OutsideName::new(&"é".repeat(10_000));
        assert_eq!((long.chars().count(), long.ends_with(CUT)), (OutsideName::LONGEST, true));
        let marked = OutsideName::new(&format!("{}e\u{301}{}", "x".repeat(254), "y".repeat(9)));
        assert!(marked.ends_with("e…"), "{marked}");
    }

    #[test]
    fn a_text_keeps_its_lines_and_says_that_it_was_cut() {
        assert_eq!(OutsideText::new("a\r\n\tb\0\u{1b}[0m\u{202e}"), "a\r\n\tb[0m\u{202e}");
        let long = "я".repeat(OutsideText::LONGEST);
        let text = OutsideText::new(&long);
        assert!(text.len() <= OutsideText::LONGEST && text.ends_with(CUT));
        assert_eq!(WholeText::if_cut(&long), long);
        assert_eq!(WholeText::if_cut("short"), "");
        assert!(WholeText::new(&long.repeat(10)).len() <= WholeText::LONGEST);
    }

    #[test]
    fn a_time_far_out_of_range_is_none() {
        for (seconds, is_one) in [(0, true), (1_800_000_000, true), (-1, false), (253_402_300_800, false)] {
            assert_eq!(time(DateTime::from_timestamp(seconds, 0).unwrap()).is_some(), is_one, "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn different_ids_stay_different_and_each_can_stand_in_a_header(a: String, b: String) {
            let (kept, other) = (OutsideId::new(&a), OutsideId::new(&b));
            prop_assert_eq!(kept == other, a == b);
            prop_assert!(kept.len() <= OutsideId::LONGEST && !kept.chars().any(char::is_control));
            // What is kept is taken as it is, unless it is a hash.
            prop_assert!(kept.starts_with(HASHED) || OutsideId::new(&kept) == kept);
            let name = OutsideName::new(&a);
            prop_assert!(name.chars().count() <= OutsideName::LONGEST && !name.chars().any(is_odd));
            prop_assert_eq!(OutsideName::new(&name), name);
        }
    }
}
