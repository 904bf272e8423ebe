//! The words by which each language claims things, compiled once.

use std::sync::LazyLock;

use crate::{Language, understanding::pattern::Patterns};

/// What somebody claims to do, or to have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deed {
    /// To get in touch, to remind, or to send or say something later.
    Promise,
    Cancel,
    Move,
    Book,
    /// A thing set for a time, which may be a promise or an appointment: "all set for Friday".
    Plan,
    /// To give the matter to a person, or that a person will answer.
    HandOff,
    /// To keep something in mind for good.
    Remember,
    /// To write something down: a fact, or a promise.
    Note,
    /// Whatever was asked for: "consider it done".
    Anything,
    /// Nothing but a time: "tomorrow at 10, then".
    Time,
}

/// When it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tense {
    Ahead,
    Now,
    Done,
}

/// What must stand beside the words of a form.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Needs<T> {
    Nothing,
    /// A time, right beside.
    Time,
    /// One of these, shortly behind.
    Behind(T),
    /// One of these, before it in its clause.
    Before(T),
    /// One of these in its clause.
    Beside(T),
}

/// One way to claim something. Patterns as in [`crate::understanding::pattern`].
pub(crate) struct Form {
    pub deed: Deed,
    pub tense: Tense,
    /// What stands before the words, with only light words and times between; empty: nothing need.
    pub opener: &'static [&'static str],
    pub words: &'static [&'static str],
    pub needs: Needs<&'static [&'static str]>,
    /// Right behind it, these say that it is only a manner of speaking: "let me remind you that".
    pub unless: &'static [&'static str],
    /// Only where nothing but light words stands before it in its clause: who does it isn't said otherwise.
    pub leads: bool,
    /// The word's accent tells it from another: "cancelé", "cancele".
    pub accented: bool,
    /// Without one it is that word: "cancelo", "canceló".
    pub plain: bool,
}

impl Form {
    pub const fn new(
        deed: Deed,
        tense: Tense,
        opener: &'static [&'static str],
        words: &'static [&'static str],
    ) -> Self {
        Self {
            deed,
            tense,
            opener,
            words,
            needs: Needs::Nothing,
            unless: &[],
            leads: false,
            accented: false,
            plain: false,
        }
    }

    pub const fn with_time(self) -> Self {
        Self { needs: Needs::Time, ..self }
    }

    pub const fn behind(self, words: &'static [&'static str]) -> Self {
        Self { needs: Needs::Behind(words), ..self }
    }

    pub const fn before(self, words: &'static [&'static str]) -> Self {
        Self { needs: Needs::Before(words), ..self }
    }

    pub const fn beside(self, words: &'static [&'static str]) -> Self {
        Self { needs: Needs::Beside(words), ..self }
    }

    pub const fn unless(self, unless: &'static [&'static str]) -> Self {
        Self { unless, ..self }
    }

    pub const fn leads(self) -> Self {
        Self { leads: true, ..self }
    }

    pub const fn plain(self) -> Self {
        Self { plain: true, ..self }
    }

    pub const fn accented(self) -> Self {
        Self { accented: true, ..self }
    }
}

/// One language's words, as written in its folder.
pub(crate) struct Source {
    pub forms: &'static [Form],
    /// May stand between the words of a form, and before what `leads`.
    pub light: &'static [&'static str],
    /// Before a form they deny it: "not".
    pub not: &'static [&'static str],
    /// Words that take the truth out of what follows: "I can't promise that".
    pub unsure: &'static [&'static str],
    /// Begin a clause of which `unsure` may stand before.
    pub that: &'static [&'static str],
    /// Right before a form they ask or leave open: "whether", "when".
    pub asks: &'static [&'static str],
    /// Begin a condition.
    pub condition: &'static [&'static str],
    /// Begin one if it is about what the client does.
    pub once: &'static [&'static str],
    /// The client, and endings of verbs that are theirs.
    pub you: &'static [&'static str],
    pub you_endings: &'static [&'static str],
    /// A condition that is the client's silence makes no offer of a promise.
    pub silence: &'static [&'static str],
    /// Ask the client to say something, at the beginning of a clause: "tell me when and I'll write".
    pub tell: &'static [&'static str],
    /// What asks for consent behind a comma: "ok?".
    pub tag: &'static [&'static str],
    pub or: &'static [&'static str],
    pub and: &'static [&'static str],
    /// Somebody says so, not we: "the hotel confirmed that".
    pub reports: &'static [&'static str],
    pub we: &'static [&'static str],
    /// Right behind a form they say that it only would be so.
    pub would: &'static [&'static str],
    /// Behind what was done they name another doer: "by".
    pub by: &'static [&'static str],
    pub us: &'static [&'static str],
    /// Begin what something is about.
    pub about: &'static [&'static str],
    /// Begin that too, or something that is to be done.
    pub to: &'static [&'static str],
    /// Before the time that no longer holds: "from Monday".
    pub from: &'static [&'static str],
    /// With a time alone they make a sentence that says what holds.
    pub beside_time: &'static [&'static str],
    /// Of these, what agrees to it.
    pub agreed: &'static [&'static str],
    /// Of these, what says that it is done.
    pub done: &'static [&'static str],
}

