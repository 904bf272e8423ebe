//! Requests as the providers send them, signed as each of them signs, and what came of them.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Utc;
use futures::{StreamExt as _, stream};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use serde_json::Value;
use sha2::Sha256;
use steward_tests::{
    System, binary,
    config::{MAIL_SECRET, SECRET},
    whatsapp::notifications,
};

pub const MAILGUN_KEY: &str = "mailgun-k3y";
pub const POSTMARK: (&str, &str) = ("postmark", "p4ss");

/// How often something is sent at most.
const TRIES: usize = 4;

/// Requests on their way at once.
const AT_ONCE: usize = 8;

/// What an answer may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It is a fact: it is kept, however ugly.
    Taken,
    /// It may be refused; not with an error of ours.
    Answered,
}

/// One request, not sent yet.
pub struct Attack {
    pub name: String,
    pub expected: Expected,
    pub request: RequestBuilder,
}

/// Sends attacks and keeps what was wrong with the answers.
pub struct Attacker {
    client: Client,
    pub base: String,
    key: EcdsaKeyPair,
    sent: AtomicUsize,
    next: AtomicUsize,
    repeated: AtomicUsize,
    wrong: Arc<Mutex<Vec<String>>>,
}

/// The folder of a kind of recorded inputs.
pub fn fixtures(folder: &str) -> PathBuf {
    binary::repository().join("services/ingestion/tests/fixtures").join(folder)
}

/// Recorded JSON below a folder, by its path in it.
pub fn recorded(folder: &str) -> BTreeMap<String, Value> {
    let root = fixtures(folder);
    let (mut open, mut found) = (vec![root.clone()], BTreeMap::new());
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            if path.is_dir() {
                open.push(path);
            } else if !name.ends_with(".request.json")
                && let Ok(value) = serde_json::from_slice(&std::fs::read(&path).unwrap())
            {
                found.insert(name, value);
            }
        }
    }
    assert!(!found.is_empty(), "{}", root.display());
    found
}

fn hex_hmac(key: &str, pieces: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    pieces.iter().for_each(|piece| mac.update(piece));
    hex::encode(mac.finalize().into_bytes())
}

impl Attacker {
    pub fn new(system: &System) -> Self {
        let pkcs8 = std::fs::read(fixtures("keys/sendgrid.pk8")).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8, &SystemRandom::new()).unwrap();
        Self {
            client: system.client.clone(),
            base: system.write.clone(),
            key,
            sent: AtomicUsize::new(0),
            next: AtomicUsize::new(1),
            repeated: AtomicUsize::new(0),
            wrong: Arc::default(),
        }
    }

    /// A number that no other attack has.
    pub fn number(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base))
    }

    pub fn telegram(&self, body: String) -> RequestBuilder {
        self.post("/webhooks/telegram/tg-main").header("X-Telegram-Bot-Api-Secret-Token", SECRET).body(body)
    }

    pub fn whatsapp(&self, body: String) -> RequestBuilder {
        let signature = notifications::signature(body.as_bytes());
        self.post("/webhooks/whatsapp/wa-main").header("X-Hub-Signature-256", signature).body(body)
    }

    pub fn mail(&self, raw: Vec<u8>) -> RequestBuilder {
        let signature = hex_hmac(MAIL_SECRET, &[&raw]);
        self.post("/webhooks/email/mail-main").header("X-Steward-Signature", signature).body(raw)
    }

    /// The proof of a Mailgun request: timestamp, token, signature.
    pub fn of_mailgun(&self) -> [String; 3] {
        let (now, token) = (Utc::now().timestamp().to_string(), format!("{:050}", self.number()));
        let signature = hex_hmac(MAILGUN_KEY, &[now.as_bytes(), token.as_bytes()]);
        [now, token, signature]
    }

    pub fn mailgun_form(&self, fields: &[(String, Vec<u8>)]) -> RequestBuilder {
        let [timestamp, token, signature] = self.of_mailgun();
        let mut body = format!("timestamp={timestamp}&token={token}&signature={signature}");
        for (name, value) in fields {
            let encoded: String = value.iter().map(|byte| format!("%{byte:02x}")).collect();
            body.push_str(&format!("&{name}={encoded}"));
        }
        let form = "application/x-www-form-urlencoded";
        self.post("/webhooks/email/mail-main").header("Content-Type", form).body(body)
    }

    pub fn mailgun_json(&self, body: String) -> RequestBuilder {
        self.post("/webhooks/email/mail-main").header("Content-Type", "application/json").body(body)
    }

    pub fn postmark(&self, body: String) -> RequestBuilder {
        self.mailgun_json(body).basic_auth(POSTMARK.0, Some(POSTMARK.1))
    }

    pub fn sendgrid(&self, content_type: &str, body: Vec<u8>) -> RequestBuilder {
        let now = Utc::now().timestamp().to_string();
        let signed = [now.as_bytes(), &body].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.post("/webhooks/email/mail-main")
            .header("Content-Type", content_type)
            .header("X-Twilio-Email-Event-Webhook-Timestamp", now)
            .header("X-Twilio-Email-Event-Webhook-Signature", STANDARD.encode(signature))
            .body(body)
    }

    /// Sends them all, some at once.
    pub async fn send(&self, attacks: Vec<Attack>) {
        stream::iter(attacks).for_each_concurrent(AT_ONCE, |attack| self.send_one(attack)).await;
    }

    async fn send_one(&self, attack: Attack) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let Attack { name, expected, request } = attack;
        let problem = match self.answer_to(request).await {
            Err(error) => Some(format!("no answer: {error}")),
            Ok(answer) => {
                let status = answer.status();
                // A body may be larger than the channel takes.
                let fine = match expected {
                    Expected::Taken => status.is_success() || status.as_u16() == 413,
                    Expected::Answered => !status.is_server_error(),
                };
                if fine { None } else { Some(format!("{status}: {}", answer.text().await.unwrap_or_default())) }
            }
        };
        if let Some(problem) = problem {
            let short: String = problem.chars().take(300).collect();
            self.wrong.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{name}: {short}"));
        }
    }

    /// What is answered; a machine with much else to do may have the same sent again, as every provider does.
    async fn answer_to(&self, request: RequestBuilder) -> reqwest::Result<Response> {
        for _ in 1..TRIES {
            let again = request.try_clone().expect("its body is in memory");
            let answer = again.send().await?;
            if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
                return Ok(answer);
            }
            self.repeated.fetch_add(1, Ordering::Relaxed);
        }
        request.send().await
    }

    pub fn repeated(&self) -> usize {
        self.repeated.load(Ordering::Relaxed)
    }

    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// What was wrong so far, the first few.
    pub fn wrong(&self) -> Vec<String> {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.iter().take(20).cloned().chain((wrong.len() > 20).then(|| format!("… {} in all", wrong.len()))).collect()
    }
}
