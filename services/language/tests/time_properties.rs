//! What holds for any text at all: no panic, instants within the promised reach, spans that can be cut out.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, Duration, Months, TimeZone, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use steward_language::{
    DateOrder, Language,
    time::{Meaning, PartsOfDay, TimeContext, find_all, parse},
};

/// Words that make times, so that random texts often hold one.
const WORDS: &[&str] = &[
    "через",
    "завтра",
    "в",
    "5",
    "часов",
    "вечера",
    "следующую",
    "среду",
    "на",
    "неделе",
    "полтора",
    "часа",
    "15",
    "числа",
    "марта",
    "2027",
    "до",
    "конца",
    "месяца",
    "после",
    "пятницы",
    "без",
    "четверти",
    "пять",
    "полпятого",
    "не",
    "или",
    "и",
    "mañana",
    "a las",
    "y media",
    "el",
    "próximo",
    "viernes",
    "que viene",
    "dentro de",
    "dos",
    "semanas",
    "por la tarde",
    "de",
    "marzo",
    "hace",
    "menos",
    "cuarto",
    "fin de",
    "mes",
    "o",
    "en",
    "una",
    "hora",
    "último",
    "lunes",
    "del",
    "tomorrow",
    "at",
    "pm",
    "next",
    "Wednesday",
    "in",
    "an",
    "hour",
    "and a half",
    "the",
    "31st",
    "of",
    "February",
    "quarter",
    "to",
    "seven",
    "midnight",
    "end of",
    "week",
    "first",
    "Monday",
    "years",
    "999999",
    "ago",
    "from now",
    "+",
    "-",
    ",",
    ".",
    "12.03.2027",
    "3/4",
    "2026-12-22",
    "17:30",
    "24:00",
    "8:00:59",
    "UTC",
    "+03:00",
    "noon",
    "tonight",
    "a",
    "few",
    "days",
    "several",
    "1.5",
    "99999999999",
    "0",
    "00:00",
    "12am",
    "Easter",
    "Sunday",
    "пасху",
    "navidad",
    "2 days before",
    "(",
    "…",
];

const ZONES: [Tz; 6] = [
    Tz::UTC,
    Tz::Europe__Madrid,
    Tz::America__Los_Angeles,
    Tz::Asia__Kathmandu,
    Tz::Pacific__Apia,
    Tz::Australia__Lord_Howe,
];

fn language() -> impl Strategy<Value = Language> {
    prop::sample::select(Language::ALL)
}

fn date_order() -> impl Strategy<Value = DateOrder> {
    prop_oneof![Just(DateOrder::MonthFirst), Just(DateOrder::DayFirst), Just(DateOrder::Open)]
}

prop_compose! {
    fn context()(seconds in 1_700_000_000_i64..2_000_000_000, zone in 0..ZONES.len(), language in language(), date_order in date_order(), hour in 0_u32..24) -> TimeContext {
        let written_at = Utc.timestamp_opt(seconds, 0).unwrap();
        TimeContext { written_at, zone: ZONES[zone], language, date_order, followup_hour: hour, parts_of_day: PartsOfDay::default() }
    }
}

fn check(text: &str, context: &TimeContext) -> Result<(), TestCaseError> {
    let in_text = |span: &std::ops::Range<usize>| {
        span.start < span.end && text.is_char_boundary(span.start) && text.get(span.clone()).is_some()
    };
    match parse(text, context) {
        Meaning::Instant(moment) => {
            let least = if moment.rule == "in_duration" { Duration::milliseconds(1) } else { Duration::seconds(5) };
            prop_assert!(moment.at >= context.written_at + least, "{text:?} is not ahead: {moment:?}");
            prop_assert!(moment.at <= limit(context.written_at), "{text:?} is too far: {moment:?}");
            prop_assert!(in_text(&moment.span), "{text:?}: {moment:?}");
            prop_assert!(!moment.rule.is_empty());
        }
        Meaning::Ambiguous { readings, span, .. } => {
            prop_assert!(in_text(&span), "{text:?}: {span:?}");
            prop_assert!(readings.iter().all(|m| m.at > context.written_at && in_text(&m.span)), "{text:?}");
        }
        Meaning::Past(moment) => prop_assert!(moment.at < context.written_at + Duration::seconds(5)),
        Meaning::TooFar(moment) => prop_assert!(moment.at > context.written_at + Duration::days(700)),
        Meaning::None => {}
    }
    let spans = find_all(text, context);
    prop_assert!(spans.iter().all(in_text), "{text:?}: {spans:?}");
    prop_assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start), "{text:?}: {spans:?} overlap");
    Ok(())
}

/// Two years, to the end of that day.
fn limit(written_at: DateTime<Utc>) -> DateTime<Utc> {
    written_at + Months::new(24) + Duration::days(1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_panic(text in ".{0,60}", context in context()) {
        check(&text, &context)?;
    }

    #[test]
    fn any_words_of_time_are_read_within_the_promised_reach(
        words in prop::collection::vec(0..WORDS.len(), 1..9), glue in "[ ,]{1,2}", context in context()
    ) {
        let text = words.iter().map(|i| WORDS[*i]).collect::<Vec<_>>().join(&glue);
        check(&text, &context)?;
    }

    #[test]
    fn any_digits_and_marks_are_read_without_panic(text in "[0-9./:, -]{1,24}(am|pm|h|ч|th|-го)?", context in context()) {
        check(&text, &context)?;
    }

    #[test]
    fn the_same_text_always_means_the_same(words in prop::collection::vec(0..WORDS.len(), 1..7), context in context()) {
        let text = words.iter().map(|i| WORDS[*i]).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(parse(&text, &context), parse(&text, &context));
    }
}
