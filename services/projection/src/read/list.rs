//! Lists: filtered by fields, newest first, in pages.

use std::str::FromStr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, FixedOffset, Utc};
use serde::Serialize;
use steward_domain::ids::{self, ConversationId};
use steward_http::{Caller, Problem};

use super::{
    answer::Answer,
    params::Params,
    slice::Slice,
    snapshot::{Rows, Snapshot, Value},
};
use crate::rows::{Table, columns, hashed};

/// How many entries a page has by default; below, how many at most.
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 1000;

/// The parameters that every list takes.
const PAGING: [&str; 4] = ["limit", "cursor", "after", "before"];

/// A query on one table of the caller's tenant, as it is being put together.
pub struct List {
    pub params: Params,
    known: Vec<&'static str>,
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl List {
    pub fn new(caller: &Caller, params: Params) -> Self {
        Self {
            params,
            known: PAGING.to_vec(),
            conditions: vec!["tenant = $1".to_owned()],
            values: vec![Box::new(caller.tenant.to_string())],
        }
    }

    /// Adds a condition; `{}` in it stands for the value.
    pub fn only(&mut self, condition: &str, value: Value) {
        self.values.push(value);
        self.conditions.push(condition.replace("{}", &format!("${}", self.values.len())));
    }

    /// Adds a condition without a value.
    pub fn only_fixed(&mut self, condition: &str) {
        self.conditions.push(condition.to_owned());
    }

    /// Lets the parameter `name` filter by the column of that name, which must be equal.
    pub fn by(&mut self, name: &'static str) {
        self.by_condition(name, &format!("{name} = {{}}"));
    }

    /// Like [`Self::by`], for a column that an index holds as a hash.
    pub fn by_hashed(&mut self, name: &'static str) {
        self.by_condition(name, &hashed::is(name, "{}"));
    }

    /// Lets the parameter `name` filter by a condition.
    pub fn by_condition(&mut self, name: &'static str, condition: &str) {
        self.known.push(name);
        if let Some(value) = self.params.text(name) {
            self.only(condition, Box::new(value));
        }
    }

    /// Lets the parameter `name` filter by a column of the conversation that a row belongs to.
    pub fn of_conversations_by(&mut self, name: &'static str) {
        let own = format!("{{schema}}.conversations WHERE tenant = $1 AND {name} = {{}}");
        self.by_condition(name, &hashed::is_in("conversation_id", "id", &own));
    }

    /// Lets the parameter `contact_id` filter by the contact of the conversation whose id is in the column
    /// `conversation`, and by the contacts merged into it.
    pub fn of_contact(&mut self, conversation: &str) {
        let people = format!(
            "(SELECT {{}}::text AS person UNION ALL SELECT id FROM {{schema}}.contacts WHERE tenant = $1 AND {}) AS people",
            hashed::is("merged_into", "{}")
        );
        let theirs = format!(
            "{{schema}}.conversations WHERE tenant = $1 AND {}",
            hashed::is_in("contact_id", "person", &people)
        );
        self.by_condition("contact_id", &hashed::is_in(conversation, "id", &theirs));
    }

    /// Lets the parameter `name` filter by the column of that name, which holds one of `known`.
    ///
    /// # Errors
    /// 400 for any other value.
    pub fn by_one_of(&mut self, name: &'static str, known: &[&str]) -> Result<(), Problem> {
        self.known.push(name);
        if let Some(values) = self.params.some_of(name, known)? {
            self.only(&format!("{name} = ANY({{}})"), Box::new(values));
        }
        Ok(())
    }

    /// The parameter `name`, a time.
    ///
    /// # Errors
    /// 400 for what is no time with an offset.
    pub fn time(&mut self, name: &'static str) -> Result<Option<DateTime<Utc>>, Problem> {
        self.known.push(name);
        let expected = "a time with an offset, as 2026-11-21T09:00:00+08:00";
        Ok(self.params.parsed::<DateTime<FixedOffset>>(name, expected)?.map(|time| time.to_utc()))
    }

    /// The parameter `name`, one or several of `known`, for a condition that takes more than its value.
    ///
    /// # Errors
    /// 400 for any other value.
    pub fn some_of(&mut self, name: &'static str, known: &[&str]) -> Result<Option<Vec<String>>, Problem> {
        self.known.push(name);
        self.params.some_of(name, known)
    }

    /// Lets the parameter `name` filter by a column of event ids.
    ///
    /// # Errors
    /// 400 for a value that is no UUID.
    pub fn by_id(&mut self, name: &'static str) -> Result<(), Problem> {
        self.known.push(name);
        if let Some(id) = self.params.parsed::<uuid::Uuid>(name, "an event's id, a UUID")? {
            self.only(&format!("{name} = {{}}"), Box::new(id));
        }
        Ok(())
    }

    /// The parameter `name`, for a condition that takes more than its value.
    pub fn given(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.params.text(name)
    }

    /// Lets the parameter `state` filter by states; `stored` says as what a state that is shown is stored.
    ///
    /// # Errors
    /// 400 for a state that doesn't exist.
    pub fn by_state(&mut self, known: &[&str], stored: impl Fn(&str) -> Vec<&'static str>) -> Result<(), Problem> {
        self.known.push("state");
        if let Some(states) = self.params.some_of("state", known)? {
            let mut all: Vec<String> = Vec::new();
            for state in states {
                match stored(&state) {
                    names if names.is_empty() => all.push(state),
                    names => all.extend(names.iter().map(|&s| s.to_owned())),
                }
            }
            self.only("state = ANY({})", Box::new(all));
        }
        Ok(())
    }

    /// Reads a page. `order` is the column that pages go by: it is unique, and grows with every new row.
    ///
    /// # Errors
    /// 400 for a bad cursor, limit, position or an unknown parameter; 503 when Postgres doesn't answer.
    pub async fn page<T: Table + Send + 'static>(
        self,
        snapshot: &Snapshot<'_>,
        order: &str,
        order_of: impl Fn(&T) -> u64,
    ) -> Result<Page<T>, Problem> {
        let Found { items, more } = self.found(snapshot, T::NAME, order, Way::Falling).await?;
        let orders = items.iter().map(order_of).collect();
        Ok(Page { items, orders, more })
    }

