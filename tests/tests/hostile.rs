//! Whatever a stranger sends, in every field of everything that is read, harms nobody: others are served in time, the
//! read model keeps up, nothing is set aside, nothing panics, before and after a restart.
//!
//! The short form takes a few payloads of each kind, and a share of the values for each place in them. `STEWARD_HOSTILE=all` (`just hostile`)
//! takes every recorded payload, and the large values everywhere.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "hostile/attack.rs"]
mod attack;
#[path = "hostile/mails.rs"]
mod mails;
#[path = "hostile/values.rs"]
mod values;

use std::time::{Duration, Instant};

use attack::{Attack, Attacker, Expected, MAILGUN_KEY, POSTMARK, fixtures, recorded};
use reqwest::Method;
use serde_json::{Value, json};
use steward_tests::{
    Api, Config, Mail, System, Telegram, WhatsApp,
    config::AGENT,
    updates::{self, Person},
    whatsapp::{PHONE_NUMBER_ID, notifications},
};
use values::{Hostile, places, with};

const SOON: Duration = Duration::from_secs(120);

/// Into how many shares the values are divided, in the short form.
const SHARES: usize = 5;

/// How many places pass before a large value is tried again, in the short form.
const SELDOM: usize = 23;

/// Payloads of each kind in the short form, by the ends of their names.
const TELEGRAM: &[&str] = &[
    "/text.json",
    "/business_message.json",
    "/callback_query.json",
    "/message_reaction.json",
    "/my_chat_member.json",
    "/contact.json",
    "/document.json",
    "/migrate_to_chat_id.json",
];
const WHATSAPP: &[&str] = &[
    "message__text.json",
    "message_status__failed.json",
    "outgoing_message__text.json",
    "system__phone_number_change.json",
    "L670_msg_interactive.list_reply.json",
    "message__voice.json",
];

fn whole() -> bool {
    std::env::var("STEWARD_HOSTILE").is_ok_and(|form| form == "all")
}

fn picked(all: std::collections::BTreeMap<String, Value>, short: &[&str]) -> Vec<(String, Value)> {
    all.into_iter().filter(|(name, _)| whole() || short.iter().any(|end| name.ends_with(end))).collect()
}

/// Each value in each place of each payload. In the short form each place has its share of the values, so that each value
/// has its share of the places; a large one comes only here and there.
fn everywhere(payloads: &[(String, Value)], mut attack: impl FnMut(&str, &Value, &values::Path, &Hostile)) {
    let (all, mut n) = (values::all(), 0);
    for (name, payload) in payloads {
        for path in places(payload) {
            n += 1;
            for (m, hostile) in all.iter().enumerate() {
                let now = if hostile.large { n % SELDOM == 0 } else { m % SHARES == n % SHARES };
                if now || whole() {
                    attack(&format!("{name} /{} {}", path.join("/"), hostile.name), payload, &path, hostile);
                }
            }
        }
    }
}

async fn against_telegram(attacker: &Attacker) {
    let mut attacks = Vec::new();
    let payloads = picked(recorded("telegram"), TELEGRAM);
    everywhere(&payloads, |name, payload, path, hostile| {
        let mut update = payload.clone();
        update["update_id"] = json!(updates::next_id());
        // Without its id it is no update.
        let expected = if path == &["update_id"] { Expected::Answered } else { Expected::Taken };
        attacks.push(Attack {
            name: format!("telegram {name}"),
            expected,
            request: attacker.telegram(with(&update, path, hostile)),
        });
    });
    attacker.send(attacks).await;
}

async fn against_whatsapp(attacker: &Attacker) {
    let mut attacks = Vec::new();
    let mut payloads = picked(recorded("whatsapp"), WHATSAPP);
    payloads.push(("an echo".to_owned(), notifications::echo("34600111222", "hi")));
    payloads.push(("a reaction".to_owned(), notifications::Client::at("34600111222").reacts("wamid.x", "x")));
    for (_, payload) in &mut payloads {
        let value = &mut payload["entry"][0]["changes"][0]["value"];
        if value["metadata"].is_object() {
            value["metadata"]["phone_number_id"] = json!(PHONE_NUMBER_ID);
        }
    }
    everywhere(&payloads, |name, payload, path, hostile| {
        let mut notification = payload.clone();
        // Another id, so that it is another message.
        for array in ["messages", "statuses", "message_echoes"] {
            if let Some(id) = notification.pointer_mut(&format!("/entry/0/changes/0/value/{array}/0/id")) {
                *id = json!(notifications::wamid());
            }
        }
        let request = attacker.whatsapp(with(&notification, path, hostile));
        attacks.push(Attack { name: format!("whatsapp {name}"), expected: Expected::Taken, request });
    });
    attacker.send(attacks).await;
}

