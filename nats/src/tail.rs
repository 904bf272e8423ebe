//! Tail: reads the log in order, each event once, across lost connections and restarts of the server.

use std::time::Duration;

use async_nats::jetstream;
use futures::{Stream, StreamExt as _, stream};
use steward_proto::Recorded;

use crate::append::EXPECTED;
use crate::delivery::Delivered;
use crate::pull::{Pulled, Puller};
use crate::session::Session;
use crate::{Backoff, Log, LogError, codec, definitions};

/// How many messages are asked for at a time. Measured: 342,000 a second with 200, 398,000 with 1,000.
const BATCH: usize = 1_000;

/// How many of the past, which nobody waits for. Read by [`Log::past`], they come on the connection that everybody's appends
/// are answered on: what is asked for stands before those answers, for each that reads the past.
const PAST_BATCH: usize = 64;

/// An event of the log, read in order.
#[derive(Debug, Clone)]
pub struct Tailed {
    pub recorded: Recorded,
    /// How many matching events came after this one, as the server knew when it sent it; 0 at the log's end.
    pub pending: u64,
    /// The version of its aggregate that it was decided on; `None` for a fact, and for all but the first event of a decision.
    pub expected: Option<u64>,
}

/// A message of the log as it came, not decoded yet: who reads much decodes on all cores.
#[derive(Debug)]
pub struct Undecoded {
    message: async_nats::Message,
    delivered: Delivered,
}

impl Undecoded {
    pub fn position(&self) -> u64 {
        self.delivered.position
    }

    /// Nothing more was in the log when the server sent it.
    pub fn is_last(&self) -> bool {
        self.delivered.pending == 0
    }

    pub fn subject(&self) -> &str {
        &self.message.subject
    }

    /// The bytes of its payload.
    pub fn size(&self) -> usize {
        self.message.payload.len()
    }

    /// The event that the message is.
    ///
    /// # Errors
    /// It is no event.
    pub fn decode(self) -> Result<Tailed, LogError> {
        let Self { message, delivered } = self;
        let (headers, payload) = (message.headers.as_ref(), message.payload);
        let expected = headers.and_then(|headers| headers.get(EXPECTED)?.as_str().parse().ok());
        let stored_at = || delivered.stored_at();
        let recorded = codec::recorded(delivered.position, &message.subject, headers, payload, stored_at)?;
        Ok(Tailed { recorded, pending: delivered.pending, expected })
    }
}

struct Tail {
    session: Session,
    filters: Vec<String>,
    /// The first position wanted.
    next: u64,
    reader: Option<Reader>,
    backoff: Backoff,
    /// How many events are known to be on their way.
    pending: u64,
    /// Whether the reading ends when no event is on its way.
    to_the_end: bool,
}

struct Reader {
    puller: Puller,
    /// How many messages the consumer has delivered. It counts them as well: a gap means that one was lost on the way.
    delivered: u64,
}

impl Log {
    /// Reads events in order from the position `from` on (0 or 1: from the beginning), first those of the past and then
    /// new ones.
    ///
    /// `filter_subjects` are wildcards on subjects (`ev.*.conversation.*.client_responded`) that don't overlap; none
    /// means all events. A message that is no event becomes an `Err` in its place, and the reading goes on behind it.
    /// The stream ends only when the log stops. It needn't be closed: what it leaves on the server goes away by itself.
    pub async fn tail(
        &self,
        from: u64,
        filter_subjects: Vec<String>,
    ) -> Result<impl Stream<Item = Result<Tailed, LogError>> + Send + use<>, LogError> {
        Ok(begin(self.session(), from, filter_subjects, false).await?.map(Undecoded::decode))
    }

    /// Reads like [`Log::tail`], and leaves the decoding to the caller.
    pub async fn tail_undecoded(
        &self,
        from: u64,
        filter_subjects: Vec<String>,
    ) -> Result<impl Stream<Item = Undecoded> + Send + use<>, LogError> {
        begin(self.session(), from, filter_subjects, false).await
    }

    /// Reads like [`Log::tail`], and ends behind the last event that there is.
    pub async fn past(
        &self,
        from: u64,
        filter_subjects: Vec<String>,
    ) -> Result<impl Stream<Item = Result<Tailed, LogError>> + Send + use<>, LogError> {
        Ok(begin(self.session(), from, filter_subjects, true).await?.map(Undecoded::decode))
    }

    /// Reads like [`Log::past`], and leaves the decoding to the caller.
    pub async fn past_undecoded(
        &self,
        from: u64,
        filter_subjects: Vec<String>,
    ) -> Result<impl Stream<Item = Undecoded> + Send + use<>, LogError> {
        begin(self.session(), from, filter_subjects, true).await
    }
}

/// Begins to read on this session's connection.
pub(crate) async fn begin(
    session: &Session,
    from: u64,
    filters: Vec<String>,
    to_the_end: bool,
) -> Result<impl Stream<Item = Undecoded> + Send + use<>, LogError> {
    let (session, next) = (session.clone(), from.max(1));
    let mut tail = Box::new(Tail { session, filters, next, reader: None, backoff: backoff(), pending: 0, to_the_end });
    // Makes a first consumer now, so that the caller learns of a wrong filter at once.
    match tail.open().await {
        Ok(()) => {}
        Err(error) if error.is_transient() => tracing::debug!(%error, "the log can't be read yet"),
        Err(error) => return Err(error),
    }
    Ok(stream::unfold(tail, |mut tail| async move { tail.next().await.map(|item| (item, tail)) }))
}

fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(20), Duration::from_secs(1))
}

impl Tail {
    async fn open(&mut self) -> Result<(), LogError> {
        let session = &self.session;
        let epoch = session.epoch();
        let name = format!("tail-{}", uuid::Uuid::new_v4().simple());
        let config = definitions::reader(&name, self.next, self.filters.clone());
        self.pending = make_consumer(session, epoch, definitions::EVENTS, config).await?;
        let puller = Puller::open(session, definitions::EVENTS, &name, epoch).await?;
        self.reader = Some(Reader { puller, delivered: 0 });
        Ok(())
    }

    /// `None` at the stop, or at the end.
    async fn next(&mut self) -> Option<Undecoded> {
        loop {
            if self.session.stop.is_cancelled() {
                return None;
            }
            let Some(reader) = &mut self.reader else {
                if let Err(error) = self.open().await {
                    tracing::debug!(%error, "the log can't be read; trying again");
                    self.session.pause(self.backoff.next_pause()).await.ok()?;
                }
                continue;
            };
            if self.to_the_end && self.pending == 0 {
                return None;
            }
            let batch = if self.to_the_end { PAST_BATCH } else { BATCH };
            if reader.puller.outstanding() <= batch / 2 && reader.puller.ask(batch, None).await.is_err() {
                self.reader = None;
                continue;
            }
            let pulled = match reader.puller.arrived() {
                Some(pulled) => pulled,
                None => {
                    if self.pending > 0 {
                        // More is on its way: yielding lets it come in, instead of this task being woken for each
                        // message.
                        tokio::task::yield_now().await;
                    }
                    tokio::select! {
                        biased;
                        pulled = reader.puller.next() => pulled,
                        () = self.session.stop.cancelled() => return None,
                    }
                }
            };
            match pulled {
                Pulled::Ended => {}
                Pulled::Broken(reason) => {
                    tracing::debug!(%reason, next = self.next, "reading the log is interrupted");
                    self.reader = None;
                    self.session.pause(self.backoff.next_pause()).await.ok()?;
                }
                Pulled::Message(message) => {
                    if let Some(item) = self.take(message) {
                        return Some(item);
                    }
                }
            }
        }
    }

    fn take(&mut self, message: async_nats::Message) -> Option<Undecoded> {
        let delivered = message.reply.as_deref().and_then(Delivered::read)?;
        let Delivered { position, counted, pending, .. } = delivered;
        let reader = self.reader.as_mut()?;
        if counted != reader.delivered + 1 {
            tracing::warn!(position, "an event was lost on the way; reading again from the last one");
            self.reader = None;
            return None;
        }
        reader.delivered = counted;
        if position < self.next {
            return None;
        }
        self.next = position + 1;
        self.backoff = backoff();
        self.session.saw(position);
        self.pending = pending;
        Some(Undecoded { message, delivered })
    }
}

/// Makes a consumer, or finds it with the right settings; returns how many messages there are for it.
pub(crate) async fn make_consumer(
    session: &Session,
    epoch: u64,
    stream: &'static str,
    config: jetstream::consumer::pull::Config,
) -> Result<u64, LogError> {
    use jetstream::stream::ConsumerErrorKind;
    let doing = "making a consumer";
    let exchange = async {
        match session.context.create_consumer_on_stream(config, stream).await {
            Ok(consumer) => Ok(consumer.cached_info().num_pending),
            Err(error) => Err(match error.kind() {
                ConsumerErrorKind::JetStream(refused) if is_final(refused.error_code().0) => LogError::Refused {
                    doing,
                    error: crate::ServerError { err_code: refused.error_code().0, description: refused.to_string() },
                },
                _ => LogError::Unavailable { doing, reason: error.to_string() },
            }),
        }
    };
    session.exchange(doing, epoch, exchange).await
}

/// What the server says of a consumer; `None` if there is none of this name.
pub(crate) async fn consumer(
    session: &Session,
    epoch: u64,
    stream: &'static str,
    name: &str,
) -> Result<Option<jetstream::consumer::Info>, LogError> {
    use jetstream::stream::ConsumerErrorKind;
    let doing = "asking for a consumer";
    let exchange = async {
        let found = session.context.get_consumer_from_stream::<jetstream::consumer::pull::Config, _, _>(name, stream);
        match found.await {
            Ok(consumer) => Ok(Some(consumer.cached_info().clone())),
            Err(error) => match error.kind() {
                ConsumerErrorKind::JetStream(refused) if refused.error_code().0 == crate::code::CONSUMER_NOT_FOUND => {
                    Ok(None)
                }
                _ => Err(LogError::Unavailable { doing, reason: error.to_string() }),
            },
        }
    };
    session.exchange(doing, epoch, exchange).await
}

/// Whether an error stays: a wrong definition does, while a stream that doesn't exist may still come.
fn is_final(err_code: u64) -> bool {
    !matches!(
        err_code,
        crate::code::STREAM_NOT_FOUND
            | crate::code::CLUSTER_NOT_AVAILABLE
            | crate::code::INSUFFICIENT_RESOURCES
            | crate::code::STORAGE_EXCEEDED
            | crate::code::NOT_ENABLED
            | crate::code::STORE_FAILED
    )
}
