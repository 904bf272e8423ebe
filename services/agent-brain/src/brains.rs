//! Which brain decides a turn: the one chosen for its conversation, else for its tenant, else the configuration's.

use std::{
    collections::{BTreeMap, HashMap},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use steward_domain::brain::{Choice, Job};
use steward_log::{Log, LogError};
use steward_proto::{AggregateId, Event, TenantId, v1};
use steward_settings::{Brain as Settings, Model, RULES};
use tokio::time::Instant;

use crate::{
    assistant::{Assistant, AssistantError, asking::Step},
    brain::{Brain, Run},
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
    chosen: Arc<Chosen>,
    budget: Arc<Budget>,
}

/// What was chosen for tenants.
#[derive(Default)]
pub struct Chosen(Mutex<HashMap<TenantId, BTreeMap<Job, Choice>>>);

impl Chosen {
    fn of_tenants(&self) -> MutexGuard<'_, HashMap<TenantId, BTreeMap<Job, Choice>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For this tenant's job.
    pub fn of(&self, tenant: &TenantId, job: Job) -> Option<Choice> {
        self.of_tenants().get(tenant)?.get(&job).cloned()
    }

    /// What somebody chose, or took back.
    fn take(&self, tenant: TenantId, chosen: &v1::BrainChosen) {
        // A later build's job is none of ours.
        let Some(job) = Job::of(chosen) else { return };
        match Choice::of(chosen) {
            Some(choice) => drop(self.of_tenants().entry(tenant).or_default().insert(job, choice)),
            None => {
                self.of_tenants().get_mut(&tenant).map(|own| own.remove(&job));
            }
        }
    }
}

/// Who does what was chosen: the provider, and its models in the order in which they are asked; none: the rules do, or nobody.
///
/// # Errors
/// It was chosen under another configuration, in words.
pub fn doing(settings: &Settings, choice: &Choice) -> Result<(String, Vec<Model>), String> {
    if choice.provider == RULES {
        return Ok((RULES.to_owned(), Vec::new()));
    }
    let model = Some(choice.model.as_str()).filter(|model| !model.is_empty());
    Ok((choice.provider.clone(), settings.chain(&choice.provider, model)?))
}

/// What a model is asked with beside turns.
pub struct Asking {
    pub models: Arc<Models>,
    pub budget: Arc<Budget>,
    pub provider: String,
    pub chain: Vec<Model>,
    pub longest: Duration,
}

impl Asking {
    /// One request for a job in the background, about a conversation.
    pub fn step<'a>(&'a self, run: &'a dyn Run, job: Job, of: &'a AggregateId, now: DateTime<Utc>) -> Step<'a> {
        Step {
            models: &self.models,
            chain: &self.chain,
            run,
            job: job.name(),
            conversation: of.id().to_owned(),
            prompt_hash: "",
            deadline: Instant::now() + self.longest,
            budget: &self.budget,
            tenant: of.tenant.as_str(),
            now,
        }
    }
}

