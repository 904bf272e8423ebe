//! Doing long work in slices, so that it keeps a thread from others for no longer than a slice.

use std::time::Duration;

use tokio::time::Instant;

/// Longer than most pages take, and too short for anybody to notice.
const LENGTH: Duration = Duration::from_micros(500);

/// The slice under way.
pub struct Slice {
    began: Instant,
}

impl Slice {
    pub fn begin() -> Self {
        Self { began: Instant::now() }
    }

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
        let mut slice = Slice::begin();
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
