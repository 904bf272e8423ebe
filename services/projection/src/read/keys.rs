//! `GET /api/v1/keys`: the keys of the caller's tenant that are in force, without what they are.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use steward_domain::{
    ids,
    tenant::{Role, Tenant},
};
use steward_http::{Caller, Problem};
use steward_log::AtLeast;
use utoipa::{ToSchema, openapi::schema::Object};

use super::{
    answer::Answer,
    desk::Desk,
    openapi::UnreadByRole,
    params::Params,
    view::{List, one_of},
};

/// A key in force.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Key)]
pub struct KeyView {
    pub id: String,
    #[schema(schema_with = roles)]
    pub role: &'static str,
    /// Whose it is.
    pub name: String,
}

fn roles() -> Object {
    one_of(["admin", "operator", "reader"])
}

/// The keys in force; needs a key of role admin
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    tag = "keys",
    operation_id = "list_keys",
    responses((status = 200, description = "as of Steward-Position", body = List<KeyView>), UnreadByRole),
)]
pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    caller.need(Role::Admin)?;
    let items = of(&desk, &caller).await?;
    Ok(Answer::small(desk.reads.reached.now(), &List { items, next_cursor: None }))
}

/// # Errors
/// 503 when the log doesn't answer.
pub async fn of(desk: &Desk, caller: &Caller) -> Result<Vec<KeyView>, Problem> {
    let state = tenant(desk, caller).await?;
    let view = |(id, key): (&String, &steward_domain::tenant::ApiKey)| KeyView {
        id: id.clone(),
        role: key.role.name(),
        name: key.name.clone(),
    };
    Ok(state.keys.iter().map(view).collect())
}

/// The caller's tenant, as the log has it.
///
/// # Errors
/// 503 when the log doesn't answer.
pub async fn tenant(desk: &Desk, caller: &Caller) -> Result<Arc<Tenant>, Problem> {
    Ok(desk.reads.log.load::<Tenant>(&ids::tenant_aggregate(&caller.tenant), AtLeast::Latest).await?.state)
}
