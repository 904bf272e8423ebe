//! Times of day: `17:30`, "8 pm", "half past five", "в полпятого", "a las siete menos cuarto", and the parts of a day.

use chrono::NaiveTime;

use super::{
    calendar,
    clock_policy::clock_time,
    faces::{Face, face, hour_number, in_digits, in_words, start_meridiem, whole},
    lexicon::{Lexeme, Sense},
    phrase::{Clock, Meridiem, Part, Piece, Unit},
    reader::Reader,
};

/// Words that may stand between a clock and its part of day ("7 in the evening", "3 de la tarde").
const BEFORE_PART: [Sense; 6] = [Sense::At, Sense::In, Sense::The, Sense::Of, Sense::On, Sense::This];

impl<'a> Reader<'a> {
    /// "am", "pm" at `i`, and where it ends.
    pub fn meridiem(&self, i: usize) -> Option<(Meridiem, usize)> {
        if self.is(i, Sense::Pm) {
            return Some((Meridiem::Pm, i + 1));
        }
        if self.is(i, Sense::Am) {
            return Some((Meridiem::Am, i + 1));
        }
        // "5a": the article glued to a number is "a.m."
        let with_minutes = i > 0 && self.get(i - 1).is_some_and(|l| l.digits.is_some_and(|d| d.separator == Some(':')));
        let alone = i > 1 && self.get(i + 1).is_none();
        let short =
            (with_minutes || alone) && self.is_word(i, self.words.short_am) && self.get(i).is_some_and(|l| l.glued);
        short.then_some((Meridiem::Am, i + 1))
    }

    /// The part of day that follows a clock, if any.
    pub fn part_after(&self, i: usize) -> Option<Part> {
        let at = if self.is_mark(i, ',') { i + 1 } else { i };
        let at = (at..at + 4).find(|j| !self.is_any(*j, &BEFORE_PART)).unwrap_or(at);
        if at > i
            && self.is_mark(i, ',')
            && !self.get(at).is_some_and(|l| l.senses.iter().any(|s| matches!(s, Sense::PartToday(_))))
        {
            return None;
        }
        self.part(at)
    }
}

/// What stands before a clock and says that it is one.
struct Lead {
    /// "At", "в", "a las", a deadline: a bare number after it is an hour.
    announced: bool,
    /// "From", "between": a range begins.
    opened: bool,
    /// "Around".
    about: bool,
    /// Where the clock itself starts.
    at: usize,
}

fn lead(reader: &Reader, i: usize) -> Lead {
    const PREPOSITIONS: [Sense; 9] = [
        Sense::At,
        Sense::By,
        Sense::After,
        Sense::Approx,
        Sense::From,
        Sense::Between,
        Sense::The,
        Sense::On,
        Sense::For,
    ];
    let mut lead = Lead { announced: false, opened: false, about: false, at: i };
    while lead.at < i + 4 && reader.is_any(lead.at, &PREPOSITIONS) && !is_named(reader, lead.at) {
        let at = lead.at;
        let deadline = reader.is_any(at, &[Sense::By, Sense::After]) && reader.grammar.deadline_is_clock();
        let moved_to = reader.is_word(at, reader.words.moved_to) && day_before(reader, i);
        lead.announced |= reader.is(at, Sense::At) || deadline || moved_to;
        lead.opened |= reader.is_any(at, &[Sense::From, Sense::Between]);
        lead.about |= reader.is(at, Sense::Approx);
        lead.at += 1;
    }
    lead
}

