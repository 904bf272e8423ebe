//! A message read as a whole: sentence by sentence, first those that consist of nothing but a known phrase, then by their verbs.

use std::ops::Range;

use super::{
    Asked, Intent, Request, Says, Which,
    acts::{Deed, acts},
    lexicon::Lexicon,
    pattern::{Patterns, TIGHT, covered, covered_by, reach},
    sentence::{Reader, Sentence, sentences},
    shift::shift,
    standing, stretch,
    topic::is_other_clause,
    words::{Sort, Token, tokens, without_quoted_lines},
};
use crate::{Language, time::Meaning};

/// Pictographs that say yes or thanks.
const NODS: &[char] = &[
    '👍', '👌', '🙏', '❤', '♥', '😊', '🙂', '😉', '✅', '✔', '☑', '🤝', '💪', '🔥', '🎉', '😀', '😁', '😃', '😄', '👏',
    '💯', '🤗', '😘', '🥰', '😍', '☺', '🆗', '💙', '💚', '💛', '🫡', '👋', '🤩', '😎', '➕', '🙌', '💜', '🧡',
];

/// What the words of one language say of a text.
pub(crate) struct Read {
    /// What it asks for; never empty.
    pub requests: Vec<Request>,
    /// Something may have been missed, for the text is too dense.
    pub missed: bool,
    /// It names a time, speaks of promises, or of changing one.
    pub hints: bool,
}

/// What `text` asks for by the words of one language.
pub(crate) fn requests(text: &str, language: Language, reader: Reader) -> Read {
    let lexicon = Lexicon::of(language);
    let text = without_quoted_lines(text);
    let mut sentences = sentences(&text, tokens(&text), lexicon, reader);
    // a legal notice and what follows it is nobody's wish
    if let Some(notice) = sentences.iter().position(|s| says(s, &lexicon.notice)) {
        sentences.truncate(notice);
    }
    let read = |requests: Vec<Request>| Read {
        requests,
        missed: sentences.iter().any(|s| s.worn_out.get()),
        hints: sentences.iter().any(|s| hints(s, reader)),
    };
    let readings: Vec<Vec<Request>> = sentences.iter().map(|s| sentence_requests(s, reader)).collect();
    let plus = !text.trim().is_empty() && text.trim().chars().all(|c| c == '+');
    let courteous = |r: &Vec<Request>| matches!(r[..], [Request::Acknowledgement | Request::Greeting]);
    if plus || (!readings.is_empty() && readings.iter().all(courteous)) {
        let greets = !plus && readings.iter().all(|r| *r == [Request::Greeting]);
        return read(vec![if greets { Request::Greeting } else { Request::Acknowledgement }]);
    }
    let mut out = Vec::new();
    let mut i = 0;
    while i < readings.len() {
        let mut found = readings[i].clone();
        found.retain(|r| !is_idle(r));
        if let [only] = found.as_mut_slice() {
            let (before, after) = (i.checked_sub(1), (i + 1 < readings.len()).then_some(i + 1));
            let idle = |k: usize| readings[k].iter().all(is_idle);
            let neighbours: Vec<&Sentence> =
                [after, before].into_iter().flatten().filter(|&k| idle(k)).map(|k| &sentences[k]).collect();
            complete(only, &neighbours, after.filter(|&k| idle(k)).map(|k| &sentences[k]), reader);
        }
        out.append(&mut found);
        i += 1;
    }
    if out.is_empty() {
        out.extend(only_time(&sentences, &readings, reader));
    }
    if out.contains(&Request::OptOut) {
        let asks = |r: &Request| {
            matches!(
                r,
                Request::WriteToMe { .. } | Request::RemindMe { .. } | Request::Move { .. } | Request::Shift { .. }
            )
        };
        // who still asks for something wants it; else there is nothing to say of the rest
        let nothing_more = !out.iter().any(asks);
        out.retain(|r| (*r == Request::OptOut) == nothing_more);
        out.truncate(if nothing_more { 1 } else { out.len() });
    }
    if out.is_empty() {
        out.push(Request::Other);
    }
    read(out)
}