async fn against_mail(attacker: &Attacker) {
    let (all, mut attacks, mut n) = (values::all(), Vec::new(), 0);
    for (kind, mail) in mails::ordinary() {
        for line in mails::lines(&mail) {
            n += 1;
            for hostile in all.iter().filter(|h| h.bytes.is_some() && (!h.large || whole() || n % SELDOM == 0)) {
                let request = attacker.mail(mails::with(&mail, line, hostile, attacker.number()));
                let name = format!("mail {kind} line {line} {}", hostile.name);
                attacks.push(Attack { name, expected: Expected::Taken, request });
            }
        }
    }
    for (name, raw) in mails::shapes() {
        let request = attacker.mail(raw);
        attacks.push(Attack { name: format!("mail {name}"), expected: Expected::Answered, request });
    }
    attacker.send(attacks).await;
}

/// Fields of Mailgun's form, as a route posts them.
const MAILGUN_FIELDS: &[(&str, &str)] = &[
    ("sender", "eve@example.org"),
    ("recipient", AGENT),
    ("from", "Eve <eve@example.org>"),
    ("To", AGENT),
    ("Cc", "bob@example.org"),
    ("subject", "hello"),
    ("Message-Id", "<m@example.org>"),
    ("body-plain", "hello"),
    ("body-html", "<p>hello</p>"),
    ("message-headers", "[[\"Subject\", \"hello\"]]"),
    ("attachments", "[{\"name\": \"a.pdf\", \"content-type\": \"application/pdf\", \"size\": 5}]"),
];

/// Of the form that tells of events.
const MAILGUN_EVENT: &[(&str, &str)] = &[
    ("event", "bounced"),
    ("recipient", "gone@example.org"),
    ("Message-Id", "<m@example.com>"),
    ("code", "550"),
    ("error", "no such user"),
];

async fn against_providers(attacker: &Attacker) {
    let (all, mut attacks) = (values::all(), Vec::new());
    for (kind, fields) in [("form", MAILGUN_FIELDS), ("event", MAILGUN_EVENT)] {
        for (n, (field, _)) in fields.iter().enumerate() {
            for hostile in all.iter().filter(|h| !h.large || whole() || n == 0) {
                let value = hostile.bytes.clone().unwrap_or_else(|| hostile.json.clone().into_bytes());
                let own = |(name, ordinary): &(&str, &str)| {
                    (name.to_string(), if name == field { value.clone() } else { ordinary.as_bytes().to_vec() })
                };
                let request = attacker.mailgun_form(&fields.iter().map(own).collect::<Vec<_>>());
                let name = format!("mailgun {kind} {field} {}", hostile.name);
                attacks.push(Attack { name, expected: Expected::Taken, request });
            }
        }
    }
    let events = recorded("email/inbound_webhooks/mailgun");
    let events = picked(events, &["test_failed_temporary_event.14.body.json"]);
    everywhere(&events, |name, payload, path, hostile| {
        let [timestamp, token, signature] = attacker.of_mailgun();
        let mut event = payload.clone();
        event["signature"] = json!({ "timestamp": timestamp, "token": token, "signature": signature });
        let request = attacker.mailgun_json(with(&event, path, hostile));
        // What is signed may be what was changed.
        attacks.push(Attack { name: format!("mailgun {name}"), expected: Expected::Answered, request });
    });
    let short = &["test_bounce_event.0.body.json", "postmark-inbound-test-payload.json"];
    everywhere(&picked(recorded("email/inbound_webhooks/postmark"), short), |name, payload, path, hostile| {
        let request = attacker.postmark(with(payload, path, hostile));
        attacks.push(Attack { name: format!("postmark {name}"), expected: Expected::Answered, request });
    });
    let events = recorded("email/inbound_webhooks/sendgrid");
    everywhere(&picked(events, &["test_bounce_event.4.body.json"]), |name, payload, path, hostile| {
        let request = attacker.sendgrid("application/json", with(payload, path, hostile).into_bytes());
        attacks.push(Attack { name: format!("sendgrid {name}"), expected: Expected::Answered, request });
    });
    let fields = [
        ("from", "Eve <eve@example.org>"),
        ("to", AGENT),
        ("cc", ""),
        ("subject", "hello"),
        ("text", "hello"),
        ("html", ""),
        ("headers", "Message-ID: <s@example.org>\nReferences: <a@b.c>"),
        ("envelope", "{\"from\": \"eve@example.org\", \"to\": [\"agent@example.com\"]}"),
        ("charsets", "{\"text\": \"utf-8\"}"),
        ("sender_ip", "192.0.2.1"),
    ];
    for (field, _) in fields {
        for hostile in all.iter().filter(|h| !h.large || whole()) {
            let mut body = Vec::new();
            for (name, ordinary) in fields {
                let value = match &hostile.bytes {
                    Some(bytes) if name == field => bytes.as_slice(),
                    None if name == field => hostile.json.as_bytes(),
                    _ => ordinary.as_bytes(),
                };
                body.extend_from_slice(
                    format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").as_bytes(),
                );
                body.extend_from_slice(value);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"--xx--\r\n");
            let request = attacker.sendgrid("multipart/form-data; boundary=xx", body);
            let name = format!("sendgrid form {field} {}", hostile.name);
            attacks.push(Attack { name, expected: Expected::Taken, request });
        }
    }
    attacker.send(attacks).await;
}

