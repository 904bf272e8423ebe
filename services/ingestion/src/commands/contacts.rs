//! What is known of a contact, set by an operator; and which contacts are one person.

use axum::extract::State;
use serde::Deserialize;
use steward_domain::{
    contact::{Contact, How, Merge, Refused},
    ids::{self, ContactId},
};
use steward_http::{ApiPath, Problem};
use steward_language::Language;
use steward_log::{AtLeast, LogError};
use steward_proto::{Event, v1};
use utoipa::ToSchema;

use super::{Answer, Command, openapi::Refuses, outbox::Nothing};
use crate::{
    intake::Intake,
    merging,
    outside::{Line, Note, OutsideName},
    patience::in_time,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContactChanges, example = json!({ "timezone": "Asia/Makassar", "followup_hour": 10 }))]
pub struct Changes {
    name: Option<Line>,
    /// BCP 47
    language: Option<String>,
    /// IANA
    timezone: Option<String>,
    #[schema(minimum = 0, maximum = 23)]
    followup_hour: Option<u32>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContactMerging, example = json!({ "into": "2c1f7a90-6f55-5c0e-8d1e-0b5f4f6f9a11", "reason": "the same person by mail" }))]
pub struct MergeInto {
    /// The contact that is to stand for both.
    into: String,
    reason: Option<Note>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContactSplitting, example = json!({ "reason": "they only share a name" }))]
pub struct Split {
    reason: Option<Note>,
}

/// Changes what is known of a contact
#[utoipa::path(
    patch,
    path = "/api/v1/contacts/{id}",
    tag = "contacts",
    operation_id = "change_contact",
    request_body = Changes,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn change(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Changes>,
) -> Result<Answer, Problem> {
    let Changes { name, language, timezone, followup_hour } = &command.body;
    let name = &name.as_deref().map(|name| OutsideName::from(name).into_string());
    check_language(language.as_deref())?;
    check_timezone(timezone.as_deref())?;
    if name.is_none() && language.is_none() && timezone.is_none() && followup_hour.is_none() {
        return Err(Problem::unprocessable(
            "bad_body",
            "nothing to change: give at least one of `name`, `language`, `timezone`, `followup_hour`",
        ));
    }
    if followup_hour.is_some_and(|hour| hour > 23) {
        return Err(Problem::unprocessable("bad_body", "`followup_hour` must be an hour from 0 to 23"));
    }
    decide(&intake, &command, &id, |state| {
        let mut wanted = state.clone();
        for (to, from) in [(&mut wanted.name, name), (&mut wanted.language, language), (&mut wanted.timezone, timezone)]
        {
            if from.is_some() {
                to.clone_from(from);
            }
        }
        wanted.followup_hour = followup_hour.or(state.followup_hour);
        if wanted == *state {
            return Vec::new();
        }
        let changed = v1::ContactChanged {
            name: name.clone(),
            language: language.clone(),
            timezone: timezone.clone(),
            followup_hour: *followup_hour,
            by: command.caller.actor(),
            ..v1::ContactChanged::default()
        };
        vec![changed.into()]
    })
    .await
}

/// Nothing proactive is sent to them any more
#[utoipa::path(
    post,
    path = "/api/v1/contacts/{id}/archive",
    tag = "contacts",
    operation_id = "archive_contact",
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn archive(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Nothing>,
) -> Result<Answer, Problem> {
    decide(&intake, &command, &id, |state| {
        if state.archived { Vec::new() } else { vec![v1::ContactArchived { by: command.caller.actor() }.into()] }
    })
    .await
}

