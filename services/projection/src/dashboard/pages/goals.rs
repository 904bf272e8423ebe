//! `/goals`: what each client wants to reach, what has happened on the way, and the words that say so.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use steward_http::{ApiQuery, Problem};

use super::{
    super::{Dashboard, Page, frame::Frame, html, viewer::Viewer},
    called, channel_name, inbox,
    remembered::{Known, Places},
    zone_of,
};
use crate::{
    models::{
        ConversationRow,
        conversations::{read, view::ConversationView},
        remembered::{RememberedRow, standing},
    },
    read::snapshot::{Snapshot, Value},
    rows::{columns, hashed},
};

/// How many clients a page shows.
const CLIENTS: u32 = 20;

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// The position below which clients' newest goals are.
    before: Option<u64>,
}

struct Client {
    /// Their contact.
    id: String,
    name: String,
    channel: String,
    conversation: String,
    known: Known,
}

#[derive(Template)]
#[template(path = "goals.html")]
struct Goals {
    f: Frame,
    clients: Vec<Client>,
    more: Option<String>,
    /// Whose goal can be set.
    people: Vec<inbox::Hit>,
    zone: &'static str,
    /// Where it is shown, nothing is undone by showing what it was.
    past: bool,
}

pub async fn list(State(dashboard): State<Dashboard>, viewer: Viewer, ApiQuery(asked): ApiQuery<Asked>) -> Page {
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let f = Frame::of(&viewer, &dashboard, &snapshot, ("/goals", viewer.w.goals.to_owned())).await?;
    let found = standing::people(&snapshot, &viewer.caller, (asked.before, CLIENTS)).await?;
    let more = found.last().filter(|_| found.len() >= CLIENTS as usize).map(|(_, at)| format!("/goals?before={at}"));
    let contacts: Vec<String> = found.into_iter().map(|(contact, _)| contact).collect();
    let mut rows = standing::of(&snapshot, &viewer.caller, &contacts).await?;
    rows.retain(|row| row.kind != "fact");
    let places = Places::of(&viewer, &snapshot, &rows).await?;
    let talks = latest_talks(&snapshot, &viewer, &contacts).await?;
    // Contacts that are one person are one client.
    let mut order: Vec<String> = Vec::new();
    let mut of: HashMap<String, (Option<&ConversationView>, Vec<RememberedRow>)> = HashMap::new();
    for contact in contacts {
        let talk = talks.get(&contact);
        let person = talk.and_then(|talk| talk.contact.merged_into.clone()).unwrap_or_else(|| contact.clone());
        if !order.contains(&person) {
            order.push(person.clone());
        }
        let (theirs, all) = of.entry(person).or_default();
        *theirs = theirs.or(talk);
        all.extend(rows.extract_if(.., |row| row.contact_id == contact));
    }
    let clients = order.into_iter().filter_map(|id| {
        let (talk, rows) = of.remove(&id)?;
        let zone = talk.map_or(viewer.zone, |talk| zone_of(talk, &dashboard));
        Some(Client {
            name: talk.map_or_else(|| viewer.w.nobody_named.to_owned(), |talk| called(talk, &viewer)),
            channel: talk
                .map(|talk| channel_name(talk.channel.as_deref().unwrap_or_default()).to_owned())
                .unwrap_or_default(),
            conversation: talk.map(|talk| talk.id.clone()).unwrap_or_default(),
            known: Known::of(rows, &places, &viewer, zone),
            id,
        })
    });
    let clients = clients.collect();
    let people = inbox::hits(&viewer, &snapshot, "").await?;
    html(&Goals { f, clients, more, people, zone: viewer.zone.name(), past: false })
}

/// The conversation that each of these contacts was in last.
async fn latest_talks(
    snapshot: &Snapshot<'_>,
    viewer: &Viewer,
    contacts: &[String],
) -> Result<HashMap<String, ConversationView>, Problem> {
    let sql = format!(
        "SELECT DISTINCT ON (contact_id) {} FROM {}.conversations WHERE tenant = $1 AND {} \
         ORDER BY contact_id, latest_position DESC",
        columns::<ConversationRow>(),
        snapshot.schema,
        hashed::is_any("contact_id", "$2")
    );
    let values: [Value; 2] = [Box::new(viewer.caller.tenant.to_string()), Box::new(contacts.to_vec())];
    let rows = snapshot.rows::<ConversationRow>(&sql, "position DESC", &values).await?.items;
    let of: HashMap<String, String> = rows.iter().map(|row| (row.id.clone(), row.contact_id.clone())).collect();
    let talks = read::views(snapshot, &viewer.caller, rows).await?;
    Ok(talks.into_iter().filter_map(|talk| Some((of.get(&talk.id)?.clone(), talk))).collect())
}
