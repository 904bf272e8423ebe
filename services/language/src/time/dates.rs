//! Days: written dates, weekdays, days from today, weeks, ends of periods, holidays.

use super::{
    calendar,
    grammar::DayNumber,
    lexicon::Sense,
    phrase::{DateSpec, MonthRef, Piece, Shift, Side, Unit, Which},
    reader::Reader,
};

/// A day, or something too loose to be one, that starts at `i`.
pub fn read(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    within(reader, i, MOST_DEEP)
}

/// "Early next week", "the start of the end of May": how deep such words may stand in one another.
const MOST_DEEP: u32 = 2;

fn within(reader: &Reader, i: usize, deep: u32) -> Option<(Piece, usize)> {
    weekday_beside(reader, i, deep)
        .or_else(|| day_before(reader, i, deep))
        .or_else(|| from_end(reader, i))
        .or_else(|| end_of(reader, i, deep))
        .or_else(|| vague(reader, i, deep))
        .or_else(|| nth_weekday(reader, i))
        .or_else(|| calendar::read(reader, i))
        .or_else(|| weekday(reader, i))
        .or_else(|| period(reader, i))
        .or_else(|| relative_day(reader, i))
        .or_else(|| holiday(reader, i))
        .or_else(|| day_of_month(reader, i))
        .or_else(|| bare_month(reader, i))
}

fn loose(rule: &'static str, guess: Option<DateSpec>) -> Piece {
    Piece::Loose { rule, guess }
}

/// "This" 0, "next" 1; Spanish also after the noun ("la semana que viene").
fn how_far(reader: &Reader, i: usize) -> Option<i32> {
    if reader.is_any(i, &[Sense::Next, Sense::Coming]) {
        return Some(1);
    }
    reader.is(i, Sense::This).then_some(0)
}

/// The unit at `i` with what says which one, before or after it: weeks, months or years from the current one.
fn relative_unit(reader: &Reader, i: usize) -> Option<(Unit, i32, usize)> {
    let start = reader.skip(i, &[Sense::Of, Sense::The]);
    let before = how_far(reader, start);
    let at = if before.is_some() { reader.skip(start, &[Sense::This, Sense::Next, Sense::Coming]) } else { start };
    let unit = reader.unit(at)?;
    let after = how_far(reader, at + 1);
    let next = if after.is_some() { at + 2 } else { at + 1 };
    before.or(after).map(|far| (unit, far, next))
}

fn end_of(reader: &Reader, i: usize, deep: u32) -> Option<(Piece, usize)> {
    if reader.is(i, Sense::EndOfDay) {
        return Some((Piece::EndOfDay, i + 1));
    }
    for (sense, date) in [
        (Sense::EndOfWeek, DateSpec::EndOfWeek(0)),
        (Sense::EndOfMonth, DateSpec::EndOfMonth(MonthRef::Relative(0))),
        (Sense::EndOfYear, DateSpec::EndOfYear(0)),
    ] {
        if reader.is(i, sense) {
            return Some((Piece::Date(date), i + 1));
        }
    }
    if !reader.is(i, Sense::EndOf) {
        return None;
    }
    let at = reader.skip(i + 1, &[Sense::The, Sense::Of]);
    if let Some((month, _)) = reader.month(at) {
        let year_at = reader.skip(at + 1, &[Sense::Of]);
        let (year, next) = reader.year(year_at).map_or((None, at + 1), |(year, next)| (Some(year), next));
        return Some((Piece::Date(DateSpec::EndOfMonth(MonthRef::Named { month, year })), next));
    }
    let (unit, far, next) = relative_unit(reader, at)
        .or_else(|| reader.unit(at).map(|unit| (unit, 0, at + 1)))
        .unwrap_or((Unit::Day, 0, i + 1));
    let piece = match unit {
        Unit::Day | Unit::BusinessDay if far == 0 => Piece::EndOfDay,
        Unit::Week => Piece::Date(DateSpec::EndOfWeek(i64::from(far))),
        Unit::Month => Piece::Date(DateSpec::EndOfMonth(MonthRef::Relative(far))),
        Unit::Year => Piece::Date(DateSpec::EndOfYear(far)),
        _ => loose("loose_period", None),
    };
    let names_a_day = || deep.checked_sub(1).and_then(|deep| within(reader, at, deep)).is_some();
    if next == i + 1 && !names_a_day() {
        return None; // "конец связи", "end of story"
    }
    Some((piece, next))
}

