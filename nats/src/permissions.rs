//! Who may do what with the log: `nats/permissions/` as users of a NATS server, with rights as subjects.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Deserialize;

/// This user may do everything, and alone may make, change and delete streams, and delete messages.
pub const ADMIN: &str = "admin";
/// The user that the five services in one process connect as.
pub const STEWARD: &str = "steward";
/// The user of the command line.
pub const OPERATOR: &str = "operator";
/// The user of anybody who follows the events.
pub const READER: &str = "reader";
/// Has the server read its configuration again, and may do nothing else; it is of the system account.
pub const SYSTEM: &str = "system";
/// The account of all our users and streams, where a server has accounts.
pub const ACCOUNT: &str = "STEWARD";
/// The account of subscribers: from ours it gets what is given to them, and its acknowledgements go back.
pub const SUBSCRIBERS: &str = "SUBSCRIBERS";
/// Most connections of all subscribers together, so that they leave some to the services.
const SUBSCRIBERS_CONNECTIONS: u32 = 128;
pub const SERVICES: [&str; 5] = ["ingestion", "agent-brain", "scheduler", "outbox-dispatcher", "projection"];

/// All streams. Every user may look whether they exist with the right settings.
pub const STREAMS: [&str; 6] = ["EVENTS", "TIMERS", "DEAD", "OBJ_BLOBS", "OBJ_TRACES", "KV_SCHEDULER"];

macro_rules! files {
    ($($name:literal),*) => {
        &[$(($name, include_str!(concat!("../permissions/", $name, ".toml")))),*]
    };
}

const FILES: &[(&str, &str)] =
    files!("ingestion", "agent-brain", "scheduler", "outbox-dispatcher", "projection", "operator", "reader");

/// A file of `nats/permissions/`; its README says what each key means.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rights {
    pub inbox: Option<String>,
    pub publish: Vec<String>,
    pub read: Vec<String>,
    pub tail: Vec<String>,
    pub consumers: Vec<String>,
    pub per_tenant: Vec<String>,
    pub purge: Vec<String>,
    pub letters: Vec<String>,
    pub hear: Vec<String>,
    pub events: BTreeMap<String, Vec<String>>,
    pub durables: BTreeMap<String, Vec<String>>,
}

/// A user of the NATS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub name: &'static str,
    /// The subject that its answers come on begins with this, as do all subjects that it may subscribe to.
    pub inbox: String,
    /// What the user may publish and subscribe to; `None`: everything.
    pub limits: Option<Limits>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub publish: Vec<String>,
    /// What is refused though `publish` allows it.
    pub refuse: Vec<String>,
    pub subscribe: Vec<String>,
}

/// What each file says, with the user's name.
pub fn rights() -> Vec<(&'static str, Rights)> {
    let read = |(name, text): &(&'static str, &str)| {
        (*name, toml::from_str(text).expect("the permissions are part of the build and tested"))
    };
    FILES.iter().map(read).collect()
}

/// All users, the admin first.
pub fn users() -> Vec<User> {
    let rights = rights();
    let mut users = vec![User { name: ADMIN, inbox: inbox_of(ADMIN, None), limits: None }];
    let all: Vec<&Rights> = rights.iter().filter(|(name, _)| SERVICES.contains(name)).map(|(_, r)| r).collect();
    users.push(user(STEWARD, &all, &rights));
    users.extend(rights.iter().map(|(name, own)| user(name, &[own], &rights)));
    users
}

/// The beginning of the inbox of a user of this name; `None`: the client may choose.
pub(crate) fn inbox_prefix(name: &str) -> Option<String> {
    users().into_iter().find(|user| user.name == name && user.limits.is_some()).map(|user| user.inbox)
}

fn inbox_of(name: &str, given: Option<&str>) -> String {
    given.map_or_else(|| format!("_INBOX_{name}"), str::to_owned)
}

