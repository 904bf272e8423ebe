//! Which number of `3/4` is the day, by who wrote it.

use crate::Language;

/// How a person's English writes a date in digits. Russian and Spanish put the day first, whoever writes them.
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

/// Where CLDR 48 writes the short date of English with the month first.
const MONTH_FIRST: &[&str] = &["AS", "BI", "GU", "MH", "MP", "PH", "PR", "UM", "US", "VI"];

/// Where it writes the day first.
#[rustfmt::skip]
const DAY_FIRST: &[&str] = &[
    "001", "150", "AE", "AG", "AI", "AT", "AU", "BB", "BE", "BM", "BS", "BW", "BZ", "CC", "CH", "CK", "CM", "CX", "CY", "DE",
    "DG", "DK", "DM", "ER", "ES", "FI", "FJ", "FK", "FM", "FR", "GB", "GD", "GG", "GH", "GI", "GM", "GY", "HK", "ID", "IE",
    "IL", "IM", "IN", "IO", "JE", "JM", "KE", "KI", "KN", "KY", "LC", "LR", "LS", "MG", "MO", "MS", "MT", "MU", "MV", "MW",
    "MY", "NA", "NF", "NG", "NL", "NR", "NU", "NZ", "PG", "PK", "PL", "PN", "PW", "RW", "SB", "SC", "SD", "SG", "SH", "SI",
    "SL", "SS", "SX", "SZ", "TC", "TK", "TO", "TT", "TV", "TZ", "UG", "VC", "VG", "VU", "WS", "ZM", "ZW",
];

impl DateOrder {
    /// By a BCP 47 tag: `en` and every other language as in the United States, `en-GB` day first.
    ///
    /// The order of a region is that of the short date in Unicode CLDR 48 (`dateFormatLength[@type="short"]` of `en-*`). Three
    /// regions write the year first there (`en-CA`, `en-ZA`, `en-SE`), which says nothing of a pair, and of others CLDR
    /// knows no English: doubt is asked.
    pub fn of_tag(tag: &str) -> Self {
        let mut parts = tag.split(['-', '_']);
        if parts.next().and_then(Language::of_tag) != Some(Language::En) {
            return Self::MonthFirst;
        }
        // Between the two a script may stand: `en-Latn-GB` (RFC 5646, 2.1).
        let region = parts.find(|part| part.len() != 4).map(str::to_ascii_uppercase);
        match region.as_deref() {
            None => Self::MonthFirst,
            Some(region) if MONTH_FIRST.contains(&region) => Self::MonthFirst,
            Some(region) if DAY_FIRST.contains(&region) => Self::DayFirst,
            Some(_) => Self::Open,
        }
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

    #[test]
    fn no_region_is_in_both_lists() {
        assert!(MONTH_FIRST.iter().all(|region| !DAY_FIRST.contains(region)));
        assert!(MONTH_FIRST.is_sorted() && DAY_FIRST.is_sorted());
    }
}
