//! The keys of a mailbox.

use serde::{Deserialize, Serialize};
use steward_domain::mail::Server;

use super::{Kind, RateLimit};
use crate::{Secret, error::KeyProblem, written};

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Email {
    #[serde(deserialize_with = "written::text")]
    pub address: String,
    pub smtp_url: Secret,
    /// Left out: mail comes by the webhook only.
    pub imap_url: Option<Secret>,
    /// Signs raw messages posted to the webhook.
    pub inbound_secret: Secret,
    /// The providers that post inbound mail.
    #[serde(default)]
    pub inbound: Vec<Inbound>,
    /// The mail server whose `Authentication-Results` are believed.
    #[serde(default, deserialize_with = "written::some_text")]
    pub trusted_authserv_id: Option<String>,
    /// Addresses of lists and groups of the company's own that lead to this mailbox: what came through them was written by
    /// a client, not by a list.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// A mail provider that posts inbound mail, with what its check needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "lowercase", deny_unknown_fields)]
pub enum Inbound {
    Mailgun { signing_key: Secret },
    Sendgrid { public_key: String },
    Postmark { user: String, password: Secret },
    Ses { topic_arn: String },
}

impl Inbound {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mailgun { .. } => "mailgun",
            Self::Sendgrid { .. } => "sendgrid",
            Self::Postmark { .. } => "postmark",
            Self::Ses { .. } => "ses",
        }
    }
}

impl Kind for Email {
    /// A pace that no relay takes for a flood.
    const RATE: RateLimit = RateLimit { per_second: 10, burst: 10, per_chat_per_second: 1, per_chat_burst: 3 };

    fn check(&self) -> Result<(), KeyProblem> {
        if !is_address(&self.address) {
            let problem = format!("found {:?}, expected a mail address such as \"agent@example.com\"", self.address);
            return Err(KeyProblem::new("address", problem));
        }
        if let Some(group) = self.groups.iter().find(|group| !is_address(group)) {
            let problem = format!("found {group:?}, expected addresses of groups such as \"support@example.com\"");
            return Err(KeyProblem::new("groups", problem));
        }
        let imap = self.imap_url.as_ref().and_then(|url| Server::imap(url.expose()).err());
        let found = [
            ("smtp_url", Server::smtp(self.smtp_url.expose()).err(), "\"smtps://user:password@smtp.example.com\""),
            ("imap_url", imap, "\"imaps://user:password@imap.example.com\""),
        ];
        for (key, problem, example) in found {
            if let Some(problem) = problem {
                let scheme = &key[..4];
                let problem =
                    format!("found a URL of which {problem}; expected {scheme}:// or {scheme}s://, such as {example}");
                return Err(KeyProblem::new(key, problem));
            }
        }
        Ok(())
    }
}

fn is_address(text: &str) -> bool {
    let strange = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | ',' | ';');
    let parts = text.split_once('@').filter(|_| !text.contains(strange));
    parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@') && host.is_ascii())
}