/// "Before Monday", "antes del lunes": the day before.
fn day_before(reader: &Reader, i: usize, deep: u32) -> Option<(Piece, usize)> {
    if !reader.is(i, Sense::DayBefore) {
        return None;
    }
    let start = reader.skip(i + 1, &[Sense::The, Sense::Of]);
    match within(reader, start, deep.checked_sub(1)?)? {
        (Piece::Date(from), next) => {
            let back = Shift { amounts: vec![(-1000, Unit::Day)], from: Some(from), ..Shift::default() };
            Some((Piece::Shift(back), next))
        }
        (_, next) => Some((loose("loose_period", None), next)),
    }
}

/// "The Friday after Thanksgiving", "второй понедельник после 5 декабря", "el último viernes antes de Navidad".
fn weekday_beside(reader: &Reader, i: usize, deep: u32) -> Option<(Piece, usize)> {
    let (n, at) = match reader.ordinal(i).filter(|(n, _)| (1..=5).contains(n)) {
        Some(found) => found,
        None if reader.is_any(i, &[Sense::Last, Sense::Next, Sense::Coming]) => (1, i + 1),
        None => (1, i),
    };
    let weekday = reader.weekday(at)?;
    let side = match (reader.is(at + 1, Sense::After), reader.is(at + 1, Sense::DayBefore)) {
        (true, _) if !reader.is(i, Sense::Last) => Side::After,
        (false, true) if !reader.is_any(i, &[Sense::Next, Sense::Coming]) => Side::Before,
        _ => return None,
    };
    let start = reader.skip(at + 2, &[Sense::The, Sense::Of]);
    let (piece, next) = within(reader, start, deep.checked_sub(1)?)?;
    let Piece::Date(
        from @ (DateSpec::MonthDay { .. }
        | DateSpec::Holiday(..)
        | DateSpec::HolidayIn(..)
        | DateSpec::DayOfMonth { .. }),
    ) = piece
    else {
        return None;
    };
    let weeks = i64::from(n - 1) * if side == Side::After { 1000 } else { -1000 };
    let shift =
        Shift { amounts: vec![(weeks, Unit::Week)], from: Some(from), added: false, weekday: Some((weekday, side)) };
    Some((Piece::Shift(shift), next))
}

/// "The fifth last day of May", "предпоследний день месяца": counted from the end.
fn from_end(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let start = reader.skip(i, &[Sense::The]);
    let (n, at) =
        match reader.get(start)?.senses.iter().find_map(|s| if let Sense::FromEnd(n) = s { Some(*n) } else { None }) {
            Some(n) if reader.is(start + 1, Sense::DayOfMonthWord) || reader.unit(start + 1) == Some(Unit::Day) => {
                (n, start + 2)
            }
            Some(_) => return None,
            None => {
                let (n, at) = reader.ordinal(start).filter(|(_, at)| reader.is(*at, Sense::LastDay))?;
                (n, at + 1)
            }
        };
    if !(1..=28).contains(&n) {
        return None;
    }
    let (month, next) = month_of(reader, at)?;
    Some((Piece::Date(DateSpec::DayFromEnd { n, month }), next))
}

/// The month that "of May", "del mes", "следующего месяца" names.
fn month_of(reader: &Reader, i: usize) -> Option<(MonthRef, usize)> {
    let at = reader.skip(i, &[Sense::Of, Sense::In, Sense::The]);
    let of = at > i || i > 0 && reader.is(i - 1, Sense::LastDay);
    if let Some((month, strong)) = reader.month(at)
        && (strong || of)
    {
        let (year, next) = year_after(reader, at + 1);
        return Some((MonthRef::Named { month, year }, next));
    }
    match relative_unit(reader, at) {
        Some((Unit::Month, far, next)) => Some((MonthRef::Relative(far), next)),
        _ => (reader.unit(at) == Some(Unit::Month)).then_some((MonthRef::Current, at + 1)),
    }
}

