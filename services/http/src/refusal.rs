//! What a caller is told when the log doesn't take something, or a rule forbids it.

use axum::http::StatusCode;
use steward_domain::conversation::Refused;
use steward_log::{AppendError, DecideError, LogError, Refusal};

use crate::Problem;

impl From<LogError> for Problem {
    /// The cause goes to the log of this process, not to the caller.
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
            AppendError::Refused(Refusal::Full(_)) => Self::new(
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
            AppendError::TooMany(_) => {
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

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let Refused { code, detail } = refused;
        Self::new(status_of(code), code, detail)
    }
}

/// The status of a refusal by the rules.
pub fn status_of(code: &str) -> StatusCode {
    match code {
        _ if code.starts_with("unknown_") => StatusCode::NOT_FOUND,
        "empty_text" | "past" | "too_far" => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    }
}

impl<R: Into<Problem>> From<DecideError<R>> for Problem {
    fn from(error: DecideError<R>) -> Self {
        match error {
            DecideError::Refused(refused) => refused.into(),
            DecideError::Append(error) => error.into(),
            DecideError::Log(error) => error.into(),
        }
    }
}
