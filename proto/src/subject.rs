//! Where an event stands in the log: `ev.{tenant}.{aggregate}.{id}.{event}`.

use std::{fmt, str::FromStr, sync::Arc};

use crate::event::Aggregate;

/// A tenant's name: 1–64 of `a-z A-Z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SubjectError {
    #[error("`{0}` can't be part of a subject: expected 1 to 64 of a-z A-Z 0-9 _ -")]
    Token(String),
    #[error("`{0}` is no subject of an event: expected ev.tenant.aggregate.id.event")]
    Shape(String),
    #[error("`{0}` is no aggregate that this build knows")]
    Aggregate(String),
}

fn token(s: &str) -> Result<&str, SubjectError> {
    let fine = (1..=64).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if fine { Ok(s) } else { Err(SubjectError::Token(s.to_owned())) }
}

impl TenantId {
    pub fn new(name: &str) -> Result<Self, SubjectError> {
        token(name).map(|s| Self(s.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Aggregate {
    type Err = SubjectError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|a| a.as_str() == s).ok_or_else(|| SubjectError::Aggregate(s.to_owned()))
    }
}

/// Names one aggregate, which is the unit of consistency.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AggregateId {
    pub tenant: TenantId,
    pub aggregate: Aggregate,
    id: Arc<str>,
}

impl AggregateId {
    /// `id` is one token: 1–64 of `a-z A-Z 0-9 _ -`.
    pub fn new(tenant: TenantId, aggregate: Aggregate, id: &str) -> Result<Self, SubjectError> {
        Ok(Self { tenant, aggregate, id: token(id)?.into() })
    }

    /// A UUID is always a valid token.
    pub fn of_uuid(tenant: TenantId, aggregate: Aggregate, id: uuid::Uuid) -> Self {
        Self { tenant, aggregate, id: id.to_string().into() }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// A subject that matches all its events: `ev.{tenant}.{aggregate}.{id}.>`.
    pub fn wildcard(&self) -> String {
        format!("ev.{}.{}.{}.>", self.tenant, self.aggregate.as_str(), self.id)
    }

    /// The subject of one of its events, given the event's snake_case name.
    pub fn subject(&self, event: &str) -> String {
        format!("ev.{}.{}.{}.{}", self.tenant, self.aggregate.as_str(), self.id, event)
    }
}

impl fmt::Display for AggregateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.tenant, self.aggregate.as_str(), self.id)
    }
}

/// A parsed subject. The aggregate is kept as text, because it may be one that only a newer build knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub tenant: TenantId,
    pub aggregate: Arc<str>,
    pub id: Arc<str>,
    pub event: Arc<str>,
}

impl Subject {
    /// The aggregate, if this build knows its kind.
    pub fn aggregate_id(&self) -> Option<AggregateId> {
        Some(AggregateId { tenant: self.tenant.clone(), aggregate: self.aggregate.parse().ok()?, id: self.id.clone() })
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let shape = || SubjectError::Shape(s.to_owned());
        let mut tokens = s.split('.');
        if tokens.next() != Some("ev") {
            return Err(shape());
        }
        let mut next = || tokens.next().ok_or_else(shape);
        let subject = Self {
            tenant: TenantId::new(next()?)?,
            aggregate: next()?.into(),
            id: next()?.into(),
            event: next()?.into(),
        };
        if tokens.next().is_some() { Err(shape()) } else { Ok(subject) }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ev.{}.{}.{}.{}", self.tenant, self.aggregate, self.id, self.event)
    }
}
