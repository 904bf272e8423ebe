//! Text from outside costs time in proportion to its length: every word and pair of words of the lexicons, repeated.
//!
//! The tests that run always take every word and a part of the pairs of kinds of words (a time's senses, a list of the
//! understanding); those marked `ignore` take every pair of kinds:
//! `cargo test --release -p steward-language --lib growth -- --ignored`.

use std::{collections::BTreeMap, hint::black_box, time::Duration, time::Instant};

use chrono::{TimeZone as _, Utc};

use crate::{
    DateOrder, Language,
    claims::{self, claims},
    excerpt,
    time::{self, PartsOfDay, TimeContext, parse_all},
    understanding::{self, understand, understand_all},
};

/// How many times as long a text of twice the length may take.
const MOST: f64 = 2.5;
const SHORT: usize = 1_000;
/// Marks, digits and other things that belong to no lexicon.
const OTHERS: [&str; 41] = [
    ".",
    ",",
    ";",
    ":",
    "!",
    "?",
    "…",
    "-",
    "—",
    "(",
    ")",
    "«",
    "»",
    "“",
    "”",
    "\"",
    "'",
    "‘",
    "’",
    "/",
    "\\",
    "@",
    "#",
    "№",
    "%",
    "$",
    "+",
    "*",
    "~",
    "\n",
    "> ",
    "\u{301}",
    "👍",
    "1",
    "17:30",
    "12.03.2027",
    "1/2",
    "www.a",
    "a@b",
    "zzz",
    "Ё",
];

fn context(language: Language) -> TimeContext {
    TimeContext {
        written_at: Utc.with_ymd_and_hms(2026, 11, 18, 9, 0, 0).unwrap(),
        zone: chrono_tz::Europe::Moscow,
        language,
        date_order: DateOrder::MonthFirst,
        followup_hour: 10,
        parts_of_day: PartsOfDay::default(),
    }
}

fn repeated(unit: &str, bytes: usize) -> String {
    unit.repeat(bytes / unit.len() + 1)
}

/// Enough of it that the longest sentence that is read at once is filled.
fn short(unit: &str) -> usize {
    let words = unit.split_whitespace().count().max(1);
    SHORT.max(unit.len() * 170 / words)
}

/// Time this thread has run on a processor, whatever else the machine does.
fn processor_time(since: Instant) -> Duration {
    // the kernel counts up to the last time it looked at this thread: now
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = stat.and_then(|s| s.split_whitespace().next()?.parse().ok()).map(Duration::from_nanos);
    ran.unwrap_or_else(|| since.elapsed())
}

/// The time of one reading.
fn cost(text: &str, read: &dyn Fn(&str)) -> f64 {
    let since = Instant::now();
    let before = processor_time(since);
    read(black_box(text));
    (processor_time(since) - before).as_secs_f64()
}

/// By how much more a text costs for each doubling, of so many; by the least time of some runs of each, in turn, for a machine may
/// be slow for a while.
fn growth(unit: &str, doublings: u32, runs: u32, read: &dyn Fn(&str)) -> f64 {
    let bytes = short(unit);
    let (short, long) = (repeated(unit, bytes), repeated(unit, bytes << doublings));
    let (mut least_short, mut least_long) = (f64::MAX, f64::MAX);
    for _ in 0..runs {
        least_short = least_short.min(cost(&short, read));
        least_long = least_long.min(cost(&long, read));
    }
    (least_long / least_short.max(1e-6)).powf(1.0 / f64::from(doublings))
}

/// That growth, if it is too much however it is measured. At last over so many doublings that what grows in proportion is far
/// below the limit on any machine (64 times the text, 244 times the cost), and what doesn't far above it; a step, where one
/// sentence becomes several, is climbed once.
fn grows(unit: &str, read: &dyn Fn(&str)) -> Option<f64> {
    let mut last = 0.0;
    for (doublings, runs) in [(2, 5), (6, 3), (6, 7)] {
        last = growth(unit, doublings, runs, read);
        if last <= MOST {
            return None;
        }
    }
    Some(last)
}

fn all_in_proportion(units: impl IntoIterator<Item = String>, read: &dyn Fn(&str)) {
    let mut count = 0;
    let units = units.into_iter().inspect(|_| count += 1);
    let suspects: Vec<String> = units.filter(|unit| growth(unit, 2, 1, read) > MOST).collect();
    println!("{count} texts measured, {} of them again", suspects.len());
    let found: Vec<(String, f64)> =
        suspects.into_iter().filter_map(|unit| Some((unit.clone(), grows(&unit, read)?))).collect();
    assert!(
        count > 0 && found.is_empty(),
        "{} grow faster than the text: {:?}",
        found.len(),
        &found[..found.len().min(20)]
    );
}

