//! What asks for a turn: a client's message, a due follow-up's action, a meeting. One turn at a time for each conversation.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use steward_domain::{
    conversation::{Conversation, Refused, meetings::meeting_of},
    ids::{ConversationId, FollowUpId},
};
use steward_log::{
    AtLeast, DecideError, HandleError, Handled, Log, LogError, Subscription,
    places::{Bounds, Place, Places, few},
};
use steward_proto::{AggregateId, Cause, Event, Recorded, TenantId, v1};
use steward_settings::{InForce, Settings};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    actions,
    assistant::AssistantError,
    brain::{Around, Brain, Failure, TurnInput},
    brains::Brains,
    changed,
    claiming::Claim,
    extraction,
    input::{around, turn_input},
    meetings,
    recording::Ended,
    rules::THINKS_FOR,
    settings::TurnSettings,
    summary,
    thinking::Thinking,
    traces::{Kept, Traces},
};

/// Conversations answered at the same time: most of them wait for the client to finish writing.
const AT_ONCE: usize = 256;
/// The same with a brain that waits for others.
const AT_ONCE_WAITING: usize = 1_024;
/// Of these, so many may wait for a model.
const MOST_WAITING: usize = 768;

/// How long the next part is waited for, where the channel shows that a message may be one of several.
const MORE_FOLLOWS: Duration = Duration::from_secs(2);

/// The service can't go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Assistant(#[from] AssistantError),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Answers until `shutdown`, with the brain that the settings name.
///
/// # Errors
/// The brain can't be made, or the log can't be followed.
pub async fn run(log: Log, settings: InForce, shutdown: CancellationToken) -> Result<(), RunError> {
    let brains = Brains::of(&settings.now().brain)?;
    Ok(answer_by(brains, log, settings, shutdown).await?)
}

/// Answers as this brain decides until `shutdown`.
pub async fn run_with(
    brain: Arc<dyn Brain>,
    log: Log,
    settings: InForce,
    shutdown: CancellationToken,
) -> Result<(), LogError> {
    answer_by(Brains::only(brain), log, settings, shutdown).await
}

async fn answer_by(brains: Brains, log: Log, settings: InForce, shutdown: CancellationToken) -> Result<(), LogError> {
    let shown = TurnSettings::of(&settings.now());
    let wait = brains.wait();
    let worker = Arc::new(Worker {
        log: log.clone(),
        brains,
        shown: shown.settings(),
        stored: shown.to_json(),
        settings_hash: OnceCell::new(),
        settings,
        name: format!("agent-brain:{}", Uuid::now_v7().simple()),
        // Turns from their beginning until they are recorded, of a brain that works itself.
        places: Places::new(Bounds { all: AT_ONCE, share: AT_ONCE / 2, beside: 2 * few() }),
        // Turns between their claim and the brain's answer, of one that waits for others most of the time.
        waiting_places: Places::new(Bounds { all: MOST_WAITING, share: MOST_WAITING / 2, beside: MOST_WAITING / 2 }),
        thinking: Thinking::new(THINKS_FOR),
        kept_traces: Kept::default(),
        shutdown: shutdown.clone(),
    });
    let extracting = {
        let (worker, log, shutdown) = (Arc::clone(&worker), log.clone(), shutdown.clone());
        async move {
            if worker.brains.may_ask() {
                let reading = extraction::run(Arc::clone(&worker), log.clone(), shutdown.clone());
                let summing_up = summary::run(worker, log, shutdown);
                return tokio::try_join!(reading, summing_up).map(|_| ());
            }
            // no model reads anything
            std::future::pending().await
        }
    };
    let filters = [
        "ev.*.conversation.*.client_responded",
        "ev.*.conversation.*.request_edited",
        "ev.*.conversation.*.update_kept",
        "ev.*.conversation.*.follow_up_due",
        "ev.*.conversation.*.follow_up_cancelled",
        "ev.*.conversation.*.follow_up_expired",
        "ev.*.conversation.*.meeting_booked",
        "ev.*.conversation.*.meeting_moved",
        "ev.*.conversation.*.meeting_cancelled",
    ];
    let tenants = worker.settings.now().tenant_ids();
    let concurrency = if wait { AT_ONCE_WAITING } else { AT_ONCE };
    let subscription = Subscription::new("agent-brain", filters).concurrency(concurrency).tenants(tenants);
    let follower = Arc::clone(&worker);
    let answering = log.subscribe(subscription, shutdown, move |recorded| {
        let worker = Arc::clone(&worker);
        async move { worker.handle(&recorded).await }
    });
    let following = async {
        follower.brains.follow(&log).await?;
        // the log stops, and with it what answers
        std::future::pending().await
    };
    tokio::select! {
        answered = answering => answered,
        ended = extracting => ended,
        failed = following => failed,
    }
}

