//! What somebody says of themselves in plain words: what they want to reach, what has happened to them, what is so, and what of it
//! is so no more. Only what is said in the first person, of oneself, and as a fact; in doubt nothing was said.

pub(crate) mod words;

use std::ops::Range;

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};

use self::words::Words;
use crate::{
    Language, excerpt,
    time::{Said, TimeContext, said},
    understanding::{
        pattern::{Patterns, TIGHT},
        sentence::ends_sentence,
        words::{Token, tokens, without_quoted_lines},
    },
};

/// A wish is a goal only with a term at least so far ahead; to get or buy something, only with a longer one.
const FAR: TimeDelta = TimeDelta::days(7);
const DISTANT: TimeDelta = TimeDelta::days(60);
/// Nothing that is asked of those they write to takes so long.
const LASTING: TimeDelta = TimeDelta::days(180);
/// Words of a sentence that are read, at most.
const LONGEST: usize = 120;
/// Words of what is told, at most: whoever says more says several things.
const LONGEST_TEXT: usize = 30;
/// Things found in one text, at most.
const MOST: usize = 8;

/// Something said of oneself.
#[derive(Debug, Clone, PartialEq)]
pub struct Aim {
    pub what: What,
    /// It in their own words.
    pub text: String,
    /// Bytes of the text that say it.
    pub span: Range<usize>,
    /// When it is to be reached.
    pub due: Option<DateTime<Utc>>,
}

/// What is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Goal,
    /// It has happened.
    Milestone,
    /// It is so; by what it says of them: one of each at a time.
    Fact(&'static str),
    /// It is a goal no more, or never was one.
    GivenUp,
    /// It isn't to be remembered.
    Forget,
}

/// What the beginning of `text` ([`excerpt`]) says of who wrote it, in the order of the text.
pub fn aims(text: &str, context: &TimeContext) -> Vec<Aim> {
    let text = excerpt::head(text);
    let own = without_quoted_lines(text);
    let all = tokens(&own);
    let mut found = Vec::new();
    let ends = |at: usize| ends_sentence(&own, at.checked_sub(1).map(|b| &all[b]), &all[at], all.get(at + 1));
    let mut from = 0;
    while from < all.len() {
        let end = (from..all.len()).find(|&at| ends(at)).map_or(all.len(), |at| at + 1);
        let tokens = &all[std::mem::replace(&mut from, end)..end];
        if tokens.len() > LONGEST || tokens.iter().any(|t| t.is_mark('?') || t.is_mark('¿')) {
            continue;
        }
        let sentence = Sentence { text: &own, tokens };
        if let Some(several) =
            Language::ALL.iter().map(|l| sentence.read(Words::of(*l), context)).find(|f| !f.is_empty())
        {
            found.extend(several);
        }
        if found.len() >= MOST {
            break;
        }
    }
    found.truncate(MOST);
    found
}

/// What a fact's words say something of.
pub fn says(text: &str) -> Option<&'static str> {
    let text = excerpt::head(text);
    let tokens = tokens(text);
    Language::ALL.iter().find_map(|language| {
        let facts = &Words::of(*language).facts;
        facts.iter().find(|(_, patterns)| patterns.longest(&tokens, 0, TIGHT).is_some()).map(|(of, _)| *of)
    })
}

