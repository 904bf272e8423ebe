//! The faces of a clock: `17:30`, `8.30`, "14h30", "seven thirty", "siete y media" — hours and minutes, however written.

use super::{
    lexicon::Sense,
    phrase::{Clock, Meridiem, Unit},
    reader::Reader,
};

/// How an hour was written, before it is known to be one.
pub struct Face {
    pub clock: Clock,
    pub next: usize,
    /// Written in a way that only times are: `17:30`, "half past five".
    pub certain: bool,
    /// `8.30` and the like: a time only with a preposition or a part of day.
    pub dotted: bool,
    /// `1430`, `230`: a time only with "pm", or where a time of day is expected.
    pub compact: bool,
}

impl Face {
    /// A clock that is nothing else.
    pub fn certain(clock: Clock, next: usize) -> Self {
        Self { certain: true, ..Self::bare(clock, next) }
    }

    /// A clock that may be something else.
    pub fn bare(clock: Clock, next: usize) -> Self {
        Self { clock, next, certain: false, dotted: false, compact: false }
    }

    /// `8:00:31` says all there is to say.
    pub fn clock_is_whole_word(&self) -> bool {
        self.certain && self.clock.minute.is_some() && self.clock.second.is_some()
    }
}

/// A whole hour of a twelve-hour face.
pub fn whole(hour: u32) -> Clock {
    Clock { hour, minute: None, second: None, meridiem: None, as_written: false }
}

/// The hour and minute at `i`, however written. `told`: a day stands before, so that minutes may follow the hour.
pub fn face(reader: &Reader, i: usize, announced: bool, told: bool, opened: bool) -> Option<Face> {
    fraction_of_hour(reader, i, opened)
        .or_else(|| in_digits(reader, i, announced || told))
        .or_else(|| in_words(reader, i, announced, told))
}

/// Whether `11-12` are rather two hours than an hour and its minutes.
fn is_range(hour: u32, end: u32) -> bool {
    end > hour && end <= 24 && (!end.is_multiple_of(5) || end == hour + 1)
}

/// Marks that people write between hour and minutes beside ":" and ".".
fn parts_clock(mark: Option<char>) -> bool {
    matches!(mark, Some('\'' | '’' | '´' | '′' | '`' | ':'))
}

/// A clock in digits.
pub fn in_digits(reader: &Reader, i: usize, announced: bool) -> Option<Face> {
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
        (valid && second.is_none_or(|s: u32| s < 60)).then_some(Face { certain, dotted, ..Face::bare(clock, i + 1) })
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
        ([hour, minute], Some(',')) if widths[1] == 2 && widths[0] <= 2 => {
            let marked = reader.meridiem(i + 1).is_some() || reader.part_after(i + 1).is_some();
            (announced || marked).then(|| face(*hour, Some(*minute), None, false, true)).flatten()
        }
        ([number], None) if matches!(widths[0], 3 | 4) => {
            let mut compact = face(number / 100, Some(number % 100), None, false, false)?;
            compact.clock.as_written = widths[0] == 4 && *number < 1000;
            compact.compact = true;
            Some(compact)
        }
        ([hour, minute], Some('-'))
            if widths[1] == 2
                && announced
                && !is_range(*hour, *minute)
                && (*hour > 12 || reader.grammar.clock_has_dash()) =>
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
            let minute_at = |at: usize| {
                reader
                    .lone(at, 2)
                    .filter(|m| *m < 60 && reader.get(at).is_some_and(|l| l.digits.is_some_and(|d| d.widths() == [2])))
            };
            // "9'30", "8: 45"
            if let Some(mark) = reader.get(i + 1).filter(|l| l.glued && parts_clock(l.mark))
                && let Some(minute) = minute_at(i + 2)
                && (mark.mark == Some(':') || reader.get(i + 2).is_some_and(|l| l.glued))
            {
                let marked = reader.meridiem(i + 3).is_some() || reader.part_after(i + 3).is_some();
                face.set(minute, i + 3);
                face.certain = announced || marked;
                face.dotted = true;
                return face.certain.then_some(face);
            }
            let sign = reader.get(i + 1).filter(|_| reader.is_word(i + 1, reader.words.hour_signs));
            let minute = reader
                .lone(i + 2, 2)
                .filter(|m| *m < 60 && reader.get(i + 2).is_some_and(|l| l.digits.is_some_and(|d| d.widths()[0] == 2)));
            if sign.is_some_and(|s| s.glued)
                && minute.is_some()
                && (reader.get(i + 2).is_some_and(|l| l.glued) || announced)
            {
                face.clock.minute = minute;
                face.next = reader.skip(i + 3, &[Sense::Unit(Unit::Minute)]);
                face.certain = true;
                return Some(face);
            }
            // "at 13h", "8h PST"; "after 2h" is a length
            let zone_follows = || reader.get(i + 2).is_some_and(|l| l.senses.iter().any(|s| s.is_zone()));
            if sign.is_some_and(|s| s.glued)
                && (zone_follows() || announced && i > 0 && reader.is_word(i - 1, reader.words.at))
            {
                face.next = i + 2;
                face.certain = true;
                return Some(face);
            }
            if reader.is_word(i + 1, reader.words.roughly) {
                face.next = i + 2;
            }
            reader.grammar.minutes_after(reader, &mut face, announced);
            Some(face)
        }
        _ => None,
    }
}

