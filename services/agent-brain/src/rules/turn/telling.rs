//! What the client tells of themselves in plain words: goals, milestones and facts, set, corrected and taken back.

use std::sync::Arc;

use steward_domain::contact::memory::{Evidence, Item, Kind, Memory, Words};
use steward_language::aims::{Aim, What, aims};

use super::Turn;
use crate::{
    brain::{Incoming, TurnInput},
    remembering::Remembering,
};

/// Of what is said of these there is one at a time: who says it anew corrects it.
const ONE_OF_EACH: [&str; 3] = ["home", "work", "birthday"];
/// Percent: said in plain words, and about oneself.
const SURE: u32 = 90;
/// Things that a reply names.
const NAMED: usize = 5;

/// What became of what the client told.
#[derive(Clone, Default)]
pub(super) struct Told {
    pub all: Vec<Remembering>,
    /// In their words: set, done, gone.
    set: Vec<String>,
    done: Vec<String>,
    gone: Vec<String>,
}

impl Turn<'_> {
    /// Takes in what a message tells of the client; whether it tells anything.
    pub(super) fn told(&mut self, message: &Incoming) -> bool {
        if self.input.contact.is_none() {
            return false;
        }
        let context = self.context(message);
        let before = self.telling.all.len();
        for aim in aims(&message.text, &context) {
            let quote = &message.text[aim.span.clone()];
            let Some(evidence) = Evidence::of(message.message_id, &message.text, quote, message.written_at) else {
                continue;
            };
            self.telling.take(&self.input.memory, aim, evidence);
        }
        self.telling.all.len() > before
    }

    /// The lines that say what is remembered.
    pub(super) fn say_remembered(&mut self) {
        let voice = self.voice();
        let Told { set, done, gone, .. } = &self.telling;
        let lines = [(set, 0), (done, 1), (gone, 2)].into_iter().filter(|(texts, _)| !texts.is_empty());
        let lines: Vec<String> = lines
            .map(|(texts, what)| {
                let named = &texts[..texts.len().min(NAMED)];
                match what {
                    0 => voice.noted(named),
                    1 => voice.noted_as_done(named),
                    _ => voice.noted_as_gone(named),
                }
            })
            .collect();
        self.lines.extend(lines);
    }
}

impl Told {
    fn take(&mut self, memory: &Arc<Memory>, aim: Aim, evidence: Evidence) {
        let words = Words::of(&aim.text);
        match aim.what {
            What::Goal => {
                self.set.push(aim.text.clone());
                self.add(Kind::Goal, aim, evidence);
            }
            What::Milestone => {
                let open = |kind| memory.open(kind).filter(|item| item.words().alike(&words)).collect::<Vec<_>>();
                match (open(Kind::Milestone).as_slice(), open(Kind::Goal).as_slice()) {
                    ([one], _) | ([], [one]) => {
                        self.done.push(one.text.clone());
                        self.end(one, true, "", evidence);
                    }
                    _ => {
                        self.set.push(aim.text.clone());
                        self.add(Kind::Milestone, aim, evidence);
                    }
                }
            }
            What::Fact(of) => {
                let of_it = |item: &&Item| {
                    let context = steward_language::aims::says(&item.text);
                    ONE_OF_EACH.contains(&of) && context == Some(of)
                };
                if memory.open(Kind::Fact).any(|item| item.words().same(&words)) {
                    return;
                }
                self.set.push(aim.text.clone());
                match memory.open(Kind::Fact).find(of_it) {
                    Some(old) => self.all.push(Remembering::Correct {
                        id: old.id,
                        text: Some(aim.text),
                        at: None,
                        progress: None,
                        evidence,
                    }),
                    None => self.add(Kind::Fact, aim, evidence),
                }
            }
            What::GivenUp => self.gone_of(memory, &[Kind::Goal], &words, "given_up", evidence),
            What::Forget => self.gone_of(memory, &Kind::ALL, &words, "forgotten", evidence),
        }
    }

    /// Ends the one thing that these words speak of; of several, none.
    fn gone_of(&mut self, memory: &Memory, kinds: &[Kind], words: &Words, code: &'static str, evidence: Evidence) {
        let alike: Vec<&Item> =
            kinds.iter().flat_map(|kind| memory.open(*kind)).filter(|item| item.words().alike(words)).collect();
        let same: Vec<&Item> = alike.iter().copied().filter(|item| item.words().same(words)).collect();
        if let ([one], _) | (_, [one]) = (same.as_slice(), alike.as_slice()) {
            self.gone.push(one.text.clone());
            self.end(one, false, code, evidence);
        }
    }

    fn add(&mut self, kind: Kind, aim: Aim, evidence: Evidence) {
        let at = match kind {
            Kind::Goal => aim.due,
            Kind::Milestone => Some(evidence.said_at),
            Kind::Fact => None,
        };
        self.all.push(Remembering::Set { kind, text: aim.text, at, goal: None, evidence, confidence: SURE });
    }

    fn end(&mut self, item: &Item, done: bool, code: &'static str, evidence: Evidence) {
        self.all.push(Remembering::End { id: item.id, done, code, evidence });
    }
}

/// What a brain is shown of the contact, by numbers from 1: open goals, the latest milestones, facts.
pub fn shown(input: &TurnInput) -> Vec<&Item> {
    let memory = &input.memory;
    memory.open(Kind::Goal).chain(memory.latest_milestones()).chain(memory.open(Kind::Fact)).collect()
}
