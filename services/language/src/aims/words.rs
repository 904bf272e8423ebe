//! The words by which each language tells of goals, of what has happened, and of what is so; compiled once.

use std::sync::LazyLock;

use crate::{Language, understanding::pattern::Patterns};

/// How one language tells it. Patterns as in [`crate::understanding::pattern`].
pub(crate) struct Source {
    /// What a goal follows: "my goal is to".
    pub goal: &'static [&'static str],
    /// The same, with a colon or a dash behind it: "my goal:".
    pub named: &'static [&'static str],
    /// What a wish follows; it is a goal only with a term that is far enough: "I want to … by".
    pub wish: &'static [&'static str],
    /// What a term follows, and terms that are no instant: "by summer".
    pub by: &'static [&'static str],
    pub terms: &'static [&'static str],
    /// What people want of whom they write to: no goals, whatever the term.
    pub dealings: &'static [&'static str],
    /// What is a goal only with a distant term: to buy, to get.
    pub gains: &'static [&'static str],
    /// What has happened follows it, and is told by its words: "I've finished".
    pub done: &'static [&'static str],
    /// The same without who did it, where it begins a sentence.
    pub done_bare: &'static [&'static str],
    /// The same, complete in itself: "I got married".
    pub happened: &'static [&'static str],
    /// What may stand before it, and makes sure that it has happened: "finally".
    pub surely: &'static [&'static str],
    /// What is too small to be remembered: "lunch".
    pub trifles: &'static [&'static str],
    /// What is so of them, by what it says of them: one of each at a time.
    pub facts: &'static [(&'static str, &'static [&'static str])],
    /// What a goal that is none any more follows: "I no longer want to".
    pub given_up: &'static [&'static str],
    /// The same behind it: "is no longer my goal".
    pub no_goal: &'static [&'static str],
    /// What is to be forgotten follows it.
    pub forget: &'static [&'static str],
    /// Behind a goal's opener: what isn't it, and what is instead.
    pub not: &'static [&'static str],
    pub but: &'static [&'static str],
    /// A verb that has happened ends in an accent, and is another without it.
    pub accented: bool,
    /// What may stand before any of it: "well", "and".
    pub light: &'static [&'static str],
    /// Somebody's words or thoughts are told, or nothing is said to be so: "he says", "if".
    pub told: &'static [&'static str],
}

pub(super) struct Words {
    pub goal: Patterns,
    pub named: Patterns,
    pub wish: Patterns,
    pub by: Patterns,
    pub terms: Patterns,
    pub dealings: Patterns,
    pub gains: Patterns,
    pub done: Patterns,
    pub done_bare: Patterns,
    pub happened: Patterns,
    pub surely: Patterns,
    pub trifles: Patterns,
    pub facts: Vec<(&'static str, Patterns)>,
    pub given_up: Patterns,
    pub no_goal: Patterns,
    pub forget: Patterns,
    pub not: Patterns,
    pub but: Patterns,
    pub accented: bool,
    pub light: Patterns,
    pub told: Patterns,
}

impl Words {
    fn new(source: &Source) -> Self {
        Self {
            goal: Patterns::new(source.goal),
            named: Patterns::new(source.named),
            wish: Patterns::new(source.wish),
            by: Patterns::new(source.by),
            terms: Patterns::new(source.terms),
            dealings: Patterns::new(source.dealings),
            gains: Patterns::new(source.gains),
            done: Patterns::new(source.done),
            done_bare: Patterns::new(source.done_bare),
            happened: Patterns::new(source.happened),
            surely: Patterns::new(source.surely),
            trifles: Patterns::new(source.trifles),
            facts: source.facts.iter().map(|(slot, patterns)| (*slot, Patterns::new(patterns))).collect(),
            given_up: Patterns::new(source.given_up),
            no_goal: Patterns::new(source.no_goal),
            forget: Patterns::new(source.forget),
            not: Patterns::new(source.not),
            but: Patterns::new(source.but),
            accented: source.accented,
            light: Patterns::new(source.light),
            told: Patterns::new(source.told),
        }
    }

    pub fn of(language: Language) -> &'static Self {
        static ALL: LazyLock<Vec<(Language, Words)>> = LazyLock::new(|| {
            Language::ALL.iter().map(|language| (*language, Words::new(language.folder().aims))).collect()
        });
        ALL.iter().find(|(of, _)| *of == language).map(|(_, words)| words).expect("all languages are in it")
    }
}
