//! Outgoing webhooks: the table of deliveries. What a webhook itself is, is folded from its events when somebody asks.

mod read;
mod row;
mod view;

use std::collections::HashMap;

use steward_proto::{Aggregate, Recorded};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use read::newest;

use super::{Held, Model, Routes, Work};
use crate::{
    migrations::{Migration, migrations},
    rows::Entity as _,
    store::{Tables, Trust},
};
use row::DeliveryRow;

/// The rows of deliveries that have changed. Each outcome says all there is to say, so nothing is read from the table.
#[derive(Default)]
pub struct Deliveries(HashMap<[String; 3], DeliveryRow>);

impl Model for Deliveries {
    fn migrations(&self) -> &'static [Migration] {
        migrations!("read_model": "0006_webhook_deliveries")
    }

    fn routes(&self) -> Routes {
        OpenApiRouter::new().routes(routes!(read::list)).routes(routes!(read::one)).routes(routes!(read::deliveries))
    }

    fn apply(&mut self, recorded: &Recorded) {
        if recorded.subject.aggregate.parse() == Ok(Aggregate::Delivery)
            && let Some(row) = DeliveryRow::of(recorded)
        {
            self.0.insert(row.key().map(str::to_owned), row);
        }
    }

    fn write<'a>(&'a self, tables: Tables<'a>, _: Trust) -> Work<'a> {
        Box::pin(tables.overwrite(self.0.values()))
    }

    fn written(&mut self) {
        self.0.clear();
    }

    fn held(&self) -> Held {
        Held { rows: self.0.len(), bytes: 0 }
    }
}
