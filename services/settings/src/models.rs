//! `[brain.providers.ID]`, `[brain.prices."MODEL"]`, `[brain] fallback`: the models that a brain may ask.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use steward_domain::brain::Job;

use crate::{Brain, Environment, Expert, RULES, Secret, WithoutAnswer, error::KeyProblem, written as own};

/// `[brain.providers.ID]`: a provider of models. Those called like a kind are known without it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct ModelProvider {
    /// The wire format it speaks. Left out: the id says it.
    pub kind: Option<ModelKind>,
    /// The model that is asked where nothing else is said.
    #[serde(deserialize_with = "own::some_text")]
    pub model: Option<String>,
    /// The URL before the paths of the wire format, without a trailing slash. Left out: the provider's own.
    #[serde(deserialize_with = "own::some_web_url")]
    pub base_url: Option<String>,
    /// Left out: the well-known variable of its kind, as long as `base_url` is the provider's own. A server of one's own
    /// may need none.
    pub api_key: Option<Secret>,
    /// Which version of its API is spoken: for `anthropic` a date, for `gemini` a part of the path.
    #[serde(deserialize_with = "own::some_text")]
    pub api_version: Option<String>,
    /// Most tokens of one answer that the model takes as a limit.
    #[serde(deserialize_with = "steward_domain::settings::written::some_positive")]
    pub max_output: Option<u32>,
}

/// The wire format of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Anthropic's Messages.
    Anthropic,
    /// OpenAI's chat completions, which most servers of one's own speak as well.
    Openai,
    /// OpenAI's Responses.
    #[serde(rename = "openai_responses")]
    OpenaiResponses,
    /// Google's `generateContent`.
    Gemini,
}

impl ModelKind {
    pub const ALL: [Self; 4] = [Self::Anthropic, Self::Openai, Self::OpenaiResponses, Self::Gemini];

    /// As the configuration and the events write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::OpenaiResponses => "openai_responses",
            Self::Gemini => "gemini",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The variable in which the provider's own tools look for the key.
    pub fn key_variable(self) -> &'static str {
        match self {
            Self::Anthropic => "ANTHROPIC_API_KEY",
            Self::Openai | Self::OpenaiResponses => "OPENAI_API_KEY",
            Self::Gemini => "GEMINI_API_KEY",
        }
    }

    fn base_url(self) -> &'static str {
        match self {
            Self::Anthropic => "https://api.anthropic.com",
            Self::Openai | Self::OpenaiResponses => "https://api.openai.com/v1",
            Self::Gemini => "https://generativelanguage.googleapis.com",
        }
    }

    fn api_version(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => Some("2026-10-21"),
            Self::Openai | Self::OpenaiResponses => None,
            Self::Gemini => Some("v1beta"),
        }
    }
}

/// `[brain.prices."MODEL"]`: what a model costs, written in USD for a million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Price {
    pub input: Rate,
    pub output: Rate,
    /// Input that the provider had in its cache. Left out: as any input.
    #[serde(default)]
    pub cache_read: Option<Rate>,
    /// Input that it put into its cache. Left out: as any input.
    #[serde(default)]
    pub cache_write: Option<Rate>,
}

/// A price in micro-USD for a million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(pub u64);

/// Micro-USD of one USD.
const MICRO: f64 = 1e6;

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let usd = f64::deserialize(deserializer)?;
        if !(0.0..=1e6).contains(&usd) {
            return Err(de::Error::custom(format!("found {usd}, expected USD for a million tokens, 0 to 1000000")));
        }
        Ok(Self((usd * MICRO).round() as u64))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / MICRO)
    }
}

/// A model with all that is needed to ask it.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The id of its provider.
    pub provider: String,
    pub kind: ModelKind,
    /// As the provider names it.
    pub name: String,
    pub base_url: String,
    /// Whether the server is the provider's own, and not one that speaks the same format.
    pub genuine: bool,
    pub api_key: Option<Secret>,
    pub api_version: Option<String>,
    pub max_output: Option<u32>,
    pub price: Option<Price>,
}