struct Sentence<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl Sentence<'_> {
    fn read(&self, words: &Words, context: &TimeContext) -> Vec<Aim> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            // Each clause begins behind a mark, and behind light words.
            let start = self.behind_light(at, words);
            let end = self.clause_end(start);
            if self.tokens[..start].iter().any(|t| t.quoted || t.is_mark(':')) || self.is_told(words, start) {
                break;
            }
            if start < end
                && !self.tokens[start].quoted
                && let Some(several) = self.clause(words, start, end, context)
            {
                found.extend(several);
            }
            at = end.max(at) + 1;
        }
        found
    }

    /// Whether somebody's words or thoughts are told before this token, or at it.
    fn is_told(&self, words: &Words, start: usize) -> bool {
        (0..=start.min(self.tokens.len().saturating_sub(1)))
            .any(|at| words.told.longest(self.tokens, at, TIGHT).is_some())
    }

    fn behind_light(&self, mut at: usize, words: &Words) -> usize {
        while at < self.tokens.len() {
            if !self.tokens[at].is_word() && !self.tokens[at].is_mark(':') {
                at += 1;
            } else if let Some(end) = words.light.longest(self.tokens, at, TIGHT) {
                at = end;
            } else {
                break;
            }
        }
        at
    }

    fn clause_end(&self, start: usize) -> usize {
        let ends = |t: &Token| [',', ';', '.', '!', '…', '\n', '—', '–', '(', ')'].iter().any(|mark| t.is_mark(*mark));
        (start..self.tokens.len()).find(|&at| ends(&self.tokens[at])).unwrap_or(self.tokens.len())
    }

    /// What the clause says, if it says any of it.
    fn clause(&self, words: &Words, start: usize, end: usize, context: &TimeContext) -> Option<Vec<Aim>> {
        let opened = |patterns: &Patterns| patterns.longest(self.tokens, start, TIGHT).filter(|&behind| behind <= end);
        let sentence_end = self.sentence_end();
        if let Some(open) = opened(&words.forget) {
            return Some(vec![self.aim(What::Forget, open, end, (start, end))?]);
        }
        if let Some(open) = opened(&words.given_up) {
            return Some(vec![self.aim(What::GivenUp, open, end, (start, end))?]);
        }
        let is_named = |at: &usize| {
            let marked = |t: &Token| [':', '—', '–', '-'].iter().any(|mark| t.is_mark(*mark));
            self.tokens.get(*at).is_some_and(marked) || words.not.longest(self.tokens, *at, TIGHT).is_some()
        };
        if let Some(open) = opened(&words.goal).or_else(|| opened(&words.named).filter(is_named)) {
            return self.goal(words, start, open, sentence_end, context);
        }
        let no_goal = (start..end).find(|&at| words.no_goal.longest(self.tokens, at, TIGHT).is_some());
        if let Some(at) = no_goal {
            return Some(vec![self.aim(What::GivenUp, start, at, (start, end))?]);
        }
        if let Some(open) = opened(&words.wish) {
            return self.wish(words, start, open, end, context).map(|aim| vec![aim]);
        }
        for (slot, patterns) in &words.facts {
            if opened(patterns).is_some() {
                let aim = self.aim(What::Fact(slot), start, end, (start, end))?;
                return Some(vec![aim]);
            }
        }
        self.milestone(words, start, end).map(|aim| vec![aim])
    }

    /// "My goal is to …", "my goal is not … but …".
    fn goal(&self, words: &Words, start: usize, open: usize, end: usize, context: &TimeContext) -> Option<Vec<Aim>> {
        let open = (open..end).find(|&at| self.tokens[at].is_word())?;
        if let Some(wrong) = words.not.longest(self.tokens, open, TIGHT) {
            let Some(but) = (wrong..end).find(|&at| words.but.longest(self.tokens, at, TIGHT).is_some()) else {
                return Some(vec![self.aim(What::GivenUp, wrong, self.clause_end(wrong).min(end), (start, end))?]);
            };
            let right = words.but.longest(self.tokens, but, TIGHT)?;
            let gone = self.aim(What::GivenUp, wrong, but, (start, end))?;
            let set = self.termed(words, right, end, (start, end), context)?;
            return Some(vec![gone, set]);
        }
        let end = self.clause_end(open).min(end);
        Some(vec![self.termed(words, open, end, (start, end), context)?])
    }

    /// A goal, with its term where that is an instant.
    fn termed(&self, words: &Words, open: usize, end: usize, of: (usize, usize), context: &TimeContext) -> Option<Aim> {
        let term = self.term(words, open, end, context);
        let aim = self.aim(What::Goal, open, end, of)?;
        Some(Aim { due: term.and_then(|term| term.due).filter(|due| *due > context.written_at), ..aim })
    }

    /// "I want to … by …": with a term far enough, and not of those they write to.
    fn wish(&self, words: &Words, start: usize, open: usize, end: usize, context: &TimeContext) -> Option<Aim> {
        let has = |patterns: &Patterns, from: usize, to: usize| {
            (from..to).any(|at| patterns.longest(self.tokens, at, TIGHT).is_some_and(|e| e <= end))
        };
        let term = self.term(words, open, end, context)?;
        // "I want to move to Canada by 2028", but not "to move the appointment by Friday"
        let lasting = term.years_ahead || term.due.is_some_and(|due| due - context.written_at >= LASTING);
        if !lasting && has(&words.dealings, open, (open + 1).min(end)) {
            return None;
        }
        let least = if has(&words.gains, open, (open + 2).min(end)) { DISTANT } else { FAR };
        if term.due.is_some_and(|due| due - context.written_at < least) {
            return None;
        }
        if open + 1 > term.at {
            return None;
        }
        let aim = self.aim(What::Goal, open, end, (start, end))?;
        Some(Aim { due: term.due, ..aim })
    }

    /// The term of what stands in these tokens: behind a word such as "by".
    fn term(&self, words: &Words, open: usize, end: usize, context: &TimeContext) -> Option<Term> {
        (open..end).find_map(|at| {
            let behind = words.by.longest(self.tokens, at, TIGHT).filter(|&behind| behind < end)?;
            let bytes = self.tokens[at].span.start..self.tokens[end - 1].span.end;
            let phrase = &self.text[bytes];
            let far = (behind..end.min(behind + 4)).any(|at| words.terms.longest(self.tokens, at, TIGHT).is_some());
            let year = self.tokens[behind..end].iter().map(|t| t.folded.as_str()).find(|word| is_year(word));
            let years_ahead =
                year.and_then(|year| year.parse().ok()).is_some_and(|year: i32| year > context.written_at.year() + 1);
            let times: Vec<Said> = said(phrase, context);
            let exact = times.iter().find_map(|time| time.readings.first()).map(|moment| moment.at);
            match exact {
                Some(due) => Some(Term { at, due: Some(due), years_ahead }),
                None if far || year.is_some() => Some(Term { at, due: None, years_ahead }),
                None => None,
            }
        })
    }

    fn milestone(&self, words: &Words, start: usize, end: usize) -> Option<Aim> {
        let of = (start, end);
        let sure = words.surely.longest(self.tokens, start, TIGHT).filter(|&behind| behind < end);
        let first = sure.unwrap_or(start);
        let opened = |patterns: &Patterns| {
            patterns
                .longest(self.tokens, first, TIGHT)
                .filter(|&behind| behind <= end && (sure.is_some() || self.accented(words, first)))
        };
        if opened(&words.happened).is_some() {
            return self.aim(What::Milestone, start, end, of);
        }
        let bare =
            || opened(&words.done_bare).filter(|_| sure.is_some() || start == 0 || !self.tokens[start - 1].is_word());
        let open = opened(&words.done).or_else(bare)?;
        let open = words.surely.longest(self.tokens, open, TIGHT).filter(|&behind| behind < end).unwrap_or(open);
        let trifle = (open..end.min(open + 4)).any(|at| words.trifles.longest(self.tokens, at, TIGHT).is_some());
        let says = self.tokens[open..end].iter().any(|t| t.is_word() && t.folded.chars().count() > 2 && !t.time);
        if trifle || !says {
            return None;
        }
        self.aim(What::Milestone, start, end, of)
    }

    /// A verb whose ending is told from another's by its accent alone has it.
    fn accented(&self, words: &Words, at: usize) -> bool {
        let folded = &self.tokens[at].folded;
        let ending = folded.ends_with(['e', 'i']) && folded.chars().nth(2).is_some();
        let word = &self.text[self.tokens[at].span.clone()];
        !(words.accented && ending) || word.to_lowercase().ends_with(['é', 'í'])
    }

    /// What these tokens say, and the words in which it is said.
    fn aim(&self, what: What, from: usize, to: usize, of: (usize, usize)) -> Option<Aim> {
        let own = self.tokens.get(from..to)?;
        let words = own.iter().filter(|t| t.is_word()).count();
        if words == 0 || words > LONGEST_TEXT || own.iter().all(|t| t.folded.chars().count() < 3) {
            return None;
        }
        let (first, last) = (own.iter().find(|t| t.is_word())?, own.iter().rev().find(|t| t.is_word())?);
        let quote = self.tokens[of.0].span.start..self.tokens[of.1 - 1].span.end;
        Some(Aim { what, text: self.text[first.span.start..last.span.end].to_owned(), span: quote, due: None })
    }

    fn sentence_end(&self) -> usize {
        let ends = |t: &Token| ['.', '!', '…', '\n', ';'].iter().any(|mark| t.is_mark(*mark));
        self.tokens.iter().position(ends).unwrap_or(self.tokens.len())
    }
}

