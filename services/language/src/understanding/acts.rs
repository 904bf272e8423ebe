//! Finds the verbs of contact and of promises in a sentence that ask something of us.

use std::ops::Range;

use super::{
    Intent,
    grammar::Followed,
    lexicon::{Form, Verbs},
    sentence::Sentence,
};

/// What a verb asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Get in touch. `weak`: only with a time. `together`: "let's talk".
    Contact {
        intent: Intent,
        weak: bool,
        together: bool,
    },
    /// Don't get in touch.
    Refuse(Intent),
    Cancel,
    Move,
    /// Don't cancel.
    Keep,
}

/// A verb that asks something, and where.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub deed: Deed,
    /// From the first word that asks (`could you`) to the end of the verb's own words.
    pub words: Range<usize>,
    /// Where the verb itself begins.
    pub verb: usize,
}

/// All of a sentence's acts, in order.
pub(crate) fn acts(sentence: &Sentence) -> Vec<Act> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < sentence.tokens.len() {
        let token = &sentence.tokens[at];
        if token.quoted || !token.is_word() {
            at += 1;
            continue;
        }
        match act_at(sentence, at) {
            Some(act) => {
                at = act.words.end;
                out.push(act);
            }
            None => at += 1,
        }
    }
    out
}

fn act_at(sentence: &Sentence, at: usize) -> Option<Act> {
    let lexicon = sentence.lexicon;
    let tokens = &sentence.tokens;
    let slack = |i: usize| sentence.is_slack(i);
    let act = |deed: Deed, end: usize| Some(Act { deed, words: at..end, verb: at });

    for (intent, patterns) in [(Intent::Write, &lexicon.do_not_write), (Intent::Remind, &lexicon.do_not_remind)] {
        // "why don't you ping me" asks for it
        let suggested = at > 0 && tokens[at - 1].is_one_of(lexicon.words.question);
        if let Some(end) = patterns.longest(tokens, at, &slack).filter(|_| !suggested) {
            if lexicon.grammar.refusal_must_start() && starts(sentence, at).is_none() {
                return None; // "they never call me"
            }
            if is_reported(sentence, at) || is_for_another(sentence, end, intent, at..end) {
                return None;
            }
            return act(Deed::Refuse(intent), end);
        }
    }
    let cancels = lexicon
        .cancel
        .longest(tokens, at, &slack)
        .or_else(|| lexicon.cancel_start.longest(tokens, at, &slack).filter(|_| starts(sentence, at).is_some()));
    if let Some(end) = cancels {
        if is_reported(sentence, at) {
            return None;
        }
        let negated = at > 0 && tokens[at - 1].is_one_of(lexicon.words.not);
        return act(if negated { Deed::Keep } else { Deed::Cancel }, end);
    }
    let moves = lexicon
        .move_free
        .longest(tokens, at, &slack)
        .or_else(|| lexicon.move_start.longest(tokens, at, &slack).filter(|_| starts(sentence, at).is_some()));
    if let Some(end) = moves {
        let negated = at > 0 && tokens[at - 1].is_one_of(lexicon.words.not);
        if is_reported(sentence, at) || negated {
            return None;
        }
        return act(Deed::Move, end);
    }
    lexicon.verbs.iter().filter_map(|verbs| contact_at(sentence, at, verbs)).max_by_key(|act| act.words.end)
}

fn contact_at(sentence: &Sentence, at: usize, verbs: &Verbs) -> Option<Act> {
    let tokens = &sentence.tokens;
    let words = sentence.lexicon.words;
    let slack = |i: usize| sentence.is_slack(i);
    let end = verbs.patterns.longest(tokens, at, &slack)?;
    let from = match verbs.form {
        Form::Free => is_free(sentence, at).then_some(at)?,
        Form::Start => starts(sentence, at)?,
        Form::StartAsked => sentence.asked.then(|| starts(sentence, at)).flatten()?,
        Form::StartThenTime => {
            tokens.get(end).filter(|t| t.time)?;
            starts(sentence, at)?
        }
        Form::Asked => licence(sentence, at, false)?,
        Form::Wished => licence(sentence, at, true)?,
        Form::Future => is_free_future(sentence, at).then_some(at)?,
        Form::Together => {
            let denied = tokens[..at].iter().any(|t| t.is_one_of(words.not) || t.is_one_of(words.question));
            let with_another = (0..at)
                .any(|i| tokens[i].is_one_of(words.with) && !tokens[i + 1].is_one_of(words.with_me) && !tokens[i].time);
            (!denied && !with_another).then_some(at)?
        }
    };
    if is_reported(sentence, from) || is_for_another(sentence, end, verbs.intent, from..end) {
        return None;
    }
    if sentence.lexicon.grammar.needs_me(&tokens[at], verbs.form) && !has_me(sentence, from..end) {
        return None;
    }
    let deed = Deed::Contact { intent: verbs.intent, weak: verbs.weak, together: verbs.form == Form::Together };
    Some(Act { deed, words: from..end, verb: at })
}

