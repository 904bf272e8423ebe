//! A command as it comes in: who sends it, what it says, and whether it may be a repeat.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::HeaderMap,
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use steward_domain::tenant::Role;
use steward_http::{ApiJson, COMMAND_LIMIT, Caller, Problem, Trace, need_json, read_body};
use steward_proto::Cause;
use uuid::Uuid;

use super::Answer;
use crate::{intake::Intake, outside::OutsideId};

/// A command of an operator, with its JSON body read strictly. An empty body counts as `{}`.
pub struct Command<T> {
    pub caller: Caller,
    pub trace: Trace,
    pub body: T,
    pub raw: Bytes,
    /// The header `Idempotency-Key`.
    pub key: Option<String>,
    /// Tenant, path and key as one id.
    key_id: Option<Uuid>,
    hash: [u8; 32],
}

impl<T> Command<T> {
    /// Who did it, as the cause of events.
    pub fn cause(&self) -> Cause {
        // A key's name may be anything, from before names were checked.
        Cause::outside(OutsideId::from(self.caller.actor()), self.trace.traceparent.clone())
    }

    /// The unique part of the id of what this command makes: the same for a repeat.
    pub fn unique(&self) -> Uuid {
        self.key_id.unwrap_or_else(Uuid::now_v7)
    }

    /// It may have been carried out before: what is already as it asks counts as done.
    pub fn may_repeat(&self) -> bool {
        self.key_id.is_some()
    }

    /// This process remembers what came with its key.
    pub fn is_remembered(&self, intake: &Intake) -> bool {
        self.key_id.is_some_and(|id| intake.repeats.knows(id))
    }

    /// Remembers the key after the command was carried out.
    pub fn done(&self, intake: &Intake) {
        if let Some(id) = self.key_id {
            intake.repeats.remember(id, self.hash, None);
        }
    }

    /// What was answered to it, if it was carried out before and what it did can't be told from what stands.
    pub fn answered(&self, intake: &Intake) -> Option<Answer> {
        intake.repeats.answered(self.key_id?)
    }

    /// Answers it so each time that it comes.
    pub fn answer(&self, intake: &Intake, answer: Answer) -> Answer {
        if let Some(id) = self.key_id {
            intake.repeats.remember(id, self.hash, Some(answer.clone()));
        }
        answer
    }
}

/// A command that only an admin gives.
pub struct AdminCommand<T>(pub Command<T>);

/// A command that whoever has a key gives, since it concerns what is their own.
pub struct OwnCommand<T>(pub Command<T>);

impl<T: DeserializeOwned> FromRequest<Intake> for OwnCommand<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, intake: &Intake) -> Result<Self, Problem> {
        Command::read(request, intake, Role::Reader).await.map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<Intake> for Command<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, intake: &Intake) -> Result<Self, Problem> {
        Self::read(request, intake, Role::Operator).await
    }
}

impl<T: DeserializeOwned> FromRequest<Intake> for AdminCommand<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, intake: &Intake) -> Result<Self, Problem> {
        Command::read(request, intake, Role::Admin).await.map(Self)
    }
}

impl<T: DeserializeOwned> Command<T> {
    /// Nothing of the body is read for a caller whose role may not give it.
    async fn read(request: Request, intake: &Intake, role: Role) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, intake).await?;
        caller.need(role)?;
        let trace = Trace::of(&parts.headers);
        let key = idempotency_key(&parts.headers)?;
        let raw = read_body(body, COMMAND_LIMIT).await?;
        if !raw.is_empty() {
            need_json(&parts.headers)?;
        }
        let hash: [u8; 32] = Sha256::digest(&raw).into();
        let key_id = key.as_ref().map(|key| {
            let name = format!("{}\n{} {}\n{key}", caller.tenant, parts.method, parts.uri.path());
            Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
        });
        if let Some(id) = key_id {
            intake.repeats.check(id, hash)?;
        }
        let ApiJson(body) = ApiJson::read(if raw.is_empty() { b"{}" } else { &raw })?;
        Ok(Self { caller, trace, body, raw, key, key_id, hash })
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(given) = headers.get("idempotency-key") else { return Ok(None) };
    match given.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Problem::bad_request("bad_key", "Idempotency-Key must be 1 to 255 visible ASCII characters")),
    }
}
