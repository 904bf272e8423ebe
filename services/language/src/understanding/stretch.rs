//! The stretch of a sentence that belongs to one act: the times it names, one or several, and the request they make.

use std::ops::Range;

use chrono::TimeZone as _;

use super::{
    Asked, Intent, Request, Says,
    acts::{Act, Deed},
    lexicon::Lexicon,
    pattern::{Patterns, TIGHT},
    sentence::{Reader, Sentence, spans},
    standing::{refusal, shift},
    topic::{condition, is_about_something, is_other_clause, later_words, topic, with_condition},
    words::Sort,
};
use crate::{
    Language,
    time::{Grain, Meaning, Moment},
};

/// The requests of a sentence's acts, in order.
pub(crate) fn requests(sentence: &Sentence, acts: &[Act], reader: Reader) -> Vec<Request> {
    let mut out: Vec<Request> = Vec::new();
    let mut unfinished = false;
    for (k, act) in acts.iter().enumerate() {
        let start = if k == 0 { 0 } else { start_of(sentence, &acts[k - 1], act) };
        let end = acts.get(k + 1).map_or(sentence.tokens.len(), |next| start_of(sentence, act, next));
        let range = start..end.max(act.words.end);
        let found = match act.deed {
            Deed::Contact { .. } => contact(sentence, range, act, reader),
            Deed::Refuse(intent) => refusal(sentence, range, act, Some(intent), reader),
            Deed::Cancel => refusal(sentence, range, act, None, reader),
            Deed::Move => vec![shift(sentence, range, act, reader)],
            Deed::Keep => vec![Request::Keep],
        };
        // "call or write to me tomorrow": one request
        if unfinished && matches!(found.first(), Some(Request::WriteToMe { .. } | Request::RemindMe { .. })) {
            out.pop();
        }
        unfinished = matches!(
            found.last(),
            Some(Request::WriteToMe { time, topic, .. } | Request::RemindMe { time, topic, .. })
                if time.meaning == Meaning::None && topic.is_empty()
        );
        out.extend(found);
    }
    out
}

/// Where the stretch of `next` begins: after the mark or conjunction before it.
fn start_of(sentence: &Sentence, previous: &Act, next: &Act) -> usize {
    let words = sentence.lexicon.words;
    (previous.words.end..next.words.start)
        .rev()
        .take_while(|&i| {
            sentence.is_light(i) || sentence.is_boundary(i) || sentence.tokens[i].is_one_of(words.conjunction)
        })
        .find(|&i| {
            sentence.is_boundary(i)
                || sentence.tokens[i].is_one_of(words.conjunction)
                || sentence.tokens[i].is_one_of(words.or)
        })
        .unwrap_or(next.words.start)
}

fn contact(sentence: &Sentence, range: Range<usize>, act: &Act, reader: Reader) -> Vec<Request> {
    let Deed::Contact { intent, weak, together } = act.deed else { return Vec::new() };
    if is_repeated(sentence, range.clone()) {
        return vec![Request::Repeated];
    }
    if is_said_to_anybody(sentence, act, weak) {
        return Vec::new();
    }
    let parts = times(sentence, range.clone(), act, reader);
    let several = parts.len() > 1;
    let mut out = Vec::new();
    for part in parts {
        let mut about = topic(sentence, part.range.clone(), act, intent, &part.spans);
        let timed = !matches!(part.meaning, Meaning::None);
        let hangs = !several && (!timed || intent == Intent::Remind);
        let condition = hangs.then(|| condition(sentence, part.range.clone(), act)).flatten();
        if let Some(condition) = &condition {
            about = with_condition(about, condition);
        }
        let ahead = timed && !matches!(part.meaning, Meaning::Past(_));
        let asks_back = matches!(part.meaning, Meaning::Instant(_) | Meaning::Ambiguous { .. } | Meaning::TooFar(_));
        let later = later_words(sentence, part.range.clone());
        let vague = !later.is_empty();
        let recalls = intent == Intent::Remind && !several && is_recall(sentence, act);
        let request = if together {
            asks_back || (vague && !timed)
        } else if recalls {
            false
        } else if weak {
            ahead
        } else {
            timed || vague || condition.is_some() || is_about_something(&about, intent)
        };
        if request {
            out.push(made(
                sentence,
                intent,
                range.clone(),
                Asked {
                    says: says(sentence, &part.meaning),
                    phrase: if timed { part.phrase } else { later },
                    meaning: part.meaning,
                },
                about,
            ));
        }
    }
    out
}