/// Asks for nothing by itself.
fn is_idle(request: &Request) -> bool {
    matches!(request, Request::Acknowledgement | Request::Greeting | Request::Other)
}

/// A message that is nothing but a time, courtesies aside.
fn only_time(sentences: &[Sentence], readings: &[Vec<Request>], reader: Reader) -> Option<Request> {
    let mut rest = (0..sentences.len()).filter(|&k| readings[k] == [Request::Other]);
    let (Some(k), None) = (rest.next(), rest.next()) else { return None };
    let sentence = &sentences[k];
    let meaning = is_only_time(sentence).then(|| sentence.time(0..sentence.tokens.len(), reader))?;
    (meaning != Meaning::None).then(|| Request::Time(stretch::asked(sentence, meaning)))
}

/// Whether one of these patterns stands anywhere in what isn't quoted.
fn says(sentence: &Sentence, patterns: &Patterns) -> bool {
    (0..sentence.tokens.len())
        .any(|at| !sentence.tokens[at].quoted && patterns.longest(&sentence.tokens, at, TIGHT).is_some())
}

/// It may be about promises: it names a time, speaks of them, or of changing one, or is little more than what may be an hour.
fn hints(sentence: &Sentence, reader: Reader) -> bool {
    let lexicon = sentence.lexicon;
    let change =
        [&lexicon.promise, &lexicon.list, &lexicon.cancel, &lexicon.cancel_start, &lexicon.move_free, &lexicon.keep];
    sentence.tokens.iter().any(|t| t.time && !t.quoted)
        || change.iter().any(|patterns| says(sentence, patterns))
        || lexicon.verbs.iter().filter(|v| v.intent == Intent::Remind).any(|v| says(sentence, &v.patterns))
        || may_be_an_hour(sentence, reader)
}

/// "No, 11", "sorry, 11": one number that may be an hour, and nothing beside it that says what else it would be.
fn may_be_an_hour(sentence: &Sentence, reader: Reader) -> bool {
    let lexicon = sentence.lexicon;
    let tokens = &sentence.tokens;
    let mut numbers = (0..tokens.len()).filter(|&i| tokens[i].is_number());
    let (Some(at), None) = (numbers.next(), numbers.next()) else { return false };
    let beside = [
        &lexicon.filler,
        &lexicon.polite,
        &lexicon.rather,
        &lexicon.acknowledgement,
        &lexicon.greeting,
        &lexicon.regret,
        &lexicon.keep,
    ];
    let free = |t: &Token| t.span == tokens[at].span || t.is_one_of(lexicon.words.before_time);
    covered_by(tokens, &beside, &free) && sentence.clock(at, reader).is_some()
}

/// A time or a thing said in a sentence of its own belongs to the request beside it ("Напиши мне. Завтра в 10.").
fn complete(request: &mut Request, neighbours: &[&Sentence], after: Option<&Sentence>, reader: Reader) {
    let is_remind = matches!(request, Request::RemindMe { .. });
    let (Request::WriteToMe { time, topic, .. } | Request::RemindMe { time, topic, .. }) = request else { return };
    let mut used = None;
    if time.meaning == Meaning::None
        && let Some(said) = neighbours.iter().find(|s| is_only_time(s))
    {
        *time = stretch::asked(said, said.time(0..said.tokens.len(), reader));
        used = said.tokens.first().map(|t| t.span.start);
    }
    if let Some(next) = after
        && is_remind
        && topic.is_empty()
        && time.meaning != Meaning::None
        && !next.asked
        && next.tokens.first().map(|t| t.span.start) != used
        && !is_acknowledgement(next)
        && !is_other_clause(next, 0..next.tokens.len())
        && !next.tokens.iter().any(|t| t.time)
    {
        let (Some(first), Some(last)) = (next.tokens.first(), next.tokens.last()) else { return };
        let words = next.text[first.span.start..last.span.end].trim_end_matches(['.', '!', ' ']);
        *topic = words.chars().take(super::LONGEST_TOPIC).collect();
    }
}

