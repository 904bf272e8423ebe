//! Lengths of time: "in two and a half hours", "через пару дней", "dentro de un mes", and the same gone by.

use super::{
    dates,
    lexicon::Sense,
    phrase::{DateSpec, Piece, Shift, Unit, Which},
    reader::Reader,
};
use crate::language::Language;

/// A length and where it ends.
struct Length {
    amounts: Vec<(i64, Unit)>,
    /// "Several", "two or three": no one length.
    loose: bool,
    next: usize,
}

const LOOSE: Piece = Piece::Loose { rule: "loose_length", guess: None };

/// A length ahead or gone by, or a bare one that says no time (`Ok(None)` is: skip to there).
pub fn read(reader: &Reader, i: usize) -> Option<(Option<Piece>, usize)> {
    if let Some(found) = ahead(reader, i) {
        return Some((Some(found.0), found.1));
    }
    if reader.is(i, Sense::AgoBefore) {
        let start = reader.skip(i + 1, &[Sense::Approx, Sense::The]);
        let length = length(reader, start, true)?;
        return Some((Some(Piece::Ago), length.next));
    }
    if let Some(found) = weekdays_from_now(reader, i) {
        return Some((Some(found.0), found.1));
    }
    if let Some(found) = day_after_tomorrow(reader, i) {
        return Some((Some(found.0), found.1));
    }
    if let Some(found) = inverted(reader, i) {
        return Some((Some(found.0), found.1));
    }
    let length = length(reader, i, false)?;
    if let Some((piece, next)) = before_date(reader, &length) {
        return Some((Some(piece), next));
    }
    if reader.is(length.next, Sense::Ago) {
        return Some((Some(Piece::Ago), length.next + 1));
    }
    if reader.is(length.next, Sense::Hence) {
        let next = reader.skip(length.next, &[Sense::Hence]);
        return Some((Some(shift(length.amounts, None, length.loose)), next));
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
    let implicit = opens && !reader.is(i, Sense::Wait) && (reader.language == Language::Ru || announced)
        || announced && is_hours(reader, after_filler);
    let found = inverted_amount(reader, after_filler).or_else(|| length(reader, after_filler, implicit))?;
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
    if reader.is(i, Sense::WeakIn) && (past_verb_before(reader, i) || reader.is(found.next, Sense::By)) {
        return Some((Piece::Ago, found.next));
    }
    if reader.is(i, Sense::In)
        && reader.is_word(i, &["после", "after", "tras"])
        && found.next == after_filler + 1
        && reader.unit(after_filler).is_some()
    {
        return None;
    }
    if reader.is_word(i, &["в"]) && reader.unit(after_filler) == Some(Unit::Day) && found.next == after_filler + 1 {
        return None;
    }
    let next = reader.skip(found.next, &[Sense::Hence]);
    let next = if reader.is_word(next, &["time"]) { next + 1 } else { next };
    if reader.is(next, Sense::Ago) {
        return Some((Piece::Ago, next + 1));
    }
    let (from, next) = from_date(reader, next).map_or((None, next), |(from, next)| (Some(from), next));
    let in_the_day = reader.unit(after_filler) == Some(Unit::Day)
        && found.next == after_filler + 1
        && reader.is_word(after_filler, &["дня"]);
    let mut piece = shift(found.amounts, from, found.loose || in_the_day);
    if let Piece::Shift(shift) = &mut piece {
        shift.added = reader.is(i, Sense::Plus);
    }
    Some((piece, next))
}

/// "Через среду", "через понедельник": every other one, or the one after the next?
fn loose_weekday(reader: &Reader, i: usize, at: usize) -> Option<(Piece, usize)> {
    (reader.is_word(i, &["через"]) && reader.weekday(at).is_some())
        .then_some((Piece::Loose { rule: "loose_weekday", guess: None }, at + 1))
}

fn is_hours(reader: &Reader, i: usize) -> bool {
    reader.unit(i).is_some_and(Unit::is_clock)
}

fn shift(amounts: Vec<(i64, Unit)>, from: Option<DateSpec>, loose: bool) -> Piece {
    if loose { LOOSE } else { Piece::Shift(Shift { amounts, from, added: false }) }
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

/// "2 days before Friday", "за два дня до пятницы", "dos días antes del viernes".
fn before_date(reader: &Reader, length: &Length) -> Option<(Piece, usize)> {
    if !reader.is(length.next, Sense::By) || reader.is_word(length.next, &["para", "к", "ко", "by", "until"]) {
        return None;
    }
    let start = reader.skip(length.next, &[Sense::By, Sense::The, Sense::Of]);
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

/// "2 day after tomorrow": English has "day after tomorrow" as an expression of its own.
fn day_after_tomorrow(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let (amount, at) = amount(reader, i)?;
    let expression = reader.is(at, Sense::Day(2)) && reader.language == Language::En;
    expression.then(|| (shift(vec![(amount, Unit::Day)], Some(DateSpec::Offset(1)), false), at + 1))
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

/// "Часа через два", "минут через 20".
fn inverted(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    if reader.language != Language::Ru || !reader.is(i + 1, Sense::In) {
        return None;
    }
    let unit = reader.unit(i)?;
    let (amount, next) = amount(reader, i + 2)?;
    reader.unit(next).is_none().then_some((shift(vec![(amount, unit)], None, false), next))
}

/// Units in the case that a number asks for, so that one may follow them: "минут двадцать", but not "час двадцать".
const COUNTED_UNITS: [&str; 10] =
    ["секунд", "минут", "минуток", "часов", "часа", "дней", "дня", "недель", "месяцев", "месяца"];

/// "Через минут 20".
fn inverted_amount(reader: &Reader, i: usize) -> Option<Length> {
    if reader.language != Language::Ru {
        return None;
    }
    let unit = reader.unit(i).filter(|_| reader.is_word(i, &COUNTED_UNITS))?;
    let (amount, next) = amount(reader, i + 1).filter(|(_, next)| reader.unit(*next).is_none())?;
    Some(Length { amounts: vec![(amount, unit)], loose: false, next })
}

/// "За 5 минут" looks back after a past verb: "сделал за 5 минут".
fn past_verb_before(reader: &Reader, i: usize) -> bool {
    let is_past = |word: &str| {
        let bare = word.strip_suffix("ся").or_else(|| word.strip_suffix("сь")).unwrap_or(word);
        bare.chars().count() > 3 && ["л", "ла", "ли", "ло"].iter().any(|end| bare.ends_with(end))
    };
    (0..i).any(|j| reader.get(j).is_some_and(|l| l.senses.is_empty() && is_past(&l.word)))
}

/// One length: amounts with their units, joined by commas and "and".
fn length(reader: &Reader, i: usize, implicit: bool) -> Option<Length> {
    let (first, mut loose, mut next) = one(reader, i, implicit)?;
    let mut amounts = vec![first];
    loop {
        let mut at = next;
        if reader.is_mark(at, ',') {
            at += 1;
        }
        at = reader.skip(at, &[Sense::And, Sense::Plus]);
        let joined = at > next;
        let Some((amount, more_loose, after)) = one(reader, at, false) else { break };
        if joined && reader.is(at, Sense::Article) && amounts.last().is_some_and(|(_, unit)| *unit == amount.1) {
            break;
        }
        amounts.push(amount);
        loose |= more_loose;
        next = after;
    }
    // "a day or two", "две или три недели"
    if reader.is(next, Sense::Or) && (amount(reader, next + 1).is_some()) {
        let (_, after) = amount(reader, next + 1)?;
        if reader.unit(after).is_some() || reader.closes(after) {
            return Some(Length {
                amounts,
                loose: true,
                next: if reader.unit(after).is_some() { after + 1 } else { after },
            });
        }
    }
    Some(Length { amounts, loose, next })
}

/// One amount with its unit.
fn one(reader: &Reader, i: usize, implicit: bool) -> Option<((i64, Unit), bool, usize)> {
    if let Some(amount) = reader.amount_word(i) {
        return Some((amount, false, i + 1));
    }
    if reader.is(i, Sense::Several) {
        // "unos 5 minutos" is about five, "unos minutos" several
        return match reader.unit(i + 1) {
            Some(unit) => Some(((3000, unit), true, i + 2)),
            None => one(reader, i + 1, false),
        };
    }
    let Some((mut thousandths, at)) = amount(reader, i) else {
        let unit = reader.unit(i).filter(|_| !is_letter(reader, i))?;
        let (extra, next) = and_a_half(reader, i + 1);
        if !implicit && extra == 0 {
            return None;
        }
        return Some(((1000 + extra, unit), false, next));
    };
    let mut at = reader.skip(at, &[Sense::Approx]);
    let mut loose = false;
    // "two or three weeks", "2-3 дня", "два-три часа"
    if (reader.is(at, Sense::Or) || reader.is_mark(at, '-'))
        && let Some((_, after)) = amount(reader, at + 1)
        && reader.unit(after).is_some()
    {
        loose = true;
        at = after;
    } else if reader.get(i).and_then(|l| l.digits).is_some_and(|d| d.separator == Some('-')) {
        loose = true;
    }
    let (extra, after_half) = and_a_half(reader, at);
    if extra > 0 {
        thousandths += extra;
        at = after_half;
    }
    // "a half hour", "an extra hour"
    if thousandths == 1000
        && reader.is(i, Sense::Article)
        && reader.is(at, Sense::Half)
        && reader.unit(at + 1).is_some()
    {
        thousandths = 500;
        at += 1;
    }
    if is_letter(reader, at) && reader.get(i).is_none_or(|l| l.digits.is_none()) {
        return None;
    }
    if let Some((amount, unit)) = reader.amount_word(at) {
        return Some(((amount * thousandths / 1000, unit), loose, at + 1));
    }
    let unit = reader.unit(at)?;
    let (extra, next) = and_a_half(reader, at + 1);
    Some(((thousandths + extra, unit), loose, next))
}

/// A unit of one letter, which only digits may precede.
fn is_letter(reader: &Reader, i: usize) -> bool {
    reader.get(i).is_some_and(|l| l.word.chars().count() == 1)
}

fn and_a_half(reader: &Reader, i: usize) -> (i64, usize) {
    if reader.is(i, Sense::AndHalf) { (500, i + 1) } else { (0, i) }
}

/// An amount in thousandths.
fn amount(reader: &Reader, i: usize) -> Option<(i64, usize)> {
    let lexeme = reader.get(i)?;
    if let Some(digits) = lexeme.digits {
        if lexeme.ordinal || reader.get(i + 1).is_some_and(|l| l.mark == Some('%')) || i > 0 && spoils_amount(reader, i)
        {
            return None;
        }
        let (values, widths) = (digits.values(), digits.widths());
        return match (values, digits.separator) {
            ([whole], None) if widths[0] <= 6 => Some((i64::from(*whole) * 1000, i + 1)),
            ([whole, part], Some('.' | ',')) if widths[0] <= 4 && widths[1] <= 3 => {
                let scale = 10_i64.pow(3 - u32::from(widths[1]));
                Some((i64::from(*whole) * 1000 + i64::from(*part) * scale, i + 1))
            }
            ([low, high], Some('-')) if low < high && widths[1] <= 3 => Some((i64::from(*low) * 1000, i + 1)),
            _ => None,
        };
    }
    if reader.is(i, Sense::OneAndHalf) {
        return Some((1500, i + 1));
    }
    if let Some(few) = reader.few(i) {
        return Some((few * 1000, reader.skip(i + 1, &[Sense::Of])));
    }
    if reader.is(i, Sense::Half) {
        let at = reader.skip(i + 1, &[Sense::Article, Sense::Of, Sense::The]);
        return reader.unit(at).map(|_| (500, at));
    }
    if let Some(found) = quarter(reader, i) {
        return Some(found);
    }
    if let Some((n, next)) = reader.cardinal(i) {
        if reader.number_word(next) == Some(100) {
            return Some((n * 100_000, next + 1));
        }
        return Some((n * 1000, next));
    }
    if let Some(n) = reader.number_word(i) {
        return Some((n * 1000, i + 1));
    }
    reader.is(i, Sense::Article).then_some((1000, i + 1))
}

fn spoils_amount(reader: &Reader, i: usize) -> bool {
    reader.get(i).is_some_and(|l| l.glued)
        && reader.get(i - 1).is_some_and(|l| {
            l.mark.is_some_and(|m| {
                "$€£¥₽#№/.:".contains(m) || m == ',' && i > 1 && reader.get(i - 2).is_some_and(|l| l.digits.is_some())
            }) || (!l.word.is_empty() && reader.unit(i - 1).is_none())
        })
}

/// "A quarter of an hour", "three quarters of an hour".
fn quarter(reader: &Reader, i: usize) -> Option<(i64, usize)> {
    let (count, at) = match reader.number_word(i) {
        Some(n @ 1..=3) => (n, i + 1),
        _ if reader.is(i, Sense::Article) => (1, i + 1),
        _ => (1, i),
    };
    if !reader.is(at, Sense::QuarterPart) {
        return None;
    }
    let unit = reader.skip(at + 1, &[Sense::Of, Sense::Article]);
    (reader.unit(unit) == Some(Unit::Hour)).then_some((count * 250, unit))
}
