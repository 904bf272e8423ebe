//! Walks the lexemes once and gathers the pieces that stand together into phrases.

use std::ops::Range;

use super::{
    clocks, dates,
    faces::{Face, minute_number},
    joining::{belongs, continues_range, join_split},
    leftover::{FURTHEST, Field, Use},
    lengths,
    lexicon::Sense,
    offsets,
    phrase::{DateSpec, Matter, Phrase, Piece, Unit},
    reader::Reader,
};

/// Words that may stand between the pieces of one phrase.
const JOINTS: [Sense; 11] = [
    Sense::At,
    Sense::On,
    Sense::Of,
    Sense::The,
    Sense::From,
    Sense::By,
    Sense::In,
    Sense::For,
    Sense::Approx,
    Sense::After,
    Sense::Between,
];

/// Every time phrase of the text, in order; bare lengths ("5 days") are none.
///
/// They are looked for in the `window` of what `all` reads; what stands beside them outside of it is only looked at.
pub fn phrases(all: &Reader, window: Range<usize>) -> Vec<Phrase> {
    let reader = &all.within(window.clone());
    let uses = vec![Use::Unread; window.len()];
    let mut scan = Scan { reader, before: (all, window.start), found: Vec::new(), uses, end: 0, sentence: 0 };
    let mut i = 0;
    while i < reader.lexemes.len() {
        i = scan.step(i);
    }
    let Scan { found, uses, .. } = scan;
    let mut joined = join_split(reader, found);
    let field = Field { reader: all, window, uses: &uses };
    for phrase in &mut joined {
        let left = phrase.lexemes.iter().find_map(|range| field.leftover(range, !phrase.clocks.is_empty()));
        phrase.leftover = phrase.leftover.or(left);
    }
    joined
}

struct Scan<'a> {
    reader: &'a Reader<'a>,
    /// All that was written, and where the part begins that is read.
    before: (&'a Reader<'a>, usize),
    found: Vec<Phrase>,
    /// Of each lexeme.
    uses: Vec<Use>,
    /// The lexeme after the last piece.
    end: usize,
    sentence: usize,
}

