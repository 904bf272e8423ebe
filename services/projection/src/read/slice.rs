//! Doing long work in slices, so that it keeps a thread from others for no longer than a slice.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::shares::{Share, Shares};

/// Longer than most pages take, and too short for anybody to notice.
const LENGTH: Duration = Duration::from_micros(500);

/// Longest wait for a place to write a page in; after that it is written without one.
const PLACE_WITHIN: Duration = Duration::from_secs(2);

/// The places for writing a tenant's pages: few, so that one tenant's pages don't take all processors.
pub struct Writing {
    pub places: Arc<Shares>,
    pub tenant: String,
}

impl Writing {
    pub async fn begin(&self) -> Slice {
        let place = self.places.take(&self.tenant, 1, PLACE_WITHIN).await.ok();
        Slice { began: Instant::now(), _place: place }
    }
}

/// The slice under way, and the place that the work is done in.
pub struct Slice {
    began: Instant,
    _place: Option<Share>,
}

impl Slice {
    /// Lets others have their turn if the slice is over. To be called between pieces of work that are short themselves.
    pub async fn end(&mut self) {
        if self.began.elapsed() >= LENGTH {
            tokio::task::yield_now().await;
            self.began = Instant::now();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Instant as Clock;

    use super::*;

    #[tokio::test]
    async fn others_have_their_turn_in_the_middle_of_long_work() {
        let began = Clock::now();
        let other = tokio::spawn(async move { began.elapsed() });
        let mut slice = Slice { began: Instant::now(), _place: None };
        let piece = || {
            let since = Clock::now();
            while since.elapsed() < LENGTH / 5 {}
        };
        for _ in 0..500 {
            slice.end().await;
            piece();
        }
        let whole = began.elapsed();
        assert!(other.await.unwrap() < whole / 4, "the other waited for nearly all of {whole:?}");
    }
}
