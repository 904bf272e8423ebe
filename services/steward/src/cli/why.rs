//! `steward why`: what led to a message, a promise, or the state of a conversation.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Global,
    api::{Api, Server},
    lists::{local, plain},
};

/// Most entries that are shown.
const ENTRIES: &str = "200";

/// Say why a message was or wasn't sent, why a promise was made or ended, or what happened in a conversation
///
/// Each line is an event of the log, the oldest first, with the event that it came from.
#[derive(Debug, Args)]
pub struct Why {
    /// The id of a message, a follow-up or a conversation, as the lists show it
    id: String,
    /// Print JSON lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// What an id is of. Those of messages and follow-ups begin with that of their conversation.
#[derive(Debug, PartialEq, Eq)]
enum Thing {
    Conversation(Uuid),
    Message(Uuid),
    FollowUp(Uuid),
}

impl Thing {
    fn of(id: &str) -> Option<Self> {
        if let Ok(conversation) = Uuid::parse_str(id) {
            return Some(Self::Conversation(conversation));
        }
        let conversation = Uuid::parse_str(id.get(..32)?).ok()?;
        match id.as_bytes().get(32)? {
            b'm' => Some(Self::Message(conversation)),
            b'f' => Some(Self::FollowUp(conversation)),
            _ => None,
        }
    }
}

impl Why {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let Some(thing) = Thing::of(&self.id) else {
            anyhow::bail!("`{}` is no id of a message, a follow-up or a conversation; the lists show them", self.id)
        };
        let api = self.server.api(global)?;
        let mut entries = entries(&api, &thing, &self.id).await?;
        entries.reverse();
        if self.json {
            entries.iter().for_each(|entry| println!("{entry}"));
            return Ok(());
        }
        let numbers: BTreeMap<&str, u64> =
            entries.iter().filter_map(|e| Some((e["event_id"].as_str()?, e["position"].as_u64()?))).collect();
        for entry in &entries {
            let because: Vec<String> = entry["because"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|id| numbers.get(id.as_str()?).map(|position| format!("#{position}")))
                .collect();
            let because = if because.is_empty() { String::new() } else { format!("  ← {}", because.join(", ")) };
            let text = |field: &str| entry[field].as_str().unwrap_or_default();
            let (at, position) = (local(&entry["at"]), entry["position"].as_u64().unwrap_or_default());
            println!("{at}  #{position}  {}  ({}){because}", plain(text("summary")), plain(text("actor")));
        }
        if matches!(thing, Thing::Message(_)) {
            checks(&api, &self.id).await?;
        }
        Ok(())
    }
}

/// The entries of the timeline that are about it, the newest first.
async fn entries(api: &Api, thing: &Thing, id: &str) -> anyhow::Result<Vec<Value>> {
    let (conversation, filter) = match thing {
        Thing::Conversation(conversation) => (conversation, None),
        Thing::Message(conversation) => (conversation, Some(("message_id", id))),
        Thing::FollowUp(conversation) => (conversation, Some(("follow_up_id", id))),
    };
    let request = api.get(&format!("/api/v1/conversations/{conversation}/timeline")).query(&[("limit", ENTRIES)]);
    let request = match filter {
        Some(filter) => request.query(&[filter]),
        None => request,
    };
    Ok(api.call(request).await?["items"].as_array().cloned().unwrap_or_default())
}

/// Shows what was looked at before a message was sent, and what became of it.
async fn checks(api: &Api, id: &str) -> anyhow::Result<()> {
    // Only what we send has been decided about.
    let Ok(evidence) = api.call(api.get(&format!("/api/v1/outbox/{id}/evidence"))).await else { return Ok(()) };
    let attempts = evidence["attempts"].as_array();
    for check in attempts.and_then(|all| all.last()).and_then(|last| last["checks"].as_array()).into_iter().flatten() {
        let text = |field: &str| plain(check[field].as_str().unwrap_or_default());
        println!("  checked {}: {}", text("name"), text("value"));
    }
    let message = &evidence["message"];
    let reason = message["reason"]["text"].as_str().map_or_else(String::new, |text| format!(": {}", plain(text)));
    println!("It is {}{reason}.", message["state"].as_str().unwrap_or_default());
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_it_is_of() {
        let conversation = Uuid::parse_str("6d7aac8c-1cdd-596d-8827-62d6d494e21e").unwrap();
        assert_eq!(Thing::of("6d7aac8c-1cdd-596d-8827-62d6d494e21e"), Some(Thing::Conversation(conversation)));
        let of = |kind: char| format!("6d7aac8c1cdd596d882762d6d494e21e{kind}01a22206584b700982c4a2b6eca2fc2b");
        assert_eq!(Thing::of(&of('m')), Some(Thing::Message(conversation)));
        assert_eq!(Thing::of(&of('f')), Some(Thing::FollowUp(conversation)));
        for wrong in ["", "x", "é", &of('x'), "6d7aac8c", &"é".repeat(40)] {
            assert_eq!(Thing::of(wrong), None, "{wrong}");
        }
    }
}