/// Two contacts are one person
///
/// The contact in `into` stands for this one from now on: its settings count, and limits count over the conversations of
/// both. One that was merged itself is followed to the contact that stands for it. One that has never written in a
/// conversation of their own is unknown.
#[utoipa::path(
    post,
    path = "/api/v1/contacts/{id}/merge",
    tag = "contacts",
    operation_id = "merge_contacts",
    request_body = MergeInto,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn merge(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<MergeInto>,
) -> Result<Answer, Problem> {
    let (contact, named) = (contact_id(&id)?, contact_id(&command.body.into)?);
    let tenant = &command.caller.tenant;
    let load = async |id| intake.log.load::<Contact>(&ids::contact_aggregate(tenant, id), AtLeast::Latest).await;
    let looking = async {
        // A contact that was merged into this very one is no way round: the rules say why.
        let into = load(named).await?.state.merged_into.filter(|into| *into != contact).unwrap_or(named);
        let (merged, survivor) = tokio::try_join!(load(contact), load(into))?;
        Ok::<_, LogError>((into, merged, survivor))
    };
    let (into, merged, survivor) = in_time(looking).await?;
    let position = if merged.state.merged_into == Some(into) && survivor.state.merged.contains_key(&contact) {
        merged.version.max(survivor.version)
    } else {
        let mut conversations = merging::conversations(&intake.log, tenant, [contact, into]).await?;
        let merge = Merge {
            contact,
            into,
            how: How::Command,
            by: command.caller.actor(),
            reason: command.body.reason.as_deref().unwrap_or_default().to_owned(),
            conversations: conversations.remove(&contact).unwrap_or_default(),
            into_conversations: conversations.remove(&into).unwrap_or_default(),
        };
        in_time(merging::merge(&intake.log, tenant, &command.cause(), &merge)).await?
    };
    command.done(&intake);
    Ok(Answer::of_none(contact.to_string(), position))
}

/// A merged contact stands for itself again
///
/// Nothing was rewritten by the merge, so all is as if it hadn't been.
#[utoipa::path(
    post,
    path = "/api/v1/contacts/{id}/split",
    tag = "contacts",
    operation_id = "split_contact",
    request_body = Option<Split>,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn split(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Split>,
) -> Result<Answer, Problem> {
    let contact = contact_id(&id)?;
    let reason = command.body.reason.as_deref().unwrap_or_default();
    let by = command.caller.actor();
    let asked = (contact, by.as_str(), reason);
    let tenant = &command.caller.tenant;
    merging::known(&intake.log, tenant, contact).await?;
    let cause = command.cause();
    let position = in_time(merging::split(&intake.log, tenant, &cause, asked, command.may_repeat())).await?;
    command.done(&intake);
    Ok(Answer::of_none(contact.to_string(), position))
}

pub(super) fn contact_id(text: &str) -> Result<ContactId, Problem> {
    text.parse().map_err(|_| merging::unknown())
}

async fn decide<T>(
    intake: &Intake,
    command: &Command<T>,
    id: &str,
    mut decision: impl FnMut(&Contact) -> Vec<Event>,
) -> Result<Answer, Problem> {
    let contact = contact_id(id)?;
    merging::known(&intake.log, &command.caller.tenant, contact).await?;
    let aggregate = ids::contact_aggregate(&command.caller.tenant, contact);
    let carried_out = command.carry_out(intake, &aggregate, |state: &Contact| {
        state.stands_for_itself()?;
        Ok::<_, Refused>((decision(state), ()))
    });
    Ok(Answer::of_none(contact.to_string(), carried_out.await?.position))
}

/// # Errors
/// 422 for a language that Steward doesn't speak.
pub fn check_language(tag: Option<&str>) -> Result<(), Problem> {
    match tag {
        Some(tag) if Language::of_tag(tag).is_none() => Err(Problem::unprocessable(
            "unknown_language",
            format!(
                "`{}` is no language Steward speaks; expected {}",
                tag.chars().take(64).collect::<String>(),
                Language::TAGS
            ),
        )),
        _ => Ok(()),
    }
}

/// # Errors
/// 422 for what is no IANA zone.
pub fn check_timezone(name: Option<&str>) -> Result<(), Problem> {
    match name {
        Some(name) if name.parse::<chrono_tz::Tz>().is_err() => Err(Problem::unprocessable(
            "unknown_timezone",
            format!(
                "`{}` is no time zone; expected an IANA name such as Asia/Makassar",
                name.chars().take(64).collect::<String>()
            ),
        )),
        _ => Ok(()),
    }
}
