//! A thousand webhooks of Telegram, WhatsApp and mail, once in order and then, elsewhere, twice each and shuffled: the same read model.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use sha2::Sha256;
use steward_tests::{
    System, Telegram, WhatsApp,
    config::{AGENT, MAIL_SECRET},
    mail::written,
    updates::{self, Person},
    whatsapp::{
        Taken,
        notifications::{self, Client},
    },
};

const SOON: Duration = Duration::from_secs(120);
/// People on WhatsApp, as many on Telegram, and as many who write mails.
const PEOPLE: usize = 20;
/// Messages of ours that the statuses are about.
const SENDS: usize = 50;
/// Requests under way at the same time.
const AT_ONCE: usize = 8;

/// What a provider posts.
#[derive(Clone)]
enum Post {
    Telegram(Value),
    WhatsApp(Value),
    /// A mail as it was received, with our signature.
    Mail(String),
    /// A mail as Postmark tells of it.
    Postmark(Value),
    /// About the send of this number: each system's provider has its own id for it.
    Status {
        send: usize,
        status: &'static str,
        at: i64,
    },
}

#[derive(PartialEq, Eq)]
enum Provider {
    Telegram,
    WhatsApp,
    Mail,
}

impl Post {
    fn provider(&self) -> Provider {
        match self {
            Self::Telegram(_) => Provider::Telegram,
            Self::WhatsApp(_) | Self::Status { .. } => Provider::WhatsApp,
            Self::Mail(_) | Self::Postmark(_) => Provider::Mail,
        }
    }
}

fn number(person: usize) -> String {
    format!("346001112{person:02}")
}

fn address(person: usize) -> String {
    format!("person{person}@example.org")
}

/// People's mails, some of them answers with what they answer below, some of them machines'.
fn mails(posts: &mut Vec<Post>) {
    for n in 0..110 {
        let (from, id) = (address(n % PEOPLE), format!("raw-{n}@example.org"));
        let (more, text) = match n % 8 {
            0 => ("Auto-Submitted: auto-replied\r\n", format!("I am away. {n}")),
            1 => {
                ("", format!("note {n}\r\n\r\nOn Sat, Nov 21, 2026 at 10:00 AM <{AGENT}> wrote:\r\n\r\n> said before"))
            }
            2 => ("List-Id: <news.example.org>\r\nList-Unsubscribe: <mailto:off@example.org>\r\n", format!("news {n}")),
            _ => ("", format!("note {n}")),
        };
        posts.push(Post::Mail(written(&from, &id, &format!("Subject {}", n % 3), more, &text)));
    }
    for n in 0..60 {
        let from = address(n % PEOPLE);
        let id = format!("<form-{n}@example.org>");
        posts.push(Post::Postmark(json!({
            "FromFull": { "Email": from, "Name": "Ann", "MailboxHash": "" },
            "ToFull": [{ "Email": AGENT, "Name": "", "MailboxHash": "" }],
            "Subject": "A form", "MessageID": format!("00000000-0000-0000-0000-{n:012}"),
            "Date": chrono::Utc::now().to_rfc2822(), "TextBody": format!("note {n}"), "HtmlBody": "",
            "Headers": [{ "Name": "Message-ID", "Value": id }], "Attachments": [],
        })));
    }
}

/// The thousand: what people say, take back and like, and what becomes of our sends.
fn posts() -> Vec<Post> {
    let mut posts = Vec::new();
    for n in 0..345 {
        let number = number(n % PEOPLE);
        let client = Client::at(&number);
        posts.push(Post::WhatsApp(match n % 7 {
            0 => client.reacts("wamid.of.something", "👍"),
            1 => client.presses(&format!("choice-{n}"), "Yes"),
            _ => client.writes(&format!("note {n}")),
        }));
    }
    for n in 0..325 {
        let person = Person::new(5000 + (n % PEOPLE) as i64, "en");
        let mut update = updates::message(&person, &format!("note {n}"));
        if n % 9 == 0 {
            // An edit of something said before.
            let message = update.as_object_mut().unwrap().remove("message").unwrap();
            update["edited_message"] = message;
            update["edited_message"]["edit_date"] = update["edited_message"]["date"].clone();
        }
        posts.push(Post::Telegram(update));
    }
    mails(&mut posts);
    let now = chrono::Utc::now().timestamp();
    for send in 0..SENDS {
        // Read, delivered at most, failed, and one of which a failure is told that the reading refutes.
        let statuses: &[&'static str] = match send % 5 {
            0 | 1 => &["sent", "delivered", "read"],
            2 => &["sent", "delivered"],
            3 => &["sent", "failed"],
            _ => &["sent", "failed", "delivered", "read"],
        };
        for (step, status) in statuses.iter().enumerate() {
            posts.push(Post::Status { send, status, at: now + step as i64 });
        }
    }
    // The rest are statuses that come after a read one, which Meta sends too.
    for send in (0..SENDS).filter(|send| send % 5 < 2) {
        posts.push(Post::Status { send, status: "played", at: now + 9 });
    }
    posts
}

