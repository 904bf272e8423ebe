//! Times of day: `17:30`, "8 pm", "half past five", "в полпятого", "a las siete menos cuarto", and the parts of a day.

use chrono::FixedOffset;

use super::{
    lexicon::Sense,
    phrase::{Clock, Meridiem, Part, Piece},
    reader::Reader,
};
use crate::language::Language;

/// Words that may stand between a clock and its part of day ("7 in the evening", "3 de la tarde").
const BEFORE_PART: [Sense; 6] = [Sense::At, Sense::In, Sense::The, Sense::Of, Sense::On, Sense::This];

/// How a hour was written, before it is known to be one.
struct Face {
    clock: Clock,
    next: usize,
    /// Written in a way that only times are: `17:30`, "half past five".
    certain: bool,
    /// `8.30` and the like: a time only with a preposition or a part of day.
    dotted: bool,
}

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
        let short = self.language == Language::En
            && self.get(i).is_some_and(|l| l.glued && l.word == "a")
            && self.get(i + 1).is_none();
        short.then_some((Meridiem::Am, i + 1))
    }

    /// The part of day that follows a clock, if any.
    fn part_after(&self, i: usize) -> Option<Part> {
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

/// A time of day that starts at `i`, prepositions included.
pub fn read(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let mut at = i;
    let (mut announced, mut opened) = (false, false);
    let prepositions = [
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
    while at < i + 4 && reader.is_any(at, &prepositions) && !is_named(reader, at) {
        announced |= reader.is_any(at, &[Sense::At, Sense::By, Sense::After]);
        opened |= reader.is_any(at, &[Sense::From, Sense::Between]);
        at += 1;
    }
    if let Some(found) = named(reader, at, announced) {
        return Some(found);
    }
    let mut face = face(reader, at, announced, opened)?;
    if is_something_else(reader, &face, at) {
        return None;
    }
    if reader.is(face.next, Sense::Oclock) && !face.clock_is_whole_word() {
        let minutes = reader
            .lone(face.next + 1, 2)
            .filter(|m| *m < 60 && reader.unit(face.next + 2) == Some(super::phrase::Unit::Minute));
        if let Some(minute) = minutes.filter(|_| announced) {
            face.clock.minute = Some(minute);
            face.next += 3;
        } else {
            face.next += 1;
            if reader.language == Language::En || announced && face.next > at + 1 {
                face.certain |= announced || reader.language == Language::En;
            }
        }
    }
    let mut marked = face.certain;
    if let Some((meridiem, next)) = reader.meridiem(face.next) {
        if !fits(&face.clock, meridiem) {
            return None;
        }
        face.clock.meridiem = Some(meridiem);
        face.next = next;
        marked = true;
        face.next = reader.skip(face.next, &[Sense::Oclock]);
    }
    let has_part = reader.part_after(face.next).is_some();
    if let Some(next) = range_end(reader, &mut face, opened, has_part) {
        let of_a_day = i > 0 && opened && day_before(reader, i);
        marked |= face.clock.meridiem.is_some() || reader.part_after(next).is_some() || face.certain || of_a_day;
        face.next = next;
    }
    marked |= reader.part_after(face.next).is_some();
    let today_said = i > 0 && announced && !face.dotted && day_before(reader, i) && !reader.is_counted(face.next);
    let about = (i..at).any(|j| reader.is(j, Sense::Approx))
        && reader.get(face.next).is_some_and(|l| l.senses.iter().any(|s| matches!(s, Sense::Day(_))));
    let accepted = marked || about || announced && reader.closes(face.next) || today_said;
    accepted.then_some((Piece::Clock(face.clock), face.next))
}

impl Face {
    fn clock_is_whole_word(&self) -> bool {
        self.certain && self.clock.minute.is_some() && self.clock.second.is_some()
    }
}

/// A bare number that is the day of a date ("к 1 декабря", "до 15.12"), or a clock with letters glued to it.
fn is_something_else(reader: &Reader, face: &Face, at: usize) -> bool {
    let next = face.next;
    let of_month = reader.month(reader.skip(next, &[Sense::Of])).is_some() && !(reader.is_mark(next, '-'));
    let dotted_date = face.dotted
        && reader.language == Language::Ru
        && at > 0
        && reader.is_word(at - 1, &["до", "к", "ко"])
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
    let before = if reader.is_mark(i - 1, ',') { i.checked_sub(2) } else { Some(i - 1) };
    before.is_some_and(|b| {
        reader.weekday(b).is_some()
            || reader.get(b).is_some_and(|l| l.senses.iter().any(|s| matches!(s, Sense::Day(_))))
    })
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
            Sense::WeakPart(part) if announced || beside_time(reader, i) => Piece::Part { part: *part, today: false },
            Sense::TomorrowOrMorning => Piece::TomorrowOrMorning,
            _ => continue,
        };
        return Some((piece, i + 1));
    }
    None
}

