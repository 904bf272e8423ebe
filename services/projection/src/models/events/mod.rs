//! Events: the log itself as a table, with one row for each event, which never changes and which no fold asks for.

mod read;
mod row;
mod view;

use steward_proto::Recorded;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use read::page;
pub use row::EventRow;

use super::{Model, Routes, Work};
use crate::{
    migrations::{Migration, migrations},
    store::{Tables, Trust},
};

/// The rows that aren't written yet.
#[derive(Default)]
pub struct Events(Vec<EventRow>);

impl Model for Events {
    fn migrations(&self) -> &'static [Migration] {
        migrations!("read_model": "0001_events", "0010_hashed_events")
    }

    fn routes(&self) -> Routes {
        OpenApiRouter::new().routes(routes!(read::list))
    }

    fn apply(&mut self, recorded: &Recorded) {
        self.0.push(EventRow::from(recorded));
    }

    fn write_finished<'a>(&'a self, tables: Tables<'a>, _: Trust) -> Work<'a> {
        Box::pin(tables.copy(self.0.iter().collect()))
    }

    fn written(&mut self) {
        self.0.clear();
    }

    /// Keeps the event itself, if the table takes it.
    fn set_aside<'a>(&'a self, tables: Tables<'a>, event: &'a Recorded) -> Work<'a> {
        Box::pin(async move { tables.copy(vec![&EventRow::from(event)]).await })
    }
}
