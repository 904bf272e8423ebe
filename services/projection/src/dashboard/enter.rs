//! Entering with a key, leaving, and what a browser keeps of how the pages look.

use std::borrow::Cow;

use askama::Template;
use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde_json::json;
use steward_http::{ClientAddress, Problem, SESSION, read_body};
use steward_language::Language;

use super::{
    Dashboard, assets,
    forms::{self, Command},
    viewer::Looks,
    words::{self, Fixed},
};

/// Longest form here, in bytes.
const LONGEST: usize = 4 * 1024;

/// How long a browser keeps a session, which lasts no longer.
const KEPT: &str = "Max-Age=2592000";

#[derive(Template)]
#[template(path = "enter.html")]
struct Card<'a> {
    w: &'static Fixed,
    lang: &'static str,
    theme: &'static str,
    hash: String,
    to: &'a str,
    problem: Option<&'a str>,
}

/// The way in. `to`: where it leads; `problem`: why somebody isn't in.
pub fn card(looks: &Looks, to: &str, problem: Option<&str>) -> Html<String> {
    let w = words::of(looks.language).fixed();
    let card = Card { w, lang: looks.language.code(), theme: looks.theme, hash: assets::hash(), to, problem };
    Html(card.render().unwrap_or_default())
}

/// The fields of a small form.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn of(body: &Bytes) -> Self {
        let pairs = form_urlencoded::parse(body).take(64);
        Self(pairs.map(|(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned())).collect())
    }

    /// A field's text without what surrounds it; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value.trim())
    }
}

/// A path of ours, to go back to; anything else leads to the inbox.
pub fn own_path(given: &str) -> &str {
    let fine = given.starts_with('/') && !given.starts_with("//") && !given.contains(['\\', '\r', '\n']);
    if fine && given.len() < 2_000 { given } else { "/inbox" }
}

/// Only our own pages may post here: a browser says where a form comes from.
pub fn from_ours(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let (origin, host) = (text(header::ORIGIN), text(header::HOST));
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    if !host.is_empty() && authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    Err(Problem::forbidden("foreign_origin", "this form is only taken from our own pages"))
}

fn set(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// A key becomes a session, in a cookie that no script can read. Where no process takes commands, none can be begun: the cookie
/// is the key itself.
pub async fn enter(State(dashboard): State<Dashboard>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    from_ours(&parts.headers)?;
    let looks = Looks::of(&parts.headers);
    let fields = Fields::of(&read_body(body, LONGEST).await?);
    let (key, to) = (fields.get("your_key"), own_path(fields.get("to")));
    let mut asked = HeaderMap::new();
    let bearer = HeaderValue::from_str(&format!("Bearer {key}"));
    let known = match bearer {
        Ok(bearer) if !key.contains([';', ',', ' ', '"']) => {
            asked.insert(header::AUTHORIZATION, bearer);
            let client = parts.extensions.get::<ClientAddress>().copied();
            dashboard.guard.caller_from(client, &parts.uri, &asked).await
        }
        _ => Err(Problem::unauthorized("no_key", "")),
    };
    match known {
        Ok(_) => {
            let session = match &dashboard.commands {
                None => key.to_owned(),
                Some(commands) => {
                    if let Some(host) = parts.headers.get(header::HOST) {
                        asked.insert(header::HOST, host.clone());
                    }
                    let begin = Command::post("/api/v1/sessions".to_owned(), json!({}));
                    forms::call(commands, &asked, begin, "").await?.secret.unwrap_or_default()
                }
            };
            let secure =
                parts.headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https:"));
            let mut response = Redirect::to(to).into_response();
            let secure = if secure { "; Secure" } else { "" };
            set(&mut response, &format!("{SESSION}={session}; Path=/; HttpOnly; SameSite=Strict; {KEPT}{secure}"));
            Ok(response)
        }
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
            Ok((StatusCode::UNAUTHORIZED, card(&looks, to, Some(looks.words().fixed().wrong_key))).into_response())
        }
        Err(problem) => Err(problem),
    }
}

/// The session ends, and its cookie is forgotten.
pub async fn leave(State(dashboard): State<Dashboard>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    from_ours(&parts.headers)?;
    let client = parts.extensions.get::<ClientAddress>().copied();
    let caller = dashboard.guard.caller_from(client, &parts.uri, &parts.headers).await.ok();
    if let (Some(session), Some(commands)) = (caller.and_then(|caller| caller.session), &dashboard.commands) {
        let end = Command::delete(format!("/api/v1/sessions/{session}"));
        if let Err(problem) = forms::call(commands, &parts.headers, end, "").await {
            tracing::warn!(?problem, "a session that somebody left isn't ended");
        }
    }
    let mut response = Redirect::to("/inbox").into_response();
    set(&mut response, &format!("{SESSION}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"));
    Ok(response)
}

/// How the pages look in this browser.
pub async fn mine(request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    from_ours(&parts.headers)?;
    let fields = Fields::of(&read_body(body, LONGEST).await?);
    let mut response = Redirect::to(own_path(fields.get("back"))).into_response();
    let year = "Path=/; SameSite=Strict; Max-Age=31536000";
    if let Some(language) = Language::of_tag(fields.get("language")) {
        set(&mut response, &format!("steward_language={}; {year}", language.code()));
    }
    let choices: [(&str, &[&str]); 4] = [
        ("density", &["comfortable", "compact"]),
        ("keys", &["on", "off"]),
        ("hours", &["language", "12", "24"]),
        ("notify", &["off", "needs"]),
    ];
    for (name, known) in choices {
        if let Some(chosen) = known.iter().find(|known| **known == fields.get(name)) {
            set(&mut response, &format!("steward_{name}={chosen}; {year}"));
        }
    }
    match fields.get("zone") {
        "browser" => set(&mut response, "steward_zone_chosen=; Path=/; SameSite=Strict; Max-Age=0"),
        zone if zone.parse::<chrono_tz::Tz>().is_ok() => {
            let zone = zone.replace('/', "%2F").replace('+', "%2B");
            set(&mut response, &format!("steward_zone_chosen={zone}; {year}"));
        }
        _ => {}
    }
    if let Some(theme) = ["system", "light", "dark"].into_iter().find(|theme| *theme == fields.get("theme")) {
        set(&mut response, &format!("steward_theme={theme}; {year}"));
    }
    Ok(response)
}
