//! Which brain decides a turn: the one chosen for its conversation, else for its tenant, else the configuration's.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::StreamExt as _;
use steward_domain::brain::Choice;
use steward_log::{Log, LogError};
use steward_proto::{Event, TenantId};
use steward_settings::{Brain as Settings, Model, RULES};

use crate::{
    assistant::{Assistant, AssistantError},
    brain::Brain,
    budget::Budget,
    models::{Caller, Limits, Models},
    rules::Rules,
};

/// Brains that are ready, at most: each is one provider's model that somebody chose.
const MOST_READY: usize = 64;

/// All brains of a process.
pub struct Brains {
    usual: Arc<dyn Brain>,
    rules: Arc<dyn Brain>,
    /// What models are asked with, if any may be.
    asking: Option<(Arc<Models>, Settings)>,
    ready: Mutex<HashMap<Choice, Arc<dyn Brain>>>,
    of_tenants: Mutex<HashMap<TenantId, Choice>>,
    budget: Arc<Budget>,
}

/// What a model is asked with beside turns.
pub struct Asking {
    pub models: Arc<Models>,
    pub budget: Arc<Budget>,
    pub provider: String,
    pub chain: Vec<Model>,
    pub longest: Duration,
}

impl Brains {
    /// Those of these settings.
    ///
    /// # Errors
    /// The configured one can't be made.
    pub fn of(settings: &Settings) -> Result<Self, AssistantError> {
        let rules: Arc<dyn Brain> = Arc::new(Rules::default());
        let models = Arc::new(Models::new(Caller::new(Limits::default())?));
        let chain = settings.deciding().map_err(AssistantError::Settings)?;
        let budget = Arc::new(Budget::new(settings.budget.per_day));
        let usual = if chain.is_empty() {
            Arc::clone(&rules)
        } else {
            let asked = (settings.provider.clone(), chain);
            Arc::new(Assistant::new(Arc::clone(&models), Arc::clone(&budget), asked, settings.clone()))
        };
        Ok(Self {
            usual,
            rules,
            asking: (!settings.providers.is_empty()).then(|| (models, settings.clone())),
            ready: Mutex::default(),
            of_tenants: Mutex::default(),
            budget,
        })
    }

    /// One to try: `rules`, a provider of these settings, or a provider and its model (`openai/gpt-x`). No other model answers in
    /// its place.
    ///
    /// # Errors
    /// There is no such brain.
    pub fn to_try(name: &str, settings: &Settings, caller: Caller) -> Result<Arc<dyn Brain>, AssistantError> {
        if name == RULES {
            return Ok(Arc::new(Rules::default()));
        }
        let (provider, model) = name.split_once('/').map_or((name, None), |(provider, model)| (provider, Some(model)));
        let model = settings.model(provider, model).map_err(AssistantError::Settings)?;
        let (models, budget) = (Arc::new(Models::new(caller)), Arc::new(Budget::new(None)));
        Ok(Arc::new(Assistant::new(models, budget, (provider.to_owned(), vec![model]), settings.clone())))
    }

    /// This one alone, whatever anybody chooses.
    pub fn only(brain: Arc<dyn Brain>) -> Self {
        Self {
            rules: Arc::clone(&brain),
            usual: brain,
            asking: None,
            ready: Mutex::default(),
            of_tenants: Mutex::default(),
            budget: Arc::new(Budget::new(None)),
        }
    }

    pub fn usual(&self) -> &Arc<dyn Brain> {
        &self.usual
    }

    /// Whether some of them wait for others most of the time.
    pub fn wait(&self) -> bool {
        self.asking.is_some() || !self.usual.pace().at_once
    }

