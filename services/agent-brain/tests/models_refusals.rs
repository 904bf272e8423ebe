//! What the providers' refusals mean, status by status, as their documents have them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};
use steward_agent_brain::models::{
    ModelError, Param,
    providers::{self, Refusal},
};
use steward_settings::ModelKind;

fn meant(kind: ModelKind, status: u16, body: &Value) -> ModelError {
    let body = body.to_string();
    providers::error(kind, &Refusal { status, headers: &[], body: body.as_bytes(), now: Utc::now() }).error
}

const INVALID: ModelError = ModelError::Invalid { param: None };
const BUSY: ModelError = ModelError::Overloaded { after: None };
const LIMITED: ModelError = ModelError::RateLimited { after: None };

fn after(seconds: u64) -> ModelError {
    ModelError::RateLimited { after: Some(Duration::from_secs(seconds)) }
}

#[test]
fn anthropics_refusals() {
    let error = |name: &str, message: &str, code: Option<&str>| {
        let details = code.map(|code| json!({ "error_code": code }));
        json!({ "type": "error", "error": { "type": name, "message": message, "details": details }, "request_id": "r" })
    };
    let named = |name: &str| error(name, "x", None);
    let invalid = |message: &str| error("invalid_request_error", message, None);
    for (status, body, expected) in [
        (400, invalid("messages: roles must alternate"), INVALID),
        (400, invalid("prompt is too long: 210000 tokens > 200000 maximum"), ModelError::TooLong),
        (400, invalid("Your credit balance is too low to access the API."), ModelError::Money),
        (
            400,
            invalid("adaptive thinking is not supported on this model"),
            ModelError::Invalid { param: Some(Param::Effort) },
        ),
        (401, named("authentication_error"), ModelError::Auth),
        (402, named("billing_error"), ModelError::Money),
        (403, named("permission_error"), ModelError::Auth),
        (404, error("not_found_error", "model: m", None), ModelError::NotFound),
        (408, Value::Null, ModelError::Timeout),
        (409, Value::Null, BUSY),
        (413, named("request_too_large"), ModelError::TooLong),
        (429, named("rate_limit_error"), LIMITED),
        (429, error("rate_limit_error", "x", Some("ramp_limit_exceeded")), LIMITED),
        (429, error("rate_limit_error", "x", Some("enforced_spend_limit_reached")), ModelError::Money),
        (429, error("rate_limit_error", "x", Some("contract_spend_limit_reached")), ModelError::Money),
        (500, named("api_error"), BUSY),
        (504, named("timeout_error"), ModelError::Timeout),
        (529, named("overloaded_error"), BUSY),
        (529, Value::Null, BUSY),
        (301, Value::Null, ModelError::NotFound),
    ] {
        assert_eq!(meant(ModelKind::Anthropic, status, &body), expected, "{status} {body}");
    }
}

