//! Taking a cancellation back: what the client didn't want a moment ago stands again, or is asked about.

use steward_language::understanding::Intent;
use uuid::Uuid;

use super::{
    super::book::{Entry, Origin, name},
    Turn,
};
use crate::{
    brain::{Incoming, Promise, Question},
    press,
};

impl Turn<'_> {
    /// "Keep it", "bring it back": said of what they took back in their last words, if they did; else of what stands.
    pub(super) fn keep(&mut self, message: &Incoming) {
        let taken_back = self.input.taken_back.as_ref().filter(|_| !self.restored);
        match taken_back {
            Some(taken_back) if taken_back.fresh => self.restore(&taken_back.promises, message),
            Some(taken_back) => match taken_back.promises.as_slice() {
                [only] if self.book.open().is_empty() => self.ask_again(only, message),
                _ => self.asked_to_keep = true,
            },
            None => self.asked_to_keep = true,
        }
    }

    /// The button "keep it" below the confirmation of what was taken back; whether it was that.
    pub(super) fn restore_of_button(&mut self, promise: Uuid, message: &Incoming) -> bool {
        let Some(taken_back) = self.input.taken_back.as_ref().filter(|t| t.fresh && !self.restored) else {
            return false;
        };
        let Some(at) = press::find(promise, taken_back.promises.iter().map(|p| p.follow_up_id)) else { return false };
        let promise = &taken_back.promises[at];
        self.language = promise.language;
        self.restore(std::slice::from_ref(promise), message);
        true
    }

    fn restore(&mut self, promises: &[Promise], message: &Incoming) {
        self.restored = true;
        let room = self.input.most_promises.saturating_sub(self.book.open().len());
        let ahead = promises.iter().filter(|p| p.due_at > self.input.now);
        let entries: Vec<Entry> = ahead.map(|p| Entry::of(p, Origin::TakenBack)).collect();
        match (entries.is_empty(), promises) {
            (false, _) if entries.len() > room => self.lines.push(self.voice().too_many()),
            (false, _) => {
                let first = self.book.entries.len();
                self.book.entries.extend(entries);
                let those: Vec<usize> = (first..self.book.entries.len()).collect();
                self.lines.push(self.voice().kept(&self.items(&those)));
                self.told.extend(those);
                self.asked_in = Some(message.message_id);
                self.opts_out = None;
            }
            (true, [only]) => self.ask_again(only, message),
            (true, _) => self.asked_to_keep = true,
        }
    }

    /// Its time or the moment for it has passed: they are asked for a new one.
    fn ask_again(&mut self, promise: &Promise, message: &Incoming) {
        self.restored = true;
        let remind = promise.intention == name(Intent::Remind);
        let intent = if remind { Intent::Remind } else { Intent::Write };
        self.lines.push(self.voice().when(intent));
        let question = Question { intention: promise.intention.clone(), topic: promise.topic.clone() };
        self.question = Some((question, Some(message.message_id)));
    }
}
