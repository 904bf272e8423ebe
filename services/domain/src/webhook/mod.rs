//! The aggregate `webhook`: a third party's address that is told of events, and what it wants to hear.
//!
//! What became of each delivery stands in the aggregate `delivery` beside it, which only grows: a webhook stays quick to
//! load however much was delivered.

mod reach;
mod signature;
mod tell;

use chrono::{DateTime, TimeDelta, Utc};
use steward_proto::{
    Aggregate, AggregateId, Event, Fold, Recorded, TenantId, WebhookEvent, from_timestamp, snake_case, to_timestamp, v1,
};

pub use reach::is_public;
pub use signature::Secret;

use crate::{
    ids::{self, ConversationId, WebhookId},
    kernel::{Why, refusals, unread_id, unread_type},
};

refusals! {
    /// A decision about a webhook that the rules don't allow.
    Refused {
        UnknownWebhook: Unknown "unknown_webhook", "there is no such webhook; GET /api/v1/webhooks lists them";
        UnknownDelivery: Unknown "unknown_delivery",
            "there is no such delivery; GET /api/v1/webhooks/{{id}}/deliveries lists them";
        KeyReused: Conflict "key_reused", "this idempotency key made another webhook; send a new key";
        Disabled: Conflict "disabled", "this webhook is disabled; make a new one, then events reach it again";
    }
}

/// How long the secret before still signs after a rotation.
pub const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// Deliveries in a row whose whole schedule failed, after which nothing more is tried.
pub const GIVE_UP_AFTER: usize = 5;

/// Stands for all types.
pub const ALL_TYPES: &str = "*";

/// Longest URL, in bytes.
pub const LONGEST_URL: usize = 2_048;

/// Secrets that may sign at the same time: the header stays short however often somebody rotates.
const SECRETS: usize = 5;

/// Aggregates whose events nobody outside is told: keys are our own matter, and a webhook that told of its own
/// deliveries would never end.
const OWN: [Aggregate; 3] = [Aggregate::Tenant, Aggregate::Webhook, Aggregate::Delivery];

/// Whether a webhook may ask for this type.
pub fn is_told(type_name: &str) -> bool {
    let own = ["Webhook", "ApiKey", "Session"].iter().any(|of| type_name.starts_with(of));
    type_name == ALL_TYPES || (!own && Event::TYPES.contains(&type_name))
}

/// What a webhook can be narrowed to, for a macro that makes something of each: its name in [`v1::WebhookCreated`], in the
/// command that makes a webhook, and in what is shown of one. All of them are texts.
#[macro_export]
macro_rules! each_filter {
    ($make:ident) => {
        $make!(conversation_id, channel_id);
    };
}

macro_rules! filter {
    ($($field:ident),*) => {
        /// Narrows what is told; what is `None` doesn't.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Filter {
            $(pub $field: Option<String>,)*
        }

        impl Filter {
            fn recorded(created: &v1::WebhookCreated) -> Self {
                let some = |s: &String| Some(s.clone()).filter(|s| !s.is_empty());
                Self { $($field: some(&created.$field),)* }
            }

            /// The event that makes a webhook, as far as it is about this filter.
            fn to_record(&self) -> v1::WebhookCreated {
                v1::WebhookCreated { $($field: self.$field.clone().unwrap_or_default(),)* ..Default::default() }
            }
        }
    };
}

each_filter!(filter);

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Standing {
    /// There is none.
    #[default]
    None,
    Active,
    Disabled(Why),
    Deleted,
}

/// One outgoing webhook.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Webhook {
    /// `None`: it was never made.
    pub id: Option<WebhookId>,
    pub standing: Standing,
    pub url: String,
    /// Names of events; `*` means all.
    pub types: Vec<String>,
    pub filter: Filter,
    /// Newest first, each with the time until which it signs if a newer one has taken its place.
    secrets: Vec<(Secret, Option<DateTime<Utc>>)>,
    pub created_at: Option<DateTime<Utc>>,
    /// What came after this position is told.
    pub created_position: u64,
    /// The latest rotation: its id and time.
    rotated: Option<(String, DateTime<Utc>)>,
}

