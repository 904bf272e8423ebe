//! Forms: each is one command of the command API, which decides who may give it. With script the answer is JSON, without it
//! the page is shown again.

use std::time::Duration;

use axum::{
    Json,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use steward_http::{ApiPath, Caller, Problem, read_body, unknown_path};
use tower::ServiceExt as _;
use uuid::Uuid;

use super::{
    Dashboard,
    enter::{Fields, own_path},
    pages::calendar,
    remembering,
    viewer::Looks,
};
use crate::read::{Commands, system, time};

/// Our own modules say with it that they read the answer.
pub const SCRIPT: HeaderName = HeaderName::from_static("steward-script");

/// Who the person is on the page where one can try it.
pub const GUEST: &str = "steward_guest";

/// Longest wait for another process that takes commands.
const PATIENCE: Duration = Duration::from_secs(15);

/// Longest wait until the read models show what a form has done.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);

/// Longest form, in bytes.
const LONGEST: usize = 256 * 1024;

/// A command of the command API.
pub struct Command {
    pub method: Method,
    pub path: String,
    pub body: Value,
}

impl Command {
    pub fn post(path: String, body: Value) -> Self {
        Self { method: Method::POST, path, body }
    }

    pub fn delete(path: String) -> Self {
        Self { method: Method::DELETE, path, body: json!({}) }
    }
}

/// What a command answers.
#[derive(Default, Serialize, Deserialize)]
pub struct Done {
    /// What was made or changed.
    #[serde(default)]
    id: String,
    position: u64,
    #[serde(default)]
    conversation_id: Option<String>,
    /// What is shown only once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Where to go next; empty: the page stays.
    #[serde(default, skip_deserializing)]
    to: String,
}

/// Gives what a form says as a command.
pub async fn give(
    State(dashboard): State<Dashboard>,
    caller: Caller,
    ApiPath(form): ApiPath<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let Some(commands) = dashboard.commands.clone() else {
        return Err(Problem::unavailable("read_models_away", "this process takes no commands"));
    };
    let fields = Fields::of(&read_body(body, LONGEST).await?);
    let by_script = parts.headers.contains_key(SCRIPT);
    let names: Vec<&str> = form.split('/').collect();
    let guest = steward_http::cookie(&parts.headers, GUEST).filter(|guest| Uuid::parse_str(guest).is_ok());
    let guest = guest.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    let mut done = Done::default();
    let given = commands_of(&dashboard, &caller, &names, &fields, (&guest, &Looks::of(&parts.headers))).await?;
    if given.is_empty() {
        return Err(unknown_path(parts.uri).await);
    }
    for (n, command) in given.into_iter().enumerate() {
        // What was done with the first command is done, and the second would be asked for again.
        done = call(&commands, &parts.headers, command, &format!("{}-{n}", fields.get("key"))).await?;
    }
    if !by_script {
        // The page that comes next is to show it; with script the position is asked for.
        dashboard.desk.reads.reached.wait(done.position, SHOWN_WITHIN).await;
    }
    if names == ["try"] {
        done.to = "/try".to_owned();
    }
    let mut response = if by_script {
        Json(&done).into_response()
    } else if let Some(secret) = &done.secret {
        super::frame::problem(&Looks::of(&parts.headers), secret).into_response()
    } else {
        Redirect::to(own_path(fields.get("back"))).into_response()
    };
    if names == ["try"] {
        let cookie = format!("{GUEST}={guest}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000");
        response.headers_mut().append(
            header::SET_COOKIE,
            HeaderValue::from_str(&cookie).map_err(|_| Problem::bad_request("bad_query", "no guest"))?,
        );
    }
    Ok(response)
}

/// The commands that a form stands for; none if there is no such form.
async fn commands_of(
    dashboard: &Dashboard,
    caller: &Caller,
    names: &[&str],
    fields: &Fields,
    (guest, looks): (&str, &Looks),
) -> Result<Vec<Command>, Problem> {
    let api = |path: &str| format!("/api/v1/{path}");
    let by = json!({ "by": caller.name });
    Ok(match names {
        ["conversations", id, action @ ("takeover" | "release" | "resolve")] => {
            vec![Command::post(api(&format!("conversations/{id}/{action}")), by)]
        }
        // Settling what waits for a person is to have had it in hand.
        ["conversations", id, "done"] => ["takeover", "resolve"]
            .map(|action| Command::post(api(&format!("conversations/{id}/{action}")), by.clone()))
            .into(),
        ["conversations", id, "messages"] => {
            vec![Command::post(api(&format!("conversations/{id}/messages")), json!({ "text": fields.get("text") }))]
        }
        ["promises"] | ["conversations", _, "promises"] => {
            let id = if let ["conversations", id, _] = names { id } else { fields.get("conversation_id") };
            let due_at = due_at(dashboard, caller, fields, (looks, Some(id), None)).await?;
            let cancel_on = if fields.get("if_writes") == "keep" { "never" } else { "client_response" };
            let body =
                json!({ "conversation_id": id, "text": fields.get("text"), "due_at": due_at, "cancel_on": cancel_on });
            vec![Command::post(api("follow-ups"), body)]
        }
        ["follow-ups", id, "cancel"] => {
            vec![Command::delete(api(&format!("follow-ups/{id}")))]
        }
        ["follow-ups", id, "renew"] => vec![Command::post(api(&format!("follow-ups/{id}/renew")), json!({}))],
        ["follow-ups", id, "change"] => {
            let mut body = serde_json::Map::new();
            if !fields.get("text").is_empty() {
                body.insert("text".to_owned(), fields.get("text").into());
            }
            if !fields.get("day").is_empty() {
                body.insert("due_at".to_owned(), put_on(fields, looks)?.into());
            } else if !fields.get("phrase").is_empty() || !fields.get("due_at").is_empty() {
                let due_at = due_at(dashboard, caller, fields, (looks, None, Some(id))).await?;
                body.insert("due_at".to_owned(), due_at.into());
            }
            vec![Command { method: Method::PATCH, path: api(&format!("follow-ups/{id}")), body: body.into() }]
        }
        ["outbox", id, action @ ("cancel" | "retry" | "hold")] => {
            vec![Command::post(api(&format!("outbox/{id}/{action}")), json!({}))]
        }
        // A moment ahead, since what has passed is refused.
        ["outbox", id, "now"] => {
            let due_at = (dashboard.desk.reads.log.clock().now() + chrono::TimeDelta::seconds(1)).to_rfc3339();
            vec![Command::post(api(&format!("outbox/{id}/move")), json!({ "due_at": due_at }))]
        }
        ["outbox", id, "move"] => {
            let due_at = due_at(dashboard, caller, fields, (looks, Some(fields.get("conversation_id")), None)).await?;
            vec![Command::post(api(&format!("outbox/{id}/move")), json!({ "due_at": due_at }))]
        }
        ["outbox", id, "approve"] => {
            vec![Command::post(api(&format!("outbox/{id}/approve")), json!({ "hash": fields.get("hash") }))]
        }
        ["outbox", id, "settle"] => {
            vec![Command::post(api(&format!("outbox/{id}/settle")), json!({ "outcome": fields.get("outcome") }))]
        }
        ["outbox", id, "change"] => {
            let body = json!({ "text": fields.get("text") });
            vec![Command { method: Method::PATCH, path: api(&format!("outbox/{id}")), body }]
        }
        ["contacts", id] => {
            let mut body = serde_json::Map::new();
            for name in ["name", "language", "timezone"] {
                if !fields.get(name).is_empty() {
                    body.insert(name.to_owned(), fields.get(name).into());
                }
            }
            if let Ok(hour) = fields.get("followup_hour").parse::<u32>() {
                body.insert("followup_hour".to_owned(), hour.into());
            }
            vec![Command { method: Method::PATCH, path: api(&format!("contacts/{id}")), body: body.into() }]
        }
        ["remembered"] => vec![remembering::set(dashboard, caller, fields).await?],
        [kind, id, action] if remembering::KINDS.contains(kind) => {
            remembering::about(kind, id, action, fields).into_iter().collect()
        }
        ["keys"] => {
            let body = json!({ "name": fields.get("name"), "role": fields.get("role") });
            vec![Command::post(api("keys"), body)]
        }
        ["keys", id, "revoke"] => vec![Command::delete(api(&format!("keys/{id}")))],
        ["sessions", "others"] => vec![Command::delete(api("sessions"))],
        ["sessions", id, "end"] => vec![Command::delete(api(&format!("sessions/{id}")))],
        ["dead-letters", "all"] => {
            let letters = system::dead_letters(&dashboard.desk, caller).await.unwrap_or_default();
            letters.iter().map(|letter| tried_again(&letter.consumer, letter.position)).collect()
        }
        ["dead-letters", consumer, position] => {
            position.parse().map(|at| tried_again(consumer, at)).into_iter().collect()
        }
        ["settings", "brain"] => {
            let given = |name| Some(fields.get(name)).filter(|given| !given.is_empty());
            let body = json!({ "provider": given("provider"), "model": given("model") });
            vec![Command { method: Method::PUT, path: api("settings/brain"), body }]
        }
        ["webhooks", id, "deliveries", delivery, "retry"] => {
            vec![Command::post(api(&format!("webhooks/{id}/deliveries/{delivery}/retry")), json!({}))]
        }
        ["breaker", "reset"] => vec![Command::post(api("breaker/reset"), json!({ "note": "" }))],
        ["try"] => {
            let web = dashboard.desk.reads.channels.iter().find(|c| c.tenant == caller.tenant && c.kind == "web");
            let channel =
                web.ok_or_else(|| Problem::not_found("unknown_channel", "there is no channel of kind web"))?;
            let mut contact = json!({ "id": guest });
            if fields.get("zone").parse::<chrono_tz::Tz>().is_ok() {
                contact["timezone"] = fields.get("zone").into();
            }
            let body = json!({ "channel_id": channel.id, "contact": contact, "text": fields.get("text") });
            vec![Command::post(api("messages"), body)]
        }
        _ => Vec::new(),
    })
}

fn tried_again(consumer: &str, position: u64) -> Command {
    Command::post(format!("/api/v1/dead-letters/{consumer}/{position}/retry"), json!({}))
}

/// When a promise is due that was put on another day of the calendar.
fn put_on(fields: &Fields, looks: &Looks) -> Result<String, Problem> {
    let zone = fields.get("zone").parse().ok().or(looks.zone);
    let due_at = fields.get("was_due").parse::<chrono::DateTime<chrono::FixedOffset>>().ok();
    let day = fields.get("day").parse().ok();
    let hour = fields.get("hour");
    let hour = if hour.is_empty() { Some(None) } else { hour.parse().ok().map(Some) };
    let moved = match (zone, due_at, day, hour) {
        (Some(zone), Some(due_at), Some(day), Some(hour)) => calendar::moved(due_at.to_utc(), zone, day, hour),
        _ => None,
    };
    let refused = || Problem::unprocessable("no_time", looks.words().refusal("no_time").unwrap_or_default());
    moved.map(|at| at.to_rfc3339()).ok_or_else(refused)
}

/// The time that a form names: an exact one that was chosen, else what its words mean.
async fn due_at(
    dashboard: &Dashboard,
    caller: &Caller,
    fields: &Fields,
    (looks, conversation, follow_up): (&Looks, Option<&str>, Option<&str>),
) -> Result<String, Problem> {
    let exact = fields.get("due_at");
    if !exact.is_empty() {
        return Ok(exact.to_owned());
    }
    let words: String = fields.get("phrase").chars().take(500).collect();
    let read = time::of(&dashboard.desk, caller, &words, (conversation, follow_up)).await?;
    let code = match (read.outcome, read.readings.first()) {
        ("instant", Some(reading)) => return Ok(reading.at.0.to_rfc3339()),
        ("ambiguous", _) => "ambiguous_time",
        ("past", _) => "past",
        ("too_far", _) => "too_far",
        _ => "no_time",
    };
    Err(Problem::unprocessable(code, looks.words().refusal(code).unwrap_or_default()))
}

/// Calls the command API as the one whose headers these are.
///
/// # Errors
/// As the command was refused, in the reader's language; 503 when it can't be given.
pub async fn call(commands: &Commands, headers: &HeaderMap, command: Command, key: &str) -> Result<Done, Problem> {
    // A refusal's answer, and a command's, are far shorter.
    const LONGEST_ANSWER: usize = 1 << 20;
    #[derive(Deserialize)]
    struct Refused {
        detail: String,
        code: String,
    }
    let broken = || Problem::unavailable("read_models_away", "the command couldn't be given; try again in a moment");
    // What stands between slashes came from an address: it stays one part of a path.
    let path: String = command.path.chars().filter(|c| c.is_ascii_alphanumeric() || "/-_.".contains(*c)).collect();
    let mut sent = HeaderMap::new();
    sent.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for name in [header::AUTHORIZATION, header::COOKIE, header::ORIGIN, header::HOST] {
        for value in headers.get_all(&name) {
            sent.append(&name, value.clone());
        }
    }
    if let Some(key) = HeaderValue::from_str(key).ok().filter(|key| key.len() > 2) {
        sent.insert("idempotency-key", key);
    }
    let body = command.body.to_string();
    let (status, body): (StatusCode, Bytes) = match commands {
        Commands::Here(router) => {
            let mut request = Request::new(Body::from(body));
            *request.method_mut() = command.method;
            *request.uri_mut() = path.parse().map_err(|_| broken())?;
            *request.headers_mut() = sent;
            let response = match router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            (response.status(), to_bytes(response.into_body(), LONGEST_ANSWER).await.map_err(|_| broken())?)
        }
        Commands::At { url, client } => {
            let request = client.request(command.method, format!("{url}{path}")).headers(sent).body(body);
            let response = request.timeout(PATIENCE).send().await.map_err(|_| broken())?;
            (response.status(), response.bytes().await.map_err(|_| broken())?)
        }
    };
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|_| broken());
    }
    let words = Looks::of(headers).words();
    let refused: Result<Refused, _> = serde_json::from_slice(&body);
    let detail = refused.map(|refused| words.refusal(&refused.code).map_or(refused.detail, str::to_owned));
    let status = if status == StatusCode::UNAUTHORIZED { StatusCode::FORBIDDEN } else { status };
    Err(Problem::new(status, "refused", detail.unwrap_or_default()))
}