    /// Reads the rows of a page, and whether there are more. `from` is the table, or a query in brackets with its name, whose
    /// columns are the table's and `order`, by which pages go in this way.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn found<T: Table + Send + 'static>(
        mut self,
        snapshot: &Snapshot<'_>,
        from: &str,
        order: &str,
        way: Way,
    ) -> Result<Found<T>, Problem> {
        let (limit, cursor) = limit(&mut self.params)?;
        for (name, sign) in [("after", '>'), ("before", '<')] {
            if let Some(position) = self.params.parsed::<Position>(name, "a position of the log, a whole number")? {
                self.only(&format!("position {sign} {{}}"), Box::new(position.0));
            }
        }
        if let Some(position) = cursor {
            let sign = if way == Way::Falling { '<' } else { '>' };
            self.only(&format!("{order} {sign} {{}}"), Box::new(stored(position)));
        }
        self.params.finish(&self.known)?;
        let direction = if way == Way::Falling { "DESC" } else { "ASC" };
        let from = if from.starts_with('(') { from.to_owned() } else { format!("{{schema}}.{from}") };
        let select = format!(
            "SELECT {}, {order} AS sorted FROM {from} WHERE {} ORDER BY {order} {direction} LIMIT {}",
            columns::<T>(),
            self.conditions.join(" AND "),
            limit + 1
        );
        let select = select.replace("{schema}", &snapshot.schema);
        let Rows { mut items, there } = snapshot.rows(&select, &format!("sorted {direction}"), &self.values).await?;
        items.truncate(limit);
        let more = there > items.len();
        Ok(Found { items, more })
    }
}

/// Takes what every list is paged by: how many entries, and behind which value of the order.
///
/// # Errors
/// 400 for a bad limit or cursor.
pub fn limit(params: &mut Params) -> Result<(usize, Option<u64>), Problem> {
    let limit = params.parsed::<u32>("limit", "a whole number from 1 to 1000")?.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::bad_request("bad_query", format!("`limit` is {limit}; expected 1 to {MAX_LIMIT}")));
    }
    let cursor = params.text("cursor").map(|cursor| {
        read_cursor(&cursor).ok_or_else(|| {
            let detail = "`cursor` is none of ours: pass on `next_cursor` of the page before, unchanged";
            Problem::bad_request("bad_cursor", detail)
        })
    });
    Ok((limit as usize, cursor.transpose()?))
}