impl Scan<'_> {
    /// Reads what starts at `i`; where to go on.
    fn step(&mut self, i: usize) -> usize {
        let reader = self.reader;
        if self.end == i
            && i > 0
            && self.found.last().is_some_and(|p| !p.clocks.is_empty())
            && let Some((piece, next)) = offsets::read(reader, i)
        {
            return self.add(piece, i, next);
        }
        // "at 9, Moscow time"
        if i > 0
            && self.end + 1 == i
            && reader.is_mark(self.end, ',')
            && self.found.last().is_some_and(|p| !p.clocks.is_empty() && p.zone.is_none())
            && reader.get(i).is_some_and(|l| l.senses.iter().any(|s| s.is_zone()))
            && let Some((piece, next)) = offsets::read(reader, i)
        {
            return self.add(piece, i, next);
        }
        if self.end == i
            && i > 0
            && let Some(next) = self.year_after_clock(i)
        {
            return next;
        }
        if self.end == i
            && i > 0
            && let Some(next) = self.minutes_after_part(i)
        {
            return next;
        }
        if let Some((piece, next)) = offsets::named(reader, i) {
            return self.add(piece, i, next);
        }
        if reader.is(i, Sense::SameTime) {
            return self.add(Piece::SameTime, i, i + 1);
        }
        // "28:30 вечера": the part of a day of a clock that is none
        let orphan = i > 0 && self.end != i && reader.get(i - 1).is_some_and(|l| l.digits.is_some());
        if reader.is(i, Sense::In)
            && let Some((Some(piece @ Piece::Shift(_)), next)) = lengths::read(reader, i)
        {
            return self.add(piece, i, next);
        }
        let of_day = self.found.last().is_some_and(Phrase::has_day) && (self.end..i).all(|j| reader.is_mark(j, ','));
        let clock = clocks::read(reader, i, of_day || self.goes_on_with_clock(i))
            .filter(|(_, next)| !is_length(reader, i, *next));
        if let Some((piece, next)) = clock.filter(|(piece, _)| !(orphan && matches!(piece, Piece::Part { .. }))) {
            return self.add(piece, i, next);
        }
        if let Some((piece, next)) = lengths::read(reader, i) {
            return match piece {
                Some(piece) => self.add(piece, i, next),
                None => self.bare_length(i, next),
            };
        }
        if let Some((piece, next)) = dates::read(reader, i) {
            return self.add(piece, i, next);
        }
        if reader.get(i).is_some_and(|l| matches!(l.mark, Some('.' | '!' | '?' | ';' | '…'))) && !abbreviates(reader, i)
        {
            self.sentence += 1;
        }
        i + 1
    }

    /// "Tomorrow at 10 call Ana, and at 15 fetch the order": an hour announced behind a comma or "and", with what is to be done then.
    fn goes_on_with_clock(&self, i: usize) -> bool {
        let reader = self.reader;
        let joins = |reader: &Reader, i: usize| reader.is(i, Sense::And) || reader.is_mark(i, ',');
        let timed = |p: &Phrase| p.sentence == self.sentence && !p.clocks.is_empty() && p.matter == Matter::No;
        let (all, start) = self.before;
        // The same where another part of the sentence said the first time.
        let number = |j: usize| all.get(j).is_some_and(|l| l.digits.is_some());
        let joined = match i.checked_sub(1) {
            None => start > 0 && joins(all, start - 1) && (start.saturating_sub(2 * FURTHEST)..start).any(number),
            Some(before) => i > self.end && joins(reader, before) && self.found.last().is_some_and(timed),
        };
        let at = reader.skip(i, &[Sense::At, Sense::The]);
        let hour = || reader.lone(at, 2).is_some_and(|hour| hour <= 24);
        joined && reader.is(i, Sense::At) && hour() && reader.is_task(at + 1)
    }

    /// "Oct 26 11:00:09 2027": the year of a date that a clock stands before.
    fn year_after_clock(&mut self, i: usize) -> Option<usize> {
        let reader = self.reader;
        let last = self.found.last_mut().filter(|p| !p.clocks.is_empty())?;
        let (named, next) =
            reader.year(i).filter(|(year, next)| (1900..2100).contains(year) && reader.closes(*next))?;
        let Some(DateSpec::MonthDay { year, .. }) =
            last.dates.iter_mut().find(|d| matches!(d, DateSpec::MonthDay { year: None, .. }))
        else {
            return None;
        };
        *year = Some(named);
        last.span.end = reader.lexemes[next - 1].span.end;
        extend(&mut last.lexemes, next);
        self.uses[i..next].fill(Use::Read);
        self.end = next;
        Some(next)
    }

    /// "A las 8 de la noche menos cuarto", "в 8 вечера 30 минут": minutes behind the part of day.
    fn minutes_after_part(&mut self, i: usize) -> Option<usize> {
        let reader = self.reader;
        let last = self.found.last_mut().filter(|p| p.part.is_some())?;
        let clock = last.clocks.last_mut().filter(|c| c.minute.is_none())?;
        let mut face = Face::bare(*clock, i);
        match minute_number(reader, i).filter(|(_, next)| reader.unit(*next) == Some(Unit::Minute)) {
            Some((minute, next)) => face.set(minute, next + 1),
            // "в 8 вечера без десяти"
            None if reader.is(i, Sense::Minus) && minute_number(reader, i + 1).is_some() => {
                let (minute, next) = minute_number(reader, i + 1)?;
                face.before(minute, reader.skip(next, &[Sense::Unit(Unit::Minute)]));
            }
            None => reader.grammar.minutes_after(reader, &mut face, true),
        }
        if face.next == i {
            return None;
        }
        *clock = face.clock;
        last.span.end = reader.lexemes[face.next - 1].span.end;
        extend(&mut last.lexemes, face.next);
        self.uses[i..face.next].fill(Use::Read);
        self.end = face.next;
        Some(face.next)
    }

    /// A length without a direction says no time, unless dates read it otherwise ("1 day" is none, "1 mar" is a date).
    fn bare_length(&mut self, i: usize, next: usize) -> usize {
        match dates::read(self.reader, i) {
            Some((piece, after)) if after >= next => self.add(piece, i, after),
            _ => {
                self.uses[i..next].fill(Use::Length);
                next
            }
        }
    }

    fn add(&mut self, piece: Piece, i: usize, next: usize) -> usize {
        let reader = self.reader;
        let start = self.start_of(i);
        let bytes = reader.lexemes[start].span.start..reader.lexemes[next - 1].span.end;
        let link = self.link(i, &piece);
        let sentence = self.sentence;
        let deadline = is_deadline(reader, start..next, &piece);
        let by_day = matches!(piece, Piece::Date(_)) && is_by_day(reader, start..next);
        let read_from = if link == Link::Apart || link == Link::Or { start } else { self.end };
        self.uses[read_from..next].fill(Use::Read);
        self.end = next;
        if let Some(last) = self.found.last_mut() {
            match link {
                // "завтра-послезавтра", "the closest Monday to Oct 5th"
                Link::Range
                    if matches!(
                        (&piece, last.dates.as_slice()),
                        (Piece::Date(DateSpec::Offset(_)), [DateSpec::Offset(_)])
                            | (Piece::Date(DateSpec::MonthDay { .. } | DateSpec::Weekday(..)), [DateSpec::Weekday(..)])
                    ) =>
                {
                    last.loose.get_or_insert(("loose_period", None));
                    last.span.end = bytes.end;
                    extend(&mut last.lexemes, next);
                    return next;
                }
                Link::Range if continues_range(last, &piece) => {
                    last.span.end = bytes.end;
                    extend(&mut last.lexemes, next);
                    return next;
                }
                Link::Beside | Link::Range if belongs(last, &piece) => {
                    last.add(piece);
                    last.deadline |= deadline;
                    last.span.end = bytes.end;
                    extend(&mut last.lexemes, next);
                    return next;
                }
                _ => {}
            }
        }
        let matter = self.matter(start, i);
        let mut phrase =
            Phrase { span: bytes, sentence, lexemes: std::iter::once(start..next).collect(), ..Phrase::default() };
        phrase.negated = start > 0 && reader.is(start - 1, Sense::Not) || reader.is(start, Sense::Not);
        phrase.alternative = link == Link::Or;
        phrase.deadline = deadline;
        phrase.by_day = by_day;
        phrase.matter = matter;
        phrase.add(piece);
        self.found.push(phrase);
        next
    }

    /// Whether the phrase that begins at `start`, its first piece at `i`, is about what the message is about, and how surely.
    fn matter(&self, start: usize, i: usize) -> Matter {
        let reader = self.reader;
        let Some(last) = self.found.last().filter(|last| last.sentence == self.sentence && !last.negated) else {
            return Matter::No;
        };
        let from = last.lexemes.last().map_or(start, |range| range.end.min(start));
        let between = from..i + 1;
        // "the call" asks for nothing
        let noun = |i: usize| i > 0 && reader.is_any(i - 1, &[Sense::The, Sense::Article]);
        let asks_again = between.clone().any(|i| reader.is(i, Sense::Request) && !noun(i));
        let says = |sense| between.clone().any(|i| reader.is(i, sense));
        // "about the contract, and on Friday about the rent": another time
        let joined = start > from && reader.is(start - 1, Sense::And);
        if asks_again || joined {
            Matter::No
        } else if says(Sense::That) || last.matter == Matter::Clause {
            Matter::Clause
        } else if says(Sense::Matter) || last.matter == Matter::Topic {
            Matter::Topic
        } else {
            Matter::No
        }
    }

    /// Prepositions right before a piece belong to its words.
    fn start_of(&self, i: usize) -> usize {
        let mut start = i;
        while start > self.end
            && start > 0
            && self.reader.is_any(start - 1, &JOINTS)
            && self.reader.get(start - 1).is_some_and(|l| l.mark.is_none())
        {
            start -= 1;
        }
        start
    }

    /// How the piece at `i` hangs together with the one before.
    fn link(&self, i: usize, piece: &Piece) -> Link {
        let Some(last) = self.found.last() else { return Link::Apart };
        // "tomorrow about 5" is about then, "tomorrow about Friday" is another day
        let of_time = matches!(piece, Piece::Clock(_) | Piece::ClockBeside(_) | Piece::Part { .. }) && !last.has_time();
        let starts = self.end..i + 1;
        if !of_time && starts.into_iter().any(|j| self.reader.is(j, Sense::Matter)) {
            return Link::Apart;
        }
        let (mut beside, mut range, mut or) = (true, false, false);
        for j in self.end..i {
            let reader = self.reader;
            or |= reader.is(j, Sense::Or);
            range |= reader.is(j, Sense::To) || reader.is_mark(j, '-');
            // "вечером часов в 8"
            let about = reader.is(j, Sense::Oclock) && reader.is(j + 1, Sense::At);
            let soft = about
                || reader.is_any(j, &JOINTS)
                || reader.is(j, Sense::To)
                || abbreviates(reader, j)
                || reader.get(j).is_some_and(|l| matches!(l.mark, Some(',' | '(' | ')' | '-' | '|')));
            beside &= soft;
        }
        match (or, beside, range) {
            (true, ..) => Link::Or,
            (_, true, true) => Link::Range,
            (_, true, false) => Link::Beside,
            _ => Link::Apart,
        }
    }
}

