//! How long: amounts and units in digits and words, "two and a half hours", "полтора часа", "hora y media", "1 h 15 min".

use super::{lexicon::Sense, phrase::Unit, reader::Reader};

/// Amounts joined to one length, at most: there are no more units.
const MOST_AMOUNTS: usize = 9;

/// A length and where it ends.
pub struct Length {
    pub amounts: Vec<(i64, Unit)>,
    /// "Several", "two or three": no one length.
    pub loose: bool,
    pub next: usize,
}

/// One length: amounts with their units, joined by commas and "and".
pub fn length(reader: &Reader, i: usize, implicit: bool) -> Option<Length> {
    if let Some(hours) = hours_and_minutes(reader, i) {
        return Some(hours);
    }
    let (first, mut loose, mut next) = one(reader, i, implicit)?;
    let mut amounts = vec![first];
    while amounts.len() < MOST_AMOUNTS {
        let mut at = next;
        if reader.is_mark(at, ',') || reader.is_mark(at, '.') {
            at += 1;
        }
        at = reader.skip(at, &[Sense::And, Sense::Plus]);
        let joined = at > next;
        if let Some((minutes, after)) = minutes(reader, &amounts, next) {
            amounts.push((minutes, Unit::Minute));
            next = after;
            break;
        }
        let implicit = joined && reader.grammar.one_is_left_out();
        let Some((amount, more_loose, after)) = one(reader, at, implicit) else { break };
        if joined && reader.is(at, Sense::Article) && amounts.last().is_some_and(|(_, unit)| *unit == amount.1) {
            break;
        }
        amounts.push(amount);
        loose |= more_loose;
        next = after;
    }
    // "через час-полтора", "через месяц-другой"
    let or_more = reader.is_any(next + 1, &[Sense::OneAndHalf]) || reader.is_word(next + 1, reader.words.or_more);
    if reader.is_mark(next, '-') && or_more {
        return Some(Length { amounts, loose: true, next: next + 2 });
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

/// "In 1:30": an hour and a half.
fn hours_and_minutes(reader: &Reader, i: usize) -> Option<Length> {
    let opens = i > 0 && reader.is_any(i - 1, &[Sense::In, Sense::Plus]) && !reader.is(i - 1, Sense::At);
    let digits = reader.get(i)?.digits.filter(|d| opens && d.separator == Some(':'))?;
    let (&[hours, minutes @ 0..60], [1 | 2, 2]) = (digits.values(), digits.widths()) else { return None };
    let amounts = vec![(i64::from(hours) * 1000, Unit::Hour), (i64::from(minutes) * 1000, Unit::Minute)];
    (hours < 48 && reader.meridiem(i + 1).is_none()).then_some(Length { amounts, loose: false, next: i + 1 })
}

/// Minutes behind hours without their unit: "an hour twenty", "1h30", "tres horas y cuarto", "час с четвертью".
fn minutes(reader: &Reader, amounts: &[(i64, Unit)], i: usize) -> Option<(i64, usize)> {
    let (hours, _) = amounts.last().filter(|(_, unit)| *unit == Unit::Hour)?;
    if hours % 1000 != 0 {
        return None;
    }
    if reader.is(i, Sense::AndQuarter) && !reader.is_any(i + 1, &[Sense::Of]) {
        return Some((15_000, i + 1));
    }
    let at = reader.skip(i, &[Sense::And]);
    // "una hora y tres cuartos"
    if at > i && reader.number_word(at) == Some(3) && reader.is(at + 1, Sense::QuarterPart) {
        return Some((45_000, at + 2));
    }
    let (minutes, next) = match reader.lone(at, 2) {
        Some(n) if !reader.get(at).is_some_and(|l| l.ordinal) => (i64::from(n), at + 1),
        Some(_) => return None,
        None => reader.cardinal(at).filter(|(n, _)| *n >= 5)?,
    };
    let closes = reader.closes(next) && !reader.is(next, Sense::Oclock) && reader.meridiem(next).is_none();
    ((1..60).contains(&minutes) && closes && reader.month(next).is_none()).then_some((minutes * 1000, next))
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
            None if reader.is(i + 1, Sense::Several) => None,
            None => one(reader, i + 1, false),
        };
    }
    let Some((mut thousandths, at)) = amount(reader, i) else {
        let unit = reader.unit(i).filter(|_| !is_letter(reader, i))?;
        let quarter = unit == Unit::Hour && reader.is(i + 1, Sense::AndQuarter);
        let (extra, next) = if quarter { (250, i + 2) } else { and_a_half(reader, i + 1) };
        if !implicit && extra == 0 {
            return None;
        }
        return Some(((1000 + extra, unit), false, next));
    };
    let mut at = reader.skip(at, &[Sense::Approx]);
    // "in 2 more minutes"
    if reader.is_word(at, reader.words.more) && (reader.unit(at + 1).is_some()) {
        at += 1;
    }
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
    } else if reader.is(at, Sense::AndQuarter) && reader.unit(at + 1) == Some(Unit::Hour) {
        thousandths += 250;
        at += 1;
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
pub fn amount(reader: &Reader, i: usize) -> Option<(i64, usize)> {
    let lexeme = reader.get(i)?;
    if let Some(digits) = lexeme.digits {
        if lexeme.ordinal || reader.get(i + 1).is_some_and(|l| l.mark == Some('%')) || i > 0 && spoils_amount(reader, i)
        {
            return None;
        }
        let (values, widths) = (digits.values(), digits.widths());
        return match (values, digits.separator) {
            ([whole], None) if widths[0] <= 6 => {
                // "2 1/2 hours"
                let (part, next) = fraction(reader, i + 1).map_or((0, i + 1), |part| (part, i + 2));
                Some((i64::from(*whole) * 1000 + part, next))
            }
            ([_, _], Some('/')) => {
                fraction(reader, i).map(|part| (part, reader.skip(i + 1, &[Sense::Of, Sense::Article])))
            }
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

/// `1/2`, `1/4`, `3/4` of a unit.
fn fraction(reader: &Reader, i: usize) -> Option<i64> {
    let digits = reader.get(i)?.digits.filter(|d| d.separator == Some('/'))?;
    match digits.values() {
        [1, 2] => Some(500),
        [part @ (1 | 3), 4] => Some(i64::from(*part) * 250),
        _ => None,
    }
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
    let at = if reader.is_mark(at, '-') { at + 1 } else { at };
    if !reader.is(at, Sense::QuarterPart) {
        return None;
    }
    let unit = reader.skip(at + 1, &[Sense::Of, Sense::Article]);
    (reader.unit(unit) == Some(Unit::Hour)).then_some((count * 250, unit))
}