/// "Early next week", "в середине марта": a stretch of days.
fn vague(reader: &Reader, i: usize, deep: u32) -> Option<(Piece, usize)> {
    if reader.is(i, Sense::Loosely) {
        return Some((loose("loose_time", None), i + 1));
    }
    if reader.is(i, Sense::Weekend) {
        return Some((loose("weekend", None), i + 1));
    }
    if !reader.is(i, Sense::Vague) {
        return None;
    }
    let at = reader.skip(i + 1, &[Sense::Vague, Sense::The, Sense::Of, Sense::On, Sense::In, Sense::This, Sense::At]);
    let at = if reader.is_mark(at, '-') { at + 1 } else { at };
    if let Some((_, next)) = deep.checked_sub(1).and_then(|deep| within(reader, at, deep)) {
        return Some((loose("loose_period", None), next));
    }
    let (_, _, next) = relative_unit(reader, i + 1).or_else(|| reader.unit(at).map(|unit| (unit, 0, at + 1)))?;
    Some((loose("loose_period", None), next))
}

fn relative_day(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let sense = reader.get(i)?.senses.iter().find(|s| matches!(s, Sense::Day(_) | Sense::NextDay))?;
    match sense {
        Sense::Day(days @ 0..) if reader.grammar.weeks_after(reader, i + 1).is_some() => {
            let (weeks, next) = reader.grammar.weeks_after(reader, i + 1)?;
            Some((Piece::Date(DateSpec::Offset(days + 7 * weeks)), next))
        }
        Sense::Day(days) => Some((Piece::Date(DateSpec::Offset(*days)), i + 1)),
        _ => Some((loose("loose_period", Some(DateSpec::Offset(1))), i + 1)),
    }
}

/// A short form that is also another word is a weekday only where a date is expected.
fn is_weak_weekday_here(reader: &Reader, i: usize) -> bool {
    let before = i.checked_sub(1).is_some_and(|b| {
        reader.is_any(b, &[Sense::Next, Sense::This, Sense::Coming, Sense::By])
            || reader.grammar.introduces_weekday(reader, b)
    });
    let after = i + 1 + usize::from(reader.is_mark(i + 1, '.') || reader.is_mark(i + 1, ','));
    let number = reader.get(after).is_some_and(|l| l.digits.is_some()) && reader.unit(after + 1).is_none();
    let sole = reader.lexemes.len() <= 2
        && reader.month(i).is_none()
        && (i == 0 || !reader.is_unknown(0))
        && after >= reader.lexemes.len()
        && reader.grammar.short_weekday_stands_alone();
    let time_after = reader.is(i + 1, Sense::At)
        && reader.get(i + 2).is_some_and(|l| l.digits.is_some())
        && reader.grammar.is_weekday_before_clock(reader, i);
    before
        || number
        || sole
        || time_after
        || reader.month(after).is_some_and(|(_, strong)| strong)
        || reader.part(i + 1).is_some()
}

fn weekday(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let mods = [Sense::Next, Sense::Coming, Sense::This, Sense::Last, Sense::Every];
    let at = reader.skip(i, &mods);
    let has = |sense| (i..at).any(|j| reader.is(j, sense));
    let possessive = reader.get(at).is_some_and(|l| l.possessive);
    if let Some(day) = reader.weekdays(at).filter(|_| !possessive) {
        return Some((loose("recurring", Some(DateSpec::Weekday(day, Which::Nearest))), at + 1));
    }
    let strong = reader.weekday(at).or_else(|| reader.weekdays(at));
    let day = strong.or_else(|| reader.weak_weekday(at).filter(|_| at > i || is_weak_weekday_here(reader, at)))?;
    let mut next = at + 1;
    if strong.is_none() && reader.is_mark(next, '.') && next + 1 < reader.lexemes.len() {
        next += 1;
    }
    let plural = i > 0 && reader.is_word(i - 1, reader.words.plural_articles);
    if has(Sense::Every) || plural {
        return Some((loose("recurring", None), next));
    }
    if reader.is(next, Sense::AfterNext) || reader.is(next, Sense::Every) {
        return Some((loose("loose_weekday", None), next + 1));
    }
    let weeks = if reader.grammar.week_follows_weekday() && at == i {
        // "Friday week", "Tuesday fortnight"
        match (reader.unit(next), reader.amount_word(next)) {
            (Some(Unit::Week), _) => Some((1, next + 1)),
            (_, Some((14_000, Unit::Day))) => Some((2, next + 1)),
            _ => None,
        }
    } else {
        reader.grammar.weeks_after(reader, next)
    };
    // "on Friday, but not this one"
    let other = if reader.is_mark(next, ',') { next + 1 } else { next };
    let weeks = weeks.or_else(|| reader.is(other, Sense::NotThis).then_some((1, other + 1)));
    if let Some((weeks, next)) = weeks {
        return Some((Piece::Date(DateSpec::Weekday(day, Which::Later(weeks))), next));
    }
    if has(Sense::Last) {
        return Some((Piece::Date(DateSpec::Weekday(day, Which::Last)), next));
    }
    if at == i && reader.grammar.adjective_follows_weekday() {
        if reader.is(next, Sense::Last) {
            return Some((Piece::Date(DateSpec::Weekday(day, Which::Last)), next + 1));
        }
        if reader.is(next, Sense::Coming) && reader.unit(next + 1).is_none() {
            return Some((Piece::Date(DateSpec::Weekday(day, Which::Nearest)), next + 1));
        }
    }
    let which = if has(Sense::Next) && !has(Sense::Coming) { Which::NextWeek } else { Which::Nearest };
    Some((Piece::Date(DateSpec::Weekday(day, which)), next))
}

