//! One pass over the log. States are folded as it is read, by several workers, each of which has the conversations of its share;
//! a turn's are set aside at its claim, and the turn is decided again at its end.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher as _, RandomState},
    pin::pin,
    sync::Arc,
};

use futures::StreamExt as _;
use steward_domain::{
    contact::Contact,
    conversation::{Conversation, talk::Talk},
    ids::{self, ContactId},
    person::contact_of,
};
use steward_log::{LogError, Undecoded};
use steward_proto::{AggregateId, Event, Fold, Recorded, v1};
use steward_settings::Settings;
use tokio::{runtime::Handle, sync::mpsc, task};

use super::{Reader, Replay, ReplayError, Replayed, Turned, again};

/// States that a worker holds, of each kind; beyond that it reads them from the log when they come again.
const MOST_STATES: usize = 20_000;
/// Events of a conversation that a turn may take to its end.
const LONGEST_TURN: usize = 4_096;
/// Different settings that a worker keeps.
const MOST_SETTINGS: usize = 64;
/// Messages that are handed over at once, and how many such parcels wait for a worker.
const PARCEL: usize = 256;
const PARCELS: usize = 8;
/// A model's brain waits for others most of the time.
const ASKING: usize = 8;

/// Decides turns again, in one pass over the log; `tell` gets each as it is done.
///
/// # Errors
/// The log can't be read, or a turn can't be decided at all.
pub async fn pass(reader: &Reader, replay: Replay, mut tell: impl FnMut(Turned)) -> Result<(), ReplayError> {
    let waits = replay.candidate.as_ref().is_some_and(|brain| !brain.pace().at_once);
    let count = if waits { ASKING } else { std::thread::available_parallelism().map_or(1, usize::from) };
    let (told, mut done) = mpsc::channel(PARCEL);
    let (mut queues, mut workers) = (Vec::new(), task::JoinSet::new());
    for _ in 0..count {
        let (queue, parcels) = mpsc::channel(PARCELS);
        queues.push(queue);
        let (reader, replay, told, handle) = (reader.clone(), replay.clone(), told.clone(), Handle::current());
        workers.spawn_blocking(move || Worker::new(reader, replay, told, handle).work(parcels));
    }
    drop(told);
    let reading = hand_out(reader, replay.since, queues);
    let telling = async {
        while let Some(turned) = done.recv().await {
            tell(turned);
        }
        while let Some(ended) = workers.join_next().await {
            ended.map_err(|_| ReplayError::Panicked)??;
        }
        Ok::<_, ReplayError>(())
    };
    // A worker that failed takes nothing more, which ends the reading: its error comes first.
    let (read, told) = tokio::join!(reading, telling);
    told?;
    Ok(read?)
}

/// What a worker is handed.
enum Item {
    Conversation(Box<Undecoded>),
    Contact(Arc<Recorded>),
}