#[test]
fn openais_refusals() {
    let error = |kind: &str, code: &str, param: &str, message: &str| {
        let text = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
        json!({ "error": { "type": kind, "code": text(code), "param": text(param), "message": message } })
    };
    let invalid = |code, param, message| error("invalid_request_error", code, param, message);
    let without = |param| ModelError::Invalid { param: Some(param) };
    for (status, body, expected) in [
        (400, invalid("", "messages", "x"), INVALID),
        (400, invalid("context_length_exceeded", "messages", "x"), ModelError::TooLong),
        (400, invalid("unsupported_parameter", "reasoning_effort", "x"), without(Param::Effort)),
        (400, invalid("unsupported_value", "reasoning.effort", "x"), without(Param::Effort)),
        (400, invalid("unsupported_parameter", "stop", "x"), INVALID),
        (400, invalid("", "include", "Encrypted content is not supported with this model."), without(Param::Thoughts)),
        (400, invalid("unknown_parameter", "stream_options", "Unknown parameter."), without(Param::StreamOptions)),
        (422, json!({ "error": "unexpected field: parallel_tool_calls" }), without(Param::ParallelCalls)),
        (400, invalid("model_not_found", "", "x"), ModelError::NotFound),
        (400, error("", "content_filter", "prompt", "x"), ModelError::Blocked { category: "content_filter" }),
        (401, invalid("invalid_api_key", "", "x"), ModelError::Auth),
        (403, error("", "unsupported_country_region_territory", "", "x"), ModelError::Auth),
        (404, invalid("model_not_found", "model", "x"), ModelError::NotFound),
        (404, json!({ "error": "model 'llama' not found" }), ModelError::NotFound),
        (429, error("requests", "rate_limit_exceeded", "", "Please try again in 2s."), after(2)),
        (429, error("tokens", "rate_limit_exceeded", "", "x"), LIMITED),
        (429, error("", "slow_down", "", "x"), LIMITED),
        (429, error("insufficient_quota", "insufficient_quota", "", "x"), ModelError::Money),
        (429, error("insufficient_quota", "credit_balance_exhausted", "", "x"), ModelError::Money),
        (429, error("", "organization_spend_limit_exceeded", "", "x"), ModelError::Money),
        (429, error("", "project_spend_limit_exceeded", "", "x"), ModelError::Money),
        (429, error("", "organization_usage_limit_exceeded", "", "x"), ModelError::Money),
        (500, error("server_error", "", "", "x"), BUSY),
        (503, error("", "slow_down", "", "x"), BUSY),
        (503, error("", "server_is_overloaded", "", "x"), BUSY),
        (504, Value::Null, ModelError::Timeout),
    ] {
        for kind in [ModelKind::Openai, ModelKind::OpenaiResponses] {
            assert_eq!(meant(kind, status, &body), expected, "{status} {body}");
        }
    }
}

#[test]
fn geminis_refusals() {
    let error = |status: &str, message: &str, details: Value| json!({ "error": { "code": 0, "status": status, "message": message, "details": details } });
    let named = |status: &str| error(status, "x", Value::Null);
    let quota = |id: &str, delay: &str| {
        json!([
            { "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{ "quotaId": id }] },
            { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay },
        ])
    };
    let billing = "You exceeded your current quota, please check your plan and billing details.";
    let bad_key = json!([{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID" }]);
    let no_thinking = "Thinking level is not supported for this model.";
    for (status, body, expected) in [
        (400, named("INVALID_ARGUMENT"), INVALID),
        (400, error("INVALID_ARGUMENT", "API key not valid.", bad_key), ModelError::Auth),
        (400, error("INVALID_ARGUMENT", no_thinking, Value::Null), ModelError::Invalid { param: Some(Param::Effort) }),
        (400, named("FAILED_PRECONDITION"), ModelError::Auth),
        (402, named("PERMISSION_DENIED"), ModelError::Money),
        (403, named("PERMISSION_DENIED"), ModelError::Auth),
        (404, named("NOT_FOUND"), ModelError::NotFound),
        (429, error("RESOURCE_EXHAUSTED", billing, quota("RequestsPerMinutePerProject", "34s")), after(34)),
        (429, error("RESOURCE_EXHAUSTED", billing, quota("RequestsPerDayPerProject", "34s")), after(3600)),
        (429, named("RESOURCE_EXHAUSTED"), LIMITED),
        (429, error("RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.", Value::Null), ModelError::Money),
        (499, named("CANCELLED"), BUSY),
        (500, named("INTERNAL"), BUSY),
        (503, named("UNAVAILABLE"), BUSY),
        (504, named("DEADLINE_EXCEEDED"), ModelError::Timeout),
    ] {
        assert_eq!(meant(ModelKind::Gemini, status, &body), expected, "{status} {body}");
        // Without events, the same comes in a list.
        assert_eq!(meant(ModelKind::Gemini, status, &json!([body])), expected, "{status} {body}");
    }
}