/// Whether a word before the time of day says that something is to be by then.
fn is_deadline(reader: &Reader, mut lexemes: Range<usize>, piece: &Piece) -> bool {
    let named = |i: usize| {
        let fraction = reader.is_any(i, &[Sense::QuarterPart, Sense::Half, Sense::At]);
        reader.get(i).is_none_or(|l| l.digits.is_some()) || reader.number_word(i).is_some() || fraction
    };
    matches!(piece, Piece::Clock(_) | Piece::Part { .. } | Piece::Midnight)
        && lexemes.find(|&i| reader.is(i, Sense::By) || named(i)).is_some_and(|i| reader.is(i, Sense::By))
}

/// Whether a day is one by which something is to be: "by Friday", "до завтрашнего".
fn is_by_day(reader: &Reader, mut lexemes: Range<usize>) -> bool {
    lexemes.any(|i| reader.is(i, Sense::By) && !reader.is_any(i, &[Sense::On, Sense::For]))
}

/// Whether the full stop at `i` shortens a month rather than ends a sentence: "the 1st week of Oct. on Friday".
fn abbreviates(reader: &Reader, i: usize) -> bool {
    let shortened =
        || i > 0 && reader.month(i - 1).is_some() && reader.get(i - 1).is_some_and(|l| l.word.chars().count() <= 4);
    let goes_on = || reader.get(i + 1).is_some_and(|l| !l.capital || reader.weekday(i + 1).is_some());
    reader.is_mark(i, '.') && reader.get(i).is_some_and(|l| l.glued) && shortened() && goes_on()
}