/// "Next week", "на следующей неделе", "el mes que viene".
fn period(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    if reader.is(i, Sense::Last) && reader.unit(i + 1).is_some() {
        return Some((Piece::Ago, i + 2));
    }
    if reader.unit(i).is_some() && reader.is(i + 1, Sense::Last) && reader.grammar.last_follows_unit() {
        return Some((Piece::Ago, i + 2));
    }
    if reader.is(i, Sense::Every) && reader.unit(i + 1).is_some() {
        return Some((loose("recurring", None), i + 2));
    }
    if reader.unit(i) == Some(Unit::Week) && reader.is(i + 1, Sense::AfterNext) {
        return Some((Piece::Date(DateSpec::Week(2)), i + 2));
    }
    let (unit, far, next) = relative_unit(reader, i)?;
    // "next month on the 3rd", "в следующем месяце 3 числа"
    if unit == Unit::Month {
        let behind = if reader.is_mark(next, ',') { next + 1 } else { next };
        let at = reader.skip(behind, &[Sense::On, Sense::The, Sense::Of, Sense::In]);
        if let Some((Piece::Date(DateSpec::DayOfMonth { day, months: None }), next)) = day_of_month(reader, at) {
            return Some((Piece::Date(DateSpec::DayOfMonth { day, months: Some(far) }), next));
        }
    }
    let piece = match (unit, far) {
        (Unit::Week, 1) => Piece::Date(DateSpec::Week(1)),
        (Unit::Week, _) => Piece::Date(DateSpec::Week(0)),
        (Unit::Day | Unit::BusinessDay, _) | (Unit::Hour | Unit::Minute | Unit::Second, _) => return None,
        _ => loose("loose_period", None),
    };
    Some((piece, next))
}

/// "The first Friday of next month", "первый понедельник марта", "el último viernes de julio".
fn nth_weekday(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let from_end = reader
        .get(i)?
        .senses
        .iter()
        .find_map(|s| if let Sense::FromEnd(n) = s { i32::try_from(*n).ok() } else { None });
    let (n, at) = if let Some(n) = from_end {
        (-n, i + 1)
    } else if reader.is(i, Sense::Last) {
        (-1, i + 1)
    } else {
        let (n, at) = reader.ordinal(i)?;
        (i32::try_from(n).ok().filter(|n| *n <= 5)?, at)
    };
    let weekday = reader.weekday(at)?;
    let unclear = (n > 0).then_some((loose("loose_weekday", None), at + 1));
    let month_at = reader.skip(at + 1, &[Sense::Of, Sense::In, Sense::On, Sense::The]);
    if let Some((month, strong)) = reader.month(month_at)
        && (strong || month_at > at + 1)
    {
        let (year, next) = year_after(reader, month_at + 1);
        return Some((Piece::Date(DateSpec::NthWeekday { n, weekday, month: MonthRef::Named { month, year } }), next));
    }
    match month_of(reader, at + 1) {
        Some((month, next)) => Some((Piece::Date(DateSpec::NthWeekday { n, weekday, month }), next)),
        None => unclear,
    }
}

fn year_after(reader: &Reader, i: usize) -> (Option<i32>, usize) {
    let mut at = reader.skip(i, &[Sense::Of, Sense::In]);
    if reader.is_mark(at, ',') {
        at += 1;
    }
    reader.year(at).map_or((None, i), |(year, next)| (Some(year), next))
}

