//! When sessions were last seen. It is a hint and no fact of the log: noted in memory as they come, and written down once in half a
//! minute, so that it outlives the process.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use steward_domain::tenant::SESSION_LASTS;
use steward_http::Caller;
use steward_log::{Log, LogError};
use steward_proto::TenantId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long what is noted is gathered before it is written down.
const GATHERED: Duration = Duration::from_secs(30);

/// A session that was noted is noted again after so many seconds.
const AGAIN: i64 = 20;

/// Most tenants whose sessions are noted, and most sessions of one.
const TENANTS: usize = 10_000;
const SESSIONS: usize = 1_000;

/// When each session was last seen, by id, in seconds since 1970.
type Moments = BTreeMap<String, i64>;

/// When sessions were last seen.
pub struct Seen {
    log: Log,
    tenants: Mutex<HashMap<TenantId, OfTenant>>,
    changed: Notify,
}

#[derive(Default)]
struct OfTenant {
    moments: Moments,
    unwritten: bool,
}

impl Seen {
    pub fn new(log: Log) -> Arc<Self> {
        Arc::new(Self { log, tenants: Mutex::default(), changed: Notify::new() })
    }

    /// Notes that a caller's session, if they have one, is seen.
    pub fn note(&self, caller: &Caller) {
        let Some(session) = &caller.session else { return };
        let now = self.log.clock().now().timestamp();
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= TENANTS && !tenants.contains_key(&caller.tenant) {
            return;
        }
        let own = tenants.entry(caller.tenant.clone()).or_default();
        if own.moments.get(session).is_some_and(|before| now - before < AGAIN) {
            return;
        }
        own.moments.insert(session.clone(), now);
        own.unwritten = true;
        bound(&mut own.moments, now);
        self.changed.notify_one();
    }

    /// When the sessions of a tenant were last seen, here or by another process.
    pub async fn of(&self, tenant: &TenantId) -> Moments {
        // Without what others have seen, what was seen here is told.
        let mut moments = self.written(tenant).await.unwrap_or_default();
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = tenants.get(tenant) {
            merge(&mut moments, &own.moments);
        }
        moments
    }

    async fn written(&self, tenant: &TenantId) -> Result<Moments, LogError> {
        let note = self.log.note(&key(tenant)).await?;
        Ok(note.and_then(|note| serde_json::from_str(&note).ok()).unwrap_or_default())
    }

    /// Writes down what is noted, until the shutdown.
    pub async fn keep(self: Arc<Self>, shutdown: CancellationToken) {
        let keeping = async {
            loop {
                self.changed.notified().await;
                tokio::time::sleep(GATHERED).await;
                self.write().await;
            }
        };
        shutdown.run_until_cancelled(keeping).await;
    }

    async fn write(&self) {
        let unwritten: Vec<(TenantId, Moments)> = {
            let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
            let changed = |(tenant, own): (&TenantId, &mut OfTenant)| {
                std::mem::take(&mut own.unwritten).then(|| (tenant.clone(), own.moments.clone()))
            };
            tenants.iter_mut().filter_map(changed).collect()
        };
        let now = self.log.clock().now().timestamp();
        for (tenant, own) in unwritten {
            let written = async {
                let mut moments = self.written(&tenant).await?;
                merge(&mut moments, &own);
                bound(&mut moments, now);
                let note = serde_json::to_string(&moments).expect("texts and numbers are JSON");
                self.log.set_note(&key(&tenant), note).await
            };
            if let Err(error) = written.await {
                tracing::debug!(%error, "when sessions were last seen isn't written down");
            }
        }
    }
}

fn key(tenant: &TenantId) -> String {
    format!("seen.{tenant}")
}

fn merge(moments: &mut Moments, more: &Moments) {
    for (session, at) in more {
        let known = moments.entry(session.clone()).or_insert(*at);
        *known = (*known).max(*at);
    }
}

/// Drops what is over, and what was seen longest ago if it is too much.
fn bound(moments: &mut Moments, now: i64) {
    moments.retain(|_, at| now - *at < SESSION_LASTS.num_seconds());
    while moments.len() > SESSIONS {
        let oldest = moments.iter().min_by_key(|(_, at)| **at).map(|(session, _)| session.clone());
        oldest.and_then(|session| moments.remove(&session));
    }
}

/// Notes the sessions of whoever calls the routes behind it.
pub async fn note(State(seen): State<Arc<Seen>>, request: Request, next: Next) -> Response {
    if let Some(caller) = request.extensions().get::<Caller>() {
        seen.note(caller);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_moment_counts_and_what_is_too_much_or_over_is_dropped() {
        let mut moments = Moments::from([("a".to_owned(), 10), ("b".to_owned(), 30)]);
        merge(&mut moments, &Moments::from([("a".to_owned(), 20), ("b".to_owned(), 5), ("c".to_owned(), 1)]));
        assert_eq!(moments, Moments::from([("a".to_owned(), 20), ("b".to_owned(), 30), ("c".to_owned(), 1)]));
        bound(&mut moments, SESSION_LASTS.num_seconds() + 20);
        assert_eq!(moments, Moments::from([("b".to_owned(), 30)]));
        let mut many: Moments = (0..1_100).map(|n| (format!("s{n}"), n)).collect();
        bound(&mut many, 2_000);
        assert_eq!((many.len(), many.values().min()), (SESSIONS, Some(&100)));
    }
}
