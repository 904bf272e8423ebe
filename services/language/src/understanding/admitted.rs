//! What the closed list of thanks and consent admits: every pattern is written out as the sentences it stands for, and none may
//! ask, deny, tell something new or want something changed. What such sentences look like is listed here by its own words, apart
//! from the patterns.

use super::{lexicon::Lexicon, words::fold};
use crate::Language;

/// Sentences made of one pattern, at most.
const MOST: usize = 4_000;

/// The sentences of a pattern: all of them if they are few enough; else each alternative at least once, and a spread of the rest.
fn written_out(pattern: &str) -> Vec<String> {
    let elements: Vec<Vec<&str>> = pattern
        .split_whitespace()
        .map(|element| {
            let words = element.trim_end_matches('?').split('|');
            words.chain(element.ends_with('?').then_some("")).collect()
        })
        .collect();
    let all: usize = elements.iter().map(Vec::len).product();
    // a prime that shares no factor with the sizes walks through all of them, well mixed
    let step = [7_919, 104_729, 15_485_863].into_iter().find(|prime| !all.is_multiple_of(*prime)).unwrap_or(1);
    let sentence = |mut number: usize| {
        let words = elements.iter().map(|words| {
            let word = words[number % words.len()];
            number /= words.len();
            word
        });
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join(" ")
    };
    let mut out: Vec<String> = (0..all.min(MOST)).map(|n| sentence(n.wrapping_mul(step) % all)).collect();
    // each element's alternatives, the others at their first and at their last: the plainest sentences and the shortest
    let mut place = 1;
    for words in &elements {
        let last = all - 1 - (all - 1) / place % words.len() * place;
        out.extend((0..words.len()).flat_map(|n| [sentence(n * place), sentence(last + n * place)]));
        place *= words.len();
    }
    out
}

/// What a sentence of a language that isn't mere consent has in it: words and expressions between bars.
struct Counter {
    /// Ask.
    questions: &'static str,
    /// Want something changed, sold or answered; tell of time, money, people, things.
    facts: &'static str,
    /// Deny.
    negations: &'static str,
    /// Expressions that deny or ask and yet mean nothing but consent: they are taken out first.
    harmless: &'static str,
    /// How "forget" and "fail" begin: "no lo olvides" denies nothing.
    forget: &'static [&'static str],
    /// The one who writes: what follows is about them.
    subjects: &'static str,
    /// What they may say of themselves all the same.
    may: &'static str,
}

const ENGLISH: Counter = Counter {
    questions: "what|when|where|who|whom|whose|which|why|how|whether",
    facts: "cancel|move|change|delay|instead|but|however|until tomorrow|until later|price|cost|pay|paid|order|buy|bought|\
            address|number|sick|busy|late|wrong|bad|stop|another|other|more|less|need|want|already|never mind|nevermind|\
            it is me|it is us|is for me|is for us",
    negations: "no|not|never|don't|dont|can't|cant|won't|isn't|without|nothing|none",
    harmless: "no problem|no problems|no worries|no trouble at all|no trouble|no prob|no probs|no biggie|no sweat|no drama|\
               no objections|no objection|no complaints|not a problem|can't wait|cant wait|don't let me down|\
               dont let me down|how kind|how nice|how lovely|fine for me|fine for us",
    forget: &["forget"],
    subjects: "i|we",
    may: "am|will|be|wait|waiting|await|awaiting|expect|expecting|look|looking|agree|confirm|accept|approve|appreciate|\
          appreciated|thank|understand|understood|see|hope|counting|glad|happy|fine|ok|okay|good|cool|so|very|really|truly|\
          most|got|grateful|thankful|in|down|here|ready|take it|take that",
};

