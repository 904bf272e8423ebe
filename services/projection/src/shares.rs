//! Places of which each holder may have only so many, so that one who takes all of theirs stops nobody else.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// This many holders without a place are remembered before they are forgotten.
const REMEMBERED: usize = 256;

/// A number of places, and how many of them one holder may have.
pub struct Shares {
    all: Arc<Semaphore>,
    each: usize,
    holders: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// Places that are taken until this is dropped.
#[derive(Debug)]
pub struct Share {
    all: OwnedSemaphorePermit,
    own: OwnedSemaphorePermit,
}

/// Whose places are all taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    TheHoldersOwn,
    All,
}

impl Shares {
    pub fn new(all: usize, each: usize) -> Self {
        let all = all.clamp(1, Semaphore::MAX_PERMITS);
        Self { all: Arc::new(Semaphore::new(all)), each: each.clamp(1, all), holders: Mutex::default() }
    }

    /// Takes places if they are free.
    ///
    /// # Errors
    /// Whose places are all taken.
    pub fn try_take(&self, holder: &str, places: usize) -> Result<Share, Taken> {
        let places = self.most(places);
        let own = self.of(holder).try_acquire_many_owned(places).map_err(|_| Taken::TheHoldersOwn)?;
        let all = self.all.clone().try_acquire_many_owned(places).map_err(|_| Taken::All)?;
        Ok(Share { all, own })
    }

    /// Waits for places, first among the holder's own: while waiting for those, a holder keeps nothing from others.
    ///
    /// # Errors
    /// Whose places were all taken for longer than `most`.
    pub async fn take(&self, holder: &str, places: usize, most: Duration) -> Result<Share, Taken> {
        let places = self.most(places);
        let by = tokio::time::Instant::now() + most;
        let own = tokio::time::timeout_at(by, self.of(holder).acquire_many_owned(places));
        let own = own.await.ok().and_then(Result::ok).ok_or(Taken::TheHoldersOwn)?;
        let all = tokio::time::timeout_at(by, self.all.clone().acquire_many_owned(places));
        let all = all.await.ok().and_then(Result::ok).ok_or(Taken::All)?;
        Ok(Share { all, own })
    }

    /// How many places to take: a wish for more than one holder may have gets as many as one may have.
    fn most(&self, places: usize) -> u32 {
        u32::try_from(places.min(self.each)).unwrap_or(u32::MAX)
    }

    fn of(&self, holder: &str) -> Arc<Semaphore> {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = holders.get(holder) {
            return known.clone();
        }
        if holders.len() >= REMEMBERED {
            // Whoever holds a place, or waits for one, holds on to this entry.
            holders.retain(|_, own| Arc::strong_count(own) > 1);
        }
        let own = Arc::new(Semaphore::new(self.each));
        holders.insert(holder.to_owned(), own.clone());
        own
    }
}

impl Share {
    /// Gives back the places beyond `places`.
    pub fn shrink(&mut self, places: usize) {
        for permit in [&mut self.all, &mut self.own] {
            drop(permit.split(permit.num_permits().saturating_sub(places.max(1))));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_holder_leaves_the_others_theirs() {
        let shares = Shares::new(4, 2);
        let mut a = shares.try_take("a", 2).unwrap();
        assert_eq!(shares.try_take("a", 1).unwrap_err(), Taken::TheHoldersOwn);
        let second = Duration::from_secs(1);
        assert_eq!(shares.take("a", 1, second).await.unwrap_err(), Taken::TheHoldersOwn);
        let _b = shares.take("b", 9, second).await.unwrap();
        assert_eq!(shares.take("c", 1, second).await.unwrap_err(), Taken::All);
        a.shrink(1);
        let _c = shares.take("c", 1, second).await.unwrap();
        drop(a);
        shares.try_take("a", 1).unwrap();
        for n in 0..1_000 {
            drop(shares.try_take(&n.to_string(), 1));
        }
        assert!(shares.holders.lock().unwrap().len() <= REMEMBERED + 1, "who holds nothing is forgotten");
        assert_eq!(shares.try_take("b", 1).unwrap_err(), Taken::TheHoldersOwn, "who holds something is not");
    }
}