/// Whether a day or a clock stands before the weak part of day at `i` ("tomorrow morning", "Friday night", "5 вечера").
fn beside_time(reader: &Reader, i: usize) -> bool {
    let Some(mut before) = i.checked_sub(1) else { return false };
    while before > 0
        && reader.is_any(before, &[Sense::The, Sense::In, Sense::Of])
        && !reader.get(before).is_some_and(|l| l.digits.is_some())
    {
        before -= 1;
    }
    let Some(lexeme) = reader.get(before) else { return false };
    reader.weekday(before).is_some()
        || reader.weak_weekday(before).is_some()
        || reader.month(before).is_some()
        || lexeme.digits.is_some()
        || reader.number_word(before).is_some()
        || lexeme.senses.iter().any(|s| {
            matches!(s, Sense::Day(_) | Sense::Oclock | Sense::Am | Sense::Pm | Sense::HalfTo(_) | Sense::Ordinal(_))
        })
        || lexeme.senses.iter().any(|s| matches!(s, Sense::Part(_))) && lexeme.senses.len() == 1
}

fn whole(hour: u32) -> Clock {
    Clock { hour, minute: None, second: None, meridiem: None, as_written: false }
}

/// The hour and minute at `i`, however written.
fn face(reader: &Reader, i: usize, announced: bool, opened: bool) -> Option<Face> {
    fraction(reader, i, opened).or_else(|| in_digits(reader, i, announced)).or_else(|| in_words(reader, i, announced))
}

fn in_digits(reader: &Reader, i: usize, announced: bool) -> Option<Face> {
    let lexeme = reader.get(i)?;
    let digits = lexeme.digits?;
    let iso = lexeme.glued && i > 0 && reader.is_word(i - 1, &["t", "т"]);
    if reader.is_spoilt(i) && !iso || lexeme.ordinal {
        return None;
    }
    let (values, widths) = (digits.values(), digits.widths());
    let as_written = widths[0] == 2 && values[0] < 10;
    let face = |hour, minute: Option<u32>, second, certain, dotted| {
        let valid = hour < 24 && minute.is_none_or(|m| m < 60);
        let clock = Clock { hour, minute, second, meridiem: None, as_written };
        (valid && second.is_none_or(|s: u32| s < 60)).then_some(Face { clock, next: i + 1, certain, dotted })
    };
    match (values, digits.separator) {
        ([hour, minute], Some(':')) if widths[1] == 2 && widths[0] <= 2 => {
            face(*hour, Some(*minute), None, true, false)
        }
        ([hour, minute, second], Some(':')) if widths[1] == 2 && widths[2] == 2 => {
            let mut face = face(*hour, Some(*minute), Some(*second), true, false)?;
            // fractions of a second, and the zone's "Z"
            if reader.is_mark(i + 1, '.') && reader.get(i + 2).is_some_and(|l| l.glued && l.digits.is_some()) {
                face.next = i + 3;
            }
            Some(face)
        }
        ([hour, minute], Some('.')) if widths[1] == 2 && widths[0] <= 2 => {
            let marked = reader.meridiem(i + 1).is_some() || reader.part_after(i + 1).is_some();
            (announced || marked).then(|| face(*hour, Some(*minute), None, marked, true)).flatten()
        }
        ([hour, minute], Some('-'))
            if widths[1] == 2 && announced && (reader.language == Language::Ru || *hour > 12) =>
        {
            face(*hour, Some(*minute), None, true, true)
        }
        ([hour, end], Some('-')) if widths[0] <= 2 && widths[1] <= 2 && *end <= 24 => {
            // "12-3pm", "10-11 at night": the first hour is meant
            let mut first = face(*hour, None, None, false, false)?;
            let (meridiem, next) = match reader.meridiem(i + 1) {
                Some((meridiem, next)) => (Some(meridiem), next),
                None => (None, i + 1),
            };
            if meridiem.is_none() && reader.part_after(i + 1).is_none() {
                return None;
            }
            first.clock.meridiem = meridiem.map(|m| start_meridiem(*hour, *end, m));
            first.next = next;
            first.certain = true;
            Some(first)
        }
        ([hour], None) if widths[0] <= 2 => {
            let mut face = face(*hour, None, None, false, false)?;
            let sign = reader.get(i + 1).filter(|_| reader.is_word(i + 1, &["h", "ч", "hs", "hrs"]));
            let minute = reader
                .lone(i + 2, 2)
                .filter(|m| *m < 60 && reader.get(i + 2).is_some_and(|l| l.digits.is_some_and(|d| d.widths()[0] == 2)));
            if sign.is_some_and(|s| s.glued)
                && minute.is_some()
                && (reader.get(i + 2).is_some_and(|l| l.glued) || announced)
            {
                face.clock.minute = minute;
                face.next = reader.skip(i + 3, &[Sense::Unit(super::phrase::Unit::Minute)]);
                face.certain = true;
                return Some(face);
            }
            minutes_after(reader, &mut face, announced);
            Some(face)
        }
        _ => None,
    }
}

