//! What stands beside a phrase, speaks of time and was not read: then the phrase isn't all that was said, and the agent asks.
//!
//! From both ends of a phrase a few lexemes are looked at, over words that say nothing ("and", "please"), until a clause ends, a
//! word of the matter begins or another phrase stands there. Prices, quantities, versions and numbered things are no times.

use std::ops::Range;

use super::{
    lexicon::{Sense, Speaks},
    reader::Reader,
};

/// Lexemes looked at on either side of a phrase, at most.
pub const FURTHEST: usize = 8;

/// What became of a lexeme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Unread,
    /// It is part of a phrase.
    Read,
    /// It is part of a length without a direction: "5 days".
    Length,
}

/// The lexemes around the phrases, and which of them were read.
pub struct Field<'a> {
    /// All that was written.
    pub reader: &'a Reader<'a>,
    /// The part of it in which phrases were looked for.
    pub window: Range<usize>,
    /// Of each lexeme of the window.
    pub uses: &'a [Use],
}

/// What a lexeme says about the phrase it stands near.
enum Verdict {
    /// Nothing: what is behind it may still.
    Passes,
    /// Something: a time that was not read.
    LeftOver(&'static str),
    /// The clause ends, or the matter begins.
    Ends,
}

impl Field<'_> {
    /// Why the phrase of the window's lexemes `range` isn't all that was said about the time.
    ///
    /// `timed`: it has a clock, so that "early" and "before the meeting" say nothing more.
    pub fn leftover(&self, range: &Range<usize>, timed: bool) -> Option<&'static str> {
        let (start, end) = (range.start + self.window.start, range.end + self.window.start);
        self.look(end..self.reader.lexemes.len().min(end + FURTHEST), true, timed)
            .or_else(|| self.look(start.saturating_sub(FURTHEST)..start, false, timed))
    }

    fn look(&self, mut range: Range<usize>, forward: bool, timed: bool) -> Option<&'static str> {
        let mut beside = true;
        while let Some(i) = if forward { range.next() } else { range.next_back() } {
            let outside = !self.window.contains(&i);
            if outside && self.parts_acts(i) {
                return None;
            }
            let used = if outside { Use::Unread } else { self.uses[i - self.window.start] };
            match used {
                Use::Read => return None,
                Use::Length => return self.length(i, forward, beside).then_some("left_over"),
                Use::Unread => {}
            }
            match self.verdict(i, forward, beside, timed) {
                Verdict::Passes => beside &= self.keeps_beside(i),
                Verdict::LeftOver(rule) => return Some(rule),
                Verdict::Ends => return None,
            }
        }
        None
    }

    /// Whether what stands behind the lexeme still stands beside the phrase: a mark, "or", "в".
    fn keeps_beside(&self, i: usize) -> bool {
        let reader = self.reader;
        let weekday = |at: usize| reader.weak_weekday(at).is_some();
        reader.get(i).is_some_and(|l| l.mark.is_some())
            || reader.is_any(i, &[Sense::Or, Sense::At])
            || reader.is(i, Sense::Of) && reader.is_any(i + 1, &[Sense::Next, Sense::Coming])
            || reader.is(i, Sense::And) && (weekday(i + 1) || i > 0 && weekday(i - 1))
    }

    /// Whether the lexeme, outside of what belongs to one act, may begin another.
    fn parts_acts(&self, i: usize) -> bool {
        let reader = self.reader;
        reader.get(i).is_none_or(|l| l.mark.is_some()) || reader.is_any(i, &[Sense::And, Sense::Or, Sense::Small])
    }

    fn verdict(&self, i: usize, forward: bool, beside: bool, timed: bool) -> Verdict {
        let reader = self.reader;
        let Some(lexeme) = reader.get(i) else { return Verdict::Ends };
        if let Some(mark) = lexeme.mark.filter(|_| lexeme.senses.is_empty()) {
            return if matches!(mark, ',' | '(' | ')' | '-' | ':' | '"' | '«' | '»' | '\'') {
                Verdict::Passes
            } else {
                Verdict::Ends
            };
        }
        if lexeme.digits.is_some() {
            return self.number(i, beside, timed);
        }
        if forward && beside && reader.grammar.unknown_zone(reader, i).is_some() {
            return Verdict::LeftOver("unclear_zone");
        }
        if lexeme.senses.is_empty() || reader.is_any(i, &[Sense::Matter, Sense::That, Sense::Request, Sense::Counted]) {
            return Verdict::Ends;
        }
        if let Some(n) = reader.number_word(i) {
            let told = n > 1
                && n <= 60
                && self.stands_alone(i + 1, beside)
                && (beside || reader.is(i.wrapping_sub(1), Sense::At));
            return if told { Verdict::LeftOver("left_over") } else { Verdict::Ends };
        }
        // "el primero", "the second": a day that was not read
        let ordinal = lexeme.senses.iter().any(|s| matches!(s, Sense::Ordinal(_)));
        if ordinal
            && beside
            && i > 0
            && reader.is_any(i - 1, &[Sense::The, Sense::On])
            && self.stands_alone(i + 1, beside)
        {
            return Verdict::LeftOver("left_over");
        }
        // "in a few weeks or months"
        if forward && beside && i > 0 && reader.is(i - 1, Sense::Or) && reader.unit(i).is_some() {
            return Verdict::LeftOver("left_over");
        }
        let speaks = lexeme.senses.iter().map(|s| s.speaks_of_time()).max().unwrap_or(Speaks::Never);
        let alone = || !forward || !reader.get(i + 1).is_some_and(|l| !l.word.is_empty() && l.senses.is_empty());
        match speaks {
            Speaks::Always => Verdict::LeftOver("left_over"),
            Speaks::Alone if beside && alone() => Verdict::LeftOver("left_over"),
            Speaks::Loosely if beside && !timed && alone() => Verdict::LeftOver("left_over"),
            Speaks::Edge if beside && forward && !timed && self.opens_edge(i) => Verdict::LeftOver("left_over"),
            Speaks::Behind if beside && forward && alone() => Verdict::LeftOver("left_over"),
            Speaks::Alone | Speaks::Loosely | Speaks::Behind | Speaks::Edge | Speaks::Never => Verdict::Passes,
        }
    }

    /// "Tomorrow before the meeting": an edge that no time names. "Tomorrow after I have written" as well.
    fn opens_edge(&self, i: usize) -> bool {
        self.reader.get(i + 1).is_some_and(|l| l.mark.is_none())
    }

    /// Whether the length at `i` shifts the phrase beside it: "tomorrow, 10 minutes before the meeting", "tomorrow 2 hours".
    fn length(&self, i: usize, forward: bool, beside: bool) -> bool {
        if !forward {
            return beside && self.reader.is_any(i + 1, &[Sense::Before, Sense::After, Sense::Past]);
        }
        let end =
            (i..self.window.end).find(|j| self.uses[j - self.window.start] != Use::Length).unwrap_or(self.window.end);
        self.reader.is(i.wrapping_sub(1), Sense::At)
            || beside && self.stands_alone(end, true)
            || self.reader.is_any(end, &[Sense::Before, Sense::After, Sense::Ago, Sense::Past])
    }

    fn is_read(&self, i: usize) -> bool {
        self.window.contains(&i) && self.uses[i - self.window.start] == Use::Read
    }

    /// Whether no noun at `i` is counted by the number before it.
    fn stands_alone(&self, i: usize, beside: bool) -> bool {
        let reader = self.reader;
        let Some(lexeme) = reader.get(i) else { return true };
        if reader.is_counted(i) && !reader.is(i, Sense::Oclock) || lexeme.glued && !lexeme.word.is_empty() {
            return false;
        }
        match lexeme.mark {
            Some(mark) => !"$€£¥₽%°".contains(mark),
            None if lexeme.senses.is_empty() && !lexeme.word.is_empty() => {
                beside && !reader.grammar.may_be_counted(&lexeme.word)
            }
            None => lexeme.digits.is_none() && !lexeme.senses.is_empty(),
        }
    }

    fn number(&self, i: usize, beside: bool, timed: bool) -> Verdict {
        let reader = self.reader;
        let Some(lexeme) = reader.get(i) else { return Verdict::Ends };
        let Some(digits) = lexeme.digits else { return Verdict::Ends };
        let numbered = (1..=2).any(|back| i >= back && reader.is_word(i - back, reader.words.numbered));
        let announced = i > 0 && reader.is(i - 1, Sense::At);
        // with a clock: "a table for 4", "at 10:30, not 10"
        let of_people = timed
            && i > 0
            && (reader.is_any(i - 1, &[Sense::For, Sense::Not]) || reader.is_word(i - 1, reader.words.moved_to));
        if reader.is_spoilt(i) || numbered || of_people {
            return Verdict::Ends;
        }
        let next = reader.skip(i + 1, &[Sense::Oclock]);
        let next = if reader.is_word(next, reader.words.roughly) { next + 1 } else { next };
        let alone = self.is_read(next) || self.stands_alone(next, beside || announced);
        let (values, widths) = (digits.values(), digits.widths());
        let told = match (values, digits.separator) {
            ([hour, minute], Some(':')) => {
                let exists = *hour <= 24 && *minute < 60;
                return match (widths[1] == 2, exists) {
                    (true, true) => Verdict::LeftOver("left_over"),
                    (true, false) => Verdict::LeftOver("no_such_clock"),
                    // "at 9:5"; elsewhere a ratio
                    _ if announced => Verdict::LeftOver("no_such_clock"),
                    _ => Verdict::Ends,
                };
            }
            ([_, minute], Some('.' | ',')) => {
                alone && widths[1] == 2 && *minute < 60 && (announced || beside) && !reader.is_price(i + 1)
            }
            ([_, _], Some('/' | '-')) => alone && beside && widths.iter().all(|w| *w <= 2),
            ([_, _, _], Some('.' | '/' | '-' | ':')) => alone,
            ([n], None) => match widths[0] {
                1 | 2 if announced && alone && *n > 24 => return Verdict::LeftOver("no_such_clock"),
                1 | 2 => *n <= 31 && (alone || reader.meridiem(i + 1).is_some()),
                3 | 4 if reader.meridiem(i + 1).is_some() => true,
                4 if (1900..2100).contains(n) => {
                    alone && (beside || announced || reader.is(i.wrapping_sub(1), Sense::In))
                }
                3 | 4 => announced && alone,
                _ => false,
            },
            _ => false,
        };

        if told { Verdict::LeftOver("left_over") } else { Verdict::Ends }
    }
}
