//! What another brain than the rules remembers of the contact, and what becomes of words that weren't sent.

use chrono::{DateTime, Utc};
use steward_domain::{
    contact::memory::{Evidence, Item, Kind},
    conversation::intents::Resolution,
};
use steward_language::time::{Meaning, parse};

use super::{super::telling::shown, Desk};
use crate::{
    assistant::own::own_lines,
    brain::{Decision, Unsaid},
    remembering::Remembering,
};

impl Desk<'_> {
    /// What is remembered, by numbers from 1.
    pub fn remembered(&self) -> Vec<&Item> {
        shown(self.turn.input)
    }

    /// Of the kind and under the number that a brain names.
    ///
    /// # Errors
    /// There is none, in words.
    pub fn remembered_at(&self, number: usize, kinds: &[Kind]) -> Result<Item, String> {
        let all = self.remembered();
        let item = number.checked_sub(1).and_then(|at| all.get(at)).filter(|item| kinds.contains(&item.id.kind));
        let ended =
            |item: &&&Item| self.mind.iter().any(|r| matches!(r, Remembering::End { id, .. } if *id == item.id));
        match item {
            Some(item) if ended(&item) => Err(format!("{number} was ended before in this turn")),
            Some(item) => Ok((*item).clone()),
            None => Err(format!("nothing of that kind is remembered under {number}")),
        }
    }

    /// The words of the client's that a brain quotes: they stand just so in a message of this turn.
    ///
    /// # Errors
    /// They don't, in words.
    pub fn evidence(&self, quote: &str) -> Result<Evidence, String> {
        let own = self.turn.input.messages.iter().filter(|m| !m.forwarded).rev();
        let quote = quote.trim();
        // Lines that they quote are somebody else's.
        let mut found = own.filter_map(|m| {
            let evidence = Evidence::of(m.message_id, &m.text, quote, m.written_at)?;
            own_lines(&m.text).contains(quote).then_some(evidence)
        });
        found.next().ok_or_else(|| "`quote` must stand just so in what the client has just written".to_owned())
    }

    /// The instant that words name.
    ///
    /// # Errors
    /// They name none, or not clearly.
    pub fn instant(&self, when: &str) -> Result<DateTime<Utc>, String> {
        let Some(message) = self.asking() else { return Err("no message says a time".to_owned()) };
        match parse(when, &self.turn.context(&message)) {
            Meaning::Instant(moment) => Ok(moment.at),
            _ => Err(format!("{when:?} is no clear time; leave it out, or say it otherwise")),
        }
    }

    /// # Errors
    /// This contact isn't known, or something isn't remembered a second time.
    pub fn remember(&mut self, remembering: Remembering) -> Result<(), String> {
        if self.turn.input.contact.is_none() {
            return Err("in a conversation of several people nothing is remembered".to_owned());
        }
        if !self.mind.contains(&remembering) {
            self.mind.push(remembering);
        }
        Ok(())
    }

    /// What wasn't sent because the client wrote first, by numbers from 1.
    pub fn unsaid(&self) -> &[Unsaid] {
        &self.turn.input.unsaid
    }

    /// Settles what becomes of it.
    ///
    /// # Errors
    /// There is none under this number.
    pub fn settle_intent(&mut self, number: usize, resolution: Resolution, why: &str) -> Result<Unsaid, String> {
        let unsaid = number.checked_sub(1).and_then(|at| self.unsaid().get(at)).cloned();
        let unsaid = unsaid.ok_or_else(|| format!("nothing is unsaid under {number}"))?;
        self.intents.retain(
            |intent| !matches!(intent, Decision::Intent { message_id, .. } if *message_id == unsaid.message_id),
        );
        let why = why.to_owned();
        self.intents.push(Decision::Intent { message_id: unsaid.message_id, resolution, why });
        Ok(unsaid)
    }
}
