//! The caller of a request: the tenant and role that the guard found.

use axum::{extract::FromRequestParts, http::request::Parts};
use steward_domain::tenant::Role;
use steward_proto::TenantId;

use crate::Problem;

/// The caller of a guarded route. Everything they see and change is their tenant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub tenant: TenantId,
    pub role: Role,
    /// The name of the caller's key, which events record.
    pub name: String,
    /// The key's id; `None` where callers bring no keys.
    pub key_id: Option<String>,
    /// The session of who entered the dashboard with the key.
    pub session: Option<String>,
}

impl Caller {
    /// Refuses a caller whose role allows less than `role`.
    ///
    /// # Errors
    /// 403, naming the role that is needed.
    pub fn need(&self, role: Role) -> Result<(), Problem> {
        if self.role >= role {
            return Ok(());
        }
        Err(Problem::forbidden(
            "role",
            format!("this needs a key with the role {}; yours has {}", role.name(), self.role.name()),
        ))
    }

    /// The caller as the actor of events: `operator:{name}`.
    pub fn actor(&self) -> String {
        format!("operator:{}", self.name)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Problem::unauthorized("no_key", "this path needs a key: send the header `Authorization: Bearer <key>`")
        })
    }
}
