//! What the views of all models have in common: how times and reasons are shown, and what is absent.
//!
//! A view is a struct that says what users see of a row, in JSON and on pages alike.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use steward_domain::kernel::Why;

use crate::rows::{Json, Reason};

/// RFC 3339 with offset, to the microsecond.
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A moment, shown as [`time`] writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub DateTime<Utc>);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&time(self.0))
    }
}

/// A text that is there; one that is absent is `null`.
pub fn given(text: String) -> Option<String> {
    Some(text).filter(|t| !t.is_empty())
}

/// The reason that a row holds.
pub fn reason_of(row: Option<Json<Reason>>) -> Option<Reason> {
    row.map(|Json(reason)| reason)
}

/// A reason of the domain's, with the event's id as it stands there, be it empty.
pub fn reason_as_said(why: &Why) -> Reason {
    Reason { code: why.code.clone(), text: why.text.clone(), event_id: Some(why.event_id.clone()) }
}
