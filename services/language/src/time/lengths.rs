//! Lengths of time: "in two and a half hours", "через пару дней", "dentro de un mes", and the same gone by.

use chrono::{NaiveTime, Timelike};

use super::{
    amounts::{Length, length},
    clocks, dates,
    lexicon::Sense,
    phrase::{Clock, DateSpec, Piece, Shift, Unit, Which},
    reader::Reader,
    shifts::milliseconds,
};

const LOOSE: Piece = Piece::Loose { rule: "loose_length", guess: None };

const BEFORE_EVENT: Piece = Piece::Loose { rule: "before_event", guess: None };

/// "10 minutes before the meeting", "за час до встречи": counted back from what has no time here.
fn before_event(reader: &Reader, i: usize) -> Option<usize> {
    let goes_on = reader.get(i + 1).is_some_and(|l| !l.word.is_empty());
    (goes_on && reader.is(i, Sense::Before) && !reader.is(i + 1, Sense::Request)).then_some(i + 1)
}

/// A length ahead or gone by, or a bare one that says no time (`Ok(None)` is: skip to there).
pub fn read(reader: &Reader, i: usize) -> Option<(Option<Piece>, usize)> {
    if let Some(found) = ahead(reader, i) {
        return Some((Some(found.0), found.1));
    }
    if reader.is(i, Sense::Eve) {
        let start = reader.skip(i + 1, &[Sense::Of, Sense::The]);
        return match dates::read(reader, start)? {
            (Piece::Date(from), next) => Some((Some(shift(vec![(-1000, Unit::Day)], Some(from), false)), next)),
            (_, next) => Some((Some(LOOSE), next)),
        };
    }
    if reader.is(i, Sense::AgoBefore) {
        let start = reader.skip(i + 1, &[Sense::Approx, Sense::The]);
        let length = length(reader, start, true)?;
        return Some((Some(Piece::Ago), length.next));
    }
    if let Some(found) = weekdays_from_now(reader, i) {
        return Some((Some(found.0), found.1));
    }
    if let Some(found) = reader.grammar.counted_from_tomorrow(reader, i) {
        return Some((Some(found.0), found.1));
    }
    if let Some(found) = reader.grammar.inverted(reader, i) {
        return Some((Some(found.0), found.1));
    }
    let one_day = || {
        let unit = reader.unit(i)?;
        let one = || Length { amounts: vec![(1000, unit)], loose: false, next: i + 1 };
        reader.grammar.makes_one(reader, i + 1, unit).then(one)
    };
    let length = length(reader, i, false).or_else(one_day)?;
    if let Some((piece, next)) = before_date(reader, &length) {
        return Some((Some(piece), next));
    }
    if let Some((piece, next)) = beside_clock(reader, &length) {
        return Some((Some(piece), next));
    }
    if let Some(next) = before_event(reader, length.next) {
        return Some((Some(BEFORE_EVENT), next));
    }
    if reader.is(length.next, Sense::Ago) {
        return Some((Some(Piece::Ago), length.next + 1));
    }
    if let Some((from, next)) = put_off(reader, &length) {
        return Some((Some(shift(length.amounts, Some(from), length.loose)), next));
    }
    if reader.is(length.next, Sense::Hence) {
        let next = reader.skip(length.next, &[Sense::Hence]);
        return Some((Some(shift(length.amounts, None, length.loose)), next));
    }
    if let Some(next) = from_clock(reader, length.next) {
        return Some((Some(LOOSE), next));
    }
    if let Some((from, next)) = from_date(reader, length.next) {
        return Some((Some(shift(length.amounts, Some(from), length.loose)), next));
    }
    Some((None, length.next))
}

