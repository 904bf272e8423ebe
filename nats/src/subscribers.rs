//! Subscribers: third parties who are given events of one tenant, and may do nothing but take and acknowledge them.
//!
//! Each has a durable consumer that pushes its events to a subject of its own; so it needs no right to ask JetStream anything,
//! and its filter can't be changed by it. It lives in an account apart ([`SUBSCRIBERS`](crate::permissions::SUBSCRIBERS)): there an answer that it
//! directs to a subject of events is stored by nobody.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::ServerAddr;
use async_nats::jetstream::consumer::{AckPolicy, Config, DeliverPolicy, push};
use async_nats::jetstream::stream::{ConsumerCreateStrictErrorKind, Stream};
use futures::TryStreamExt as _;
use rand::RngExt as _;
use rand::distr::Alphanumeric;
use steward_proto::{TenantId, secret_types, snake_case};

use crate::permissions::Limits;
use crate::{Log, LogError, definitions};

/// How long a subscriber may work on an event before it is given again.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// How many events a subscriber may have in hand; what it doesn't acknowledge stops it alone.
const IN_HAND: i64 = 256;
/// Most subjects of one subscriber.
const SUBJECTS: usize = 16;

/// A subscriber can't be made, or ended.
#[derive(Debug, thiserror::Error)]
pub enum SubscriberError {
    #[error("`{0}` is no name of a subscriber: expected 1 to 32 of a-z 0-9 _")]
    Name(String),
    #[error(
        "`{0}` is no subject of events: expected ev.TENANT.> or a narrower one, such as ev.default.conversation.*.follow_up_scheduled"
    )]
    Subject(String),
    #[error("{0} holds a secret, which is given to nobody: choose other events")]
    Secret(String),
    #[error("these subjects are of several tenants: a subscriber belongs to one; make one for each")]
    SeveralTenants,
    #[error("a subscriber has from 1 to {SUBJECTS} subjects")]
    Count,
    #[error("there is a subscriber {0} already: revoke it first, or choose another name")]
    Exists(Name),
    #[error("there is no subscriber {0}; `steward credentials list` shows all")]
    Unknown(Name),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Who a subscriber is: its tenant, and a name within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub tenant: TenantId,
    name: String,
}

const PREFIX: &str = "subscriber--";

impl Name {
    /// # Errors
    /// [`SubscriberError::Name`].
    pub fn new(tenant: TenantId, name: &str) -> Result<Self, SubscriberError> {
        let fine = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if fine { Ok(Self { tenant, name: name.to_owned() }) } else { Err(SubscriberError::Name(name.to_owned())) }
    }

    /// Of a consumer, which has the same name as the user.
    fn of_id(id: &str) -> Option<Self> {
        // A name has no hyphen, so the last two are ours.
        let (tenant, name) = id.strip_prefix(PREFIX)?.rsplit_once("--")?;
        Self::new(TenantId::new(tenant).ok()?, name).ok()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its user and its consumer are called.
    pub fn id(&self) -> String {
        format!("{PREFIX}{}--{}", self.tenant, self.name)
    }

    /// What its answers come on begins with this.
    pub fn inbox(&self) -> String {
        format!("_INBOX_{}", self.id())
    }

    /// Where its events come; nobody guesses the end of it.
    fn fresh_subject(&self) -> String {
        let token: String = rand::rng().sample_iter(Alphanumeric).take(24).map(char::from).collect();
        format!("deliver.{}.{}.{token}", self.tenant, self.name)
    }

    /// All that its user may do.
    pub fn limits(&self, subject: &str) -> Limits {
        Limits {
            publish: vec![format!("$JS.ACK.{}.{}.>", definitions::EVENTS, self.id())],
            refuse: Vec::new(),
            subscribe: vec![subject.to_owned(), format!("{}.>", self.inbox())],
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of tenant {}", self.name, self.tenant)
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $aggregate:ident $name:literal as $own:ident {
        $($event:ident),* $(; also $($shared:ident),*)?
    })*) => {
        /// The events of each aggregate.
        const EVENTS: &[(&str, &[&str])] =
            &[$(($name, &[$(stringify!($event),)* $($(stringify!($shared),)*)?])),*];
    };
}
steward_proto::each_aggregate!(names);

/// The events that a subscriber is given: those of one tenant, without those that hold secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    pub tenant: TenantId,
    filters: Vec<String>,
}

