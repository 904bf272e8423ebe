//! No unbacked word (N11): what a reply claims is compared with what was decided, before it is sent. Pure.
//!
//! The language crate reads what a text claims ([`steward_language::claims`]); here each claim is held against its backing: the
//! decisions of the turn and what stands already. A claim without a decision, or with another time than the decided one, is a
//! [`Finding`]: what the brain is told for its second try ([`Finding::why`]), and what [`corrected`] takes out if that fails.

mod backing;
mod correcting;
mod known;
mod times;
mod turn;

use std::ops::Range;

use chrono::{DateTime, Utc};
use steward_language::claims::{Claim, ClaimedTime, Deed, claims};

pub use self::{
    backing::{Backed, Backing},
    correcting::{Corrected, corrected},
};
use self::{known::Known, times::fits};

/// Bytes of a reply that are read, at most: what stands behind them can't be vouched for.
pub const MOST_BYTES: usize = 65_536;

/// What a reply says that nothing backs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Bytes of the reply: the words that claim it.
    pub span: Range<usize>,
    /// The sentence they stand in.
    pub sentence: Range<usize>,
    pub kind: FindingKind,
    /// Those words, as written.
    pub says: String,
    /// What is wrong with them, and what would be right: for the model's correction round.
    pub why: String,
}

/// What is claimed without a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FindingKind {
    Promise,
    Cancelled,
    Moved,
    Booked,
    HandedOff,
    Remembered,
    /// There is such a decision, but for another time.
    Time,
}

impl FindingKind {
    /// As events name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Promise => "promise",
            Self::Cancelled => "cancelled",
            Self::Moved => "moved",
            Self::Booked => "booked",
            Self::HandedOff => "handed_off",
            Self::Remembered => "remembered",
            Self::Time => "time",
        }
    }
}

/// What `reply` claims that `backing` doesn't bear out, in order. Takes time in proportion to the reply.
pub fn check(reply: &str, backing: &Backing) -> Vec<Finding> {
    let (read, rest) = reply.split_at(reply.floor_char_boundary(MOST_BYTES));
    let text = backing.without_topics(read);
    let known = Known::default();
    let mut findings: Vec<Finding> = claims(&text, &backing.context())
        .into_iter()
        .filter_map(|claim| {
            let (kind, why) = Judge { backing, known: &known }.unbacked(&claim)?;
            let says = read[claim.span.clone()].to_owned();
            let why = format!("You wrote \"{says}\": {why}");
            Some(Finding { span: claim.span, sentence: claim.sentence, kind, says, why })
        })
        .collect();
    if !rest.trim().is_empty() {
        let span = read.len()..reply.len();
        let why = format!("A reply of more than {MOST_BYTES} bytes can't be vouched for: say it shorter.");
        let says = rest.chars().take(80).collect();
        findings.push(Finding { span: span.clone(), sentence: span, kind: FindingKind::Promise, says, why });
    }
    findings
}

struct Judge<'a> {
    backing: &'a Backing,
    known: &'a Known,
}

