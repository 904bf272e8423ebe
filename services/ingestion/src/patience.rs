//! How long the log is waited for while somebody waits for us: by webhooks and commands alike.

use std::{future::Future, time::Duration};

use steward_http::Problem;
use tokio::time::timeout;

/// Providers give up after some seconds and send again, and so do people.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the log is asked for, if it comes in time.
///
/// # Errors
/// 503 if it doesn't: then nobody knows whether it was recorded, and the same is to be sent again.
pub async fn in_time<T, E: Into<Problem>>(work: impl Future<Output = Result<T, E>>) -> Result<T, Problem> {
    match timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => {
            Err(Problem::unavailable("log_unavailable", "the event log didn't answer in time; send the same again"))
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_never_comes_is_answered_after_five_seconds() {
        let began = Instant::now();
        let problem = in_time(std::future::pending::<Result<(), Problem>>()).await.unwrap_err();
        assert_eq!((problem.code(), began.elapsed()), ("log_unavailable", PATIENCE));
        assert!(in_time(async { Ok::<_, Problem>(7) }).await.is_ok());
    }
}