impl Given {
    /// What these subjects lead to: `ev.default.>`, or narrower ones of the same tenant.
    ///
    /// # Errors
    /// A subject is none, or leads only to secrets; they are of several tenants.
    pub fn of(subjects: &[String]) -> Result<Self, SubscriberError> {
        if subjects.is_empty() || subjects.len() > SUBJECTS {
            return Err(SubscriberError::Count);
        }
        let (mut tenants, mut filters) = (Vec::new(), Vec::<String>::new());
        for subject in subjects {
            let (tenant, more) = filters_of(subject)?;
            tenants.push(tenant);
            filters.extend(more);
        }
        let tenant = tenants.pop().ok_or(SubscriberError::Count)?;
        if tenants.iter().any(|other| *other != tenant) {
            return Err(SubscriberError::SeveralTenants);
        }
        // The server takes no filter that another one covers.
        let all = filters.clone();
        let mut nth = 0;
        filters.retain(|filter| {
            let own = nth;
            nth += 1;
            !all.iter().enumerate().any(|(n, other)| n != own && covers(other, filter) && (other != filter || n < own))
        });
        Ok(Self { tenant, filters })
    }

    pub fn filters(&self) -> &[String] {
        &self.filters
    }
}

/// Whether every subject that `narrow` fits is one that `wide` fits.
fn covers(wide: &str, narrow: &str) -> bool {
    let (mut wide, mut narrow) = (wide.split('.'), narrow.split('.'));
    loop {
        match (wide.next(), narrow.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(token)) if token != ">" => {}
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

fn filters_of(subject: &str) -> Result<(TenantId, Vec<String>), SubscriberError> {
    let wrong = || SubscriberError::Subject(subject.to_owned());
    let tokens: Vec<&str> = subject.split('.').collect();
    let [first, tenant, rest @ ..] = tokens.as_slice() else { return Err(wrong()) };
    let tenant = TenantId::new(tenant).map_err(|_| wrong())?;
    let whole = match rest {
        [.., ">"] => rest.len() <= 3,
        _ => rest.len() == 3,
    };
    if *first != "ev" || !whole || rest[..rest.len() - 1].contains(&">") {
        return Err(wrong());
    }
    let token = |n: usize| rest.get(n).copied().filter(|token| !matches!(*token, "*" | ">"));
    let id = token(1).unwrap_or("*");
    if id != "*" && TenantId::new(id).is_err() {
        return Err(wrong());
    }
    let aggregates: Vec<_> = EVENTS.iter().filter(|(name, _)| token(0).is_none_or(|wanted| wanted == *name)).collect();
    let (mut filters, mut secret) = (Vec::new(), None);
    for (aggregate, events) in &aggregates {
        let is_secret = |event: &str| secret_types().any(|secret| secret == event);
        match token(2) {
            None if !events.iter().any(|event| is_secret(event)) => {
                filters.push(if id == "*" {
                    format!("ev.{tenant}.{aggregate}.>")
                } else {
                    format!("ev.{tenant}.{aggregate}.{id}.>")
                });
            }
            wanted => {
                let of_these = events.iter().map(|event| (*event, snake_case(event)));
                for (event, name) in of_these.filter(|(_, name)| wanted.is_none_or(|wanted| wanted == name)) {
                    if is_secret(event) {
                        secret = Some(event.to_owned());
                    } else {
                        filters.push(format!("ev.{tenant}.{aggregate}.{id}.{name}"));
                    }
                }
            }
        }
    }
    match (filters.is_empty(), secret) {
        (true, Some(secret)) => Err(SubscriberError::Secret(secret)),
        (true, None) => Err(wrong()),
        _ => Ok((tenant, filters)),
    }
}

/// A subscriber as its consumer stands on the server.
#[derive(Debug, Clone)]
pub struct Subscriber {
    pub name: Name,
    /// The subjects that it was given, as they were asked for.
    pub subjects: Vec<String>,
    /// Where its events come.
    pub subject: String,
    /// Somebody listens there.
    pub listens: bool,
    /// How many events are still to be given, and how many are in hand.
    pub waiting: u64,
    pub in_hand: usize,
}

/// The key of a consumer's metadata that holds what was asked for.
const ASKED: &str = "steward-subjects";

impl Log {
    /// Makes the consumer of a new subscriber, who is given what comes after the position `after`, or from now on; returns
    /// the subject to listen on. For the admin.
    ///
    /// # Errors
    /// There is one of this name.
    pub async fn create_subscriber(
        &self,
        name: &Name,
        subjects: &[String],
        after: Option<u64>,
    ) -> Result<String, SubscriberError> {
        let given = Given::of(subjects)?;
        if given.tenant != name.tenant {
            return Err(SubscriberError::SeveralTenants);
        }
        let subject = name.fresh_subject();
        let deliver_policy = match after {
            None => DeliverPolicy::New,
            Some(0) => DeliverPolicy::All,
            Some(after) => DeliverPolicy::ByStartSequence { start_sequence: after.saturating_add(1) },
        };
        let config = push::Config {
            deliver_subject: subject.clone(),
            durable_name: Some(name.id()),
            name: Some(name.id()),
            description: Some(format!("Steward: the subscriber {name}")),
            deliver_policy,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: IN_HAND,
            filter_subjects: given.filters,
            metadata: HashMap::from([(ASKED.to_owned(), subjects.join(" "))]),
            ..push::Config::default()
        };
        let made = self.events_stream().await?.create_consumer_strict(config).await;
        match made {
            Ok(_) => Ok(subject),
            Err(error) if matches!(error.kind(), ConsumerCreateStrictErrorKind::AlreadyExists) => {
                Err(SubscriberError::Exists(name.clone()))
            }
            Err(error) => Err(unavailable("making a subscriber", &error).into()),
        }
    }

    /// Ends a subscriber: nothing is given to it any more. For the admin.
    ///
    /// # Errors
    /// There is none of this name.
    pub async fn delete_subscriber(&self, name: &Name) -> Result<(), SubscriberError> {
        if !self.subscribers().await?.iter().any(|there| there.name == *name) {
            return Err(SubscriberError::Unknown(name.clone()));
        }
        let deleted = self.events_stream().await?.delete_consumer(&name.id()).await;
        deleted.map(drop).map_err(|error| unavailable("ending a subscriber", &error).into())
    }

    /// All subscribers of all tenants. For the admin.
    ///
    /// # Errors
    /// The server doesn't answer.
    pub async fn subscribers(&self) -> Result<Vec<Subscriber>, LogError> {
        let failed = |error| unavailable("listing the subscribers", &error);
        let stream = self.events_stream().await?;
        let mut consumers = stream.consumers();
        let mut found = Vec::new();
        while let Some(info) = consumers.try_next().await.map_err(failed)? {
            let Some(name) = Name::of_id(&info.name) else { continue };
            let Config { deliver_subject, metadata, .. } = info.config;
            let asked = metadata.get(ASKED).map(|all| all.split(' ').map(str::to_owned).collect());
            found.push(Subscriber {
                name,
                subjects: asked.unwrap_or_default(),
                subject: deliver_subject.unwrap_or_default(),
                listens: info.push_bound,
                waiting: info.num_pending,
                in_hand: info.num_ack_pending,
            });
        }
        found.sort_by_key(|subscriber| (subscriber.name.tenant.to_string(), subscriber.name.name.clone()));
        Ok(found)
    }

    async fn events_stream(&self) -> Result<Stream<()>, LogError> {
        let stream = self.jetstream().get_stream_no_info(definitions::EVENTS).await;
        stream.map_err(|error| unavailable("finding the log", &error))
    }
}

fn unavailable(doing: &'static str, error: &dyn std::fmt::Display) -> LogError {
    LogError::Unavailable { doing, reason: error.to_string() }
}

/// Has a NATS server read its configuration again; `url` is that of a user of its system account. Returns when it is done.
///
/// # Errors
/// The server doesn't answer, or refuses what it has read.
pub async fn reload(url: &str) -> Result<(), LogError> {
    const DOING: &str = "reading the server's configuration again";
    let inbox = format!("_INBOX_{}", crate::permissions::SYSTEM);
    let address: ServerAddr = url.parse().map_err(|error| unavailable(DOING, &error))?;
    let (user, password) = (address.username().unwrap_or_default(), address.password().unwrap_or_default());
    let options = async_nats::ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
    let client =
        options.custom_inbox_prefix(inbox).connect(&address).await.map_err(|error| unavailable(DOING, &error))?;
    let subject = format!("$SYS.REQ.SERVER.{}.RELOAD", client.server_info().server_id);
    let answer = client.request(subject, bytes::Bytes::new()).await.map_err(|error| unavailable(DOING, &error))?;
    let answer: serde_json::Value =
        serde_json::from_slice(&answer.payload).map_err(|error| unavailable(DOING, &error))?;
    match answer.get("error") {
        None => Ok(()),
        Some(error) => Err(unavailable(DOING, error)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn given(subjects: &[&str]) -> Result<Vec<String>, SubscriberError> {
        Given::of(&subjects.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()).map(|given| given.filters)
    }

    #[test]
    fn all_of_a_tenant_is_all_but_the_secrets() {
        let filters = given(&["ev.acme.>"]).unwrap();
        for (aggregate, events) in EVENTS {
            for event in *events {
                let subject = format!("ev.acme.{aggregate}.x.{}", snake_case(event));
                let is_secret = secret_types().any(|secret| secret == *event);
                assert_eq!(filters.iter().any(|filter| covers(filter, &subject)), !is_secret, "{subject}");
            }
        }
        assert!(filters.iter().all(|filter| filter.starts_with("ev.acme.")));
        assert_eq!(
            given(&["ev.acme.conversation.>", "ev.acme.>"]).unwrap().len(),
            filters.len(),
            "what is covered goes"
        );
    }

    #[test]
    fn narrower_subjects_stay_as_narrow_as_they_are() {
        let same = ["ev.acme.conversation.>", "ev.acme.contact.7.>", "ev.acme.conversation.*.client_responded"];
        for subject in same {
            assert_eq!(given(&[subject]).unwrap(), [subject]);
        }
        assert_eq!(given(&["ev.acme.conversation.*.*"]).unwrap(), ["ev.acme.conversation.>"]);
        let both = given(&["ev.acme.*.*.address_bound"]).unwrap();
        assert_eq!(both, ["ev.acme.conversation.*.address_bound", "ev.acme.address.*.address_bound"]);
        assert_eq!(given(&[same[0], same[0], same[2]]).unwrap(), [same[0]]);
    }

    #[test]
    fn what_is_no_subject_of_one_tenants_events_is_refused() {
        let wrong = [
            "",
            ">",
            "ev",
            "ev.>",
            "ev.*",
            "ev.*.>",
            "ev.a",
            "ev.a.*",
            "ev.a.conversation",
            "ev.a.>.x",
            "ev.a.b.>",
            "ev.a.conversation.x",
            "ev.a.conversation.x.y.z",
            "ev.a.conversation.x.client_responded.>",
            "sch.a.>",
            "ev.a.conversation.*.made_up",
            "ev.a.conversation.x y.>",
            "ev.a b.>",
            "$JS.API.>",
            "ev..>",
            "ev.a.*.>.>",
        ];
        for subject in wrong {
            assert!(matches!(given(&[subject]), Err(SubscriberError::Subject(_))), "{subject}");
        }
        assert!(matches!(given(&["ev.a.webhook.*.webhook_created"]), Err(SubscriberError::Secret(_))));
        assert!(matches!(given(&["ev.a.>", "ev.b.>"]), Err(SubscriberError::SeveralTenants)));
        assert!(matches!(given(&[]), Err(SubscriberError::Count)));
    }

    #[test]
    fn a_name_is_found_again_in_that_of_its_consumer() {
        for tenant in ["a", "a-b", "a--b", "a-", "-"] {
            let name = Name::new(TenantId::new(tenant).unwrap(), "crm_2").unwrap();
            assert_eq!(Name::of_id(&name.id()), Some(name));
        }
        for wrong in ["", "a-b", "A", "a.b", "*", "a b", &"a".repeat(33)] {
            assert!(Name::new(TenantId::new("a").unwrap(), wrong).is_err(), "{wrong}");
        }
        assert_eq!(Name::of_id("scheduler--default"), None);
    }
}
