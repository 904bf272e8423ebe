//! The dashboard: pages for the person who answers for what the bot says.
//!
//! A page extracts who looks, reads with the functions that the read API uses, fills a struct and renders its template. The
//! modules under `dashboard/assets/js` bring it to life: what an event changed is read again by the same way as the first
//! time. Forms are plain ones; they give their commands to the command API of this process.

mod assets;
mod channels;
mod enter;
mod forms;
mod frame;
mod pages;
mod remembering;
mod viewer;
mod when;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{FromRef, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state, map_response},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use steward_http::{Guard, Problem, SESSION, cookie};
use tower_http::compression::CompressionLayer;

use crate::{
    read::{Commands, Desk},
    seen,
    shares::Shares,
};
use viewer::Looks;

/// What a page may load and do: our own scripts and styles, and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What all pages share.
#[derive(Clone)]
pub struct Dashboard {
    desk: Arc<Desk>,
    guard: Guard,
    /// Takes commands, if this process does.
    commands: Option<Commands>,
    /// The places for tests of channels.
    tests: Arc<Shares>,
}

impl FromRef<Dashboard> for Arc<Desk> {
    fn from_ref(dashboard: &Dashboard) -> Self {
        Arc::clone(&dashboard.desk)
    }
}

/// The pages behind the guard; what makes them look like something, and the way in, before it.
pub fn router(guard: &Guard, desk: Arc<Desk>, commands: Option<Commands>) -> Router {
    let dashboard = Dashboard { desk, guard: guard.clone(), commands, tests: Arc::new(channels::places()) };
    let pages = Router::new()
        .route("/", get(pages::first))
        .route("/inbox", get(pages::inbox::list))
        .route("/inbox/{id}", get(pages::conversation::one))
        .route("/promises", get(pages::promises::list))
        .route("/outbox", get(pages::outbox::list))
        .route("/goals", get(pages::goals::list))
        .route("/live", get(pages::live::list))
        .route("/system", get(pages::system::one))
        .route("/settings", get(pages::settings::one))
        .route("/try", get(pages::try_it::one))
        .route("/ui/time", get(pages::conversation::time))
        .route("/ui/find", get(pages::inbox::find))
        .route("/ui/channels/{id}/test", post(channels::test))
        .route("/ui/{*form}", post(forms::give));
    let open = Router::new()
        .route("/ui/enter", post(enter::enter))
        .route("/ui/leave", post(enter::leave))
        .route("/ui/mine", post(enter::mine))
        .route("/assets/{hash}/{*path}", get(assets::one));
    let pages = pages.route_layer(from_fn_with_state(Arc::clone(&dashboard.desk.seen), seen::note));
    let pages = guard.protect(pages).route_layer(from_fn_with_state(dashboard.clone(), dressed)).merge(open);
    let pages = pages.layer(from_fn(known));
    pages.layer(map_response(guarded)).layer(CompressionLayer::new()).with_state(dashboard)
}

/// Longest page that is weighed against what a browser has, in bytes.
const LONGEST_PAGE: usize = 4 << 20;

/// Names each page by what it says, so that a browser that has it needn't be sent it again. What tells repeats of a form apart
/// differs each time and isn't part of that: a command, and every other event, moves the position that the page says.
async fn known(request: Request, next: Next) -> Response {
    let given = request.headers().get(header::IF_NONE_MATCH).cloned();
    let reads = request.method() == Method::GET && !request.uri().path().starts_with("/assets/");
    let response = next.run(request).await;
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !reads || !is_page || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_PAGE).await else {
        return Problem::unavailable("read_models_away", "this page can't be shown now; try again in a few seconds")
            .into_response();
    };
    let tag = named(&body);
    parts.headers.insert(header::ETAG, tag.clone());
    parts.headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    parts.headers.insert(header::VARY, HeaderValue::from_static("cookie, accept-language, accept-encoding"));
    let has_it = given.is_some_and(|given| {
        let given = given.to_str().unwrap_or_default();
        given.split(',').any(|one| one.trim().as_bytes() == tag.as_bytes())
    });
    if has_it {
        parts.status = StatusCode::NOT_MODIFIED;
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
            parts.headers.remove(name);
        }
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(body))
}

/// The name of a page, but for the keys of its forms.
fn named(body: &[u8]) -> HeaderValue {
    const KEY: &str = "name=\"key\" value=\"";
    let page = String::from_utf8_lossy(body);
    let mut hash = Sha256::new();
    for (n, part) in page.split(KEY).enumerate() {
        hash.update(if n == 0 { part } else { part.split_once('"').map_or("", |(_, rest)| rest) });
    }
    HeaderValue::from_str(&format!("W/\"{}\"", hex::encode(&hash.finalize()[..12]))).expect("hex is a header's value")
}

/// Adds what keeps a page from being misused.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}

/// Longest problem that is shown.
const LONGEST_PROBLEM: usize = 64 * 1024;

/// Shows a refusal as a page to whoever looks at pages; who has no key in force is shown the way in.
async fn dressed(State(dashboard): State<Dashboard>, request: Request, next: Next) -> Response {
    #[derive(Deserialize)]
    struct Said {
        detail: String,
    }
    let looks = Looks::of(request.headers());
    let by_script =
        request.headers().contains_key(forms::SCRIPT) || ["/ui/time", "/ui/find"].contains(&request.uri().path());
    let page = request.uri().path_and_query().filter(|_| request.method() == Method::GET);
    let to = page.map_or("/inbox", |page| page.as_str()).to_owned();
    let entered = cookie(request.headers(), SESSION).is_some();
    let response = next.run(request).await;
    let is_problem =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if by_script || !is_problem {
        return response;
    }
    let status = response.status();
    if status == StatusCode::UNAUTHORIZED && dashboard.guard.asks_for_keys() {
        let problem = entered.then(|| looks.words().fixed().session_over);
        return (status, enter::card(&looks, &to, problem)).into_response();
    }
    let body = to_bytes(response.into_body(), LONGEST_PROBLEM).await.unwrap_or_default();
    let detail = serde_json::from_slice::<Said>(&body).map(|said| said.detail).unwrap_or_default();
    (status, frame::problem(&looks, &detail)).into_response()
}

/// Renders a page.
fn html(page: &impl askama::Template) -> Result<Html<String>, Problem> {
    page.render().map(Html).map_err(|error| {
        tracing::error!(%error, "a page can't be rendered");
        Problem::unavailable("read_models_away", "this page can't be shown now; try again in a few seconds")
    })
}

type Page = Result<Html<String>, Problem>;
