//! The desk: what another brain than the rules does to the promises of a turn, one thing at a time, by the same rules. It
//! writes nothing: each act says what would hold, and at the end all of them are the turn's decisions.

mod meeting;
mod mind;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use steward_domain::ids::MessageId;
use steward_language::{
    Language,
    time::{Grain, Meaning, parse},
    understanding::{Asked, Intent, Request, Says, understand},
    wording::Voice,
};

use super::{
    super::book::{Fate, Origin},
    Turn,
};
use crate::{
    brain::{Decision, Incoming, Offer, Question, TurnInput},
    remembering::Remembering,
};

/// A turn's promises in the hands of a brain that acts step by step.
#[derive(Clone)]
pub struct Desk<'a> {
    turn: Turn<'a>,
    /// Promises that go on, of those that these messages cancelled: by their place in the book.
    kept: Vec<usize>,
    handed_off: bool,
    /// What is remembered of the contact.
    mind: Vec<Remembering>,
    /// What becomes of words that weren't sent.
    intents: Vec<Decision>,
    /// Meetings that are booked.
    booked: Vec<Decision>,
}

/// A promise as it stands on the desk.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its place, from 1: what it is called by.
    pub number: usize,
    pub due_at: DateTime<Utc>,
    pub reminds: bool,
    pub topic: String,
    pub state: State,
}

/// What has become of a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Stands,
    /// These messages cancelled it, and nothing has been decided about it.
    Open,
    Moved,
    Made,
    Kept,
    Cancelled,
}

/// What an act came to: words in the client's language.
pub type Act = Result<String, String>;

impl<'a> Desk<'a> {
    pub fn new(input: &'a TurnInput) -> Self {
        let mut turn = Turn::new(input);
        if let Some(language) = input.written_in() {
            turn.language = language;
        }
        Self { turn, kept: Vec::new(), handed_off: false, mind: Vec::new(), intents: Vec::new(), booked: Vec::new() }
    }

    pub fn language(&self) -> Language {
        self.turn.language
    }

    pub fn voice(&self) -> Voice {
        self.turn.voice()
    }

    /// All promises of the turn, in the order of their numbers.
    pub fn standing(&self) -> Vec<Standing> {
        let standing = |at: usize| {
            let entry = &self.turn.book.entries[at];
            let state = match (entry.origin, &entry.fate) {
                (_, Fate::Cancelled) => State::Cancelled,
                (Origin::New, _) => State::Made,
                (_, Fate::Moved { .. }) => State::Moved,
                (Origin::Cancelled, Fate::Untouched) if self.kept.contains(&at) => State::Kept,
                (Origin::Cancelled, Fate::Untouched) => State::Open,
                (Origin::Pending | Origin::TakenBack, Fate::Untouched) => State::Stands,
            };
            let promise = &entry.promise;
            Standing {
                number: at + 1,
                due_at: promise.due_at,
                reminds: entry.is_reminder(),
                topic: promise.topic.clone(),
                state,
            }
        };
        (0..self.turn.book.entries.len()).map(standing).collect()
    }

