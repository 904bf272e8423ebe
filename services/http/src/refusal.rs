//! What a caller is answered when the log doesn't take something, or a rule forbids it.

use axum::http::StatusCode;
use steward_domain::{
    contact, conversation,
    kernel::{Nature, Refusal},
    tenant, webhook,
};
use steward_log::{AppendError, DecideError, LogError, SchemaAhead};

use crate::Problem;

impl From<LogError> for Problem {
    /// The cause is logged; the caller isn't told.
    fn from(error: LogError) -> Self {
        tracing::warn!(%error, "the event log didn't answer");
        Self::unavailable(
            "log_unavailable",
            "the event log can't be reached at the moment, so nothing was changed; try again in a second",
        )
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        tracing::warn!(%error, "an append failed");
        match error {
            AppendError::Refused(steward_log::Refusal::Full(_)) => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "log_full",
                "the event log has no room left, so nothing was stored; free disk space or raise its limit, then try again",
            ),
            AppendError::Refused(_) => Self::unavailable(
                "log_misconfigured",
                "the event log refused to store this, so nothing was changed; `steward doctor` says what is wrong",
            ),
            AppendError::TooLarge { limit, .. } => Self::too_large(
                "too_large",
                format!("this makes an event larger than the {limit} bytes that the log takes; send less at once"),
            ),
            AppendError::TooMany(_) | AppendError::BatchTooLarge { .. } => {
                Self::too_large("too_large", "this makes more events than the log takes at once; send less at once")
            }
            AppendError::Unknown { .. } => Self::unavailable(
                "log_unavailable",
                "the event log didn't say whether it stored this; send the same again with the same key, it won't double",
            ),
            AppendError::Contended { .. } | AppendError::Conflict { .. } => Self::unavailable(
                "contended",
                "others kept changing this at the same moment, so nothing was changed; try again in a second",
            ),
            AppendError::Log(error) => error.into(),
            _ => Self::unavailable(
                "log_unavailable",
                "the event log can't be reached at the moment, so nothing was changed; try again in a second",
            ),
        }
    }
}

impl From<SchemaAhead> for Problem {
    fn from(ahead: SchemaAhead) -> Self {
        Self::conflict("schema_ahead", ahead.to_string())
    }
}

/// The status for refusals of this nature.
pub const fn status(nature: Nature) -> StatusCode {
    match nature {
        Nature::Unknown => StatusCode::NOT_FOUND,
        Nature::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Nature::Conflict => StatusCode::CONFLICT,
    }
}

macro_rules! refusals {
    ($($aggregate:ident),*) => {
        $(impl From<$aggregate::Refused> for Problem {
            fn from(refused: $aggregate::Refused) -> Self {
                Self::new(status(refused.nature()), refused.code(), refused.to_string())
            }
        })*
    };
}

refusals!(contact, conversation, tenant, webhook);

impl<R: Into<Problem>> From<DecideError<R>> for Problem {
    fn from(error: DecideError<R>) -> Self {
        match error {
            DecideError::Refused(refused) => refused.into(),
            DecideError::SchemaAhead(ahead) => ahead.into(),
            DecideError::Append(error) => error.into(),
            DecideError::Log(error) => error.into(),
        }
    }
}
