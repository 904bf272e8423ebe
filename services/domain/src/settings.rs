//! What an operator may set about behaviour: defaults, policy, channels. Pure data; read and checked by the `steward` binary.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use chrono_tz::Tz;
use serde::Deserialize;
use steward_proto::TenantId;

use steward_language::{Language, time::PartsOfDay};

/// `[defaults]`: how promises are understood and kept unless a contact says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Defaults {
    /// Zone of a contact whose own is not known.
    pub timezone: Tz,
    /// Language of a contact whose own is not known.
    pub language: Language,
    /// Local hour (0–23) of a bare day.
    pub followup_hour: u32,
    pub parts_of_day: PartsOfDay,
    /// A follow-up later than this at its claim expires instead of being sent.
    pub late_limit: Duration,
    /// Silence of the human that gives the conversation back; `None` switches it off.
    pub human_release_after: Option<Duration>,
    /// Our last message unanswered for this long makes one automatic follow-up; `None` switches it off.
    pub no_reply_after: Option<Duration>,
    /// Whether a message about promises renews what it cancelled.
    pub renew: bool,
    /// Longest time a turn waits for more messages.
    pub turn_max_wait: Duration,
    /// How long a turn waits for the next message before it starts.
    pub turn_debounce: Duration,
    /// Hours before a meeting at which it is reminded of.
    pub meeting_reminder_hours: Vec<u32>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            timezone: Tz::UTC,
            language: Language::En,
            followup_hour: 10,
            parts_of_day: PartsOfDay::default(),
            late_limit: Duration::from_secs(3600),
            human_release_after: Some(Duration::from_secs(30 * 60)),
            no_reply_after: None,
            renew: true,
            turn_max_wait: Duration::from_secs(5),
            turn_debounce: Duration::ZERO,
            meeting_reminder_hours: vec![24, 1],
        }
    }
}

/// `[policy]`: what may go out by itself, and when.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy {
    /// Hours of the contact in which nothing proactive is sent.
    pub quiet_hours: Option<QuietHours>,
    /// Proactive messages per conversation in any 24 hours.
    pub daily_cap: Option<u32>,
    /// The bot's answers per correspondent and hour; `None`: the channel's own.
    pub auto_reply_cap: Option<u32>,
    /// Where neither the channel nor its tenant says otherwise.
    pub approval: Approval,
    pub breaker: Breaker,
}

/// When everything proactive of a tenant's stops until a person has looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// So many failed sends within five minutes, if they are at least half of all.
    pub failures: u32,
    /// More proactive sends than this within a minute; `None`: any number.
    pub sends_per_minute: Option<u32>,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 50, sends_per_minute: None }
    }
}

/// Which of the bot's messages wait for a person's approval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    #[default]
    None,
    /// Those to a client whom nothing of ours has reached yet.
    FirstContact,
    /// Those that nobody waits for.
    Proactive,
    All,
}

impl Approval {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::FirstContact => "first_contact",
            Self::Proactive => "proactive",
            Self::All => "all",
        }
    }
}

/// The approval mode in force on a channel, and who set it: the channel, else its tenant, else `[policy]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ApprovalRule {
    pub mode: Approval,
    pub set_by: SetBy,
}

impl fmt::Display for ApprovalRule {
    /// As evidence shows it: `all, set for the channel`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.set_by {
            SetBy::Policy => "by [policy]",
            SetBy::Tenant => "for the tenant",
            SetBy::Channel => "for the channel",
        };
        write!(f, "{}, set {by}", self.mode.name())
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SetBy {
    #[default]
    Policy,
    Tenant,
    Channel,
}

/// `[tenants.NAME]`: what counts for one tenant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TenantPolicy {
    /// If it says so itself.
    pub approval: Option<Approval>,
    /// `[policy]`, with what the tenant has otherwise.
    pub policy: Policy,
}

/// A span of local wall-clock time; it may cross midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    pub from: chrono::NaiveTime,
    pub to: chrono::NaiveTime,
}

impl fmt::Display for QuietHours {
    /// As the configuration has it: `22:00-08:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.format("%H:%M"), self.to.format("%H:%M"))
    }
}

/// What happens to a send whose fate is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUnknown {
    /// It waits for an operator.
    #[default]
    Hold,
    /// It is sent again, which the recipient may see twice.
    Resend,
}

/// Token buckets of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    pub per_second: u32,
    pub burst: u32,
    pub per_chat_per_second: u32,
    pub per_chat_burst: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { per_second: 30, burst: 30, per_chat_per_second: 1, per_chat_burst: 3 }
    }
}

/// One `[[channels]]` entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    pub id: String,
    pub tenant: String,
    /// People of ours on this channel, by the channel's own id.
    pub operators: Vec<String>,
    pub on_unknown: OnUnknown,
    /// `None`: no limit.
    pub rate_limit: Option<RateLimit>,
    /// `None`: as its tenant has it.
    pub approval: Option<Approval>,
    pub kind: ChannelKind,
}

/// What only one kind of channel has.
#[derive(Debug, Clone, PartialEq)]
pub enum ChannelKind {
    Web,
    Telegram(Telegram),
    WhatsApp(WhatsApp),
    Email(Email),
}

/// A Telegram bot.
#[derive(Clone, PartialEq)]
pub struct Telegram {
    /// Updates are asked for instead of being posted to the webhook.
    pub polling: bool,
    pub token: String,
    pub secret_token: String,
    /// `https://api.telegram.org` unless told otherwise; without a trailing slash.
    pub api_base: String,
}

