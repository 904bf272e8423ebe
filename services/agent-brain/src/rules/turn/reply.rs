//! What a turn comes to: its decisions, and the one reply that tells of them.

use super::{
    super::book::{Entry, Fate, Origin},
    LONGEST_REPLY, Turn,
};
use crate::brain::{Decision, Offer};

/// What became of a turn's promises.
pub(super) struct Settled {
    pub decisions: Vec<Decision>,
    /// Those carried on as they were, and those that stay cancelled by a message: by their place in the book.
    pub renewed: Vec<usize>,
    pub lost: Vec<usize>,
}

impl Turn<'_> {
    /// The decisions about all promises. `goes_on`: whether one that these messages cancelled, and nobody touched, is renewed;
    /// `may_renew`: whether one that they cancelled and moved is the same promise still.
    pub(super) fn settle(&self, goes_on: impl Fn(usize) -> bool, may_renew: bool) -> Settled {
        let mut decisions = Vec::new();
        let (mut renewed, mut lost) = (Vec::new(), Vec::new());
        for (i, entry) in self.book.entries.iter().enumerate() {
            let id = entry.promise.follow_up_id;
            match (entry.origin, &entry.fate) {
                (Origin::New | Origin::TakenBack, Fate::Cancelled) => {}
                (Origin::Pending, Fate::Untouched) => decisions.extend(entry.retopic()),
                (Origin::TakenBack, Fate::Untouched) => {
                    decisions.extend(id.map(|follow_up_id| Decision::Restore { follow_up_id }));
                }
                (Origin::TakenBack, Fate::Moved { rule, .. }) => {
                    decisions.push(Entry { rule: rule.clone(), ..entry.clone() }.scheduled());
                }
                (Origin::New, _) => decisions.push(entry.scheduled()),
                (_, Fate::Cancelled) => decisions.extend(id.map(|follow_up_id| Decision::Cancel { follow_up_id })),
                // A human has said it since: it is neither renewed nor lost.
                (Origin::Cancelled, Fate::Untouched) if self.said_by_human(&entry.promise.text) => {}
                (Origin::Cancelled, Fate::Untouched) if goes_on(i) => {
                    renewed.push(i);
                    decisions.extend(id.map(|follow_up_id| Decision::Renew { follow_up_id }));
                }
                (Origin::Cancelled, Fate::Untouched) if entry.message_id.is_some() => decisions.push(entry.scheduled()),
                (Origin::Cancelled, Fate::Untouched) => lost.push(i),
                // without the right to renew, the client's explicit wish makes a new promise
                (Origin::Cancelled, Fate::Moved { rule, .. }) if !may_renew => {
                    decisions.push(Entry { rule: rule.clone(), ..entry.clone() }.scheduled());
                }
                (_, Fate::Moved { phrase, rule }) => {
                    decisions.extend(id.map(|follow_up_id| Decision::Move {
                        follow_up_id,
                        due_at: entry.promise.due_at,
                        phrase: phrase.clone(),
                        rule: rule.clone(),
                    }));
                    decisions.extend(entry.retopic());
                }
            }
        }
        Settled { decisions, renewed, lost }
    }
}

