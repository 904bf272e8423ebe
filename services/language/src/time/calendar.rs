//! Dates as a calendar writes them: `12.03.2027`, `3/4`, `2026-12-22`, "5th of May", "10-22 августа", "mayo 21".

use chrono::NaiveDate;

use super::{
    grammar::DayAndMonth,
    lexicon::Sense,
    phrase::{DateSpec, Piece},
    reader::Reader,
    tokens::Digits,
};

/// A written date that starts at `i`.
pub fn read(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let date = |(date, next)| (Piece::Date(date), next);
    year_first(reader, i)
        .or_else(|| day_then_month(reader, i))
        .or_else(|| month_then_day(reader, i))
        .map(date)
        .or_else(|| in_digits(reader, i))
}

/// A day that exists, in the year named or in some year.
fn checked(month: u32, day: u32, year: Option<i32>) -> Option<DateSpec> {
    NaiveDate::from_ymd_opt(year.unwrap_or(2024), month, day)?;
    Some(DateSpec::MonthDay { month, day, year, swappable: false })
}

/// Whether two numbers joined by a mark are a day and a month, in this order.
pub fn is_day_and_month(digits: &Digits) -> bool {
    matches!(digits.values(), [day, month] if NaiveDate::from_ymd_opt(2024, *month, *day).is_some())
}

/// The index after marks and little words that may join the parts of a date.
fn joint(reader: &Reader, i: usize) -> usize {
    let is_joint = |j: usize| {
        reader.is(j, Sense::Of) || reader.get(j).is_some_and(|l| matches!(l.mark, Some('-' | '/' | '.' | ',')))
    };
    let mut at = i;
    while at < i + 2 && is_joint(at) {
        at += 1;
    }
    at
}

/// The end of a range of days ("10 - 22", "10 to 22"): the first is meant.
fn range_end(reader: &Reader, i: usize) -> (Option<u32>, usize) {
    if reader.is_mark(i, '-') || reader.is_any(i, &[Sense::To, Sense::And]) {
        let at = reader.skip(i + 1, &[Sense::The, Sense::At]);
        if let Some((day, next)) = reader.day_number(at) {
            return (Some(day), next);
        }
    }
    (None, i)
}

/// The days of "10", "10-22", "10 по 22": the first, the last if there is one, and the end.
fn days(reader: &Reader, i: usize) -> Option<(u32, Option<u32>, usize)> {
    if let Some(digits) = reader.get(i)?.digits
        && digits.separator == Some('-')
        && let [first, last] = digits.values()
        && digits.widths().iter().all(|w| *w <= 2)
    {
        return (1..=31).contains(first).then_some((*first, Some(*last), i + 1));
    }
    let (day, next) = reader.day_number(i)?;
    let (last, next) = range_end(reader, next);
    Some((day, last, next))
}

/// A year after a date: `, 2027`, "de 2027", "2027 года".
fn year_after(reader: &Reader, i: usize) -> Option<(Option<i32>, usize)> {
    if let Some((year, next)) = short_year(reader, i) {
        return Some((Some(year), next));
    }
    // "on 28 June in 2020"
    if reader.is(i, Sense::In)
        && let Some((year, next)) = reader.year(i + 1)
    {
        return Some((Some(year), next));
    }
    let mut at = joint(reader, i);
    // "6 jan 2017 - 6:37am", "1 de enero de 5 a 6"
    if reader.year(at).is_none() {
        at = i;
    }
    match reader.year(at) {
        Some((_, next)) if reader.get(next).is_some_and(|l| l.glued && (l.digits.is_some() || !l.word.is_empty())) => {
            None
        }
        Some((year, next)) => Some((Some(year), next)),
        None if reader.get(at).is_some_and(|l| l.digits.is_some_and(|d| d.lone().is_some() && d.widths()[0] > 4)) => {
            None
        }
        None => Some((None, i)),
    }
}

/// `'27`, and two digits too many for a day or an hour: "3 Feb 82".
fn short_year(reader: &Reader, i: usize) -> Option<(i32, usize)> {
    let marked = reader.get(i).is_some_and(|l| matches!(l.mark, Some('\'' | '’')));
    let at = if marked { i + 1 } else { i };
    let n = reader
        .lone(at, 2)
        .filter(|_| reader.get(at).is_some_and(|l| !l.ordinal && l.digits.is_some_and(|d| d.widths() == [2])))?;
    let bare = n >= 24 && reader.closes(at + 1) && reader.meridiem(at + 1).is_none();
    let year = i32::try_from(if n < 70 { 2000 + n } else { 1900 + n }).ok()?;
    (marked || bare).then_some((year, at + 1))
}

