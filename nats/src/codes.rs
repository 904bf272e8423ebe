//! The server's error codes by name, with what each one asks us to do.

use serde::Deserialize;

/// `err_code` of JetStream's API errors (`server/errors.json` of nats-server).
pub mod code {
    pub const CLUSTER_NOT_AVAILABLE: u64 = 10008;
    pub const CONSUMER_NOT_FOUND: u64 = 10014;
    pub const INSUFFICIENT_RESOURCES: u64 = 10023;
    pub const MEMORY_EXCEEDED: u64 = 10028;
    pub const MESSAGE_NOT_FOUND: u64 = 10037;
    pub const NOT_ENABLED_FOR_ACCOUNT: u64 = 10039;
    pub const STORAGE_EXCEEDED: u64 = 10047;
    pub const STREAM_CREATE_FAILED: u64 = 10049;
    pub const STREAM_CONFIG_INVALID: u64 = 10052;
    pub const MESSAGE_TOO_LARGE: u64 = 10054;
    pub const STREAM_NOT_FOUND: u64 = 10059;
    pub const WRONG_LAST_MESSAGE_ID: u64 = 10070;
    /// The expected version isn't the aggregate's; the description ends with the actual one.
    pub const WRONG_LAST_SEQUENCE: u64 = 10071;
    pub const NOT_ENABLED: u64 = 10076;
    /// A limit of the stream was reached, or the disk is full.
    pub const STORE_FAILED: u64 = 10077;
    pub const ROLLUP_REFUSED: u64 = 10111;
    /// In a cluster: the first copy with the same message id is still being stored.
    pub const DUPLICATE_IN_FLIGHT: u64 = 10158;
    /// Two messages of a batch expect a version of the same subject.
    pub const WRONG_LAST_SEQUENCE_IN_BATCH: u64 = 10164;
    pub const TTL_INVALID: u64 = 10165;
    pub const BATCH_NOT_ALLOWED: u64 = 10174;
    pub const BATCH_WITHOUT_SEQUENCE: u64 = 10175;
    /// The batch's start or another part of it is missing.
    pub const BATCH_INCOMPLETE: u64 = 10176;
    pub const BATCH_HEADER_UNSUPPORTED: u64 = 10177;
    pub const BATCH_ID_INVALID: u64 = 10179;
    pub const SCHEDULES_NOT_ALLOWED: u64 = 10188;
    pub const SCHEDULE_PATTERN_INVALID: u64 = 10189;
    pub const SCHEDULE_TARGET_INVALID: u64 = 10190;
    pub const EXPECTED_SUBJECT_WITHOUT_SEQUENCE: u64 = 10193;
    pub const BATCH_TOO_LARGE: u64 = 10199;
    pub const BATCH_COMMIT_INVALID: u64 = 10200;
    /// A message id in the batch was stored before; nothing of the batch was stored now.
    pub const BATCH_DUPLICATE: u64 = 10201;
    pub const BATCHES_IN_FLIGHT: u64 = 10210;
    pub const SCHEDULER_HEADER_FORGED: u64 = 10212;
    pub const SCHEDULE_ZONE_INVALID: u64 = 10223;
}

/// An error that the server answered with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("{description} (JetStream error {err_code})")]
pub struct ServerError {
    #[serde(default)]
    pub err_code: u64,
    #[serde(default)]
    pub description: String,
}

/// What to do when the server refuses an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// An expected version is stale: find out whose it is, and have that decision made again.
    Conflict,
    /// A message id is known already: find the event that was stored under it.
    Duplicate,
    /// The reason will pass: try again after a moment.
    Later,
    /// The batch is too large: split it.
    Split,
    /// The log has no room: an operator must act.
    Full,
    /// The server or the stream isn't set up for this: an operator must act.
    Misconfigured,
    /// The server will never take this message.
    Never,
}

/// A refusal that no retry can mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the log is full: {0}. Free disk space or raise the limit of the stream or account; nothing was stored")]
    Full(ServerError),
    #[error("the log isn't set up for this: {0}. Check the server's JetStream settings and run `steward doctor`")]
    Misconfigured(ServerError),
    #[error("the log will never take this event: {0}")]
    Never(ServerError),
}

impl ServerError {
    pub fn treatment(&self) -> Treatment {
        use code::*;
        match self.err_code {
            WRONG_LAST_SEQUENCE | WRONG_LAST_SEQUENCE_IN_BATCH | WRONG_LAST_MESSAGE_ID => Treatment::Conflict,
            BATCH_DUPLICATE => Treatment::Duplicate,
            CLUSTER_NOT_AVAILABLE | DUPLICATE_IN_FLIGHT | BATCH_INCOMPLETE | BATCHES_IN_FLIGHT => Treatment::Later,
            BATCH_TOO_LARGE => Treatment::Split,
            INSUFFICIENT_RESOURCES | MEMORY_EXCEEDED | STORAGE_EXCEEDED | STORE_FAILED => Treatment::Full,
            NOT_ENABLED_FOR_ACCOUNT | NOT_ENABLED | STREAM_NOT_FOUND | STREAM_CONFIG_INVALID | BATCH_NOT_ALLOWED => {
                Treatment::Misconfigured
            }
            _ => Treatment::Never,
        }
    }

    /// The aggregate's actual version, if the error names it.
    pub fn actual_sequence(&self) -> Option<u64> {
        if self.err_code != code::WRONG_LAST_SEQUENCE {
            return None;
        }
        self.description.rsplit(' ').next()?.parse().ok()
    }

    pub(crate) fn refusal(self) -> Refusal {
        match self.treatment() {
            Treatment::Full => Refusal::Full(self),
            Treatment::Misconfigured => Refusal::Misconfigured(self),
            _ => Refusal::Never(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(err_code: u64, description: &str) -> ServerError {
        ServerError { err_code, description: description.to_owned() }
    }

    #[test]
    fn every_code_that_an_append_can_meet_has_its_treatment() {
        for (number, treatment) in [
            (10071, Treatment::Conflict),
            (10164, Treatment::Conflict),
            (10201, Treatment::Duplicate),
            (10176, Treatment::Later),
            (10210, Treatment::Later),
            (10158, Treatment::Later),
            (10199, Treatment::Split),
            (10077, Treatment::Full),
            (10047, Treatment::Full),
            (10174, Treatment::Misconfigured),
            (10054, Treatment::Never),
            (10177, Treatment::Never),
        ] {
            assert_eq!(error(number, "").treatment(), treatment, "{number}");
        }
    }

    #[test]
    fn a_conflict_names_the_actual_version() {
        assert_eq!(error(10071, "wrong last sequence: 42").actual_sequence(), Some(42));
        assert_eq!(error(10164, "wrong last sequence").actual_sequence(), None);
    }
}