/// A time of day that starts at `i`, prepositions included. `of_day`: a day has been read right before it.
pub fn read(reader: &Reader, i: usize, of_day: bool) -> Option<(Piece, usize)> {
    let lead = lead(reader, i);
    if let Some(found) = named(reader, lead.at, lead.announced) {
        return Some(found);
    }
    let from_to = reader.is_any(i, &[Sense::By, Sense::To]) && !reader.get(i).is_some_and(|l| l.word.is_empty());
    if i > 0 && from_to && is_bare_number(reader, i - 1) {
        return None; // "от 5 до 10"
    }
    // "el 21": the day of a month
    let of_month =
        lead.at > 0 && reader.grammar.introduces_day(reader, lead.at - 1, true) && !reader.grammar.day_may_be_hour();
    if of_month && is_bare_number(reader, lead.at) {
        return None;
    }
    let told = day_before(reader, lead.at) || of_day;
    let mut face = face(reader, lead.at, lead.announced, told, lead.opened)?;
    if is_something_else(reader, &face, lead.at) || face.dotted && reader.is_price(face.next) {
        return None;
    }
    let dotted =
        reader.get(lead.at).and_then(|l| l.digits).filter(|d| d.separator == Some('.') && d.values().len() == 2);
    if let Some(digits) = dotted
        && !reader.is(i, Sense::At)
        && calendar::is_day_and_month(&digits)
        && !is_relative_day(reader, i.checked_sub(1))
        && reader.grammar.is_dotted_date(reader, lead.at, &digits)
    {
        return None; // "8.12 утром", "после 3.12"
    }
    if lead.at == i
        && is_bare_number(reader, i)
        && i > 0
        && names_weekday(reader, i - 1)
        && is_day_with_part(reader, &face)
    {
        return None;
    }
    if face.compact && !is_compact(reader, &face, &lead, i, of_day || day_before(reader, i)) {
        return None;
    }
    oclock(reader, &mut face, &lead);
    let mut marked = face.certain;
    if let Some((meridiem, next)) = reader.meridiem(face.next) {
        if !fits(&face.clock, meridiem) {
            return None;
        }
        face.clock.meridiem = Some(meridiem);
        face.next = reader.skip(next, &[Sense::Oclock]);
        marked = true;
    }
    let has_part = reader.part_after(face.next).is_some();
    if let Some(next) = range_end(reader, &mut face, lead.opened, has_part) {
        let of_a_day = lead.opened && (day_before(reader, i) || is_day(reader, next));
        // "напомни с 3 до 5 позвонить"
        let asked = lead.opened && is_asked(reader, i);
        marked |= face.clock.meridiem.is_some() || face.certain || of_a_day || asked;
        face.next = next;
    }
    marked |= reader.part_after(face.next).is_some();
    if face.compact && reader.is_word(face.next, reader.words.hour_signs) {
        face.next += 1; // "1745 hrs"
    }
    // "скидка до 15": no clock without a day or a request
    let deadline = (i..lead.at).any(|j| reader.is(j, Sense::By)) && !marked && i > 0;
    if deadline && !day_before(reader, i) && !is_day(reader, face.next) && !is_asked(reader, i) {
        return None;
    }
    (marked || face.compact || beside_day(reader, &face, &lead, i, of_day))
        .then_some((Piece::Clock(face.clock), face.next))
}

/// The clock that a length is counted from ("an hour before 5 pm"), from its preposition on. Inside: its time, if it has one.
pub fn anchor(reader: &Reader, i: usize) -> Option<(Option<NaiveTime>, usize)> {
    let at = reader.skip(i, &[Sense::Before, Sense::After, Sense::Past, Sense::By, Sense::At, Sense::The]);
    let signed = || {
        let hour = reader.lone(at, 2).filter(|hour| *hour < 24 && !reader.is_spoilt(at))?;
        let glued = reader.get(at + 1).is_some_and(|l| l.glued);
        (glued && reader.is_word(at + 1, reader.words.hour_signs)).then_some((
            Piece::Clock(Clock { hour, minute: None, second: None, meridiem: None, as_written: true }),
            at + 2,
        ))
    };
    let bare = || {
        let (hour, next) = hour_number(reader, at).filter(|(_, next)| reader.closes(*next))?;
        Some((Piece::Clock(whole(hour)), next))
    };
    let found = read(reader, i, false).or_else(|| read(reader, at, false)).or_else(signed).or_else(bare);
    let Some((Piece::Clock(clock), next)) = found else { return None };
    let part = reader.part_after(next);
    let next = if part.is_some() { reader.skip(next, &BEFORE_PART) + 1 } else { next };
    let time = clock_time(&clock, part).ok().flatten().filter(|time| time.carry == 0);
    Some((time.map(|time| time.time), next))
}

