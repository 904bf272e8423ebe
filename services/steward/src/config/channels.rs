//! `[[channels]]`: the four kinds, each with what it needs.

use std::{collections::HashSet, fmt};

use serde::{Deserialize, Deserializer, de};
use steward_domain::{
    mail::Server,
    settings::{Approval, OnUnknown, RateLimit, Template},
};
use toml::Table;

use super::{
    error::KeyProblem,
    values::{Name, Positive, Secret, Text, WebUrl},
};

/// One way in and out.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    pub id: String,
    pub tenant: String,
    /// People of ours on this channel, by the channel's own id.
    pub operators: Vec<String>,
    /// `None`: as its tenant has it.
    pub approval: Option<Approval>,
    pub kind: Kind,
}

/// What a channel speaks.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Telegram(Telegram),
    WhatsApp(WhatsApp),
    Email(Email),
    Web,
}

impl Kind {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Telegram(_) => "telegram",
            Self::WhatsApp(_) => "whatsapp",
            Self::Email(_) => "email",
            Self::Web => "web",
        }
    }
}

/// How Telegram's updates come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Intake {
    #[default]
    Webhook,
    Polling,
}

/// `on_unknown` as written.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unsure {
    Hold,
    Resend,
}

impl Unsure {
    fn setting(given: Option<Self>) -> OnUnknown {
        match given {
            None | Some(Self::Hold) => OnUnknown::Hold,
            Some(Self::Resend) => OnUnknown::Resend,
        }
    }
}

/// Telegram's documented limits: 30 messages a second, one a second in one chat, short bursts of which are borne.
const TELEGRAM_RATE: RateLimit = RateLimit { per_second: 30, burst: 30, per_chat_per_second: 1, per_chat_burst: 3 };
/// The Cloud API's documented throughput of a new number, and the burst it bears towards one person.
const WHATSAPP_RATE: RateLimit = RateLimit { per_second: 80, burst: 80, per_chat_per_second: 1, per_chat_burst: 45 };
/// A pace no relay takes for a flood.
const EMAIL_RATE: RateLimit = RateLimit { per_second: 10, burst: 10, per_chat_per_second: 1, per_chat_burst: 3 };

