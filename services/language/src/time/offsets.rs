//! The zone beside a clock: "UTC", "GMT+3", `+03:00`, "мск", "hora española"; what nobody can tell is asked about.

use chrono::{FixedOffset, Offset};

use super::{
    lexicon::Sense,
    phrase::{Piece, Zone},
    reader::Reader,
    zone::Wall,
};

/// A zone right after a clock: "UTC", "GMT+3", "+03:00", "мск".
pub fn read(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    if reader.is_mark(i, '(') {
        let (piece, next) = bare(reader, i + 1)?;
        return Some((piece, if reader.is_mark(next, ')') { next + 1 } else { next }));
    }
    bare(reader, i)
}

/// A place's zone said where no clock has stood yet: "11 Madrid time" has one, "Madrid time tomorrow at 11" hasn't.
pub fn named(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let sense = reader.get(i)?.senses.iter().find(|s| matches!(s, Sense::Place(_)))?;
    zone_of(reader, i, *sense)
}

fn zone_of(reader: &Reader, i: usize, sense: Sense) -> Option<(Piece, usize)> {
    let (wall, claimed) = match sense {
        Sense::Zone(minutes) => {
            let (further, next) = offset(reader, i + 1).unwrap_or((FixedOffset::east_opt(0)?, i + 1));
            let seconds = minutes * 60 + further.fix().local_minus_utc();
            let zone = Zone { wall: Wall::Offset(FixedOffset::east_opt(seconds)?), claimed: None };
            return Some((Piece::Zone(zone), next));
        }
        Sense::Place(place) => (Wall::Zone(place), None),
        Sense::Abbreviation(place, minutes) => (Wall::Zone(place), Some(minutes)),
        _ => return None,
    };
    // "+2" behind a place says more than is known here
    if offset(reader, i + 1).is_some() {
        return Some((Piece::Loose { rule: "unclear_zone", guess: None }, i + 3));
    }
    Some((Piece::Zone(Zone { wall, claimed }), i + 1))
}

fn bare(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    let unclear = |next| Some((Piece::Loose { rule: "unclear_zone", guess: None }, next));
    if reader.is(i, Sense::UnclearZone) {
        return unclear(i + 1);
    }
    if let Some(found) = reader.get(i)?.senses.iter().find_map(|sense| zone_of(reader, i, *sense)) {
        return Some(found);
    }
    // "at 10 in London", but "at 10 in London office"
    let ends = |at: usize| {
        reader.closes(at)
            || reader.get(at).is_some_and(|l| l.senses.is_empty() && reader.grammar.is_infinitive(&l.word))
    };
    let in_place = |sense: &Sense| if let Sense::InPlace(place) = sense { Some(*place) } else { None };
    if let Some(place) = reader.get(i)?.senses.iter().find_map(in_place).filter(|_| ends(i + 1)) {
        return zone_of(reader, i, Sense::Place(place));
    }
    if reader.is_word(i, &["z"]) && (reader.get(i)?.glued || reader.get(i)?.capital) {
        return zone_of(reader, i, Sense::Zone(0));
    }
    if let Some(next) = reader.grammar.unknown_zone(reader, i) {
        return unclear(next);
    }
    let sign = reader.get(i)?;
    let explicit =
        reader.get(i + 1).and_then(|l| l.digits).is_some_and(|d| d.separator == Some(':') || d.widths() == [4]);
    let (zone, next) = offset(reader, i).filter(|_| explicit && (sign.mark == Some('+') || sign.glued))?;
    Some((Piece::Zone(Zone { wall: Wall::Offset(zone), claimed: None }), next))
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
