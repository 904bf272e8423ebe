//! One conversation on a log in memory, and its clock: what is said is recorded, each turn is decided and recorded, what is due rings.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use steward_domain::{
    contact::{Contact, memory::Word},
    conversation::{
        Conversation,
        follow_ups::{Alarmed, Ring},
        talk::{By as SaidBy, Talk as SaidTalk},
        turns::{Inputs, StartTurn, TurnStart},
    },
    ids::{self, ContactId, ConversationId, FollowUpId, MessageId, TurnId},
};
use steward_language::{DateOrder, Language};
use steward_proto::{Cause, Event, Fold as _, NewEvent, Recorded, TenantId, to_timestamp, v1};
use steward_settings::Settings;
use uuid::Uuid;

use super::format::{Line, Speaker, Talk};
use crate::{
    brain::{Brain, Decision},
    input::{around, turn_input},
    journal::{Notebook, Spent},
    outcome::Turn,
    remembering::{By, Remembering, of_decisions},
    truth::{Backing, check},
};

const HERE: ConversationId = ConversationId::new(Uuid::from_u128(0xe7));
const CONTACT: ContactId = ContactId::new(Uuid::from_u128(0xc0));
/// Who of ours speaks in a script.
const OPERATOR: &str = "operator";
/// What gives the conversation back.
const RELEASE: &str = "/human_release";

pub(super) struct Stage {
    pub state: Conversation,
    /// What was said, for a brain that reads it.
    talk: Arc<SaidTalk>,
    pub zone: Tz,
    pub language: Language,
    pub now: DateTime<Utc>,
    settings: Settings,
    contact: super::format::Contact,
    /// The contact, as the log has them.
    pub known: Contact,
    /// What was found in the last turn, and in all of them.
    pub found: Vec<Remembering>,
    lang: String,
    begun: bool,
    position: u64,
    /// What was pending before the client's last message, as due times.
    pub before: Vec<DateTime<Utc>>,
    /// What the brain decided in the last turn, and in all of them.
    pub last: Vec<Decision>,
    pub all: Vec<Decision>,
    /// The last turn's reply; empty: none.
    pub said: String,
    pub replies: usize,
    pub unbacked: Vec<String>,
    /// Why a model gave no answer that could be used, turn by turn: what was decided then isn't the model's doing.
    pub degraded: Vec<String>,
    /// More was once pending than is now.
    pub promised: usize,
}

impl Stage {
    pub fn new(talk: &Talk) -> Result<Self, String> {
        let zone: Tz = talk.zone.parse().map_err(|_| format!("no zone: {}", talk.zone))?;
        let language: Language = talk.lang.parse().map_err(|error| format!("{error}"))?;
        let mut settings = Settings::default();
        settings.defaults.timezone = zone;
        settings.defaults.language = language;
        Ok(Self {
            state: Conversation::default(),
            talk: Arc::default(),
            zone,
            language,
            now: talk.now,
            settings,
            contact: talk.contact.clone(),
            known: Contact::default(),
            found: Vec::new(),
            lang: talk.lang.clone(),
            begun: false,
            position: 0,
            before: Vec::new(),
            last: Vec::new(),
            all: Vec::new(),
            said: String::new(),
            replies: 0,
            unbacked: Vec::new(),
            degraded: Vec::new(),
            promised: 0,
        })
    }

    /// Says one line of the script; the client's is answered.
    pub async fn line(&mut self, line: &Line, brain: &dyn Brain) -> Result<(), String> {
        let next = if self.begun { self.now + TimeDelta::minutes(1) } else { self.now };
        self.begun = true;
        self.advance(line.at.unwrap_or(next))?;
        match line.by {
            Speaker::Bot => Ok(()),
            Speaker::Human if line.text.trim() == RELEASE => {
                let events = self.state.release(OPERATOR, "http").map_err(|refused| refused.to_string())?;
                self.record_all(events);
                Ok(())
            }
            Speaker::Human => self.human(&line.text),
            Speaker::Client => {
                self.before = self.due();
                self.client(&line.text);
                self.answer(brain).await
            }
        }
    }

