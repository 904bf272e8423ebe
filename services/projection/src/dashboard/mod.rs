//! The dashboard: pages for the person who answers for what the bot says.
//!
//! A page extracts who looks, reads with the functions that the read API uses, fills a struct and renders its template. The
//! modules under `dashboard/assets/js` bring it to life: what an event changed is read again by the same way as the first
//! time. Forms are plain ones; they give their commands to the command API of this process.

mod assets;
mod enter;
mod forms;
mod frame;
mod pages;
mod viewer;
mod when;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    body::to_bytes,
    extract::{FromRef, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state, map_response},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use steward_http::{Guard, Problem};
use tower_http::compression::CompressionLayer;

use crate::read::{Commands, Desk};
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
}

impl FromRef<Dashboard> for Arc<Desk> {
    fn from_ref(dashboard: &Dashboard) -> Self {
        Arc::clone(&dashboard.desk)
    }
}

/// The pages behind the guard; what makes them look like something, and the way in, before it.
pub fn router(guard: &Guard, desk: Arc<Desk>, commands: Option<Commands>) -> Router {
    let dashboard = Dashboard { desk, guard: guard.clone(), commands };
    let pages = Router::new()
        .route("/", get(pages::first))
        .route("/inbox", get(pages::inbox::list))
        .route("/inbox/{id}", get(pages::conversation::one))
        .route("/promises", get(pages::promises::list))
        .route("/outbox", get(pages::outbox::list))
        .route("/live", get(pages::live::list))
        .route("/system", get(pages::system::one))
        .route("/settings", get(pages::settings::one))
        .route("/try", get(pages::try_it::one))
        .route("/ui/time", get(pages::conversation::time))
        .route("/ui/{*form}", post(forms::give));
    let open = Router::new()
        .route("/ui/enter", post(enter::enter))
        .route("/ui/leave", post(enter::leave))
        .route("/ui/mine", post(enter::mine))
        .route("/assets/{hash}/{*path}", get(assets::one));
    let pages = guard.protect(pages).route_layer(from_fn_with_state(dashboard.clone(), dressed)).merge(open);
    pages.layer(map_response(guarded)).layer(CompressionLayer::new()).with_state(dashboard)
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
    let by_script = request.headers().contains_key(forms::SCRIPT) || request.uri().path().starts_with("/ui/time");
    let (path, method) = (request.uri().path().to_owned(), request.method().clone());
    let response = next.run(request).await;
    let is_problem =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if by_script || !is_problem {
        return response;
    }
    let status = response.status();
    if status == StatusCode::UNAUTHORIZED && dashboard.guard.asks_for_keys() {
        let to = if method == Method::GET { path } else { "/inbox".to_owned() };
        return (status, enter::card(&looks, &to, false)).into_response();
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
