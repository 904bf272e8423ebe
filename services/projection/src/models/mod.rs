//! The read models: one folder each, and the trait that is all that projector, rebuild and HTTP know of them.
//!
//! A model's folder holds its rows, its fold, its queries and its views; its tables are made by numbered files of
//! `migrations/read_model`, which it names. A new one is a folder, a file there, and its line in [`all`].

mod contacts;
mod conversations;
mod events;
mod keyed;
mod wanted;
mod webhooks;
mod working_set;

use std::sync::Arc;

use futures::future::BoxFuture;
use steward_proto::{Recorded, TenantId};
use utoipa_axum::router::OpenApiRouter;

pub use contacts::{ContactRow, Met, set_or_said};
pub use conversations::{
    ConversationRow, MessageRow, MessageView, OutgoingView, conversations_of, message_of_outbox, own_conversation,
};
pub use events::EventRow;
pub use keyed::Keyed;
pub use wanted::Wanted;
pub use working_set::WorkingSet;

use crate::{
    error::ProjectionError,
    migrations::Migration,
    read::Desk,
    store::{CopyEncoder, Tables, Trust},
};

/// Every read model there is, holding nothing.
pub fn all() -> Vec<Box<dyn Model>> {
    vec![
        Box::<conversations::Conversations>::default(),
        Box::<contacts::Contacts>::default(),
        Box::<webhooks::Deliveries>::default(),
        Box::<events::Events>::default(),
    ]
}

/// An aggregate: its tenant and its id.
pub type Key = (TenantId, Arc<str>);

/// Work on the tables.
pub type Work<'a> = BoxFuture<'a, Result<(), ProjectionError>>;

/// What is answered over HTTP, and what is said of it in the OpenAPI document.
pub type Routes = OpenApiRouter<Arc<Desk>>;

/// How much is in memory, or may be: rows, and about so many bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    pub rows: usize,
    pub bytes: usize,
}

/// Tables made from events, and what is read of them. A value holds the rows that events have touched; for each batch it is
/// asked to `load`, then to `apply` each event, then to write, and is told that it was `written` when all is committed.
///
/// Rows are all that a model may rely on: after a restart nothing else is there. One that folds with a state of the domain
/// restores it from its rows, and says so.
pub trait Model: Send + Sync {
    /// The files that make its tables and their indexes.
    fn migrations(&self) -> &'static [Migration];

    /// What it answers over HTTP.
    fn routes(&self) -> Routes;

    /// Reads the rows that these events touch and that aren't in memory. One whose rows don't depend on what was there needs
    /// nothing.
    fn load<'a>(&'a mut self, _tables: Tables<'a>, _events: &'a [Recorded]) -> Work<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Folds an event of any aggregate. What it touches was loaded, or is new.
    fn apply(&mut self, recorded: &Recorded);

    /// Writes the rows that changed and may change again.
    fn write<'a>(&'a self, _tables: Tables<'a>, _trust: Trust) -> Work<'a> {
        Box::pin(async { Ok(()) })
    }

    /// They were committed. What needn't be at hand any more is forgotten.
    fn written(&mut self) {}

    /// How many rows wait to be written that will never change, and that no fold asks for.
    fn finished(&self) -> usize {
        0
    }

    /// Writes those.
    fn write_finished<'a>(&'a self, _tables: Tables<'a>, _trust: Trust) -> Work<'a> {
        Box::pin(async { Ok(()) })
    }

    /// They were committed.
    fn finished_written(&mut self) {}

    /// The COPY statement of its table if all its rows are finished ones, in the order of the log: a rebuild streams them.
    fn stream(&self, _schema: &str) -> Option<String> {
        None
    }

    /// Moves its finished rows into that COPY.
    fn drain(&mut self, _into: &mut CopyEncoder) {}

    /// Writes what is left of an event that can't be projected. It is tried by itself, so it may fail.
    fn set_aside<'a>(&'a self, _tables: Tables<'a>, _event: &'a Recorded) -> Work<'a> {
        Box::pin(async { Ok(()) })
    }

    /// How much of what may change is in memory.
    fn held(&self) -> Held {
        Held::default()
    }

    /// Forgets what was touched longest ago until at most three quarters of `most` are left. Only after everything was
    /// written.
    fn shrink(&mut self, _most: Held) {}
}
