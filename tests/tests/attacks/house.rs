//! A house with two tenants: `default`, which is attacked, and `acme`, whose promises must be made, read and kept meanwhile.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::StatusCode;
use serde_json::Value;
use sha2::Sha256;
use steward_tests::{
    Api, Config, System, Telegram, WhatsApp,
    config::{AGENT, MAIL_SECRET},
    system::STOP_WITHIN,
    updates::{self, Person},
    whatsapp::notifications,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// The neighbour's promises are due after this, by Telegram's clock, which counts whole seconds.
const ASKED: Duration = Duration::from_secs(6);
/// How much later than asked for the neighbour's promise may arrive while the house is attacked, on a busy machine.
const LATE: Duration = Duration::from_secs(8);

/// One process, or five.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Up,
    Separate,
}

pub struct House {
    pub system: System,
    /// The attacked tenant's bot: of it, with Telegram's usual limits.
    pub bot: Telegram,
    pub whatsapp: WhatsApp,
    /// The attacked tenant's, as an operator.
    pub attacked: Api,
    acme_bot: Telegram,
    acme: Api,
    next_chat: AtomicI64,
    /// Takes connections for mails and never says a word.
    _silent: JoinHandle<()>,
}

impl House {
    pub async fn start(shape: Shape) -> anyhow::Result<Self> {
        let (bot, acme_bot, whatsapp) = (Telegram::start().await?, Telegram::start().await?, WhatsApp::start().await?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let smtp = format!("smtp://{}", listener.local_addr()?);
        let silent = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((line, _)) = listener.accept().await {
                held.push(line);
            }
        });
        let mut config = whatsapp.config("").with("[limits]\nopen_follow_ups = 1200");
        config.add_telegram("tg-main", &bot, "");
        config.add_telegram("tg-acme", &acme_bot, "tenant = \"acme\"\nrate_limit = \"off\"");
        config.add_mail("mail-main", AGENT, &smtp, None, "");
        let config: Config = config.with_auth("keys");
        let system = match shape {
            Shape::Up => System::start(config).await?,
            Shape::Separate => System::start_separately(config, &[]).await?,
        };
        let attacked = with_key(&system, "default").await?;
        let acme = with_key(&system, "acme").await?;
        let next_chat = AtomicI64::new(90_000);
        Ok(Self { system, bot, whatsapp, attacked, acme_bot, acme, next_chat, _silent: silent })
    }

    /// The neighbour asks for a message in six seconds: it is confirmed, arrives in its time, and reads as sent.
    pub async fn neighbour_is_served(&self, during: &str) {
        let chat = self.next_chat.fetch_add(1, Ordering::Relaxed);
        let asked = Instant::now();
        let text = "write to me in 6 seconds about the lease";
        let update = updates::message(&Person::new(chat, "en"), text);
        let (status, body) = self.acme.webhook("tg-acme", &update).await.expect("the webhook answers");
        assert_eq!(status, StatusCode::OK, "{during}: {body}\n{}", self.system.said(30));
        let within = ASKED + LATE;
        let sent = self.acme_bot.until_delivered_to(chat, 2, within).await;
        let sent = sent.unwrap_or_else(|error| panic!("{during}: {error:#}\n{}", self.system.said(60)));
        assert!(asked.elapsed() + Duration::from_secs(1) >= ASKED, "{during}: early");
        println!("{during}: kept {:.2} s late", asked.elapsed().as_secs_f64() - ASKED.as_secs_f64());
        assert!(sent[1].text.contains("lease"), "{during}: {sent:?}");
        let read = self.acme.until(within, || async {
            let path = format!("/api/v1/conversations?channel_id=tg-acme&external_id={chat}");
            let Some(conversation) = self.acme.items(&path).await?.into_iter().next() else { return Ok(None) };
            let id = conversation["id"].as_str().unwrap_or_default();
            Ok(self.acme.follow_ups(id).await?.into_iter().find(|promise| promise["state"] == "sent"))
        });
        read.await
            .unwrap_or_else(|error| panic!("{during}: it isn't read as sent: {error:#}\n{}", self.system.said(60)));
    }

    /// It stops in order, starts again, and serves the neighbour.
    pub async fn restarts_in_order(&mut self, after: &str) {
        for (name, status, took) in self.system.stop().await.expect("it stops") {
            assert!(status.success() && took < STOP_WITHIN, "{after}: {name} ended with {status} after {took:?}");
        }
        self.system.start_again().await.unwrap_or_else(|error| panic!("{after}: {error:#}"));
        self.neighbour_is_served(&format!("{after}, after a restart")).await;
    }

    /// Nothing panicked, nothing is set aside, and whoever asks is told that it is ready.
    pub async fn is_in_order(&mut self) {
        let said = std::fs::read_to_string(self.system.folder().join("output.log")).expect("it has an output");
        let panics: Vec<&str> = said.lines().filter(|line| line.contains("panicked")).collect();
        assert!(panics.is_empty(), "{panics:?}");
        let letters = self.system.steward(&["dead-letters", "list", "--json"]).expect("a command");
        let letters = { letters }.output().await.expect("it runs");
        assert!(letters.status.success(), "{}", String::from_utf8_lossy(&letters.stderr));
        assert!(letters.stdout.is_empty(), "{}", String::from_utf8_lossy(&letters.stdout));
        for base in [&self.system.read, &self.system.write] {
            let ready = self.system.client.get(format!("{base}/readyz")).send().await.expect("it answers");
            assert_eq!(ready.status(), StatusCode::OK, "{}", ready.text().await.unwrap_or_default());
        }
    }

    /// Posts a raw mail, signed as the mailbox's own server does it.
    pub async fn mail(&self, raw: &[u8]) -> StatusCode {
        let mut signature = Hmac::<Sha256>::new_from_slice(MAIL_SECRET.as_bytes()).expect("a key of any length");
        signature.update(raw);
        let url = format!("{}/webhooks/email/mail-main", self.system.write);
        let request = self.system.client.post(url).header("Content-Type", "message/rfc822");
        let request = request.header("X-Steward-Signature", hex::encode(signature.finalize().into_bytes()));
        request.body(raw.to_vec()).send().await.expect("the webhook answers").status()
    }

    pub async fn whatsapp(&self, notification: &Value) -> StatusCode {
        let body = serde_json::to_vec(notification).expect("it is JSON");
        let signature = notifications::signature(&body);
        self.system.whatsapp_bytes(body, &signature).await.expect("the webhook answers").0
    }

    pub async fn telegram(&self, update: &Value) -> StatusCode {
        self.system.webhook("tg-main", update).await.expect("the webhook answers").0
    }
}

async fn with_key(system: &System, tenant: &str) -> anyhow::Result<Api> {
    let output = system.steward(&["keys", "create", "--tenant", tenant, "--role", "operator"])?.output().await?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout)?;
    let key = said.split_whitespace().find(|word| word.starts_with("sk_"));
    let mut api = system.api().clone();
    api.key = key.map(str::to_owned);
    Ok(api)
}
