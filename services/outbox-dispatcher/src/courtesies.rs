//! Signs beside messages: "read" and "typing…" while a turn runs, and the answer to a pressed button.
//!
//! Each sign is tried once. Nothing waits for it and nothing is recorded of it; what came while nobody listened is
//! past.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::StreamExt as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use steward_domain::{conversation::Conversation, ids::TurnId};
use steward_log::{AtLeast, Log, Shares};
use steward_proto::{AggregateId, Event, Recorded};
use steward_settings::InForce;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    channels::{Sign, Way, http_client, way_of},
    dispatcher::Error,
};

/// How long Telegram shows "typing…", less the time that the request takes.
const SHOWN: Duration = Duration::from_millis(4_500);

/// How often per second "typing…" is shown for a tenant at most: in a busy bot's chats the answers come soon enough.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

/// How many signs may be on their way at the same time: in all, of one tenant, and on one channel. Others are left out.
const AT_ONCE: usize = 64;
const OF_TENANT: usize = 32;
const OF_CHANNEL: usize = 16;

/// How long to wait before trying again to read the log.
const WAIT: Duration = Duration::from_secs(1);

/// The channels whose providers take signs, by id.
type Ways = HashMap<String, Arc<Signing>>;

/// A channel, and how long its provider wants quiet.
struct Signing {
    way: Arc<dyn Way>,
    chat: DefaultKeyedRateLimiter<String>,
    /// The provider asked for quiet until then.
    quiet_until: Mutex<Option<Instant>>,
}

/// Runs until `shutdown`.
///
/// # Errors
/// The HTTP client can't be made.
pub async fn run(log: Log, settings: InForce, shutdown: CancellationToken) -> Result<(), Error> {
    let client = http_client()?;
    let settings = settings.now();
    let ways: Ways = settings
        .channels
        .iter()
        .filter_map(|channel| Some((channel.id.clone(), way_of(channel, &client)?)))
        .filter(|(_, way)| !way.signs().is_empty())
        .map(|(id, way)| (id, Arc::new(Signing::of(way))))
        .collect();
    let courtesies = Courtesies {
        log,
        ways: Arc::new(ways),
        typing: RateLimiter::keyed(Quota::per_second(PER_SECOND)),
        room: Shares::new(AT_ONCE, OF_TENANT),
        tasks: TaskTracker::new(),
        shutdown,
    };
    if courtesies.ways.is_empty() {
        courtesies.shutdown.cancelled().await;
        return Ok(());
    }
    while !courtesies.shutdown.is_cancelled() {
        if let Err(error) = courtesies.listen().await {
            tracing::debug!(%error, "no signs for now");
            courtesies.shutdown.run_until_cancelled(tokio::time::sleep(WAIT)).await;
        }
    }
    courtesies.tasks.close();
    courtesies.tasks.wait().await;
    Ok(())
}

struct Courtesies {
    log: Log,
    ways: Arc<Ways>,
    /// How often "typing…" was shown, by tenant.
    typing: DefaultKeyedRateLimiter<String>,
    room: Shares,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Courtesies {
    /// Follows the log from now on.
    async fn listen(&self) -> Result<(), steward_log::LogError> {
        let from = self.log.last_position().await? + 1;
        let filters = ["ev.*.conversation.*.turn_started", "ev.*.conversation.*.client_responded"];
        let mut events = pin!(self.log.tail(from, filters.map(str::to_owned).to_vec()).await?);
        loop {
            // Ends at the shutdown, or goes on at the next event.
            let Some(Some(next)) = self.shutdown.run_until_cancelled(events.next()).await else { return Ok(()) };
            match next {
                Ok(tailed) => self.see(tailed.recorded),
                Err(error) => tracing::debug!(%error, "an event without signs"),
            }
        }
    }

    /// Begins the sign that an event asks for, if there is room.
    fn see(&self, recorded: Recorded) {
        match &recorded.event {
            Event::ClientResponded(said) if said.kind == "button" => {
                let channel = said.source.as_ref().map(|s| s.channel_id.as_str()).unwrap_or_default();
                let Some(signing) = giving(&self.ways, channel, Sign::PressArrived).cloned() else { return };
                let press = said.provider_message_id.clone();
                self.begin(recorded.subject.tenant.as_str(), channel, async move {
                    if signing.may_speak() {
                        signing.heed(signing.way.show(Sign::PressArrived, &press).await);
                    }
                });
            }
            // A turn that carries out a due action answers nobody who waits.
            Event::TurnStarted(turn) if turn.follow_up_id.is_empty() => {
                let Some(aggregate) = recorded.subject.aggregate_id() else { return };
                // The limit comes before anything is read for the sign: a busy system pays nothing for signs.
                let tenant = aggregate.tenant.to_string();
                if self.typing.check_key(&tenant).is_err() {
                    return;
                }
                let Ok(turn_id) = turn.turn_id.parse() else { return };
                let (log, ways) = (self.log.clone(), Arc::clone(&self.ways));
                let through = turn.through_position;
                let at_least = AtLeast::Position(recorded.position);
                // Only the conversation says which channel it is.
                self.begin(&tenant, "", async move {
                    mark_read(&log, &ways, &aggregate, through, at_least).await;
                    show_typing(&log, &ways, &aggregate, turn_id, at_least).await;
                });
            }
            _ => {}
        }
    }

    fn begin(&self, tenant: &str, channel: &str, sign: impl Future<Output = ()> + Send + 'static) {
        let Some(place) = self.room.try_take(tenant, channel, OF_CHANNEL) else { return };
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            shutdown.run_until_cancelled(sign).await;
            drop(place);
        });
    }
}