impl Brain {
    /// A provider's model: the one named, else the provider's own.
    ///
    /// # Errors
    /// In words that name the key: there is no such provider, or its kind, its model or its key are missing.
    pub fn model(&self, provider: &str, name: Option<&str>) -> Result<Model, String> {
        let nothing = ModelProvider::default();
        let known = ModelKind::of_name(provider);
        let keys = match self.providers.get(provider) {
            Some(keys) => keys,
            None if known.is_some() => &nothing,
            None => {
                return Err(format!(
                    "found {provider:?}, expected a provider that `[brain.providers.{provider}]` describes"
                ));
            }
        };
        let at = format!("brain.providers.{provider}");
        let kind = keys.kind.or(known).ok_or_else(|| format!("`{at}.kind` is missing, expected {}", kinds()))?;
        let name = name.or(keys.model.as_deref()).ok_or_else(|| format!("`{at}.model` is missing"))?;
        if keys.api_key.is_none() && keys.base_url.is_none() {
            return Err(format!("`{at}.api_key` is missing, and {} isn't set", kind.key_variable()));
        }
        Ok(Model {
            provider: provider.to_owned(),
            kind,
            name: name.to_owned(),
            base_url: keys.base_url.clone().unwrap_or_else(|| kind.base_url().to_owned()),
            genuine: keys.base_url.is_none(),
            api_key: keys.api_key.clone(),
            api_version: keys.api_version.clone().or_else(|| kind.api_version().map(str::to_owned)),
            max_output: keys.max_output,
            price: self.prices.get(name).copied(),
        })
    }

    /// A provider's model and after it those of the fall-backs, each provider once.
    ///
    /// # Errors
    /// As [`Self::model`].
    pub fn chain(&self, provider: &str, name: Option<&str>) -> Result<Vec<Model>, String> {
        let first = self.model(provider, name);
        let others = self.fallback.iter().filter(|id| *id != provider).map(|id| self.model(id, None));
        std::iter::once(first).chain(others).collect()
    }

    /// Takes keys from the well-known variables. A server of one's own never gets the key of the provider whose format
    /// it speaks.
    pub(crate) fn take_keys(&mut self, environment: &Environment) {
        for kind in ModelKind::ALL {
            let key = environment.get(kind.key_variable()).filter(|key| !key.trim().is_empty());
            let Some(key) = key.map(|key| Secret::new(key.trim())) else { continue };
            self.providers.entry(kind.name().to_owned()).or_default();
            for (id, keys) in &mut self.providers {
                let its = keys.kind.or_else(|| ModelKind::of_name(id));
                if its == Some(kind) && keys.base_url.is_none() && keys.api_key.is_none() {
                    keys.api_key = Some(key.clone());
                }
            }
        }
    }

    /// The models that decide turns, in the order in which they are asked; none: the rules do.
    ///
    /// # Errors
    /// As [`Self::model`].
    pub fn deciding(&self) -> Result<Vec<Model>, String> {
        self.doing(Job::Chat).map(|(_, chain)| chain)
    }

    /// Who does a job where nobody has chosen: the provider, and the models in the order in which they are asked; none: the rules
    /// do, or nobody.
    ///
    /// # Errors
    /// As [`Self::model`].
    pub fn doing(&self, job: Job) -> Result<(&str, Vec<Model>), String> {
        let own = match self.jobs.get(&job) {
            None if job != Job::Chat => return self.doing(Job::Chat),
            own => own,
        };
        let provider = own.and_then(|own| own.provider.as_deref()).unwrap_or(&self.provider);
        let usual = || self.model.as_deref().filter(|_| provider == self.provider);
        let model = own.and_then(|own| own.model.as_deref()).or_else(usual);
        Ok((provider, if provider == RULES { Vec::new() } else { self.chain(provider, model)? }))
    }

    fn check_jobs(&self) -> Result<(), KeyProblem> {
        for (job, own) in &self.jobs {
            let at = |key: &str| format!("brain.jobs.{}.{key}", job.name());
            let (provider, chain) = self.doing(*job).map_err(|problem| KeyProblem::new(at("provider"), problem))?;
            if provider == RULES && own.model.is_some() {
                return Err(KeyProblem::new(at("model"), "found a model, expected none: the rules have no models"));
            }
            if let (Some(_), Some(model)) = (self.budget.per_day, chain.iter().find(|model| model.price.is_none())) {
                let problem = format!("its model {:?} has no price, which `[brain.budget]` needs", model.name);
                return Err(KeyProblem::new(at("model"), problem));
            }
        }
        Ok(())
    }

    /// The expert that works for a tenant, by name.
    pub fn expert(&self, tenant: &str) -> Option<(&str, &Expert)> {
        let named = |(name, expert)| (String::as_str(name), expert);
        let own = self.experts.iter().find(|(_, expert)| expert.tenants.iter().any(|one| one == tenant));
        own.or_else(|| self.experts.iter().find(|(_, expert)| expert.tenants.is_empty())).map(named)
    }

    /// The models that an expert asks, in their order; `None`: those that write the reply.
    ///
    /// # Errors
    /// As [`Self::model`].
    pub fn chain_of(&self, expert: &Expert) -> Result<Option<Vec<Model>>, String> {
        match (&expert.provider, &expert.model) {
            (None, None) => Ok(None),
            (provider, model) => {
                let provider = provider.as_deref().unwrap_or(&self.provider);
                self.chain(provider, model.as_deref()).map(Some)
            }
        }
    }