fn is_only_time(sentence: &Sentence) -> bool {
    let words = sentence.lexicon.words;
    let light = courtesies(sentence);
    let mut said = sentence.tokens.iter().enumerate().filter(|(_, t)| t.is_word());
    sentence.tokens.iter().any(|t| t.time)
        && !sentence.asked
        && said.all(|(i, t)| {
            t.time || sentence.filler[i] || sentence.polite[i] || light[i] || t.is_one_of(words.before_time)
        })
}

/// "I can't tomorrow, let's make it Friday": the last clause asks for another time, what stands before says why.
fn move_behind_reason(sentence: &Sentence, reader: Reader) -> Option<Asked> {
    let end = sentence.tokens.len();
    let joint =
        (0..end).rev().find(|&i| sentence.is_boundary(i) && (i + 1..end).any(|k| sentence.tokens[k].is_word()))?;
    implied_move(sentence, joint + 1..end, reader)
}

/// "For Monday", "на понедельник": nothing but a day, and the word that says that something goes there.
fn bare_target(sentence: &Sentence, reader: Reader) -> Option<Asked> {
    let words = sentence.lexicon.words;
    let courtesies = courtesies(sentence);
    let first = (0..sentence.tokens.len()).find(|&i| sentence.tokens[i].is_word() && !courtesies[i])?;
    let targets = sentence.tokens[first].is_one_of(words.target) && is_only_time(sentence);
    let time = targets.then(|| stretch::asked(sentence, sentence.time(0..sentence.tokens.len(), reader)))?;
    (time.says == Says::Day).then_some(time)
}

/// Which tokens belong to thanks or consent.
fn courtesies(sentence: &Sentence) -> Vec<bool> {
    let mut out = vec![false; sentence.tokens.len()];
    let mut at = 0;
    while at < out.len() {
        let end = sentence.lexicon.acknowledgement.longest(&sentence.tokens, at, TIGHT).unwrap_or(at);
        out[at..end].fill(true);
        at = end.max(at + 1);
    }
    out
}

fn sentence_requests(sentence: &Sentence, reader: Reader) -> Vec<Request> {
    let lexicon = sentence.lexicon;
    let tokens = &sentence.tokens;
    let beside = [&lexicon.filler, &lexicon.polite];
    let quoted = tokens.iter().all(|t| t.quoted);
    let whole = |needed, free: &dyn Fn(&Token) -> bool| !quoted && covered(tokens, needed, &beside, free);
    let nothing: &dyn Fn(&Token) -> bool = &|_| false;
    let times: &dyn Fn(&Token) -> bool = &|t| t.time || t.is_one_of(lexicon.words.before_time);

    if wants_nothing_more(sentence) {
        return vec![Request::OptOut];
    }
    let acts = acts(sentence);
    let dropped = || if acts.is_empty() && !quoted && !sentence.asked { dropped(sentence, times) } else { None };
    // "it's done" says more than "done"
    let several = tokens.iter().filter(|t| t.is_word()).count() > 1;
    if is_acknowledgement(sentence) && !(several && dropped() == Some(0..tokens.len())) {
        let greets = covered(tokens, &lexicon.greeting, &[&lexicon.beside_acknowledgement], &|t| is_name(sentence, t));
        return vec![if greets { Request::Greeting } else { Request::Acknowledgement }];
    }
    if whole(&lexicon.help, nothing) {
        return vec![Request::Help];
    }
    if whole(&lexicon.human, nothing) {
        return vec![Request::HumanRequested];
    }
    if whole(&lexicon.list, times) {
        return vec![Request::List];
    }
    if !quoted
        && !sentence.asked
        && let Some((shift, said)) = shift(sentence, &acts, reader)
    {
        let which = match acts.iter().find(|act| act.deed == Deed::Move) {
            Some(act) => standing::which_beside(sentence, act, &said),
            None => Which::unsaid(),
        };
        let asks = acts.iter().any(|act| matches!(act.deed, Deed::Contact { .. }));
        let otherwise = if asks { stretch::requests(sentence, &acts, reader) } else { Vec::new() };
        return vec![Request::Shift { shift, which, otherwise }];
    }
    let keeps = [&lexicon.filler, &lexicon.polite, &lexicon.promise, &lexicon.acknowledgement];
    if !quoted && !sentence.asked && covered(tokens, &lexicon.keep, &keeps, times) {
        // "leave it for Monday"
        let meaning = sentence.time(0..tokens.len(), reader);
        return vec![if meaning == Meaning::None {
            Request::Keep
        } else {
            Request::Move { time: stretch::asked(sentence, meaning), which: Which::unsaid(), plain: false }
        }];
    }
    if !quoted
        && !sentence.asked
        && let Some(time) = bare_hour(sentence, 0..tokens.len(), &lexicon.keep, &keeps, reader)
    {
        return vec![Request::Move { time, which: Which::unsaid(), plain: false }];
    }
    let beside =
        [&lexicon.filler, &lexicon.polite, &lexicon.promise, &lexicon.acknowledgement, &lexicon.regret, &lexicon.keep];
    if !quoted && !sentence.asked && covered(tokens, &lexicon.restore, &beside, nothing) {
        return vec![Request::Keep];
    }
    if let Some(time) = standing::corrected(sentence, 0..tokens.len(), reader)
        .or_else(|| implied_move(sentence, 0..tokens.len(), reader))
    {
        return vec![Request::Move { time, which: Which::unsaid(), plain: false }];
    }
    if acts.is_empty()
        && let Some(time) = move_behind_reason(sentence, reader)
    {
        return vec![Request::Move { time, which: Which::unsaid(), plain: false }];
    }
    if let Some(time) = bare_target(sentence, reader) {
        return vec![Request::Move { time, which: Which::unsaid(), plain: false }];
    }
    if let Some(dropped) = dropped() {
        let time = sentence.time(dropped, reader);
        return vec![Request::Cancel { which: Which { time, ..Which::unsaid() } }];
    }
    let found = stretch::requests(sentence, &acts, reader);
    if found.is_empty() { vec![Request::Other] } else { found }
}