fn spoils(reader: &Reader, i: usize) -> bool {
    i > 0
        && reader.get(i).is_some_and(|l| l.glued)
        && reader.get(i - 1).is_some_and(|l| l.digits.is_some() || l.mark.is_some_and(|m| "$€£¥₽#№%*=/".contains(m)))
}

fn day_then_month(reader: &Reader, i: usize) -> Option<(DateSpec, usize)> {
    if spoils(reader, i) {
        return None;
    }
    let ordinal = reader.ordinal(i).is_some();
    let (day, last, after_day) = days(reader, i)?;
    let mut at = reader.skip(after_day, &[Sense::DayOfMonthWord]);
    at = joint(reader, at);
    let (month, strong) = reader.month(at)?;
    let (year, next) = year_after(reader, at + 1)?;
    let found =
        DayAndMonth { month, certain: strong, ordinal, adjacent: at == after_day, has_year: year.is_some(), next };
    if reader.grammar.is_verb(reader, &found) {
        return None;
    }
    let next =
        if next == at + 1 && reader.is_mark(next, '.') && reader.get(next + 1).is_some_and(|l| l.digits.is_some()) {
            next + 1
        } else {
            next
        };
    if let Some(last) = last {
        checked(month, last, year)?;
    }
    Some((checked(month, day, year)?, next))
}

fn month_then_day(reader: &Reader, i: usize) -> Option<(DateSpec, usize)> {
    let (month, strong) = reader.month(i)?;
    if !strong && i > 0 && reader.is_word(i - 1, reader.words.before_verb) && reader.ordinal(i + 1).is_none() {
        return None;
    }
    let mut at = i + 1;
    while at < i + 3 && reader.get(at).is_some_and(|l| matches!(l.mark, Some('-' | '.' | ',' | '/'))) {
        at += 1;
    }
    // "in December on the 3rd"
    let on = reader.is(at, Sense::On) && reader.ordinal(reader.skip(at + 1, &[Sense::The])).is_some();
    at = reader.skip(if on { at + 1 } else { at }, &[Sense::The]);
    let (day, last, after_day) = days(reader, at)?;
    if reader.weak_weekday(i).is_some() && reader.month(joint(reader, after_day)).is_some() {
        return None; // "mar 24 nov" is a Tuesday
    }
    if !reader.grammar.day_may_follow_month(reader, after_day) {
        return None;
    }
    if reader.is_counted(after_day) && !reader.is_any(after_day, &[Sense::The]) {
        return None;
    }
    let (year, next) = year_after(reader, after_day)?;
    if let Some(last) = last {
        checked(month, last, year)?;
    }
    // "August 10 - November 12" has its range read as two dates
    Some((checked(month, day, year)?, next))
}

/// "2019-sep-1", "2018 March 18".
fn year_first(reader: &Reader, i: usize) -> Option<(DateSpec, usize)> {
    let (year, after) = reader.year(i)?;
    let at = joint(reader, after);
    let (month, _) = reader.month(at)?;
    let (day, next) = reader.day_number(joint(reader, at + 1))?;
    Some((checked(month, day, Some(year))?, next))
}

fn in_digits(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let digits = reader.get(i)?.digits?;
    if reader.is_spoilt(i) || after_version(reader, i) {
        return None;
    }
    let date = match digits.values().len() {
        3 => full(reader, i, &digits)?,
        2 => return two_parts(reader, i, &digits),
        _ => return None,
    };
    // an ISO "T" before the time
    let next =
        if reader.is_word(i + 1, &["t", "т"]) && reader.get(i + 1).is_some_and(|l| l.glued) { i + 2 } else { i + 1 };
    Some((Piece::Date(date), reader.skip(next, &[Sense::YearWord])))
}

fn after_version(reader: &Reader, i: usize) -> bool {
    (1..=2).any(|back| i >= back && reader.is_word(i - back, reader.words.numbered))
}