    /// Promises to write to the client, or to remind them, at a time in words.
    pub fn promise(&mut self, reminds: bool, when: &str, about: &str) -> Act {
        let Some(message) = self.asking() else { return Err("no message asks for anything".to_owned()) };
        let intent = if reminds { Intent::Remind } else { Intent::Write };
        let context = self.turn.context(&message);
        let time = Asked { meaning: parse(when, &context), phrase: when.trim().to_owned(), says: Says::Moment };
        let before = (self.turn.book.entries.len(), self.turn.lines.len());
        let kept = (self.turn.asked_to_keep, self.turn.question.clone());
        let is_time = matches!(time.meaning, Meaning::Instant(_));
        let same = |turn: &Turn<'_>| match &time.meaning {
            Meaning::Instant(moment) => turn.book.same(moment.at, intent, about),
            _ => None,
        };
        let already = same(&self.turn);
        self.turn.ask(intent, time, about.trim().to_owned(), false, &message);
        // What the rules would ask the client is told to the brain, which may know better words.
        (self.turn.asked_to_keep, self.turn.question) = kept;
        let said = self.said_since(before.1);
        if let Some(already) = already {
            self.keep_at(already);
            return Ok(said);
        }
        if is_time && self.turn.book.entries.len() > before.0 { Ok(said) } else { Err(said) }
    }

    /// Moves a promise to a time in words; what they leave open stays as it was.
    pub fn move_to(&mut self, number: usize, when: &str) -> Act {
        let at = self.open(number)?;
        let Some(message) = self.asking() else { return Err("no message asks for anything".to_owned()) };
        let context = self.turn.context(&message);
        let old = self.turn.book.entries[at].promise.due_at;
        let lines = self.turn.lines.len();
        let read = understand(when, &context).requests.into_iter().next();
        match read {
            Some(Request::Shift { shift, .. }) => match shift.from(old, &context) {
                Some(due)
                    if due > message.written_at && !steward_language::time::is_too_far(self.turn.input.now, due) =>
                {
                    self.turn.set(at, (due, Grain::Minute), &shift.phrase, "shift", &message);
                    let line = self.turn.voice().moved(&self.turn.items(&[at]));
                    self.turn.lines.push(line);
                }
                _ => return Err("that is past, too far ahead, or not clear".to_owned()),
            },
            Some(Request::Time(time) | Request::Move { time, .. }) => self.turn.move_to(at, &time, &message),
            _ => {
                let meaning = parse(when, &context);
                let time = Asked { meaning, phrase: when.trim().to_owned(), says: Says::Moment };
                self.turn.move_to(at, &time, &message);
            }
        }
        let said = self.said_since(lines);
        let entry = &self.turn.book.entries[at];
        if entry.promise.due_at == old && !matches!(entry.fate, Fate::Moved { .. }) {
            let same_time = said == self.turn.voice().kept(&self.turn.items(&[at]));
            if same_time {
                self.keep_at(at);
                return Ok(said);
            }
            return Err(said);
        }
        Ok(said)
    }

    /// Takes a promise back.
    pub fn cancel(&mut self, number: usize) -> Act {
        let at = self.open(number)?;
        let line = self.turn.voice().cancelled(&self.turn.items(&[at]));
        self.turn.book.entries[at].fate = Fate::Cancelled;
        Ok(line)
    }

    /// What these messages cancelled goes on as it was.
    pub fn keep(&mut self, number: usize) -> Act {
        let at = self.open(number)?;
        self.keep_at(at);
        Ok(self.turn.voice().kept(&self.turn.items(&[at])))
    }

    fn keep_at(&mut self, at: usize) {
        if self.turn.book.entries[at].origin == Origin::Cancelled && !self.kept.contains(&at) {
            self.kept.push(at);
        }
    }

    /// A person of ours is called.
    pub fn hand_off(&mut self) -> Act {
        let Some(message) = self.asking() else { return Err("no message asks for anything".to_owned()) };
        if !self.handed_off {
            self.turn.wants_human.push(message.message_id);
            self.handed_off = true;
        }
        Ok(self.turn.voice().person_called())
    }

    pub fn is_handed_off(&self) -> bool {
        self.handed_off
    }

    /// Of a time that wasn't clear: what the client is asked about stays in mind until they answer.
    pub fn ask_when(&mut self, reminds: bool, about: &str) {
        let Some(message) = self.asking() else { return };
        let intention = super::name(if reminds { Intent::Remind } else { Intent::Write }).to_owned();
        let question = Question { intention, topic: about.trim().to_owned() };
        self.turn.question = Some((question, Some(message.message_id)));
    }

    /// What the times of the latest message are read against, and how it says them.
    pub fn zone(&self) -> Tz {
        self.turn.input.zone
    }

    /// The decisions, and the reply in these words; `by_the_rules` are those that the rules would have made, which say what
    /// goes on of what nobody touched.
    pub fn finish(mut self, reply: Option<String>, by_the_rules: &[Decision]) -> Vec<Decision> {
        let renewed = |decision: &Decision| match decision {
            Decision::Renew { follow_up_id } => Some(*follow_up_id),
            _ => None,
        };
        let found = by_the_rules;
        let by_the_rules: Vec<_> = by_the_rules.iter().filter_map(renewed).collect();
        let goes_on = |desk: &Self, at: usize| {
            let entry = &desk.turn.book.entries[at];
            desk.kept.contains(&at) || entry.promise.follow_up_id.is_some_and(|id| by_the_rules.contains(&id))
        };
        let kept: Vec<bool> = (0..self.turn.book.entries.len()).map(|at| goes_on(&self, at)).collect();
        let settled = self.turn.settle(|at| kept[at], true);
        let mut decisions = settled.decisions;
        let mut reply = reply.filter(|text| !text.trim().is_empty());
        if !settled.lost.is_empty() {
            // F3: what a message cancelled is said, whoever words the rest.
            let line = self.turn.voice().lost(&self.turn.items(&settled.lost));
            reply = Some(reply.map_or(line.clone(), |text| format!("{text}\n\n{line}")));
        }
        let asked = self.turn.question.take().and_then(|(question, message_id)| Some((question, message_id?)));
        let made = decisions.iter().any(|d| matches!(d, Decision::Schedule { .. }));
        decisions.extend(asked.filter(|_| !made).map(|(question, message_id)| Decision::Ask {
            message_id,
            question,
            language: self.turn.language,
        }));
        if let Some(message_id) = self.turn.asked_in.take().filter(|_| self.turn.input.opted_out) {
            decisions.push(Decision::OptIn { message_id });
        }
        let called: Vec<MessageId> = std::mem::take(&mut self.turn.wants_human);
        decisions.extend(called.into_iter().map(|message_id| Decision::RequestHuman { message_id }));
        // What the rules found in plain words is kept, where the brain that acts here remembers nothing itself.
        if self.mind.is_empty() {
            decisions.extend(found.iter().filter(|d| matches!(d, Decision::Remember(_))).cloned());
        }
        decisions.extend(self.mind.drain(..).map(|it| Decision::Remember(Box::new(it))));
        decisions.append(&mut self.intents);
        decisions.append(&mut self.booked);
        if let Some(text) = reply {
            decisions.push(if self.turn.said_by_human(&text) {
                Decision::Withhold { text }
            } else {
                let offer: Option<Offer> = self.turn.offer(&decisions);
                Decision::Reply { offer, text }
            });
        }
        decisions
    }

    /// The place of a promise that may still be changed.
    fn open(&self, number: usize) -> Result<usize, String> {
        let at = number.checked_sub(1).filter(|at| self.turn.book.entries.get(*at).is_some_and(|e| e.is_open()));
        at.ok_or_else(|| format!("there is no open promise {number}; list_promises says which there are"))
    }

    /// The client's latest message that is theirs.
    fn asking(&self) -> Option<Incoming> {
        self.turn.input.messages.iter().rev().find(|message| !message.forwarded).cloned()
    }

    fn said_since(&mut self, lines: usize) -> String {
        self.turn.lines.split_off(lines).join("\n")
    }
}
