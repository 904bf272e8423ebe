//! One turn decided: requests applied to the book in order, the rule of renewal, and the reply.

mod desk;
mod editing;
mod moving;
mod reply;
mod restoring;

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use steward_domain::ids::MessageId;
use steward_language::{
    Language,
    time::{Grain, Meaning, Moment, TimeContext, is_too_far},
    understanding::{Asked, Intent, Request, Says, Which, hangs_on_condition, understand, wants_erasure},
    wording::{Item, Voice, topic_of},
};
use uuid::Uuid;

pub use self::desk::{Desk, Standing, State};

use super::{
    book::{Book, Entry, Fate, Origin, name},
    choice::{Choice, choose},
};
use crate::{
    brain::{Incoming, Promise, Question, TurnInput},
    press::Press,
};

/// Kinds of message whose text, if there is one, isn't the client's own words.
const WORDLESS: &[&str] =
    &["sticker", "location", "contacts", "reaction", "system", "unsupported", "order", "auto_reply", "bounce", "list"];

/// Things that one turn does, at most: nobody asks for so many at once.
const MOST_REQUESTS: usize = 64;
/// Characters of a reply, at most.
const LONGEST_REPLY: usize = 12_000;

/// A line of the reply that says when promises are due.
#[derive(Clone)]
struct SaysDue {
    line: usize,
    /// Each, and when it was due as the line was made.
    due: Vec<(usize, DateTime<Utc>)>,
}

/// A turn being decided.
#[derive(Clone)]
pub(super) struct Turn<'a> {
    input: &'a TurnInput,
    book: Book,
    /// Language of the reply: that of the last message that shows one.
    language: Language,
    /// Whether all messages so far are about promises.
    all_about_promises: bool,
    /// "Keep it" was said.
    asked_to_keep: bool,
    wants_human: Vec<MessageId>,
    /// What is known of them is to be deleted.
    wants_erasure: Vec<MessageId>,
    /// What the client is asked, and the message that asked for it.
    question: Option<(Question, Option<MessageId>)>,
    /// The message in which the client wanted nothing more, unless they asked for something after it.
    opts_out: Option<MessageId>,
    /// The one in which they asked for something.
    asked_in: Option<MessageId>,
    /// It may have been about promises, and wasn't understood.
    unsure: bool,
    greeted: bool,
    asked_for_help: bool,
    /// Lines of the reply, in order.
    lines: Vec<String>,
    /// Which of the lines say when promises are due.
    says_due: Vec<SaysDue>,
    /// The promises that the reply already spoke of.
    told: Vec<usize>,
    unanswered: bool,
    /// What was taken back was spoken of.
    restored: bool,
    /// Requests done so far.
    requests: usize,
    /// Something that the client wrote was not read.
    in_part: bool,
}

impl<'a> Turn<'a> {
    pub fn new(input: &'a TurnInput) -> Self {
        Self {
            input,
            book: Book::new(input),
            language: input.language,
            all_about_promises: true,
            asked_to_keep: false,
            wants_human: Vec::new(),
            wants_erasure: Vec::new(),
            question: input.question.clone().map(|question| (question, None)),
            opts_out: None,
            asked_in: None,
            unsure: false,
            greeted: false,
            asked_for_help: false,
            lines: Vec::new(),
            says_due: Vec::new(),
            told: Vec::new(),
            unanswered: false,
            restored: false,
            requests: 0,
            in_part: false,
        }
    }

    /// Adds a line that says when these promises are due.
    fn say_due(&mut self, line: String, entries: &[usize]) {
        let due = entries.iter().map(|&at| (at, self.book.entries[at].promise.due_at)).collect();
        self.says_due.push(SaysDue { line: self.lines.len(), due });
        self.lines.push(line);
    }

    /// Takes back the lines that a later message of the turn made untrue: what it did is told in a line of its own.
    fn unsay(&mut self) {
        let stands = |&(at, due): &(usize, DateTime<Utc>)| {
            let entry = &self.book.entries[at];
            entry.fate != Fate::Cancelled && entry.promise.due_at == due
        };
        let untrue: Vec<usize> =
            self.says_due.iter().filter(|said| !said.due.iter().any(stands)).map(|said| said.line).collect();
        let mut line = 0..;
        self.lines.retain(|_| line.next().is_none_or(|line| !untrue.contains(&line)));
    }

    fn voice(&self) -> Voice {
        Voice { language: self.language, now: self.input.now.with_timezone(&self.input.zone) }
    }

