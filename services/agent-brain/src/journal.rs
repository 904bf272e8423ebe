//! What a turn's brain notes while it decides, on its way into the log, and what all of it cost.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::future::join_all;
use serde_json::{Value, json};
use steward_domain::ids::{self, TurnId};
use steward_log::{Append, Expected, Log, Trace};
use steward_proto::{AggregateId, Cause, Event, v1};

use crate::{
    brain::{BrainError, Failure, Keeping, Run},
    recording::new_events,
    traces::Traces,
};

/// Before a brain whose notes can't be kept is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// What a turn took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spent {
    pub calls: u32,
    /// `None`: no model was asked.
    pub usage: Option<v1::Usage>,
    pub micro_usd: u64,
    pub prompt_hash: String,
    /// The model that answered last.
    pub model: Option<String>,
    pub fallback: bool,
    /// Why no model decided it.
    pub degraded: String,
}

impl Spent {
    /// What an event says of it.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::ModelCallStarted(e) => self.prompt_hash.clone_from(&e.prompt_hash),
            Event::ModelCallCompleted(e) => {
                self.add(e.usage.as_ref(), e.micro_usd);
                self.model = Some(e.model.clone());
                self.fallback |= e.fallback;
            }
            Event::ModelCallFailed(e) if e.code != SKIPPED => self.add(e.usage.as_ref(), e.micro_usd),
            Event::BrainUnavailable(e) => self.degraded.clone_from(&e.code),
            _ => {}
        }
    }

    fn add(&mut self, usage: Option<&v1::Usage>, micro_usd: u64) {
        self.calls += 1;
        self.micro_usd = self.micro_usd.saturating_add(micro_usd);
        let Some(one) = usage else { return };
        let first = v1::Usage { exact: true, ..v1::Usage::default() };
        let all = self.usage.get_or_insert(first);
        all.input = all.input.saturating_add(one.input);
        all.input_cached = all.input_cached.saturating_add(one.input_cached);
        all.input_cache_write = all.input_cache_write.saturating_add(one.input_cache_write);
        all.output = all.output.saturating_add(one.output);
        all.output_reasoning = all.output_reasoning.saturating_add(one.output_reasoning);
        all.exact &= one.exact;
    }
}

/// The code of a call that wasn't made.
pub const SKIPPED: &str = "skipped";

/// The notes of one turn.
pub struct Journal<'a> {
    log: &'a Log,
    run: AggregateId,
    conversation: AggregateId,
    id: TurnId,
    cause: &'a Cause,
    traces: Traces<'a>,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    events: Vec<Event>,
    traces: Vec<Trace>,
    spent: Spent,
}

impl<'a> Journal<'a> {
    /// One whose bodies are kept so.
    pub fn new(log: &'a Log, conversation: &AggregateId, id: TurnId, cause: &'a Cause, traces: Traces<'a>) -> Self {
        let run = ids::run_aggregate(&conversation.tenant, id);
        Self { log, run, conversation: conversation.clone(), id, cause, traces, noted: Mutex::default() }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn spent(&self) -> Spent {
        self.noted().spent.clone()
    }
}

impl Run for Journal<'_> {
    fn id(&self) -> TurnId {
        self.id
    }

    fn note(&self, event: Event) {
        let mut noted = self.noted();
        noted.spent.take(&event);
        noted.events.push(event);
    }

    fn tell(&self, words: Value) {
        let told = json!({ "turn_id": self.id.to_string(), "conversation_id": self.conversation.id(), "words": words });
        self.log.tell_in_passing(&self.conversation, told.to_string().into());
    }

    fn trace(&self, body: Bytes) -> String {
        if self.traces.none() || body.is_empty() {
            return String::new();
        }
        let (bytes, now) = (body.len(), self.log.clock().now());
        let Some(trace) = Trace::of(body) else { return String::new() };
        let sha256 = trace.sha256().to_owned();
        let mut noted = self.noted();
        if !noted.traces.contains(&trace) {
            if !self.traces.take(&self.run.tenant, bytes, now) {
                return String::new();
            }
            noted.traces.push(trace);
        }
        sha256
    }

    fn keep<'a>(&'a self) -> Keeping<'a> {
        Box::pin(async move {
            let (events, traces) = {
                let mut noted = self.noted();
                (std::mem::take(&mut noted.events), std::mem::take(&mut noted.traces))
            };
            // Before the events that name them. Without them a turn goes on: they are for people who look at it.
            let put = traces.iter().map(|trace| self.log.put_trace(&self.run.tenant, trace, self.traces.life));
            for error in join_all(put).await.into_iter().filter_map(Result::err) {
                tracing::warn!(%error, "what a model was asked or answered isn't kept");
            }
            if events.is_empty() {
                return Ok(());
            }
            let events = new_events(self.log.clock().now(), self.cause, events);
            let append = Append { aggregate: self.run.clone(), events, expected: Expected::Any, dedupe_key: None };
            match self.log.append(append).await {
                Ok(_) => Ok(()),
                Err(error) => {
                    let failure = Failure::new("notes_not_kept", error.to_string());
                    Err(BrainError::Transient { failure, after: PAUSE })
                }
            }
        })
    }
}

/// Notes that nobody keeps: of a turn that is decided beside the log. What it took is known all the same.
pub struct Notebook {
    id: TurnId,
    spent: Mutex<Spent>,
}

impl Notebook {
    pub fn new(id: TurnId) -> Self {
        Self { id, spent: Mutex::default() }
    }

    pub fn spent(&self) -> Spent {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Run for Notebook {
    fn id(&self) -> TurnId {
        self.id
    }

    fn note(&self, event: Event) {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner).take(&event);
    }

    fn tell(&self, _: Value) {}

    fn trace(&self, _: Bytes) -> String {
        String::new()
    }

    fn keep<'a>(&'a self) -> Keeping<'a> {
        Box::pin(async { Ok(()) })
    }
}