/// Whether three or four digits in a row are a clock: "230 pm", "tomorrow at 1430".
fn is_compact(reader: &Reader, face: &Face, lead: &Lead, i: usize, of_day: bool) -> bool {
    let half_named = reader.meridiem(face.next).is_some() && (1..=12).contains(&face.clock.hour);
    let zoned = reader.get(face.next).is_some_and(|l| l.senses.iter().any(|s| s.is_zone()));
    let beside = of_day || is_day(reader, face.next) || reader.part_after(face.next).is_some();
    let year = matches!(face.clock.hour, 19 | 20) && !lead.announced;
    let closes = reader.closes(face.next)
        || is_day(reader, face.next)
        || reader.grammar.unknown_zone(reader, face.next).is_some()
        || reader.is_word(face.next, reader.words.hour_signs) && reader.closes(face.next + 1);
    // "ping me at 1030": no year, and nothing it could number
    let asked = (lead.announced || lead.about)
        && reader.get(lead.at).is_some_and(|l| l.digits.is_some_and(|d| d.widths() == [4]))
        && !matches!(face.clock.hour, 19 | 20)
        && reader.closes(face.next)
        && (i == 0 || is_asked(reader, i));
    asked || half_named || zoned || beside && closes && !year && (lead.announced || lead.about || of_day)
}

/// Whether the words around a bare number make it an hour: a preposition and nothing it could count, or a day beside it.
fn beside_day(reader: &Reader, face: &Face, lead: &Lead, i: usize, of_day: bool) -> bool {
    let closes = reader.closes(face.next) || reader.grammar.unknown_zone(reader, face.next).is_some();
    let of_day = of_day || day_before(reader, i);
    let of_part = i > 0 && reader.part(i - 1).is_some();
    // "hoy 20h"
    let hours_sign = lead.at == i && of_day && reader.is_word(face.next - 1, reader.words.hour_signs);
    let part_of_day_after = is_day(reader, face.next) && reader.part(face.next + 1).is_some();
    // "9 tomorrow", "tomorrow 9"; beside a weekday it may be the day of a month
    let alone = lead.at == i && closes && is_relative_day(reader, i.checked_sub(1));
    let first = lead.at == i
        && !face.dotted
        && is_relative_day(reader, Some(face.next))
        && is_first(reader, i)
        && !reader.is(face.next - 1, Sense::Oclock)
        && reader.grammar.counted_from_tomorrow(reader, i).is_none();
    // "Friday three thirty"
    let with_minutes = of_day && lead.at == i && !face.dotted && closes && face.clock.minute.is_some();
    hours_sign
        || alone
        || first
        || with_minutes
        || lead.announced && (closes || of_day && !face.dotted && !reader.is_counted(face.next))
        || lead.about && (is_day(reader, face.next) || (of_day || of_part) && closes)
        || !face.dotted && (part_of_day_after || of_part && closes && lead.at == i)
}

/// Whether "today", "tomorrow" or the like stands there.
fn is_relative_day(reader: &Reader, at: Option<usize>) -> bool {
    let at = at.map(|at| if at > 0 && reader.is_mark(at, ',') { at - 1 } else { at });
    at.and_then(|at| reader.get(at)).is_some_and(|l| l.senses.iter().any(|s| matches!(s, Sense::Day(0..))))
}

/// Whether a verb of asking stands before `i`, but for small words.
fn is_asked(reader: &Reader, i: usize) -> bool {
    let small = (i.saturating_sub(3)..i).rev().take_while(|&j| reader.is(j, Sense::Small)).count();
    i.checked_sub(small + 1).is_some_and(|before| reader.is(before, Sense::Request))
}

fn names_weekday(reader: &Reader, i: usize) -> bool {
    reader.weekday(i).is_some() || reader.weak_weekday(i).is_some()
}

/// "El lunes 23 por la tarde": a number behind a weekday is the day of a month if the part of day is no clock's.
fn is_day_with_part(reader: &Reader, face: &Face) -> bool {
    face.clock.minute.is_none()
        && reader.part_after(face.next).is_some()
        && (face.clock.hour > 12 || !reader.grammar.is_part_of_clock(reader, face.next))
}