/// A user with all of these rights together. `everybody` has the rights of all users, since some of theirs take away
/// from this one's.
fn user(name: &'static str, own: &[&Rights], everybody: &[(&'static str, Rights)]) -> User {
    let inbox = inbox_of(name, own.iter().find_map(|rights| rights.inbox.as_deref()));
    let mut publish: Vec<String> = own.iter().flat_map(|rights| allowed(rights)).collect();
    publish.extend(STREAMS.iter().map(|stream| format!("$JS.API.STREAM.INFO.{stream}")));
    publish.sort();
    publish.dedup();
    let durable = |stream: &str, consumer: &str| {
        own.iter().any(|r| r.durables.get(stream).is_some_and(|names| names.iter().any(|n| n == consumer)))
    };
    let any_name = |stream: &str| own.iter().any(|r| any_names(r).any(|s| s == stream));
    // Rights on consumers of any name don't reach those that have an owner.
    let others = everybody.iter().flat_map(|(_, r)| consumers_of(r));
    let refuse = others.filter(|(stream, consumer)| any_name(stream) && !durable(stream, consumer));
    let refuse = refuse.flat_map(|(stream, consumer)| {
        let api = |call: &str| format!("$JS.API.CONSUMER.{call}.{stream}.{consumer}");
        [api("CREATE"), api("CREATE") + ".>", api("MSG.NEXT"), api("DELETE"), format!("$JS.ACK.{stream}.{consumer}.>")]
    });
    let mut subscribe = vec![format!("{inbox}.>")];
    subscribe.extend(own.iter().flat_map(|rights| rights.hear.iter().cloned()));
    let limits = Limits { publish, refuse: refuse.collect(), subscribe };
    User { name, inbox, limits: Some(limits) }
}

/// The streams on which these rights allow consumers of any name.
fn any_names(rights: &Rights) -> impl Iterator<Item = &String> {
    rights.tail.iter().chain(&rights.consumers).chain(&rights.per_tenant)
}

fn consumers_of(rights: &Rights) -> impl Iterator<Item = (&str, &str)> {
    rights.durables.iter().flat_map(|(stream, names)| names.iter().map(move |name| (stream.as_str(), name.as_str())))
}