/// In which way pages go by a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Rising,
    Falling,
}

/// The rows of a page.
pub struct Found<T> {
    pub items: Vec<T>,
    /// There are more behind them.
    pub more: bool,
}

/// A position that a row can have.
struct Position(i64);

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().ok().filter(|position| *position >= 0).map(Self).ok_or(())
    }
}

/// A position of a cursor as a row can hold it; one that is too large for that matches nothing.
fn stored(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// Reads rows as the structs of their table.
///
/// # Errors
/// 503 when a column isn't what this build expects.
pub fn read_rows<T: Table>(rows: &[tokio_postgres::Row]) -> Result<Vec<T>, Problem> {
    let read: Result<_, _> = rows.iter().map(T::read).collect();
    read.map_err(|error| crate::error::ProjectionError::from(error).into())
}

/// The key of a part of a conversation, whose id begins with the conversation's. An id of any other form names nothing.
pub fn part_key(caller: &Caller, id: &str, conversation: Option<ConversationId>) -> [Value; 3] {
    let conversation = ids::or_empty(conversation);
    [Box::new(caller.tenant.to_string()), Box::new(conversation), Box::new(id.to_owned())]
}

/// One page of a list.
pub struct Page<T> {
    pub items: Vec<T>,
    /// The value that pages go by, for each item.
    orders: Vec<u64>,
    /// There are more entries behind this page.
    more: bool,
}

impl<T> Page<T> {
    /// A page of rows, with the value that pages go by for each.
    pub fn of(found: Found<T>, orders: Vec<u64>) -> Self {
        Self { items: found.items, orders, more: found.more }
    }

    /// Adds rows of another kind that stand between those of the page, which then ends where it is full: after `limit`.
    pub fn with(mut self, others: Vec<T>, limit: usize, order_of: impl Fn(&T) -> u64) -> Self {
        if others.is_empty() {
            return self;
        }
        self.items.extend(others);
        self.items.sort_by_key(|item| std::cmp::Reverse(order_of(item)));
        self.more |= self.items.len() > limit;
        self.items.truncate(limit);
        self.orders = self.items.iter().map(order_of).collect();
        self
    }

    /// Whether there are more entries behind this page.
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// What is on the page, and what leads to the next one.
    pub fn into_parts(self) -> (Vec<T>, Option<String>) {
        let next = self.orders.last().filter(|_| self.more).map(|last| cursor(*last));
        (self.items, next)
    }

    /// Writes the page item by item, so that only one item is in memory twice. A page that grows too long ends there,
    /// after one item at least.
    pub async fn answer<V: Serialize + 'static>(
        self,
        snapshot: &Snapshot<'_>,
        view: impl FnMut(T) -> V + Send + 'static,
    ) -> Answer
    where
        T: Send + 'static,
    {
        let body = snapshot.do_on(self.items.len(), self.written(snapshot.page_bytes, view)).await;
        snapshot.answer_bytes(body)
    }

    async fn written<V: Serialize>(self, page_bytes: usize, mut view: impl FnMut(T) -> V) -> Vec<u8> {
        let mut body = br#"{"items":["#.to_vec();
        let (mut shown, there) = (0, self.items.len());
        let mut slice = Slice::begin();
        for item in self.items {
            slice.end().await;
            if body.len() >= page_bytes {
                break;
            }
            if shown > 0 {
                body.push(b',');
            }
            serde_json::to_writer(&mut body, &view(item)).expect("a view is JSON");
            shown += 1;
        }
        let more = self.more || shown < there;
        let next_cursor = self.orders[..shown].last().filter(|_| more).map(|last| cursor(*last));
        body.extend_from_slice(br#"],"next_cursor":"#);
        serde_json::to_writer(&mut body, &next_cursor).expect("a text can be written");
        body.push(b'}');
        body
    }
}

fn cursor(position: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("p{position}"))
}

fn read_cursor(text: &str) -> Option<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    std::str::from_utf8(&bytes).ok()?.strip_prefix('p')?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_anything_else_is_refused() {
        assert_eq!(read_cursor(&cursor(42)), Some(42));
        for junk in ["", "junk", "NDI", "p42", "*"] {
            assert_eq!(read_cursor(junk), None, "{junk}");
        }
    }
}
