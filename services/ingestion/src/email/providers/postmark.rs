//! Postmark: inbound mail and bounces as JSON, behind basic authentication (postmarkapp.com/developer/webhooks).

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use steward_http::Problem;
use subtle::ConstantTimeEq as _;

use super::{Incoming, News, key_of, not_configured, refused};
use crate::{
    email::{
        html,
        message::{Address, Attachment, LONGEST_ADDRESS, Mail, addresses_in, cut, one_line},
    },
    json::Object,
};

const NAME: &str = "Postmark";

/// In constant time: the user and password stand in the webhook's URL, and come as basic authentication (RFC 7617).
pub fn check(keys: Vec<(&str, &str)>, headers: &HeaderMap) -> Result<(), Problem> {
    if keys.is_empty() {
        return Err(not_configured(NAME));
    }
    let given = headers.get(header::AUTHORIZATION).map(|v| v.as_bytes()).unwrap_or_default();
    let right = |(user, password): &(&str, &str)| {
        let expected = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        !password.is_empty() && bool::from(expected.as_bytes().ct_eq(given))
    };
    // Each is compared, so that the time says nothing about which.
    if keys.iter().filter(|key| right(key)).count() > 0 {
        return Ok(());
    }
    Err(refused(
        NAME,
        "its basic authentication isn't this channel's user and password; put them into the webhook's URL",
    ))
}

pub fn read(json: &Object<'_>, body: &Bytes) -> Vec<Incoming> {
    if !json.has("From") && !json.has("FromFull") {
        // Its events name a mail by Postmark's id, not by ours.
        let kind = json.text("RecordType").unwrap_or_else(|| "event".to_owned());
        let id = json.int("ID").map(|id| format!("postmark:{}:{id}", kind.to_lowercase()));
        let key = id.unwrap_or_else(|| key_of("postmark", body));
        return vec![News { kind: &kind, key, ..News::default() }.arrival_kept()];
    }
    if json.text("RecordType").is_some_and(|kind| kind != "Inbound") {
        let kind = json.text("RecordType").unwrap_or_default();
        return vec![News { kind: &kind, key: key_of("postmark", body), ..News::default() }.arrival_kept()];
    }
    if let Some(mut mail) = json.text("RawEmail").and_then(|raw| Mail::read(raw.as_bytes())) {
        mail.provider_id = one_line(&json.text("MessageID").unwrap_or_default());
        return vec![Incoming::Mail(Box::new(mail))];
    }
    vec![Incoming::Mail(Box::new(mail_of(json)))]
}

fn mail_of(json: &Object<'_>) -> Mail {
    let mut mail = Mail::default();
    let headers = json.objects("Headers");
    mail.take_headers(headers.iter().filter_map(|h| Some((h.text("Name")?, h.text("Value")?))));
    let full = |field: &str| -> Vec<Address> { json.objects(field).iter().filter_map(address).collect() };
    mail.from = json.object("FromFull").as_ref().and_then(address);
    if mail.from.is_none() {
        mail.from = addresses_in(&json.text("From").unwrap_or_default()).into_iter().next();
    }
    // Postmark takes From and Date out of the list of headers.
    if mail.header("from").is_none()
        && let Some(from) = &mail.from
    {
        let value = format!("<{}>", from.address);
        mail.headers.push(("from".to_owned(), value));
    }
    mail.to = full("ToFull");
    mail.cc = full("CcFull");
    mail.subject = one_line(&json.text("Subject").unwrap_or_default());
    if mail.date.is_none() {
        mail.date = json.text("Date").and_then(|d| chrono::DateTime::parse_from_rfc2822(&d).ok()).map(|d| d.to_utc());
    }
    mail.provider_id = one_line(&json.text("MessageID").unwrap_or_default());
    mail.text = cut(json.text("TextBody").unwrap_or_default());
    if mail.text.trim().is_empty() {
        mail.text = cut(html::to_text(&json.text("HtmlBody").unwrap_or_default()));
    }
    for (place, file) in json.objects("Attachments").iter().enumerate().take(100) {
        let content = file.text("Content").and_then(|c| STANDARD.decode(c.trim()).ok()).unwrap_or_default();
        let length = file.int("ContentLength").and_then(|n| u64::try_from(n).ok());
        let attachment = Attachment {
            place,
            file_name: file.text("Name").unwrap_or_default().into(),
            mime_type: file.text("ContentType").unwrap_or_default().into(),
            size: length.unwrap_or(content.len() as u64),
        };
        mail.take_file(attachment, &content);
    }
    mail
}

fn address(json: &Object<'_>) -> Option<Address> {
    let address = one_line(&json.text("Email")?);
    (address.contains('@') && address.len() <= LONGEST_ADDRESS)
        .then(|| Address { name: json.text("Name").unwrap_or_default().into(), address })
}
