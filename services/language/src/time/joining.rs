//! Which pieces belong to one phrase, and which phrases of a sentence say one time in two places.

use super::{
    lexicon::Sense,
    phrase::{DateSpec, Matter, Phrase, Piece},
    reader::Reader,
};

/// Days, or clocks, that stand together in one phrase, at most; a longer list of them is several phrases.
const MOST_PIECES: usize = 8;

/// Whether the piece ends a range that the phrase began.
pub fn continues_range(phrase: &Phrase, piece: &Piece) -> bool {
    match piece {
        Piece::Date(_) | Piece::Loose { .. } => !phrase.dates.is_empty(),
        Piece::Clock(_) | Piece::ClockBeside(_) | Piece::Midnight => !phrase.clocks.is_empty() || phrase.midnight,
        Piece::Part { .. } => phrase.part.is_some(),
        _ => false,
    }
}

/// Whether a piece right beside a phrase is part of it rather than another time.
pub fn belongs(phrase: &Phrase, piece: &Piece) -> bool {
    match piece {
        Piece::Date(date) => {
            let is_weekday = |d: &DateSpec| matches!(d, DateSpec::Weekday(..));
            let room = phrase.dates.len() < MOST_PIECES;
            let first = phrase.dates.is_empty() && phrase.shift.is_none();
            let refines = phrase.dates.iter().any(is_weekday) != is_weekday(date) && phrase.dates.len() < 3;
            first || refines || phrase.shift.is_some() && room
        }
        Piece::Shift(shift) => phrase.shift.is_none() && (phrase.dates.is_empty() || shift.from.is_none()),
        Piece::Clock(_) | Piece::ClockBeside(_) => !phrase.midnight && phrase.clocks.len() < MOST_PIECES,
        Piece::Midnight => phrase.clocks.is_empty(),
        Piece::Part { part, .. } => phrase.part.is_none_or(|p| p == *part || phrase.has_time()),
        Piece::Ago => false,
        Piece::SameTime => !phrase.has_time(),
        Piece::Zone(_) | Piece::EndOfDay | Piece::TomorrowOrMorning | Piece::Loose { .. } => true,
    }
}

/// "My 3pm is cancelled, write to me on Friday": a request of its own stands between the two.
fn asks_apart(reader: &Reader, time: &Phrase, day: &Phrase) -> bool {
    let (Some(time), Some(day)) = (time.lexemes.last(), day.lexemes.first()) else { return false };
    let request = (time.end..day.start).find(|&i| reader.is(i, Sense::Request));
    request.is_some_and(|request| (time.end..request).any(|i| reader.get(i).is_some_and(|l| l.mark.is_some())))
}

/// "Завтра напиши мне в 5": one time in two places of a sentence.
pub fn join_split(reader: &Reader, found: Vec<Phrase>) -> Vec<Phrase> {
    let mut joined: Vec<Phrase> = Vec::with_capacity(found.len());
    for phrase in found {
        // "tomorrow, but not at 10"
        if phrase.negated
            && phrase.has_time()
            && !phrase.has_day()
            && let Some(last) = joined.last_mut()
            && last.sentence == phrase.sentence
            && !last.has_time()
            && !last.negated
        {
            last.leftover = Some("excepted");
        }
        let lacks_day = phrase.has_time() && !phrase.has_day();
        let lacks_time = phrase.has_day() && !phrase.has_time() && phrase.loose.is_none() && !phrase.ago;
        let partner = joined.last_mut().filter(|last| {
            let open = last.loose.is_none()
                && !last.ago
                && !last.negated
                && last.shift.as_ref().is_none_or(|s| !s.has_clock());
            let other_clause = lacks_time && asks_apart(reader, last, &phrase);
            open && !phrase.alternative
                && !other_clause
                && phrase.matter != Matter::Clause
                && !phrase.negated
                && last.sentence == phrase.sentence
                && (lacks_day && last.has_day() && !last.has_time()
                    || lacks_time && last.has_time() && !last.has_day() && phrase.shift.is_none())
        });
        match partner {
            // "tomorrow about the call at 5": the hour may be the call's
            Some(last) => {
                if phrase.matter == Matter::Topic && !phrase.has_day() {
                    last.leftover = Some("time_in_topic");
                }
                last.join(phrase);
            }
            None => joined.push(phrase),
        }
    }
    joined
}