    /// Whether the client said just this.
    pub fn client_said(&self, quote: &str) -> bool {
        self.talk.said().any(|said| said.by == SaidBy::Client && said.text.contains(quote))
    }

    /// When what is pending is due, in order.
    pub fn due(&self) -> Vec<DateTime<Utc>> {
        let mut due: Vec<DateTime<Utc>> = self.state.pending().iter().map(|f| f.due_at).collect();
        due.sort_unstable();
        due
    }

    fn record_all(&mut self, events: Vec<Event>) {
        events.into_iter().for_each(|event| self.record(event));
    }

    fn record(&mut self, event: impl Into<Event>) {
        let event = event.into();
        let recorded = self.recorded(&format!("ev.eval.conversation.{HERE}.{}", event.subject_token()), event);
        self.state.evolve(&recorded);
        Arc::make_mut(&mut self.talk).evolve(&recorded);
    }

    fn recorded(&mut self, subject: &str, event: Event) -> Recorded {
        self.position += 1;
        let subject = subject.parse().expect("made of an id and a token");
        let id = Uuid::from_u128(u128::from(self.position));
        let NewEvent { metadata, event } = NewEvent::new(id, self.now, &Cause::outside("eval", ""), event);
        let payload = event.encode();
        Recorded { position: self.position, subject, metadata, event, payload }
    }

    /// Time passes: what is due until then rings, one after another.
    fn advance(&mut self, to: DateTime<Utc>) -> Result<(), String> {
        while let Some((due_at, id)) = self.state.pending().iter().map(|f| (f.due_at, f.id)).min() {
            if due_at > to {
                break;
            }
            self.now = self.now.max(due_at);
            let ring = Ring { id, now: self.now, late_limit: self.settings.defaults.late_limit };
            let message_id = ids::message_of_follow_up(HERE, &id);
            match self.state.follow_up_due(&ring, message_id).map_err(|refused| refused.to_string())? {
                Alarmed::Decided(events) => {
                    let goes_out = events.iter().any(|e| matches!(e, Event::FollowUpDue(due) if due.message.is_some()));
                    self.record_all(events);
                    if goes_out {
                        self.send(message_id, id);
                    }
                }
                Alarmed::NotYet(_) | Alarmed::Nothing => break,
            }
        }
        self.now = self.now.max(to);
        Ok(())
    }

    /// The channel takes a message that a follow-up became.
    fn send(&mut self, message_id: MessageId, follow_up_id: FollowUpId) {
        let claim_id = Uuid::from_u128(u128::from(self.position)).to_string();
        self.record(v1::DispatchStarted {
            message_id: message_id.to_string(),
            parts: 1,
            claim_id: claim_id.clone(),
            attempt: 1,
            expires_at: Some(to_timestamp(self.now + TimeDelta::minutes(1))),
            follow_up_id: follow_up_id.to_string(),
            ..Default::default()
        });
        self.record(v1::DispatchSucceeded {
            message_id: message_id.to_string(),
            parts: 1,
            claim_id,
            sent_at: Some(to_timestamp(self.now)),
            follow_up_id: follow_up_id.to_string(),
            ..Default::default()
        });
    }

    fn source(&self) -> v1::Source {
        v1::Source {
            external_id: "client".to_owned(),
            channel: "web".to_owned(),
            key: self.position.to_string(),
            sent_at: Some(to_timestamp(self.now)),
            ..Default::default()
        }
    }

    fn message_id(&self) -> String {
        ids::message(HERE, Uuid::from_u128(self.position.into())).to_string()
    }

    fn client(&mut self, text: &str) {
        let from = v1::Person {
            id: "client".to_owned(),
            name: self.contact.name.clone(),
            username: self.contact.username.clone(),
            language: self.lang.clone(),
            ..Default::default()
        };
        let event = v1::ClientResponded {
            source: Some(self.source()),
            message_id: self.message_id(),
            contact_id: CONTACT.to_string(),
            from: Some(from),
            kind: "text".to_owned(),
            text: text.to_owned(),
            ..Default::default()
        };
        self.record(event);
    }