/// `2026-12-22`, `12.03.2027`, `5/15/2018`, `22/04/18`.
fn full(reader: &Reader, i: usize, digits: &Digits) -> Option<DateSpec> {
    let &[a, b, c] = digits.values() else { return None };
    let &[wa, wb, wc] = digits.widths() else { return None };
    let separator = digits.separator.filter(|s| matches!(s, '-' | '.' | '/'))?;
    if wa == 4 {
        return (wb <= 2 && wc <= 2).then(|| checked(b, c, i32::try_from(a).ok())).flatten();
    }
    if wa > 2 || wb > 2 {
        return None;
    }
    let short = wc == 2 && (separator == '/' || separator == '.' && wa == 2 && wb == 2 || stands_as_date(reader, i));
    let year = match wc {
        4 => i32::try_from(c).ok()?,
        2 if short => i32::try_from(2000 + c).ok()?,
        _ => return None,
    };
    let (day, month) = day_and_month(reader, a, b)?;
    checked(month, day, Some(year)).map(|date| open_order(date, a, b))
}

/// Whether what stands around the number at `i` expects a date: "12-8-26 at 9am", "el 8.12.26".
fn stands_as_date(reader: &Reader, i: usize) -> bool {
    let after = i + 1 + usize::from(reader.is_mark(i + 1, ','));
    let clock_follows = reader.is(after, Sense::At)
        || reader.get(after).is_some_and(|l| l.digits.is_some_and(|d| d.separator == Some(':')))
        || reader.part(after).is_some()
        || reader.lone(after, 4).is_some() && reader.meridiem(after + 1).is_some();
    let told = i > 0
        && (reader.is_any(i - 1, &[Sense::On, Sense::By, Sense::Request])
            || reader.is_word(i - 1, reader.words.before_dotted_date)
            || reader.weekday(i - 1).is_some()
            || reader.is_mark(i - 1, ',') && i > 1 && reader.weekday(i - 2).is_some());
    told || clock_follows || reader.lexemes.len() == 1
}

/// The same date, marked when the day could be the month.
fn open_order(date: DateSpec, a: u32, b: u32) -> DateSpec {
    match date {
        DateSpec::MonthDay { month, day, year, .. } => {
            DateSpec::MonthDay { month, day, year, swappable: a <= 12 && b <= 12 && a != b }
        }
        other => other,
    }
}

/// Which of two numbers is the day: above 12 decides for itself, else the language's order.
fn day_and_month(reader: &Reader, a: u32, b: u32) -> Option<(u32, u32)> {
    match (a, b) {
        (13.., 13..) => None,
        (13.., _) => Some((a, b)),
        (_, 13..) => Some((b, a)),
        _ if reader.grammar.is_day_first(reader.day_first) => Some((a, b)),
        _ => Some((b, a)),
    }
}

/// `3/4`, and `15.01` where something says that it is a date; `9/2027` is a month.
fn two_parts(reader: &Reader, i: usize, digits: &Digits) -> Option<(Piece, usize)> {
    let &[a, b] = digits.values() else { return None };
    let &[wa, wb] = digits.widths() else { return None };
    let separator = digits.separator?;
    if wa <= 2 && wb == 4 && matches!(separator, '/' | '.' | '-') && (1..=12).contains(&a) && (2000..2100).contains(&b)
    {
        return Some((
            Piece::Loose {
                rule: "bare_month",
                guess: checked(a, 1, i32::try_from(b).ok()).filter(|_| separator == '/'),
            },
            i + 1,
        ));
    }
    if wa > 2 || wb > 2 || (a, b) == (24, 7) {
        return None;
    }
    let before = |senses: &[Sense]| i > 0 && reader.is_any(i - 1, senses);
    let accepted = match separator {
        '/' => reader.closes(i + 1) || reader.get(i + 1).is_some_and(|l| l.digits.is_some()) || before(&[Sense::On]),
        '.' => reader.grammar.is_dotted_date(reader, i, digits),
        '-' => reader.grammar.is_dashed_date(reader, i),
        _ => false,
    };
    if !accepted || reader.grammar.is_fraction_of(reader, i) {
        return None;
    }
    let (day, month) = day_and_month(reader, a, b)?;
    // "29.11. в 10": the dot belongs to the date
    let dot = separator == '.'
        && reader.is_mark(i + 1, '.')
        && reader.get(i + 1).is_some_and(|l| l.glued)
        && reader.get(i + 2).is_some();
    Some((Piece::Date(open_order(checked(month, day, None)?, a, b)), if dot { i + 2 } else { i + 1 }))
}