/// "Call us Monday to Friday", "write to us today and get 20 % off", "if you got this by mistake, let us know within a day":
/// an organisation says so to whoever reads it.
fn is_said_to_anybody(sentence: &Sentence, act: &Act, weak: bool) -> bool {
    let lexicon = sentence.lexicon;
    let tokens = &sentence.tokens;
    // "звоните нам": the word may stand behind the verb
    let verb = act.words.start..(act.words.end + 1).min(tokens.len());
    let us = tokens[verb]
        .iter()
        .any(|t| t.is_one_of(lexicon.words.us) || t.is_word() && t.ends_in(lexicon.words.ends_in_us));
    let says = |patterns: &Patterns| (0..tokens.len()).any(|i| patterns.longest(tokens, i, TIGHT).is_some());
    let conditional = tokens[..act.words.start].iter().any(|t| t.is_one_of(lexicon.words.conditional));
    us && (says(&lexicon.opening_hours) || says(&lexicon.offer) || (weak && conditional))
}

fn made(sentence: &Sentence, intent: Intent, range: Range<usize>, time: Asked, topic: String) -> Request {
    let instead = sentence.tokens[range].iter().any(|t| t.is_one_of(sentence.lexicon.words.instead));
    match intent {
        Intent::Write => Request::WriteToMe { time, topic, instead },
        Intent::Remind => Request::RemindMe { time, topic, instead },
    }
}

/// "Remind me what we agreed": asks for an answer now.
fn is_recall(sentence: &Sentence, act: &Act) -> bool {
    let tokens = &sentence.tokens;
    let Some(next) = (act.words.end..tokens.len()).find(|&i| {
        let words = sentence.lexicon.words;
        !sentence.polite[i] && !tokens[i].is_one_of(words.me) && !tokens[i].is_mark(',')
    }) else {
        return false;
    };
    let words = sentence.lexicon.words;
    let accented = || sentence.text[tokens[next].span.clone()].to_lowercase();
    tokens[next].is_one_of(words.asks_now) || words.asks_now_accented.iter().any(|word| *word == accented())
}

fn is_repeated(sentence: &Sentence, range: Range<usize>) -> bool {
    range.into_iter().any(|i| {
        !sentence.tokens[i].quoted
            && sentence.lexicon.repeated.longest(&sentence.tokens, i, TIGHT).is_some_and(|end| {
                // "the daily report" is no repetition
                end > i + 1
                    || sentence
                        .tokens
                        .get(end)
                        .is_none_or(|t| !t.is_word() || t.time || t.is_one_of(sentence.lexicon.words.preposition))
            })
    })
}

/// One time of a stretch, and the tokens it governs.
struct Part {
    range: Range<usize>,
    meaning: Meaning,
    /// Bytes that say the time.
    spans: Vec<Range<usize>>,
    phrase: String,
}

impl Part {
    fn new(sentence: &Sentence, range: Range<usize>, act: &Act, meaning: Meaning, reader: Reader) -> Self {
        let spans = said(sentence, range.clone(), act, &meaning, reader);
        let phrase = spans.iter().map(|s| sentence.text[s.clone()].trim()).collect::<Vec<_>>().join(" ");
        Self { range, meaning, spans, phrase }
    }
}

