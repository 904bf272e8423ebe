//! `PUT /api/v1/settings/brain`, `PUT /api/v1/conversations/{id}/brain`: which brain answers, from the next turn on.

use axum::extract::State;
use serde::Deserialize;
use steward_domain::{
    brain::{Choice, choose},
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

impl Chosen {
    /// What is chosen, if this installation can ask it.
    fn read(&self, intake: &Intake) -> Result<Option<Choice>, Problem> {
        let Some(provider) = self.provider.as_deref().map(str::trim).filter(|provider| !provider.is_empty()) else {
            return Ok(None);
        };
        let model = self.model.as_deref().map(str::trim).filter(|model| !model.is_empty());
        if provider == RULES {
            if model.is_some() {
                return Err(Problem::unprocessable("no_such_model", "the rules have no models; leave `model` out"));
            }
        } else {
            let brain = &intake.settings.now().brain;
            let chain = brain.chain(provider, model);
            let chain =
                chain.map_err(|problem| Problem::unprocessable("no_such_brain", format!("[brain]: {problem}")))?;
            // What it costs would count against no budget.
            if let (Some(_), Some(model)) = (brain.budget.per_day, chain.iter().find(|model| model.price.is_none())) {
                let detail = format!("there is a budget, and `[brain.prices.{:?}]` is missing", model.name);
                return Err(Problem::unprocessable("unpriced_model", detail));
            }
        }
        Ok(Some(Choice { provider: provider.to_owned(), model: model.unwrap_or_default().to_owned() }))
    }
}

/// Chooses the brain of the tenant's conversations
///
/// It answers from the next turn on, in every conversation that has no choice of its own.
#[utoipa::path(
    put,
    path = "/api/v1/settings/brain",
    tag = "brain",
    operation_id = "choose_brain",
    request_body = Chosen,
    responses((status = 200, description = "recorded", body = Answer), Refuses<BrainOf<Tenant>>),
)]
pub async fn choose_for_tenant(
    State(intake): State<Intake>,
    AdminCommand(command): AdminCommand<Chosen>,
) -> Result<Answer, Problem> {
    let chosen = command.body.read(&intake)?;
    let (tenant, by) = (&command.caller.tenant, command.caller.actor());
    let aggregate = ids::tenant_aggregate(tenant);
    let carried_out = command.carry_out(&intake, &aggregate, |state: &Tenant| {
        let event = choose(state.brain.as_ref(), chosen.as_ref(), &by);
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
    let chosen = command.body.read(&intake)?;
    let by = command.caller.actor();
    let position = decide(&intake, &command, conversation, |state| {
        known(state)?;
        Ok(choose(state.brain.as_ref(), chosen.as_ref(), &by).map(Into::into).into_iter().collect())
    })
    .await?;
    Ok(Answer::changed(conversation.to_string(), conversation, position))
}