    /// The one that decides in this tenant's conversation.
    pub fn chosen(&self, tenant: &TenantId, conversation: Option<&Choice>) -> Arc<dyn Brain> {
        let of_tenant = || self.of_tenants().get(tenant).cloned();
        let Some(choice) = conversation.cloned().or_else(of_tenant) else { return Arc::clone(&self.usual) };
        if choice.provider == RULES {
            return Arc::clone(&self.rules);
        }
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(brain) = ready.get(&choice) {
            return Arc::clone(brain);
        }
        let Some((models, settings)) = &self.asking else { return Arc::clone(&self.usual) };
        let model = Some(choice.model.as_str()).filter(|model| !model.is_empty());
        match settings.chain(&choice.provider, model) {
            Ok(chain) => {
                if ready.len() >= MOST_READY {
                    ready.clear();
                }
                let asked = (choice.provider.clone(), chain);
                let assistant = Assistant::new(Arc::clone(models), Arc::clone(&self.budget), asked, settings.clone());
                let brain: Arc<dyn Brain> = Arc::new(assistant);
                ready.insert(choice, Arc::clone(&brain));
                brain
            }
            // It was chosen under another configuration.
            Err(problem) => {
                tracing::warn!(%problem, provider = %choice.provider, "the chosen brain can't be asked; the usual one is");
                Arc::clone(&self.usual)
            }
        }
    }

    /// Whether any model may be asked.
    pub fn may_ask(&self) -> bool {
        self.asking.is_some()
    }

    /// What models are asked with where one decides in this conversation; `None`: the rules do.
    pub fn asked(&self, tenant: &TenantId, conversation: Option<&Choice>) -> Option<Asking> {
        let (models, settings) = self.asking.as_ref()?;
        let choice = conversation.cloned().or_else(|| self.of_tenants().get(tenant).cloned());
        let (provider, chain) = match choice {
            Some(choice) if choice.provider == RULES => return None,
            Some(choice) => {
                let model = Some(choice.model.as_str()).filter(|model| !model.is_empty());
                (choice.provider.clone(), settings.chain(&choice.provider, model).ok()?)
            }
            None => (settings.provider.clone(), settings.deciding().ok()?),
        };
        (!chain.is_empty()).then(|| Asking {
            models: Arc::clone(models),
            budget: Arc::clone(&self.budget),
            provider,
            chain,
            longest: settings.longest,
        })
    }

    fn of_tenants(&self) -> MutexGuard<'_, HashMap<TenantId, Choice>> {
        self.of_tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows what is chosen for tenants, and what their models cost, until the log stops.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn follow(&self, log: &Log) -> Result<(), LogError> {
        tokio::try_join!(self.choices(log), self.budget.follow(log)).map(|_| ())
    }

    async fn choices(&self, log: &Log) -> Result<(), LogError> {
        let mut choices = pin!(log.tail(1, vec!["ev.*.tenant.*.brain_chosen".to_owned()]).await?);
        while let Some(tailed) = choices.next().await {
            let Ok(tailed) = tailed else { continue };
            let (Event::BrainChosen(chosen), Some(of)) =
                (&tailed.recorded.event, tailed.recorded.subject.aggregate_id())
            else {
                continue;
            };
            match Choice::of(chosen) {
                Some(choice) => self.of_tenants().insert(of.tenant, choice),
                None => self.of_tenants().remove(&of.tenant),
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use steward_settings::{ModelProvider, Secret};

    use super::*;

    fn choice(provider: &str, model: &str) -> Choice {
        Choice { provider: provider.to_owned(), model: model.to_owned() }
    }

    #[test]
    fn a_conversations_choice_goes_before_its_tenants_and_that_before_the_configuration() {
        let mut settings = Settings::default();
        let provider =
            ModelProvider { model: Some("m".to_owned()), api_key: Some(Secret::new("k")), ..Default::default() };
        settings.providers.insert("openai".to_owned(), provider.clone());
        settings.providers.insert("gemini".to_owned(), provider);
        let brains = Brains::of(&settings).unwrap();
        let (acme, other) = (TenantId::new("acme").unwrap(), TenantId::new("other").unwrap());
        brains.of_tenants().insert(acme.clone(), choice("openai", ""));
        let of = |tenant, choice: Option<&Choice>| {
            let brain = brains.chosen(tenant, choice);
            format!("{} {}", brain.name(), brain.model())
        };
        assert_eq!(of(&other, None), "rules ");
        assert_eq!(of(&acme, None), "openai m");
        assert_eq!(of(&acme, Some(&choice("gemini", "m2"))), "gemini m2");
        assert_eq!(of(&acme, Some(&choice("rules", ""))), "rules ");
        assert_eq!(of(&other, Some(&choice("gone", ""))), "rules ", "what isn't configured any more");
        for n in 0..200 {
            of(&other, Some(&choice("gemini", &n.to_string())));
        }
        assert!(brains.ready.lock().unwrap().len() <= MOST_READY);
    }
}
