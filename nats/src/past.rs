//! The past of the log, read on a connection of its own.
//!
//! Whoever reads much of the log at once fills the connection: what others wait for, the answers to their appends, comes
//! behind it, and the threads that serve them take it apart. Here both are apart from them.

use futures::{Stream, StreamExt as _};
use tokio::sync::OnceCell;

use crate::{Condition, Log, LogError, Tailed, Undecoded, session::Session, tail};

/// Reads the past of the log on a connection of its own, which is made when something is first read.
pub struct Past {
    log: Log,
    name: &'static str,
    session: OnceCell<Session>,
}

impl Log {
    /// What reads the past on another connection than all else. Its part in [`Log::health`] has this name, and so has the
    /// connection, behind the process's own.
    pub fn past_apart(&self, name: &'static str) -> Past {
        Past { log: self.clone(), name, session: OnceCell::new() }
    }
}

impl Past {
    /// Reads like [`Log::past`]. The runtime that this is first called on does the connection's work.
    ///
    /// # Errors
    /// The filters are wrong, or the log stops.
    pub async fn read(
        &self,
        from: u64,
        filter_subjects: Vec<String>,
    ) -> Result<impl Stream<Item = Result<Tailed, LogError>> + Send + use<>, LogError> {
        let session = self.session.get_or_try_init(|| self.connect()).await?;
        Ok(tail::begin(session, from, filter_subjects, true).await?.map(Undecoded::decode))
    }

    async fn connect(&self) -> Result<Session, LogError> {
        let (session, denials) = self.log.connect_another(self.name).await?;
        let line = session.line.clone();
        self.log.health().register(self.name, move || match denials.condition() {
            Condition::Well if !line.borrow().up => {
                Condition::Behind("its connection to NATS is lost, so the past can't be read".to_owned())
            }
            condition => condition,
        });
        Ok(session)
    }
}
