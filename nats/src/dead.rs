//! Dead letters: events that a handler gave up on, kept where an operator sees them and can have them tried again.

use async_nats::Subject;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use steward_proto::{Recorded, TenantId};

use crate::history::{self, From, Stored};
use crate::session::Session;
use crate::{Log, LogError, definitions, header};

/// An event that a consumer's handler gave up on. The event itself stays in the log, at its position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub consumer: String,
    pub position: u64,
    pub subject: String,
    pub event_id: String,
    #[serde(rename = "type")]
    pub type_name: String,
    pub error: String,
    pub tries: u32,
    pub at: DateTime<Utc>,
}

impl DeadLetter {
    /// Whether the event is of this tenant.
    pub fn is_of(&self, tenant: &TenantId) -> bool {
        self.subject.split('.').nth(1) == Some(tenant.as_str())
    }

    pub(crate) fn of(consumer: &str, recorded: &Recorded, error: String, tries: u32) -> Self {
        Self {
            consumer: consumer.to_owned(),
            position: recorded.position,
            subject: recorded.subject.to_string(),
            event_id: recorded.metadata.event_id.to_string(),
            type_name: recorded.metadata.type_name.clone(),
            error,
            tries,
            at: Utc::now(),
        }
    }

    pub(crate) fn malformed(consumer: &str, position: u64, subject: &str, error: &LogError) -> Self {
        Self {
            consumer: consumer.to_owned(),
            position,
            subject: subject.to_owned(),
            event_id: String::new(),
            type_name: String::new(),
            error: error.to_string(),
            tries: 0,
            at: Utc::now(),
        }
    }
}

/// Checked like any text from outside: `consumer` may be whatever an operator typed.
fn dead_subject(consumer: &str, position: u64) -> Result<Subject, LogError> {
    Ok(header::subject(&format!("dead.{consumer}.{position}"))?)
}

fn retry_subject(consumer: &str, position: u64) -> Result<Subject, LogError> {
    Ok(header::subject(&format!("retry.{consumer}.{position}"))?)
}

impl Log {
    /// All dead letters, the oldest first.
    pub async fn dead_letters(&self) -> Result<Vec<DeadLetter>, LogError> {
        let stored =
            history::read(self.session(), definitions::DEAD, definitions::DEAD_SUBJECTS, From::Position(1)).await?;
        stored.iter().map(read).collect()
    }

    /// The dead letters that were stored first, so many at most.
    pub async fn first_dead_letters(&self, most: usize) -> Result<Vec<DeadLetter>, LogError> {
        let first = |epoch| {
            history::page(self.session(), epoch, definitions::DEAD, definitions::DEAD_SUBJECTS, From::Position(1), most)
        };
        let (stored, _) = self.session().persist("reading dead letters", first).await?;
        stored.iter().map(read).collect()
    }

    /// The letter of a consumer about the event at a position.
    pub async fn dead_letter(&self, consumer: &str, position: u64) -> Result<Option<DeadLetter>, LogError> {
        let subject = dead_subject(consumer, position)?;
        let letters = history::read(self.session(), definitions::DEAD, &subject, From::Position(1)).await?;
        letters.last().map(read).transpose()
    }

    /// Has an event tried again by the consumer that gave up on it. The letter goes away when its handler succeeds.
    pub async fn retry_dead_letter(&self, consumer: &str, position: u64) -> Result<(), LogError> {
        let subject = dead_subject(consumer, position)?;
        let letters = history::read(self.session(), definitions::DEAD, &subject, From::Position(1)).await?;
        if letters.is_empty() {
            return Err(LogError::NoSuchDeadLetter { consumer: consumer.to_owned(), position });
        }
        store(self.session(), retry_subject(consumer, position)?, Vec::new()).await
    }

    /// Removes a dead letter; its event isn't tried again.
    pub async fn remove_dead_letter(&self, consumer: &str, position: u64) -> Result<(), LogError> {
        for subject in [dead_subject(consumer, position)?, retry_subject(consumer, position)?] {
            let purge = |epoch| {
                let subject = subject.clone();
                let exchange = async {
                    let unavailable =
                        |reason: String| LogError::Unavailable { doing: "removing a dead letter", reason };
                    let stream = self.jetstream().get_stream_no_info(definitions::DEAD).await;
                    let stream = stream.map_err(|error| unavailable(error.to_string()))?;
                    stream
                        .purge()
                        .filter(subject.into_string())
                        .await
                        .map_err(|error| unavailable(error.to_string()))?;
                    Ok(())
                };
                self.session().exchange("removing a dead letter", epoch, exchange)
            };
            self.session().persist("removing a dead letter", purge).await?;
        }
        Ok(())
    }

    /// Records that `consumer`, which reads the log by itself, gave up on an event. `error` must quote nothing of the
    /// event, because it is logged.
    ///
    /// # Errors
    /// The letter can't be stored.
    pub async fn set_aside(&self, consumer: &str, recorded: &Recorded, error: String) -> Result<(), LogError> {
        self.bury(&DeadLetter::of(consumer, recorded, error, 1)).await
    }

    pub(crate) async fn bury(&self, letter: &DeadLetter) -> Result<(), LogError> {
        let body = serde_json::to_vec(letter).expect("a struct of strings and numbers is JSON");
        store(self.session(), dead_subject(&letter.consumer, letter.position)?, body).await?;
        metrics::counter!("steward_log_dead_letters_total", "consumer" => letter.consumer.clone()).increment(1);
        tracing::error!(
            consumer = letter.consumer,
            position = letter.position,
            error = letter.error,
            "an event became a dead letter"
        );
        Ok(())
    }
}

fn read(message: &Stored) -> Result<DeadLetter, LogError> {
    serde_json::from_slice(&message.payload).map_err(|error| LogError::Malformed {
        position: message.position,
        reason: format!("the dead letter can't be read: {error}"),
    })
}

/// Stores a message in the stream of dead letters. Doing it twice does no harm: only the last message of a subject is
/// kept.
async fn store(session: &Session, subject: Subject, body: Vec<u8>) -> Result<(), LogError> {
    let doing = "writing a dead letter";
    session
        .persist(doing, |epoch| {
            let (subject, body) = (subject.clone(), body.clone());
            let exchange = async move {
                let unavailable = |reason: String| LogError::Unavailable { doing, reason };
                let ack = session.context.publish(subject, body.into()).await;
                let ack = ack.map_err(|error| unavailable(error.to_string()))?;
                ack.await.map(drop).map_err(|error| unavailable(error.to_string()))
            };
            session.exchange(doing, epoch, exchange)
        })
        .await
}
