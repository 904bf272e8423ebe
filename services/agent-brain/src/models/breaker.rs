//! Which models aren't asked for now.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use steward_settings::Model;
use tokio::time::Instant;

use super::error::{Blame, ModelError};

/// So many failures in a row, and a model is left alone for a while.
const FAILURES: u32 = 5;

/// For how long at first; twice as long each time after, up to the longest.
const FIRST_WHILE: Duration = Duration::from_secs(30);
const LONGEST_WHILE: Duration = Duration::from_secs(600);

/// The longest that a provider's own delay keeps everybody away.
const LONGEST_DELAY: Duration = Duration::from_secs(3600);

/// When the while is over, one is let through to try; the next only after this, unless that one had an answer.
const TRIAL: Duration = Duration::from_secs(10);

/// Models, and providers, that anything is known of. There are no more in any configuration.
const MOST: usize = 1024;

/// The breakers of all models. Cheap to clone; the clones are one.
#[derive(Debug, Clone, Default)]
pub struct Breakers {
    known: Arc<Mutex<HashMap<Key, State>>>,
    hash: RandomState,
}

/// A provider, or one of its models.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    provider: String,
    model: Option<String>,
}

#[derive(Debug, Clone)]
struct State {
    /// The configuration that this is known of: under another one it means nothing.
    configuration: u64,
    failures: u32,
    /// How often in a row it broke.
    broken: u32,
    open: Open,
    /// Somebody has been let through to try.
    on_trial: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    No,
    /// As long as the provider itself wants to be left alone.
    Until(Instant),
    /// For a while, after too many failures; then one is let through to try.
    Broken(Instant),
    /// Until the configuration changes.
    Held,
}

/// The model isn't to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsOpen;

fn keys(model: &Model) -> [Key; 2] {
    let provider = || model.provider.clone();
    [Key { provider: provider(), model: None }, Key { provider: provider(), model: Some(model.name.clone()) }]
}

impl Breakers {
    /// Whether the model may be asked now.
    ///
    /// # Errors
    /// It may not.
    pub fn admit(&self, model: &Model) -> Result<(), IsOpen> {
        let configuration = self.configuration(model);
        let now = Instant::now();
        let mut known = self.lock();
        for key in keys(model) {
            let Some(state) = known.get_mut(&key) else { continue };
            if state.configuration != configuration {
                known.remove(&key);
                continue;
            }
            match state.open {
                Open::Held => return Err(IsOpen),
                Open::Until(over) | Open::Broken(over) if now < over => return Err(IsOpen),
                Open::Broken(_) => {
                    state.open = Open::Broken(now + TRIAL);
                    state.on_trial = true;
                }
                Open::Until(_) | Open::No => state.open = Open::No,
            }
        }
        Ok(())
    }

    /// The model answered.
    pub fn succeeded(&self, model: &Model) {
        let mut known = self.lock();
        for key in keys(model) {
            known.remove(&key);
        }
    }

    /// The model didn't, for this reason.
    pub fn failed(&self, model: &Model, error: &ModelError) {
        let [provider, own] = keys(model);
        let (key, held) = match error.blame() {
            Blame::Nobody => return,
            Blame::Provider => (provider, true),
            Blame::Model => (own, true),
            Blame::ForAWhile => (own, false),
        };
        let configuration = self.configuration(model);
        let mut known = self.lock();
        if known.len() >= MOST && !known.contains_key(&key) {
            known.retain(|_, state| state.open != Open::No);
            if known.len() >= MOST {
                return;
            }
        }
        let unknown = State { configuration, failures: 0, broken: 0, open: Open::No, on_trial: false };
        let state = known.entry(key).or_insert_with(|| unknown.clone());
        if state.configuration != configuration {
            *state = unknown;
        }
        if held {
            state.open = Open::Held;
        } else if !matches!(state.open, Open::Held) {
            state.count(error.after().map(|after| after.min(LONGEST_DELAY)));
        }
    }

    fn configuration(&self, model: &Model) -> u64 {
        let key = model.api_key.as_ref().map(|key| key.expose());
        self.hash.hash_one((model.kind, &model.base_url, key, &model.api_version))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, State>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a failure that may pass. `after`: how long the provider itself wants to be left alone.
    fn count(&mut self, after: Option<Duration>) {
        let now = Instant::now();
        // A call that was under way when it broke says nothing new.
        if !self.on_trial && matches!(self.open, Open::Broken(over) if now < over) {
            return;
        }
        self.failures += 1;
        // While it is on trial, one failure is enough.
        if self.on_trial || self.failures >= FAILURES {
            let doubled = FIRST_WHILE.saturating_mul(1 << self.broken.min(16)).min(LONGEST_WHILE);
            self.open = Open::Broken(now + doubled.max(after.unwrap_or_default()));
            self.broken = self.broken.saturating_add(1);
            self.failures = 0;
            self.on_trial = false;
        } else if let Some(after) = after.filter(|after| !after.is_zero()) {
            self.open = Open::Until(now + after);
        }
    }
}

#[cfg(test)]
mod tests {
    use steward_settings::{ModelKind, Secret};
    use tokio::time::advance;