    /// Understands one message and does what it asks.
    pub fn read(&mut self, message: &Incoming) {
        if message.edited {
            self.read_edit(message);
            return;
        }
        if message.kind == "button"
            && let Some((press, promise)) = Press::read(&message.text)
        {
            // whatever it says, it is about promises
            self.pressed(press, promise, message);
            return;
        }
        // a photo's caption speaks as a text does; a forwarded text asks for nothing
        let wordless = WORDLESS.contains(&message.kind.as_str()) || message.text.trim().is_empty();
        if message.forwarded || wordless {
            self.all_about_promises = false;
            self.unanswered = true;
            return;
        }
        let understood = understand(&message.text, &self.context(message));
        if let Some(language) = understood.language {
            self.language = language;
        }
        self.in_part |= understood.in_part || message.cut;
        let hints = understood.hints || self.book.named_in(&message.text);
        let mut about_promises = true;
        let idle = |r: &Request| {
            matches!(
                r,
                Request::OptOut
                    | Request::Other
                    | Request::Acknowledgement
                    | Request::Greeting
                    | Request::Cancel { .. }
            )
        };
        let erase = understood.requests.iter().all(idle) && wants_erasure(&message.text);
        if erase {
            self.wants_erasure.push(message.message_id);
            about_promises = false;
        }
        for request in understood.requests.into_iter().filter(|r| !erase || *r == Request::OptOut) {
            self.requests += 1;
            if self.requests > MOST_REQUESTS {
                self.in_part = true;
                break;
            }
            about_promises &= self.apply(request, hints, message);
        }
        self.all_about_promises &= about_promises;
    }

    /// What a message's times are read against.
    fn context(&self, message: &Incoming) -> TimeContext {
        TimeContext {
            written_at: message.written_at,
            zone: self.input.zone,
            language: self.input.language,
            date_order: self.input.date_order,
            followup_hour: self.input.followup_hour,
            parts_of_day: self.input.defaults.parts_of_day,
        }
    }

    /// A button below one of our confirmations was pressed.
    fn pressed(&mut self, press: Press, promise: Uuid, message: &Incoming) {
        let Some(at) = self.book.of_button(promise) else {
            if press == Press::Keep && self.restore_of_button(promise, message) {
                return;
            }
            let open = self.renewable();
            let line =
                if open.is_empty() { self.voice().no_promises() } else { self.voice().not_there(&self.items(&open)) };
            self.told.extend(open);
            self.lines.push(line);
            return;
        };
        self.language = self.book.entries[at].language;
        match press {
            Press::Keep => self.asked_to_keep = true,
            Press::Cancel => {
                let line = self.voice().cancelled(&self.items(&[at]));
                self.book.entries[at].fate = Fate::Cancelled;
                self.lines.push(line);
            }
            Press::Later => {
                let due = self.book.entries[at].promise.due_at.max(self.input.now);
                let later = a_day_later(due, self.input.zone);
                if is_too_far(self.input.now, later) {
                    self.lines.push(self.voice().too_far());
                    self.told.push(at);
                    return;
                }
                let [_, _, title] = self.voice().buttons();
                self.set(at, (later, Grain::Minute), title, "a_day_later", message);
                self.say_due(self.voice().moved(&self.items(&[at])), &[at]);
            }
        }
    }

    /// Does one thing; whether it was about promises.
    fn apply(&mut self, request: Request, hints: bool, message: &Incoming) -> bool {
        match request {
            Request::WriteToMe { time, topic, instead } => self.ask(Intent::Write, time, topic, instead, message),
            Request::RemindMe { time, topic, instead } => self.ask(Intent::Remind, time, topic, instead, message),
            Request::Repeated => self.lines.push(self.voice().only_once()),
            Request::Cancel { which } => return self.cancel(&which, hints),
            Request::Move { time, which, plain: false } if which == Which::unsaid() && self.question.is_some() => {
                return self.answer(time, message);
            }
            Request::Move { time, which, plain } => return self.shift(&time, &which, plain, message),
            Request::Shift { which, otherwise, .. }
                if !otherwise.is_empty() && choose(&self.book, &which, self.input.zone) == Choice::Nothing =>
            {
                // Each is applied, whatever those before it were about.
                let about: Vec<bool> = otherwise.into_iter().map(|it| self.apply(it, hints, message)).collect();
                return about.into_iter().all(|about| about);
            }
            Request::Shift { shift, which, .. } => return self.shift_by(&shift, &which, message),
            Request::NotBefore { from, until } => self.not_before(from, &until, message),
            Request::Time(time) => return self.answer(time, message),
            Request::OptOut => self.opt_out(message),
            Request::List => {
                let voice = self.voice();
                let open: Vec<usize> = self.renewable();
                let line = if open.is_empty() { voice.no_promises() } else { voice.promises(&self.items(&open)) };
                self.told.extend(open);
                self.lines.push(line);
            }
            Request::Keep => self.keep(message),
            Request::Acknowledgement => {}
            Request::Greeting => self.greeted = true,
            Request::Help => self.asked_for_help = true,
            Request::HumanRequested => {
                self.wants_human.push(message.message_id);
                return false;
            }
            Request::Other => return self.not_understood(hints),
        }
        true
    }

