//! Contacts: what the channel says of a person, what was set in Steward, and which contact stands for which.

mod read;
mod row;
mod view;

use steward_proto::{Aggregate, Event, Recorded, v1};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use row::ContactRow;
pub use view::{Met, set_or_said};

use super::{Held, Key, Keyed, Model, Routes, Work};
use crate::{
    migrations::{Migration, migrations},
    rows::Tracked,
    store::{Tables, Trust},
};

/// The contacts that are in memory.
#[derive(Default)]
pub struct Contacts(Keyed<ContactRow>);

impl Model for Contacts {
    fn migrations(&self) -> &'static [Migration] {
        migrations!("read_model": "0003_contacts", "0008_merged_contacts")
    }

    fn routes(&self) -> Routes {
        OpenApiRouter::new().routes(routes!(read::one))
    }

    fn load<'a>(&'a mut self, tables: Tables<'a>, events: &'a [&'a Recorded]) -> Work<'a> {
        let keys = events
            .iter()
            .filter_map(|recorded| Some((recorded.subject.tenant.clone(), self.dealt_by(recorded)?.into())));
        let keys: Vec<Key> = keys.collect();
        Box::pin(self.0.load(tables, keys))
    }

    /// By the contact that the event is about.
    fn dealt_by<'a>(&self, recorded: &'a Recorded) -> Option<&'a str> {
        match (recorded.subject.aggregate.parse(), &recorded.event) {
            (Ok(Aggregate::Conversation), Event::ClientResponded(e)) => Some(&e.contact_id),
            (Ok(Aggregate::Contact), _) => Some(&recorded.subject.id),
            _ => None,
        }
    }

    fn apply(&mut self, recorded: &Recorded) {
        match (recorded.subject.aggregate.parse(), &recorded.event) {
            (Ok(Aggregate::Conversation), Event::ClientResponded(e)) => self.met(recorded, e),
            (Ok(Aggregate::Contact), _) => self.changed(recorded),
            _ => {}
        }
    }

    fn write<'a>(&'a self, tables: Tables<'a>, trust: Trust) -> Work<'a> {
        Box::pin(self.0.write(tables, trust))
    }

    fn written(&mut self) {
        self.0.written();
    }

    fn held(&self) -> Held {
        Held { rows: self.0.len(), bytes: 0 }
    }

    fn shrink(&mut self, _: Held) {
        self.0.clear();
    }
}

impl Contacts {
    fn met(&mut self, recorded: &Recorded, e: &v1::ClientResponded) {
        if e.contact_id.is_empty() {
            return;
        }
        let contact = self.contact(&e.contact_id, recorded);
        let (source, from) = (e.source.as_ref(), e.from.as_ref());
        let said = [
            (&mut contact.row.channel_id, source.map(|s| &s.channel_id)),
            (&mut contact.row.external_id, from.map(|p| &p.id)),
            (&mut contact.row.username, from.map(|p| &p.username)),
            (&mut contact.row.said_name, from.map(|p| &p.name)),
            (&mut contact.row.said_language, from.map(|p| &p.language)),
            (&mut contact.row.said_timezone, from.map(|p| &p.timezone)),
        ];
        let mut changed = false;
        for (column, value) in said {
            if let Some(value) = value.filter(|v| !v.is_empty() && *v != column) {
                column.clone_from(value);
                changed = true;
            }
        }
        // Only this event's own change counts, not that of an earlier one in its batch: in a rebuild batches fall otherwise.
        if changed {
            contact.row.position = recorded.position;
            contact.dirty = true;
        }
    }

    fn changed(&mut self, recorded: &Recorded) {
        let own = recorded.subject.id.clone();
        let contact = self.contact(&own, recorded);
        match &recorded.event {
            Event::ContactChanged(e) => {
                let set = |column: &mut Option<String>, value: &Option<String>| {
                    if value.is_some() {
                        column.clone_from(value);
                    }
                };
                set(&mut contact.row.set_name, &e.name);
                set(&mut contact.row.set_language, &e.language);
                set(&mut contact.row.set_timezone, &e.timezone);
                contact.row.followup_hour = e.followup_hour.or(contact.row.followup_hour);
            }
            Event::ContactArchived(_) => contact.row.archived = true,
            // The event stands on both contacts; the surviving one points nowhere.
            Event::ContactMerged(e) if *own == *e.contact_id => contact.row.merged_into = Some(e.into.clone()),
            Event::ContactSplit(e) if *own == *e.contact_id => contact.row.merged_into = None,
            _ => {}
        }
        contact.row.position = recorded.position;
        contact.dirty = true;
    }

    fn contact(&mut self, id: &str, recorded: &Recorded) -> &mut Tracked<ContactRow> {
        let tenant = &recorded.subject.tenant;
        self.0.touch((tenant.clone(), id.into()), || ContactRow::new(tenant.as_str(), id, recorded.position))
    }
}
