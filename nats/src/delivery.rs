//! The subject that acknowledges a message, whose tokens say what the consumer knows of the message.

use chrono::{DateTime, Utc};

/// `$JS.ACK.{stream}.{consumer}.{tries}.{stream sequence}.{consumer sequence}.{time}.{pending}`; with domain and account
/// before the stream, and more tokens behind, in the newer form (ADR-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub tries: u64,
    pub position: u64,
    /// How often the consumer has delivered anything, this message included.
    pub counted: u64,
    /// When the message was stored, in nanoseconds since 1970.
    nanoseconds: i64,
    /// How many matching messages come after this one.
    pub pending: u64,
}

impl Delivered {
    pub fn read(reply: &str) -> Option<Self> {
        let mut tokens = reply.strip_prefix("$JS.ACK.")?.split('.');
        let skip = if tokens.clone().count() >= 9 { 4 } else { 2 };
        let mut number = || tokens.next()?.parse::<u64>().ok();
        for _ in 0..skip {
            number();
        }
        Some(Self {
            tries: number()?,
            position: number()?,
            counted: number()?,
            nanoseconds: i64::try_from(number()?).ok()?,
            pending: number()?,
        })
    }

    pub fn stored_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.nanoseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let expected =
            Delivered { tries: 2, position: 1_042, counted: 77, nanoseconds: 1_795_253_400_123_456_789, pending: 5 };
        for reply in [
            "$JS.ACK.EVENTS.worker.2.1042.77.1795253400123456789.5",
            "$JS.ACK.hub.ACCHASH.EVENTS.worker.2.1042.77.1795253400123456789.5",
            "$JS.ACK._.ACCHASH.EVENTS.worker.2.1042.77.1795253400123456789.5.random",
        ] {
            assert_eq!(Delivered::read(reply), Some(expected), "{reply}");
        }
        assert_eq!(expected.stored_at().timestamp_millis(), 1_795_253_400_123);
    }

    #[test]
    fn anything_else_is_none() {
        for reply in ["", "_INBOX.x.1", "$JS.ACK.EVENTS.worker.2.1042", "$JS.ACK.EVENTS.worker.a.b.c.d.e"] {
            assert_eq!(Delivered::read(reply), None, "{reply}");
        }
    }
}
