//! Finding out whose a key is, or a session: each tenant's keys as the log has them, remembered for a few seconds.
//!
//! Keys that aren't in force must not cost much. So a tenant's keys are read together, not once for each key that
//! somebody makes up; tenants without keys are remembered apart, a bounded number of them; and few readings are made at
//! a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use steward_domain::{
    ids,
    tenant::{ApiKey, Session, Tenant},
};
use steward_log::{AtLeast, Log};
use steward_proto::TenantId;
use tokio::sync::Semaphore;

use crate::{
    Caller, ClientAddress, Problem,
    key::{hash_key, tenant_of},
    refusals::{Bucket, Refusals},
};

/// How long a tenant's keys count as they were read; a key that was revoked is refused after that.
const FRESH: Duration = Duration::from_secs(5);

/// How many tenants' keys are remembered.
const TENANTS: u64 = 10_000;

/// How many names of tenants without keys are remembered.
const STRANGERS: u64 = 1_000;

/// How many readings are made at a time.
const READINGS: usize = 8;

/// A key that isn't among those remembered may be new, so its tenant's keys are read again: this often at once, and
/// this often per second. Beyond that a new key counts after [`FRESH`].
const AGAIN: (f64, f64) = (10.0, 2.0);

/// A tenant's keys and sessions, by their hashes.
struct Ring {
    read_at: Instant,
    callers: HashMap<String, Known>,
    again: Arc<Mutex<Bucket>>,
}

/// Whose it is, and until when, if it isn't for good.
struct Known {
    caller: Caller,
    until: Option<DateTime<Utc>>,
}

impl Ring {
    fn is_fresh(&self) -> bool {
        self.read_at.elapsed() < FRESH
    }

    fn caller(&self, hash: &str, now: DateTime<Utc>) -> Option<&Caller> {
        let known = self.callers.get(hash)?;
        known.until.is_none_or(|until| until > now).then_some(&known.caller)
    }
}

/// Finds out whose a key is.
pub(crate) struct Keyring {
    log: Log,
    /// The keys of tenants that have some. Old ones are read again when they are needed.
    rings: Cache<TenantId, Arc<Ring>>,
    /// Tenants without keys.
    none: Cache<TenantId, Arc<Ring>>,
    readings: Semaphore,
    refusals: Refusals,
}

impl Keyring {
    pub fn new(log: Log) -> Self {
        let rings = Cache::new(TENANTS);
        let none = Cache::builder().max_capacity(STRANGERS).time_to_live(FRESH).build();
        Self { log, rings, none, readings: Semaphore::new(READINGS), refusals: Refusals::new() }
    }

    /// The caller whose key is `text`.
    ///
    /// # Errors
    /// 401 when the key isn't in force, 429 when too many such keys came from there, 503 when the log can't tell.
    pub async fn caller(&self, text: &str, client: Option<ClientAddress>) -> Result<Caller, Problem> {
        let found = match tenant_of(text) {
            Some(tenant) => self.find(&tenant, &hash_key(text), client).await?,
            None => None,
        };
        found.ok_or_else(|| {
            metrics::counter!("steward_http_keys_refused_total").increment(1);
            if let Some(client) = client {
                self.refusals.count(client);
            }
            Problem::unauthorized("no_key", "this key isn't in force; `steward keys create` makes one")
        })
    }

    async fn find(
        &self,
        tenant: &TenantId,
        hash: &str,
        client: Option<ClientAddress>,
    ) -> Result<Option<Caller>, Problem> {
        let remembered = self.remembered(tenant);
        let fresh = remembered.as_ref().filter(|ring| ring.is_fresh());
        // Keys are found by their hashes, so how long it takes says nothing about a key.
        let now = self.log.clock().now();
        if let Some(caller) = fresh.and_then(|ring| ring.caller(hash, now)) {
            return Ok(Some(caller.clone()));
        }
        // A guesser can't often make the old keys of a tenant be read again, and must not lock out others who come from
        // the same address.
        let news = fresh.is_some() || remembered.is_none();
        if news && client.is_some_and(|client| self.refusals.is_waiting(client)) {
            return Err(Problem::too_many(
                "too_many_refused",
                "too many keys that aren't in force came from this address; wait a minute, then send one that is",
            ));
        }
        if let Some(ring) = fresh
            && !ring.again.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now())
        {
            return Ok(None);
        }
        let _reading = self.readings.acquire().await.expect("it is never closed");
        // Another request may have read the keys while this one waited.
        let meanwhile = self.remembered(tenant).filter(|ring| fresh.is_none() && ring.is_fresh());
        let ring = match meanwhile {
            Some(ring) => ring,
            None => self.read(tenant, remembered.as_deref()).await?,
        };
        Ok(ring.caller(hash, now).cloned())
    }

    fn remembered(&self, tenant: &TenantId) -> Option<Arc<Ring>> {
        self.rings.get(tenant).or_else(|| self.none.get(tenant))
    }

    async fn read(&self, tenant: &TenantId, before: Option<&Ring>) -> Result<Arc<Ring>, Problem> {
        let read_at = Instant::now();
        let read = self.log.load::<Tenant>(&ids::tenant_aggregate(tenant), AtLeast::Latest).await?;
        let caller = |id: &String, key: &ApiKey, session: Option<&String>| Caller {
            tenant: tenant.clone(),
            role: key.role,
            name: key.name.clone(),
            key_id: Some(id.clone()),
            session: session.cloned(),
        };
        let keys = &read.state.keys;
        let by_key =
            keys.iter().map(|(id, key)| (key.hash.clone(), Known { caller: caller(id, key, None), until: None }));
        let of_session = |(id, session): (&String, &Session)| {
            let key = keys.get(&session.key_id)?;
            let caller = caller(&session.key_id, key, Some(id));
            Some((session.hash.clone(), Known { caller, until: Some(session.until()) }))
        };
        let callers: HashMap<_, _> = by_key.chain(read.state.sessions.iter().filter_map(of_session)).collect();
        let again =
            before.map_or_else(|| Arc::new(Mutex::new(Bucket::full(AGAIN.0, AGAIN.1))), |b| Arc::clone(&b.again));
        let ring = Arc::new(Ring { read_at, callers, again });
        let (with, without) =
            if ring.callers.is_empty() { (&self.none, &self.rings) } else { (&self.rings, &self.none) };
        without.invalidate(tenant);
        with.insert(tenant.clone(), Arc::clone(&ring));
        Ok(ring)
    }
}
