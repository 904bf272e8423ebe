//! What the words of contact and of promises are, per language; compiled once.

use std::sync::LazyLock;

use super::{Intent, erasure, grammar::Grammar, pattern::Patterns};
use crate::Language;

/// Where a verb of contact must stand to be a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// An imperative that nothing else looks like: anywhere in its clause.
    Free,
    /// At the beginning of its clause, or after words that ask (`could you`).
    Start,
    /// Likewise, and only in a question.
    StartAsked,
    /// At the beginning of its clause, with a time right behind it.
    StartThenTime,
    /// Only after words that ask.
    Asked,
    /// Only after words that wish something of the one addressed.
    Wished,
    /// "You will write": anywhere but after a conjunction or a question word.
    Future,
    /// "Let's talk": only with a time ahead.
    Together,
}

/// Verbs of one intent and form.
#[derive(Debug)]
pub(crate) struct Verbs {
    pub intent: Intent,
    pub form: Form,
    /// A request only with a time.
    pub weak: bool,
    pub patterns: Patterns,
}

/// One language's lists, as written in its folder; those it doesn't name are [`Source::NONE`]'s. Patterns as in [`super::pattern`]; plain lists hold single folded words.
pub(crate) struct Source {
    pub verbs: &'static [(Intent, Form, bool, &'static [&'static str])],
    pub asks: &'static [&'static str],
    pub wishes: &'static [&'static str],
    pub do_not_write: &'static [&'static str],
    pub do_not_remind: &'static [&'static str],
    pub cancel: &'static [&'static str],
    pub cancel_start: &'static [&'static str],
    pub drop: &'static [&'static str],
    pub move_free: &'static [&'static str],
    pub move_start: &'static [&'static str],
    pub rather: &'static [&'static str],
    pub keep: &'static [&'static str],
    /// Wants back what was taken back.
    pub restore: &'static [&'static str],
    /// Stands beside that: "I changed my mind".
    pub regret: &'static [&'static str],
    pub list: &'static [&'static str],
    pub human: &'static [&'static str],
    pub acknowledgement: &'static [&'static str],
    pub beside_acknowledgement: &'static [&'static str],
    pub repeated: &'static [&'static str],
    pub later: &'static [&'static str],
    /// Left out of topics, passed over inside patterns.
    pub polite: &'static [&'static str],
    /// May stand before a request or beside a whole-sentence pattern.
    pub filler: &'static [&'static str],
    pub me: &'static [&'static str],
    pub you: &'static [&'static str],
    pub third: &'static [&'static str],
    pub kin: &'static [&'static str],
    pub with: &'static [&'static str],
    pub with_me: &'static [&'static str],
    pub reporting: &'static [&'static str],
    pub question: &'static [&'static str],
    pub conditional: &'static [&'static str],
    pub conjunction: &'static [&'static str],
    pub or: &'static [&'static str],
    pub introduces: &'static [&'static str],
    pub other_clause: &'static [&'static str],
    pub preposition: &'static [&'static str],
    pub before_time: &'static [&'static str],
    pub clock: &'static [&'static str],
    pub target: &'static [&'static str],
    pub not: &'static [&'static str],
    pub instead: &'static [&'static str],
    /// They deny what was said, and alone prefer nothing to it.
    pub contradicts: &'static [&'static str],
    pub promise: &'static [&'static str],
    pub all: &'static [&'static str],
    pub pronoun: &'static [&'static str],
    /// Somebody else: what follows "and" is theirs ("he will come and write to me").
    pub subjects: &'static [&'static str],
    /// A full stop behind one of these ends no sentence.
    pub abbreviations: &'static [&'static str],
    /// Small words that don't belong to a topic at its edges: "again", "then".
    pub aside: &'static [&'static str],
    /// "This": something, though it names nothing.
    pub this: &'static [&'static str],
    /// Begin a topic as such: "about".
    pub about: &'static [&'static str],
    /// Begin what is to be done: "to", "that".
    pub to: &'static [&'static str],
    /// Endings of verbs that name what is to be done.
    pub to_do: &'static [&'static str],
    /// Between a time and these begins the topic, with a time of its own: "that on Friday".
    pub opens_topic: &'static [&'static str],
    /// Endings of verbs that do so.
    pub topic_verb: &'static [&'static str],
    /// Begin a clause that is about something else: "which".
    pub opens_clause: &'static [&'static str],
    /// After "remind me" they ask for an answer now: "what we agreed".
    pub asks_now: &'static [&'static str],
    /// Likewise, but only with their accents: "qué".
    pub asks_now_accented: &'static [&'static str],
    /// Endings that hold "it": "cancélalo".
    pub ends_in_it: &'static [&'static str],
    /// Followed by a `remark_verb`, they begin a remark: "that would be great".
    pub remark: &'static [&'static str],
    pub remark_verb: &'static [&'static str],
    /// Thanks and greetings: a name may stand behind them.
    pub courtesy: &'static [&'static str],
    /// Nothing but a greeting.
    pub greeting: &'static [&'static str],
    /// Asks who we are or what we can do.
    pub help: &'static [&'static str],
    /// Wants nothing from us any more.
    pub opt_out: &'static [&'static str],
    /// Before a time up to which nothing is wanted: "until", "before".
    pub until: &'static [&'static str],
    /// "Over the weekend", of what is not wanted then.
    pub weekend: &'static [&'static str],
    /// "This week", likewise.
    pub this_week: &'static [&'static str],
    /// "Next week", likewise.
    pub next_week: &'static [&'static str],
    /// Behind or before a length: that much later.
    pub later_by: &'static [&'static str],
    /// That much earlier.
    pub earlier_by: &'static [&'static str],
    /// Verbs with a length behind them: that much later.
    pub put_off: &'static [&'static str],
    /// That much earlier.
    pub bring_on: &'static [&'static str],
    /// Legal notices and the like: they, and what follows them, ask us for nothing.
    pub notice: &'static [&'static str],
    /// When somebody can be reached.
    pub opening_hours: &'static [&'static str],
    /// Words of advertisements.
    pub offer: &'static [&'static str],
    /// Makes a moment of a length: "in".
    pub ahead: &'static [&'static str],
    /// Stands before a unit that would mean something else alone: "через день" is every other day.
    pub one: &'static [&'static str],
    /// Before a length by which something is moved.
    pub by: &'static [&'static str],
    /// Parts of today: "tonight".
    pub today_parts: &'static [&'static str],
    /// Begin a reason within a clause: "because".
    pub reason: &'static [&'static str],
    /// Begin a condition that a request hangs on.
    pub hangs_on: &'static [&'static str],
    /// "The same time", of a promise.
    pub same_time: &'static [&'static str],
    /// Behind these words: the same as something else.
    pub same_as: &'static [&'static str],
    /// Endings of verbs said to us: "si necesitas".
    pub ends_in_you: &'static [&'static str],
    /// An organisation speaking of itself.
    pub us: &'static [&'static str],
    /// Endings of verbs that hold "us".
    pub ends_in_us: &'static [&'static str],
    /// Wants what is known of them deleted.
    pub erasure: erasure::Words,
}