impl Turn<'_> {
    /// Renews what may be renewed and puts everything in words.
    pub fn finish(mut self) -> Vec<Decision> {
        let renews = self.input.defaults.renew && self.all_about_promises && !self.input.messages.is_empty();
        let Settled { mut decisions, renewed, lost } = self.settle(|_| renews, renews);
        let asked = self.question.take().and_then(|(question, message_id)| Some((question, message_id?)));
        decisions.extend(asked.map(|(question, message_id)| Decision::Ask {
            message_id,
            question,
            language: self.language,
        }));
        if let Some(message_id) = self.opts_out.take().filter(|_| !self.input.opted_out) {
            decisions.push(Decision::OptOut { message_id });
        }
        if let Some(message_id) = self.asked_in.take().filter(|_| self.input.opted_out) {
            decisions.push(Decision::OptIn { message_id });
        }
        let called =
            self.wants_human.iter().chain(self.wants_erasure.iter().filter(|id| !self.wants_human.contains(id)));
        decisions.extend(called.map(|id| Decision::RequestHuman { message_id: *id }));
        self.unsay();
        self.say_the_rest(&renewed, &lost);
        if !self.lines.is_empty() {
            let mut text = self.lines.join("\n");
            if let Some((end, _)) = text.char_indices().nth(LONGEST_REPLY) {
                text.truncate(end);
                text.push('…');
            }
            decisions.push(if self.said_by_human(&text) {
                Decision::Withhold { text }
            } else {
                Decision::Reply { offer: self.offer(&decisions), text }
            });
        }
        decisions
    }

    /// Whether a human of ours said just this, and the brain hasn't answered since.
    pub(super) fn said_by_human(&self, text: &str) -> bool {
        self.input.stretch.as_ref().is_some_and(|stretch| stretch.said(text))
    }

    /// Buttons about the promise that the turn made or moved, if there is exactly one.
    pub(super) fn offer(&self, decisions: &[Decision]) -> Option<Offer> {
        let confirmed = |d: &Decision| matches!(d, Decision::Schedule { .. } | Decision::Move { .. });
        let mut these = (0..decisions.len()).filter(|&i| confirmed(&decisions[i]));
        let (Some(decision), None) = (these.next(), these.next()) else { return None };
        Some(Offer { decision, titles: self.voice().buttons() })
    }

    /// The lines about renewals, losses, persons called and messages that nobody here can answer.
    fn say_the_rest(&mut self, renewed: &[usize], lost: &[usize]) {
        let voice = self.voice();
        let untold: Vec<usize> = renewed.iter().copied().filter(|i| !self.told.contains(i)).collect();
        let others = !self.lines.is_empty();
        if !untold.is_empty() {
            let items = self.items(&untold);
            self.lines.push(match (others, self.unsure) {
                (true, _) => voice.others_kept(&items),
                (false, true) => voice.unsure(&items),
                (false, false) => voice.kept(&items),
            });
        } else if self.asked_to_keep && !others && lost.is_empty() {
            let open = self.renewable();
            let line = if open.is_empty() { voice.no_promises() } else { voice.kept(&self.items(&open)) };
            self.lines.push(line);
        }
        if self.asked_for_help || (self.greeted && self.lines.is_empty() && lost.is_empty() && !self.unanswered) {
            self.lines.push(voice.abilities());
        }
        if !self.wants_human.is_empty() {
            self.lines.push(voice.person_called());
        }
        if !self.wants_erasure.is_empty() {
            self.lines.push(voice.erasure());
        }
        if !lost.is_empty() {
            let line = voice.lost(&self.items(lost));
            self.lines.push(line);
        }
        if self.unanswered && !self.asked_for_help {
            self.lines.push(voice.cannot_answer());
        }
        if self.in_part {
            self.lines.push(voice.read_in_part());
        }
    }

    /// The turn could not be decided: what its messages cancelled goes on, and a person is called.
    pub fn failed(self) -> Vec<Decision> {
        let lost: Vec<usize> = (0..self.book.entries.len())
            .filter(|&i| self.book.entries[i].origin == Origin::Cancelled)
            .filter(|&i| !self.said_by_human(&self.book.entries[i].promise.text))
            .collect();
        let renewed = lost.iter().filter_map(|&i| self.book.entries[i].promise.follow_up_id);
        let mut decisions: Vec<Decision> = renewed.map(|follow_up_id| Decision::Renew { follow_up_id }).collect();
        let last = self.input.messages.last();
        decisions.extend(last.map(|m| Decision::RequestHuman { message_id: m.message_id }));
        let mut text = self.voice().failed();
        if !lost.is_empty() {
            text = format!("{text}\n{}", self.voice().promises(&self.items(&lost)));
        }
        decisions.push(Decision::Reply { text, offer: None });
        decisions
    }
}
