//! Forms about what is remembered: set, said to be right or not so, corrected, done with.

use axum::http::Method;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};
use steward_http::{Caller, Problem};

use super::{Dashboard, enter::Fields, forms::Command};
use crate::models::conversations::read;

/// The kinds, as the commands name them.
pub const KINDS: [&str; 3] = ["goals", "milestones", "facts"];

/// The hour that a day stands for.
const NOON: NaiveTime = NaiveTime::from_hms_opt(12, 0, 0).expect("it is one");

/// The command that sets something, of a contact or of a conversation's.
///
/// # Errors
/// 404 if there is no such conversation, or no such kind.
pub async fn set(dashboard: &Dashboard, caller: &Caller, fields: &Fields) -> Result<Command, Problem> {
    let kind = KINDS.into_iter().find(|kind| *kind == fields.get("kind"));
    let kind = kind.ok_or_else(|| Problem::not_found("unknown_remembered", "there is no such kind"))?;
    let contact = match fields.get("contact_id") {
        "" => {
            let mut reading = dashboard.desk.begin(caller).await?;
            let snapshot = reading.snapshot().await?;
            let talk = read::whole(&snapshot, caller, fields.get("conversation_id"), None).await?;
            talk.contact.merged_into.or(talk.contact.id).unwrap_or_default()
        }
        contact => contact.to_owned(),
    };
    let mut body = Map::new();
    body.insert("contact_id".to_owned(), contact.into());
    body.insert(if kind == "goals" { "title" } else { "text" }.to_owned(), fields.get("text").into());
    let at = Some(fields.get("at").to_owned()).filter(|at| !at.is_empty()).or_else(|| noon(fields));
    if let Some(at) = at.filter(|_| kind != "facts") {
        body.insert(dated(kind).to_owned(), at.into());
    }
    let number: Option<u32> = fields.get("progress").parse().ok();
    if let Some(progress) = number.filter(|_| kind == "goals") {
        body.insert("progress".to_owned(), progress.into());
    }
    if kind == "milestones" && !fields.get("goal_id").is_empty() {
        body.insert("goal_id".to_owned(), fields.get("goal_id").into());
    }
    if !fields.get("message_id").is_empty() {
        let evidence = json!({ "message_id": fields.get("message_id"), "quote": fields.get("quote") });
        body.insert("evidence".to_owned(), evidence);
    }
    Ok(Command { method: Method::POST, path: format!("/api/v1/{kind}"), body: body.into() })
}

/// The command about one thing; `None` if there is no such form.
pub fn about(kind: &str, id: &str, action: &str, fields: &Fields) -> Option<Command> {
    let kind = KINDS.into_iter().find(|known| *known == kind)?;
    let path = format!("/api/v1/{kind}/{id}");
    let done = match kind {
        "goals" => Some("achieve"),
        "milestones" => Some("resolve"),
        _ => None,
    };
    Some(match action {
        "right" => Command { method: Method::PATCH, path, body: json!({ "confirmed": true }) },
        "gone" => Command { method: Method::DELETE, path, body: json!({}) },
        "done" => Command { method: Method::POST, path: format!("{path}/{}", done?), body: json!({}) },
        "change" => Command { method: Method::PATCH, path, body: changes(kind, fields) },
        _ => return None,
    })
}

/// What a form changes: what is as it was isn't said. Who looks at it while correcting it says that it is so.
fn changes(kind: &str, fields: &Fields) -> Value {
    let mut body = Map::new();
    body.insert("confirmed".to_owned(), true.into());
    if fields.get("text") != fields.get("was_text") {
        body.insert(if kind == "goals" { "title" } else { "text" }.to_owned(), fields.get("text").into());
    }
    if fields.get("day") != fields.get("was_day")
        && let Some(at) = noon(fields)
    {
        body.insert(dated(kind).to_owned(), at.into());
    }
    let number: Option<u32> = fields.get("progress").parse().ok();
    if let Some(progress) = number.filter(|_| fields.get("progress") != fields.get("was_progress")) {
        body.insert("progress".to_owned(), progress.into());
    }
    body.into()
}

fn dated(kind: &str) -> &'static str {
    if kind == "goals" { "due_at" } else { "happened_at" }
}

/// Noon of the day that a form names, in its zone.
fn noon(fields: &Fields) -> Option<String> {
    let day: NaiveDate = fields.get("day").parse().ok()?;
    let zone: Tz = fields.get("zone").parse().unwrap_or(Tz::UTC);
    let at: DateTime<Utc> = zone.from_local_datetime(&day.and_time(NOON)).earliest()?.to_utc();
    Some(at.to_rfc3339())
}