/// "In …", "+ …", "next two …".
fn ahead(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let opens = reader.is_any(i, &[Sense::In, Sense::Plus, Sense::WeakIn, Sense::Wait]);
    let start = if opens { i + 1 } else { i };
    let filler = [Sense::Approx, Sense::The, Sense::This, Sense::Next, Sense::Coming, Sense::In, Sense::For];
    let after_filler = reader.skip(start, &filler);
    let announced = (start..after_filler).any(|j| reader.is_any(j, &[Sense::Next, Sense::Coming]));
    if !opens && !announced {
        return None;
    }
    if opens && let Some(found) = loose_weekday(reader, i, after_filler) {
        return Some(found);
    }
    let implicit = opens && !reader.is(i, Sense::Wait) && (announced || reader.grammar.one_is_left_out())
        || (announced || opens && reader.get(i).is_some_and(|l| l.word.is_empty() && l.mark.is_none()))
            && is_hours(reader, after_filler);
    let found = reader
        .grammar
        .inverted_amount(reader, after_filler)
        .or_else(|| length(reader, after_filler, implicit))
        .or_else(|| primes(reader, after_filler).filter(|_| opens))?;
    if reader.is(i, Sense::Wait) && reader.is_any(after_filler, &[Sense::Article, Sense::Unit(Unit::Second)]) {
        return None; // "wait a second"
    }
    if announced
        && !opens
        && found.next == after_filler + 1
        && !is_hours(reader, after_filler)
        && reader.amount_word(after_filler).is_none()
    {
        return None; // "next week" is a week, not a length
    }
    if announced && opens && found.next == after_filler + 1 && reader.unit(after_filler).is_some_and(|u| !u.is_clock())
    {
        return None; // "в следующий месяц", "within the next month" name no day
    }
    if let Some(found) = before_date(reader, &found) {
        return Some(found);
    }
    let looks_back = reader.is(i, Sense::WeakIn) && reader.past_verb_before(i);
    if !looks_back && let Some(found) = beside_clock(reader, &found) {
        return Some(found);
    }
    // "за 5 минут" looks back after a past verb: "сделал за 5 минут"
    // "за час до обеда"
    if reader.is(i, Sense::WeakIn) && reader.is(found.next, Sense::By) && reader.part(found.next).is_some() {
        return Some((BEFORE_EVENT, found.next + 1));
    }
    if reader.is(i, Sense::WeakIn)
        && !reader.past_verb_before(i)
        && let Some(next) = before_event(reader, found.next)
    {
        return Some((BEFORE_EVENT, next));
    }
    if reader.is(i, Sense::WeakIn) && (reader.past_verb_before(i) || reader.is(found.next, Sense::By)) {
        return Some((Piece::Ago, found.next));
    }
    if reader.is(i, Sense::In)
        && reader.is_word(i, reader.words.after)
        && found.next == after_filler + 1
        && reader.unit(after_filler).is_some()
    {
        return None;
    }
    if reader.is_word(i, reader.words.on)
        && reader.unit(after_filler) == Some(Unit::Day)
        && found.next == after_filler + 1
    {
        return None;
    }
    let next = reader.skip(found.next, &[Sense::Hence]);
    let next = if reader.is_word(next, reader.words.time) { next + 1 } else { next };
    if reader.is(next, Sense::Ago) {
        return Some((Piece::Ago, next + 1));
    }
    let (from, next) = from_date(reader, next).map_or((None, next), |(from, next)| (Some(from), next));
    // "in the next two weeks", "upcoming 2 quarters": some time until then
    let days = found.amounts.iter().any(|(_, unit)| !unit.is_clock());
    let quarters = announced && found.amounts.iter().any(|(_, unit)| *unit == Unit::Quarter);
    let range = days && reader.is(i, Sense::Within) || quarters;
    let in_the_day = reader.unit(after_filler) == Some(Unit::Day)
        && found.next == after_filler + 1
        && reader.is_word(after_filler, reader.words.of_the_day);
    let mut piece = shift(found.amounts, from, found.loose || in_the_day || range);
    if let Piece::Shift(shift) = &mut piece {
        shift.added = reader.is(i, Sense::Plus);
    }
    Some((piece, next))
}

/// `5'`, `30"`: minutes and seconds, unless the sign closes a quotation.
fn primes(reader: &Reader, i: usize) -> Option<Length> {
    let amount = i64::from(reader.lone(i, 3)?) * 1000;
    let sign = reader.get(i + 1).filter(|l| l.glued)?.mark?;
    let unit = match sign {
        '\'' | '’' | '′' => Unit::Minute,
        '"' | '″' => Unit::Second,
        _ => return None,
    };
    let quoted = reader.lexemes[..i].iter().any(|l| matches!(l.mark, Some('\'' | '‘' | '’' | '"' | '“')));
    (!quoted && reader.closes(i + 2)).then(|| Length { amounts: vec![(amount, unit)], loose: false, next: i + 2 })
}

/// "Через среду", "через понедельник": every other one, or the one after the next?
fn loose_weekday(reader: &Reader, i: usize, at: usize) -> Option<(Piece, usize)> {
    (reader.is_word(i, reader.words.every_other) && reader.weekday(at).is_some())
        .then_some((Piece::Loose { rule: "loose_weekday", guess: None }, at + 1))
}

fn is_hours(reader: &Reader, i: usize) -> bool {
    reader.unit(i).is_some_and(Unit::is_clock)
}

/// A length ahead of now, or of `from`.
pub fn shift(amounts: Vec<(i64, Unit)>, from: Option<DateSpec>, loose: bool) -> Piece {
    if loose { LOOSE } else { Piece::Shift(Shift { amounts, from, ..Shift::default() }) }
}