/// A system whose clients on WhatsApp have written, with our messages to them sent.
struct Prepared {
    system: System,
    sends: Vec<String>,
    taken: Vec<Taken>,
    _whatsapp: WhatsApp,
    _telegram: Telegram,
}

async fn prepared(greetings: &[Value]) -> Prepared {
    let (whatsapp, telegram) = (WhatsApp::start().await.unwrap(), Telegram::start().await.unwrap());
    let mut config = whatsapp.config("");
    config.add_telegram("tg-main", &telegram, "rate_limit = \"off\"");
    let postmark = "inbound = [{ provider = \"postmark\", user = \"postmark\", password = \"p4st\" }]";
    // Nothing is answered, so nothing is sent.
    config.add_mail("mail-main", AGENT, "smtp://127.0.0.1:1", None, postmark);
    let system = System::start(config).await.unwrap();
    for greeting in greetings {
        system.whatsapp(greeting).await.unwrap();
    }
    let mut sends = Vec::new();
    for send in 0..SENDS {
        let conversation = system.whatsapp_conversation(&number(send % PEOPLE)).await.unwrap();
        let body = json!({ "conversation_id": conversation["id"], "text": format!("send {send}"), "on_reply": "keep" });
        let request = system.client.post(format!("{}/api/v1/outbox", system.write));
        // The same key makes the same id, in both systems.
        let request = request.header("Idempotency-Key", format!("send-{send}")).json(&body);
        let queued = system.answer(request).await.unwrap().success().unwrap();
        sends.push(queued["id"].as_str().unwrap().to_owned());
    }
    let all = whatsapp.until(SOON, |taken| {
        let of = |send: usize| taken.iter().find(|t| t.text == format!("send {send}")).cloned();
        (0..SENDS).map(of).collect::<Option<Vec<Taken>>>()
    });
    let taken = all.await.unwrap();
    Prepared { system, sends, taken, _whatsapp: whatsapp, _telegram: telegram }
}

impl Prepared {
    async fn mail(&self, with: impl FnOnce(RequestBuilder) -> RequestBuilder) -> anyhow::Result<()> {
        let post = self.system.client.post(format!("{}/webhooks/email/mail-main", self.system.write));
        with(post).send().await?.error_for_status()?;
        Ok(())
    }

    async fn post(&self, post: &Post) -> anyhow::Result<()> {
        match post {
            Post::Telegram(update) => self.system.telegram(update).await,
            Post::WhatsApp(notification) => self.system.whatsapp(notification).await,
            Post::Mail(raw) => {
                let mut signature = Hmac::<Sha256>::new_from_slice(MAIL_SECRET.as_bytes())?;
                signature.update(raw.as_bytes());
                let signature = hex::encode(signature.finalize().into_bytes());
                self.mail(|post| post.header("X-Steward-Signature", signature).body(raw.clone())).await
            }
            Post::Postmark(form) => self.mail(|post| post.basic_auth("postmark", Some("p4st")).json(form)).await,
            Post::Status { send, status, at } => {
                let taken = &self.taken[*send];
                let mut notification = match *status {
                    "failed" => notifications::failure(taken, 131_026),
                    status => notifications::status(taken, status),
                };
                let value = &mut notification["entry"][0]["changes"][0]["value"];
                value["statuses"][0]["timestamp"] = json!(at.to_string());
                self.system.whatsapp(&notification).await
            }
        }
    }

