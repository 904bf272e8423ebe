//! Asking models, one after another, until one answers.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use steward_settings::{Model, ModelKind};
use tokio::time::{Instant, sleep};

use super::{
    answer::{Answer, Speaker, Usage},
    breaker::Breakers,
    call::{Asking, Caller, Sent, Told},
    cost::cost,
    deltas::{Delta, Deltas},
    error::{ModelError, Param},
    providers::{self, Without},
    request::Unsound,
};

/// Models of which it is remembered what they don't take. There are no more in any configuration.
const MOST_REMEMBERED: usize = 1024;

/// All models of a process: what calls are made with, and what is known of them from call to call.
#[derive(Debug)]
pub struct Models {
    caller: Caller,
    breakers: Breakers,
    without: Mutex<HashMap<Speaker, Without>>,
}

/// One call of one model, or that it wasn't made.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub provider: String,
    pub kind: ModelKind,
    /// As it was asked for.
    pub model: String,
    /// How long was waited before it.
    pub waited: Duration,
    pub took: Duration,
    pub outcome: Outcome,
    pub usage: Usage,
    /// In micro-USD; `None`: the model has no price.
    pub cost: Option<u64>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The body of the request.
    pub sent: Sent,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It hasn't ended, or was dropped before it did.
    Running,
    Answered,
    Failed(ModelError),
    /// The model is left alone for now: nobody was asked.
    Skipped,
}

/// Why no model answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    #[error("the request can be put to no model: {0}")]
    Unsound(#[from] Unsound),
    /// All were asked; this is the last one's error.
    #[error("no model answered: {0}")]
    Failed(ModelError),
    #[error("no model can be asked for now")]
    Unavailable,
}

impl Models {
    pub fn new(caller: Caller) -> Self {
        Self { caller, breakers: Breakers::default(), without: Mutex::default() }
    }

    /// Asks the models of a chain in their order until one answers. A model that refuses, or that its provider keeps from
    /// answering, has answered. `attempts` gets each call as it begins, so that what was spent is known even when this is
    /// dropped.
    ///
    /// # Errors
    /// None of them answered; `attempts` says why.
    pub async fn answer(
        &self,
        chain: &[Model],
        asking: &Asking<'_>,
        deltas: &mut Deltas,
        attempts: &mut Vec<Attempt>,
    ) -> Result<Answer, NoAnswer> {
        asking.request.check()?;
        let mut last = None;
        for model in chain {
            if Instant::now() >= asking.deadline {
                last.get_or_insert(ModelError::Timeout);
                break;
            }
            if self.breakers.admit(model).is_err() {
                attempts.push(Attempt::of(model, Duration::ZERO, Outcome::Skipped));
                continue;
            }
            match self.answer_of(model, asking, deltas, attempts).await {
                Ok(answer) => return Ok(answer),
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or(NoAnswer::Unavailable, NoAnswer::Failed))
    }

    /// Asks one model, again as often as makes sense.
    async fn answer_of(
        &self,
        model: &Model,
        asking: &Asking<'_>,
        deltas: &mut Deltas,
        attempts: &mut Vec<Attempt>,
    ) -> Result<Answer, ModelError> {
        let (mut tries, mut waited) = (0, Duration::ZERO);
        loop {
            tries += 1;
            let without = self.without(model);
            deltas.send(Delta::Asked { provider: model.provider.clone(), model: model.name.clone() });
            let mut call = Running::begin(model, waited, attempts);
            let failed = match self.caller.ask(model, &without, asking, deltas, &mut call.told).await {
                Ok(answer) => {
                    call.end(Outcome::Answered);
                    self.breakers.succeeded(model);
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            call.end(Outcome::Failed(failed.error.clone()));
            if let ModelError::Invalid { param: Some(param) } = failed.error
                && self.remember(model, param)
                && providers::wire(model, &self.without(model), asking.request).body
                    != providers::wire(model, &without, asking.request).body
            {
                (tries, waited) = (tries - 1, Duration::ZERO);
                continue;
            }
            // Who had no time left to answer isn't to blame.
            if failed.error != ModelError::Timeout || Instant::now() < asking.deadline {
                self.breakers.failed(model, &failed.error);
            }
            match failed.wait(tries, rand::random()) {
                Some(wait) if Instant::now() + wait < asking.deadline => {
                    sleep(wait).await;
                    waited = wait;
                }
                _ => return Err(failed.error),
            }
        }
    }

    fn without(&self, model: &Model) -> Without {
        let known = self.without.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&Speaker::from(model)).cloned().unwrap_or_default()
    }

    /// Remembers what a model doesn't take; `false`: that was known, so leaving it out is no help.
    fn remember(&self, model: &Model, param: Param) -> bool {
        let mut known = self.without.lock().unwrap_or_else(PoisonError::into_inner);
        let speaker = Speaker::from(model);
        if known.len() >= MOST_REMEMBERED && !known.contains_key(&speaker) {
            known.clear();
        }
        known.entry(speaker).or_default().insert(param)
    }
}

impl Attempt {
    fn of(model: &Model, waited: Duration, outcome: Outcome) -> Self {
        Self {
            provider: model.provider.clone(),
            kind: model.kind,
            model: model.name.clone(),
            waited,
            took: Duration::ZERO,
            outcome,
            usage: Usage::NONE,
            cost: model.price.map(|_| 0),
            request_id: None,
            sent: Sent::default(),
        }
    }
}

/// A call that is being made. What is known of it is in the list when this is dropped, be the call done or not.
struct Running<'a> {
    attempts: &'a mut Vec<Attempt>,
    model: &'a Model,
    begun: Instant,
    told: Told,
}

impl<'a> Running<'a> {
    fn begin(model: &'a Model, waited: Duration, attempts: &'a mut Vec<Attempt>) -> Self {
        attempts.push(Attempt::of(model, waited, Outcome::Running));
        Self { attempts, model, begun: Instant::now(), told: Told::default() }
    }

    fn end(self, outcome: Outcome) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.outcome = outcome;
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let Some(attempt) = self.attempts.last_mut() else { return };
        attempt.took = self.begun.elapsed();
        attempt.usage = self.told.usage;
        attempt.cost = self.model.price.map(|price| cost(&self.told.usage, &price));
        attempt.request_id = self.told.request_id.take();
        attempt.sent = std::mem::take(&mut self.told.sent);
    }
}
