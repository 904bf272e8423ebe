//! Which number of `3/4` is the day, by who wrote it.

use crate::Language;

/// How a person writes a date in digits, in a language that has both orders; the others put the day first, whoever writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateOrder {
    /// `3/4` is March 4.
    #[default]
    MonthFirst,
    /// `3/4` is 3 April.
    DayFirst,
    /// Both are usual, or nobody knows: what differs between the two is asked.
    Open,
}

impl DateOrder {
    /// By a BCP 47 tag: each language says it of the tag's region. Where one order alone is usual in a language, that counts
    /// whatever is said here.
    pub fn of_tag(tag: &str) -> Self {
        let mut parts = tag.split(['-', '_']);
        let Some(language) = parts.next().and_then(Language::of_tag) else { return Self::default() };
        // Between the two a script may stand: `en-Latn-GB` (RFC 5646, 2.1).
        let region = parts.find(|part| part.len() != 4).map(str::to_ascii_uppercase);
        language.folder().time.date_order(region.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_day_first_is_told_by_the_tags_region() {
        #[rustfmt::skip]
        let table = [
            (DateOrder::MonthFirst, &["en", "EN", "en-US", "en_us", "en-PH", "en-PR", "en-GU", "en-Latn-US"][..]),
            (DateOrder::DayFirst, &["en-GB", "en_GB", "en-au", "en-NZ", "en-IE", "en-IN", "en-NG", "en-001", "en-150", "en-Latn-GB", "en-GB-oxendict"]),
            (DateOrder::Open, &["en-CA", "en_ca", "en-ZA", "en-SE", "en-JP", "en-XX"]),
            (DateOrder::MonthFirst, &["", "ru", "es-MX", "de-DE", "eng-lish"]),
        ];
        for (order, tags) in table {
            for tag in tags {
                assert_eq!(DateOrder::of_tag(tag), order, "{tag}");
            }
        }
    }
}
