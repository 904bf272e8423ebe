//! The moments of a conversation that one can go to: its events, without what they say.

use chrono::{DateTime, Utc};
use steward_http::{Caller, Problem};

use crate::{
    read::snapshot::{Snapshot, Value},
    rows::hashed,
};

/// How many events are read before a moment, and behind it.
const BEFORE: u32 = 600;
const BEHIND: u32 = 400;

/// An event, as far as one goes by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    pub position: u64,
    pub at: DateTime<Utc>,
    pub type_name: String,
}

impl Happened {
    fn read(row: &tokio_postgres::Row) -> Self {
        Self { position: row.get::<_, i64>(0).cast_unsigned(), at: row.get(1), type_name: row.get(2) }
    }
}

/// The caller's events of one conversation, as a query: `$1` is the tenant, `$2` the conversation.
fn own(schema: &str) -> String {
    format!(
        "SELECT position, at, type_name FROM {schema}.events WHERE tenant = $1 AND aggregate = 'conversation' AND {} \
         AND type_name NOT LIKE 'Turn%'",
        hashed::is("aggregate_id", "$2")
    )
}

/// The events around a position, oldest first, with the first and the last of all; without the bot's turns, which say nothing to
/// a person.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn around(snapshot: &Snapshot<'_>, caller: &Caller, id: &str, at: u64) -> Result<Vec<Happened>, Problem> {
    let own = own(&snapshot.schema);
    let sql = format!(
        "({own} AND position <= $3 ORDER BY position DESC LIMIT {BEFORE}) \
         UNION ({own} AND position > $3 ORDER BY position LIMIT {BEHIND}) \
         UNION ({own} ORDER BY position LIMIT 1) UNION ({own} ORDER BY position DESC LIMIT 1) ORDER BY position"
    );
    let at = i64::try_from(at).unwrap_or(i64::MAX);
    let values: [Value; 3] = [Box::new(caller.tenant.to_string()), Box::new(id.to_owned()), Box::new(at)];
    let rows = snapshot.query(&sql, &values).await?;
    Ok(rows.iter().map(Happened::read).collect())
}

/// The same before one moment only: the last two, to go one back from now.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn latest(snapshot: &Snapshot<'_>, caller: &Caller, id: &str) -> Result<Vec<Happened>, Problem> {
    let sql = format!("{} ORDER BY position DESC LIMIT 2", own(&snapshot.schema));
    let rows = snapshot.query(&sql, &[Box::new(caller.tenant.to_string()) as Value, Box::new(id.to_owned())]).await?;
    Ok(rows.iter().rev().map(Happened::read).collect())
}

/// How many messages came behind a position.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn messages_since(snapshot: &Snapshot<'_>, caller: &Caller, id: &str, at: u64) -> Result<u64, Problem> {
    let sql = format!(
        "SELECT count(*) FROM {}.messages WHERE tenant = $1 AND {} AND position > $3",
        snapshot.schema,
        hashed::is("conversation_id", "$2")
    );
    let at = i64::try_from(at).unwrap_or(i64::MAX);
    let values: [Value; 3] = [Box::new(caller.tenant.to_string()), Box::new(id.to_owned()), Box::new(at)];
    let rows = snapshot.query(&sql, &values).await?;
    Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0).cast_unsigned()))
}