/// A webhook to be made.
#[derive(Debug, Clone)]
pub struct New {
    pub id: WebhookId,
    /// Checked by the caller.
    pub url: String,
    pub types: Vec<String>,
    pub filter: Filter,
    pub secret: Secret,
    pub by: String,
}

impl Fold for Webhook {
    fn evolve(&mut self, recorded: &Recorded) {
        let at = recorded.metadata.at;
        let Some(event) = WebhookEvent::of(&recorded.event) else { return };
        match event {
            WebhookEvent::WebhookCreated(e) if self.standing == Standing::None => {
                let Ok(id) = e.webhook_id.parse() else { return };
                *self = Self {
                    id: Some(id),
                    standing: Standing::Active,
                    url: e.url.clone(),
                    types: e.types.clone(),
                    filter: Filter::recorded(e),
                    secrets: vec![(Secret::recorded(&e.secret), None)],
                    created_at: Some(at),
                    created_position: recorded.position,
                    rotated: None,
                };
            }
            WebhookEvent::WebhookSecretRotated(e) => {
                let until = from_timestamp(e.old_until.as_ref()).unwrap_or(at);
                if let Some((_, old)) = self.secrets.first_mut() {
                    *old = Some(until);
                }
                self.secrets.insert(0, (Secret::recorded(&e.secret), None));
                self.secrets.truncate(SECRETS);
                self.rotated = Some((e.rotation_id.clone(), at));
            }
            WebhookEvent::WebhookDisabled(e) if self.standing == Standing::Active => {
                self.standing = Standing::Disabled(e.reason.as_ref().map_or_else(|| Why::new("", "", ""), Why::from));
            }
            WebhookEvent::WebhookDeleted(_) => {
                self.standing = Standing::Deleted;
                self.secrets.clear();
            }
            // One that exists isn't made again, and one that isn't active can't be disabled.
            WebhookEvent::WebhookCreated(_) | WebhookEvent::WebhookDisabled(_) => {}
        }
    }

    fn unread(event: &Event) -> Option<String> {
        match WebhookEvent::of(event) {
            None => Some(unread_type(event)),
            Some(WebhookEvent::WebhookCreated(e)) => unread_id::<WebhookId>(event, "webhook_id", &e.webhook_id)
                .or_else(|| unread_id::<ConversationId>(event, "conversation_id", &e.conversation_id)),
            Some(_) => None,
        }
    }
}

impl Webhook {
    pub fn is_active(&self) -> bool {
        self.standing == Standing::Active
    }

    /// The secret that signs from now on.
    pub fn secret(&self) -> Option<&Secret> {
        self.secrets.first().map(|(secret, _)| secret)
    }

    /// Whether this rotation was carried out, and is the latest.
    pub fn is_rotated_by(&self, rotation_id: &str) -> bool {
        self.rotated.as_ref().is_some_and(|(id, _)| id == rotation_id)
    }

    /// When the secret was last made.
    pub fn secret_since(&self) -> Option<DateTime<Utc>> {
        self.rotated.as_ref().map(|(_, at)| *at).or(self.created_at)
    }

    fn known(&self) -> Result<(), Refused> {
        match self.standing {
            Standing::None | Standing::Deleted => Err(Refused::UnknownWebhook),
            Standing::Active | Standing::Disabled(_) => Ok(()),
        }
    }

    /// Makes it. The same again changes nothing.
    ///
    /// # Errors
    /// The id is taken by another one.
    pub fn create(&self, new: &New) -> Result<Vec<Event>, Refused> {
        if self.standing != Standing::None {
            let same = self.is_active() && self.url == new.url && self.types == new.types && self.filter == new.filter;
            return if same { Ok(Vec::new()) } else { Err(Refused::KeyReused) };
        }
        let created = v1::WebhookCreated {
            webhook_id: new.id.to_string(),
            url: new.url.clone(),
            types: new.types.clone(),
            secret: new.secret.expose().to_owned(),
            by: new.by.clone(),
            ..new.filter.to_record()
        };
        Ok(vec![created.into()])
    }