async fn against_commands(attacker: &Attacker, api: &Api) {
    let made = api.post("/api/v1/messages", &web("ann", "hello")).await.unwrap();
    let conversation = made["conversation_id"].as_str().unwrap().to_owned();
    let of_conversation = |what: &str| format!("/api/v1/conversations/{conversation}/{what}");
    let follow_up = json!({ "conversation_id": conversation, "text": "x", "due_at": "2027-11-01T00:00:00Z",
        "cancel_on": "never", "intention": "write", "reason": "asked", "key": "k",
        "action": { "kind": "tool", "prompt": "p", "tool": "t", "input": { "a": "b" } } });
    let commands = [
        (Method::POST, "/api/v1/messages".to_owned(), web("eve", "hello")),
        (Method::POST, "/api/v1/follow-ups".to_owned(), follow_up),
        (
            Method::POST,
            "/api/v1/outbox".to_owned(),
            json!({ "conversation_id": conversation, "text": "x", "key": "k", "on_reply": "keep", "due_at": "2027-11-01T00:00:00Z" }),
        ),
        (Method::POST, of_conversation("takeover"), json!({ "by": "anna", "note": "vip" })),
        (Method::POST, of_conversation("release"), json!({ "by": "anna" })),
        (Method::POST, of_conversation("messages"), json!({ "text": "hello", "send_at": "2027-11-01T00:00:00Z" })),
        (
            Method::POST,
            "/api/v1/webhooks".to_owned(),
            json!({ "url": "https://example.invalid/", "types": ["ClientResponded"], "filter": { "channel_id": "web-main" } }),
        ),
        (Method::POST, "/api/v1/breaker/reset".to_owned(), json!({ "note": "looked" })),
    ];
    let mut attacks = Vec::new();
    for (method, path, body) in &commands {
        everywhere(&[(path.clone(), body.clone())], |name, payload, place, hostile| {
            let request = api.client.request(method.clone(), format!("{}{path}", attacker.base));
            let request = request.bearer_auth(api.key.as_deref().unwrap()).header("Content-Type", "application/json");
            let request = request.body(with(payload, place, hostile));
            attacks.push(Attack { name: format!("command {name}"), expected: Expected::Answered, request });
        });
    }
    // What comes in headers.
    for (name, value) in [
        ("traceparent", "00-".repeat(2_000)),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-zz".to_owned()),
        ("idempotency-key", "k".repeat(4_000)),
        ("idempotency-key", "%0d%0aNats-Msg-Id: x".to_owned()),
        ("steward-after", "9".repeat(400)),
    ] {
        let request = api.client.post(format!("{}/api/v1/messages", attacker.base)).header(name, value);
        let request = request.bearer_auth(api.key.as_deref().unwrap()).json(&web("eve", "hello"));
        attacks.push(Attack { name: format!("header {name}"), expected: Expected::Answered, request });
    }
    attacker.send(attacks).await;
}

