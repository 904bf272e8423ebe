//! Which brain decides: chosen for a tenant, for one of its jobs, or for one conversation, by command.

use serde::{Deserialize, Serialize};
use steward_proto::v1;

/// A brain that somebody chose.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Choice {
    /// `rules`, or the id of a provider of models.
    pub provider: String,
    /// Empty: the provider's own.
    pub model: String,
}

/// What a model is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Answering clients.
    Chat,
    /// Finding goals, milestones and facts in what a client said.
    Extraction,
    /// Summing up what was said before what a model is shown word by word.
    Summary,
    /// Looking at what a client says before the reply is written.
    Expert,
    /// Asking what a plan needs to know.
    Discovery,
    /// Drawing up plans.
    Planning,
    /// Carrying out a plan's simple tasks.
    TaskSimple,
    /// Carrying out its others.
    TaskComplex,
}

impl Job {
    pub const ALL: [Self; 8] = [
        Self::Chat,
        Self::Extraction,
        Self::Summary,
        Self::Expert,
        Self::Discovery,
        Self::Planning,
        Self::TaskSimple,
        Self::TaskComplex,
    ];

    /// As the configuration and the events name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Extraction => "extraction",
            Self::Summary => "summary",
            Self::Expert => "expert",
            Self::Discovery => "discovery",
            Self::Planning => "planning",
            Self::TaskSimple => "task_simple",
            Self::TaskComplex => "task_complex",
        }
    }

    /// `None`: this build knows no such job.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|job| job.name() == name)
    }

    /// The job that a choice is for; one that names none is for answering clients.
    pub fn of(chosen: &v1::BrainChosen) -> Option<Self> {
        if chosen.job.is_empty() { Some(Self::Chat) } else { Self::of_name(&chosen.job) }
    }
}

impl Choice {
    /// What was chosen; `None`: nothing any more.
    pub fn of(chosen: &v1::BrainChosen) -> Option<Self> {
        let (provider, model) = (chosen.provider.clone(), chosen.model.clone());
        (!provider.is_empty()).then_some(Self { provider, model })
    }
}

/// The event of a choice for a job, unless it stands already. `None`: what stands above it again.
pub fn choose(job: Job, now: Option<&Choice>, chosen: Option<&Choice>, by: &str) -> Option<v1::BrainChosen> {
    let Choice { provider, model } =
        chosen.cloned().unwrap_or(Choice { provider: String::new(), model: String::new() });
    (now != chosen).then(|| v1::BrainChosen { provider, model, job: job.name().to_owned(), by: by.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_found_by_its_name_and_a_choice_that_names_none_is_about_answering() {
        for job in Job::ALL {
            assert_eq!(Job::of_name(job.name()), Some(job));
            assert_eq!(serde_json::to_value(job).unwrap(), job.name(), "it is written as it is named");
        }
        let of = |job: &str| Job::of(&v1::BrainChosen { job: job.to_owned(), ..Default::default() });
        assert_eq!((of(""), of("summary"), of("singing")), (Some(Job::Chat), Some(Job::Summary), None));
    }
}