/// Whether nothing stands before `i` that the number there could belong to: a beginning, or what asks to be written to.
fn is_first(reader: &Reader, i: usize) -> bool {
    let small = (i.saturating_sub(3)..i).rev().take_while(|&j| reader.is(j, Sense::Small)).count();
    match i.checked_sub(small + 1) {
        None => small == 0,
        Some(before) => {
            reader.is(before, Sense::Request) || small == 0 && reader.get(before).is_some_and(|l| l.mark.is_some())
        }
    }
}

/// "5 o'clock", "в 16 часов 20 минут", "9 ч. вечера".
fn oclock(reader: &Reader, face: &mut Face, lead: &Lead) {
    let zone = reader.grammar.unknown_zone(reader, face.next).is_some();
    if !reader.is(face.next, Sense::Oclock) || face.clock_is_whole_word() || zone {
        return;
    }
    let minute = reader.lone(face.next + 1, 2).filter(|m| *m < 60 && reader.unit(face.next + 2) == Some(Unit::Minute));
    if let Some(minute) = minute.filter(|_| lead.announced) {
        face.clock.minute = Some(minute);
        face.next += 3;
        return;
    }
    let abbreviated = reader.is_word(face.next, reader.words.hour_signs) && reader.is_mark(face.next + 1, '.');
    face.next += if abbreviated && reader.part_after(face.next + 2).is_some() { 2 } else { 1 };
    face.certain |= lead.announced || reader.grammar.oclock_is_certain();
}

fn is_bare_number(reader: &Reader, i: usize) -> bool {
    let lone = |l: &Lexeme| l.digits.is_some_and(|d| d.separator.is_none());
    reader.number_word(i).is_some() || reader.get(i).is_some_and(lone)
}

/// Whether a day is named at `i`.
fn is_day(reader: &Reader, i: usize) -> bool {
    reader.weekday(i).is_some() || reader.get(i).is_some_and(|l| l.senses.iter().any(|s| matches!(s, Sense::Day(_))))
}

/// A bare number that is the day of a date ("к 1 декабря", "до 15.12"), or a clock with letters glued to it.
fn is_something_else(reader: &Reader, face: &Face, at: usize) -> bool {
    let next = face.next;
    let of_month = reader.month(reader.skip(next, &[Sense::Of])).is_some() && !(reader.is_mark(next, '-'));
    let dotted_date = face.dotted
        && at > 0
        && reader.is_word(at - 1, reader.words.before_dotted_deadline)
        && face.clock.minute.is_some_and(|m| (1..=12).contains(&m))
        && reader.part_after(next).is_none();
    let glued = reader.get(next).is_some_and(|l| l.glued && !l.word.is_empty() && l.senses.is_empty() && l.word != "z");
    !face.certain && (of_month || reader.is(next, Sense::DayOfMonthWord)) || dotted_date || glued
}

fn is_named(reader: &Reader, i: usize) -> bool {
    reader.get(i).is_some_and(|l| {
        l.senses.iter().any(|s| matches!(s, Sense::Noon | Sense::Midnight | Sense::Part(_) | Sense::PartToday(_)))
    })
}

/// Whether a day stands right before `i`, so that "завтра в 5 …" needs no further sign.
fn day_before(reader: &Reader, i: usize) -> bool {
    let Some(before) = i.checked_sub(1) else { return false };
    let before = if reader.is_mark(before, ',') { before.checked_sub(1) } else { Some(before) };
    before.is_some_and(|b| is_day(reader, b))
}

fn fits(clock: &Clock, meridiem: Meridiem) -> bool {
    match clock.hour {
        1..=12 => true,
        0 => meridiem == Meridiem::Am && clock.minute.is_some(),
        _ => clock.minute.is_some() && meridiem == Meridiem::Pm,
    }
}