/// The bytes that say the time; a phrase broken by other words ("завтра напиши в 5") has several.
fn said(sentence: &Sentence, range: Range<usize>, act: &Act, meaning: &Meaning, reader: Reader) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    for span in spans(meaning) {
        let covering = sentence.covering(&span);
        let broken = covering.start < act.words.end && act.words.start < covering.end;
        if !broken {
            out.push(span);
            continue;
        }
        for side in [covering.start..act.words.start.max(covering.start), act.words.end.min(covering.end)..covering.end]
        {
            out.extend(spans(&sentence.time(side, reader)));
        }
    }
    if let Meaning::Instant(_) = meaning {
        // what else says a time in this stretch is a piece of the same one: the reader took all of it together
        let mut from = range.start;
        while from < range.end {
            let taken = |i: usize| {
                out.iter().any(|s| s.start < sentence.tokens[i].span.end && sentence.tokens[i].span.start < s.end)
            };
            let Some(start) = (from..range.end).find(|&i| !taken(i)) else { break };
            let end = (start..range.end).find(|&i| taken(i)).unwrap_or(range.end);
            if let Meaning::Instant(piece) | Meaning::Past(piece) = sentence.time(start..end, reader)
                && matches!(piece.grain, Grain::Second | Grain::Minute | Grain::Hour | Grain::PartOfDay)
                && is_bare_clock(sentence, &piece.span)
            {
                out.push(piece.span);
            }
            from = end;
        }
        out.sort_by_key(|s| s.start);
    }
    out
}

/// The times of a stretch.
fn times(sentence: &Sentence, range: Range<usize>, act: &Act, reader: Reader) -> Vec<Part> {
    let part = |range: Range<usize>, meaning: Meaning| Part::new(sentence, range, act, meaning, reader);
    let meaning = sentence.time(range.clone(), reader);
    match &meaning {
        Meaning::Ambiguous { .. } => {
            if let Some(parts) = several(sentence, range.clone(), act, reader) {
                return parts;
            }
            if let Some(meaning) = of_own_clause(sentence, range.clone(), act, reader) {
                return vec![part(range, meaning)];
            }
            if let Some(meaning) = before_topic(sentence, range.clone(), act, reader) {
                return vec![part(range, meaning)];
            }
            vec![part(range, meaning)]
        }
        Meaning::None => vec![part(range, meaning)],
        _ => {
            let foreign = spans(&meaning).iter().any(|span| is_elsewhere(sentence, range.clone(), act, span));
            let own = if foreign {
                of_own_clause(sentence, range.clone(), act, reader).unwrap_or(Meaning::None)
            } else {
                meaning
            };
            vec![part(range, own)]
        }
    }
}

/// "Tomorrow about A and on Friday about B": each time with its own part. `None` unless each is clear by itself.
fn several(sentence: &Sentence, range: Range<usize>, act: &Act, reader: Reader) -> Option<Vec<Part>> {
    let words = sentence.lexicon.words;
    let tokens = &sentence.tokens;
    for joint in act.words.end..range.end {
        let joins =
            tokens[joint].is_one_of(words.conjunction) || tokens[joint].is_mark(',') || tokens[joint].is_mark(';');
        if !joins || tokens[joint].quoted {
            continue;
        }
        let first = (joint + 1..range.end).find(|&i| {
            !(sentence.filler[i] || sentence.polite[i] || tokens[i].is_one_of(words.conjunction))
                || tokens[i].is_one_of(words.before_time)
        });
        let Some(first) = first else { continue };
        let subject = (first..range.end)
            .find(|&i| tokens[i].is_word() && !tokens[i].time && !tokens[i].is_one_of(words.before_time));
        if subject.is_some_and(|i| is_other_clause(sentence, i..range.end)) {
            continue;
        }
        let Meaning::Instant(left) = sentence.time(range.start..joint, reader) else { continue };
        let right = sentence.time(first..range.end, reader);
        let begins = spans(&right).iter().map(|s| s.start).min().is_some_and(|s| {
            let at = sentence.covering(&(s..s + 1)).start;
            at <= first || (at == first + 1 && tokens[first].is_one_of(words.before_time))
        });
        if !begins {
            continue;
        }
        let mut rest = match right {
            Meaning::Instant(right) => {
                // "tomorrow at 10 call, and at 15 pay": the day carries over; without two things to do it is one time in doubt
                let right = if is_bare_clock(sentence, &right.span) {
                    let about = |range: Range<usize>, spans: &[Range<usize>]| {
                        let Deed::Contact { intent, .. } = act.deed else { return false };
                        !topic(sentence, range, act, intent, spans).is_empty()
                    };
                    let two = about(range.start..joint, std::slice::from_ref(&left.span))
                        && about(first..range.end, std::slice::from_ref(&right.span));
                    on_day_of(&left, right).filter(|_| two)?
                } else {
                    right
                };
                vec![Part::new(sentence, first..range.end, act, Meaning::Instant(right), reader)]
            }
            Meaning::Ambiguous { .. } => {
                let mut rest = several_after(sentence, first..range.end, act, reader)?;
                let mut day = left.clone();
                for part in &mut rest {
                    let Meaning::Instant(moment) = &part.meaning else { continue };
                    let bare = is_bare_clock(sentence, &moment.span);
                    day = if bare { on_day_of(&day, moment.clone())? } else { moment.clone() };
                    part.meaning = Meaning::Instant(day.clone());
                }
                rest
            }
            _ => return None,
        };
        rest.insert(0, Part::new(sentence, range.start..joint, act, Meaning::Instant(left), reader));
        return Some(rest);
    }
    None
}

