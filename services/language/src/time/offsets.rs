//! The zone beside a clock: "UTC", "GMT+3", `+03:00`, "мск"; abbreviations that several zones share are asked about.

use chrono::FixedOffset;

use super::{lexicon::Sense, phrase::Piece, reader::Reader};

/// A zone right after a clock: "UTC", "GMT+3", "+03:00", "мск".
pub fn read(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
    if reader.is_mark(i, '(') {
        let (piece, next) = bare(reader, i + 1)?;
        return Some((piece, if reader.is_mark(next, ')') { next + 1 } else { next }));
    }
    bare(reader, i)
}

fn bare(reader: &Reader, i: usize) -> Option<(Piece, usize)> {
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
