//! Usage: the table of calls of models, and what they took and cost, summed up.

mod read;
mod row;

use steward_proto::Recorded;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use read::{Line, since};

use super::{Model, Routes, Work};
use crate::{
    migrations::{Migration, migrations},
    store::{Tables, Trust},
};
use row::CallRow;

/// New rows, which never change.
#[derive(Default)]
pub struct Usage(Vec<CallRow>);

impl Model for Usage {
    fn migrations(&self) -> &'static [Migration] {
        migrations!("read_model": "0015_model_calls")
    }

    fn routes(&self) -> Routes {
        OpenApiRouter::new().routes(routes!(read::usage))
    }

    fn apply(&mut self, recorded: &Recorded) {
        self.0.extend(CallRow::of(recorded));
    }

    fn write_finished<'a>(&'a self, tables: Tables<'a>, _: Trust) -> Work<'a> {
        Box::pin(tables.copy(self.0.iter().collect()))
    }

    fn written(&mut self) {
        self.0.clear();
    }
}