/// The channel, if its provider takes this sign.
fn giving<'a>(ways: &'a Ways, channel_id: &str, sign: Sign) -> Option<&'a Arc<Signing>> {
    ways.get(channel_id).filter(|signing| signing.gives(sign))
}

/// Marks the message that the turn answers as read, with those before it, on channels where messages can be. It also
/// shows "typing…" until the message is answered.
async fn mark_read(log: &Log, ways: &Ways, aggregate: &AggregateId, through: u64, at_least: AtLeast) {
    if !ways.values().any(|signing| signing.gives(Sign::Read)) {
        return;
    }
    let Ok(Some(answered)) = log.read(through).await else { return };
    let Event::ClientResponded(said) = &answered.event else { return };
    let channel = said.source.as_ref().map(|s| s.channel_id.as_str()).unwrap_or_default();
    let Some(signing) = giving(ways, channel, Sign::Read) else { return };
    // While a human is active, it is the human who reads.
    let read_by_us = log.load::<Conversation>(aggregate, at_least).await.is_ok_and(|seen| !seen.state.human_active());
    if read_by_us && !said.provider_message_id.is_empty() {
        signing.way.show(Sign::Read, &said.provider_message_id).await;
    }
}

/// Shows "typing…" for as long as the turn runs.
async fn show_typing(log: &Log, ways: &Ways, aggregate: &AggregateId, turn_id: TurnId, mut at_least: AtLeast) {
    loop {
        let Ok(seen) = log.load::<Conversation>(aggregate, at_least).await else { return };
        let runs = seen
            .state
            .turn
            .as_ref()
            .is_some_and(|turn| turn.turn_id == turn_id && turn.lease_until > log.clock().now());
        // While a human is active, the turn only makes a draft that nobody sees.
        if !runs || seen.state.human_active() {
            return;
        }
        let Some(place) = &seen.state.place else { return };
        let Some(signing) = giving(ways, &place.channel_id, Sign::Typing) else { return };
        if !signing.may_speak() || signing.chat.check_key(&place.external_id).is_err() {
            return;
        }
        signing.heed(signing.way.show(Sign::Typing, &place.external_id).await);
        tokio::time::sleep(SHOWN).await;
        at_least = AtLeast::Latest;
    }
}

impl Signing {
    fn of(way: Arc<dyn Way>) -> Self {
        let one_at_a_time = Quota::with_period(SHOWN).expect("the period isn't zero");
        Self { way, chat: RateLimiter::keyed(one_at_a_time), quiet_until: Mutex::new(None) }
    }

    fn gives(&self, sign: Sign) -> bool {
        self.way.signs().contains(&sign)
    }

    fn may_speak(&self) -> bool {
        // Chats whose turn has long ended needn't be remembered.
        if self.chat.len() > 10_000 {
            self.chat.retain_recent();
        }
        self.quiet_until.lock().expect("nobody panics with it").is_none_or(|until| until <= Instant::now())
    }

    fn heed(&self, quiet: Option<Duration>) {
        if let Some(quiet) = quiet {
            *self.quiet_until.lock().expect("nobody panics with it") = Some(Instant::now() + quiet);
        }
    }
}