/// Of a range that ends at `end` in the half of the day named, the half its start is in.
fn start_meridiem(start: u32, end: u32, meridiem: Meridiem) -> Meridiem {
    let later = start % 12 > end % 12;
    match (later, meridiem) {
        (false, same) => same,
        (true, Meridiem::Am) => Meridiem::Pm,
        (true, Meridiem::Pm) => Meridiem::Am,
    }
}

fn in_words(reader: &Reader, i: usize, announced: bool) -> Option<Face> {
    // "в час дня", "в час"
    if reader.language == Language::Ru
        && reader.is_word(i, &["час", "часу"])
        && announced
        && !reader.is_word(i - 1, &["до", "к"])
    {
        let next = i + 1;
        let follows = reader.part_after(next).is_some() || reader.closes(next);
        return follows.then(|| Face { clock: whole(1), next, certain: false, dotted: false });
    }
    let (hour, next) = match reader.cardinal(i) {
        // "пять тридцать": the tens may be the minutes
        Some((hour, next)) if hour <= 24 => (u32::try_from(hour).ok()?, next),
        _ => return None,
    };
    if hour >= 24 || reader.is(i, Sense::Article) && !announced {
        return None;
    }
    let mut face = Face { clock: whole(hour), next, certain: false, dotted: false };
    minutes_after(reader, &mut face, announced);
    Some(face)
}

/// "Y media", "menos cuarto", "thirty": the minutes after a bare hour.
fn minutes_after(reader: &Reader, face: &mut Face, announced: bool) {
    let next = face.next;
    if reader.language == Language::Es {
        if reader.is(next, Sense::AndHalf) {
            face.set(30, next + 1);
        } else if reader.is(next, Sense::And) && reader.is(next + 1, Sense::QuarterPart) {
            face.set(15, next + 2);
        } else if reader.is(next, Sense::Minus) && reader.is(next + 1, Sense::QuarterPart) {
            face.before(15, next + 2);
        } else if reader.is_any(next, &[Sense::And, Sense::Minus]) && announced {
            let Some((minute, after)) = minute_number(reader, next + 1) else { return };
            if reader.is(next, Sense::Minus) {
                face.before(minute, after)
            } else {
                face.set(minute, after)
            }
            face.next = reader.skip(face.next, &[Sense::Unit(super::phrase::Unit::Minute)]);
        } else if announced {
            face.spoken(reader, next);
        }
    } else if announced {
        face.spoken(reader, next);
    }
}

fn minute_number(reader: &Reader, i: usize) -> Option<(u32, usize)> {
    let (minute, next) = match reader.lone(i, 2) {
        Some(minute) => (minute, i + 1),
        None => {
            let (minute, next) = reader.cardinal(i)?;
            (u32::try_from(minute).ok()?, next)
        }
    };
    (1..60).contains(&minute).then_some((minute, next))
}