const SPANISH: Counter = Counter {
    questions: "cuándo|cuando|dónde|donde|quién|quien|cuánto|cuanto|cuál|cual|por qué|qué es|qué un",
    facts: "cancela|cancelar|cambia|cambiar|mueve|mover|precio|cuesta|pagar|pagado|pedido|comprar|dirección|número|\
            enfermo|ocupado|tarde por|pero|otro|no sé",
    negations: "no|nunca|jamás|tampoco|nadie|ningún|sin",
    harmless: "ningún|ninguna|no pasa nada|no hay problema|no hay problemas|no hay inconveniente|no hay lío|no hay drama|\
               no hay duda|no hay dudas|no hay objeción|no hay de qué|no tengo problema|no tengo problemas|\
               no tengo inconveniente|no tengo lío|no tengo drama|no tengo duda|no tengo dudas|no tengo objeción|\
               no te preocupes|no te preocupe|no se preocupe|no se preocupes|no problem|sin problema|sin problemas|sin falta|\
               sin duda|sin dudas|sin lío|sin novedad|sin inconveniente",
    forget: &["olvid", "fall"],
    subjects: "",
    may: "",
};

const RUSSIAN: Counter = Counter {
    questions: "когда|где|кто|почему|зачем|сколько|какой|какая|какие|куда|чей",
    facts: "отмени|отмена|перенеси|передумал|передумала|занят|занята|болен|болею|опоздаю|цена|стоит|стоимость|оплатил|купил|\
            адрес|номер|другой|другое время|лучше не|хватит|стоп|поздно|рано",
    negations: "не|нет|ни|нельзя|никогда|без",
    harmless: "не вопрос|не проблема|не проблемы|не беспокойтесь|не переживайте|не волнуйтесь|не против|не возражаю|\
               не возражаем|не сомневаюсь|не стоит благодарности|не стоит беспокоиться|не стоит волноваться|\
               не стоит переживать|не стоит беспокойства|без проблем|без возражений|без вопросов|без комментариев|\
               без разницы|не за что|вопросов нет",
    forget: &["забу", "забыва"],
    subjects: "",
    may: "",
};

/// The first expression of a list that stands in the words.
fn stands<'a>(words: &str, list: &'a str) -> Option<&'a str> {
    list.split('|')
        .filter(|words| !words.is_empty())
        .find(|expression| words.contains(&format!(" {} ", fold(expression))))
}

/// What shows that the sentence is more than consent.
fn more(sentence: &str, counter: &Counter) -> Option<String> {
    let mut said = format!(" {} ", fold(sentence));
    for harmless in counter.harmless.split('|') {
        said = said.replace(&format!(" {} ", fold(harmless)), " ");
    }
    let forgets = said.split_whitespace().any(|word| counter.forget.iter().any(|stem| word.starts_with(stem)));
    let denies = || stands(&said, counter.negations).filter(|_| !forgets);
    let facts = || stands(&said, counter.facts).filter(|fact| !(forgets && *fact == "no sé"));
    let news = || {
        let subject = stands(&said, counter.subjects)?;
        let behind = said.split_once(&format!(" {subject} "))?.1.trim_start();
        let may =
            behind.is_empty() || counter.may.split('|').any(|may| format!("{behind} ").starts_with(&format!("{may} ")));
        (!may).then_some(subject)
    };
    stands(&said, counter.questions).or_else(facts).or_else(denies).or_else(news).map(str::to_owned)
}

fn assert_harmless(language: Language, counter: &Counter) {
    let lists = Lexicon::of(language).words;
    let (mut written, mut wrong) = (0, Vec::new());
    for pattern in lists.acknowledgement {
        for sentence in written_out(pattern) {
            written += 1;
            if let Some(why) = more(&sentence, counter) {
                wrong.push(format!("{sentence:?} ({why}): {pattern:?}"));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    println!("{language}: {} patterns, {written} sentences, {} wrong", lists.acknowledgement.len(), wrong.len());
    let shown = wrong.iter().take(60).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{language}: {} taken for thanks or consent:\n{shown}", wrong.len());
}

#[test]
fn no_pattern_of_consent_admits_a_question_a_denial_or_news_in_english() {
    assert_harmless(Language::En, &ENGLISH);
}

#[test]
fn no_pattern_of_consent_admits_a_question_a_denial_or_news_in_spanish() {
    assert_harmless(Language::Es, &SPANISH);
}

#[test]
fn no_pattern_of_consent_admits_a_question_a_denial_or_news_in_russian() {
    assert_harmless(Language::Ru, &RUSSIAN);
}
