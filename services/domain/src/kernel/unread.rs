//! What a fold says of an event that holds more than this build can read.

use std::str::FromStr;

use steward_proto::Event;

/// A type that isn't one of its aggregate's.
pub(crate) fn unread_type(event: &Event) -> String {
    event.type_name().to_owned()
}

/// A field that takes one of few values, and holds none that this build knows. Left out, it has its default.
pub(crate) fn unread_value(
    event: &Event,
    field: &str,
    value: &str,
    is_known: impl FnOnce(&str) -> bool,
) -> Option<String> {
    let unread = !value.is_empty() && !is_known(value);
    unread.then(|| format!("{} with {field} `{value}`", event.type_name()))
}

/// Likewise an id of this kind.
pub(crate) fn unread_id<T: FromStr>(event: &Event, field: &str, id: &str) -> Option<String> {
    unread_value(event, field, id, |id| id.parse::<T>().is_ok())
}