impl Face {
    fn set(&mut self, minute: u32, next: usize) {
        self.clock.minute = Some(minute);
        self.next = next;
    }

    /// So many minutes before the hour.
    fn before(&mut self, minute: u32, next: usize) {
        self.clock = before_hour(self.clock.hour, 60 - minute);
        self.next = next;
    }

    /// "Seven thirty", "семь тридцать", "7 30".
    fn spoken(&mut self, reader: &Reader, i: usize) {
        let two_digits = reader.get(i).is_some_and(|l| l.digits.is_none_or(|d| d.widths() == [2]));
        let Some((minute, next)) = minute_number(reader, i).filter(|(minute, _)| *minute >= 10 && two_digits) else {
            return;
        };
        let counts = reader.unit(next).is_some()
            || reader.month(next).is_some()
            || !reader.closes(next) && reader.meridiem(next).is_none();
        if !counts && !reader.get(i).is_some_and(|l| l.ordinal) {
            self.set(minute, next);
        }
    }
}

/// The clock `minute` minutes into the hour before `hour`; the named hour decides the half of the day.
fn before_hour(hour: u32, minute: u32) -> Clock {
    Clock {
        hour: if hour == 0 {
            23
        } else if hour == 1 {
            12
        } else {
            hour - 1
        },
        minute: Some(minute),
        ..whole(0)
    }
}

/// "Quarter to seven", "половина пятого", "без десяти пять", "diez para las ocho".
fn fraction(reader: &Reader, i: usize, opened: bool) -> Option<Face> {
    let certain = |clock, next| Some(Face { clock, next, certain: true, dotted: false });
    if let Some(hour) =
        reader.get(i)?.senses.iter().find_map(|s| if let Sense::HalfTo(n) = s { Some(*n) } else { None })
    {
        return certain(before_hour(hour, 30), i + 1);
    }
    match reader.language {
        Language::Ru => {
            if reader.is(i, Sense::Minus) {
                let (minutes, at) =
                    if reader.is(i + 1, Sense::QuarterPart) { (15, i + 2) } else { minute_number(reader, i + 1)? };
                let at = reader.skip(at, &[Sense::Unit(super::phrase::Unit::Minute)]);
                let (hour, next) = hour_number(reader, at)?;
                return certain(before_hour(hour, 60 - minutes), next);
            }
            let (minutes, at) = if reader.is(i, Sense::QuarterPart) {
                (15, i + 1)
            } else {
                let (minutes, at) = minute_number(reader, i)?;
                (minutes, reader.unit(at).filter(|u| *u == super::phrase::Unit::Minute).map(|_| at + 1)?)
            };
            let (hour, next) = reader.ordinal(at).filter(|(hour, _)| {
                (1..=12).contains(hour) && reader.get(at).is_some_and(|l| l.word.ends_with("го"))
            })?;
            if reader.month(next).is_some() {
                return None;
            }
            certain(before_hour(hour, minutes), next)
        }
        Language::En => {
            let start = reader.skip(i, &[Sense::Article]);
            let in_digits = reader.get(start)?.digits.is_some();
            let (minutes, at) = if reader.is(start, Sense::QuarterPart) {
                (15, start + 1)
            } else if reader.is(start, Sense::Half) {
                (30, start + 1)
            } else {
                minute_number(reader, start)?
            };
            let named_minutes = reader.unit(at) == Some(super::phrase::Unit::Minute);
            let at = if named_minutes { at + 1 } else { at };
            let past = reader.is(at, Sense::Past)
                || named_minutes && reader.is_word(at, &["after"])
                || minutes == 15 && reader.is_word(at, &["after"]);
            let to = minutes != 30
                && (reader.is_word(at, &["to", "till", "til"])
                    || (named_minutes || minutes == 15) && reader.is_word(at, &["before", "of"]))
                && (named_minutes || !in_digits && !opened && (minutes == 15 || minutes % 5 == 0));
            let (hour, next) = hour_number(reader, at + 1).filter(|_| past || to)?;
            certain(
                if past { Clock { minute: Some(minutes), ..whole(hour) } } else { before_hour(hour, 60 - minutes) },
                next,
            )
        }
        Language::Es => {
            let start = reader.skip(i, &[Sense::Article]);
            let (minutes, at) =
                if reader.is(start, Sense::QuarterPart) { (15, start + 1) } else { minute_number(reader, start)? };
            let at = reader.skip(at, &[Sense::Unit(super::phrase::Unit::Minute)]);
            let toward = reader.is(at, Sense::At)
                && reader.is(at, Sense::At)
                && reader.get(at).is_some_and(|l| l.word.is_empty());
            let (hour, next) = hour_number(reader, at + 1).filter(|_| toward && is_para_las(reader, at))?;
            certain(before_hour(hour, 60 - minutes), next)
        }
    }
}

