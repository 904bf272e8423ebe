//! `PUT /api/v1/settings/brain`, `PUT /api/v1/conversations/{id}/brain`: which brain answers, and who does the other jobs, from the
//! next turn on.

use axum::extract::State;
use serde::Deserialize;
use steward_domain::{
    brain::{Choice, Job, choose},
    conversation::Conversation,
    ids,
    tenant::{Refused, Tenant},
};
use steward_http::{ApiPath, Problem};
use steward_settings::RULES;
use utoipa::ToSchema;

use super::{
    AdminCommand, Answer, Command, conversation_id, decide,
    humans::known,
    openapi::{BrainOf, Refuses},
};
use crate::{intake::Intake, outside::Line};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BrainChoice, example = json!({ "provider": "rules" }))]
pub struct Chosen {
    /// `rules`, or the id of a provider that the configuration describes; `null`: what stands above it again, that of the
    /// tenant or of the configuration.
    provider: Option<Line>,
    /// One of the provider's models. Left out: the one that the configuration names.
    model: Option<Line>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobChoice, example = json!({ "provider": "rules", "job": "chat" }))]
pub struct ChosenForJob {
    /// `rules` (for another job than answering: no model does it), or the id of a provider that the configuration describes;
    /// `null`: what stands above it again.
    provider: Option<Line>,
    /// One of the provider's models. Left out: the one that the configuration names.
    model: Option<Line>,
    /// What it is chosen for: chat (answering clients), extraction, summary, expert, discovery, planning, task_simple,
    /// task_complex. Left out: chat.
    #[schema(value_type = Option<String>)]
    job: Option<Job>,
}

/// What is chosen, if this installation can ask it.
fn read(intake: &Intake, provider: Option<&Line>, model: Option<&Line>) -> Result<Option<Choice>, Problem> {
    let given = |line: Option<&Line>| line.map(|line| line.trim().to_owned()).filter(|text| !text.is_empty());
    let Some(provider) = given(provider) else { return Ok(None) };
    let model = given(model);
    if provider == RULES {
        if model.is_some() {
            return Err(Problem::unprocessable("no_such_model", "the rules have no models; leave `model` out"));
        }
    } else {
        let brain = &intake.settings.now().brain;
        let chain = brain.chain(&provider, model.as_deref());
        let chain = chain.map_err(|problem| Problem::unprocessable("no_such_brain", format!("[brain]: {problem}")))?;
        // What it costs would count against no budget.
        if let (Some(_), Some(model)) = (brain.budget.per_day, chain.iter().find(|model| model.price.is_none())) {
            let detail = format!("there is a budget, and `[brain.prices.{:?}]` is missing", model.name);
            return Err(Problem::unprocessable("unpriced_model", detail));
        }
    }
    Ok(Some(Choice { provider, model: model.unwrap_or_default() }))
}

/// Chooses the brain of the tenant's conversations, or who does one of its other jobs
///
/// From the next turn on; for answering clients, in every conversation that has no choice of its own.
#[utoipa::path(
    put,
    path = "/api/v1/settings/brain",
    tag = "brain",
    operation_id = "choose_brain",
    request_body = ChosenForJob,
    responses((status = 200, description = "recorded", body = Answer), Refuses<BrainOf<Tenant>>),
)]
pub async fn choose_for_tenant(
    State(intake): State<Intake>,
    AdminCommand(command): AdminCommand<ChosenForJob>,
) -> Result<Answer, Problem> {
    let ChosenForJob { provider, model, job } = &command.body;
    let (chosen, job) = (read(&intake, provider.as_ref(), model.as_ref())?, job.unwrap_or(Job::Chat));
    let (tenant, by) = (&command.caller.tenant, command.caller.actor());
    let aggregate = ids::tenant_aggregate(tenant);
    let carried_out = command.carry_out(&intake, &aggregate, |state: &Tenant| {
        let event = choose(job, state.chosen(job), chosen.as_ref(), &by);
        Ok::<_, Refused>((event.map(Into::into).into_iter().collect(), ()))
    });
    Ok(Answer::of_none(tenant.to_string(), carried_out.await?.position))
}

/// Chooses the brain of one conversation
///
/// It answers from the next turn on.
#[utoipa::path(
    put,
    path = "/api/v1/conversations/{id}/brain",
    tag = "brain",
    operation_id = "choose_conversation_brain",
    request_body = Chosen,
    responses((status = 200, description = "recorded", body = Answer), Refuses<BrainOf<Conversation>>),
)]
pub async fn choose_for_conversation(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Chosen>,
) -> Result<Answer, Problem> {
    let conversation = conversation_id(&id)?;
    let chosen = read(&intake, command.body.provider.as_ref(), command.body.model.as_ref())?;
    let by = command.caller.actor();
    let position = decide(&intake, &command, conversation, |state| {
        known(state)?;
        Ok(choose(Job::Chat, state.brain.as_ref(), chosen.as_ref(), &by).map(Into::into).into_iter().collect())
    })
    .await?;
    Ok(Answer::changed(conversation.to_string(), conversation, position))
}