fn web(contact: &str, text: &str) -> Value {
    json!({ "channel_id": "web-main", "external_id": format!("e-{}", uuid::Uuid::new_v4()), "text": text,
        "contact": { "id": contact, "name": "Ana", "language": "es", "timezone": "Europe/Madrid" } })
}

/// Another tenant is promised something, and it is read and kept in time.
async fn others_are_served(system: &System, telegram: &Telegram, others: &Api, (n, when): (usize, &str)) {
    let chat = 900_000 + n as i64;
    let update = updates::message(&Person::new(chat, "en"), "write to me in 6 seconds about the contract");
    let (status, body) = system.webhook("tg-others", &update).await.unwrap();
    assert!(status.is_success(), "{when}: the webhook answered {status} {body}");
    let sent = telegram.until_delivered_to(chat, 2, SOON).await;
    let sent = sent.unwrap_or_else(|error| panic!("{when}: another tenant's promise isn't kept: {error:#}"));
    let late = sent[1].at - sent[0].at;
    println!("{when}: another tenant's promise was kept {} ms after it was made", late.num_milliseconds());
    assert!(late < chrono::TimeDelta::seconds(12), "{when}: kept {late} after it was made");
    let find = || async {
        let found = others.items("/api/v1/follow-ups?state=sent").await?;
        Ok(Some(found).filter(|found| found.len() == n))
    };
    let read = others.until(SOON, find).await;
    read.unwrap_or_else(|error| panic!("{when}: another tenant's promise isn't read: {error:#}"));
}

/// Whoever wrote most is answered to the end: what can't be digested is known by then.
async fn all_is_digested(attacker: &Attacker, api: &Api) {
    let id = attacker.number();
    let raw = format!(
        "From: Eve <eve@example.org>\r\nTo: {AGENT}\r\nMessage-ID: <witness{id}@example.org>\r\nSubject: witness\r\n\r\n\
         the witness\r\n"
    );
    let answer = attacker.mail(raw.into_bytes()).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    let path = "/api/v1/conversations?channel_id=mail-main&external_id=eve@example.org";
    let found = api.until(SOON, || async { Ok(api.items(path).await?.into_iter().next()) }).await.unwrap();
    let conversation = found["id"].as_str().unwrap();
    let answered = || async {
        let events = api.items(&format!("/api/v1/events?conversation_id={conversation}&type=TurnCompleted")).await?;
        let said = api.items(&format!("/api/v1/events?conversation_id={conversation}&type=ClientResponded")).await?;
        let last = |events: &[Value]| events.iter().filter_map(|event| event["position"].as_u64()).max();
        let text = |event: &&Value| event["data"]["text"] == "the witness";
        let said = said.iter().find(text).and_then(|event| event["position"].as_u64());
        Ok(said.filter(|said| last(&events) > Some(*said)))
    };
    let began = Instant::now();
    let answered = api.until_in(conversation, SOON * 3, answered).await;
    answered.unwrap_or_else(|error| panic!("who wrote most isn't answered: {error:#}"));
    println!("who wrote most was answered to the end after {:?}", began.elapsed());
}

/// The read model holds what was written last, and every part says that it is well.
async fn all_is_well(system: &System, api: &Api, when: &str) {
    let began = Instant::now();
    let made = api.post("/api/v1/messages", &web("witness", "in step?")).await;
    let made = made.unwrap_or_else(|error| panic!("{when}: nothing is written: {error:#}"));
    let path = format!("/api/v1/conversations/{}", made["conversation_id"].as_str().unwrap());
    let read = api.get(&path).await;
    read.unwrap_or_else(|error| panic!("{when}: the read model isn't in step: {error:#}"));
    println!("{when}: the read model held the latest after {:?}", began.elapsed());
    let ready = api.read("/readyz").await.unwrap();
    assert!(ready.status.is_success(), "{when}: /readyz answers {}: {}", ready.status, ready.body);
    let letters = system.steward(&["dead-letters", "list", "--json"]).unwrap().output().await.unwrap();
    assert!(letters.status.success(), "{when}: {}", String::from_utf8_lossy(&letters.stderr));
    let letters = String::from_utf8(letters.stdout).unwrap();
    let first: Vec<_> = letters.lines().take(5).collect();
    assert!(letters.trim().is_empty(), "{when}: {} dead letters: {first:#?}", letters.lines().count());
    let said = std::fs::read_to_string(system.folder().join("output.log")).unwrap();
    let panics: Vec<_> = said.lines().filter(|line| line.contains("panicked")).take(5).collect();
    assert!(panics.is_empty(), "{when}: {panics:#?}");
}

