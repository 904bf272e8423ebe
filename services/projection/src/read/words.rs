//! What the timeline says of a stored event: one sentence in plain English.

use steward_domain::told;
use steward_language::Language;
use steward_proto::Event;

use crate::models::EventRow;

/// What happened, in one sentence.
pub fn summary(row: &EventRow) -> String {
    match Event::decode(&row.type_name, row.schema_version, &row.payload) {
        Ok(event) => told::summary(&event, Language::En),
        Err(_) => format!("{} (it can't be read)", row.type_name),
    }
}
