//! One system with all kinds of channel, and everybody who writes to it.

use std::time::Duration;

use serde_json::Value;
use steward_tests::{Config, Mail, System, Telegram, WhatsApp, config::AGENT};

use crate::{mail, web};

/// What the taking in of a message may last on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// The system and the stand-ins around it.
pub struct World {
    pub system: System,
    pub telegram: Telegram,
    pub whatsapp: WhatsApp,
    pub mail: Mail,
}

/// Something that somebody writes, by the way it comes to the system.
pub enum Post {
    Telegram(Value),
    WhatsApp(Value),
    /// By SMTP to the mailbox.
    Mail {
        from: String,
        raw: String,
    },
    /// A copy that a person's mail program puts among the mailbox's sent mails.
    SentMail(String),
    /// A command over HTTP, or a message on the `web` channel.
    Http(String, Value),
}

/// What has reached a client.
pub struct Got {
    pub texts: Vec<String>,
    /// How many of them had buttons; `None`: the channel shows none.
    pub offers: Option<usize>,
}

impl World {
    pub async fn start(release_after: &str) -> Self {
        let telegram = Telegram::start().await.unwrap();
        let whatsapp = WhatsApp::start().await.unwrap();
        let mail = Mail::start(&[AGENT]).await.unwrap();
        let mut config = Config::telegram(&telegram)
            .with(&format!("[defaults]\nhuman_release_after = \"{release_after}\""))
            .with_channel(&whatsapp.channel(""))
            .with_channel(&format!("id = \"{}\"\nkind = \"web\"\noperators = [\"{}\"]", web::CHANNEL, web::OPERATOR));
        let keys =
            format!("rate_limit = \"off\"\noperators = [\"{}\"]\ntrusted_authserv_id = \"mx.example.com\"", mail::BOSS);
        config.add_mail("mail-main", AGENT, &mail.smtp_url(), Some(&mail.imap_url(AGENT)), &keys);
        let system = System::start(config).await.unwrap();
        Self { system, telegram, whatsapp, mail }
    }

    pub async fn post(&self, post: Post) {
        tokio::time::timeout(PATIENCE, self.post_until_taken(post)).await.expect("it isn't taken");
    }

    async fn post_until_taken(&self, post: Post) {
        match post {
            // Whoever notifies of something does so again until it is taken.
            Post::Telegram(update) => while self.system.telegram(&update).await.is_err() {},
            Post::WhatsApp(notification) => while self.system.whatsapp(&notification).await.is_err() {},
            Post::Mail { from, raw } => self.mail.send(&from, AGENT, &raw).await.unwrap(),
            Post::SentMail(raw) => self.mail.put(AGENT, "Sent", &raw, true).await.unwrap(),
            Post::Http(path, body) => drop(self.system.post(&path, &body).await.unwrap()),
        }
    }
}