/// One process's brain.
pub struct Worker {
    pub log: Log,
    pub brains: Brains,
    pub settings: InForce,
    pub name: String,
    /// The settings that decide a turn, and nothing else: what a replay has too.
    pub shown: Settings,
    /// The same as it is stored, and under which hash.
    stored: String,
    settings_hash: OnceCell<String>,
    places: Places,
    /// For turns of brains that wait for others.
    waiting_places: Places,
    thinking: Thinking,
    kept_traces: Kept,
    pub shutdown: CancellationToken,
}

/// Nothing can be answered under an id that is none.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no id of a {1}; see who recorded this event")]
struct UnreadableId(String, &'static str);

fn follow_up_id(text: &str) -> Result<FollowUpId, HandleError> {
    text.parse().map_err(|_| HandleError::poison(UnreadableId(text.to_owned(), "follow-up")))
}

impl Worker {
    async fn handle(&self, recorded: &Recorded) -> Result<Handled, HandleError> {
        let Some(aggregate) = recorded.subject.aggregate_id() else { return Ok(Handled::Done) };
        let conversation = aggregate.id().parse::<ConversationId>();
        let conversation =
            conversation.map_err(|_| HandleError::poison(UnreadableId(aggregate.id().to_owned(), "conversation")))?;
        let handled = match &recorded.event {
            Event::ClientResponded(_) | Event::RequestEdited(_) => {
                self.answer(&aggregate, conversation, recorded).await
            }
            Event::UpdateKept(kept) => changed::changed(self, &aggregate, conversation, recorded, kept).await,
            Event::FollowUpDue(due) if due.message.is_none() => {
                let id = follow_up_id(&due.follow_up_id)?;
                actions::carry_out(self, &aggregate, conversation, recorded, id).await
            }
            Event::FollowUpDue(v1::FollowUpDue { key, .. })
            | Event::FollowUpExpired(v1::FollowUpExpired { key, .. }) => match meeting_of(key) {
                Some(meeting_id) => meetings::remind(self, &aggregate, conversation, recorded, meeting_id).await,
                None => return Ok(Handled::Done),
            },
            Event::FollowUpCancelled(e) if meetings::ends_one(e) => {
                let id = follow_up_id(&e.follow_up_id)?;
                meetings::next(self, &aggregate, conversation, recorded, id).await
            }
            Event::MeetingBooked(v1::MeetingBooked { meeting: Some(m), .. })
            | Event::MeetingMoved(v1::MeetingMoved { meeting: Some(m), .. }) => {
                meetings::remind(self, &aggregate, conversation, recorded, &m.meeting_id).await
            }
            Event::MeetingCancelled(e) => {
                meetings::remind(self, &aggregate, conversation, recorded, &e.meeting_id).await
            }
            _ => return Ok(Handled::Done),
        };
        handled.map_err(HandleError::from)
    }

    /// Answers what waits in this conversation, through at least this message.
    async fn answer(
        &self,
        aggregate: &AggregateId,
        conversation: ConversationId,
        recorded: &Recorded,
    ) -> Result<Handled, DecideError<Refused>> {
        let mut at_least = AtLeast::Position(recorded.position);
        loop {
            let before = self.log.load::<Conversation>(aggregate, at_least).await?;
            if before.state.answered_through >= recorded.position {
                return Ok(Handled::Done);
            }
            if let Some(until) = self.still_writing(&before.state) {
                tokio::select! {
                    () = self.log.clock().reaches(until) => {}
                    () = self.shutdown.cancelled() => return Ok(Handled::Later(Duration::ZERO)),
                }
                at_least = AtLeast::Latest;
                continue;
            }
            // A place first: a turn's lease runs while the brain works, not while it waits.
            let brain = self.brains.chosen(&aggregate.tenant, before.state.brain.as_ref());
            let cause = self.cause(recorded, brain.name());
            let Some(place) = self.place(&aggregate.tenant, brain.pace().at_once).await else {
                return Ok(Handled::Later(Duration::ZERO));
            };
            let seen = self.see(aggregate, &before.state, recorded.position).await?;
            let around = if brain.pace().at_once {
                Around { tenant: aggregate.tenant.to_string(), ..Around::default() }
            } else {
                let talk = self.talk(aggregate, &before.state, AtLeast::Position(recorded.position)).await?;
                around(&aggregate.tenant, conversation, &before.state, &seen.contact, talk)
            };
            let contact = before.state.place.as_ref().and_then(|place| place.contact_id);
            // Held any longer, the fold would have to copy it for the next event.
            drop(before);
            let input = |state: &Conversation, now| TurnInput {
                around: around.clone(),
                ..turn_input(state, &seen.contact, &self.shown, seen.open_elsewhere, now)
            };
            let claimed = if brain.pace().at_once {
                let at_least = AtLeast::Position(recorded.position);
                self.begin_unclaimed(aggregate, conversation, at_least, &seen, &*brain, input).await?
            } else {
                self.claim(aggregate, (conversation, None), &seen, &*brain, &cause, input).await?
            };
            let (turn, input) = match claimed {
                Claim::Turn(turn, input) => (turn, input),
                Claim::Busy(wait) => return Ok(Handled::Later(wait)),
                Claim::NothingToDo => return Ok(Handled::Done),
            };
            let written_in = input.written_in().filter(|language| seen.contact.wrote_in(*language).is_some());
            match self.take(aggregate, *turn, &*brain, input, &cause, place).await? {
                Ended::Done => {
                    if let (Some(contact), Some(language)) = (contact, written_in) {
                        self.remember_language(aggregate, contact, language, &cause).await;
                    }
                    return Ok(Handled::Done);
                }
                Ended::Superseded => at_least = AtLeast::Latest,
                Ended::PutOff => return Ok(Handled::Later(Duration::ZERO)),
            }
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.log.clock().now()
    }

    /// What is kept of what a tenant's models are asked and answer.
    pub fn traces(&self, tenant: &TenantId) -> Traces<'_> {
        Traces { life: self.settings.now().traces(tenant), kept: &self.kept_traces }
    }

    /// Of what a brain decides about an event.
    pub fn cause(&self, recorded: &Recorded, brain: &str) -> Cause {
        Cause::of(recorded, format!("brain:{brain}"))
    }

    /// The hash under which the settings that decide a turn are stored; stored they are before a turn names them.
    pub async fn settings_hash(&self) -> Result<&str, LogError> {
        let store = || self.log.put_blob(self.stored.clone().into());
        Ok(self.settings_hash.get_or_try_init(store).await?)
    }

    /// Waits for a place to think in, or, for a brain that doesn't think at once, to wait in; `None`: this process ends.
    pub async fn place(&self, tenant: &TenantId, at_once: bool) -> Option<Place> {
        let places = if at_once { &self.places } else { &self.waiting_places };
        tokio::select! {
            place = places.take(tenant) => Some(place),
            () = self.shutdown.cancelled() => None,
        }
    }

    /// Thinks on a thread of its own, no longer than the rules may; `None`: this process ends.
    pub async fn think<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        thought: impl FnOnce() -> T + Send + 'static,
    ) -> Option<Result<T, Failure>> {
        tokio::select! {
            thought = self.thinking.think(tenant.as_str(), thought) => Some(thought),
            () = self.shutdown.cancelled() => None,
        }
    }

    /// Until when to wait for the client's next message before answering.
    fn still_writing(&self, state: &Conversation) -> Option<DateTime<Utc>> {
        let settings = self.settings.now();
        let defaults = &settings.defaults;
        let (first, last) = (state.unanswered.first()?, state.unanswered.last()?);
        let more = if last.more { MORE_FOLLOWS } else { Duration::ZERO };
        let pause = defaults.turn_debounce.max(more);
        if pause.is_zero() {
            return None;
        }
        let quiet = last.at + TimeDelta::from_std(pause).ok()?;
        let longest = first.at + TimeDelta::from_std(defaults.turn_max_wait).ok()?;
        Some(quiet.min(longest)).filter(|until| *until > self.now())
    }
}
