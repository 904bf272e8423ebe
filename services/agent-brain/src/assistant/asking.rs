//! One step of a turn: a model is asked, and each call of it is noted, also those that nobody waits for any more.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use steward_domain::brain::Job;
use steward_proto::{Event, v1};
use steward_settings::Model;
use tokio::{sync::mpsc, time::Instant};

use super::making;
use crate::{
    brain::{BrainError, Run},
    budget::Budget,
    journal::SKIPPED,
    models::{Answer, Asking, Attempt, Call, Deltas, Models, NoAnswer, Outcome, Request, Said, Stop, Usage, cost},
};

/// Bytes of what a model said that are noted.
pub const NOTED: usize = 8 << 10;

/// What a step is asked with.
#[derive(Clone)]
pub struct Step<'a> {
    pub models: &'a Models,
    pub chain: &'a [Model],
    pub run: &'a dyn Run,
    pub job: &'static str,
    pub conversation: String,
    pub prompt_hash: &'a str,
    pub deadline: Instant,
    pub budget: &'a Budget,
    pub tenant: &'a str,
    pub now: DateTime<Utc>,
}

/// The most that a request may cost the first model of a chain, in micro-USD; what isn't priced costs nothing here.
fn most(chain: &[Model], request: &Request) -> u64 {
    let usage = Usage { input: request.estimated_tokens(), output: request.max_output.into(), ..Usage::NONE };
    chain.first().and_then(|model| model.price).map_or(0, |price| cost(&usage, &price))
}

impl Step<'_> {
    /// Asks for the n-th time in this turn; inner error: why there is no answer, as a code. Outer error: it couldn't be noted.
    pub async fn ask(&self, n: u32, request: &Request) -> Result<Result<Answer, &'static str>, BrainError> {
        let call_id = format!("m{n}");
        let reserved_micro_usd = most(self.chain, request);
        let call = (self.run.id().to_string(), call_id.clone());
        if !self.budget.reserve(self.tenant, self.now, call, reserved_micro_usd).await {
            return Ok(Err("over_budget"));
        }
        let first = self.chain.first();
        let of_first = |name: fn(&Model) -> &String| first.map(name).cloned().unwrap_or_default();
        self.run.note(
            v1::ModelCallStarted {
                run_id: self.run.id().to_string(),
                call_id: call_id.clone(),
                provider: of_first(|model| &model.provider),
                model: of_first(|model| &model.name),
                job: self.job.to_owned(),
                prompt_hash: self.prompt_hash.to_owned(),
                estimated_input: request.estimated_tokens(),
                reserved_micro_usd,
                conversation_id: self.conversation.clone(),
            }
            .into(),
        );
        self.run.keep().await?;
        let mut attempts = Attempts { made: Vec::new(), step: self, call_id, answer: None };
        let correlation = self.run.id().to_string();
        let asking = Asking { request, correlation: &correlation, deadline: self.deadline };
        let answer = if self.job == Job::Chat.name() {
            let (sender, deltas) = mpsc::channel(making::WAITING);
            let answering = async {
                let mut deltas = Deltas::to(sender);
                self.models.answer(self.chain, &asking, &mut deltas, &mut attempts.made).await
            };
            tokio::join!(answering, making::tell(deltas, self.run)).0
        } else {
            self.models.answer(self.chain, &asking, &mut Deltas::none(), &mut attempts.made).await
        };
        attempts.answer = answer.as_ref().ok().cloned();
        if attempts.made.is_empty() {
            // Nobody was asked, so what was reserved is free again.
            self.run.note(self.skipped(&attempts.call_id));
        }
        drop(attempts);
        Ok(answer.map_err(|error| no_answer(&error)))
    }
}

impl Step<'_> {
    /// That a call which was begun wasn't made after all.
    fn skipped(&self, call_id: &str) -> Event {
        let first = self.chain.first();
        v1::ModelCallFailed {
            run_id: self.run.id().to_string(),
            call_id: call_id.to_owned(),
            provider: first.map(|model| model.provider.clone()).unwrap_or_default(),
            model: first.map(|model| model.name.clone()).unwrap_or_default(),
            job: self.job.to_owned(),
            code: SKIPPED.to_owned(),
            conversation_id: self.conversation.clone(),
            ..Default::default()
        }
        .into()
    }
}

