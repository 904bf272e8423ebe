//! What stands of several contacts, for pages: now, or as it was.

use futures::FutureExt as _;
use steward_http::{Caller, Problem};
use steward_proto::Recorded;

use super::{Remembered, row::RememberedRow};
use crate::{
    memory::Memory,
    models::{EventRow, Model as _},
    read::snapshot::{Snapshot, Value},
    rows::{columns, hashed},
    store::{Tables, Trust},
};

/// What stands: open goals, active milestones, known facts.
const STANDS: &str = "(kind, state) IN (('goal', 'open'), ('milestone', 'active'), ('fact', 'known'))";

/// Most events of a contact that are folded for one look at the past.
const MOST: u32 = 20_000;

/// Most things shown at once.
const SHOWN: u32 = 3_000;

/// The contacts of whom goals or milestones stand, those with the newest first, below `before`; with the position of the newest.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn people(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    (before, most): (Option<u64>, u32),
) -> Result<Vec<(String, u64)>, Problem> {
    // A contact is named by the newest thing of theirs, so it is found once.
    let newest = |kind: &str, state: &str| {
        format!(
            "(SELECT contact_id, created_position FROM {schema}.remembered AS r WHERE tenant = $1 AND kind = '{kind}' \
             AND state = '{state}' AND created_position < $2 AND NOT EXISTS (SELECT 1 FROM {schema}.remembered AS later \
             WHERE later.tenant = $1 AND {same} AND later.created_position > r.created_position \
             AND (later.kind, later.state) IN (('goal', 'open'), ('milestone', 'active'))) \
             ORDER BY created_position DESC LIMIT {most})",
            schema = snapshot.schema,
            same = hashed::is("later.contact_id", "r.contact_id"),
        )
    };
    let sql = format!(
        "SELECT contact_id, created_position FROM ({} UNION ALL {}) AS found ORDER BY created_position DESC LIMIT {most}",
        newest("goal", "open"),
        newest("milestone", "active"),
    );
    let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
    let rows = snapshot.query(&sql, &[Box::new(caller.tenant.to_string()), Box::new(before)]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get::<_, i64>(1).cast_unsigned())).collect())
}

/// All that stands of these contacts, newest first.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn of(snapshot: &Snapshot<'_>, caller: &Caller, contacts: &[String]) -> Result<Vec<RememberedRow>, Problem> {
    let sql = format!(
        "SELECT {} FROM {}.remembered WHERE tenant = $1 AND {} AND {STANDS} ORDER BY created_position DESC LIMIT {SHOWN}",
        columns::<RememberedRow>(),
        snapshot.schema,
        hashed::is_any("contact_id", "$2")
    );
    let values: [Value; 2] = [Box::new(caller.tenant.to_string()), Box::new(contacts.to_vec())];
    Ok(snapshot.rows::<RememberedRow>(&sql, "created_position DESC", &values).await?.items)
}

/// The same as it was after the event at a position.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn then(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    contacts: &[String],
    at: u64,
) -> Result<Vec<RememberedRow>, Problem> {
    let sql = format!(
        "SELECT {} FROM {}.events WHERE tenant = $1 AND aggregate = 'contact' AND {} AND position <= $3 \
         ORDER BY position LIMIT {MOST}",
        columns::<EventRow>(),
        snapshot.schema,
        hashed::is_any("aggregate_id", "$2")
    );
    let until = i64::try_from(at).unwrap_or(i64::MAX);
    let values: [Value; 3] = [Box::new(caller.tenant.to_string()), Box::new(contacts.to_vec()), Box::new(until)];
    let rows = snapshot.rows::<EventRow>(&sql, "position", &values).await?.items;
    let events: Vec<Recorded> = rows.into_iter().filter_map(EventRow::recorded).collect();
    let events: Vec<&Recorded> = events.iter().collect();
    let (memory, mut model) = (Memory::default(), Remembered::default());
    let tables = Tables::in_memory(&memory);
    model.load(tables, &events).now_or_never().expect("memory answers at once")?;
    events.iter().for_each(|event| model.apply(event));
    model.write(tables, Trust::Nothing).now_or_never().expect("memory answers at once")?;
    let mut rows = memory.all::<RememberedRow>();
    rows.retain(|row| matches!(row.state.as_str(), "open" | "active" | "known"));
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.created_position));
    Ok(rows)
}