    /// What isn't understood but may be about promises loses none: the client is asked. Whether it was about them.
    fn not_understood(&mut self, hints: bool) -> bool {
        let at_stake = self.book.entries.iter().any(|e| e.origin == Origin::Cancelled && e.fate == Fate::Untouched);
        let unsure = hints && at_stake && self.input.defaults.renew;
        self.unsure |= unsure;
        self.unanswered |= !unsure;
        unsure
    }

    /// A request for a follow-up: made, or asked about.
    fn ask(&mut self, intent: Intent, time: Asked, topic: String, instead: bool, message: &Incoming) {
        let time = self.at_the_hour_spoken_of(time);
        let meaning = time.meaning.clone();
        // "don't forget to write": nothing new, if there is a promise to write or to remind
        let nothing_new = meaning == Meaning::None && time.phrase.is_empty() && topic.is_empty();
        if nothing_new && !self.book.open().is_empty() {
            self.asked_to_keep = true;
            return;
        }
        if let Some(line) = self.doubt(&meaning, intent, message.written_at) {
            let unseen = meaning == Meaning::None && hangs_on_condition(&topic);
            self.lines.push(if unseen { self.voice().when_unseen(intent) } else { line });
            let question = Question { intention: name(intent).to_owned(), topic };
            self.question = Some((question, Some(message.message_id)));
            return;
        }
        let Meaning::Instant(moment) = meaning else { return };
        self.asked_in = Some(message.message_id);
        self.opts_out = None;
        if instead && topic.is_empty() && self.book.open().len() == 1 {
            let only = self.book.open()[0];
            self.move_to(only, &time, message);
            return;
        }
        if let Some(same) = self.book.same(moment.at, intent, &topic) {
            let entry = &mut self.book.entries[same];
            if entry.origin == Origin::Cancelled && entry.fate == Fate::Untouched {
                // Where the turn may not renew it, it is made again, for this message.
                (entry.rule, entry.message_id) = (moment.rule.to_owned(), Some(message.message_id));
            }
            self.told.push(same);
            self.say_due(self.voice().confirmed(&self.item(same)), &[same]);
            return;
        }
        if self.book.open().len() >= self.input.most_promises {
            self.lines.push(self.voice().too_many());
            return;
        }
        let (text, topic) = self.named(intent, &topic);
        self.book.entries.push(Entry {
            promise: Promise {
                follow_up_id: None,
                due_at: moment.at,
                intention: name(intent).to_owned(),
                text,
                topic,
                phrase: time.phrase,
                language: self.language,
                asked_in: Some(message.message_id),
            },
            origin: Origin::New,
            fate: Fate::Untouched,
            language: self.language,
            rule: moment.rule.to_owned(),
            message_id: Some(message.message_id),
            to_the_second: moment.grain == Grain::Second,
            elsewhere: moment.elsewhere,
            retopic: false,
        });
        let new = self.book.entries.len() - 1;
        self.told.push(new);
        self.say_due(self.voice().confirmed(&self.item(new)), &[new]);
    }

    /// "At the same time" as the promise just spoken of: the one this turn made last, else the only one there is.
    fn at_the_hour_spoken_of(&self, time: Asked) -> Asked {
        let Meaning::Instant(moment) = &time.meaning else { return time };
        let open = self.book.open();
        let last = open.iter().rev().find(|&&at| self.book.entries[at].origin == Origin::New);
        let only = || if let [only] = open.as_slice() { Some(only) } else { None };
        match last.or_else(only).filter(|_| time.says.is_same_time()) {
            None => time,
            Some(&at) => {
                let moment = Moment { at: self.due_of(at, moment, time.says), ..moment.clone() };
                Asked { meaning: Meaning::Instant(moment), says: Says::Moment, phrase: time.phrase }
            }
        }
    }

    /// What will be sent about a topic, and the topic as it is spoken of.
    fn named(&self, intent: Intent, topic: &str) -> (String, String) {
        let text = self.voice().message(intent, topic);
        let topic = topic_of(&text);
        (text, topic)
    }