/// When something is to be reached: where that is said, and the instant, if it is one.
struct Term {
    at: usize,
    due: Option<DateTime<Utc>>,
    /// It names a year after the next one.
    years_ahead: bool,
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.starts_with("20") && word.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;
    use crate::{DateOrder, time::PartsOfDay};

    fn found(text: &str) -> Vec<(What, String)> {
        let context = TimeContext {
            written_at: Utc.with_ymd_and_hms(2026, 11, 28, 9, 0, 0).unwrap(),
            zone: chrono_tz::Tz::Europe__Madrid,
            language: Language::ALL[0],
            date_order: DateOrder::default(),
            followup_hour: 10,
            parts_of_day: PartsOfDay::default(),
        };
        let aims = aims(text, &context);
        for aim in &aims {
            assert!(text[aim.span.clone()].contains(&aim.text), "{aim:?}");
        }
        aims.into_iter().map(|aim| (aim.what, aim.text)).collect()
    }

    #[test]
    fn plain_words_about_oneself_are_found_in_every_language() {
        for (text, what, said) in [
            ("My goal is to learn Spanish by June.", What::Goal, "learn Spanish by June"),
            ("I want to run a marathon by next summer", What::Goal, "run a marathon by next summer"),
            ("I've finally finished my thesis!", What::Milestone, "I've finally finished my thesis"),
            ("I got promoted", What::Milestone, "I got promoted"),
            ("I live in Valencia", What::Fact("home"), "I live in Valencia"),
            ("I no longer want to learn Spanish", What::GivenUp, "learn Spanish"),
            ("Learning Spanish is no longer my goal", What::GivenUp, "Learning Spanish"),
            ("forget that I live in Valencia", What::Forget, "live in Valencia"),
            ("Моя цель — выучить испанский к лету", What::Goal, "выучить испанский к лету"),
            ("я хочу похудеть на 10 кг к марту", What::Goal, "похудеть на 10 кг к марту"),
            ("Ура, я наконец сдала экзамен!", What::Milestone, "сдала экзамен"),
            ("Закончила курсы вождения", What::Milestone, "Закончила курсы вождения"),
            ("я больше не хочу учить испанский", What::GivenUp, "учить испанский"),
            ("я живу в Казани", What::Fact("home"), "я живу в Казани"),
            ("Mi meta es aprobar el DELE B2", What::Goal, "aprobar el DELE B2"),
            ("Quiero correr un maratón antes de julio", What::Goal, "correr un maratón antes de julio"),
            ("¡Ya terminé el curso!", What::Milestone, "terminé el curso"),
            ("ya no quiero correr el maratón", What::GivenUp, "correr el maratón"),
        ] {
            let found = found(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!(found[0].0, what, "{text}: {found:?}");
            assert!(found[0].1.contains(said), "{text}: {found:?}");
        }
        let found = found("my goal is not to run a marathon but to learn Spanish");
        assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [What::GivenUp, What::Goal]);
    }

    #[test]
    fn what_is_asked_for_said_by_others_or_in_doubt_is_not() {
        for text in [
            "I want to talk to a person by 5 pm",
            "I want to return the jacket by Friday",
            "My son's goal is to become a doctor",
            "She said my goal is to sell the house",
            "> My goal is to learn Spanish\nok",
            "\"My goal is to learn Spanish\"",
            "Is my goal to learn Spanish?",
            "if my goal is to learn Spanish, what then",
            "I haven't finished my thesis",
            "I finished lunch",
            "write to me tomorrow at 10",
            "хочу вернуть деньги до пятницы",
            "мой сын хочет поступить в университет к осени",
            "я ещё не закончил курс",
            "Он закончил школу",
            "quiero hablar con una persona antes de las 5",
            "aún no terminé el curso",
            "la meta de mi hija es ser médica",
            "termine el pedido, por favor",
            "",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