/// The subjects that one file allows its user to publish on.
fn allowed(rights: &Rights) -> Vec<String> {
    let mut subjects = rights.publish.clone();
    for (aggregate, events) in &rights.events {
        subjects.extend(events.iter().map(|event| format!("ev.*.{aggregate}.*.{event}")));
    }
    subjects.extend(rights.letters.iter().map(|name| format!("dead.{name}.*")));
    for (stream, consumer) in consumers_of(rights) {
        for call in ["CREATE", "INFO", "MSG.NEXT", "DELETE"] {
            subjects.push(format!("$JS.API.CONSUMER.{call}.{stream}.{consumer}"));
        }
        subjects.push(format!("$JS.API.CONSUMER.CREATE.{stream}.{consumer}.>"));
        subjects.push(format!("$JS.ACK.{stream}.{consumer}.>"));
    }
    for stream in &rights.read {
        subjects.push(format!("$JS.API.DIRECT.GET.{stream}"));
        subjects.push(format!("$JS.API.DIRECT.GET.{stream}.>"));
        subjects.push(format!("$JS.API.STREAM.MSG.GET.{stream}"));
    }
    for stream in any_names(rights) {
        subjects.push(format!("$JS.API.CONSUMER.CREATE.{stream}.*"));
        subjects.push(format!("$JS.API.CONSUMER.CREATE.{stream}.*.>"));
        subjects.push(format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.*"));
    }
    for stream in rights.per_tenant.iter().chain(&rights.consumers) {
        subjects.push(format!("$JS.API.CONSUMER.INFO.{stream}.*"));
        subjects.push(format!("$JS.ACK.{stream}.*.>"));
    }
    for stream in &rights.consumers {
        subjects.push(format!("$JS.API.CONSUMER.NAMES.{stream}"));
        subjects.push(format!("$JS.API.CONSUMER.DELETE.{stream}.*"));
    }
    subjects.extend(rights.purge.iter().map(|stream| format!("$JS.API.STREAM.PURGE.{stream}")));
    subjects
}

/// The users as the `authorization` of a NATS server's configuration. `password` gives the password of each as it is to be
/// written there: quoted, or as a variable (`$STEWARD_PASSWORD`).
pub fn config(password: impl Fn(&str) -> String) -> String {
    let lines: String =
        users().iter().map(|user| line(user.name, &password(user.name), user.limits.as_ref())).collect();
    format!("authorization {{\n  users = [\n{lines}  ]\n}}\n")
}

/// The users as `accounts` of a NATS server's configuration: ours in one, the subscribers, with their rights and passwords
/// as they are written there, in another.
pub fn accounts(password: impl Fn(&str) -> String, subscribers: &[(String, String, Limits)]) -> String {
    let ours: String = users().iter().map(|user| line(user.name, &password(user.name), user.limits.as_ref())).collect();
    let theirs: String = subscribers.iter().map(|(id, password, limits)| line(id, password, Some(limits))).collect();
    let inbox = inbox_of(SYSTEM, None);
    let limits = Limits {
        publish: vec!["$SYS.REQ.SERVER.*.RELOAD".to_owned()],
        refuse: Vec::new(),
        subscribe: vec![format!("{inbox}.>")],
    };
    let system = line(SYSTEM, &password(SYSTEM), Some(&limits));
    format!(
        "accounts {{
  {ACCOUNT} {{
  jetstream: enabled
  users = [
{ours}  ]
  exports = [
    {{ stream: \"deliver.>\", accounts: [{SUBSCRIBERS}] }}
    {{ service: \"$JS.ACK.EVENTS.*.>\", accounts: [{SUBSCRIBERS}] }}
  ]
  }}
  {SUBSCRIBERS} {{
  limits {{ max_connections: {SUBSCRIBERS_CONNECTIONS}, max_payload: 4096 }}
  users = [
{theirs}  ]
  imports = [
    {{ stream: {{ account: {ACCOUNT}, subject: \"deliver.>\" }} }}
    {{ service: {{ account: {ACCOUNT}, subject: \"$JS.ACK.EVENTS.*.>\" }} }}
  ]
  }}
  SYSTEM {{
  users = [
{system}  ]
  }}
}}
system_account: SYSTEM
"
    )
}

/// A user as one line of a list of users, more or less.
pub fn line(name: &str, password: &str, limits: Option<&Limits>) -> String {
    let mut text = format!("    {{ user: \"{name}\", password: {password}");
    if let Some(limits) = limits {
        let _ = write!(
            text,
            ", permissions: {{\n      publish: {{ allow: {}, deny: {} }}\n      subscribe: {{ allow: {} }}\n    }}",
            list(&limits.publish),
            list(&limits.refuse),
            list(&limits.subscribe)
        );
    }
    text + " }\n"
}

fn list(subjects: &[String]) -> String {
    let quoted = subjects.iter().fold(String::new(), |text, subject| text + "\n        \"" + subject + "\"");
    if quoted.is_empty() { "[]".to_owned() } else { format!("[{quoted}\n      ]") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use steward_proto::{Aggregate, Event, snake_case};

    use super::*;

    /// An event that nobody may record would be refused by the server, which its writer meets as a time-out.
    #[test]
    fn every_event_of_the_language_has_a_writer_and_no_other_is_named() {
        let known: BTreeSet<String> = Event::TYPES.iter().map(|name| snake_case(name)).collect();
        let rights = rights();
        let named = rights.iter().flat_map(|(_, r)| r.events.values().flatten().cloned());
        assert_eq!(named.collect::<BTreeSet<_>>(), known);
        let aggregates = rights.iter().flat_map(|(_, r)| r.events.keys().cloned()).collect::<BTreeSet<_>>();
        assert_eq!(aggregates, Aggregate::ALL.iter().map(|a| a.as_str().to_owned()).collect());
    }

    #[test]
    fn streams_are_named_as_they_are_and_each_consumer_has_one_owner() {
        let mut owned = BTreeSet::new();
        for (name, rights) in rights() {
            let streams = rights.read.iter().chain(any_names(&rights)).chain(&rights.purge);
            for stream in streams.chain(rights.durables.keys()) {
                assert!(STREAMS.contains(&stream.as_str()), "{name}: {stream}");
            }
            for (stream, consumer) in consumers_of(&rights) {
                assert!(owned.insert((stream.to_owned(), consumer.to_owned())), "{name}: {consumer}");
            }
        }
    }

    #[test]
    fn only_the_admin_may_make_change_or_delete_a_stream_or_delete_a_message() {
        for user in users() {
            let Some(limits) = &user.limits else {
                assert_eq!(user.name, ADMIN);
                continue;
            };
            for call in ["CREATE", "UPDATE", "DELETE", "MSG.DELETE", "RESTORE", "SNAPSHOT"] {
                let begins = format!("$JS.API.STREAM.{call}");
                assert!(limits.publish.iter().all(|s| !s.starts_with(&begins)), "{}: {call}", user.name);
            }
            let broad = limits.publish.iter().any(|s| matches!(s.as_str(), ">" | "*" | "ev.>" | "$JS.>" | "$JS.API.>"));
            assert!(!broad, "{}", user.name);
            assert_eq!(limits.subscribe[0], format!("{}.>", user.inbox));
            assert!(limits.subscribe[1..].iter().all(|heard| heard == "live.>"), "{}", user.name);
        }
    }
}
