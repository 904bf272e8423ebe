//! What is known of a contact, set by an operator.

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use steward_domain::{contact::Contact, conversation::Refused, ids, language::Language};
use steward_http::{ApiPath, Problem};
use steward_log::AtLeast;
use steward_proto::{Event, v1};
use uuid::Uuid;

use super::{Answer, Command, outbox::Nothing};
use crate::{intake::Intake, origin::new_event};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    name: Option<String>,
    language: Option<String>,
    timezone: Option<String>,
    followup_hour: Option<u32>,
}

/// `PATCH /api/v1/contacts/{id}`
pub async fn change(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Changes>,
) -> Result<Answer, Problem> {
    let Changes { name, language, timezone, followup_hour } = &command.body;
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
        };
        vec![changed.into()]
    })
    .await
}

/// `POST /api/v1/contacts/{id}/archive`: nothing proactive is sent to them from now on.
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

async fn decide<T>(
    intake: &Intake,
    command: &Command<T>,
    id: &str,
    mut decision: impl FnMut(&Contact) -> Vec<Event>,
) -> Result<Answer, Problem> {
    let contact: Uuid = id.parse().map_err(|_| {
        Problem::not_found("unknown_contact", "there is no such contact; a conversation names its contact's id")
    })?;
    let aggregate = ids::contact_aggregate(&command.caller.tenant, contact);
    let cause = command.cause();
    let decided = intake.log.decide(&aggregate, AtLeast::Cached, |state: &Contact, _| {
        if let Some(type_name) = &state.schema_ahead {
            let detail = format!("this contact holds a {type_name} that this version can't read; upgrade Steward");
            return Err(Refused::new("schema_ahead", detail));
        }
        Ok((decision(state).into_iter().map(|event| new_event(&cause, event)).collect(), ()))
    });
    let decided = decided.await?;
    command.done(intake);
    let position = decided.appended.map_or(decided.version, |appended| appended.position);
    Ok(Answer { status: StatusCode::OK, id: contact.to_string(), conversation_id: None, position })
}

/// # Errors
/// 422 for a language that Steward doesn't speak.
pub fn check_language(tag: Option<&str>) -> Result<(), Problem> {
    match tag {
        Some(tag) if Language::of_tag(tag).is_none() => Err(Problem::unprocessable(
            "unknown_language",
            format!(
                "`{}` is no language Steward speaks; expected ru, es or en",
                tag.chars().take(64).collect::<String>()
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