/// The words that take promises back: all of the sentence, or what stands before the reason ("no need, I found it").
fn dropped(sentence: &Sentence, free: &dyn Fn(&Token) -> bool) -> Option<Range<usize>> {
    let lexicon = sentence.lexicon;
    let tokens = &sentence.tokens;
    let beside = [&lexicon.filler, &lexicon.polite, &lexicon.promise, &lexicon.acknowledgement];
    let drops = |end: usize| covered(&tokens[..end], &lexicon.drop, &beside, free).then_some(0..end);
    let boundary = (0..tokens.len()).find(|&i| sentence.is_boundary(i));
    let before_reason = boundary.filter(|&i| is_other_clause(sentence, i + 1..tokens.len())).and_then(drops);
    drops(tokens.len()).or(before_reason)
}

/// "Don't write to me any more", by itself or with a reason behind it.
fn wants_nothing_more(sentence: &Sentence) -> bool {
    let lexicon = sentence.lexicon;
    let tokens = &sentence.tokens;
    if sentence.asked || tokens.iter().any(|t| t.quoted) {
        return false;
    }
    let beside = [&lexicon.filler, &lexicon.polite, &lexicon.greeting];
    let wants = |range: Range<usize>| covered(&tokens[range], &lexicon.opt_out, &beside, &|_| false);
    if wants(0..tokens.len()) {
        return true;
    }
    let mut start = 0;
    for end in (0..=tokens.len()).filter(|&i| i == tokens.len() || sentence.is_boundary(i)) {
        // one word alone ("stop") is too little beside others
        let said = tokens[start..end].iter().filter(|t| t.is_word()).count() > 1;
        if said && wants(start..end) {
            return acts(sentence).iter().all(|act| start <= act.words.start && act.words.end <= end);
        }
        start = end + 1;
    }
    false
}

