//! Readiness: whether the parts of this process and the servers that they need are well, asked within a bounded time.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use deadpool_postgres::Pool;
use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use steward_http::Problem;
use steward_log::{Condition, Log};
use tokio::time::timeout;

/// Longest wait for a server's answer.
const LIMIT: Duration = Duration::from_secs(2);

/// How long an answer counts, so that many who ask cost no more than one.
const FRESH: Duration = Duration::from_secs(1);

type Asking = Shared<BoxFuture<'static, Result<(), Problem>>>;

/// Asks the parts and the servers whether they are well.
pub struct Readiness {
    log: Log,
    pool: Option<Pool>,
    /// The question under way, or one asked a moment ago.
    asked: Mutex<Option<(Instant, Asking)>>,
}

impl Readiness {
    pub fn new(log: Log, pool: Option<Pool>) -> Self {
        Self { log, pool, asked: Mutex::default() }
    }

    /// The first part that has ended or can't go on.
    pub fn dead(&self) -> Option<Problem> {
        self.log.health().conditions().into_iter().find_map(|(name, condition)| match condition {
            Condition::Dead(why) => Some(dead(&name, &why)),
            Condition::Well | Condition::Behind(_) => None,
        })
    }

    /// Whether everything is well; answers within a few seconds in any case.
    ///
    /// # Errors
    /// 503, naming what isn't well, and what to do.
    pub async fn ask(&self) -> Result<(), Problem> {
        // The parts are asked each time: their answer costs nothing and is never old.
        if let Some(dead) = self.dead() {
            return Err(dead);
        }
        // Without a server many parts are behind, but it is the server that somebody must mend.
        if !self.log.is_connected() {
            return Err(nats_down("can't be reached"));
        }
        let asking = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            match &*asked {
                Some((at, asking)) if at.elapsed() < FRESH || asking.peek().is_none() => asking.clone(),
                _ => {
                    let asking = servers(self.log.clone(), self.pool.clone()).boxed().shared();
                    asked.insert((Instant::now(), asking)).1.clone()
                }
            }
        };
        asking.await?;
        self.behind().map_or(Ok(()), Err)
    }

    /// The first part that is behind.
    fn behind(&self) -> Option<Problem> {
        self.log.health().conditions().into_iter().find_map(|(name, condition)| match condition {
            Condition::Behind(why) => {
                let advice = "It goes on by itself; if it stays so, `steward doctor` says more.";
                Some(Problem::unavailable("behind", format!("{name} is behind: {why}. {advice}")))
            }
            Condition::Well | Condition::Dead(_) => None,
        })
    }
}

fn dead(name: &str, why: &str) -> Problem {
    let detail = format!("{name} can't go on: {why}. The process ends by itself; its supervisor is to start it anew.");
    Problem::unavailable("dead", detail)
}

fn nats_down(what: &str) -> Problem {
    Problem::unavailable("nats_down", format!("NATS {what}; Steward keeps trying. Check that nats-server runs."))
}

async fn servers(log: Log, pool: Option<Pool>) -> Result<(), Problem> {
    let nats = async {
        match timeout(LIMIT, log.last_position()).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(nats_down("doesn't answer")),
        }
    };
    let postgres = async {
        let Some(pool) = pool else { return Ok(()) };
        let asked = timeout(LIMIT, async { pool.get().await.ok()?.simple_query("SELECT 1").await.ok() });
        if asked.await.is_ok_and(|answer| answer.is_some()) {
            return Ok(());
        }
        let detail = "Postgres can't be reached, or all connections to it are taken; Steward keeps connecting. Check that it runs.";
        Err(Problem::unavailable("postgres_down", detail))
    };
    let (nats, postgres) = tokio::join!(nats, postgres);
    nats.and(postgres)
}