/// The phrase's last part goes on to `end`.
fn extend(lexemes: &mut [Range<usize>], end: usize) {
    if let Some(last) = lexemes.last_mut() {
        last.end = end;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Beside,
    /// "From … to …": the first is meant.
    Range,
    Or,
    Apart,
}

/// Whether what looks like a clock is the head of a length: "в 5 минут" is none.
fn is_length(reader: &Reader, i: usize, next: usize) -> bool {
    // "mañana dos horas antes de las 17:00"
    let counts_from = |unit: usize| {
        let beside = reader.is_any(unit + 1, &[Sense::Before, Sense::After]);
        reader.unit(unit).is_some() && beside && clocks::anchor(reader, unit + 1).is_some()
    };
    if next > i + 1 && counts_from(next - 1) || next > i && counts_from(next) {
        return true;
    }
    // "два дня назад"
    let counted = reader.unit(next).is_some() && reader.is_any(next + 1, &[Sense::Ago, Sense::Hence]);
    if next > i && counted && reader.get(next + 1).is_some_and(|l| !l.senses.contains(&Sense::By)) {
        return true;
    }
    next > i
        && reader.unit(next).is_some()
        && !reader.is(next, Sense::Oclock)
        && reader.part(next).is_none()
        && reader.get(next).is_some_and(|l| !l.word.is_empty())
        && reader.get(next - 1).is_some_and(|l| l.digits.is_some_and(|d| d.lone().is_some()))
}
