//! A conversation as it was: the log up to a position, folded by this very model into tables in memory.

use std::{cmp::Reverse, str::FromStr};

use chrono::{DateTime, FixedOffset, Utc};
use futures::FutureExt as _;
use serde::Serialize;
use steward_domain::ids::ConversationId;
use steward_http::{Caller, Problem};
use steward_proto::Recorded;

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

/// What `at` takes, as refusals and the OpenAPI document say it.
pub const EXPECTED: &str =
    "a position of the log, a whole number, or a time with an offset, as 2026-11-21T09:00:00+08:00";

/// A moment that a conversation is looked at as of: after the event at a position, or after all that had happened by a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Position(u64),
    Time(DateTime<Utc>),
}

impl FromStr for Moment {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, chrono::ParseError> {
        match text.parse() {
            Ok(position) => Ok(Self::Position(position)),
            Err(_) => Ok(Self::Time(text.parse::<DateTime<FixedOffset>>()?.to_utc())),
        }
    }
}

impl Moment {
    /// The position that it stands for in the caller's conversation; 0 before it began.
    ///
    /// # Errors
    /// 503 when Postgres doesn't answer.
    pub async fn position(self, snapshot: &Snapshot<'_>, caller: &Caller, id: &str) -> Result<u64, Problem> {
        let time = match self {
            Self::Position(position) => return Ok(position),
            Self::Time(time) => time,
        };
        let sql = format!(
            "SELECT position FROM {}.events WHERE tenant = $1 AND aggregate = 'conversation' AND {} AND at <= $3 \
             ORDER BY position DESC LIMIT 1",
            snapshot.schema,
            hashed::is("aggregate_id", "$2")
        );
        let values: [Value; 3] = [Box::new(caller.tenant.to_string()), Box::new(id.to_owned()), Box::new(time)];
        let rows = snapshot.query(&sql, &values).await?;
        Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0).cast_unsigned()))
    }
}

/// Takes the parameter `at`.
///
/// # Errors
/// 400 for what is no moment.
pub fn asked(params: &mut Params) -> Result<Option<Moment>, Problem> {
    params.parsed::<Moment>("at", EXPECTED)
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
        events.extend(row.recorded());
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
    (mut params, conversation, at): (Params, Option<String>, Moment),
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
    let at = at.position(snapshot, caller, &conversation).await?;
    let then = Then::of(snapshot, caller, &conversation, at).await?;
    let here = then.row();
    let mut items: Vec<T> = rows(&then);
    items.retain(|row| before.is_none_or(|before| position(row) < before));
    let more = items.len() > limit;
    items.truncate(limit);
    let orders = items.iter().map(position).collect();
    Ok(Page::of(Found { items, more }, orders).answer(snapshot, move |row| view(row, here.as_ref())).await)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_or_a_time_with_an_offset() {
        assert_eq!("36".parse(), Ok(Moment::Position(36)));
        let time = Moment::Time("2026-11-27T09:05:52Z".parse().unwrap());
        assert_eq!("2026-11-27T17:05:52+08:00".parse(), Ok(time));
        assert_eq!("2026-11-27T09:05:52.000Z".parse(), Ok(time));
        for other in ["", "-1", "yesterday", "2026-11-27", "2026-11-27T09:05:52", "1.5"] {
            assert!(other.parse::<Moment>().is_err(), "{other}");
        }
    }
}