/// Noon, midnight, and parts of the day without a clock.
fn named(reader: &Reader, i: usize, announced: bool) -> Option<(Piece, usize)> {
    let senses = reader.get(i)?.senses;
    for sense in senses {
        let piece = match sense {
            Sense::Noon => Piece::Part { part: Part::Noon, today: false },
            Sense::Midnight => Piece::Midnight,
            Sense::PartToday(part) => Piece::Part { part: *part, today: true },
            Sense::Part(part) => Piece::Part { part: *part, today: false },
            Sense::WeakPart(part) if announced || beside_time(reader, i) || before_clock(reader, i + 1) => {
                Piece::Part { part: *part, today: false }
            }
            Sense::TomorrowOrMorning => Piece::TomorrowOrMorning,
            _ => continue,
        };
        return Some((piece, i + 1));
    }
    None
}

/// Whether an hour follows: "evening 4:45", "afternoon 3".
fn before_clock(reader: &Reader, i: usize) -> bool {
    let Some(digits) = reader.get(i).and_then(|l| l.digits) else { return false };
    let hour = matches!(digits.values(), [1..=12]) && digits.widths()[0] <= 2;
    let clock = matches!(digits.values(), [0..=23, 0..=59]) && digits.separator == Some(':');
    (hour || clock) && !reader.is_spoilt(i) && reader.closes(i + 1)
}

/// Whether a day or a clock stands before the weak part of day at `i` ("tomorrow morning", "Friday night", "5 вечера").
fn beside_time(reader: &Reader, i: usize) -> bool {
    let Some(mut before) = i.checked_sub(1) else { return false };
    if reader.is_mark(before, '.') && before > 0 && reader.is(before - 1, Sense::Oclock) {
        before -= 1; // "9 ч. вечера"
    }
    let furthest = before.saturating_sub(8);
    while before > furthest
        && reader.is_any(before, &[Sense::The, Sense::In, Sense::Of])
        && reader.get(before).is_none_or(|l| l.digits.is_none())
    {
        before -= 1;
    }
    let Some(lexeme) = reader.get(before) else { return false };
    reader.weekday(before).is_some()
        || reader.weak_weekday(before).is_some()
        || reader.month(before).is_some()
        || lexeme.digits.is_some()
        || reader.number_word(before).is_some()
        || reader.unit(before) == Some(Unit::Minute)
        || lexeme.senses.iter().any(|s| {
            matches!(s, Sense::Day(_) | Sense::Oclock | Sense::Am | Sense::Pm | Sense::HalfTo(_) | Sense::Ordinal(_))
        })
        || lexeme.senses.iter().any(|s| matches!(s, Sense::Part(_))) && lexeme.senses.len() == 1
}

/// The end of a range of hours ("10 to 11 pm", "1pm-3"): skipped, but its half of the day counts for the start too.
fn range_end(reader: &Reader, face: &mut Face, opened: bool, has_part: bool) -> Option<usize> {
    let joins =
        reader.is_mark(face.next, '-') || reader.is(face.next, Sense::To) || opened && reader.is(face.next, Sense::And);
    // "lunes 7 a las 9": the day and its hour
    let apart = !opened && reader.is(face.next, Sense::At);
    if !joins || has_part || apart {
        return None;
    }
    let start = reader.skip(face.next + 1, &[Sense::At, Sense::The]);
    let end = in_digits(reader, start, true).or_else(|| in_words(reader, start, true, true))?;
    let end_next = reader.skip(end.next, &[Sense::Oclock]);
    let (meridiem, next) = reader.meridiem(end_next).map_or((None, end_next), |(m, next)| (Some(m), next));
    let marked = meridiem.is_some()
        || end.certain
        || reader.part_after(next).is_some()
        || face.clock.meridiem.is_some()
        || face.certain;
    if !marked && !opened || reader.month(next).is_some() {
        return None;
    }
    let sure = meridiem.is_some() || end.certain || reader.part_after(next).is_some();
    let ends = sure || reader.closes(next) || opened && reader.is_task(next);
    if !ends {
        return None;
    }
    if face.clock.meridiem.is_none() && face.clock.hour <= 12 {
        face.clock.meridiem = meridiem.map(|m| start_meridiem(face.clock.hour, end.clock.hour, m));
    }
    Some(next)
}
