//! WhatsApp, outward: sends by the Cloud API's `messages`, and says what the answer means.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use steward_domain::{
    settings::Template,
    whatsapp::{Meaning, Reference, known},
};
use steward_log::Clock;
use steward_settings::{Secret, WhatsApp};

use super::{
    Outbound, Sent, Sign, TemplateCall, Way, answer,
    broken::{broken, plain},
};

/// The version of the Graph API that requests are written for.
const VERSION: &str = "v23.0";

/// Most characters of a text above buttons; below, of a button, and the most buttons (Cloud API, "Interactive reply
/// buttons").
const ABOVE_BUTTONS: usize = 1024;
const BUTTON: usize = 20;
const BUTTONS: usize = 3;

/// A number that can send.
#[derive(Clone)]
pub struct Number {
    messages: String,
    access_token: Secret,
    templates: Vec<Template>,
    client: reqwest::Client,
}

impl std::fmt::Debug for Number {
    /// Leaves the token out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Number").field("messages", &self.messages).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Request {
    messaging_product: &'static str,
    recipient_type: &'static str,
    #[serde(flatten)]
    recipient: Recipient,
    #[serde(flatten)]
    content: Value,
    biz_opaque_callback_data: String,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Recipient {
    /// A phone number.
    To(String),
    /// A business-scoped user id.
    Recipient(String),
}

/// The Cloud API's own answer: a send that it accepted, or an error.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    messages: Vec<Accepted>,
    error: Option<ApiError>,
}

#[derive(Deserialize)]
struct Accepted {
    id: String,
    message_status: Option<String>,
}

#[derive(Deserialize)]
struct ApiError {
    code: i64,
    message: Option<String>,
    error_data: Option<Value>,
    #[serde(default)]
    is_transient: bool,
}

/// The number's way out.
pub fn way_of(whatsapp: &WhatsApp, client: &reqwest::Client) -> Option<Number> {
    Some(Number::of(whatsapp, client))
}

impl Number {
    fn of(whatsapp: &WhatsApp, client: &reqwest::Client) -> Self {
        Self {
            messages: format!("{}/{VERSION}/{}/messages", whatsapp.api_base, whatsapp.phone_number_id),
            access_token: whatsapp.access_token.clone(),
            templates: whatsapp.templates.clone(),
            client: client.clone(),
        }
    }

    /// The address is a phone number or a business-scoped user id.
    async fn send_part(&self, out: &Outbound, now: DateTime<Utc>) -> Sent {
        let response = match self
            .client
            .post(&self.messages)
            .bearer_auth(self.access_token.expose())
            .json(&request(out))
            .send()
            .await
        {
            Ok(response) => response,
            Err(error) => return broken(&error),
        };
        let status = response.status().as_u16();
        match answer::read(response).await {
            Ok(bytes) => answered(status, &bytes, out.attempt, now),
            Err(unread) => Sent::Unknown { text: unread.to_string() },
        }
    }

    /// Marks a client's message and those before it as read, and shows "typing…" until it is answered, for 25 s at
    /// most. It is tried once, since nothing depends on it.
    async fn read(&self, provider_message_id: &str) {
        let body = MarkRead {
            messaging_product: "whatsapp",
            status: "read",
            message_id: provider_message_id,
            typing_indicator: json!({ "type": "text" }),
        };
        if let Err(error) =
            self.client.post(&self.messages).bearer_auth(self.access_token.expose()).json(&body).send().await
        {
            tracing::debug!(error = plain(&error), "a message wasn't marked as read");
        }
    }
}

impl Way for Number {
    fn send<'a>(&'a self, out: &'a Outbound, clock: &'a Clock) -> BoxFuture<'a, Sent> {
        Box::pin(self.send_part(out, clock.now()))
    }

    fn templates(&self) -> &[Template] {
        &self.templates
    }

    fn signs(&self) -> &'static [Sign] {
        &[Sign::Read]
    }

    fn show<'a>(&'a self, sign: Sign, what: &'a str) -> BoxFuture<'a, Option<Duration>> {
        Box::pin(async move {
            if sign == Sign::Read {
                self.read(what).await;
            }
            None
        })
    }
}