/// The clock of `clock` on the day of `day`, if that is after it.
fn on_day_of(day: &Moment, clock: Moment) -> Option<Moment> {
    let zone = day.zone;
    let local = day.at.with_timezone(&zone).date_naive().and_time(clock.at.with_timezone(&zone).time());
    let at = zone.from_local_datetime(&local).earliest()?.to_utc();
    (at > day.at).then_some(Moment { at, ..clock })
}

/// The same for the rest of a list.
fn several_after(sentence: &Sentence, range: Range<usize>, act: &Act, reader: Reader) -> Option<Vec<Part>> {
    let here = Act { words: range.start..range.start, ..act.clone() };
    several(sentence, range, &here, reader)
}

/// The time said in the act's own clause, if the other clauses say theirs about something else.
fn of_own_clause(sentence: &Sentence, range: Range<usize>, act: &Act, reader: Reader) -> Option<Meaning> {
    let clauses = clauses(sentence, range);
    let own = clauses.iter().find(|c| c.contains(&act.verb))?.clone();
    let meaning = sentence.time(own.clone(), reader);
    let others = clauses.iter().filter(|c| !c.contains(&act.verb));
    let foreign = others
        .clone()
        .all(|c| matches!(sentence.time(c.clone(), reader), Meaning::None) || is_foreign(sentence, c.clone()));
    let elsewhere = spans(&meaning).iter().any(|span| is_elsewhere(sentence, own.clone(), act, span));
    (matches!(meaning, Meaning::Instant(_) | Meaning::TooFar(_)) && foreign && !elsewhere).then_some(meaning)
}

fn clauses(sentence: &Sentence, range: Range<usize>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = range.start;
    for i in range.clone() {
        if sentence.is_boundary(i) {
            out.push(start..i);
            start = i + 1;
        }
    }
    out.push(start..range.end);
    out.retain(|c| !c.is_empty());
    out
}

/// Has a subject of its own, or is introduced as what the message is about.
fn is_foreign(sentence: &Sentence, clause: Range<usize>) -> bool {
    let first =
        clause.clone().find(|&i| sentence.tokens[i].is_word() && !sentence.polite[i] && !sentence.tokens[i].time);
    is_other_clause(sentence, first.unwrap_or(clause.end)..clause.end)
        || first.is_some_and(|i| sentence.tokens[i].is_one_of(sentence.lexicon.words.opens_clause))
}

/// The time stands in a clause that is about something else.
fn is_elsewhere(sentence: &Sentence, range: Range<usize>, act: &Act, span: &Range<usize>) -> bool {
    let tokens = sentence.covering(span);
    // "we met on Friday and write to me": the time belongs to what stands before "and"
    let joint =
        (tokens.end..act.words.start).find(|&i| sentence.tokens[i].is_one_of(sentence.lexicon.words.conjunction));
    if let Some(joint) = joint {
        let said = |i: usize| {
            let token = &sentence.tokens[i];
            token.is_word()
                && !token.time
                && !sentence.filler[i]
                && !sentence.polite[i]
                && !token.is_one_of(sentence.lexicon.words.before_time)
        };
        return (range.start..joint).any(said);
    }
    let clauses = clauses(sentence, range);
    let Some(clause) = clauses.iter().find(|c| c.start <= tokens.start && tokens.end <= c.end) else { return false };
    if clause.contains(&act.verb) {
        return false;
    }
    let words = sentence.lexicon.words;
    let before = clause.end <= act.words.start;
    let solid = clause.clone().find(|&i| {
        let token = &sentence.tokens[i];
        token.is_word()
            && !token.time
            && !sentence.filler[i]
            && !sentence.polite[i]
            && !token.is_one_of(words.before_time)
    });
    match solid {
        None => false,
        Some(i) if before => !sentence.tokens[i].is_one_of(words.introduces),
        Some(_) => {
            is_other_clause(sentence, clause.clone()) || {
                let first = clause.clone().find(|&i| sentence.tokens[i].is_word() && !sentence.tokens[i].time);
                first.is_some_and(|i| is_other_clause(sentence, i..clause.end))
            }
        }
    }
}

