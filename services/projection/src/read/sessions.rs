//! `GET /api/v1/sessions`: who is in the dashboard with a key of the caller's.

use std::sync::Arc;

use axum::extract::State;
use chrono::DateTime;
use serde::Serialize;
use steward_domain::tenant::{Role, Session};
use steward_http::{Caller, Problem};
use utoipa::{ToSchema, openapi::schema::Object};

use super::{
    answer::Answer,
    desk::Desk,
    keys,
    openapi::Unread,
    params::Params,
    view::{List, Time, one_of},
};

/// A session in force.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    pub id: String,
    pub key_id: String,
    /// Whose key it is.
    pub name: String,
    #[schema(schema_with = roles)]
    pub role: &'static str,
    pub begun_at: Time,
    /// To about half a minute; `null`: it isn't known.
    pub last_seen_at: Option<Time>,
    /// It is the session that asks.
    pub current: bool,
}

fn roles() -> Object {
    one_of(["admin", "operator", "reader"])
}

/// The sessions of the caller's key, newest first; with a key of role admin, of all keys of the tenant
#[utoipa::path(
    get,
    path = "/api/v1/sessions",
    tag = "sessions",
    operation_id = "list_sessions",
    responses((status = 200, description = "as of Steward-Position", body = List<SessionView>), Unread),
)]
pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let items = of(&desk, &caller).await?;
    Ok(Answer::small(desk.reads.reached.now(), &List { items, next_cursor: None }))
}

/// # Errors
/// 503 when the log doesn't answer.
pub async fn of(desk: &Desk, caller: &Caller) -> Result<Vec<SessionView>, Problem> {
    let state = keys::tenant(desk, caller).await?;
    let seen = desk.seen.of(&caller.tenant).await;
    let now = desk.reads.log.clock().now();
    let theirs = |session: &Session| caller.role == Role::Admin || caller.key_id.as_ref() == Some(&session.key_id);
    let view = |(id, session): (&String, &Session)| {
        let key = state.keys.get(&session.key_id)?;
        let last_seen_at = seen.get(id).and_then(|at| DateTime::from_timestamp(*at, 0)).map(Time);
        Some(SessionView {
            id: id.clone(),
            key_id: session.key_id.clone(),
            name: key.name.clone(),
            role: key.role.name(),
            begun_at: Time(session.begun_at),
            last_seen_at,
            current: caller.session.as_ref() == Some(id),
        })
    };
    let mut sessions: Vec<_> = state.sessions_at(now).filter(|(_, session)| theirs(session)).filter_map(view).collect();
    sessions.sort_by_key(|session| std::cmp::Reverse(session.begun_at.0));
    Ok(sessions)
}