#[derive(Serialize)]
struct MarkRead<'a> {
    messaging_product: &'static str,
    status: &'static str,
    message_id: &'a str,
    typing_indicator: Value,
}

fn request(out: &Outbound) -> Request {
    let reference = Reference {
        message_id: out.message_id,
        part: u32::try_from(out.part).unwrap_or(u32::MAX),
        claim_id: out.claim_id,
    };
    Request {
        messaging_product: "whatsapp",
        recipient_type: "individual",
        recipient: recipient(&out.external_id),
        content: content(out),
        biz_opaque_callback_data: reference.to_string(),
    }
}

fn recipient(address: &str) -> Recipient {
    let number = address.strip_prefix('+').unwrap_or(address);
    if number.bytes().all(|b| b.is_ascii_digit()) {
        Recipient::To(address.to_owned())
    } else {
        Recipient::Recipient(address.to_owned())
    }
}

fn content(out: &Outbound) -> Value {
    if let Some(call) = &out.template {
        return template(call);
    }
    // A text too long to stand above buttons goes without them; it says itself what may be answered.
    if out.buttons.is_empty() || out.text.chars().count() > ABOVE_BUTTONS {
        return json!({ "type": "text", "text": { "body": out.text, "preview_url": false } });
    }
    let buttons = out.buttons.iter().take(BUTTONS).map(|button| {
        let title: String = button.title.chars().take(BUTTON).collect();
        json!({ "type": "reply", "reply": { "id": button.id, "title": title } })
    });
    let action = json!({ "buttons": buttons.collect::<Vec<_>>() });
    json!({ "type": "interactive", "interactive": { "type": "button", "body": { "text": out.text }, "action": action } })
}

fn template(call: &TemplateCall) -> Value {
    // A parameter must not hold line breaks, tabs or long runs of spaces.
    let plain = |text: &String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let parameters: Vec<Value> = call.parameters.iter().map(|p| json!({ "type": "text", "text": plain(p) })).collect();
    let mut template = json!({ "name": call.name, "language": { "code": call.language } });
    if !parameters.is_empty() {
        template["components"] = json!([{ "type": "body", "parameters": parameters }]);
    }
    json!({ "type": "template", "template": template })
}

/// What the provider's answer means. A page that isn't the Cloud API's own answer proves nothing.
fn answered(status: u16, body: &[u8], attempt: u32, now: DateTime<Utc>) -> Sent {
    let unknown = || Sent::Unknown { text: format!("HTTP {status}, and not an answer of the Cloud API") };
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else { return unknown() };
    if let Some(error) = answer.error {
        return refused(status, error, attempt, now);
    }
    let Some(accepted) = answer.messages.into_iter().next().filter(|_| status < 300) else { return unknown() };
    let state = accepted.message_status.unwrap_or_else(|| "accepted".to_owned());
    Sent::Accepted { answer: format!("{state}, {}", accepted.id), provider_message_id: accepted.id }
}

fn refused(status: u16, error: ApiError, attempt: u32, now: DateTime<Utc>) -> Sent {
    let ApiError { code, message, error_data, is_transient } = error;
    let details = error_data.as_ref().and_then(|data| data["details"].as_str()).map(str::to_owned);
    let words = details.or(message).unwrap_or_default();
    let text: String = format!("{code}: {words}").chars().take(300).collect();
    let provider_code = code.to_string();
    let Some(known) = known(code) else {
        return if is_transient || status == 429 || status >= 500 {
            Sent::Deferred { code: "provider_down", text, retry_at: None }
        } else {
            Sent::Refused { code: "provider_refused", text, provider_code }
        };
    };
    if known.meaning == Meaning::Stopped {
        tracing::error!(code, "WhatsApp refuses this account or its token: nothing goes out until that is mended");
        metrics::counter!("steward_account_stopped_total", "channel" => "whatsapp").increment(1);
    }
    match known.pause(attempt) {
        Some(pause) => Sent::Deferred { code: known.reason, text, retry_at: Some(now + pause) },
        None => Sent::Refused { code: known.reason, text, provider_code },
    }
}

#[cfg(test)]
mod tests {
    use steward_proto::v1;

    use super::*;

    fn read(status: u16, body: &str) -> Sent {
        answered(status, body.as_bytes(), 1, DateTime::UNIX_EPOCH)
    }

