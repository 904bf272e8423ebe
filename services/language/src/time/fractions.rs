//! Fractions of an hour: "quarter to seven", "половина пятого", "без десяти пять", "diez para las ocho".

use super::{
    faces::{Face, before_hour, minute_number, whole},
    lexicon::Sense,
    phrase::{Clock, Unit},
    reader::Reader,
};
use crate::Language;

/// A clock told by what is left of, or past, an hour.
pub fn read(reader: &Reader, i: usize, opened: bool) -> Option<Face> {
    let half_to = |s: &Sense| if let Sense::HalfTo(hour) = s { Some(*hour) } else { None };
    if let Some(hour) = reader.get(i)?.senses.iter().find_map(half_to) {
        return certain(before_hour(hour, 30), i + 1);
    }
    match reader.language {
        Language::Ru => russian(reader, i),
        Language::En => english(reader, i, opened),
        Language::Es => spanish(reader, i),
    }
}

fn certain(clock: Clock, next: usize) -> Option<Face> {
    Some(Face { clock, next, certain: true, dotted: false })
}

fn russian(reader: &Reader, i: usize) -> Option<Face> {
    if reader.is(i, Sense::Minus) {
        let (minutes, at) =
            if reader.is(i + 1, Sense::QuarterPart) { (15, i + 2) } else { minute_number(reader, i + 1)? };
        let at = reader.skip(at, &[Sense::Unit(Unit::Minute)]);
        let (hour, next) = hour_number(reader, at)?;
        return certain(before_hour(hour, 60 - minutes), next);
    }
    let (minutes, at) = if reader.is(i, Sense::QuarterPart) {
        (15, i + 1)
    } else {
        let (minutes, at) = minute_number(reader, i)?;
        (minutes, reader.unit(at).filter(|u| *u == Unit::Minute).map(|_| at + 1)?)
    };
    let (hour, next) = reader
        .ordinal(at)
        .filter(|(hour, _)| (1..=12).contains(hour) && reader.get(at).is_some_and(|l| l.word.ends_with("го")))?;
    if reader.month(next).is_some() {
        return None;
    }
    certain(before_hour(hour, minutes), next)
}

fn english(reader: &Reader, i: usize, opened: bool) -> Option<Face> {
    let start = reader.skip(i, &[Sense::Article]);
    let in_digits = reader.get(start)?.digits.is_some();
    let (minutes, at) = if reader.is(start, Sense::QuarterPart) {
        (15, start + 1)
    } else if reader.is(start, Sense::Half) {
        (30, start + 1)
    } else {
        minute_number(reader, start)?
    };
    let named_minutes = reader.unit(at) == Some(Unit::Minute);
    let at = if named_minutes { at + 1 } else { at };
    let past = reader.is(at, Sense::Past)
        || named_minutes && reader.is_word(at, &["after"])
        || minutes == 15 && reader.is_word(at, &["after"]);
    let to = minutes != 30
        && (reader.is_word(at, &["to", "till", "til"])
            || (named_minutes || minutes == 15) && reader.is_word(at, &["before", "of"]))
        && (named_minutes || !in_digits && !opened && (minutes == 15 || minutes % 5 == 0));
    let (hour, next) = hour_number(reader, at + 1).filter(|_| past || to)?;
    certain(if past { Clock { minute: Some(minutes), ..whole(hour) } } else { before_hour(hour, 60 - minutes) }, next)
}

fn spanish(reader: &Reader, i: usize) -> Option<Face> {
    let start = reader.skip(i, &[Sense::Article]);
    let (minutes, at) =
        if reader.is(start, Sense::QuarterPart) { (15, start + 1) } else { minute_number(reader, start)? };
    let at = reader.skip(at, &[Sense::Unit(Unit::Minute)]);
    let toward =
        reader.is(at, Sense::At) && reader.is(at, Sense::At) && reader.get(at).is_some_and(|l| l.word.is_empty());
    let (hour, next) = hour_number(reader, at + 1).filter(|_| toward && is_para_las(reader, at))?;
    certain(before_hour(hour, 60 - minutes), next)
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
