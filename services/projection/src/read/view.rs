//! What the views of all models share: how times and reasons are shown, and what is absent.
//!
//! A view is a struct that says what users see of a row: in JSON, on pages and in the OpenAPI document alike. Each
//! field is always there; a value that is absent is `null`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use steward_domain::kernel::Why;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, RefOr, SchemaFormat,
        schema::{Object, ObjectBuilder, Schema, Type},
    },
};

use crate::rows::{Json, Reason};

/// A moment: RFC 3339 in UTC, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub DateTime<Utc>);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339 with offset"))
            .into()
    }
}

impl ToSchema for Time {}

/// One page of a list, newest first.
#[derive(Serialize, ToSchema)]
pub struct List<T: ToSchema> {
    pub items: Vec<T>,
    /// Pass this on as `cursor` to get the next page.
    pub next_cursor: Option<String>,
}

/// The schema of a text that is one of these words.
pub fn one_of(words: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

/// The text, or `null` in place of an empty one.
pub fn given(text: String) -> Option<String> {
    Some(text).filter(|t| !t.is_empty())
}

/// The reason in a row, if there is one.
pub fn reason_of(row: Option<Json<Reason>>) -> Option<Reason> {
    row.map(|Json(reason)| reason)
}

/// A reason of the domain's; the event's id is kept as it is, even if it is empty.
pub fn reason_as_said(why: &Why) -> Reason {
    Reason { code: why.code.clone(), text: why.text.clone(), event_id: Some(why.event_id.clone()) }
}