    /// What was said, what became of our sends, who is who, and how many facts there are of each kind.
    async fn read_model(&self) -> anyhow::Result<BTreeMap<String, Value>> {
        let mut model = BTreeMap::new();
        for m in self.system.items("/api/v1/messages?direction=in").await? {
            let said = json!([m["conversation_id"], m["kind"], m["text"], m["external_id"], m["state"], m["sent_at"]]);
            model.insert(format!("said {}", m["id"]), said);
        }
        for id in &self.sends {
            let m = self.system.get(&format!("/api/v1/outbox/{id}")).await?;
            let sent = json!([m["state"], m["reason"]["code"], m["delivered_at"], m["read_at"], m["text"]]);
            model.insert(format!("sent {id}"), sent);
        }
        for c in self.system.items("/api/v1/conversations").await? {
            let known = json!([c["channel"], c["external_id"], c["contact"], c["owner"], c["blocked"]]);
            model.insert(format!("conversation {}", c["id"]), known);
        }
        for kind in ["ClientResponded", "UpdateKept", "DeliveryReported"] {
            let mut keys: Vec<String> = Vec::new();
            for e in self.system.events_of_type(kind).await? {
                let key = e["data"]["source"]["key"].as_str().unwrap_or_default().to_owned();
                // A status is named by the provider's id of the send, which each system's provider made up.
                keys.push(if kind == "DeliveryReported" { e["data"]["status"].to_string() } else { key });
            }
            keys.sort();
            model.insert(format!("facts {kind}"), json!(keys));
        }
        Ok(model)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_webhooks_twice_and_shuffled_give_the_read_model_that_once_and_in_order_gives() {
    let posts = posts();
    let greetings: Vec<Value> = (0..PEOPLE).map(|n| notifications::text(&number(n), "hello")).collect();
    let once = prepared(&greetings).await;
    // In order is what each provider posts; they don't wait for each other.
    let in_order = async |provider: Provider| -> anyhow::Result<()> {
        for post in posts.iter().filter(|post| post.provider() == provider) {
            once.post(post).await?;
        }
        Ok(())
    };
    let [telegram, whatsapp, mail] = [Provider::Telegram, Provider::WhatsApp, Provider::Mail].map(in_order);
    tokio::try_join!(telegram, whatsapp, mail).unwrap();
    let statuses = posts.iter().filter(|p| matches!(p, Post::Status { status, .. } if *status != "played")).count();
    let settled = once.system.until(SOON, || async {
        let told = once.system.events_of_type("DeliveryReported").await?.len();
        Ok((told >= statuses).then_some(()))
    });
    settled.await.unwrap();
    let expected = once.read_model().await.unwrap();
    let states = |model: &BTreeMap<String, Value>| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for sent in model.iter().filter(|(name, _)| name.starts_with("sent ")).map(|(_, sent)| sent) {
            *counts.entry(sent[0].as_str().unwrap().to_owned()).or_default() += 1;
        }
        counts
    };
    let wanted = [("delivered", 10), ("failed", 10), ("read", 30)].map(|(state, n)| (state.to_owned(), n));
    assert_eq!(states(&expected), BTreeMap::from(wanted));
    let by_mail = |value: &&Value| value.as_str().is_some_and(|text| text.contains("@example.org"));
    let said = expected.iter().filter(|(name, said)| name.starts_with("said ") && by_mail(&&said[3])).count();
    let kept = expected["facts UpdateKept"].as_array().unwrap().iter().filter(by_mail).count();
    assert_eq!((said, kept), (142, 28), "what people and what machines wrote by mail");
    drop(once);

    let twice = prepared(&greetings).await;
    let seed: u64 = rand::random();
    let mut shuffled: Vec<&Post> = posts.iter().chain(&posts).collect();
    shuffled.shuffle(&mut StdRng::seed_from_u64(seed));
    futures::stream::iter(shuffled)
        .map(|post| twice.post(post))
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await
        .unwrap();
    let same = twice.system.until(SOON, || async {
        let model = twice.read_model().await?;
        Ok((model == expected).then_some(()))
    });
    if same.await.is_err() {
        let model = twice.read_model().await.unwrap();
        for (name, value) in &expected {
            assert_eq!(model.get(name), Some(value), "{name} (seed {seed})");
        }
        assert_eq!(model.len(), expected.len(), "things that the other hasn't (seed {seed})");
    }
    println!(
        "{} webhooks, each twice and shuffled (seed {seed}): {} things read the same as once and in order",
        posts.len(),
        expected.len()
    );
}