/// "An hour before 5 pm", "за 10 минут до 17:00": a clock counted from another. Where another day begins in between, it is
/// asked about.
fn beside_clock(reader: &Reader, length: &Length) -> Option<(Piece, usize)> {
    let behind = reader.is_any(length.next, &[Sense::After, Sense::Past]);
    let before = reader.is(length.next, Sense::Before);
    if !behind && !before || length.amounts.iter().any(|(_, unit)| !unit.is_clock()) {
        return None;
    }
    let (anchor, next) = clocks::anchor(reader, length.next)?;
    let exact = length.amounts.iter().map(|(amount, unit)| milliseconds(*amount, *unit)).fold(0, i64::saturating_add);
    let seconds = exact / 1000;
    let counted = anchor.filter(|_| !length.loose).and_then(|time| {
        let from = i64::from(time.num_seconds_from_midnight());
        let at = u32::try_from(if behind { from.checked_add(seconds)? } else { from.checked_sub(seconds)? }).ok()?;
        NaiveTime::from_num_seconds_from_midnight_opt(at, 0)
    });
    let clock = counted.map(|time| Clock {
        hour: time.hour(),
        minute: Some(time.minute()),
        second: Some(time.second()).filter(|s| *s > 0),
        meridiem: None,
        as_written: true,
    });
    Some((clock.map_or(LOOSE, Piece::ClockBeside), next))
}

/// "… after noon", "… to midnight": counted from a clock, which nothing else needs.
fn from_clock(reader: &Reader, i: usize) -> Option<usize> {
    // "an hour after lunch", "15 minutes from 1pm"
    if reader.is(i, Sense::After) && reader.part(i).is_some() {
        return Some(i + 1);
    }
    if reader.is_any(i, &[Sense::After, Sense::Before, Sense::From])
        && let Some((Piece::Clock(_), next)) = clocks::read(reader, i, false)
    {
        return Some(next);
    }
    if !reader.is_any(i, &[Sense::After, Sense::Before, Sense::To, Sense::Past, Sense::From]) {
        return None;
    }
    let at = reader.skip(i + 1, &[Sense::The]);
    reader.is_any(at, &[Sense::Noon, Sense::Midnight]).then_some(at + 1)
}

/// "… after tomorrow", "… from Friday", "… после пятницы".
fn from_date(reader: &Reader, i: usize) -> Option<(DateSpec, usize)> {
    if reader.is(i, Sense::AfterNext)
        && let Some(day) = reader.weekday(i + 1)
    {
        return Some((DateSpec::Weekday(day, Which::NextWeek), i + 2));
    }
    if !reader.is_any(i, &[Sense::After, Sense::From]) {
        return None;
    }
    let start = reader.skip(i, &[Sense::After, Sense::From, Sense::The, Sense::Of]);
    match dates::read(reader, start)? {
        (Piece::Date(date), next) => Some((date, next)),
        _ => None,
    }
}

/// "A week on Tuesday", "two weeks today": counted from that day.
fn put_off(reader: &Reader, length: &Length) -> Option<(DateSpec, usize)> {
    let weeks = length.amounts.iter().all(|(amount, unit)| {
        matches!(unit, Unit::Week) && amount % 1000 == 0 || matches!(unit, Unit::Day) && amount % 7000 == 0
    });
    if !weeks || !reader.grammar.length_precedes_day() {
        return None;
    }
    let start = reader.skip(length.next, &[Sense::On]);
    match dates::read(reader, start)? {
        (Piece::Date(date @ DateSpec::Weekday(_, Which::Nearest)), next) => Some((date, next)),
        (Piece::Date(date @ DateSpec::Offset(0..)), next) => Some((date, next)),
        _ => None,
    }
}

/// "2 days before Friday", "за два дня до пятницы", "dos días antes del viernes".
fn before_date(reader: &Reader, length: &Length) -> Option<(Piece, usize)> {
    if !reader.is(length.next, Sense::Before) {
        return None;
    }
    let start = reader.skip(length.next, &[Sense::Before, Sense::By, Sense::The, Sense::Of]);
    let (piece, next) = dates::read(reader, start)?;
    let on_the_calendar =
        length.amounts.iter().all(|(amount, unit)| matches!(unit, Unit::Day | Unit::Week) && amount % 1000 == 0);
    match piece {
        Piece::Date(from) if on_the_calendar => {
            let back = length.amounts.iter().map(|(amount, unit)| (-amount, *unit)).collect();
            Some((shift(back, Some(from), length.loose), next))
        }
        _ => Some((LOOSE, next)),
    }
}

/// "Two Sundays from now".
fn weekdays_from_now(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let (count, at) =
        reader.lone(i, 2).map(|n| (i64::from(n), i + 1)).or_else(|| reader.cardinal(i)).or_else(|| {
            let article = reader.is(i, Sense::Article);
            article.then_some((1, i + 1))
        })?;
    let weekday = reader.weekdays(at).or_else(|| reader.weekday(at))?;
    if count < 1 || !reader.is(at + 1, Sense::Hence) {
        // "four Monday": nobody knows
        return Some((Piece::Loose { rule: "loose_weekday", guess: None }, at + 1))
            .filter(|_| !reader.get(i).is_some_and(|l| l.ordinal));
    }
    Some((Piece::Date(DateSpec::Weekday(weekday, Which::Later(count - 1))), at + 2))
}