/// "Лучше в пятницу", "make it Friday": nothing but a time and words that prefer it.
pub(crate) fn implied_move(sentence: &Sentence, range: Range<usize>, reader: Reader) -> Option<Asked> {
    let lexicon = sentence.lexicon;
    let tokens = &sentence.tokens[range.clone()];
    let before_time = |t: &Token| t.time || t.is_one_of(lexicon.words.before_time);
    let beside = [&lexicon.filler, &lexicon.polite];
    if tokens.iter().any(|t| t.quoted) {
        return None;
    }
    if !tokens.iter().any(|t| t.time) {
        return bare_hour(sentence, range, &lexicon.rather, &beside, reader);
    }
    if !covered(tokens, &lexicon.rather, &beside, &before_time) {
        return None;
    }
    let meaning = sentence.time(range, reader);
    (meaning != Meaning::None).then(|| stretch::asked(sentence, meaning))
}

/// "Make it 11", "лучше 11": a number that can only be an hour, for all beside it belongs to changing a promise.
fn bare_hour(
    sentence: &Sentence,
    range: Range<usize>,
    needed: &Patterns,
    beside: &[&Patterns],
    reader: Reader,
) -> Option<Asked> {
    let tokens = &sentence.tokens;
    let words = |i: &usize| tokens[*i].is_word() && !tokens[*i].is_one_of(sentence.lexicon.words.instead);
    // "No, 11" may be an answer to something else.
    let prefers = |i: usize| {
        let end = needed.longest(tokens, i, TIGHT)?;
        Some(tokens[i..end].iter().any(|t| !t.is_one_of(sentence.lexicon.words.contradicts)))
    };
    if !range.clone().any(|i| prefers(i) == Some(true)) {
        return None;
    }
    let mut said = range.clone().filter(|&i| tokens[i].is_number());
    let at = match (said.next(), said.next()) {
        (Some(at), None) => at,
        // "better eleven"
        (None, _) => range.clone().rfind(words)?,
        (Some(_), Some(_)) => return None,
    };
    let free = |t: &Token| t.span == tokens[at].span || t.is_one_of(sentence.lexicon.words.before_time);
    covered(&tokens[range], needed, beside, &free).then(|| sentence.clock(at, reader))?
}

/// Nothing but thanks, consent, a wish or a greeting, by the closed list; a question is none.
fn is_acknowledgement(sentence: &Sentence) -> bool {
    let lexicon = sentence.lexicon;
    let tokens = &sentence.tokens;
    let known = |c: char| NODS.contains(&c);
    let strange = tokens.iter().any(|t| matches!(t.sort, Sort::Emoji(c) if !known(c)));
    if sentence.asked || strange || tokens.iter().any(|t| t.quoted) {
        return false;
    }
    if tokens.iter().all(|t| !t.is_word()) {
        return tokens.iter().any(|t| matches!(t.sort, Sort::Emoji(_)));
    }
    let needed = [&lexicon.acknowledgement, &lexicon.greeting];
    let beside = [&lexicon.beside_acknowledgement];
    reach(tokens, &needed, &beside, &|t| is_name(sentence, t)).1
}

/// "Thanks, Anna": a capitalised word behind thanks or a greeting that is no word of ours.
fn is_name(sentence: &Sentence, token: &Token) -> bool {
    let lexicon = sentence.lexicon;
    let tokens = &sentence.tokens;
    let Some(at) = tokens.iter().position(|t| t.span == token.span).filter(|&at| at > 0) else { return false };
    let mut letters = sentence.text[token.span.clone()].chars();
    let written_as_a_name = letters.next().is_some_and(char::is_uppercase) && letters.all(|c| !c.is_uppercase());
    let ours =
        [&lexicon.drop, &lexicon.cancel_start, &lexicon.move_start, &lexicon.list, &lexicon.human, &lexicon.help];
    written_as_a_name
        && !token.time
        && !token.is_one_of(lexicon.words.not)
        && !token.is_one_of(lexicon.words.question)
        && !ours.iter().any(|set| set.longest(tokens, at, TIGHT).is_some())
        && (at.saturating_sub(NAMED_BEHIND)..at).any(|i| lexicon.courtesy.longest(tokens, i, TIGHT).is_some())
}

/// So many tokens before a name the thanks begin, at most: "thank you so much for it, dear Mr Anna".
const NAMED_BEHIND: usize = 8;