    fn human(&mut self, text: &str) -> Result<(), String> {
        if !self.state.human_active() {
            let events = self.state.take_over(OPERATOR, "http", "").map_err(|refused| refused.to_string())?;
            self.record_all(events);
        }
        let event = v1::HumanResponded {
            source: Some(self.source()),
            message_id: self.message_id(),
            kind: "text".to_owned(),
            text: text.to_owned(),
            ..Default::default()
        };
        self.record(event);
        Ok(())
    }

    /// What a turn finds out stands on the contact before the turn itself does.
    fn remember(&mut self, decisions: &[Decision], brain: &str, turn_id: TurnId) {
        let by = format!("brain:{brain}");
        let by = By { contact: CONTACT, by: &by, turn_id: Some(turn_id), word: Word::Said };
        for remembering in of_decisions(decisions) {
            let events = remembering.events(&self.known.memory, by, self.now);
            if !events.is_empty() {
                self.found.push(remembering.clone());
            }
            for event in events {
                let (subject, new) = (format!("ev.eval.contact.{CONTACT}.{}", event.subject_token()), event);
                let recorded = self.recorded(&subject, new);
                self.known.evolve(&recorded);
            }
        }
    }

    /// The turn that answers what was said, decided and recorded as the service does it.
    async fn answer(&mut self, brain: &dyn Brain) -> Result<(), String> {
        self.said.clear();
        self.last.clear();
        let turn_id = TurnId::new(Uuid::from_u128(0x7000_0000 + u128::from(self.position)));
        let start = StartTurn {
            turn_id,
            now: self.now,
            lease_until: self.now + brain.pace().lease,
            worker: String::new(),
            brain: brain.name().to_owned(),
            model: brain.model().to_owned(),
            follow_up_id: None,
            inputs: Inputs::default(),
        };
        let TurnStart::Started(started) = self.state.start_turn(&start).map_err(|refused| refused.to_string())? else {
            return Ok(());
        };
        let mut input = turn_input(&self.state, &self.known, &self.settings, 0, self.now);
        input.date_order = DateOrder::of_tag(&self.lang);
        let tenant = TenantId::new("eval").map_err(|error| error.to_string())?;
        input.around = around(&tenant, HERE, &self.state, &self.known, Arc::clone(&self.talk));
        let input = Arc::new(input);
        let notes = Notebook::new(turn_id);
        let decisions = brain.decide(&input, &notes).await.map_err(|error| error.to_string())?;
        self.degraded.extend(Some(notes.spent().degraded).filter(|code| !code.is_empty()));
        let turn = Turn {
            id: turn_id,
            conversation: HERE,
            follow_up_id: None,
            through: started.through_position,
            zone: self.zone.name().to_owned(),
            brain: start.brain,
            model: start.model,
            started: (*started).clone(),
            now: self.now,
            claimed: true,
            failure: None,
            spent: Spent::default(),
            ids: (0..decisions.len()).map(|n| Uuid::from_u128(u128::from(self.position) << 32 | n as u128)).collect(),
        };
        self.remember(&decisions, brain.name(), turn_id);
        self.record(*started);
        if input.human_active {
            let events = turn.suppress(&self.state, &decisions);
            self.record_all(events);
            self.last = decisions.into_iter().filter(|d| matches!(d, Decision::OptOut { .. })).collect();
        } else {
            let backing = Backing::of(&input, &decisions);
            for decision in &decisions {
                if let Decision::Reply { text, .. } = decision {
                    self.replies += 1;
                    let findings = check(text, &backing).into_iter();
                    self.unbacked.extend(findings.map(|finding| format!("{text:?}: {}", finding.why)));
                    self.said.clone_from(text);
                }
            }
            let bulk = Turn::bulk(&decisions);
            let mut done = 0;
            loop {
                let next = turn.next(&self.state, &decisions, &bulk, done).map_err(|refused| refused.to_string())?;
                self.record_all(next.0);
                match next.1 {
                    Some(recorded) => done = recorded,
                    None => break,
                }
            }
            self.last = decisions;
        }
        self.all.extend(self.last.iter().cloned());
        self.promised = self.promised.max(self.due().len());
        Ok(())
    }
}
