//! What a message asks for: follow-ups to make, cancel, move or list; a person; or nothing of the kind. Pure, no model.
//!
//! A message is cut into words and sentences ([`words`], [`sentence`]). Short sentences that consist of nothing but a known phrase are
//! taken whole ([`read`]); otherwise the sentence is searched for verbs of contact and of promises ([`acts`]), each is given
//! its stretch of the sentence, and the stretch its time and topic ([`stretch`], [`standing`], [`shift`], [`topic`]). What is quoted, reported, or
//! addressed to somebody else asks for nothing. In doubt nothing is understood: a missed request is answered honestly, a
//! wrong one sends a message nobody asked for.
//!
//! Nothing here knows a language by name: its words are in its folder ([`lexicon`]), and so is what its grammar does otherwise
//! ([`grammar`]).

pub(crate) mod acts;
#[cfg(test)]
pub(crate) mod admitted;
pub(crate) mod erasure;
pub(crate) mod grammar;
pub(crate) mod lexicon;
mod matter;
pub(crate) mod pattern;
mod read;
pub(crate) mod sentence;
mod shift;
mod standing;
mod stretch;
mod tongue;
mod topic;
pub(crate) mod words;

use chrono::{DateTime, Utc};

use crate::{
    Language, excerpt,
    time::{Meaning, TimeContext, parse_part},
};

pub use erasure::wants_erasure;
pub(crate) use grammar::Grammar;
pub use matter::{is_covered, names_matter};
pub use shift::Shift;
pub use tongue::language_of;
pub use topic::hangs_on_condition;

/// The longest topic kept, in characters.
pub const LONGEST_TOPIC: usize = 500;

/// What is to be done at the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// "Write to me": to get in touch again.
    Write,
    /// "Remind me": to say a thing at its time.
    Remind,
}

/// Which promises a message speaks of.
#[derive(Debug, Clone, PartialEq)]
pub struct Which {
    /// All of them.
    pub all: bool,
    /// Those about this; empty: not said.
    pub topic: String,
    /// Those due then (a day, or an hour of it); `Meaning::None`: not said.
    pub time: Meaning,
    /// Rather those of this kind, if there are any.
    pub intent: Option<Intent>,
    /// The message names promises as such ("the reminder", "it"), so it isn't about anything else.
    pub named: bool,
}

impl Which {
    /// Nothing said about which.
    pub fn unsaid() -> Self {
        Self { all: false, topic: String::new(), time: Meaning::None, intent: None, named: false }
    }
}

/// Which moment a request names, with the words that said it.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// `Meaning::None`: no time said.
    pub meaning: Meaning,
    /// The client's own words for the time, also for one that is none ("later"); empty if they said nothing of it.
    pub phrase: String,
    pub says: Says,
}

/// How much of a moment its words say: what is left open of a promise's new time stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// A day without a time of day: "on Monday".
    Day,
    /// A time of day without a day: "at 6 pm".
    Clock,
    /// "At the same time": that of the promise just spoken of, and its day.
    SameTime,
    /// "On Monday at the same time": that day, at the hour of the promise just spoken of.
    SameTimeOn,
    /// Both, or a length from now.
    Moment,
}

impl Says {
    /// Whether it points at the hour of a promise.
    pub fn is_same_time(self) -> bool {
        matches!(self, Self::SameTime | Self::SameTimeOn)
    }
}

/// One thing a message asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Write to the client at a time. `instead`: rather than what was promised before.
    WriteToMe {
        time: Asked,
        topic: String,
        instead: bool,
    },
    /// Remind the client of something at a time.
    RemindMe {
        time: Asked,
        topic: String,
        instead: bool,
    },
    /// Something asked for again and again ("every day"), which a single follow-up is not.
    Repeated,
    Cancel {
        which: Which,
    },
    /// Nothing from `from` (else from now) to `until`: what is due then is wanted afterwards.
    NotBefore {
        from: Option<DateTime<Utc>>,
        until: Asked,
    },
    /// A promise is wanted so much later or earlier than it is due.
    Shift {
        shift: Shift,
        which: Which,
        /// What it asks where there is no promise: "ping me an hour later".
        otherwise: Vec<Request>,
    },
    /// Nothing more from us, ever.
    OptOut,
    /// Another time for a promise. `plain`: the word "move" itself was there, so it is a request even with nothing to move.
    Move {
        time: Asked,
        which: Which,
        plain: bool,
    },
    /// What has been promised?
    List,
    /// What was promised stays.
    Keep,
    /// Nothing but thanks, consent or a wish, from a closed list.
    Acknowledgement,
    /// Nothing but a greeting, likewise.
    Greeting,
    /// Nothing but a time: an answer, if it was asked for.
    Time(Asked),
    /// Who are you, what can you do?
    Help,
    HumanRequested,
    /// Anything else.
    Other,
}

impl Request {
    /// Whether the message is about promises (seed rule F3: such a message renews what it cancelled).
    pub fn is_about_promises(&self) -> bool {
        !matches!(self, Self::HumanRequested | Self::Other)
    }
}

/// A message as understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Understood {
    /// The message's language, if it is clearly one of ours.
    pub language: Option<Language>,
    /// In the order of the text; never empty.
    pub requests: Vec<Request>,
    /// It names a time, speaks of promises, or of changing one: though nothing of the kind was understood, it may be about them.
    pub hints: bool,
    /// Only a part of the text was read: it may ask for more.
    pub in_part: bool,
}

/// Every word and pattern of a language's lists, with what tells its list.
#[cfg(test)]
pub(crate) fn expressions(language: Language) -> Vec<(String, String)> {
    lexicon::Lexicon::of(language).expressions()
}

/// Reads what the beginning of `text` asks for ([`excerpt`]); times are read against `context`.
pub fn understand(text: &str, context: &TimeContext) -> Understood {
    let mut understood = understand_all(excerpt::head(text), context);
    understood.in_part |= excerpt::is_cut(text);
    understood
}

/// The same for all of `text`, however long; takes time in proportion.
pub fn understand_all(text: &str, context: &TimeContext) -> Understood {
    let language = language_of(text);
    let context = TimeContext { language: language.unwrap_or(context.language), ..context.clone() };
    let reader = |text: &str, part: std::ops::Range<usize>| parse_part(text, part, &context);
    let others = Language::ALL.iter().copied().filter(|&l| l != context.language);
    let (mut in_part, mut hints) = (false, false);
    for candidate in std::iter::once(context.language).chain(others) {
        let read = read::requests(text, candidate, &reader);
        in_part |= read.missed;
        hints |= read.hints;
        if read.requests != [Request::Other] {
            let language = language.or((candidate != context.language).then_some(candidate));
            return Understood { language, requests: read.requests, hints, in_part };
        }
    }
    Understood { language, requests: vec![Request::Other], hints, in_part }
}