pub(crate) struct Compiled {
    pub form: &'static Form,
    pub opener: Patterns,
    pub words: Patterns,
    pub needs: Needs<Patterns>,
    pub unless: Patterns,
}

/// One language, compiled.
pub(crate) struct Lexicon {
    pub forms: Vec<Compiled>,
    pub light: Patterns,
    pub unsure: Patterns,
    pub once: Patterns,
    pub reports: Patterns,
    pub silence: Patterns,
    pub tell: Patterns,
    pub tag: Patterns,
    pub beside_time: Patterns,
    pub agreed: Patterns,
    pub done: Patterns,
    pub words: &'static Source,
}

impl Lexicon {
    fn new(language: Language) -> Self {
        let words = language.folder().claims;
        let compiled = |form: &'static Form| Compiled {
            form,
            opener: Patterns::new(form.opener),
            words: Patterns::new(form.words),
            needs: match form.needs {
                Needs::Nothing => Needs::Nothing,
                Needs::Time => Needs::Time,
                Needs::Behind(words) => Needs::Behind(Patterns::new(words)),
                Needs::Before(words) => Needs::Before(Patterns::new(words)),
                Needs::Beside(words) => Needs::Beside(Patterns::new(words)),
            },
            unless: Patterns::new(form.unless),
        };
        Self {
            forms: words.forms.iter().map(compiled).collect(),
            light: Patterns::new(words.light),
            unsure: Patterns::new(words.unsure),
            once: Patterns::new(words.once),
            reports: Patterns::new(words.reports),
            silence: Patterns::new(words.silence),
            tell: Patterns::new(words.tell),
            tag: Patterns::new(words.tag),
            beside_time: Patterns::new(words.beside_time),
            agreed: Patterns::new(words.agreed),
            done: Patterns::new(words.done),
            words,
        }
    }

    /// One text of each form, and of each list.
    #[cfg(test)]
    pub fn expressions(&self) -> Vec<String> {
        let plain = |pattern: &&str| {
            let word = |element: &str| element.split('|').next().unwrap_or_default().replace(['*', '?'], "");
            pattern.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
        };
        let first = |list: &[&str]| list.first().map(plain).unwrap_or_default();
        let w = self.words;
        let needs = |form: &Form| match form.needs {
            Needs::Nothing | Needs::Time => String::new(),
            Needs::Behind(list) | Needs::Before(list) | Needs::Beside(list) => first(list),
        };
        let form = |form: &Form| [first(form.opener), first(form.words), needs(form)].join(" ").trim().to_owned();
        let lists = [w.light, w.unsure, w.once, w.silence, w.tell, w.tag, w.beside_time, w.agreed, w.done];
        let words = [w.not, w.that, w.asks, w.condition, w.you, w.or, w.and, w.by, w.about, w.to, w.from];
        let lists = lists.into_iter().chain(words).map(first);
        w.forms.iter().map(form).chain(lists).filter(|text| !text.is_empty()).collect()
    }

    pub fn of(language: Language) -> &'static Self {
        /// In the order of the languages' table.
        static LEXICONS: LazyLock<Vec<Lexicon>> =
            LazyLock::new(|| Language::ALL.iter().map(|language| Lexicon::new(*language)).collect());
        &LEXICONS[language as usize]
    }
}