    /// # Errors
    /// There is none.
    pub fn delete(&self, by: &str) -> Result<Vec<Event>, Refused> {
        self.known()?;
        Ok(vec![v1::WebhookDeleted { webhook_id: ids::or_empty(self.id), by: by.to_owned() }.into()])
    }

    /// Gives it another secret; the one before signs beside it for a day. The same rotation again changes nothing.
    ///
    /// # Errors
    /// There is none.
    pub fn rotate(
        &self,
        rotation_id: &str,
        secret: &Secret,
        now: DateTime<Utc>,
        by: &str,
    ) -> Result<Vec<Event>, Refused> {
        self.known()?;
        if self.is_rotated_by(rotation_id) {
            return Ok(Vec::new());
        }
        let rotated = v1::WebhookSecretRotated {
            webhook_id: ids::or_empty(self.id),
            rotation_id: rotation_id.to_owned(),
            secret: secret.expose().to_owned(),
            old_until: Some(to_timestamp(now + OVERLAP)),
            by: by.to_owned(),
        };
        Ok(vec![rotated.into()])
    }

    /// Whether an event may be delivered again.
    ///
    /// # Errors
    /// There is no such webhook, it is disabled, or the event was never for it.
    pub fn may_retry(&self, recorded: &Recorded) -> Result<(), Refused> {
        self.known()?;
        if recorded.position <= self.created_position || !self.wants(recorded) {
            return Err(Refused::UnknownDelivery);
        }
        match self.standing {
            Standing::Active => Ok(()),
            _ => Err(Refused::Disabled),
        }
    }

    /// Nothing is delivered from now on. Nothing to do when that is so already.
    pub fn disable(&self, why: &Why) -> Vec<Event> {
        if !self.is_active() {
            return Vec::new();
        }
        let (webhook_id, url) = (ids::or_empty(self.id), self.url.clone());
        vec![v1::WebhookDisabled { webhook_id, url, reason: Some(why.into()) }.into()]
    }

    /// The subjects of what it wants, as far as subjects say; they don't overlap.
    pub fn subjects(&self, tenant: &TenantId) -> Vec<String> {
        let all = self.types.iter().any(|t| t == ALL_TYPES);
        match &self.filter.conversation_id {
            Some(id) if all => vec![format!("ev.{tenant}.conversation.{id}.>")],
            Some(id) => self.tokens().map(|token| format!("ev.{tenant}.conversation.{id}.{token}")).collect(),
            None if all => {
                let told = Aggregate::ALL.iter().filter(|a| !OWN.contains(a));
                told.map(|aggregate| format!("ev.{tenant}.{}.>", aggregate.as_str())).collect()
            }
            None => self.tokens().map(|token| format!("ev.{tenant}.*.*.{token}")).collect(),
        }
    }

    fn tokens(&self) -> impl Iterator<Item = String> {
        self.types.iter().map(|t| snake_case(t))
    }

    /// Whether it wants an event, but for its channel, which an event needn't name.
    pub fn wants(&self, recorded: &Recorded) -> bool {
        let subject = &recorded.subject;
        let own = OWN.iter().any(|aggregate| aggregate.as_str() == &*subject.aggregate);
        let type_wanted = self.types.iter().any(|t| t == ALL_TYPES || *t == recorded.metadata.type_name);
        let conversation_wanted = match &self.filter.conversation_id {
            Some(id) => *subject.aggregate == *Aggregate::Conversation.as_str() && *subject.id == **id,
            None => true,
        };
        !own && type_wanted && conversation_wanted
    }

    /// The header `webhook-signature`: one signature per secret that is in force, the newest first.
    pub fn signatures(&self, id: &str, at: DateTime<Utc>, body: &[u8]) -> String {
        let in_force = self.secrets.iter().filter(|(_, until)| until.is_none_or(|until| at < until));
        let signatures: Vec<String> = in_force.map(|(secret, _)| secret.sign(id, at.timestamp(), body)).collect();
        signatures.join(" ")
    }
}

/// Where a webhook's outcomes of one type stand.
pub fn outcome_subject(deliveries: &AggregateId, type_name: &str) -> String {
    deliveries.subject(&snake_case(type_name))
}
