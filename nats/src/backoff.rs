//! Growing pauses between attempts, each with a random part so that many who wait don't return in step.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// The pauses: each is twice the one before, up to the longest.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// How long to pause now: the step, give or take a quarter.
    pub fn next_pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause.mul_f64(rand::random_range(0.75..1.25))
    }

    /// Call when an attempt has succeeded: the next pause is the shortest again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }

    /// Pauses; `false` if `stop` ended the pause.
    pub async fn pause(&mut self, stop: &CancellationToken) -> bool {
        stop.run_until_cancelled(tokio::time::sleep(self.next_pause())).await.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(300));
        for step in [100, 200, 300, 300] {
            let pause = backoff.next_pause().as_millis();
            assert!((step * 3 / 4..=step * 5 / 4).contains(&pause), "{pause} ms for {step}");
        }
        backoff.reset();
        assert!(backoff.next_pause() <= Duration::from_millis(125));
        let stop = CancellationToken::new();
        assert!(backoff.pause(&stop).await);
        stop.cancel();
        assert!(!backoff.pause(&stop).await);
    }
}