fn words(language: Language) -> Vec<(String, String)> {
    let times = time::expressions(language).into_iter().map(|(text, kind)| (text, format!("time {kind}")));
    let lists = understanding::expressions(language).into_iter().map(|(text, kind)| (text, format!("list {kind}")));
    let others = OTHERS.into_iter().map(|text| (text.to_owned(), format!("other {text}")));
    times.chain(lists).chain(others).filter(|(text, _)| !text.is_empty()).collect()
}

/// One text of each kind.
fn kinds(all: Vec<(String, String)>) -> Vec<String> {
    let by_kind: BTreeMap<String, String> = all.into_iter().map(|(text, kind)| (kind, text)).collect();
    by_kind.into_values().collect()
}

/// Two texts after each other, and some with a comma between.
fn pairs(kinds: &[String]) -> impl Iterator<Item = String> + '_ {
    let pair = |(n, (a, b)): (usize, (&String, &String))| {
        if n % 7 == 0 { format!("{a}, {b} ") } else { format!("{a} {b} ") }
    };
    kinds.iter().flat_map(|a| kinds.iter().map(move |b| (a, b))).enumerate().map(pair)
}

/// A part of the pairs, another one for each language.
fn some(kinds: &[String], of: usize) -> impl Iterator<Item = String> + '_ {
    pairs(kinds).enumerate().filter(move |(n, _)| (n * 7_919) % of == 3).map(|(_, pair)| pair)
}

#[test]
fn every_word_repeated_costs_in_proportion() {
    let every_word_of = |language| {
        let context = context(language);
        let units = words(language).into_iter().map(|(word, _)| word + " ");
        all_in_proportion(units, &|text| drop(understand_all(text, &context)));
    };
    std::thread::scope(|scope| {
        for &language in Language::ALL {
            scope.spawn(move || every_word_of(language));
        }
    });
}

#[test]
fn claims_repeated_and_paired_cost_in_proportion() {
    for &language in Language::ALL {
        let context = context(language);
        let forms = claims::expressions(language);
        let times = kinds(time::expressions(language));
        let alone = forms.iter().map(|form| form.clone() + " ");
        let timed = some(&times, 499).map(|time| time + &forms[forms.len() / 2] + " ");
        let units = alone.chain(some(&forms, 97)).chain(timed);
        all_in_proportion(units, &|text| drop(claims(text, &context)));
    }
}

#[test]
fn pairs_of_words_of_time_repeated_cost_in_proportion() {
    for &language in Language::ALL {
        let context = context(language);
        let kinds = kinds(time::expressions(language));
        all_in_proportion(some(&kinds, 199), &|text| drop(parse_all(text, &context)));
    }
}

#[test]
fn pairs_of_any_words_repeated_cost_in_proportion() {
    for &language in Language::ALL {
        let context = context(language);
        let kinds = kinds(words(language));
        all_in_proportion(some(&kinds, 2_999), &|text| drop(understand_all(text, &context)));
    }
}

#[test]
#[ignore = "every pair of kinds takes minutes: the long form of the tests above, for `just growth`, optimised"]
fn every_pair_of_words_of_time_repeated_costs_in_proportion() {
    for &language in Language::ALL {
        let context = context(language);
        let kinds = kinds(time::expressions(language));
        all_in_proportion(pairs(&kinds), &|text| drop(parse_all(text, &context)));
    }
}

#[test]
#[ignore = "every pair of kinds takes an hour: the long form of the tests above, for `just growth`, optimised"]
fn every_pair_of_any_words_repeated_costs_in_proportion() {
    for &language in Language::ALL {
        let context = context(language);
        let kinds = kinds(words(language));
        all_in_proportion(pairs(&kinds), &|text| drop(understand_all(text, &context)));
    }
}

/// What stopped the house once, and what is like it.
#[test]
fn long_messages_are_read_in_a_moment() {
    let sentences = [
        "a ",
        "write to me in 2 hours, ",
        "remind me tomorrow and remind me on friday, ",
        "«",
        "( ",
        "end of ",
        "early ",
        "some ",
        "за 5 минут ",
        "напиши завтра в 10 и в пятницу, ",
        "перенеси с пятницы на понедельник ",
        "move it from friday to monday, ",
        "recuérdame mañana y el viernes, ",
        "in 9999 business days ",
        "could you ",
        "please, ",
    ];
    let mut worst = (0.0, "");
    for unit in sentences {
        for &language in Language::ALL {
            let context = context(language);
            let text = repeated(unit, 64_000);
            let took = cost(&text, &|text| drop(understand(text, &context)));
            if took > worst.0 {
                worst = (took, unit);
            }
            let says_nothing = !unit.contains(char::is_alphanumeric);
            assert!(says_nothing || understand(&text, &context).in_part, "{unit}");
        }
        assert_eq!(grows(unit, &|text| drop(understand_all(text, &context(Language::ALL[0])))), None, "{unit}");
    }
    println!("the slowest 64 kB message of these took {:.1} ms: {:?} repeated", worst.0 * 1e3, worst.1);
    println!("of it {} words are read at most", excerpt::MOST_WORDS);
}
