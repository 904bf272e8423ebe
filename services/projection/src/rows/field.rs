//! How the value of a column is written in the binary COPY format, and read back.

use std::borrow::Cow;

use bytes::{Buf as _, BufMut, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use tokio_postgres::Row;
use uuid::Uuid;

/// A type whose values a column can hold.
pub trait Field: Sized {
    /// Appends the value's length (four bytes, −1 for NULL) and its bytes.
    fn put(&self, buffer: &mut BytesMut);
    /// Reads the bytes of a value that [`put`](Self::put) has written.
    fn of(bytes: &[u8]) -> Self;
    /// Reads what [`put`](Self::put) has written, and moves behind it.
    fn take(from: &mut &[u8]) -> Self {
        Self::of(take_bytes(from).expect("only an Option is NULL"))
    }
    /// # Errors
    /// The column has another type.
    fn get(row: &Row, index: usize) -> Result<Self, tokio_postgres::Error>;
    /// SQL for the value's length, if that varies.
    fn size(_column: &str) -> Option<String> {
        None
    }
}

fn octets(expression: &str) -> Option<String> {
    Some(format!("coalesce(octet_length({expression}), 0)"))
}

fn put_bytes(buffer: &mut BytesMut, bytes: &[u8]) {
    buffer.put_i32(i32::try_from(bytes.len()).expect("a NATS message is below 64 MB"));
    buffer.put_slice(bytes);
}

/// The bytes of the next value; `None` for NULL.
fn take_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(from.get_i32()).ok()?;
    from.split_off(..length)
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("values of this type have one length")
}

