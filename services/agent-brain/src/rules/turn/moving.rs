//! Moves: which promise, to what time, and what the client left unsaid stays.

use chrono::{DateTime, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};
use steward_language::{
    time::{Grain, Meaning, Moment, is_too_far},
    understanding::{Asked, Intent, Says, Shift, Which},
};

use super::{
    super::{
        book::{Fate, Origin},
        choice::{Choice, choose},
    },
    Turn,
};
use crate::brain::Incoming;

impl Turn<'_> {
    pub(super) fn shift(&mut self, time: &Asked, which: &Which, plain: bool, message: &Incoming) -> bool {
        if time.says == Says::SameTime && *which == Which::unsaid() && !self.book.open().is_empty() {
            self.asked_to_keep = true;
            return true;
        }
        match choose(&self.book, which, self.input.zone) {
            Choice::These(those) => {
                let Some(&first) = those.first() else { return true };
                self.move_to(first, time, message);
            }
            Choice::OneOf(those) => {
                let line = self.voice().which_to_move(&self.items(&those));
                self.told.extend(those);
                self.lines.push(line);
            }
            Choice::NotThere if which.named => self.say_not_there(),
            Choice::Nothing if plain && which.named => self.lines.push(self.voice().no_promises()),
            Choice::NotThere | Choice::Nothing => return self.not_understood(true),
        }
        true
    }

    /// So much later or earlier than they are due.
    pub(super) fn shift_by(&mut self, shift: &Shift, which: &Which, message: &Incoming) -> bool {
        match choose(&self.book, which, self.input.zone) {
            Choice::These(those) => {
                let context = self.context(message);
                let mut moved = Vec::new();
                for at in those {
                    match shift.from(self.book.entries[at].promise.due_at, &context) {
                        Some(due) if due <= message.written_at => {
                            self.lines.push(self.voice().already_past(self.local(due)));
                        }
                        Some(due) if is_too_far(self.input.now, due) => self.lines.push(self.voice().too_far()),
                        Some(due) => {
                            self.set(at, (due, Grain::Minute), &shift.phrase, "shift", message);
                            moved.push(at);
                        }
                        None => self.lines.push(self.voice().which_time(&[], self.intent_of(at))),
                    }
                }
                if !moved.is_empty() {
                    self.say_due(self.voice().moved(&self.items(&moved)), &moved);
                }
            }
            Choice::OneOf(those) => {
                let line = self.voice().which_to_move(&self.items(&those));
                self.told.extend(those);
                self.lines.push(line);
            }
            Choice::NotThere if which.named => self.say_not_there(),
            Choice::NotThere | Choice::Nothing => return self.not_understood(true),
        }
        true
    }

    /// What is due before `until` is wanted then.
    pub(super) fn not_before(&mut self, from: Option<DateTime<Utc>>, until: &Asked, message: &Incoming) {
        let doubt = self.doubt(&until.meaning, Intent::Write, message.written_at);
        let (None, Meaning::Instant(moment)) = (&doubt, &until.meaning) else {
            self.lines.extend(doubt);
            return;
        };
        let day = until.says == Says::Day;
        let limit =
            if day { self.instant(self.local(moment.at).date_naive().and_time(NaiveTime::MIN)) } else { moment.at };
        let within = |due: DateTime<Utc>| due < limit && from.is_none_or(|from| from <= due);
        let concerned: Vec<usize> =
            self.book.open().into_iter().filter(|&i| within(self.book.entries[i].promise.due_at)).collect();
        for &at in &concerned {
            let due = if day { self.due_of(at, moment, Says::Day) } else { moment.at };
            self.set(at, (due, Grain::Minute), &until.phrase, "not_before", message);
        }
        if concerned.is_empty() {
            self.asked_to_keep = true;
        } else {
            self.say_due(self.voice().moved(&self.items(&concerned)), &concerned);
        }
    }

    /// Moves a promise to a time; what the time leaves open stays as it was. A time in doubt is asked about.
    pub(super) fn move_to(&mut self, at: usize, time: &Asked, message: &Incoming) {
        let meaning = &time.meaning;
        let doubt = self.doubt(meaning, self.intent_of(at), message.written_at);
        let (None, Meaning::Instant(moment)) = (&doubt, meaning) else {
            self.lines.extend(doubt);
            return;
        };
        let due = self.due_of(at, moment, time.says);
        self.told.push(at);
        if due == self.book.entries[at].promise.due_at {
            self.lines.push(self.voice().kept(&self.items(&[at])));
        } else if due <= message.written_at {
            self.lines.push(self.voice().already_past(self.local(due)));
        } else {
            self.set(at, (due, moment.grain), &time.phrase, moment.rule, message);
            self.book.entries[at].elsewhere = moment.elsewhere;
            self.say_due(self.voice().moved(&self.items(&[at])), &[at]);
        }
    }

    pub(super) fn set(
        &mut self,
        at: usize,
        (due, grain): (DateTime<Utc>, Grain),
        phrase: &str,
        rule: &str,
        message: &Incoming,
    ) {
        let entry = &mut self.book.entries[at];
        entry.promise.due_at = due;
        entry.promise.phrase = phrase.to_owned();
        entry.to_the_second = grain == Grain::Second;
        entry.language = self.language;
        entry.message_id = Some(message.message_id);
        if entry.origin == Origin::New {
            entry.rule = rule.to_owned();
        } else {
            entry.fate = Fate::Moved { phrase: phrase.to_owned(), rule: rule.to_owned() };
        }
        self.told.push(at);
    }

    /// When a promise is due after a move to `moment`, of which the client said so much: the day of the promise stays when
    /// they named an hour alone, its hour when they named a day alone.
    pub(super) fn due_of(&self, at: usize, moment: &Moment, says: Says) -> DateTime<Utc> {
        let old = self.local(self.book.entries[at].promise.due_at);
        let new = self.local(moment.at);
        match says {
            Says::Moment => moment.at,
            Says::SameTime => self.book.entries[at].promise.due_at,
            Says::Clock => self.instant(old.date_naive().and_time(new.time())),
            Says::Day | Says::SameTimeOn => self.instant(new.date_naive().and_time(old.time())),
        }
    }

    /// The instant of a local time; in a gap of the clocks, that of the same distance behind it.
    fn instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let zone = self.input.zone;
        let there = |local: NaiveDateTime| zone.from_local_datetime(&local).earliest().map(|at| at.to_utc());
        there(local).or_else(|| there(local + TimeDelta::hours(1))).unwrap_or_else(|| local.and_utc())
    }
}