    use super::*;

    fn model(provider: &str, name: &str) -> Model {
        Model {
            provider: provider.to_owned(),
            kind: ModelKind::Openai,
            name: name.to_owned(),
            base_url: "http://127.0.0.1:9".to_owned(),
            genuine: true,
            api_key: Some(Secret::new("k")),
            api_version: None,
            max_output: None,
            price: None,
        }
    }

    fn is_open(breakers: &Breakers, model: &Model) -> bool {
        breakers.admit(model).is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn money_and_a_refused_key_hold_a_provider_open_until_the_configuration_changes() {
        for error in [ModelError::Money, ModelError::Auth] {
            let breakers = Breakers::default();
            let (one, other) = (model("p", "one"), model("p", "other"));
            breakers.failed(&one, &error);
            assert!(is_open(&breakers, &one) && is_open(&breakers, &other));
            assert!(!is_open(&breakers, &model("q", "one")));
            advance(Duration::from_secs(365 * 86_400)).await;
            assert!(is_open(&breakers, &one), "{error}");
            let changed = Model { api_key: Some(Secret::new("k2")), ..one.clone() };
            assert!(!is_open(&breakers, &changed));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_that_there_is_not_is_no_fault_of_the_others() {
        let breakers = Breakers::default();
        breakers.failed(&model("p", "one"), &ModelError::NotFound);
        assert!(is_open(&breakers, &model("p", "one")) && !is_open(&breakers, &model("p", "other")));
    }

    #[tokio::test(start_paused = true)]
    async fn who_fails_again_and_again_is_left_alone_longer_and_longer() {
        let breakers = Breakers::default();
        let model = model("p", "m");
        let fail = || breakers.failed(&model, &ModelError::Overloaded { after: None });
        for _ in 1..FAILURES {
            fail();
            assert!(!is_open(&breakers, &model));
        }
        fail();
        for seconds in [30, 60, 120, 240, 480, 600, 600] {
            advance(Duration::from_secs(seconds) - Duration::from_millis(1)).await;
            assert!(is_open(&breakers, &model), "{seconds}");
            advance(Duration::from_millis(1)).await;
            assert!(!is_open(&breakers, &model), "one may try");
            assert!(is_open(&breakers, &model), "and no other meanwhile");
            fail();
        }
        advance(LONGEST_WHILE).await;
        assert!(!is_open(&breakers, &model));
        breakers.succeeded(&model);
        assert!(!is_open(&breakers, &model), "all is forgotten");
        fail();
        assert!(!is_open(&breakers, &model));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_nobody_ended_keeps_nobody_away_for_long() {
        let breakers = Breakers::default();
        let model = model("p", "m");
        (0..FAILURES).for_each(|_| breakers.failed(&model, &ModelError::Timeout));
        advance(FIRST_WHILE).await;
        assert!(!is_open(&breakers, &model) && is_open(&breakers, &model));
        advance(TRIAL).await;
        assert!(!is_open(&breakers, &model));
    }

    #[tokio::test(start_paused = true)]
    async fn who_wants_to_be_left_alone_is_and_then_everybody_may_ask_again() {
        let breakers = Breakers::default();
        let model = model("p", "m");
        for _ in 1..FAILURES {
            breakers.failed(&model, &ModelError::RateLimited { after: Some(Duration::from_secs(5)) });
            advance(Duration::from_millis(4_999)).await;
            assert!(is_open(&breakers, &model));
            advance(Duration::from_millis(1)).await;
            assert!(!is_open(&breakers, &model) && !is_open(&breakers, &model));
        }
        breakers.failed(&model, &ModelError::RateLimited { after: Some(Duration::from_secs(86_400)) });
        advance(LONGEST_DELAY).await;
        assert!(!is_open(&breakers, &model), "nobody is left alone for a day");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_fail_all_at_once_are_one_failure_too_many_and_not_hundreds() {
        let breakers = Breakers::default();
        let model = model("p", "m");
        (0..500).for_each(|_| breakers.failed(&model, &ModelError::Timeout));
        advance(FIRST_WHILE).await;
        assert!(!is_open(&breakers, &model));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_request_is_to_blame_for_opens_nothing_and_what_is_known_is_bounded() {
        let breakers = Breakers::default();
        for error in [ModelError::Invalid { param: None }, ModelError::TooLong, ModelError::Malformed] {
            (0..10).for_each(|_| breakers.failed(&model("p", "m"), &error));
        }
        assert!(!is_open(&breakers, &model("p", "m")));
        for n in 0..3 * MOST {
            breakers.failed(&model("p", &n.to_string()), &ModelError::Timeout);
        }
        assert!(breakers.lock().len() <= MOST);
    }
}
