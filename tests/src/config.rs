//! The configuration of a system under test.

use std::fmt::Write as _;

use chrono::{Timelike as _, Utc};

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
        let sections = at_midday(&self.sections, Utc::now().hour());
        format!(
            "[auth]\nmode = \"{auth}\"\n{sections}{}[[channels]]\nid = \"web-main\"\nkind = \"web\"\n",
            self.channels
        )
    }
}

/// The zone in which it is noon at this hour of UTC. These are named by their distance to the west of Greenwich.
fn noon_at(hour: u32) -> String {
    format!("Etc/GMT{:+}", i64::from(hour) - 12)
}

/// A city where it is day now, between six in the morning and seven in the evening, and its zone, which keeps one time all year:
/// where a client lives whose tomorrow is in no doubt.
pub fn city_by_day() -> (&'static str, &'static str) {
    by_day(Utc::now().hour())
}

fn by_day(hour: u32) -> (&'static str, &'static str) {
    if (11..22).contains(&hour) { ("Bogota", "America/Bogota") } else { ("Makassar", "Asia/Makassar") }
}

/// The sections with a default time zone in which it is about noon at this hour of UTC, unless they name one:
/// what is said about today and tomorrow doesn't depend on when the tests run.
fn at_midday(sections: &str, hour: u32) -> String {
    if sections.contains("timezone") {
        return sections.to_owned();
    }
    let zone = format!("timezone = \"{}\"", noon_at(hour));
    match sections.split_once("[defaults]\n") {
        Some((before, after)) => format!("{before}[defaults]\n{zone}\n{after}"),
        None => format!("[defaults]\n{zone}\n{sections}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_noon_where_nothing_else_is_said() {
        let own = "[defaults]\ntimezone = \"Europe/Madrid\"\n";
        assert_eq!(at_midday(own, 3), own);
        assert_eq!(at_midday("", 0), "[defaults]\ntimezone = \"Etc/GMT-12\"\n");
        let more = at_midday("[limits]\na = 1\n[defaults]\nlate_limit = \"5s\"\n", 23);
        assert_eq!(more, "[limits]\na = 1\n[defaults]\ntimezone = \"Etc/GMT+11\"\nlate_limit = \"5s\"\n");
        for hour in 0..24 {
            let zone: chrono_tz::Tz = noon_at(hour).parse().unwrap();
            let then = chrono::NaiveDate::from_ymd_opt(2026, 11, 28).unwrap().and_hms_opt(hour, 30, 0).unwrap();
            assert_eq!(then.and_utc().with_timezone(&zone).hour(), 12);
            let there: chrono_tz::Tz = by_day(hour).1.parse().unwrap();
            assert!((6..19).contains(&then.and_utc().with_timezone(&there).hour()), "{hour}");
        }
    }
}
