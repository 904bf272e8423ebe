//! Which promises a message speaks of, when it names them by time, by topic or not at all.

use chrono::Duration;
use chrono_tz::Tz;
use steward_language::{
    time::{Grain, Meaning, Moment},
    understanding::{Intent, Which},
};

use super::book::{Book, Entry, name};

/// The promises meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// These, by their indices in the book; never empty.
    These(Vec<usize>),
    /// One of these, and the message doesn't say which.
    OneOf(Vec<usize>),
    /// Those it names don't exist, though others do.
    NotThere,
    /// There are none at all.
    Nothing,
}

/// Chooses among the book's open promises.
pub(super) fn choose(book: &Book, which: &Which, zone: Tz) -> Choice {
    let open = book.open();
    if open.is_empty() {
        return Choice::Nothing;
    }
    let of_kind: Vec<usize> = match which.intent {
        Some(intent) => open.iter().copied().filter(|&i| is_of(&book.entries[i], intent)).collect(),
        None => Vec::new(),
    };
    let mut meant = if of_kind.is_empty() { open } else { of_kind };
    if let Some(moment) = moment(&which.time) {
        let found: Vec<usize> = meant.iter().copied().filter(|&i| is_then(&book.entries[i], moment, zone)).collect();
        if found.is_empty() {
            return Choice::NotThere;
        }
        meant = found;
    }
    if !which.topic.is_empty() {
        let topic = words(&which.topic);
        let scores: Vec<usize> = meant.iter().map(|&i| score(&topic, &book.entries[i])).collect();
        let best = scores.iter().copied().max().unwrap_or(0);
        // "don't write tomorrow, …": who names the day of a promise means it, whatever else they say
        let timed = which.intent.is_some() && moment(&which.time).is_some();
        if best == 0 && !timed {
            return Choice::NotThere;
        }
        meant = meant.into_iter().zip(scores).filter(|&(_, score)| score == best).map(|(i, _)| i).collect();
    }
    if meant.len() == 1 || which.all { Choice::These(meant) } else { Choice::OneOf(meant) }
}

fn is_of(entry: &Entry, intent: Intent) -> bool {
    entry.promise.intention == name(intent)
}

/// The moment a choice names; a past or distant one chooses as well.
fn moment(time: &Meaning) -> Option<&Moment> {
    match time {
        Meaning::Instant(moment) | Meaning::Past(moment) | Meaning::TooFar(moment) => Some(moment),
        Meaning::Ambiguous { readings, .. } => readings.first(),
        Meaning::None => None,
    }
}

/// A day means all of that day, a time of day that minute or hour.
fn is_then(entry: &Entry, moment: &Moment, zone: Tz) -> bool {
    let due = entry.promise.due_at.with_timezone(&zone);
    let said = moment.at.with_timezone(&zone);
    match moment.grain {
        Grain::Second | Grain::Minute => (due - said).abs() < Duration::minutes(2),
        Grain::Hour => (due - said).abs() < Duration::minutes(60),
        Grain::Week => (due - said).abs() < Duration::days(7),
        _ => due.date_naive() == said.date_naive(),
    }
}

/// How many of the topic's words the promise holds; inflected forms count.
fn score(topic: &[Vec<char>], entry: &Entry) -> usize {
    let mut held = words(&entry.promise.text);
    held.extend(words(&entry.promise.topic));
    held.extend(words(&entry.promise.phrase));
    topic.iter().filter(|word| held.iter().any(|h| is_same_word(word, h))).count()
}

/// The words of a topic that are compared, at most.
const COMPARED: usize = 64;

fn words(text: &str) -> Vec<Vec<char>> {
    text.split(|c: char| !c.is_alphanumeric())
        .map(|w| w.to_lowercase().replace('ё', "е").chars().collect::<Vec<char>>())
        .filter(|w| w.len() > 2 || w.iter().any(char::is_ascii_digit))
        .take(COMPARED)
        .collect()
}

/// The same word up to its ending: a common beginning of all but two letters, of at least three.
fn is_same_word(a: &[char], b: &[char]) -> bool {
    if a.iter().any(char::is_ascii_digit) {
        return a == b;
    }
    let common = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    a == b || (common >= 3 && common + 2 >= a.len().max(b.len()))
}