/// Reads the log and hands each conversation's events to its worker, and contacts' to all.
async fn hand_out(reader: &Reader, since: u64, queues: Vec<mpsc::Sender<Vec<Item>>>) -> Result<(), LogError> {
    let hasher = RandomState::new();
    let mut events = pin!(reader.past(since).await?.ready_chunks(PARCEL));
    let mut parcels: Vec<Vec<Item>> = queues.iter().map(|_| Vec::new()).collect();
    while let Some(chunk) = events.next().await {
        for message in chunk {
            let mut parts = message.subject().split('.');
            match parts.nth(2) {
                Some("contact") => {
                    let Ok(tailed) = message.decode() else { continue };
                    let recorded = Arc::new(tailed.recorded);
                    parcels.iter_mut().for_each(|parcel| parcel.push(Item::Contact(recorded.clone())));
                }
                Some("conversation") => {
                    let of = parts.next().map_or(0, |id| hasher.hash_one(id));
                    let which = usize::try_from(of % queues.len() as u64).unwrap_or_default();
                    parcels[which].push(Item::Conversation(Box::new(message)));
                }
                _ => {}
            }
        }
        for (queue, parcel) in queues.iter().zip(&mut parcels) {
            if !parcel.is_empty() && queue.send(std::mem::take(parcel)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A state, and the position of the event that it was folded from last.
#[derive(Clone, Default)]
struct Held<S> {
    state: S,
    position: u64,
}

impl<S: Fold> Held<S> {
    fn of(events: &[Recorded], up_to: u64) -> Self {
        let mut held = Self { state: S::default(), position: 0 };
        events.iter().take_while(|recorded| recorded.position <= up_to).for_each(|recorded| held.take(recorded));
        held
    }

    fn take(&mut self, recorded: &Recorded) {
        self.state.evolve(recorded);
        self.position = recorded.position;
    }
}

/// A conversation as the pass has come to it.
#[derive(Default)]
struct Here {
    conversation: Held<Conversation>,
    /// Only for a brain that reads it.
    talk: Arc<Talk>,
    open: Vec<again::Open>,
}

struct Worker {
    reader: Reader,
    replay: Replay,
    told: mpsc::Sender<Turned>,
    handle: Handle,
    conversations: HashMap<AggregateId, Here>,
    contacts: HashMap<AggregateId, Held<Arc<Contact>>>,
    /// Hashes of those that were let go.
    forgotten: HashSet<u64>,
    hasher: RandomState,
    settings: HashMap<String, Arc<Settings>>,
}

impl Worker {
    fn new(reader: Reader, replay: Replay, told: mpsc::Sender<Turned>, handle: Handle) -> Self {
        Self {
            reader,
            replay,
            told,
            handle,
            conversations: HashMap::new(),
            contacts: HashMap::new(),
            forgotten: HashSet::new(),
            hasher: RandomState::new(),
            settings: HashMap::new(),
        }
    }

    fn work(mut self, mut parcels: mpsc::Receiver<Vec<Item>>) -> Result<(), ReplayError> {
        while let Some(parcel) = parcels.blocking_recv() {
            for item in parcel {
                match item {
                    Item::Contact(recorded) => self.contact(&recorded)?,
                    Item::Conversation(message) => {
                        let Ok(tailed) = message.decode() else { continue };
                        self.conversation(Arc::new(tailed.recorded))?;
                    }
                }
            }
        }
        for here in std::mem::take(&mut self.conversations).into_values() {
            here.open.iter().for_each(|open| self.tell(open, Replayed::Skipped("it came to nothing"), (0, 0)));
        }
        Ok(())
    }

    /// Whether events of it may have gone by that aren't in what is held.
    fn may_have_a_past(&self, id: &AggregateId) -> bool {
        self.replay.since > 1 || self.forgotten.contains(&self.hasher.hash_one(id))
    }

    fn contact(&mut self, recorded: &Recorded) -> Result<(), ReplayError> {
        let Some(id) = recorded.subject.aggregate_id() else { return Ok(()) };
        if !self.contacts.contains_key(&id) {
            let held = match self.may_have_a_past(&id) {
                true => self.past_contact(&id, recorded.position - 1)?,
                false => Held::default(),
            };
            if self.contacts.len() >= MOST_STATES {
                self.forgotten.extend(self.contacts.keys().map(|id| self.hasher.hash_one(id)));
                self.contacts.clear();
            }
            self.contacts.insert(id.clone(), held);
        }
        if let Some(held) = self.contacts.get_mut(&id) {
            Arc::make_mut(&mut held.state).evolve(recorded);
            held.position = recorded.position;
        }
        Ok(())
    }

    fn past_contact(&self, id: &AggregateId, up_to: u64) -> Result<Held<Arc<Contact>>, ReplayError> {
        let events = self.handle.block_on(self.reader.events(id))?;
        let Held { state, position } = Held::<Contact>::of(&events, up_to);
        Ok(Held { state: Arc::new(state), position })
    }

    fn conversation(&mut self, recorded: Arc<Recorded>) -> Result<(), ReplayError> {
        let Some(id) = recorded.subject.aggregate_id() else { return Ok(()) };
        let mut here = match self.conversations.remove(&id) {
            Some(here) => here,
            None if self.may_have_a_past(&id) => self.past_conversation(&id, recorded.position - 1)?,
            None => Here::default(),
        };
        self.take(&id, &mut here, &recorded)?;
        if self.conversations.len() >= MOST_STATES {
            let gone: Vec<_> = self.conversations.extract_if(|_, here| here.open.is_empty()).collect();
            self.forgotten.extend(gone.iter().map(|(id, _)| self.hasher.hash_one(id)));
        }
        self.conversations.insert(id, here);
        Ok(())
    }

    fn past_conversation(&self, id: &AggregateId, up_to: u64) -> Result<Here, ReplayError> {
        let events = self.handle.block_on(self.reader.events(id))?;
        let talk = if self.reads_talks() { Held::<Talk>::of(&events, up_to).state } else { Talk::default() };
        Ok(Here { conversation: Held::of(&events, up_to), talk: Arc::new(talk), open: Vec::new() })
    }

    fn reads_talks(&self) -> bool {
        self.replay.candidate.is_some()
    }

    /// Takes in a conversation's next event: a claim opens a turn, its end has it decided again.
    fn take(&mut self, id: &AggregateId, here: &mut Here, recorded: &Arc<Recorded>) -> Result<(), ReplayError> {
        for open in &mut here.open {
            open.tail.push(recorded.clone());
        }
        here.open.retain(|open| {
            let fits = open.tail.len() <= LONGEST_TURN;
            if !fits {
                self.tell(open, Replayed::Skipped("too much happened before its end"), (0, 0));
            }
            fits
        });
        match &recorded.event {
            Event::TurnStarted(started) if self.wants(started, recorded.position) => {
                if let Some(open) = self.opened(id, here, recorded, started)? {
                    here.open.push(open);
                }
            }
            Event::TurnCompleted(completed) => {
                if let Some(at) = here.open.iter().position(|open| open.started.turn_id == completed.turn_id) {
                    let open = here.open.swap_remove(at);
                    self.decide(&open, recorded, completed)?;
                }
            }
            Event::TurnSuperseded(dropped) => {
                if let Some(at) = here.open.iter().position(|open| open.started.turn_id == dropped.turn_id) {
                    let open = here.open.swap_remove(at);
                    self.tell(&open, Replayed::Skipped("it came to nothing"), (dropped.micro_usd, 0));
                }
            }
            _ => {}
        }
        here.conversation.take(recorded);
        if self.reads_talks() {
            Arc::make_mut(&mut here.talk).evolve(recorded);
        }
        Ok(())
    }

    fn wants(&self, started: &v1::TurnStarted, position: u64) -> bool {
        !started.renewed
            && position >= self.replay.since
            && self.replay.turn.as_ref().is_none_or(|turn| *turn == started.turn_id)
    }

    /// The turn that begins here, with the states that it was decided by; `None`: it can't be decided again.
    fn opened(
        &mut self,
        id: &AggregateId,
        here: &Here,
        recorded: &Arc<Recorded>,
        started: &v1::TurnStarted,
    ) -> Result<Option<again::Open>, ReplayError> {
        let skip = |why| {
            let (turn_id, position) = (started.turn_id.clone(), recorded.position);
            let turned = Turned { turn_id, position, came: Replayed::Skipped(why), micro_usd: (0, 0) };
            let _ = self.told.blocking_send(turned);
            Ok(None)
        };
        if let Some(why) = again::undecidable(started, self.replay.candidate.is_some()) {
            return skip(why);
        }
        let mut tail = vec![recorded.clone()];
        let (base, talk) = if here.conversation.position <= started.conversation_position {
            (here.conversation.state.clone(), here.talk.clone())
        } else {
            // More had come when it was claimed than it was decided by.
            let events = self.handle.block_on(self.reader.events(id))?;
            let seen = started.conversation_position;
            let between = events.iter().filter(|event| event.position > seen && event.position < recorded.position);
            tail.splice(0..0, between.cloned().map(Arc::new));
            (Held::of(&events, seen).state, Arc::new(Held::<Talk>::of(&events, seen).state))
        };
        let answers = started.follow_up_id.is_empty();
        let contact = if answers { self.contact_then(id, &started.contact_positions)? } else { Arc::default() };
        let settings = if answers { self.settings(&started.settings_hash)? } else { Arc::default() };
        let (claim, started) = (recorded.position, started.clone());
        Ok(Some(again::Open { aggregate: id.clone(), claim, started, base, talk, contact, settings, tail }))
    }

    /// The contact as it was read: the first of these, under the second if it was merged into it.
    fn contact_then(&self, id: &AggregateId, read: &[v1::ContactPosition]) -> Result<Arc<Contact>, ReplayError> {
        let positions: HashMap<ContactId, u64> =
            read.iter().filter_map(|r| Some((r.contact_id.parse().ok()?, r.position))).collect();
        let Some(first) = read.first().and_then(|r| r.contact_id.parse().ok()) else { return Ok(Arc::default()) };
        let then = async |contact: ContactId| {
            let aggregate = ids::contact_aggregate(&id.tenant, contact);
            let wanted = positions.get(&contact).copied().unwrap_or_default();
            match self.contacts.get(&aggregate) {
                Some(held) if held.position <= wanted => return Ok(held.state.clone()),
                None if !self.may_have_a_past(&aggregate) => return Ok(Arc::default()),
                _ => {}
            }
            let events = self.reader.events(&aggregate).await?;
            Ok::<_, LogError>(Arc::new(Held::<Contact>::of(&events, wanted).state))
        };
        Ok(self.handle.block_on(contact_of(first, then))?)
    }

    fn settings(&mut self, hash: &str) -> Result<Arc<Settings>, ReplayError> {
        if let Some(settings) = self.settings.get(hash) {
            return Ok(settings.clone());
        }
        let settings = self.handle.block_on(self.reader.settings(hash))?;
        if self.settings.len() >= MOST_SETTINGS {
            self.settings.clear();
        }
        self.settings.insert(hash.to_owned(), settings.clone());
        Ok(settings)
    }

    fn decide(&self, open: &again::Open, end: &Recorded, completed: &v1::TurnCompleted) -> Result<(), ReplayError> {
        let (came, now) = match &self.replay.candidate {
            None => (again::decided(open, end, completed)?, 0),
            Some(brain) => self.handle.block_on(again::decided_by(&**brain, open, end, completed))?,
        };
        self.tell(open, came, (completed.micro_usd, now));
        Ok(())
    }

    fn tell(&self, open: &again::Open, came: Replayed, micro_usd: (u64, u64)) {
        let (turn_id, position) = (open.started.turn_id.clone(), open.claim);
        // Nobody listens any more: another worker has failed.
        let _ = self.told.blocking_send(Turned { turn_id, position, came, micro_usd });
    }
}
