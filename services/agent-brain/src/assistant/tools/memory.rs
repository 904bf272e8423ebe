//! What is remembered of the client: goals, milestones, facts; and what becomes of words that weren't sent.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use steward_domain::{
    contact::memory::{Item, Kind, LONGEST_TEXT},
    conversation::intents::Resolution,
};

use super::{Hands, Spec, line, read};
use crate::remembering::Remembering;

pub const TOOLS: &[Spec] = &[
    Spec::of::<Goal>(
        "set_goal",
        "Remembers something that the client wants to reach in their life or work, over weeks or longer. Not what they want of this business, not a passing wish, not somebody else's goal.",
        set_goal,
    ),
    Spec::of::<GoalChange>(
        "update_goal",
        "Changes a goal that is remembered: corrected, nearer, reached, or given up, as the client says.",
        update_goal,
    ),
    Spec::of::<Milestone>(
        "record_milestone",
        "Remembers an event of the client's life or a step towards a goal that they tell of, and that one would ask about later.",
        record_milestone,
    ),
    Spec::of::<Resolved>(
        "resolve_milestone",
        "Ends a milestone that is remembered: it is done, or it wasn't so.",
        resolve_milestone,
    ),
    Spec::of::<Fact>(
        "remember",
        "Remembers something lasting that the client says of themselves: where they live, what they do, what they can't eat.",
        remember,
    ),
    Spec::of::<Forgotten>(
        "forget",
        "Forgets something that is remembered, for good: the client says that it isn't so, or doesn't want it kept.",
        forget,
    ),
    Spec::of::<Intent>(
        "resolve_intent",
        "Decides what becomes of words that you were about to send when the client wrote first: bring them up in this reply, promise them for another time, or drop them.",
        resolve_intent,
    ),
];

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Goal {
    /// What they want to reach, in their own words and language.
    title: String,
    /// The words in which they said so, exactly as they stand in their message.
    quote: String,
    /// By when, in their words; empty if they named no clear time.
    #[serde(default)]
    by: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GoalChange {
    /// Its number.
    goal: usize,
    /// The words in which they said so, exactly as they stand in their message.
    quote: String,
    /// What it is instead; empty: as it was.
    #[serde(default)]
    title: String,
    /// By when, in their words; empty: as it was.
    #[serde(default)]
    by: String,
    /// How far they are, in percent.
    #[serde(default)]
    progress: Option<u32>,
    #[serde(default)]
    state: GoalState,
}

#[derive(Deserialize, JsonSchema, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum GoalState {
    #[default]
    Open,
    Achieved,
    GivenUp,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Milestone {
    /// What happened, or will, in their own words and language.
    text: String,
    /// The words in which they said so, exactly as they stand in their message.
    quote: String,
    /// When it happens, in their words, if that is ahead; empty: now, or it isn't said.
    #[serde(default)]
    when: String,
    /// The number of the goal it belongs to, if there is one.
    #[serde(default)]
    goal: Option<usize>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Resolved {
    /// Its number.
    milestone: usize,
    /// The words in which they said so, exactly as they stand in their message.
    quote: String,
    /// It wasn't so, rather than done.
    #[serde(default)]
    not_so: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fact {
    /// It in their own words and language.
    fact: String,
    /// The words in which they said so, exactly as they stand in their message.
    quote: String,
    /// The number of the fact that it corrects, if it does.
    #[serde(default)]
    replaces: Option<usize>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Forgotten {
    /// The number of the goal, milestone or fact.
    number: usize,
    /// The words in which they said so, exactly as they stand in their message.
    quote: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Intent {
    /// The number of the words.
    intent: usize,
    decision: IntentDecision,
    /// Why, in a few words.
    why: String,
    /// When they are to be sent instead, in words; for `reschedule` alone.
    #[serde(default)]
    when: String,
}

#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum IntentDecision {
    Mention,
    Reschedule,
    Drop,
}

/// Percent: a model's reading of what was said outright.
const FAIRLY_SURE: u32 = 80;

fn set_goal(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let Goal { title, quote, by } = read(arguments)?;
    let at = instant(hands, &by)?;
    let evidence = hands.desk.evidence(&quote)?;
    let text = worded(&title)?;
    let set =
        Remembering::Set { kind: Kind::Goal, text: text.clone(), at, goal: None, evidence, confidence: FAIRLY_SURE };
    hands.desk.remember(set)?;
    Ok(json!({ "would_be_remembered": text, "by": at.map(|at| local(hands, at)) }).to_string())
}

fn update_goal(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let GoalChange { goal, quote, title, by, progress, state } = read(arguments)?;
    let item = hands.desk.remembered_at(goal, &[Kind::Goal])?;
    let at = instant(hands, &by)?;
    let evidence = hands.desk.evidence(&quote)?;
    let change = match state {
        GoalState::Achieved => Remembering::End { id: item.id, done: true, code: "", evidence },
        GoalState::GivenUp => Remembering::End { id: item.id, done: false, code: "given_up", evidence },
        GoalState::Open => {
            let text = if title.trim().is_empty() { None } else { Some(worded(&title)?) };
            if text.is_none() && at.is_none() && progress.is_none() {
                return Err("nothing is to be changed: give a title, a time, a progress or a state".to_owned());
            }
            Remembering::Correct { id: item.id, text, at, progress: progress.map(|it| it.min(100)), evidence }
        }
    };
    changed(hands, &item, change)
}

fn record_milestone(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let Milestone { text, quote, when, goal } = read(arguments)?;
    let goal = goal.map(|goal| hands.desk.remembered_at(goal, &[Kind::Goal])).transpose()?.map(|item| item.id);
    let evidence = hands.desk.evidence(&quote)?;
    let at = instant(hands, &when)?.or(Some(evidence.said_at));
    let text = worded(&text)?;
    let set =
        Remembering::Set { kind: Kind::Milestone, text: text.clone(), at, goal, evidence, confidence: FAIRLY_SURE };
    hands.desk.remember(set)?;
    Ok(json!({ "would_be_remembered": text }).to_string())
}

fn resolve_milestone(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let Resolved { milestone, quote, not_so } = read(arguments)?;
    let item = hands.desk.remembered_at(milestone, &[Kind::Milestone])?;
    let evidence = hands.desk.evidence(&quote)?;
    let end = Remembering::End { id: item.id, done: !not_so, code: "not_so", evidence };
    changed(hands, &item, end)
}

fn remember(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let Fact { fact, quote, replaces } = read(arguments)?;
    let evidence = hands.desk.evidence(&quote)?;
    let text = worded(&fact)?;
    let told = match replaces {
        Some(number) => {
            let item = hands.desk.remembered_at(number, &[Kind::Fact])?;
            Remembering::Correct { id: item.id, text: Some(text.clone()), at: None, progress: None, evidence }
        }
        None => Remembering::Set {
            kind: Kind::Fact,
            text: text.clone(),
            at: None,
            goal: None,
            evidence,
            confidence: FAIRLY_SURE,
        },
    };
    hands.desk.remember(told)?;
    Ok(json!({ "would_be_remembered": text }).to_string())
}

fn forget(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let Forgotten { number, quote } = read(arguments)?;
    let item = hands.desk.remembered_at(number, &Kind::ALL)?;
    let evidence = hands.desk.evidence(&quote)?;
    let end = Remembering::End { id: item.id, done: false, code: "forgotten", evidence };
    changed(hands, &item, end)
}

fn resolve_intent(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let Intent { intent, decision, why, when } = read(arguments)?;
    let why = line(&why, LONGEST_TEXT);
    let resolution = match decision {
        IntentDecision::Mention => Resolution::Mentioned,
        IntentDecision::Drop => Resolution::Dropped,
        IntentDecision::Reschedule => Resolution::Rescheduled,
    };
    if decision != IntentDecision::Reschedule {
        let unsaid = hands.desk.settle_intent(intent, resolution, &why)?;
        return Ok(json!({ "would_be": resolution.name(), "words": unsaid.text }).to_string());
    }
    let number = intent.checked_sub(1).and_then(|at| hands.desk.unsaid().get(at));
    let text = number.map(|unsaid| unsaid.text.clone()).ok_or_else(|| format!("nothing is unsaid under {intent}"))?;
    let when = line(&when, LONGEST_TEXT);
    if when.is_empty() {
        return Err("`when` says when they are to be sent instead".to_owned());
    }
    let said = hands.desk.promise(false, &when, &line(&text, LONGEST_TEXT))?;
    hands.desk.settle_intent(intent, resolution, &why)?;
    Ok(json!({ "would_be": resolution.name(), "in_words": said }).to_string())
}

fn changed(hands: &mut Hands<'_>, item: &Item, change: Remembering) -> Result<String, String> {
    let would_be = match &change {
        Remembering::End { done: true, .. } => "done",
        Remembering::End { .. } => "gone for good",
        _ => "changed",
    };
    hands.desk.remember(change)?;
    Ok(json!({ "remembered": item.text, "would_be": would_be }).to_string())
}

fn worded(text: &str) -> Result<String, String> {
    let text = line(text, LONGEST_TEXT);
    if text.is_empty() { Err("it needs a word or two".to_owned()) } else { Ok(text) }
}

fn instant(hands: &Hands<'_>, when: &str) -> Result<Option<chrono::DateTime<chrono::Utc>>, String> {
    let when = line(when, LONGEST_TEXT);
    if when.is_empty() { Ok(None) } else { hands.desk.instant(&when).map(Some) }
}

fn local(hands: &Hands<'_>, at: chrono::DateTime<chrono::Utc>) -> String {
    at.with_timezone(&hands.desk.zone()).format("%A %-d %B %Y %H:%M").to_string()
}
