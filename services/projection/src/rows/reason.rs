//! Reasons, as rows hold them and as users see them.

use serde::{Deserialize, Serialize};
use steward_domain::kernel::Why;
use steward_proto::v1;
use utoipa::{
    ToSchema,
    openapi::schema::{Object, ObjectBuilder, Type},
};

/// Why something is as it is.
///
/// client_responded: the client wrote first. human_active: a person of ours has the conversation. blocked: the recipient
/// can't be reached. no_such_recipient: the provider knows nobody there. quiet_hours, frequency_cap: policy puts it off.
/// too_late: later than late_limit. by_command, by_client: somebody asked for it. request_revoked: the client
/// deleted the message that asked for it. replaced: another with the same key.
/// said_by_human: a human has said just this. provider_refused: the channel said no. no_answer, claim_expired: it isn't known
/// whether it was sent. window_closed: the channel takes no free text now, and no template is configured for the message.
/// needs_approval: policy asks for a person's approval. injected: taken back when the client wrote, for the next turn to
/// weigh. auto_reply_cap: too many automatic answers went to one correspondent within an hour. breaker_open: sending by
/// itself has stopped until a person resets it. unauthorized, account_stopped: the channel refuses our token or our account
/// until somebody mends it. template_refused: the template is wrong, paused or not approved. opted_out: the recipient wants
/// no marketing, or nothing at all that goes out by itself. withheld: the provider holds it back from this recipient for a day. not_allowed_in_country: the provider
/// takes nothing for the recipient's country. provider_down: the provider has trouble of its own. not_connected: no
/// connection to the provider was made. waits_its_turn: the channel is busy, and it goes when its turn has come. no_model,
/// unknown_tool: nothing here can carry the action out. Of goals, milestones and facts: given_up, not_so, corrected, merged, forgotten. New
/// codes may come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    #[schema(schema_with = reason_codes)]
    pub code: String,
    /// For people, in English.
    pub text: String,
    /// The event that is the reason; `null` if none is named.
    pub event_id: Option<String>,
}

fn reason_codes() -> Object {
    let codes = [
        "client_responded",
        "human_active",
        "window_closed",
        "blocked",
        "no_such_recipient",
        "contact_archived",
        "quiet_hours",
        "frequency_cap",
        "needs_approval",
        "breaker_open",
        "too_late",
        "by_command",
        "given_up",
        "not_so",
        "corrected",
        "merged",
        "forgotten",
        "by_client",
        "request_revoked",
        "replaced",
        "said_by_human",
        "provider_refused",
        "rate_limited",
        "no_answer",
        "claim_expired",
        "partly_sent",
        "channel_not_configured",
        "network",
        "not_connected",
        "injected",
        "auto_reply_cap",
        "undeliverable",
        "failures",
        "volume",
        "unauthorized",
        "account_stopped",
        "template_refused",
        "opted_out",
        "withheld",
        "not_allowed_in_country",
        "provider_down",
        "waits_its_turn",
        "no_model",
        "unknown_tool",
    ];
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)).build()
}

impl From<&Why> for Reason {
    fn from(why: &Why) -> Self {
        let event_id = Some(why.event_id.clone()).filter(|id| !id.is_empty());
        Self { code: why.code.clone(), text: why.text.clone(), event_id }
    }
}

impl From<&Reason> for Why {
    fn from(reason: &Reason) -> Self {
        Self::new(&reason.code, &reason.text, reason.event_id.clone().unwrap_or_default())
    }
}

impl From<&v1::Reason> for Reason {
    fn from(reason: &v1::Reason) -> Self {
        (&Why::from(reason)).into()
    }
}