/// A clock in words.
pub fn in_words(reader: &Reader, i: usize, announced: bool, told: bool) -> Option<Face> {
    if let Some(face) = reader.grammar.hour_without_number(reader, i, announced) {
        return Some(face);
    }
    let (hour, next) = match reader.cardinal(i) {
        // "пять тридцать": the tens may be the minutes
        Some((hour, next)) if hour <= 24 => (u32::try_from(hour).ok()?, next),
        _ => return None,
    };
    // "двадцать четвёртого": the day of a month
    let ordinal_ends =
        hour % 10 == 0 && reader.get(next).is_some_and(|l| l.senses.iter().any(|s| matches!(s, Sense::Ordinal(..10))));
    if hour >= 24 || reader.is(i, Sense::Article) && !announced || ordinal_ends {
        return None;
    }
    let mut face = Face::bare(whole(hour), next);
    reader.grammar.minutes_after(reader, &mut face, announced || told);
    Some(face)
}

/// A clock told by what is left of, or past, an hour: "полпятого" in a word, the rest as each language says it.
fn fraction_of_hour(reader: &Reader, i: usize, opened: bool) -> Option<Face> {
    let lexeme = reader.get(i)?;
    if lexeme.senses.is_empty() && lexeme.digits.is_none() {
        return None;
    }
    let half_to = |s: &Sense| if let Sense::HalfTo(hour) = s { Some(*hour) } else { None };
    match lexeme.senses.iter().find_map(half_to) {
        Some(hour) => Some(Face::certain(before_hour(hour, 30), i + 1)),
        None => reader.grammar.fraction_of_hour(reader, i, opened),
    }
}

/// An hour of a twelve-hour face, in digits or words.
pub fn hour_number(reader: &Reader, i: usize) -> Option<(u32, usize)> {
    let (hour, next) = match reader.lone(i, 2) {
        Some(hour) if !reader.is_spoilt(i) => (hour, i + 1),
        Some(_) => return None,
        None => {
            let (hour, next) = reader.cardinal(i)?;
            (u32::try_from(hour).ok()?, next)
        }
    };
    (1..=12).contains(&hour).then_some((hour, next))
}

/// A number of minutes, in digits or words.
pub fn minute_number(reader: &Reader, i: usize) -> Option<(u32, usize)> {
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
    /// So many minutes past the hour.
    pub fn set(&mut self, minute: u32, next: usize) {
        self.clock.minute = Some(minute);
        self.next = next;
    }

    /// So many minutes before the hour.
    pub fn before(&mut self, minute: u32, next: usize) {
        self.clock = before_hour(self.clock.hour, 60 - minute);
        self.next = next;
    }

    /// "Seven thirty pm", "two thirty tomorrow": what follows says that these are minutes.
    pub fn spoken_before_meridiem(&mut self, reader: &Reader) {
        let mut spoken = Self { clock: self.clock, ..*self };
        spoken.spoken(reader, self.next);
        let day = reader.get(spoken.next).is_some_and(|l| l.senses.iter().any(|s| matches!(s, Sense::Day(0..))));
        let told = reader.meridiem(spoken.next).is_some() || day || reader.weekday(spoken.next).is_some();
        if spoken.next > self.next && told {
            *self = spoken;
        }
    }

    /// "Seven thirty", "семь тридцать", "7 30".
    pub fn spoken(&mut self, reader: &Reader, i: usize) {
        // "three-fifteen"
        let i = if reader.is_mark(i, '-') && reader.number_word(i + 1).is_some() { i + 1 } else { i };
        if let Some((minute, next)) = after_zero(reader, i) {
            return self.set(minute, next);
        }
        let in_digits = reader.get(i).is_some_and(|l| l.digits.is_some_and(|d| d.widths() == [2]));
        let on_the_hour = in_digits.then(|| reader.lone(i, 2)).flatten().filter(|m| *m == 0).map(|m| (m, i + 1));
        let spoken = minute_number(reader, i)
            .filter(|(minute, _)| in_digits || *minute >= 10 && reader.get(i).is_some_and(|l| l.digits.is_none()));
        let Some((minute, next)) = on_the_hour.or(spoken) else { return };
        let counts = reader.unit(next).is_some()
            || reader.month(next).is_some()
            || !reader.closes(next) && reader.meridiem(next).is_none();
        if !counts && !reader.get(i).is_some_and(|l| l.ordinal) {
            self.set(minute, next);
        }
    }
}

/// "Oh five", "cero dos", "0 2": minutes below ten.
fn after_zero(reader: &Reader, i: usize) -> Option<(u32, usize)> {
    let digit = |at: usize| {
        let narrow = reader.get(at)?.digits.is_some_and(|d| d.widths() == [1]);
        if narrow { reader.lone(at, 1).map(i64::from) } else { reader.number_word(at) }
    };
    if digit(i) != Some(0) && !reader.is_word(i, reader.words.zero) {
        return None;
    }
    let minute = digit(i + 1).filter(|n| (1..10).contains(n)).and_then(|n| u32::try_from(n).ok())?;
    (reader.closes(i + 2) || reader.meridiem(i + 2).is_some()).then_some((minute, i + 2))
}

/// The clock `minute` minutes into the hour before `hour`: "a quarter to eight" is 7:45, in whatever words.
pub fn before_hour(hour: u32, minute: u32) -> Clock {
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

/// Of a range that ends at `end` in the half of the day named, the half its start is in.
pub fn start_meridiem(start: u32, end: u32, meridiem: Meridiem) -> Meridiem {
    let later = start % 12 > end % 12;
    match (later, meridiem) {
        (false, same) => same,
        (true, Meridiem::Am) => Meridiem::Pm,
        (true, Meridiem::Pm) => Meridiem::Am,
    }
}
