//! The streams and consumers as data: which of them exist in JetStream, with which settings.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, ReplayPolicy, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use steward_proto::TenantId;

/// The oldest nats-server that has what we use (schedules inside batches on one replica).
pub const SERVER_NEEDED: &str = "2.14.0";

/// All events of all tenants.
pub const EVENTS: &str = "EVENTS";
/// The alarms of the scheduler.
pub const TIMERS: &str = "TIMERS";
/// Events that a handler gave up on, and requests to try them again.
pub const DEAD: &str = "DEAD";
/// Bodies too large for an event, by their SHA-256.
pub const BLOBS: &str = "BLOBS";
/// Bodies of what models were asked and answered, for as long as their tenants keep them.
pub const TRACES: &str = "TRACES";
/// The stream of that object store.
pub const TRACES_STREAM: &str = "OBJ_TRACES";
/// A key-value bucket for notes: of the scheduler for its next sweep, of when sessions were last seen.
pub const NOTES: &str = "SCHEDULER";

pub const EVENTS_SUBJECTS: &str = "ev.>";
/// The subject of an alarm's schedule: `sch.{name}`.
pub const SCHEDULES_SUBJECTS: &str = "sch.>";
/// What a schedule publishes when it fires: `due.{name}`.
pub const DUE_SUBJECTS: &str = "due.>";
/// The subject of a dead letter, of which the last one is kept: `dead.{consumer}.{position}`.
pub const DEAD_SUBJECTS: &str = "dead.>";
/// The subject of a request to try a dead letter again: `retry.{consumer}.{position}`.
pub const RETRY_SUBJECTS: &str = "retry.>";

/// How long the server remembers message ids: long enough for a provider's quick redeliveries. Later ones are
/// recognised by the aggregate's own events.
pub const DUPLICATE_WINDOW: Duration = Duration::from_secs(600);

/// The streams, in the order in which they are made.
pub(crate) fn streams() -> [(&'static str, Config); 4] {
    [(EVENTS, events()), (TIMERS, timers()), (DEAD, dead()), (TRACES_STREAM, traces())]
}

/// Events are kept for ever. `discard: new` makes a limit that an operator sets refuse new events instead of dropping
/// old ones; `deny_delete` stays off because the admin must be able to erase a person's data.
fn events() -> Config {
    Config {
        name: EVENTS.to_owned(),
        description: Some("Steward: every event, in order".to_owned()),
        subjects: vec![EVENTS_SUBJECTS.to_owned()],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        duplicate_window: DUPLICATE_WINDOW,
        deny_purge: true,
        allow_direct: true,
        allow_atomic_publish: true,
        ..Config::default()
    }
}

/// JetStream's schedules need rollup and purge to be allowed, so they have a stream of their own. A message that a
/// schedule published is removed once the scheduler has acknowledged it.
fn timers() -> Config {
    Config {
        name: TIMERS.to_owned(),
        description: Some("Steward: timers and what fired".to_owned()),
        subjects: vec![SCHEDULES_SUBJECTS.to_owned(), DUE_SUBJECTS.to_owned()],
        retention: RetentionPolicy::WorkQueue,
        storage: StorageType::File,
        allow_direct: true,
        allow_rollup: true,
        allow_atomic_publish: true,
        allow_message_schedules: true,
        ..Config::default()
    }
}

/// Of each subject the last message is kept.
fn dead() -> Config {
    Config {
        name: DEAD.to_owned(),
        description: Some("Steward: events that a handler gave up on".to_owned()),
        subjects: vec![DEAD_SUBJECTS.to_owned(), RETRY_SUBJECTS.to_owned()],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        max_messages_per_subject: 1,
        allow_direct: true,
        ..Config::default()
    }
}

/// An object store whose messages have each a life of their own. Where an operator bounds it, the oldest bodies go first: nothing
/// depends on them.
fn traces() -> Config {
    Config {
        name: TRACES_STREAM.to_owned(),
        description: Some("Steward: what models were asked and answered, for a while".to_owned()),
        subjects: vec![format!("$O.{TRACES}.C.>"), format!("$O.{TRACES}.M.>")],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        allow_direct: true,
        allow_rollup: true,
        allow_message_ttl: true,
        ..Config::default()
    }
}

/// A durable subscription: it begins at the log's first event, and redelivers what isn't acknowledged.
pub(crate) fn durable(name: &str, filters: Vec<String>, ack_wait: Duration, max_ack_pending: usize) -> pull::Config {
    pull::Config {
        durable_name: Some(name.to_owned()),
        name: Some(name.to_owned()),
        filter_subjects: filters,
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        replay_policy: ReplayPolicy::Instant,
        ack_wait,
        max_ack_pending: i64::try_from(max_ack_pending).unwrap_or(i64::MAX),
        ..pull::Config::default()
    }
}

/// The consumer for one tenant's alarms that ring, shared by all schedulers.
pub(crate) fn alarms(tenant: &TenantId, ack_wait: Duration, max_ack_pending: usize) -> pull::Config {
    let filter_subject = format!("due.{tenant}.>");
    let all = durable(&format!("scheduler-alarms-{tenant}"), Vec::new(), ack_wait, max_ack_pending);
    pull::Config { filter_subject, ..all }
}

/// The consumer of deliveries: it brings the events from a position on without their payload, to be read when their
/// turn has come.
pub(crate) fn deliveries(
    name: &str,
    filters: Vec<String>,
    from: u64,
    ack_wait: Duration,
    max_ack_pending: usize,
) -> pull::Config {
    let deliver_policy = DeliverPolicy::ByStartSequence { start_sequence: from.max(1) };
    pull::Config { deliver_policy, headers_only: true, ..durable(name, filters, ack_wait, max_ack_pending) }
}

/// The name of one tenant's own consumer of a subscription.
pub fn tenants_durable(durable: &str, tenant: &TenantId) -> String {
    format!("{durable}--{tenant}")
}

/// A consumer without a memory on the server: the reader itself knows where it stands.
pub(crate) fn reader(name: &str, from: u64, filters: Vec<String>) -> pull::Config {
    pull::Config {
        name: Some(name.to_owned()),
        filter_subjects: filters,
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from.max(1) },
        ack_policy: AckPolicy::None,
        replay_policy: ReplayPolicy::Instant,
        inactive_threshold: Duration::from_secs(60),
        memory_storage: true,
        num_replicas: 1,
        ..pull::Config::default()
    }
}