async fn key(system: &System, tenant: &str) -> String {
    let arguments = ["keys", "create", "--tenant", tenant, "--role", "admin"];
    let output = system.steward(&arguments).unwrap().output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.split_whitespace()
        .find(|word| word.starts_with("sk_"))
        .unwrap_or_else(|| panic!("no key in {said}"))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_stranger_sends_harms_nobody() {
    let telegram = Telegram::start().await.unwrap();
    let whatsapp = WhatsApp::start().await.unwrap();
    let mail = Mail::start(&[AGENT]).await.unwrap();
    let sendgrid = std::fs::read_to_string(fixtures("keys/sendgrid.pub")).unwrap();
    let mut config = Config::telegram(&telegram).with_channel(&whatsapp.channel("")).with_auth("keys");
    config.add_telegram("tg-others", &telegram, "tenant = \"others\"\nrate_limit = \"off\"");
    let (user, password) = POSTMARK;
    let keys = format!(
        "rate_limit = \"off\"\ninbound = [{{ provider = \"mailgun\", signing_key = \"{MAILGUN_KEY}\" }}, \
         {{ provider = \"postmark\", user = \"{user}\", password = \"{password}\" }}, \
         {{ provider = \"sendgrid\", public_key = {:?} }}]",
        sendgrid.trim()
    );
    config.add_mail("mail-main", AGENT, &mail.smtp_url(), Some(&mail.imap_url(AGENT)), &keys);
    let mut system = System::start(config).await.unwrap();
    let with_key = async |system: &System, tenant: &str| {
        let mut api = Api::new(&system.write).unwrap();
        api.key = Some(key(system, tenant).await);
        api
    };
    let (own, others) = (with_key(&system, "default").await, with_key(&system, "others").await);
    others_are_served(&system, &telegram, &others, (1, "before")).await;
    let attacker = Attacker::new(&system);
    let began = Instant::now();
    let mut lasted = began;
    let mut tell = |what: &str, attacker: &Attacker| {
        println!("{what}: {} attacks so far, {:?}", attacker.sent(), lasted.elapsed());
        lasted = Instant::now();
    };
    against_telegram(&attacker).await;
    tell("telegram", &attacker);
    against_whatsapp(&attacker).await;
    tell("whatsapp", &attacker);
    against_mail(&attacker).await;
    // The same by way of the mailbox: what is never recorded stays there and comes again.
    for (_, raw) in mails::ordinary() {
        let breaks = &values::all()[1];
        for line in mails::lines(&raw) {
            let raw = String::from_utf8(mails::with(&raw, line, breaks, attacker.number())).unwrap();
            mail.put(AGENT, "INBOX", &raw, false).await.unwrap();
        }
    }
    tell("mail", &attacker);
    against_providers(&attacker).await;
    tell("providers", &attacker);
    against_commands(&attacker, &own).await;
    tell("commands", &attacker);
    println!("{} attacks in {:?}, {} of them sent again", attacker.sent(), began.elapsed(), attacker.repeated());
    assert!(attacker.wrong().is_empty(), "{:#?}", attacker.wrong());
    others_are_served(&system, &telegram, &others, (2, "after the attacks")).await;
    all_is_digested(&attacker, &own).await;
    all_is_well(&system, &own, "after the attacks").await;
    system.stop().await.unwrap();
    system.start_again().await.unwrap();
    others_are_served(&system, &telegram, &others, (3, "after a restart")).await;
    all_is_well(&system, &own, "after a restart").await;
    let seen = mail.seen(AGENT, "INBOX").await.unwrap();
    assert!(seen.iter().all(|seen| *seen), "{} mails are unseen still", seen.iter().filter(|seen| !**seen).count());
}
