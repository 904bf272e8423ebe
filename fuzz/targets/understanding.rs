//! What a message asks for, and when: text from anybody, read whole.

#![no_main]

use chrono::DateTime;
use steward_language::{
    DateOrder, Language,
    time::{PartsOfDay, TimeContext, find_all, parse_all},
    understanding::{understand, understand_all},
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let orders = [DateOrder::MonthFirst, DateOrder::DayFirst, DateOrder::Open];
    for (&language, date_order) in Language::ALL.iter().zip(orders.into_iter().cycle()) {
        let context = TimeContext {
            written_at: DateTime::UNIX_EPOCH,
            zone: chrono_tz::Tz::Europe__Madrid,
            language,
            date_order,
            followup_hour: 10,
            parts_of_day: PartsOfDay::default(),
        };
        assert!(!understand(&text, &context).requests.is_empty());
        assert!(!understand_all(&text, &context).requests.is_empty());
        parse_all(&text, &context);
        assert!(find_all(&text, &context).iter().all(|span| text.get(span.clone()).is_some()));
    }
});
