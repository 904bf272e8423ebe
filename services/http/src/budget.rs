//! How many bytes of request bodies may be in memory at once, in all and for each holder.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use steward_proto::TenantId;

use crate::{address::one, connection::Activity};

/// The first bytes of every body cost nothing: the number of connections bounds them, and a small body is never refused
/// because of large ones.
const FREE: usize = 16 << 10;

/// There is no room for more of this body.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("too much is being sent at the moment")]
pub(crate) struct OverBudget;

/// The bytes that are in memory, in all and for each holder.
struct Pool<K> {
    limit: usize,
    /// The most that one holder may have.
    share: usize,
    held: Mutex<Held<K>>,
}

struct Held<K> {
    all: usize,
    by: HashMap<K, usize>,
}

impl<K: Hash + Eq + Clone> Pool<K> {
    fn new(limit: usize) -> Self {
        Self { limit, share: limit / 2, held: Mutex::new(Held { all: 0, by: HashMap::new() }) }
    }

    fn take(&self, holder: &K, bytes: usize) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let own = held.by.get(holder).copied().unwrap_or(0);
        if held.all + bytes > self.limit || own + bytes > self.share {
            return false;
        }
        held.all += bytes;
        held.by.insert(holder.clone(), own + bytes);
        true
    }

    fn give_back(&self, holder: &K, bytes: usize) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all -= bytes;
        if let Some(own) = held.by.get_mut(holder) {
            *own -= bytes;
            if *own == 0 {
                held.by.remove(holder);
            }
        }
    }
}

/// The budget that all requests of a process share.
pub(crate) struct Budget {
    strangers: Pool<IpAddr>,
    callers: Pool<TenantId>,
}

impl Budget {
    pub fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { strangers: Pool::new(bytes / 2), callers: Pool::new(bytes / 2) })
    }
}

enum Holder {
    Stranger(IpAddr),
    Caller(TenantId),
}

/// What one request holds of the budget. It is given back when both its body and its answer are done with.
#[derive(Clone)]
pub(crate) struct Lease(Arc<Holding>);

struct Holding {
    budget: Arc<Budget>,
    activity: Arc<Activity>,
    state: Mutex<State>,
}

struct State {
    holder: Holder,
    /// How many bytes of the body have come so far.
    seen: usize,
    /// How many of them count against the budget.
    held: usize,
    /// There was no room, so nothing more of the body is kept.
    refused: bool,
}

impl Lease {
    pub fn new(budget: Arc<Budget>, address: IpAddr, activity: Arc<Activity>) -> Self {
        let state = State { holder: Holder::Stranger(one(address)), seen: 0, held: 0, refused: false };
        Self(Arc::new(Holding { budget, activity, state: Mutex::new(state) }))
    }

    /// Says that the request is this tenant's: its body counts against the tenant's share, and its connection isn't
    /// closed to make room.
    pub fn proven(&self, tenant: &TenantId) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.give_back(&mut state);
        state.holder = Holder::Caller(tenant.clone());
        self.0.activity.works();
    }

    fn take(&self, bytes: usize) -> Result<(), OverBudget> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.refused {
            return Err(OverBudget);
        }
        let free = FREE.saturating_sub(state.seen);
        state.seen += bytes;
        let counted = bytes.saturating_sub(free);
        let taken = counted == 0
            || match &state.holder {
                Holder::Stranger(address) => self.0.budget.strangers.take(address, counted),
                Holder::Caller(tenant) => self.0.budget.callers.take(tenant, counted),
            };
        if !taken {
            state.refused = true;
            self.0.give_back(&mut state);
            metrics::counter!("steward_http_bodies_refused_total").increment(1);
            return Err(OverBudget);
        }
        state.held += counted;
        Ok(())
    }
}

impl Holding {
    fn give_back(&self, state: &mut State) {
        let held = std::mem::take(&mut state.held);
        if held > 0 {
            match &state.holder {
                Holder::Stranger(address) => self.budget.strangers.give_back(address, held),
                Holder::Caller(tenant) => self.budget.callers.give_back(tenant, held),
            }
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.give_back(&mut state);
    }
}

/// A body whose bytes are taken from the budget as they arrive, whatever its Content-Length says.
pub(crate) struct Counted<B> {
    pub body: B,
    pub lease: Lease,
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin> Body for Counted<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                let taken = self.lease.take(bytes);
                if self.body.is_end_stream() {
                    self.lease.0.activity.works();
                }
                Some(taken.map(|()| frame).map_err(Into::into))
            }
            Some(Err(error)) => Some(Err(error.into())),
            None => {
                self.lease.0.activity.works();
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(budget: &Arc<Budget>, address: [u8; 4]) -> Lease {
        Lease::new(Arc::clone(budget), IpAddr::from(address), Arc::new(Activity::new(std::time::Instant::now())))
    }

    #[test]
    fn one_address_gets_half_of_what_strangers_get_and_callers_have_their_own() {
        let budget = Budget::new(8 << 20);
        let one = lease(&budget, [1, 1, 1, 1]);
        assert!(one.take(FREE).is_ok());
        assert!(one.take(2 << 20).is_ok());
        let more = lease(&budget, [1, 1, 1, 1]);
        assert!(more.take(FREE + 1).is_err());
        assert!(more.take(1).is_err(), "what is refused stays so");
        assert!(lease(&budget, [1, 1, 1, 1]).take(FREE + 1).is_err());
        assert!(lease(&budget, [1, 1, 1, 1]).take(FREE).is_ok(), "what is small is never refused");
        let two = lease(&budget, [2, 2, 2, 2]);
        assert!(two.take((2 << 20) + FREE).is_ok());
        let three = lease(&budget, [3, 3, 3, 3]);
        assert!(three.take(FREE + 1).is_err(), "all that strangers may have is taken");
        let caller = lease(&budget, [3, 3, 3, 3]);
        caller.proven(&TenantId::new("acme").unwrap());
        assert!(caller.take((2 << 20) + FREE).is_ok());
        let other = lease(&budget, [3, 3, 3, 3]);
        other.proven(&TenantId::new("acme").unwrap());
        assert!(other.take(FREE + 1).is_err());
        let other = lease(&budget, [3, 3, 3, 3]);
        other.proven(&TenantId::new("other").unwrap());
        assert!(other.take(1 << 20).is_ok());
        drop((one, two, caller, other));
        let held = |all: usize, by: usize| assert_eq!((all, by), (0, 0));
        let strangers = budget.strangers.held.lock().unwrap();
        held(strangers.all, strangers.by.len());
        let callers = budget.callers.held.lock().unwrap();
        held(callers.all, callers.by.len());
    }
}
