//! The read models: one folder each, and the trait through which projector, rebuild and HTTP know them.
//!
//! A model's folder holds its rows, fold, queries and views. Numbered files of `migrations/read_model`, which the model
//! names, make its tables. A new model is a folder, a file there, and a line in [`all`].

mod contacts;
pub mod conversations;
mod events;
mod keyed;
pub mod remembered;
pub mod usage;
mod wanted;
pub mod webhooks;
mod working_set;

use std::sync::Arc;

use futures::future::BoxFuture;
use steward_proto::{Recorded, TenantId};
use utoipa_axum::router::OpenApiRouter;

pub use contacts::{ContactRow, Met, set_or_said};
pub use conversations::{
    ConversationRow, MessageRow, MessageView, OutgoingView, conversations_of, message_of_outbox, own_conversation,
};
pub use events::{EventRow, linked as events_linked, page as events_page};
pub use keyed::Keyed;
pub use remembered::{FactView, GoalView, MilestoneView, of_contacts};
pub use wanted::Wanted;
pub use working_set::WorkingSet;

use crate::{
    error::ProjectionError,
    migrations::Migration,
    read::Desk,
    store::{Tables, Trust},
};

/// All read models, with nothing in memory.
pub fn all() -> Vec<Box<dyn Model>> {
    vec![
        Box::<conversations::Conversations>::default(),
        Box::<contacts::Contacts>::default(),
        Box::<remembered::Remembered>::default(),
        Box::<webhooks::Deliveries>::default(),
        Box::<usage::Usage>::default(),
        Box::<events::Events>::default(),
    ]
}

/// Names an aggregate, by its tenant and its id.
pub type Key = (TenantId, Arc<str>);

/// Work on the tables, under way.
pub type Work<'a> = BoxFuture<'a, Result<(), ProjectionError>>;

/// What a model answers over HTTP, with what the OpenAPI document says of it.
pub type Routes = OpenApiRouter<Arc<Desk>>;

/// How much is in memory, or may be: a number of rows, and about how many bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    pub rows: usize,
    pub bytes: usize,
}

/// A read model: tables made from events, and the answers read from them. A value holds the rows that events have
/// touched. For each batch it is asked to `load`, then to `apply` each event, then to `write`, and is told that all was
/// `written` when it is committed.
///
/// A model may rely on nothing but its rows, since after a restart nothing else is there. One that folds with a state
/// of the domain restores that from its rows, and says so.
pub trait Model: Send + Sync {
    /// The SQL files that make its tables and their indexes.
    fn migrations(&self) -> &'static [Migration];

    /// Its routes.
    fn routes(&self) -> Routes;

    /// Reads the rows that these events touch and that aren't in memory. A model whose rows don't depend on earlier
    /// ones needs nothing.
    fn load<'a>(&'a mut self, _tables: Tables<'a>, _events: &'a [&'a Recorded]) -> Work<'a> {
        Box::pin(async { Ok(()) })
    }

    /// By what a rebuild deals out events, so that partitions of rows are folded side by side: events that touch the same
    /// row must agree in their tenant and in this. `None`: the event touches no row.
    fn dealt_by<'a>(&self, recorded: &'a Recorded) -> Option<&'a str> {
        Some(&recorded.subject.id)
    }

    /// Folds an event of any aggregate. The rows that it touches were loaded, or are new.
    fn apply(&mut self, recorded: &Recorded);

    /// Writes the rows that have changed and may change again.
    fn write<'a>(&'a self, _tables: Tables<'a>, _trust: Trust) -> Work<'a> {
        Box::pin(async { Ok(()) })
    }

    /// All rows were committed, so what isn't needed any more may be forgotten.
    fn written(&mut self) {}

    /// Writes the rows that will never change.
    fn write_finished<'a>(&'a self, _tables: Tables<'a>, _trust: Trust) -> Work<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Writes what can be kept of an event that can't be projected. It is tried by itself, so it may fail.
    fn set_aside<'a>(&'a self, _tables: Tables<'a>, _event: &'a Recorded) -> Work<'a> {
        Box::pin(async { Ok(()) })
    }

    /// How much is in memory of what may change.
    fn held(&self) -> Held {
        Held::default()
    }

    /// Forgets the rows that were touched longest ago, until three quarters of `most` are left at most. Only called
    /// after everything was written.
    fn shrink(&mut self, _most: Held) {}
}