impl std::fmt::Debug for Telegram {
    /// Without its secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telegram").field("api_base", &self.api_base).finish_non_exhaustive()
    }
}

/// A number of the WhatsApp Cloud API.
#[derive(Clone, PartialEq)]
pub struct WhatsApp {
    pub phone_number_id: String,
    pub access_token: String,
    /// Signs the notifications.
    pub app_secret: String,
    /// Proves the handshake.
    pub verify_token: String,
    /// `https://graph.facebook.com` unless told otherwise; without a version or a trailing slash.
    pub api_base: String,
    pub templates: Vec<Template>,
}

impl std::fmt::Debug for WhatsApp {
    /// Without its secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WhatsApp").field("phone_number_id", &self.phone_number_id).finish_non_exhaustive()
    }
}

/// A message approved by the provider, for when the service window is closed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Template {
    /// What it stands in for: `follow_up`, `reminder`, `reply`.
    pub purpose: String,
    /// The provider's code: `ru`, `en_US`.
    pub language: String,
    pub name: String,
    /// What its placeholders take, in order: `text`, `name`.
    #[serde(default)]
    pub parameters: Vec<String>,
}

/// A mailbox.
#[derive(Clone, PartialEq)]
pub struct Email {
    pub address: String,
    pub smtp_url: String,
    pub imap_url: Option<String>,
    /// Signs raw messages posted to the webhook.
    pub inbound_secret: String,
    pub inbound: Vec<Inbound>,
    /// The mail server whose `Authentication-Results` are believed.
    pub trusted_authserv_id: Option<String>,
}

impl std::fmt::Debug for Email {
    /// Without its secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A mail provider that posts inbound mail, with what its check needs.
#[derive(Clone, PartialEq, Eq)]
pub enum Inbound {
    Mailgun { signing_key: String },
    Sendgrid { public_key: String },
    Postmark { user: String, password: String },
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

impl std::fmt::Debug for Inbound {
    /// Without its secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl ChannelKind {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::WhatsApp(_) => "whatsapp",
            Self::Email(_) => "email",
            Self::Telegram(_) => "telegram",
        }
    }
}

/// `[webhooks]`: outgoing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhooks {
    /// Whether a webhook may lead into a private network.
    pub allow_private: bool,
    /// Waits before each further attempt.
    pub retry: Vec<Duration>,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self { allow_private: false, retry: [1, 5, 30, 300, 3600, 8 * 3600].map(Duration::from_secs).to_vec() }
    }
}

/// `[limits]`: how much of a thing there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Outgoing webhooks of one tenant.
    pub webhooks_per_tenant: u32,
    /// Follow-ups that may be open in one conversation, or in all conversations of a person whose contacts are merged.
    pub open_follow_ups: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { webhooks_per_tenant: 100, open_follow_ups: 1_000 }
    }
}

/// `[limits]` of reading: what one process serves at once, so that no reader stops the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLimits {
    /// About so many bytes a page of a list may have; it ends early then.
    pub page_bytes: usize,
    /// Reads served at once; one tenant has at most half of them.
    pub reads: usize,
    /// Live streams: of all, of one tenant, of one key.
    pub streams: usize,
    pub streams_per_tenant: usize,
    pub streams_per_key: usize,
    /// Streams that read the past from the log at once; one tenant has at most half of them.
    pub replays: usize,
    /// How old what isn't projected yet may be until the process says that it isn't ready.
    pub lag: Duration,
    /// Between signs of life on a live stream, at which its key is looked up again.
    pub heartbeat: Duration,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            page_bytes: 4 * 1024 * 1024,
            reads: 12,
            streams: 1_000,
            streams_per_tenant: 250,
            streams_per_key: 50,
            replays: 16,
            lag: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
        }
    }
}

/// What the services need to know of the configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    pub defaults: Defaults,
    pub policy: Policy,
    /// By name.
    pub tenants: BTreeMap<String, TenantPolicy>,
    pub webhooks: Webhooks,
    pub limits: Limits,
    pub read_limits: ReadLimits,
    pub channels: Vec<Channel>,
}

impl Settings {
    pub fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|c| c.id == id)
    }

    /// Everybody whose events there can be, each once: who has a channel, or settings of its own.
    pub fn tenant_ids(&self) -> Vec<TenantId> {
        let named: BTreeSet<&String> = self.channels.iter().map(|c| &c.tenant).chain(self.tenants.keys()).collect();
        named.into_iter().filter_map(|name| TenantId::new(name).ok()).collect()
    }

    /// What counts for a tenant's messages; which of them wait for a person is said per channel.
    pub fn policy(&self, tenant: &TenantId) -> &Policy {
        self.tenants.get(tenant.as_str()).map_or(&self.policy, |tenant| &tenant.policy)
    }

    /// Which of the bot's messages on a channel wait for a person.
    pub fn approval(&self, channel_id: &str) -> ApprovalRule {
        let channel = self.channel(channel_id);
        let own = channel.and_then(|c| c.approval).map(|mode| (mode, SetBy::Channel));
        let tenants = || {
            let tenant = self.tenants.get(&channel?.tenant)?;
            Some((tenant.approval?, SetBy::Tenant))
        };
        let (mode, set_by) = own.or_else(tenants).unwrap_or((self.policy.approval, SetBy::Policy));
        ApprovalRule { mode, set_by }
    }
}