impl Source {
    /// No words at all.
    pub const NONE: Self = Self {
        verbs: &[],
        asks: &[],
        wishes: &[],
        do_not_write: &[],
        do_not_remind: &[],
        cancel: &[],
        cancel_start: &[],
        drop: &[],
        move_free: &[],
        move_start: &[],
        rather: &[],
        keep: &[],
        restore: &[],
        regret: &[],
        list: &[],
        human: &[],
        acknowledgement: &[],
        beside_acknowledgement: &[],
        repeated: &[],
        later: &[],
        polite: &[],
        filler: &[],
        me: &[],
        you: &[],
        third: &[],
        kin: &[],
        with: &[],
        with_me: &[],
        reporting: &[],
        question: &[],
        conditional: &[],
        conjunction: &[],
        or: &[],
        introduces: &[],
        other_clause: &[],
        preposition: &[],
        before_time: &[],
        clock: &[],
        target: &[],
        not: &[],
        instead: &[],
        contradicts: &[],
        promise: &[],
        all: &[],
        pronoun: &[],
        subjects: &[],
        abbreviations: &[],
        aside: &[],
        this: &[],
        about: &[],
        to: &[],
        to_do: &[],
        opens_topic: &[],
        topic_verb: &[],
        opens_clause: &[],
        asks_now: &[],
        asks_now_accented: &[],
        ends_in_it: &[],
        remark: &[],
        remark_verb: &[],
        courtesy: &[],
        greeting: &[],
        help: &[],
        opt_out: &[],
        until: &[],
        weekend: &[],
        this_week: &[],
        next_week: &[],
        later_by: &[],
        earlier_by: &[],
        put_off: &[],
        bring_on: &[],
        notice: &[],
        opening_hours: &[],
        offer: &[],
        ahead: &[],
        one: &[],
        by: &[],
        today_parts: &[],
        reason: &[],
        hangs_on: &[],
        same_time: &[],
        same_as: &[],
        ends_in_you: &[],
        us: &[],
        ends_in_us: &[],
        erasure: erasure::Words::NONE,
    };
}

/// One language, compiled.
pub(crate) struct Lexicon {
    pub language: Language,
    pub grammar: &'static dyn Grammar,
    pub verbs: Vec<Verbs>,
    pub asks: Patterns,
    pub wishes: Patterns,
    pub do_not_write: Patterns,
    pub do_not_remind: Patterns,
    pub cancel: Patterns,
    pub cancel_start: Patterns,
    pub drop: Patterns,
    pub move_free: Patterns,
    pub move_start: Patterns,
    pub rather: Patterns,
    pub keep: Patterns,
    pub restore: Patterns,
    pub regret: Patterns,
    pub list: Patterns,
    pub human: Patterns,
    pub acknowledgement: Patterns,
    pub beside_acknowledgement: Patterns,
    pub repeated: Patterns,
    pub later: Patterns,
    pub polite: Patterns,
    pub filler: Patterns,
    pub promise: Patterns,
    pub courtesy: Patterns,
    pub greeting: Patterns,
    pub help: Patterns,
    pub opt_out: Patterns,
    pub until: Patterns,
    pub weekend: Patterns,
    pub this_week: Patterns,
    pub next_week: Patterns,
    pub later_by: Patterns,
    pub earlier_by: Patterns,
    pub put_off: Patterns,
    pub bring_on: Patterns,
    pub notice: Patterns,
    pub opening_hours: Patterns,
    pub offer: Patterns,
    pub same_time: Patterns,
    pub words: &'static Source,
}

