//! A conversation as it was: the log up to a position, folded by this very model into tables in memory.

use std::cmp::Reverse;

use futures::FutureExt as _;
use serde::Serialize;
use steward_domain::ids::ConversationId;
use steward_http::{Caller, Problem};
use steward_proto::{Event, Metadata, Recorded};

use super::{Conversations, follow_ups::FollowUpRow, messages::MessageRow, row::ConversationRow, view::Beside};
use crate::{
    memory::Memory,
    models::{EventRow, Model as _},
    read::{
        Params,
        answer::{Answer, unknown},
        list::{Found, Page, limit},
        slice::Slice,
        snapshot::{Snapshot, Value},
    },
    rows::{columns, hashed},
    store::{Tables, Trust},
};

/// How many events are read and folded at once.
const PIECE: usize = 2_000;

/// Most events that are folded for one answer.
const MOST: usize = 100_000;

/// Takes the parameter `at`.
///
/// # Errors
/// 400 for what is no position.
pub fn asked(params: &mut Params) -> Result<Option<u64>, Problem> {
    params.parsed::<u64>("at", "a position of the log, a whole number")
}

/// One conversation after a position.
pub struct Then(Memory);

impl Then {
    /// Folds the events of the caller's conversation up to `at`.
    ///
    /// # Errors
    /// 400 when it has more events than are folded for an answer; 503 when Postgres doesn't answer.
    pub async fn of(snapshot: &Snapshot<'_>, caller: &Caller, id: &str, at: u64) -> Result<Self, Problem> {
        let (mut memory, mut model) = (Memory::default(), Conversations::default());
        let sql = format!(
            "SELECT {} FROM {}.events WHERE tenant = $1 AND aggregate = 'conversation' AND {} \
             AND position > $3 AND position <= $4 ORDER BY position LIMIT {PIECE}",
            columns::<EventRow>(),
            snapshot.schema,
            hashed::is("aggregate_id", "$2")
        );
        let until = i64::try_from(at).unwrap_or(i64::MAX);
        let (mut after, mut folded) = (0_i64, 0);
        loop {
            let values: [Value; 4] =
                [Box::new(caller.tenant.to_string()), Box::new(id.to_owned()), Box::new(after), Box::new(until)];
            let rows = snapshot.rows::<EventRow>(&sql, "position", &values).await?.items;
            let Some(last) = rows.last() else { break };
            after = last.position.cast_signed();
            folded += rows.len();
            if folded > MOST {
                return Err(Problem::bad_request(
                    "bad_query",
                    format!("this conversation has more than {MOST} events by then; ask for an earlier `at`"),
                ));
            }
            (memory, model) = snapshot.do_on(rows.len(), folded_in(memory, model, rows)).await?;
        }
        Ok(Self(memory))
    }

    /// The conversation, with what stood beside it but for what waited for a person.
    ///
    /// # Errors
    /// 404 if it hadn't begun.
    pub fn conversation(&self, id: &str) -> Result<(ConversationRow, Beside), Problem> {
        let row = self.0.all::<ConversationRow>().pop().ok_or_else(|| unknown("conversation at that position", id))?;
        let last_message = self.messages().into_iter().find(|m| m.position == row.latest_position);
        let open = |f: &FollowUpRow| matches!(f.state.as_str(), "pending" | "due");
        let next_follow_up = self.follow_ups().into_iter().filter(open).min_by_key(|f| (f.due_at, f.position));
        Ok((row, Beside { last_message, next_follow_up, attention: Vec::new() }))
    }

    /// The conversation's row, if it had begun.
    pub fn row(&self) -> Option<ConversationRow> {
        self.0.all::<ConversationRow>().pop()
    }

    /// Its messages, newest first.
    pub fn messages(&self) -> Vec<MessageRow> {
        let mut rows = self.0.all::<MessageRow>();
        rows.sort_unstable_by_key(|m| Reverse(m.position));
        rows
    }

    /// Its promises, newest first.
    pub fn follow_ups(&self) -> Vec<FollowUpRow> {
        let mut rows = self.0.all::<FollowUpRow>();
        rows.sort_unstable_by_key(|f| Reverse(f.position));
        rows
    }
}

/// Folds these events in.
async fn folded_in(
    memory: Memory,
    mut model: Conversations,
    rows: Vec<EventRow>,
) -> Result<(Memory, Conversations), Problem> {
    let mut slice = Slice::begin();
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        slice.end().await;
        events.extend(recorded(row));
    }
    let events: Vec<&Recorded> = events.iter().collect();
    model.load(Tables::in_memory(&memory), &events).now_or_never().expect("memory answers at once")?;
    for event in &events {
        slice.end().await;
        model.apply(event);
    }
    let tables = Tables::in_memory(&memory);
    model.write(tables, Trust::Nothing).now_or_never().expect("memory answers at once")?;
    model.write_finished(tables, Trust::Nothing).now_or_never().expect("memory answers at once")?;
    model.written();
    Ok((memory, model))
}

/// Answers a list as it was with `at`, of one conversation. Only paging can be asked for beside.
///
/// # Errors
/// 400 for another parameter, or without a conversation.
pub async fn list<T: Send + 'static, V: Serialize + 'static>(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    (mut params, conversation, at): (Params, Option<String>, u64),
    rows: impl FnOnce(&Then) -> Vec<T>,
    position: impl Fn(&T) -> u64,
    view: impl Fn(T, Option<&ConversationRow>) -> V + Send + 'static,
) -> Result<Answer, Problem> {
    let conversation = conversation.or_else(|| params.text("conversation_id")).ok_or_else(|| {
        Problem::bad_request("bad_query", "`at` shows one conversation as it was: give `conversation_id` with it")
    })?;
    let (limit, before) = limit(&mut params)?;
    params.finish(&["at", "conversation_id", "limit", "cursor"])?;
    if conversation.parse::<ConversationId>().is_err() {
        return Err(unknown("conversation", &conversation));
    }
    let then = Then::of(snapshot, caller, &conversation, at).await?;
    let here = then.row();
    let mut items: Vec<T> = rows(&then);
    items.retain(|row| before.is_none_or(|before| position(row) < before));
    let more = items.len() > limit;
    items.truncate(limit);
    let orders = items.iter().map(position).collect();
    Ok(Page::of(Found { items, more }, orders).answer(snapshot, move |row| view(row, here.as_ref())).await)
}

/// An event as the fold takes it; `None` for what this build can't read.
fn recorded(row: EventRow) -> Option<Recorded> {
    let subject = row.subject().parse().ok()?;
    let event = Event::decode(&row.type_name, row.schema_version, &row.payload).ok()?;
    let metadata = Metadata {
        event_id: row.event_id,
        type_name: row.type_name,
        schema_version: row.schema_version,
        at: row.at,
        causation_id: row.causation_id,
        correlation_id: row.correlation_id,
        actor: row.actor,
        traceparent: row.traceparent,
    };
    Some(Recorded { position: row.position, subject, metadata, payload: row.payload, event })
}