/// The calls of one step. Dropped, they are noted: whatever became of them.
struct Attempts<'a> {
    made: Vec<Attempt>,
    step: &'a Step<'a>,
    call_id: String,
    answer: Option<Answer>,
}

impl Drop for Attempts<'_> {
    fn drop(&mut self) {
        for attempt in std::mem::take(&mut self.made) {
            let event = match (&attempt.outcome, &self.answer) {
                (Outcome::Answered, Some(answer)) => self.completed(&attempt, answer),
                (outcome, _) => self.failed(&attempt, code(outcome)),
            };
            self.step.run.note(event);
        }
    }
}

impl Attempts<'_> {
    fn completed(&self, attempt: &Attempt, answer: &Answer) -> Event {
        v1::ModelCallCompleted {
            run_id: self.step.run.id().to_string(),
            call_id: self.call_id.clone(),
            provider: attempt.provider.clone(),
            model: attempt.model.clone(),
            answered_as: name(&answer.model),
            job: self.step.job.to_owned(),
            usage: Some(usage(attempt.usage)),
            micro_usd: attempt.cost.unwrap_or_default(),
            priced: attempt.cost.is_some(),
            took_ms: millis(attempt.took),
            waited_ms: millis(attempt.waited),
            stop: stop(&answer.stop).to_owned(),
            request_id: name(attempt.request_id.as_deref().unwrap_or_default()),
            request_trace: self.step.run.trace(attempt.sent.0.clone()),
            answer_trace: self.answer_trace(answer),
            text: head(&answer.said.text).to_owned(),
            conversation_id: self.step.conversation.clone(),
            fallback: self.step.chain.first().is_some_and(|first| {
                (first.provider.as_str(), first.name.as_str()) != (attempt.provider.as_str(), attempt.model.as_str())
            }),
        }
        .into()
    }

    fn failed(&self, attempt: &Attempt, code: &str) -> Event {
        v1::ModelCallFailed {
            run_id: self.step.run.id().to_string(),
            call_id: self.call_id.clone(),
            provider: attempt.provider.clone(),
            model: attempt.model.clone(),
            job: self.step.job.to_owned(),
            usage: Some(usage(attempt.usage)),
            micro_usd: attempt.cost.unwrap_or_default(),
            priced: attempt.cost.is_some(),
            took_ms: millis(attempt.took),
            waited_ms: millis(attempt.waited),
            code: code.to_owned(),
            conversation_id: self.step.conversation.clone(),
            request_id: name(attempt.request_id.as_deref().unwrap_or_default()),
            request_trace: self.step.run.trace(attempt.sent.0.clone()),
        }
        .into()
    }

    /// What the events don't hold of an answer, kept whole.
    fn answer_trace(&self, answer: &Answer) -> String {
        let Said { text, calls, .. } = &answer.said;
        if text.len() <= NOTED && calls.iter().all(|call| call.arguments.text().len() <= NOTED) {
            return String::new();
        }
        let call = |call: &Call| json!({ "name": call.name, "arguments": call.arguments.text() });
        let calls: Vec<Value> = calls.iter().map(call).collect();
        self.step.run.trace(json!({ "text": text, "calls": calls, "stop": stop(&answer.stop) }).to_string().into())
    }
}

fn code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Failed(error) => error.code(),
        Outcome::Skipped => SKIPPED,
        Outcome::Running | Outcome::Answered => "dropped",
    }
}

/// Why there is no answer, as a code.
fn no_answer(error: &NoAnswer) -> &'static str {
    match error {
        NoAnswer::Unsound(_) => "unsound",
        NoAnswer::Failed(error) => error.code(),
        NoAnswer::Unavailable => "unavailable",
    }
}

fn stop(stop: &Stop) -> &'static str {
    match stop {
        Stop::End => "end",
        Stop::Calls => "calls",
        Stop::Length => "length",
        Stop::Refused { .. } => "refused",
        Stop::Blocked { .. } => "blocked",
    }
}

fn usage(usage: Usage) -> v1::Usage {
    let Usage { input, input_cached, input_cache_write, output, output_reasoning, exact } = usage;
    v1::Usage { input, input_cached, input_cache_write, output, output_reasoning, exact }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// A name that a provider gave, as it is noted.
fn name(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// As much of a text as is noted.
pub fn head(text: &str) -> &str {
    let mut end = text.len().min(NOTED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