    /// Nothing but a time: the answer to our question, the time of a promise said again, or anybody's guess.
    fn answer(&mut self, time: Asked, message: &Incoming) -> bool {
        if let Some((question, _)) = self.question.take() {
            let remind = question.intention == name(Intent::Remind);
            let intent = if remind { Intent::Remind } else { Intent::Write };
            self.ask(intent, time, question.topic, false, message);
            return true;
        }
        if time.says.is_same_time() {
            return self.shift(&time, &Which::unsaid(), false, message);
        }
        if let Meaning::Instant(moment) = &time.meaning
            && self
                .book
                .open()
                .into_iter()
                .any(|i| self.due_of(i, moment, time.says) == self.book.entries[i].promise.due_at)
        {
            self.asked_to_keep = true;
            return true;
        }
        self.not_understood(true)
    }

    /// Why a time can't be taken as it is said, as a question to the client.
    fn doubt(&self, meaning: &Meaning, intent: Intent, written_at: DateTime<Utc>) -> Option<String> {
        let voice = self.voice();
        match meaning {
            Meaning::Instant(moment) if moment.at > written_at => None,
            Meaning::Instant(moment) | Meaning::Past(moment) => Some(voice.already_past(self.local(moment.at))),
            Meaning::Ambiguous { readings, .. } => {
                Some(voice.which_time(&readings.iter().map(|r| self.local(r.at)).collect::<Vec<_>>(), intent))
            }
            Meaning::TooFar(_) => Some(voice.too_far()),
            Meaning::None => Some(voice.when(intent)),
        }
    }

    fn local(&self, at: DateTime<Utc>) -> DateTime<Tz> {
        at.with_timezone(&self.input.zone)
    }

    fn cancel(&mut self, which: &Which, hints: bool) -> bool {
        match choose(&self.book, which, self.input.zone) {
            Choice::These(those) => {
                let line = self.voice().cancelled(&self.items(&those));
                for i in those {
                    self.book.entries[i].fate = Fate::Cancelled;
                }
                self.lines.push(line);
            }
            Choice::OneOf(those) => {
                let line = self.voice().which_to_cancel(&self.items(&those));
                self.told.extend(those);
                self.lines.push(line);
            }
            Choice::NotThere if which.named || !matches!(which.time, Meaning::None) => self.say_not_there(),
            Choice::Nothing if which.named => self.lines.push(self.voice().no_promises()),
            Choice::NotThere | Choice::Nothing => return self.not_understood(hints),
        }
        true
    }

    /// Nothing goes out by itself any more; said once.
    fn opt_out(&mut self, message: &Incoming) {
        for at in self.book.open() {
            self.book.entries[at].fate = Fate::Cancelled;
        }
        self.question = None;
        if !self.input.opted_out && self.opts_out.is_none() {
            self.lines.push(self.voice().opted_out());
        }
        self.opts_out = Some(message.message_id);
    }

    fn say_not_there(&mut self) {
        let open = self.book.open();
        let line = self.voice().not_there(&self.items(&open));
        self.told.extend(open);
        self.lines.push(line);
    }

    fn intent_of(&self, at: usize) -> Intent {
        if self.book.entries[at].is_reminder() { Intent::Remind } else { Intent::Write }
    }

    /// The open ones that will still be kept if the rest of the turn stays about promises.
    fn renewable(&self) -> Vec<usize> {
        let renews = self.all_about_promises && self.input.defaults.renew;
        let kept = |i: &usize| {
            let entry = &self.book.entries[*i];
            entry.origin != Origin::Cancelled
                || entry.fate != Fate::Untouched
                || (renews && !self.said_by_human(&entry.promise.text))
        };
        let mut open: Vec<usize> = self.book.open().into_iter().filter(kept).collect();
        open.sort_by_key(|&i| self.book.entries[i].promise.due_at);
        open
    }

    fn item(&self, at: usize) -> Item {
        let entry = &self.book.entries[at];
        let soon = (entry.promise.due_at - self.input.now).num_minutes().abs() < 3 && entry.origin != Origin::New;
        Item {
            intent: self.intent_of(at),
            when: entry.promise.due_at.with_timezone(&self.input.zone),
            seconds: entry.to_the_second || soon,
            topic: entry.promise.topic.clone(),
            elsewhere: entry.elsewhere,
        }
    }

    fn items(&self, those: &[usize]) -> Vec<Item> {
        those.iter().map(|&i| self.item(i)).collect()
    }
}

/// The same time of the next day; where the clocks skip it, 24 hours later.
fn a_day_later(due: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let local = due.with_timezone(&zone).naive_local() + TimeDelta::days(1);
    zone.from_local_datetime(&local).earliest().map_or(due + TimeDelta::days(1), |at| at.to_utc())
}