/// Whether the words name the one who writes.
pub(crate) fn has_me(sentence: &Sentence, range: Range<usize>) -> bool {
    sentence.tokens[range].iter().any(|t| t.is_one_of(sentence.lexicon.words.me))
}

/// Whether the words before are such that an unmistakable imperative asks us.
fn is_free(sentence: &Sentence, at: usize) -> bool {
    let words = sentence.lexicon.words;
    let mut before = sentence.words_before(at);
    // "не напиши", "если вы мне напишите"
    let adjacent = before
        .find(|&i| !sentence.tokens[i].is_one_of(words.me) && !sentence.tokens[i].is_one_of(words.you))
        .is_some_and(|i| sentence.tokens[i].is_one_of(words.not) || sentence.tokens[i].is_one_of(words.conditional));
    !adjacent && !sentence.lexicon.grammar.is_said_to_another(sentence, at)
}

/// "Напишешь мне завтра?" asks; "когда напишешь", "думал, что напишешь" don't.
fn is_free_future(sentence: &Sentence, at: usize) -> bool {
    let words = sentence.lexicon.words;
    let clause = sentence.clause_before(at);
    sentence.tokens[clause.clone()].iter().all(|t| !t.is_one_of(words.conditional) && !t.is_one_of(words.question))
        && (sentence.asked || sentence.tokens[clause].iter().all(|t| !t.is_one_of(words.not)))
}

/// Where the request begins, if this verb stands at the beginning of its clause or after words that ask.
fn starts(sentence: &Sentence, at: usize) -> Option<usize> {
    if let Some(from) = licence(sentence, at, false) {
        return Some(from);
    }
    let words = sentence.lexicon.words;
    let mut i = at;
    while i > 0 {
        let before = &sentence.tokens[i - 1];
        if before.is_one_of(words.conjunction) || before.is_one_of(words.or) {
            return (!others_speak(sentence, i - 1)).then_some(at);
        }
        if sentence.is_boundary(i - 1) || sentence.polite[i - 1] {
            return Some(at);
        }
        let passes = before.time || sentence.filler[i - 1] || before.quoted;
        if !passes || before.is_one_of(words.conditional) {
            return None;
        }
        i -= 1;
    }
    Some(at)
}

/// The sentence up to `end` is about somebody else: what follows "and" is theirs ("he will come and write to me").
fn others_speak(sentence: &Sentence, end: usize) -> bool {
    sentence.tokens[..end].iter().any(|t| t.is_one_of(sentence.lexicon.words.subjects))
}

/// Where the words that ask begin, if such stand right before the verb.
fn licence(sentence: &Sentence, verb: usize, wished: bool) -> Option<usize> {
    let lexicon = sentence.lexicon;
    let patterns = if wished { &lexicon.wishes } else { &lexicon.asks };
    let slack = |i: usize| sentence.is_slack(i);
    let mut end = verb;
    loop {
        if let Some(from) = patterns.ending(&sentence.tokens, end, &slack) {
            let adjacent = sentence.clause_before(from).rev().find(|&i| !sentence.is_slack(i));
            let denied = adjacent.is_some_and(|i| {
                let token = &sentence.tokens[i];
                token.is_one_of(lexicon.words.conditional) || token.is_one_of(lexicon.words.question)
            });
            return (!denied).then_some(from);
        }
        if end == 0 || !sentence.is_light(end - 1) {
            return None;
        }
        end -= 1;
    }
}

/// Somebody else's words: a verb of saying stands shortly before.
fn is_reported(sentence: &Sentence, at: usize) -> bool {
    let words = sentence.lexicon.words;
    let before = (0..at).rev().filter(|&i| sentence.tokens[i].is_word()).take(6);
    before.into_iter().any(|i| sentence.tokens[i].is_one_of(words.reporting))
}

/// What follows names somebody else, or a thing to be written rather than a person to be written to.
fn is_for_another(sentence: &Sentence, end: usize, intent: Intent, act: Range<usize>) -> bool {
    let words = sentence.lexicon.words;
    let tokens = &sentence.tokens;
    let clause_end = (end..tokens.len()).find(|&i| sentence.is_boundary(i)).unwrap_or(tokens.len());
    let solid = (end..clause_end)
        .find(|&i| !sentence.is_slack(i) && !tokens[i].is_one_of(words.me) && !tokens[i].is_one_of(words.not));
    let Some(next) = solid else { return false };
    sentence.lexicon.grammar.is_for_another(sentence, &Followed { next, end, intent, act })
}
