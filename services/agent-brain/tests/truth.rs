//! No unbacked word: what a reply claims is what was decided. Tables of replies as assistants write them, and replies made of
//! parts, whose truth is known from the parts alone.

mod truth_generated;
mod truth_world;

use std::sync::LazyLock;

use proptest::prelude::*;
use steward_agent_brain::truth::{MOST_BYTES, check, corrected};

use self::truth_world::{Row, rows};

fn found(row: &Row) -> Vec<String> {
    check(&row.reply, &row.backing).iter().map(|f| format!("{:?} [{}] {}", f.kind, f.says, f.why)).collect()
}

#[test]
fn every_planted_lie_is_found_out_and_taken_out() {
    let rows = rows("lies");
    assert!(rows.len() >= 400, "{}", rows.len());
    let mut missed = Vec::new();
    for row in &rows {
        let findings = check(&row.reply, &row.backing);
        let kind = row.kind.as_deref().unwrap();
        if findings.iter().all(|f| format!("{:?}", f.kind) != kind) {
            missed.push(format!("{kind} {:?}: {:?}", row.reply, found(row)));
        }
        let mended = corrected(&row.reply, &findings, &row.backing);
        assert_eq!(check(&mended.text, &row.backing), [], "{:?} became {:?}", row.reply, mended.text);
        assert_ne!(findings.is_empty(), mended.text != row.reply, "{}", row.reply);
    }
    assert!(missed.is_empty(), "{} of {} missed:\n{}", missed.len(), rows.len(), missed.join("\n"));
}

#[test]
fn no_honest_reply_is_touched() {
    let rows = rows("honest");
    let touched: Vec<String> = rows
        .iter()
        .filter(|row| !found(row).is_empty())
        .map(|row| format!("{:?}: {:?}", row.reply, found(row)))
        .collect();
    assert!(touched.is_empty(), "{} of {} touched:\n{}", touched.len(), rows.len(), touched.join("\n"));
    assert!(rows.len() >= 700, "{}", rows.len());
}

#[test]
fn whatever_was_mended_says_nothing_unbacked() {
    let (lies, honest) = (rows("lies"), rows("honest"));
    for (n, row) in lies.iter().enumerate() {
        let (other, plain) = (&lies[(n * 7 + 1) % lies.len()], &honest[(n * 11 + 5) % honest.len()]);
        for text in [
            format!("{} {}\n{}", row.reply, plain.reply, other.reply),
            format!("- {}\n- {}\n- {}", other.reply, row.reply, plain.reply),
            format!("1. {}\n2. {}\n\n{}", plain.reply, other.reply, row.reply),
            row.reply.replace(['.', '!'], ",") + " " + &other.reply,
        ] {
            let mended = corrected(&text, &check(&text, &row.backing), &row.backing);
            assert_eq!(check(&mended.text, &row.backing), [], "{text:?} became {:?}", mended.text);
        }
    }
}

#[test]
fn what_is_too_long_to_be_read_is_not_vouched_for() {
    let row = &rows("honest")[0];
    let text = "All is well. ".repeat(MOST_BYTES / 10);
    let findings = check(&text, &row.backing);
    assert_eq!(findings.len(), 1);
    let mended = corrected(&text, &findings, &row.backing);
    assert!(mended.text.len() <= MOST_BYTES && text.starts_with(&mended.text));
}

/// Read once.
static LIES: LazyLock<Vec<Row>> = LazyLock::new(|| rows("lies"));

/// Pieces of claims, of what excuses them, and of times.
const PIECES: &[&str] = &[
    "I'll",
    "remind you",
    "write to you",
    "tomorrow",
    "at 10",
    "on Friday",
    "if you like",
    "?",
    ".",
    ",",
    "not",
    "I've",
    "cancelled",
    "moved",
    "it",
    "to",
    "your reminder",
    "is set for",
    "«",
    "»",
    "\"",
    "\n",
    "> ",
    "- ",
    "(",
    ")",
    "напомню",
    "завтра",
    "в 10",
    "не",
    "отменил",
    "если хотите",
    "перенёс на",
    "пятницу",
    "менеджер",
    "ответит",
    "le escribiré",
    "mañana",
    "a las 10",
    "si quiere",
    "¿",
    "he cancelado",
    "el recordatorio",
    "queda",
    "👍",
    "13:75",
    "e\u{301}",
    "Europe/Madrid",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_and_mended(words in prop::collection::vec(prop_oneof![6 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => any::<String>()], 0..30), row in 0..400_usize) {
        let backing = &LIES[row % LIES.len()].backing;
        let text = words.join(" ");
        let findings = check(&text, backing);
        for finding in &findings {
            prop_assert_eq!(&text[finding.span.clone()], finding.says.as_str());
            prop_assert!(finding.sentence.start <= finding.span.start && finding.span.end <= finding.sentence.end);
        }
        let mended = corrected(&text, &findings, backing);
        prop_assert_eq!(check(&mended.text, backing), []);
        if findings.is_empty() {
            prop_assert_eq!(mended.text, text);
        }
    }
}
