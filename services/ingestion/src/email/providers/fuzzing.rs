//! Entries into the parsers of providers' forms and events, behind the checks of who sent them.

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;

use super::{
    Incoming, form::Form, mailgun as of_mailgun, postmark as of_postmark, sendgrid as of_sendgrid, ses as of_ses, sns,
};
use crate::{
    email::fuzzing::{meaning, settings},
    json::Object,
};

/// A form, or JSON with an event.
pub fn mailgun(body: &[u8]) {
    let (email, body) = (settings(), Bytes::copy_from_slice(body));
    if let Some(form) = form(&body) {
        return taken(vec![of_mailgun::of_form(&email, "token", None, &form)]);
    }
    if let Some(json) = std::str::from_utf8(&body).ok().and_then(|text| Object::read(text).ok()) {
        taken(vec![of_mailgun::of_event(&email, None, &json, &body)]);
    }
}

/// JSON with a mail or an event.
pub fn postmark(body: &[u8]) {
    let body = Bytes::copy_from_slice(body);
    if let Some(json) = std::str::from_utf8(&body).ok().and_then(|text| Object::read(text).ok()) {
        taken(of_postmark::read(&json, &body));
    }
}

/// A form with a mail, or a list of events.
pub fn sendgrid(body: &[u8]) {
    let body = Bytes::copy_from_slice(body);
    if let Some(form) = form(&body) {
        return taken(of_sendgrid::form(&form, &body));
    }
    if let Some(events) = std::str::from_utf8(&body).ok().and_then(|text| of_sendgrid::events(&settings(), text.trim()))
    {
        taken(events);
    }
}

/// A message of SNS, or what is in one.
pub fn ses(body: &[u8]) {
    let Ok(text) = std::str::from_utf8(body) else { return };
    let message = Object::read(text).ok().and_then(|json| json.text("Message"));
    let key = "sns:1".to_owned();
    taken(vec![of_ses::notification(&settings(), message.as_deref().unwrap_or(text), key)]);
}

/// A URL that Amazon's message names: one that is called is Amazon's, and reads as it is written.
pub fn sns_url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let topic = "arn:aws:sns:us-east-1:111111111111:SES_Inbound";
    for url in [sns::certificate_url(text), sns::subscription_url(text, topic)].into_iter().flatten() {
        let host = url.host_str().unwrap_or_default();
        let of_amazon = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
        assert!(url.as_str() == text && host.starts_with("sns.") && of_amazon, "{url}");
        assert!(text.starts_with(&format!("https://{host}/")), "{url}");
    }
}

/// The form in a body, by the shape of the body: a boundary is what a multipart one begins with.
fn form(body: &Bytes) -> Option<Form> {
    let first = body.iter().find(|b| !b.is_ascii_whitespace())?;
    let content_type = match first {
        b'{' | b'[' => return None,
        b'-' => {
            let line = body.split(|b| matches!(b, b'\r' | b'\n')).next()?;
            let boundary = std::str::from_utf8(line.strip_prefix(b"--")?).ok()?;
            format!("multipart/form-data; boundary=\"{boundary}\"")
        }
        _ => "application/x-www-form-urlencoded".to_owned(),
    };
    let content_type = HeaderValue::from_str(&content_type).ok()?;
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]);
    futures::executor::block_on(Form::read(&headers, body))
}

fn taken(all: Vec<Incoming>) {
    for incoming in all {
        match incoming {
            Incoming::Mail(mail) => meaning(&mail),
            Incoming::Event(arrival) => assert!(!arrival.key.is_empty(), "{arrival:?}"),
        }
    }
}
