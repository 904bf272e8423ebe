//! What is remembered of contacts: goals, milestones and facts.

mod read;
mod row;
pub mod standing;
mod view;

use steward_proto::{Aggregate, Recorded};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use read::of_contacts;
pub use row::RememberedRow;
pub use view::{FactView, GoalView, MilestoneView};

use self::row::Change;
use super::{Held, Key, Keyed, Model, Routes, Work};
use crate::{
    migrations::{Migration, migrations},
    store::{Tables, Trust},
};

/// What is in memory of it.
#[derive(Default)]
pub struct Remembered(Keyed<RememberedRow>);

/// What an event of a contact changes.
fn change(recorded: &Recorded) -> Option<Change<'_>> {
    (recorded.subject.aggregate.parse() == Ok(Aggregate::Contact)).then(|| Change::of(&recorded.event))?
}

impl Model for Remembered {
    fn migrations(&self) -> &'static [Migration] {
        migrations!("read_model": "0018_remembered")
    }

    fn routes(&self) -> Routes {
        OpenApiRouter::new()
            .routes(routes!(read::goals))
            .routes(routes!(read::milestones))
            .routes(routes!(read::facts))
            .routes(routes!(read::goal))
            .routes(routes!(read::milestone))
            .routes(routes!(read::fact))
    }

    fn load<'a>(&'a mut self, tables: Tables<'a>, events: &'a [&'a Recorded]) -> Work<'a> {
        let key = |recorded: &&Recorded| {
            let change = change(recorded)?;
            Some((recorded.subject.tenant.clone(), change.id.into()))
        };
        let keys: Vec<Key> = events.iter().filter_map(key).collect();
        Box::pin(self.0.load(tables, keys))
    }

    /// By what it is about, which is one contact's.
    fn dealt_by<'a>(&self, recorded: &'a Recorded) -> Option<&'a str> {
        change(recorded).map(|change| change.id)
    }

    fn apply(&mut self, recorded: &Recorded) {
        let Some(change) = change(recorded) else { return };
        let key = (recorded.subject.tenant.clone(), change.id.into());
        let tracked = self.0.touch(key, || RememberedRow::new(recorded, change.id));
        tracked.row.apply(recorded, &change);
        tracked.dirty = true;
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