/// "Para las", "para la": the one "at" that counts minutes down.
fn is_para_las(reader: &Reader, i: usize) -> bool {
    reader.get(i).is_some_and(|l| l.senses.contains(&Sense::DownTo))
}

fn hour_number(reader: &Reader, i: usize) -> Option<(u32, usize)> {
    let (hour, next) = match reader.lone(i, 2) {
        Some(hour) if !reader.is_spoilt(i) => (hour, i + 1),
        Some(_) => return None,
        None if reader.language == Language::Ru && reader.is_word(i, &["час"]) => (1, i + 1),
        None => {
            let (hour, next) = reader.cardinal(i)?;
            (u32::try_from(hour).ok()?, next)
        }
    };
    (1..=12).contains(&hour).then_some((hour, next))
}

/// The end of a range of hours ("10 to 11 pm", "1pm-3"): skipped, but its half of the day counts for the start too.
fn range_end(reader: &Reader, face: &mut Face, opened: bool, has_part: bool) -> Option<usize> {
    let joins =
        reader.is_mark(face.next, '-') || reader.is(face.next, Sense::To) || opened && reader.is(face.next, Sense::And);
    if !joins || has_part {
        return None;
    }
    let start = reader.skip(face.next + 1, &[Sense::At, Sense::The]);
    let end = in_digits(reader, start, true).or_else(|| in_words(reader, start, true))?;
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
    if !(meridiem.is_some() || end.certain) && !reader.closes(next) && reader.part_after(next).is_none() {
        return None;
    }
    if face.clock.meridiem.is_none() && face.clock.hour <= 12 {
        face.clock.meridiem = meridiem.map(|m| start_meridiem(face.clock.hour, end.clock.hour, m));
    }
    Some(next)
}

/// A zone right after a clock: "UTC", "GMT+3", "+03:00", "мск".
pub fn zone(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    if reader.is(i, Sense::UnclearZone) {
        return Some((Piece::Loose { rule: "unclear_zone", guess: None }, i + 1));
    }
    let minutes = reader.get(i)?.senses.iter().find_map(|s| if let Sense::Zone(m) = s { Some(*m) } else { None });
    let glued_z = reader.is_word(i, &["z"]) && reader.get(i)?.glued;
    if let Some(minutes) = minutes.or(glued_z.then_some(0)) {
        if minutes == 0
            && let Some((offset, next)) = offset(reader, i + 1)
        {
            return Some((Piece::Zone(offset), next));
        }
        return Some((Piece::Zone(FixedOffset::east_opt(minutes * 60)?), i + 1));
    }
    let sign = reader.get(i)?;
    let explicit =
        reader.get(i + 1).and_then(|l| l.digits).is_some_and(|d| d.separator == Some(':') || d.widths() == [4]);
    let (zone, next) = offset(reader, i).filter(|_| explicit && (sign.mark == Some('+') || sign.glued))?;
    Some((Piece::Zone(zone), next))
}

/// `+3`, `-05:00`, `+0300`.
fn offset(reader: &Reader, i: usize) -> Option<(FixedOffset, usize)> {
    let sign = match reader.get(i)?.mark? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits = reader.get(i + 1).filter(|l| l.glued)?.digits?;
    let minutes = match (digits.values(), digits.widths()) {
        ([hours], [1 | 2]) => hours * 60,
        ([both], [4]) => both / 100 * 60 + both % 100,
        ([hours, minutes], [1 | 2, 2]) if digits.separator == Some(':') => hours * 60 + minutes,
        _ => return None,
    };
    let seconds = i32::try_from(minutes).ok().filter(|m| *m <= 14 * 60)? * 60;
    FixedOffset::east_opt(sign * seconds).map(|offset| (offset, i + 2))
}
