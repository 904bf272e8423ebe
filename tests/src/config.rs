//! The configuration of a system under test.

use std::fmt::Write as _;

use crate::{Mail, Telegram};

/// The token of the bot under test.
pub const TOKEN: &str = "1:test";
/// The secret token that Telegram's webhooks carry.
pub const SECRET: &str = "s3cret";
/// The mailbox under test.
pub const AGENT: &str = "agent@example.com";
/// The secret that signs raw mails posted to that mailbox.
pub const MAIL_SECRET: &str = "m4il";
/// The operator's id on Telegram.
pub const OPERATOR: i64 = 7001;

/// The contents of `steward.toml`, with the environment beside it.
#[derive(Debug, Clone, Default)]
pub struct Config {
    sections: String,
    channels: String,
    auth: Option<&'static str>,
    pub(crate) environment: Vec<(String, String)>,
}

impl Config {
    /// Only the `web` channel `web-main`.
    pub fn web() -> Self {
        Self::default()
    }

    /// The channels `tg-main`, on the stand-in and without rate limits, and `web-main`.
    pub fn telegram(telegram: &Telegram) -> Self {
        Self::telegram_with(telegram, "rate_limit = \"off\"")
    }

    /// The same, with more keys for `tg-main`.
    pub fn telegram_with(telegram: &Telegram, keys: &str) -> Self {
        let mut config = Self::default();
        config.add_telegram("tg-main", telegram, keys);
        config
    }

    /// Adds a Telegram channel.
    pub fn add_telegram(&mut self, id: &str, telegram: &Telegram, keys: &str) {
        let base = telegram.base();
        let _ = write!(
            self.channels,
            "[[channels]]\nid = \"{id}\"\nkind = \"telegram\"\ntoken = \"{TOKEN}\"\nsecret_token = \"{SECRET}\"\n\
             operators = [\"{OPERATOR}\"]\napi_base = \"{base}\"\n{keys}\n"
        );
    }

    /// The channel `mail-main` for `agent@example.com` on these servers, read over IMAP and without rate limits.
    pub fn mail(mail: &Mail) -> Self {
        let mut config = Self::default();
        config.add_mail("mail-main", AGENT, &mail.smtp_url(), Some(&mail.imap_url(AGENT)), "rate_limit = \"off\"");
        config
    }

    /// Adds a mailbox.
    pub fn add_mail(&mut self, id: &str, address: &str, smtp_url: &str, imap_url: Option<&str>, keys: &str) {
        let imap = imap_url.map(|url| format!("imap_url = \"{url}\"\n")).unwrap_or_default();
        let _ = write!(
            self.channels,
            "[[channels]]\nid = \"{id}\"\nkind = \"email\"\naddress = \"{address}\"\nsmtp_url = \"{smtp_url}\"\n\
             inbound_secret = \"{MAIL_SECRET}\"\n{imap}{keys}\n"
        );
    }

    /// Adds a channel by its keys.
    pub fn with_channel(mut self, keys: &str) -> Self {
        let _ = writeln!(self.channels, "[[channels]]\n{keys}");
        self
    }

    /// Adds sections as TOML: `[defaults]\nlate_limit = "5s"`.
    pub fn with(mut self, toml: &str) -> Self {
        let _ = writeln!(self.sections, "{toml}");
        self
    }

    /// Sets `[auth] mode`, which is `open` otherwise.
    pub fn with_auth(mut self, mode: &'static str) -> Self {
        self.auth = Some(mode);
        self
    }

    /// Sets a variable for every process.
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn toml(&self) -> String {
        let auth = self.auth.unwrap_or("open");
        format!(
            "[auth]\nmode = \"{auth}\"\n{}{}[[channels]]\nid = \"web-main\"\nkind = \"web\"\n",
            self.sections, self.channels
        )
    }
}
