//! Edits: a request whose promises stand is read anew, and they become what it says now.

use steward_language::{
    time::{Grain, Meaning, Moment},
    understanding::{Asked, Intent, Request, understand},
};

use super::{
    super::book::{Fate, Origin, name},
    MOST_REQUESTS, Turn,
};
use crate::brain::Incoming;

/// One thing that the edited message asks for.
struct Wish {
    intent: Intent,
    time: Asked,
    /// What would be sent.
    text: String,
    topic: String,
}

impl Wish {
    fn moment(&self) -> Option<&Moment> {
        match &self.time.meaning {
            Meaning::Instant(moment) => Some(moment),
            _ => None,
        }
    }
}

impl Turn<'_> {
    /// What the message asked for becomes what it asks for now: as many promises as it names, each at its time and about its
    /// topic. What can't be taken as it is said changes nothing, and the client is told.
    pub(super) fn read_edit(&mut self, message: &Incoming) {
        let asked_here = |turn: &Self, i: usize| turn.book.entries[i].promise.asked_in == Some(message.message_id);
        let mut stand: Vec<usize> = self.book.open().into_iter().filter(|&i| asked_here(self, i)).collect();
        if stand.is_empty() {
            return;
        }
        // An open question isn't answered by this, and goes on.
        if let Some((_, asked @ None)) = &mut self.question {
            *asked = Some(message.message_id);
        }
        let understood = understand(&message.text, &self.context(message));
        if let Some(language) = understood.language {
            self.language = language;
        }
        self.in_part |= understood.in_part || message.cut;
        let mut takes_back = false;
        let mut wishes: Vec<Wish> = Vec::new();
        for request in understood.requests.into_iter().take(MOST_REQUESTS) {
            let (intent, time, topic) = match request {
                Request::WriteToMe { time, topic, .. } => (Intent::Write, time, topic),
                Request::RemindMe { time, topic, .. } => (Intent::Remind, time, topic),
                Request::Cancel { .. } | Request::OptOut => {
                    takes_back = true;
                    continue;
                }
                _ => continue,
            };
            let (text, topic) = self.named(intent, &topic);
            wishes.push(Wish { intent, time, text, topic });
        }
        if wishes.is_empty() {
            self.told.extend(&stand);
            let items = self.items(&stand);
            if takes_back {
                stand.iter().for_each(|&i| self.book.entries[i].fate = Fate::Cancelled);
                self.lines.push(self.voice().cancelled(&items));
            } else {
                self.lines.push(self.voice().unsure(&items));
            }
            return;
        }
        // What it says of these is what it said.
        wishes.retain(|wish| {
            let same = stand.iter().position(|&i| self.is_as_wished(i, wish));
            same.map(|at| stand.remove(at)).is_none()
        });
        if let Some(doubt) = wishes.iter().find_map(|wish| self.doubt_of(wish, message)) {
            self.lines.push(doubt);
            if !stand.is_empty() {
                self.lines.push(self.voice().kept(&self.items(&stand)));
                self.told.extend(stand);
            }
            return;
        }
        let mut new = Vec::new();
        for wish in wishes {
            match stand.iter().position(|&i| self.can_become(i, &wish)) {
                Some(at) => self.become_wish(stand.remove(at), wish, message),
                None => new.push(wish),
            }
        }
        // One that is made anew takes the place of one that stood.
        let replaced = stand.len().min(new.len());
        for at in stand.drain(..replaced) {
            self.book.entries[at].fate = Fate::Cancelled;
        }
        if !stand.is_empty() {
            let line = self.voice().cancelled(&self.items(&stand));
            stand.into_iter().for_each(|at| self.book.entries[at].fate = Fate::Cancelled);
            self.lines.push(line);
        }
        for Wish { intent, time, topic, .. } in new {
            self.ask(intent, time, topic, false, message);
        }
    }

    fn is_as_wished(&self, at: usize, wish: &Wish) -> bool {
        let promise = &self.book.entries[at].promise;
        let same_time = wish.moment().is_some_and(|moment| moment.at == promise.due_at);
        same_time && promise.intention == name(wish.intent) && promise.topic == wish.topic
    }

    /// Why a wish can't be taken as it is said. An edit comes after what it changes: its time may have passed meanwhile.
    fn doubt_of(&self, wish: &Wish, message: &Incoming) -> Option<String> {
        let passed = wish.moment().filter(|moment| moment.at <= self.input.now);
        let passed = passed.map(|moment| self.voice().already_past(self.local(moment.at)));
        self.doubt(&wish.time.meaning, wish.intent, message.written_at).or(passed)
    }

    /// Whether a promise can be moved to what is wished: what it does stays, and only one that still stands changes its topic.
    fn can_become(&self, at: usize, wish: &Wish) -> bool {
        let entry = &self.book.entries[at];
        let promise = &entry.promise;
        promise.intention == name(wish.intent) && (promise.topic == wish.topic || entry.origin == Origin::Pending)
    }

    fn become_wish(&mut self, at: usize, wish: Wish, message: &Incoming) {
        let Wish { time: Asked { meaning, phrase, .. }, text, topic, .. } = wish;
        let Meaning::Instant(moment) = meaning else { return };
        let entry = &mut self.book.entries[at];
        if entry.promise.topic != topic {
            entry.retopic = true;
            entry.promise.topic = topic;
            entry.promise.text = text;
        }
        if entry.promise.due_at == moment.at {
            entry.to_the_second = moment.grain == Grain::Second;
            self.told.push(at);
            self.say_due(self.voice().confirmed(&self.item(at)), &[at]);
        } else {
            self.set(at, (moment.at, moment.grain), &phrase, moment.rule, message);
            self.say_due(self.voice().moved(&self.items(&[at])), &[at]);
        }
    }
}