    fn refusal(code: i64) -> Sent {
        read(
            400,
            &json!({ "error": { "code": code, "message": "(#1) no", "error_data": { "details": "no" } } }).to_string(),
        )
    }

    fn written(out: &Outbound) -> Value {
        serde_json::to_value(request(out)).unwrap()
    }

    #[test]
    fn only_the_cloud_apis_own_answer_counts() {
        let good =
            r#"{"messaging_product":"whatsapp","contacts":[{"input":"1","wa_id":"1"}],"messages":[{"id":"wamid.1"}]}"#;
        let accepted =
            Sent::Accepted { provider_message_id: "wamid.1".to_owned(), answer: "accepted, wamid.1".to_owned() };
        assert_eq!(read(200, good), accepted);
        for (status, page) in [
            (502, "<html>Bad Gateway</html>"),
            (200, "<html></html>"),
            (500, "{}"),
            (504, ""),
            (200, r#"{"messages":[]}"#),
            (500, good),
        ] {
            assert!(matches!(read(status, page), Sent::Unknown { .. }), "{status} {page}");
        }
    }

    #[test]
    fn an_error_code_says_what_comes_next() {
        let later = |code| match refusal(code) {
            Sent::Deferred { code, retry_at, .. } => (code, retry_at.map_or(0, |at| at.timestamp())),
            other => panic!("{other:?}"),
        };
        assert_eq!(later(131_056), ("rate_limited", 6));
        assert_eq!(later(130_429), ("rate_limited", 1));
        assert_eq!(later(131_049), ("withheld", 86_400));
        assert_eq!(later(190), ("unauthorized", 600));
        assert_eq!(later(131_031), ("account_stopped", 600));
        for (code, reason) in [
            (131_047, "window_closed"),
            (131_026, "blocked"),
            (132_001, "template_refused"),
            (131_008, "provider_refused"),
            (424_242, "provider_refused"),
        ] {
            let Sent::Refused { code: ours, provider_code, .. } = refusal(code) else { panic!("{code}") };
            assert_eq!((ours, provider_code), (reason, code.to_string()));
        }
        let unlisted = r#"{"error":{"code":99,"message":"x","is_transient":true}}"#;
        assert!(matches!(read(400, unlisted), Sent::Deferred { .. }));
    }

    #[test]
    fn a_number_is_written_to_and_an_id_is_the_recipient() {
        let to = |external_id: &str| {
            written(&Outbound { external_id: external_id.to_owned(), text: "hi".to_owned(), ..Outbound::empty() })
        };
        let number = to("34600111222");
        assert_eq!((&number["to"], &number["recipient"]), (&json!("34600111222"), &Value::Null));
        assert_eq!((&number["type"], &number["text"]["body"]), (&json!("text"), &json!("hi")));
        let id = to("US.13491208655302741918");
        assert_eq!((&id["recipient"], &id["to"]), (&json!("US.13491208655302741918"), &Value::Null));
    }

    #[test]
    fn buttons_and_templates_keep_to_their_limits() {
        let button = |n: u32| v1::Button {
            id: format!("b{n}"), title: "подтвердить встречу в понедельник".to_owned()
        };
        let out = Outbound { text: "so?".to_owned(), buttons: (0..5).map(button).collect(), ..Outbound::empty() };
        let interactive = &written(&out)["interactive"];
        let buttons = interactive["action"]["buttons"].as_array().unwrap();
        assert_eq!(buttons.len(), 3);
        assert!(buttons.iter().all(|b| b["reply"]["title"].as_str().unwrap().chars().count() == 20));
        let long = Outbound { text: "я".repeat(1025), ..out };
        assert_eq!(written(&long)["type"], "text");
        let call = TemplateCall {
            name: "follow_up".to_owned(),
            language: "ru".to_owned(),
            parameters: vec!["Ана".to_owned(), "про\n\nдоговор     и  всё".to_owned()],
        };
        let template = written(&Outbound { template: Some(call), ..Outbound::empty() })["template"].clone();
        assert_eq!(template["language"]["code"], "ru");
        assert_eq!(template["components"][0]["parameters"][1]["text"], "про договор и всё");
    }
}