impl Judge<'_> {
    /// What is wrong with a claim, if something is.
    fn unbacked(&self, claim: &Claim) -> Option<(FindingKind, String)> {
        let Backing { promised, moved, cancelled, booked, .. } = self.backing;
        let all = |lists: &[&[Backed]]| lists.concat();
        match claim.deed {
            Deed::Promise => self.timed(claim, FindingKind::Promise, &all(&[promised, moved])),
            Deed::Cancel => self.timed(claim, FindingKind::Cancelled, cancelled),
            Deed::Move => {
                let named = claim.times.iter().any(|t| !t.said.readings.is_empty());
                let stands = if named { promised.as_slice() } else { &[] };
                self.timed(claim, FindingKind::Moved, &all(&[moved, stands]))
            }
            Deed::Book => self.timed(claim, FindingKind::Booked, booked),
            Deed::Plan => self.timed(claim, FindingKind::Booked, &all(&[booked, promised, moved])),
            Deed::HandOff if !self.backing.handed_off => Some(self.missing(FindingKind::HandedOff)),
            Deed::HandOff => self.quoted(&claim.times, &all(&[promised, moved, booked])),
            Deed::Remember if !self.backing.remembered && !self.backing.goals => {
                Some(self.missing(FindingKind::Remembered))
            }
            Deed::Note if !self.backing.remembered && !self.backing.goals => {
                let decided = !promised.is_empty() || !moved.is_empty() || !booked.is_empty();
                (!decided && !self.backing.handed_off).then(|| self.missing(FindingKind::Remembered))
            }
            Deed::Remember | Deed::Note => None,
            Deed::Anything => (!self.backing.decides()).then(|| self.missing(FindingKind::Promise)),
            Deed::Time if claim.done => self.timed(claim, FindingKind::Time, &all(&[promised, moved, booked])),
            Deed::Time => self.quoted(&claim.times, &all(&[promised, moved, booked, cancelled])),
        }
    }

    fn missing(&self, kind: FindingKind) -> (FindingKind, String) {
        let why = match kind {
            FindingKind::Promise => {
                "no promise is decided in this turn, and none stands. Decide it first, or don't promise it."
            }
            FindingKind::Cancelled => "nothing is cancelled. Cancel it first, or don't say so.",
            FindingKind::Moved => "nothing is moved. Move it first, or don't say so.",
            FindingKind::Booked => "nothing is booked. Book it first, or don't say so.",
            FindingKind::HandedOff => {
                "no person is told of this conversation. Hand it off first, or don't speak for people."
            }
            FindingKind::Remembered => "nothing is remembered. Remember it first, or don't say so.",
            FindingKind::Time => "nothing is decided for that time.",
        };
        (kind, why.to_owned())
    }

    /// What is wrong with a claim of things that have a time, where `list` are those that there are.
    fn timed(&self, claim: &Claim, kind: FindingKind, list: &[Backed]) -> Option<(FindingKind, String)> {
        if list.is_empty() {
            return Some(self.missing(kind));
        }
        let fitting = |time: &ClaimedTime| list.iter().any(|b| fits(&time.said, b.when, self.backing));
        let (matched, others): (Vec<&ClaimedTime>, Vec<_>) = claim.times.iter().partition(|time| fitting(time));
        // A time of the matter stands beside that of the claim; alone it must be clear that it is the matter's.
        let excused =
            |time: &ClaimedTime| (if matched.is_empty() { time.about } else { time.behind }) && self.is_known(time);
        others.iter().find(|time| !excused(time)).map(|time| self.other_time(time, list))
    }

    /// What is wrong with times that are said of others' doings: they are known, or decided.
    fn quoted(&self, times: &[ClaimedTime], list: &[Backed]) -> Option<(FindingKind, String)> {
        let wrong = |time: &&ClaimedTime| {
            let decided = list.iter().any(|b| fits(&time.said, b.when, self.backing));
            !time.said.readings.is_empty() && !decided && !self.is_known(time)
        };
        times.iter().find(wrong).map(|time| self.other_time(time, list))
    }

    fn is_known(&self, time: &ClaimedTime) -> bool {
        self.known.holds(&time.said, self.backing)
    }

    fn other_time(&self, time: &ClaimedTime, list: &[Backed]) -> (FindingKind, String) {
        let mut why = String::from("that time isn't decided");
        if let Some(reading) = time.said.readings.first() {
            why = format!("it means {}, which isn't decided", self.shown(reading.at));
        }
        let mut decided: Vec<String> = list.iter().take(8).map(|b| self.shown(b.when)).collect();
        decided.dedup();
        why += &match decided[..] {
            [] => ". Leave the time out.".to_owned(),
            _ => format!(". Decided: {}. Say just that, or leave the time out.", decided.join("; ")),
        };
        (FindingKind::Time, why)
    }

    fn shown(&self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.backing.zone);
        format!("{} ({})", local.format("%A %-d %B %Y %H:%M"), self.backing.zone.name())
    }
}
