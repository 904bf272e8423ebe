//! What wasn't sent since the client wrote first, and that the bot's next turns take up or let go.

use std::collections::HashMap;

use steward_http::Problem;
use steward_proto::Event;
use uuid::Uuid;

use super::{super::viewer::Viewer, beginning};
use crate::{
    models::conversations::messages::MessageRow,
    read::{
        Params,
        snapshot::{Snapshot, Value},
        timeline,
    },
    rows::hashed,
};

/// How much of such words is shown, in characters.
const SHOWN: usize = 200;

/// How many of the latest turns are looked at.
const TURNS: &str = "100";

/// Of these messages, newest first, the words that still wait.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn of(
    snapshot: &Snapshot<'_>,
    viewer: &Viewer,
    conversation: &str,
    rows: &[MessageRow],
    at: Option<u64>,
) -> Result<Vec<String>, Problem> {
    let kept_back =
        |m: &&MessageRow| m.state == "cancelled" && m.reason.as_ref().is_some_and(|r| r.0.code == "injected");
    let kept_back: Vec<&MessageRow> = rows.iter().filter(kept_back).collect();
    if kept_back.is_empty() {
        return Ok(Vec::new());
    }
    let mut asked = vec![("limit", TURNS.to_owned()), ("type", "TurnCompleted,IntentLeft,IntentResolved".to_owned())];
    if let Some(at) = at {
        asked.push(("before", at.saturating_add(1).to_string()));
    }
    let (events, _) = timeline::page(snapshot, &viewer.caller, conversation, Params::of(asked)).await?.into_parts();
    // A turn lets go of what it was shown, unless it says that it leaves it to the next.
    let (mut answered, mut left, mut settled) = (0, HashMap::new(), Vec::new());
    for row in events.iter().rev() {
        match Event::decode(&row.type_name, row.schema_version, &row.payload) {
            Ok(Event::TurnCompleted(e)) => answered = answered.max(e.through_position),
            Ok(Event::IntentLeft(e)) => drop(left.insert(e.intent_id, row.position)),
            Ok(Event::IntentResolved(e)) => settled.push(e.intent_id),
            _ => {}
        }
    }
    let causes: Vec<Uuid> =
        kept_back.iter().filter_map(|m| m.reason.as_ref()?.0.event_id.as_deref()?.parse().ok()).collect();
    let sql = format!(
        "SELECT event_id, position FROM {}.events WHERE tenant = $1 AND aggregate = 'conversation' AND {} AND event_id = ANY($3)",
        snapshot.schema,
        hashed::is("aggregate_id", "$2")
    );
    let values: [Value; 3] =
        [Box::new(viewer.caller.tenant.to_string()), Box::new(conversation.to_owned()), Box::new(causes)];
    let found = snapshot.query(&sql, &values).await?;
    let since: HashMap<Uuid, u64> =
        found.iter().map(|row| (row.get(0), row.get::<_, i64>(1).cast_unsigned())).collect();
    let waits = |m: &&&MessageRow| {
        let cause = m.reason.as_ref().and_then(|r| r.0.event_id.as_deref()?.parse::<Uuid>().ok());
        let kept_since = left.get(&m.id).copied().or_else(|| since.get(&cause?).copied()).unwrap_or_default();
        kept_since > answered && !settled.contains(&m.id)
    };
    Ok(kept_back.iter().filter(waits).map(|m| beginning(&m.text, SHOWN)).collect())
}