impl Brains {
    /// Those of these settings.
    ///
    /// # Errors
    /// The configured one can't be made.
    pub fn of(settings: &Settings) -> Result<Self, AssistantError> {
        let rules: Arc<dyn Brain> = Arc::new(Rules::default());
        let models = Arc::new(Models::new(Caller::new(Limits::default())?));
        let (provider, chain) = settings.doing(Job::Chat).map_err(AssistantError::Settings)?;
        let (budget, chosen) = (Arc::new(Budget::new(settings.budget.per_day)), Arc::<Chosen>::default());
        let usual = if chain.is_empty() {
            Arc::clone(&rules)
        } else {
            let asked = (provider.to_owned(), chain);
            let with = (Arc::clone(&models), Arc::clone(&budget), Arc::clone(&chosen));
            Arc::new(Assistant::new(with, asked, settings.clone()))
        };
        Ok(Self {
            usual,
            rules,
            asking: (!settings.providers.is_empty()).then(|| (models, settings.clone())),
            ready: Mutex::default(),
            chosen,
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
        let with = (Arc::new(Models::new(caller)), Arc::new(Budget::new(None)), Arc::default());
        Ok(Arc::new(Assistant::new(with, (provider.to_owned(), vec![model]), settings.clone())))
    }

    /// This one alone, whatever anybody chooses.
    pub fn only(brain: Arc<dyn Brain>) -> Self {
        Self {
            rules: Arc::clone(&brain),
            usual: brain,
            asking: None,
            ready: Mutex::default(),
            chosen: Arc::default(),
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
        let of_tenant = || self.chosen.of(tenant, Job::Chat);
        let Some(choice) = conversation.cloned().or_else(of_tenant) else { return Arc::clone(&self.usual) };
        if choice.provider == RULES {
            return Arc::clone(&self.rules);
        }
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(brain) = ready.get(&choice) {
            return Arc::clone(brain);
        }
        let Some((models, settings)) = &self.asking else { return Arc::clone(&self.usual) };
        match doing(settings, &choice) {
            Ok(asked) => {
                if ready.len() >= MOST_READY {
                    ready.clear();
                }
                let with = (Arc::clone(models), Arc::clone(&self.budget), Arc::clone(&self.chosen));
                let brain: Arc<dyn Brain> = Arc::new(Assistant::new(with, asked, settings.clone()));
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

    /// What a model is asked with for a job beside answering in this conversation: whom somebody chose for the job, else who does
    /// it by the configuration, else whoever answers there. `None`: no model does it.
    pub fn asked(&self, job: Job, tenant: &TenantId, conversation: Option<&Choice>) -> Option<Asking> {
        let (models, settings) = self.asking.as_ref()?;
        let answering = || conversation.cloned().or_else(|| self.chosen.of(tenant, Job::Chat));
        let own = settings.jobs.contains_key(&job);
        let choice = self.chosen.of(tenant, job).or_else(|| if own { None } else { answering() });
        let (provider, chain) = match choice {
            Some(choice) => doing(settings, &choice).ok()?,
            None => settings.doing(job).map(|(provider, chain)| (provider.to_owned(), chain)).ok()?,
        };
        (!chain.is_empty()).then(|| Asking {
            models: Arc::clone(models),
            budget: Arc::clone(&self.budget),
            provider,
            chain,
            longest: settings.longest,
        })
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
            self.chosen.take(of.tenant, chosen);
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
        let choose = |tenant: &TenantId, job: &str, provider: &str| {
            let (provider, job) = (provider.to_owned(), job.to_owned());
            brains.chosen.take(tenant.clone(), &v1::BrainChosen { provider, job, ..Default::default() });
        };
        choose(&acme, "", "openai");
        let of = |tenant, choice: Option<&Choice>| {
            let brain = brains.chosen(tenant, choice);
            format!("{} {}", brain.name(), brain.model())
        };
        assert_eq!(of(&other, None), "rules ");
        assert_eq!(of(&acme, None), "openai m");
        assert_eq!(of(&acme, Some(&choice("gemini", "m2"))), "gemini m2");
        assert_eq!(of(&acme, Some(&choice("rules", ""))), "rules ");
        assert_eq!(of(&other, Some(&choice("gone", ""))), "rules ", "what isn't configured any more");
        let job = |job, tenant, choice: Option<&Choice>| {
            brains.asked(job, tenant, choice).map_or("nobody".to_owned(), |asking| asking.provider)
        };
        assert_eq!(job(Job::Summary, &other, None), "nobody", "the rules answer there");
        assert_eq!(job(Job::Summary, &acme, None), "openai");
        assert_eq!(job(Job::Summary, &acme, Some(&choice("gemini", ""))), "gemini");
        choose(&acme, "summary", "gemini");
        choose(&acme, "extraction", "rules");
        choose(&acme, "singing", "gemini");
        assert_eq!(job(Job::Summary, &acme, None), "gemini");
        assert_eq!(job(Job::Extraction, &acme, None), "nobody", "no model does it");
        choose(&acme, "summary", "");
        assert_eq!(job(Job::Summary, &acme, None), "openai");
        assert_eq!(of(&acme, None), "openai m", "who answers is another matter");
        for n in 0..200 {
            of(&other, Some(&choice("gemini", &n.to_string())));
        }
        assert!(brains.ready.lock().unwrap().len() <= MOST_READY);
    }
}