fn holiday(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let holiday = reader.get(i)?.senses.iter().find_map(|s| if let Sense::Holiday(h) = s { Some(*h) } else { None })?;
    // "Chinese New Year", "año nuevo chino"
    let other = i > 0 && reader.is(i - 1, Sense::OtherCalendar) || reader.is(i + 1, Sense::OtherCalendar);
    if other {
        return Some((loose("other_calendar", None), i + 1));
    }
    let (year, next) = year_after(reader, i + 1);
    if year.is_none()
        && let Some((Unit::Year, far, next)) = relative_unit(reader, i + 1)
    {
        return Some((Piece::Date(DateSpec::HolidayIn(holiday, far)), next));
    }
    Some((Piece::Date(DateSpec::Holiday(holiday, year)), next))
}

/// "The 15th", "15 числа", "el 15", "20th of next month".
fn day_of_month(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    if reader.is_spoilt(i) && reader.get(i)?.digits.is_some() {
        return None;
    }
    let (day, next) = reader.day_number(i)?;
    let is_ordinal = reader.ordinal(i).is_some();
    let in_digits = reader.get(i)?.digits.is_some();
    let named = reader.is(next, Sense::DayOfMonthWord);
    let next = if named { next + 1 } else { next };
    let (months, after_month) = match relative_unit(reader, next) {
        Some((Unit::Month, far, after)) => (Some(far), after),
        _ => (None, next),
    };
    if months.is_some() && (is_ordinal || in_digits && reader.is_any(next, &[Sense::Of, Sense::DayOfMonthWord]))
        || named
    {
        return Some((Piece::Date(DateSpec::DayOfMonth { day, months }), after_month));
    }
    let introduced = i.checked_sub(1).is_some_and(|b| reader.grammar.introduces_day(reader, b, in_digits));
    // "viernes 13", "в пятницу 20 в 10"
    let after_weekday = in_digits
        && i > 0
        && (reader.weekday(i - 1).is_some() || reader.weak_weekday(i - 1).is_some())
        && (reader.closes(next)
            || reader.get(next).is_some_and(|l| l.digits.is_some_and(|d| d.separator == Some(':'))));
    let introduced = introduced || after_weekday;
    let timed = reader.is(next, Sense::At) && reader.lone(next + 1, 2).is_some()
        || reader.is(next, Sense::At)
            && reader.get(next + 1).is_some_and(|l| l.digits.is_some() || !l.senses.is_empty())
        || reader.part(next).is_some();
    let number = DayNumber { day, ordinal: is_ordinal, in_digits, after_weekday, introduced, timed };
    // "el 17 del 12"
    if introduced
        && reader.is_word(next, reader.words.before_month_number)
        && let Some(month) = reader.lone(next + 1, 2).filter(|m| (1..=12).contains(m))
        && reader.closes(next + 2)
    {
        return Some((Piece::Date(DateSpec::MonthDay { month, day, year: None, swappable: false }), next + 2));
    }
    let accepted = reader.grammar.is_day_of_month(&number);
    // "10-го часов в 6"
    let about = reader.is(next, Sense::Oclock) && reader.is(next + 1, Sense::At);
    let closes = about
        || reader.closes(next)
        || reader.lone(next, 2).is_some_and(|_| reader.is_any(next + 1, &[Sense::Am, Sense::Pm]))
        || reader.get(next).is_some_and(|l| l.digits.is_some_and(|d| d.separator == Some(':')));
    let in_a_row =
        reader.is_any(next, &[Sense::Half, Sense::QuarterPart, Sense::And, Sense::Or]) && is_ordinal && !introduced;
    (accepted && closes && !in_a_row).then_some((Piece::Date(DateSpec::DayOfMonth { day, months: None }), next))
}

/// "In March", "март 2027": the agent asks for the day.
fn bare_month(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let (month, strong) = reader.month(i)?;
    if reader.get(i)?.misspelt {
        return None;
    }
    let introduced =
        i > 0 && reader.is_any(i - 1, &[Sense::In, Sense::On, Sense::Next, Sense::This, Sense::Coming, Sense::By]);
    (strong || introduced).then(|| {
        let (year, next) = year_after(reader, i + 1);
        (loose("bare_month", Some(DateSpec::MonthDay { month, day: 1, year, swappable: false })), next)
    })
}