#[derive(Debug, Clone, PartialEq)]
pub struct Telegram {
    pub intake: Intake,
    pub on_unknown: OnUnknown,
    /// `None`: no limit.
    pub rate_limit: Option<RateLimit>,
    pub token: Secret,
    pub secret_token: Secret,
    pub api_base: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct WhatsApp {
    pub on_unknown: OnUnknown,
    pub rate_limit: Option<RateLimit>,
    pub phone_number_id: String,
    pub access_token: Secret,
    pub app_secret: Secret,
    pub verify_token: Secret,
    pub api_base: String,
    pub templates: Vec<Template>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Email {
    pub on_unknown: OnUnknown,
    pub rate_limit: Option<RateLimit>,
    pub address: String,
    pub smtp_url: Secret,
    pub imap_url: Option<Secret>,
    pub inbound_secret: Secret,
    pub inbound: Vec<Inbound>,
    pub trusted_authserv_id: Option<String>,
}

/// A mail provider that posts inbound mail, with what its check needs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "provider", rename_all = "lowercase", deny_unknown_fields)]
pub enum Inbound {
    Mailgun { signing_key: Secret },
    Sendgrid { public_key: String },
    Postmark { user: String, password: Secret },
    Ses { topic_arn: String },
}

/// `rate_limit` as written: a table whose missing keys are the kind's defaults, or `"off"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RateSetting {
    Off,
    Limits {
        per_second: Option<u32>,
        burst: Option<u32>,
        per_chat_per_second: Option<u32>,
        per_chat_burst: Option<u32>,
    },
}

impl RateSetting {
    fn over(setting: Option<Self>, default: RateLimit) -> Option<RateLimit> {
        match setting {
            None => Some(default),
            Some(Self::Off) => None,
            Some(Self::Limits { per_second, burst, per_chat_per_second, per_chat_burst }) => Some(RateLimit {
                per_second: per_second.unwrap_or(default.per_second),
                burst: burst.unwrap_or(default.burst),
                per_chat_per_second: per_chat_per_second.unwrap_or(default.per_chat_per_second),
                per_chat_burst: per_chat_burst.unwrap_or(default.per_chat_burst),
            }),
        }
    }
}

impl<'de> Deserialize<'de> for RateSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Limits {
            per_second: Option<Positive>,
            burst: Option<Positive>,
            per_chat_per_second: Option<Positive>,
            per_chat_burst: Option<Positive>,
        }
        struct Either;
        impl<'de> de::Visitor<'de> for Either {
            type Value = RateSetting;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(r#""off" or a table of per_second, burst, per_chat_per_second, per_chat_burst"#)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<RateSetting, E> {
                if text == "off" {
                    return Ok(RateSetting::Off);
                }
                Err(E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<RateSetting, A::Error> {
                let limits = Limits::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(RateSetting::Limits {
                    per_second: limits.per_second.map(|n| n.0),
                    burst: limits.burst.map(|n| n.0),
                    per_chat_per_second: limits.per_chat_per_second.map(|n| n.0),
                    per_chat_burst: limits.per_chat_burst.map(|n| n.0),
                })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Declares a channel's table as written: the keys every kind has, and its own.
macro_rules! table {
    ($name:ident { $($(#[$attr:meta])* $key:ident: $type:ty,)* }) => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, expecting = "a table")]
        struct $name {
            id: Name,
            #[serde(rename = "kind")]
            _kind: String,
            tenant: Option<Name>,
            #[serde(default)]
            operators: Vec<Text>,
            approval: Option<Approval>,
            $($(#[$attr])* $key: $type,)*
        }

        impl $name {
            fn channel(&self, kind: Kind) -> Channel {
                Channel {
                    id: self.id.0.clone(),
                    tenant: self.tenant.as_ref().map_or_else(|| "default".to_owned(), |t| t.0.clone()),
                    operators: self.operators.iter().map(|o| o.0.clone()).collect(),
                    approval: self.approval,
                    kind,
                }
            }
        }
    };
}

table!(TelegramTable {
    mode: Option<Intake>,
    on_unknown: Option<Unsure>,
    rate_limit: Option<RateSetting>,
    token: Secret,
    secret_token: Secret,
    api_base: Option<WebUrl>,
});
table!(WhatsAppTable {
    on_unknown: Option<Unsure>,
    rate_limit: Option<RateSetting>,
    phone_number_id: Text,
    access_token: Secret,
    app_secret: Secret,
    verify_token: Secret,
    api_base: Option<WebUrl>,
    #[serde(default)]
    templates: Vec<Template>,
});
table!(EmailTable {
    on_unknown: Option<Unsure>,
    rate_limit: Option<RateSetting>,
    address: Text,
    smtp_url: Secret,
    imap_url: Option<Secret>,
    inbound_secret: Secret,
    #[serde(default)]
    inbound: Vec<Inbound>,
    trusted_authserv_id: Option<Text>,
});
table!(WebTable {});

/// Reads all channels; their ids are unique. Without any there is one, `web`.
pub(super) fn read(tables: Option<Vec<Table>>) -> Result<Vec<Channel>, KeyProblem> {
    let Some(tables) = tables else {
        return Ok(vec![Channel {
            id: "web".to_owned(),
            tenant: "default".to_owned(),
            operators: Vec::new(),
            approval: None,
            kind: Kind::Web,
        }]);
    };
    let mut ids = HashSet::new();
    let mut channels = Vec::with_capacity(tables.len());
    for (i, table) in tables.into_iter().enumerate() {
        let at = format!("channels[{i}]");
        let channel = read_one(&at, table)?;
        if !ids.insert(channel.id.clone()) {
            return Err(KeyProblem::new(
                format!("{at}.id"),
                format!("found {:?} a second time, expected an id of its own for each channel", channel.id),
            ));
        }
        channels.push(channel);
    }
    Ok(channels)
}

fn read_one(at: &str, table: Table) -> Result<Channel, KeyProblem> {
    const KINDS: &str = r#"expected "telegram", "whatsapp", "email" or "web""#;
    let key = format!("{at}.kind");
    match table.get("kind") {
        None => Err(KeyProblem::new(key, format!("missing, {KINDS}"))),
        Some(toml::Value::String(kind)) => match kind.as_str() {
            "telegram" => telegram(at, parse(at, table)?),
            "whatsapp" => Ok(whatsapp(parse(at, table)?)),
            "email" => email(at, parse(at, table)?),
            "web" => Ok(parse::<WebTable>(at, table)?.channel(Kind::Web)),
            other => Err(KeyProblem::new(key, format!("found {other:?}, {KINDS}"))),
        },
        Some(other) => Err(KeyProblem::new(key, format!("found {other}, {KINDS}"))),
    }
}

fn parse<T: de::DeserializeOwned>(at: &str, table: Table) -> Result<T, KeyProblem> {
    super::parse_table(table)
        .map_err(|p| KeyProblem::new(if p.key == "." { at.to_owned() } else { format!("{at}.{}", p.key) }, p.problem))
}

fn telegram(at: &str, table: TelegramTable) -> Result<Channel, KeyProblem> {
    // The Bot API's rule for `secret_token` of setWebhook.
    let secret = table.secret_token.expose();
    if secret.len() > 256 || !secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Err(KeyProblem::new(
            format!("{at}.secret_token"),
            "found other characters, expected 1 to 256 letters, digits, `_` or `-`",
        ));
    }
    // It becomes part of a path.
    if !table.token.expose().bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'-')) {
        return Err(KeyProblem::new(
            format!("{at}.token"),
            "found other characters, expected a bot token as BotFather gives it: digits, `:`, letters, digits, `_` and `-`",
        ));
    }
    Ok(table.channel(Kind::Telegram(Telegram {
        intake: table.mode.unwrap_or_default(),
        on_unknown: Unsure::setting(table.on_unknown),
        rate_limit: RateSetting::over(table.rate_limit, TELEGRAM_RATE),
        token: table.token.clone(),
        secret_token: table.secret_token.clone(),
        api_base: base(&table.api_base, "https://api.telegram.org"),
    })))
}

fn whatsapp(table: WhatsAppTable) -> Channel {
    table.channel(Kind::WhatsApp(WhatsApp {
        on_unknown: Unsure::setting(table.on_unknown),
        rate_limit: RateSetting::over(table.rate_limit, WHATSAPP_RATE),
        phone_number_id: table.phone_number_id.0.clone(),
        access_token: table.access_token.clone(),
        app_secret: table.app_secret.clone(),
        verify_token: table.verify_token.clone(),
        api_base: base(&table.api_base, "https://graph.facebook.com"),
        templates: table.templates.clone(),
    }))
}

fn email(at: &str, table: EmailTable) -> Result<Channel, KeyProblem> {
    let strange = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | ',' | ';');
    let parts = table.address.0.split_once('@').filter(|_| !table.address.0.contains(strange));
    if !parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@') && host.is_ascii())
    {
        return Err(KeyProblem::new(
            format!("{at}.address"),
            format!("found {:?}, expected a mail address such as \"agent@example.com\"", table.address.0),
        ));
    }
    let found = [
        ("smtp_url", Server::smtp(table.smtp_url.expose()).err(), "\"smtps://user:password@smtp.example.com\""),
        (
            "imap_url",
            table.imap_url.as_ref().and_then(|url| Server::imap(url.expose()).err()),
            "\"imaps://user:password@imap.example.com\"",
        ),
    ];
    for (key, problem, example) in found {
        if let Some(problem) = problem {
            let scheme = &key[..4];
            let problem =
                format!("found a URL of which {problem}; expected {scheme}:// or {scheme}s://, such as {example}");
            return Err(KeyProblem::new(format!("{at}.{key}"), problem));
        }
    }
    Ok(table.channel(Kind::Email(Email {
        on_unknown: Unsure::setting(table.on_unknown),
        rate_limit: RateSetting::over(table.rate_limit, EMAIL_RATE),
        address: table.address.0.clone(),
        smtp_url: table.smtp_url.clone(),
        imap_url: table.imap_url.clone(),
        inbound_secret: table.inbound_secret.clone(),
        inbound: table.inbound.clone(),
        trusted_authserv_id: table.trusted_authserv_id.as_ref().map(|t| t.0.clone()),
    })))
}

fn base(given: &Option<WebUrl>, default: &str) -> String {
    given.as_ref().map_or_else(|| default.to_owned(), |url| url.0.clone())
}