/// "Remind me tomorrow that on Friday …": what follows the introducing word is the topic's own time.
fn before_topic(sentence: &Sentence, range: Range<usize>, act: &Act, reader: Reader) -> Option<Meaning> {
    let words = sentence.lexicon.words;
    if sentence.tokens[range.clone()].iter().any(|t| t.is_one_of(words.or)) {
        return None;
    }
    let topic = (act.words.end..range.end).find(|&i| {
        !sentence.tokens[i].time
            && (sentence.tokens[i].is_one_of(words.opens_topic) || sentence.tokens[i].ends_in(words.topic_verb))
    })?;
    let meaning = sentence.time(range.start..topic, reader);
    matches!(meaning, Meaning::Instant(_)).then_some(meaning)
}

/// Nothing but a time of day ("в 15", "at 3 pm"), which hangs on a day said elsewhere.
fn is_bare_clock(sentence: &Sentence, span: &Range<usize>) -> bool {
    let words = sentence.lexicon.words;
    sentence.tokens[sentence.covering(span)].iter().all(|t| match t.sort {
        Sort::Word => t.is_one_of(words.clock) || t.folded.starts_with(|c: char| c.is_ascii_digit()),
        _ => true,
    })
}

/// A meaning with its own words.
pub(crate) fn asked(sentence: &Sentence, meaning: Meaning) -> Asked {
    let phrase = spans(&meaning).into_iter().map(|s| sentence.text[s].trim().to_owned()).collect::<Vec<_>>().join(" ");
    let says = says(sentence, &meaning);
    Asked { meaning, phrase, says }
}

/// "The same time", but not "this same time", "the same time as today": those are of the clock of writing.
fn says_same_time(sentence: &Sentence, span: &Range<usize>) -> bool {
    let tokens = &sentence.tokens;
    let covering = sentence.covering(span);
    Language::ALL.iter().map(|&language| Lexicon::of(language)).any(|lexicon| {
        covering.clone().any(|i| {
            let this = i > 0 && tokens[i - 1].is_one_of(lexicon.words.this);
            let end = lexicon.same_time.longest(tokens, i, TIGHT).filter(|&end| !this && end <= covering.end);
            end.is_some_and(|end| !tokens.get(end).is_some_and(|t| t.is_one_of(lexicon.words.same_as)))
        })
    })
}

/// How much of a moment its words say.
pub(crate) fn says(sentence: &Sentence, meaning: &Meaning) -> Says {
    let Meaning::Instant(moment) = meaning else { return Says::Moment };
    let words = sentence.lexicon.words;
    let names_today =
        || sentence.tokens[sentence.covering(&moment.span)].iter().any(|t| t.is_one_of(words.today_parts));
    match (moment.rule, moment.grain) {
        ("part_of_day", Grain::Minute) if says_same_time(sentence, &moment.span) => Says::SameTime,
        (_, Grain::Minute) if says_same_time(sentence, &moment.span) => Says::SameTimeOn,
        ("time_of_day" | "part_of_day" | "end_of_day", _) if !names_today() => Says::Clock,
        ("time_of_day" | "part_of_day" | "end_of_day" | "midnight", _) => Says::Moment,
        (_, Grain::Day | Grain::Week | Grain::Month | Grain::Year) => Says::Day,
        _ => Says::Moment,
    }
}