    fn check_experts(&self) -> Result<(), KeyProblem> {
        let (mut tenants, all) = (BTreeMap::<&str, &str>::new(), [String::new()]);
        for (name, expert) in &self.experts {
            let at = format!("brain.experts.{name}");
            let wrong = |key: &str, problem: String| Err(KeyProblem::new(format!("{at}.{key}"), problem));
            if expert.prompt.trim().is_empty() || expert.prompt.len() > LONGEST_INSTRUCTIONS {
                return wrong("prompt", format!("expected a text of at most {LONGEST_INSTRUCTIONS} bytes"));
            }
            let of = if expert.tenants.is_empty() { &all[..] } else { &expert.tenants };
            for tenant in of {
                if let Some(other) = tenants.insert(tenant, name) {
                    let whose = if tenant.is_empty() { "all tenants" } else { tenant };
                    return wrong("tenants", format!("found {whose}, who have the expert `{other}` already"));
                }
            }
            let chain = match self.chain_of(expert) {
                Ok(chain) => chain.unwrap_or_default(),
                Err(problem) => return wrong("provider", problem),
            };
            if let (Some(_), Some(model)) = (self.budget.per_day, chain.iter().find(|model| model.price.is_none())) {
                let problem = format!("its model {:?} has no price, which `[brain.budget]` needs", model.name);
                return wrong("model", problem);
            }
        }
        Ok(())
    }

    /// What is wrong with values that are well written.
    pub(crate) fn check(&self) -> Result<(), KeyProblem> {
        self.check_choice()?;
        for (id, keys) in &self.providers {
            let at = format!("brain.providers.{id}");
            let kind = keys.kind.or_else(|| ModelKind::of_name(id));
            let wrong = |key: &str, problem: &str| Err(KeyProblem::new(format!("{at}.{key}"), problem));
            let Some(kind) = kind else { return wrong("kind", &format!("missing, expected {}", kinds())) };
            // The key becomes a header.
            if keys.api_key.as_ref().is_some_and(|key| !key.expose().bytes().all(|b| b.is_ascii_graphic())) {
                return wrong("api_key", "found other characters, expected visible ASCII without spaces");
            }
            let Some(version) = &keys.api_version else { continue };
            if kind.api_version().is_none() {
                return wrong("api_version", "found a version, expected none: an OpenAI server has it in `base_url`");
            }
            if !version.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') {
                return wrong("api_version", "expected a version such as \"2026-10-21\" or \"v1beta\"");
            }
        }
        for (i, id) in self.fallback.iter().enumerate() {
            self.model(id, None).map_err(|problem| KeyProblem::new(format!("brain.fallback[{i}]"), problem))?;
        }
        Ok(())
    }
}

impl Brain {
    fn check_choice(&self) -> Result<(), KeyProblem> {
        if self.provider != RULES {
            let known = ModelKind::of_name(&self.provider).is_some() || self.providers.contains_key(&self.provider);
            if !known {
                let expected = format!(
                    "found {:?}, expected \"rules\", {}, or a provider that `[brain.providers.{}]` describes",
                    self.provider,
                    kinds(),
                    self.provider
                );
                return Err(KeyProblem::new("brain.provider", expected));
            }
            let deciding = self.deciding().map_err(|problem| KeyProblem::new("brain.provider", problem))?;
            if let (Some(_), Some(model)) = (self.budget.per_day, deciding.iter().find(|model| model.price.is_none())) {
                let problem =
                    format!("found a budget, expected `[brain.prices.\"{}\"]`: what it costs isn't known", model.name);
                return Err(KeyProblem::new("brain.budget.per_day", problem));
            }
        }
        if self.without_answer == WithoutAnswer::Holding && self.holding.is_none() {
            return Err(KeyProblem::new(
                "brain.holding",
                "missing, expected the sentence that `without_answer` is to say",
            ));
        }
        if let Some((tenant, _)) = self.instructions.iter().find(|(_, text)| text.len() > LONGEST_INSTRUCTIONS) {
            let problem = format!("found more than {LONGEST_INSTRUCTIONS} bytes, expected fewer");
            return Err(KeyProblem::new(format!("brain.instructions.{tenant}"), problem));
        }
        self.check_jobs()?;
        self.check_experts()
    }
}

/// Bytes of a tenant's instructions, at most: they go with every call.
const LONGEST_INSTRUCTIONS: usize = 64 << 10;

fn kinds() -> String {
    ModelKind::ALL.map(|kind| format!("{:?}", kind.name())).join(" or ")
}

/// The providers by id, as `[brain]` holds them.
pub type ModelProviders = BTreeMap<String, ModelProvider>;