impl Lexicon {
    fn new(language: Language) -> Self {
        let grammar = language.folder().requests;
        let source = grammar.words();
        Self {
            language,
            grammar,
            verbs: source
                .verbs
                .iter()
                .map(|&(intent, form, weak, patterns)| Verbs { intent, form, weak, patterns: Patterns::new(patterns) })
                .collect(),
            asks: Patterns::new(source.asks),
            wishes: Patterns::new(source.wishes),
            do_not_write: Patterns::new(source.do_not_write),
            do_not_remind: Patterns::new(source.do_not_remind),
            cancel: Patterns::new(source.cancel),
            cancel_start: Patterns::new(source.cancel_start),
            drop: Patterns::new(source.drop),
            move_free: Patterns::new(source.move_free),
            move_start: Patterns::new(source.move_start),
            rather: Patterns::new(source.rather),
            keep: Patterns::new(source.keep),
            restore: Patterns::new(source.restore),
            regret: Patterns::new(source.regret),
            list: Patterns::new(source.list),
            human: Patterns::new(source.human),
            acknowledgement: Patterns::new(source.acknowledgement),
            beside_acknowledgement: Patterns::new(source.beside_acknowledgement),
            repeated: Patterns::new(source.repeated),
            later: Patterns::new(source.later),
            polite: Patterns::new(source.polite),
            filler: Patterns::new(source.filler),
            promise: Patterns::new(source.promise),
            courtesy: Patterns::new(source.courtesy),
            greeting: Patterns::new(source.greeting),
            help: Patterns::new(source.help),
            opt_out: Patterns::new(source.opt_out),
            until: Patterns::new(source.until),
            weekend: Patterns::new(source.weekend),
            this_week: Patterns::new(source.this_week),
            next_week: Patterns::new(source.next_week),
            later_by: Patterns::new(source.later_by),
            earlier_by: Patterns::new(source.earlier_by),
            put_off: Patterns::new(source.put_off),
            bring_on: Patterns::new(source.bring_on),
            notice: Patterns::new(source.notice),
            opening_hours: Patterns::new(source.opening_hours),
            offer: Patterns::new(source.offer),
            same_time: Patterns::new(source.same_time),
            words: source,
        }
    }

    /// The lists of a language.
    pub fn of(language: Language) -> &'static Self {
        /// In the order of the languages' table.
        static LEXICONS: LazyLock<Vec<Lexicon>> =
            LazyLock::new(|| Language::ALL.iter().map(|language| Lexicon::new(*language)).collect());
        &LEXICONS[language as usize]
    }

    /// Every word and pattern of the lists as a text, with the number of its list.
    #[cfg(test)]
    pub fn expressions(&self) -> Vec<(String, String)> {
        let w = self.words;
        let lists = [
            w.asks,
            w.wishes,
            w.do_not_write,
            w.do_not_remind,
            w.cancel,
            w.cancel_start,
            w.drop,
            w.move_free,
            w.move_start,
            w.rather,
            w.keep,
            w.restore,
            w.regret,
            w.list,
            w.human,
            w.acknowledgement,
            w.beside_acknowledgement,
            w.repeated,
            w.later,
            w.polite,
            w.filler,
            w.me,
            w.you,
            w.third,
            w.kin,
            w.with,
            w.with_me,
            w.reporting,
            w.question,
            w.conditional,
            w.conjunction,
            w.or,
            w.introduces,
            w.other_clause,
            w.preposition,
            w.before_time,
            w.clock,
            w.target,
            w.not,
            w.instead,
            w.promise,
            w.all,
            w.pronoun,
            w.courtesy,
            w.greeting,
            w.help,
            w.opt_out,
            w.until,
            w.weekend,
            w.this_week,
            w.next_week,
            w.later_by,
            w.earlier_by,
            w.put_off,
            w.bring_on,
            w.notice,
            w.opening_hours,
            w.offer,
            w.ahead,
            w.one,
            w.by,
            w.today_parts,
            w.reason,
            w.same_time,
            w.same_as,
            w.us,
            w.ends_in_us,
        ];
        let plain = |pattern: &str| {
            let word = |element: &str| element.split('|').next().unwrap_or_default().replace(['*', '?'], "");
            pattern.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
        };
        let lists = lists.into_iter().chain(w.verbs.iter().map(|(.., patterns)| *patterns));
        lists.enumerate().flat_map(|(n, list)| list.iter().map(move |p| (plain(p), n.to_string()))).collect()
    }
}