/// The text as Postgres can hold it: NUL, which it can't, becomes U+FFFD.
pub fn storable(text: &str) -> Cow<'_, str> {
    if text.as_bytes().contains(&0) { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// The same for JSON, in which NUL is the escape `\u0000`, unless its backslash is itself escaped.
fn without_escaped_nul(json: String) -> String {
    if !json.contains("\\u0000") {
        return json;
    }
    let mut cleaned = String::with_capacity(json.len());
    let mut rest = json.as_str();
    while let Some(at) = rest.find('\\') {
        // serde_json writes escapes in ASCII: a backslash is followed by one character at least.
        let (before, escape) = rest.split_at(at);
        cleaned.push_str(before);
        let (escape, after) = match escape.strip_prefix("\\u0000") {
            Some(after) => ("\\ufffd", after),
            None => escape.split_at(2),
        };
        cleaned.push_str(escape);
        rest = after;
    }
    cleaned.push_str(rest);
    cleaned
}

impl Field for String {
    fn put(&self, buffer: &mut BytesMut) {
        put_bytes(buffer, storable(self).as_bytes());
    }

    fn of(bytes: &[u8]) -> Self {
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn get(row: &Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        row.try_get(index)
    }

    fn size(column: &str) -> Option<String> {
        octets(column)
    }
}

impl Field for Bytes {
    fn put(&self, buffer: &mut BytesMut) {
        put_bytes(buffer, self);
    }

    fn of(bytes: &[u8]) -> Self {
        Bytes::copy_from_slice(bytes)
    }

    fn get(row: &Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        row.try_get::<_, Vec<u8>>(index).map(Self::from)
    }

    fn size(column: &str) -> Option<String> {
        octets(column)
    }
}

impl Field for bool {
    fn put(&self, buffer: &mut BytesMut) {
        put_bytes(buffer, &[u8::from(*self)]);
    }

    fn of(bytes: &[u8]) -> Self {
        bytes != [0]
    }

    fn get(row: &Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        row.try_get(index)
    }
}

/// A count. A larger one than the column can hold becomes the largest that it can.
impl Field for u32 {
    fn put(&self, buffer: &mut BytesMut) {
        put_bytes(buffer, &i32::try_from(*self).unwrap_or(i32::MAX).to_be_bytes());
    }

    fn of(bytes: &[u8]) -> Self {
        Self::try_from(i32::from_be_bytes(fixed(bytes))).unwrap_or(0)
    }

    fn get(row: &Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        Ok(Self::try_from(row.try_get::<_, i32>(index)?).unwrap_or(0))
    }
}

/// A position in the log.
impl Field for u64 {
    fn put(&self, buffer: &mut BytesMut) {
        put_bytes(buffer, &i64::try_from(*self).unwrap_or(i64::MAX).to_be_bytes());
    }

    fn of(bytes: &[u8]) -> Self {
        Self::try_from(i64::from_be_bytes(fixed(bytes))).unwrap_or(0)
    }

    fn get(row: &Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        Ok(Self::try_from(row.try_get::<_, i64>(index)?).unwrap_or(0))
    }
}

/// 2000-01-01, from which Postgres counts microseconds, as Unix microseconds.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// The years that both Postgres and chrono can hold.
const OLDEST: i64 = -62_135_596_800_000_000;
const NEWEST: i64 = 253_402_300_799_000_000;

impl Field for DateTime<Utc> {
    fn put(&self, buffer: &mut BytesMut) {
        let micros = self.timestamp_micros().clamp(OLDEST, NEWEST);
        put_bytes(buffer, &(micros - POSTGRES_EPOCH).to_be_bytes());
    }

    fn of(bytes: &[u8]) -> Self {
        let micros = i64::from_be_bytes(fixed(bytes)) + POSTGRES_EPOCH;
        Self::from_timestamp_micros(micros).expect("what was written is within the years that both can hold")
    }

    fn get(row: &Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        row.try_get(index)
    }
}

impl Field for Uuid {
    fn put(&self, buffer: &mut BytesMut) {
        put_bytes(buffer, self.as_bytes());
    }

    fn of(bytes: &[u8]) -> Self {
        Self::from_bytes(fixed(bytes))
    }

    fn get(row: &Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        row.try_get(index)
    }
}

/// A value in a `jsonb` column.
#[derive(Debug, Clone, PartialEq)]
pub struct Json<T>(pub T);

impl<T: Serialize + DeserializeOwned> Field for Json<T> {
    fn put(&self, buffer: &mut BytesMut) {
        let text = serde_json::to_string(&self.0).expect("a struct of strings is JSON");
        let text = without_escaped_nul(text);
        buffer.put_i32(i32::try_from(text.len() + 1).expect("a NATS message is below 64 MB"));
        // The version of jsonb's wire format.
        buffer.put_u8(1);
        buffer.put_slice(text.as_bytes());
    }

    fn of(bytes: &[u8]) -> Self {
        Self(serde_json::from_slice(&bytes[1..]).expect("a value of this type was written"))
    }

    fn get(row: &Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        row.try_get::<_, tokio_postgres::types::Json<T>>(index).map(|json| Self(json.0))
    }

    fn size(column: &str) -> Option<String> {
        octets(&format!("{column}::text"))
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, buffer: &mut BytesMut) {
        match self {
            Some(value) => value.put(buffer),
            None => buffer.put_i32(-1),
        }
    }

    fn of(bytes: &[u8]) -> Self {
        Some(T::of(bytes))
    }

    fn take(from: &mut &[u8]) -> Self {
        take_bytes(from).map(T::of)
    }

    fn get(row: &Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        let null = row.try_get::<_, Option<Present>>(index)?.is_none();
        if null { Ok(None) } else { T::get(row, index).map(Some) }
    }

    fn size(column: &str) -> Option<String> {
        T::size(column)
    }
}

/// Reads any value, only to see whether it is NULL.
struct Present;

impl<'a> tokio_postgres::types::FromSql<'a> for Present {
    fn from_sql(
        _: &tokio_postgres::types::Type,
        _: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self)
    }

    fn accepts(_: &tokio_postgres::types::Type) -> bool {
        true
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_nul_in_json_is_replaced_and_words_about_it_are_not() {
        for (text, kept) in [("a\0b", "a\u{fffd}b"), ("\\u0000", "\\u0000"), ("\\\0\\\\u0000é", "\\\u{fffd}\\\\u0000é")]
        {
            let json = without_escaped_nul(serde_json::to_string(text).unwrap());
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), kept, "{json}");
        }
    }
}
