//! Where English puts the day first in a date in digits.
//!
//! The order of a region is that of the short date in Unicode CLDR 48 (`dateFormatLength[@type="short"]` of `en-*`). Three
//! regions write the year first there (`en-CA`, `en-ZA`, `en-SE`), which says nothing of a pair, and of others CLDR knows no
//! English: doubt is asked.

use crate::DateOrder;

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

/// `en` alone counts as in the United States.
pub fn date_order(region: Option<&str>) -> DateOrder {
    match region {
        None => DateOrder::MonthFirst,
        Some(region) if MONTH_FIRST.contains(&region) => DateOrder::MonthFirst,
        Some(region) if DAY_FIRST.contains(&region) => DateOrder::DayFirst,
        Some(_) => DateOrder::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_region_is_in_both_lists() {
        assert!(MONTH_FIRST.iter().all(|region| !DAY_FIRST.contains(region)));
        assert!(MONTH_FIRST.is_sorted() && DAY_FIRST.is_sorted());
    }
}
