//! What `steward.toml` and its variables mean, and how each mistake in them is answered.

use std::{fs, time::Duration};

use steward::config::{self, ConfigError, Environment, Settings};
use steward_domain::{brain::Job, policy::parse_quiet_hours, settings::OnUnknown};
use steward_proto::TenantId;
use steward_settings::{AuthMode, ChannelKind, Mode, RateLimit};
use tempfile::TempDir;

/// Every key of the documented configuration.
const FULL: &str = r#"
[server]
listen = "127.0.0.1:8081"
public_url = "https://steward.example.com/"
metrics_listen = "127.0.0.1:9090"
trusted_proxies = ["10.0.0.0/8", "::1"]
[limits]
connections = 500
connections_per_address = 50
body_megabytes = 256
[nats]
url = "nats://127.0.0.1:4222"
[postgres]
url = "postgres://user@127.0.0.1/steward"
[auth]
mode = "keys"
[brain]
provider = "rules"
model = "some-model"
[brain.providers.openai]
base_url = "https://llm.example.com/v1"
api_key = "${LLM_KEY}"
[defaults]
timezone = "Asia/Makassar"
language = "es"
followup_hour = 9
parts_of_day = { morning = 8, noon = 12, afternoon = 16, evening = 20, night = 23 }
meeting_reminder_hours = [48, 2]
late_limit = "2h"
human_release_after = "never"
no_reply_after = "never"
renew = false
turn_max_wait = "4s"
turn_debounce = "100ms"
[policy]
quiet_hours = "22:00-08:00"
daily_cap = 5
auto_reply_cap = 10
approval = "first_contact"
[webhooks]
allow_private = true
retry = ["1s", "5s"]
[[channels]]
id = "tg-main"
kind = "telegram"
tenant = "acme"
mode = "polling"
on_unknown = "resend"
rate_limit = { per_second = 20, burst = 25, per_chat_per_second = 2, per_chat_burst = 4 }
token = "1:${TG}"
operators = ["7001"]
secret_token = "s3cret"
api_base = "http://127.0.0.1:9/"
[[channels]]
id = "wa-main"
kind = "whatsapp"
phone_number_id = "111"
access_token = "t"
app_secret = "s"
verify_token = "v"
api_base = "https://graph.example.com"
templates = [{ purpose = "follow_up", language = "ru", name = "follow_up_ru", parameters = ["text"] }]
[[channels]]
id = "mail-main"
kind = "email"
address = "agent@example.com"
smtp_url = "smtp://127.0.0.1:1025"
imap_url = "imaps://user:pass@mail.example.com"
inbound_secret = "m"
inbound = [{ provider = "mailgun", signing_key = "k" }, { provider = "postmark", user = "u", password = "p" }]
trusted_authserv_id = "mx.example.com"
groups = ["support@example.com"]
[[channels]]
id = "web-main"
kind = "web"
"#;

fn env(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn load(toml: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let dir = TempDir::new().expect("a temp dir");
    let path = dir.path().join("steward.toml");
    fs::write(&path, toml).expect("written");
    config::load(Some(&path), &env(variables)).map(|loaded| loaded.settings)
}

#[test]
fn every_documented_key_is_read() {
    let s = load(FULL, &[("LLM_KEY", "sk-1"), ("TG", "abc")]).expect("the documented configuration is valid");
    assert_eq!(s.server.listen.to_string(), "127.0.0.1:8081");
    assert_eq!(s.server.public_url.as_deref(), Some("https://steward.example.com"));
    assert_eq!(s.server.metrics_listen.map(|a| a.to_string()).as_deref(), Some("127.0.0.1:9090"));
    let limits = &s.limits;
    assert_eq!((limits.connections, limits.connections_per_address, limits.body_megabytes), (500, 50, 256));
    assert_eq!(s.server.trusted_proxies, ["10.0.0.0/8", "::1"].map(|n| n.parse().expect("a network")));
    assert_eq!(s.nats.url.as_ref().map(|u| u.expose()), Some("nats://127.0.0.1:4222"));
    assert_eq!(s.defaults.timezone, chrono_tz::Asia::Makassar);
    assert_eq!((s.defaults.followup_hour, s.defaults.parts_of_day.night), (9, 23));
    assert_eq!(s.defaults.human_release_after, None);
    assert_eq!(s.defaults.turn_debounce, Duration::from_millis(100));
    assert_eq!(s.policy.quiet_hours, parse_quiet_hours("22:00-08:00"));
    assert_eq!(s.webhooks.retry, [1, 5].map(Duration::from_secs));
    assert_eq!(s.channels.len(), 4);
    let ChannelKind::Telegram(tg) = &s.channels[0].kind else { panic!("the first is telegram") };
    assert_eq!(
        (tg.token.expose(), tg.api_base.as_str(), tg.mode, s.channels[0].on_unknown),
        ("1:abc", "http://127.0.0.1:9", Mode::Polling, OnUnknown::Resend)
    );
    let rate = RateLimit { per_second: 20, burst: 25, per_chat_per_second: 2, per_chat_burst: 4 };
    assert_eq!(s.channels[0].rate_limit, Some(rate));
    assert_eq!((s.channels[0].tenant.as_str(), s.channels[3].tenant.as_str()), ("acme", "default"));
}

#[test]
fn what_is_configured_but_not_served_is_refused_in_one_sentence() {
    let refusal = load("[defaults]\nno_reply_after='3d'\n", &[]).expect_err("not served").to_string();
    assert!(refusal.contains("`defaults.no_reply_after`") && refusal.contains("doesn't serve yet"), "{refusal}");
}

#[test]
fn each_job_is_done_by_its_own_model_else_by_who_answers_clients() {
    let toml = "[brain]\nprovider='openai'\nmodel='m'\n[brain.jobs]\nsummary={ model='small' }\n\
                extraction={ provider='gemini', model='g' }\nexpert={ provider='rules' }\n";
    let brain = load(toml, &[("OPENAI_API_KEY", "k"), ("GEMINI_API_KEY", "k")]).expect("valid").brain;
    let by = |job| {
        let (provider, chain) = brain.doing(job).expect("checked");
        format!("{provider} {}", chain.first().map_or("", |model| &model.name))
    };
    assert_eq!((by(Job::Chat), by(Job::Summary)), ("openai m".to_owned(), "openai small".to_owned()));
    assert_eq!((by(Job::Extraction), by(Job::Expert)), ("gemini g".to_owned(), "rules ".to_owned()));
    assert_eq!(by(Job::Planning), "openai m");
    let only = load("[brain.jobs]\nsummary={ provider='openai', model='m' }\n", &[("OPENAI_API_KEY", "k")]);
    let brain = only.expect("valid").brain;
    assert!(brain.deciding().expect("the rules").is_empty());
    assert_eq!(brain.doing(Job::Summary).expect("checked").1.len(), 1);
    assert!(brain.doing(Job::Extraction).expect("checked").1.is_empty());
}

#[test]
fn a_model_needs_two_lines_and_its_key() {
    let toml = "[brain]\nprovider='openai'\nmodel='m'\n";
    let settings = load(toml, &[("OPENAI_API_KEY", "sk-1")]).expect("valid");
    let asked = settings.brain.deciding().expect("a model");
    assert_eq!(asked.iter().map(|m| (m.provider.as_str(), m.name.as_str())).collect::<Vec<_>>(), [("openai", "m")]);
    assert_eq!(settings.defaults.turn_debounce, Duration::from_millis(1_500), "each call costs");
    let own = load(&format!("{toml}[defaults]\nturn_debounce='0s'\n"), &[("OPENAI_API_KEY", "sk-1")]).expect("valid");
    assert_eq!(own.defaults.turn_debounce, Duration::ZERO);
    assert!(load("", &[]).expect("valid").brain.deciding().expect("the rules").is_empty());
}

#[test]
fn how_long_traces_are_kept_is_said_for_all_and_for_one_tenant() {
    let life = |toml: &str, tenant: &str| {
        let settings = load(toml, &[]).expect("valid");
        settings.traces(&TenantId::new(tenant).expect("a name")).as_secs()
    };
    let day = 24 * 3600;
    assert_eq!(life("", "default"), 7 * day);
    let own = "[brain]\ntraces='12h'\n[tenants.default]\ntraces='30d'\n";
    assert_eq!((life(own, "default"), life(own, "other")), (30 * day, day / 2));
    for off in ["0", "'0'", "'0s'"] {
        assert_eq!(life(&format!("[tenants.default]\ntraces={off}\n"), "default"), 0, "{off}");
    }
}

#[test]
fn what_is_served_reaches_the_services_as_it_was_configured() {
    let toml = "[defaults]\nfollowup_hour=9\n[policy]\ndaily_cap=2\nquiet_hours='22:00-08:00'\n[[channels]]\nid='t'\nkind='telegram'\ntoken='1:a'\nsecret_token='b'\nmode='polling'\non_unknown='resend'\noperators=['7']\ntenant='acme'\n[[channels]]\nid='w'\nkind='web'\n";
    let served = load(toml, &[]).expect("valid");
    assert_eq!((served.defaults.followup_hour, served.policy.daily_cap), (9, Some(2)));
    assert_eq!(served.policy.quiet_hours, parse_quiet_hours("22:00-08:00"));
    let telegram = served.channel("t").expect("there");
    assert_eq!((telegram.tenant.as_str(), telegram.operators.as_slice()), ("acme", &["7".to_owned()][..]));
    assert_eq!((telegram.on_unknown, telegram.rate_limit.map(|rate| rate.per_second)), (OnUnknown::Resend, Some(30)));
    let ChannelKind::Telegram(bot) = &telegram.kind else { panic!("telegram") };
    assert_eq!((bot.token.expose(), bot.secret_token.expose()), ("1:a", "b"));
    assert_eq!(served.channel("w").map(|c| c.kind.name()), Some("web"));
}

#[test]
fn without_a_file_there_is_one_open_web_channel_on_loopback() {
    let s = config::load(None, &env(&[])).expect("defaults are valid").settings;
    assert_eq!((s.auth.mode, s.server.listen.to_string()), (AuthMode::Open, "127.0.0.1:8080".to_owned()));
    assert_eq!(s.channels.len(), 1);
    assert_eq!((s.channels[0].id.as_str(), &s.channels[0].kind), ("web", &ChannelKind::Web));
    assert!(s.nats.url.is_none() && s.postgres.url.is_none());
    assert_eq!(s.webhooks.retry.last(), Some(&Duration::from_secs(8 * 3600)));
}

#[test]
fn a_file_without_an_auth_section_asks_for_keys() {
    assert_eq!(load("", &[]).expect("an empty file is valid").auth.mode, AuthMode::Keys);
}

#[test]
fn telegram_keeps_to_its_documented_rate_unless_told_otherwise() {
    let channel = "[[channels]]\nid='t'\nkind='telegram'\ntoken='1:a'\nsecret_token='a'\n";
    let rate = |more: &str| {
        let s = load(&format!("{channel}{more}"), &[]).expect("valid");
        s.channels[0].rate_limit.map(|r| [r.per_second, r.burst, r.per_chat_per_second, r.per_chat_burst])
    };
    assert_eq!(rate(""), Some([30, 30, 1, 3]));
    assert_eq!(rate("rate_limit='off'\n"), None);
    assert_eq!(rate("rate_limit={ per_second = 5 }\n"), Some([5, 30, 1, 3]));
}

/// Each key that the environment may set, with a value as one writes it there.
const VARIABLES: &[(&str, &str)] = &[
    ("STEWARD__SERVER__LISTEN", "127.0.0.1:9999"),
    ("STEWARD__SERVER__PUBLIC_URL", "https://x.example.com"),
    ("STEWARD__NATS__URL", "nats://127.0.0.1:1"),
    ("STEWARD__POSTGRES__URL", "postgres://u@127.0.0.1/d"),
    ("STEWARD__AUTH__MODE", "open"),
    ("STEWARD__DEFAULTS__TIMEZONE", "Europe/Madrid"),
    ("STEWARD__DEFAULTS__LANGUAGE", "ru"),
    ("STEWARD__DEFAULTS__FOLLOWUP_HOUR", "11"),
    ("STEWARD__DEFAULTS__PARTS_OF_DAY__EVENING", "18"),
    ("STEWARD__DEFAULTS__MEETING_REMINDER_HOURS", "[3, 1]"),
    ("STEWARD__DEFAULTS__LATE_LIMIT", "3h"),
    ("STEWARD__DEFAULTS__HUMAN_RELEASE_AFTER", "45m"),
    ("STEWARD__DEFAULTS__RENEW", "true"),
    ("STEWARD__DEFAULTS__TURN_MAX_WAIT", "7s"),
    ("STEWARD__DEFAULTS__TURN_DEBOUNCE", "1s"),
    ("STEWARD__POLICY__QUIET_HOURS", "23:00-07:30"),
    ("STEWARD__POLICY__DAILY_CAP", "3"),
    ("STEWARD__POLICY__AUTO_REPLY_CAP", "4"),
    ("STEWARD__POLICY__APPROVAL", "all"),
    ("STEWARD__WEBHOOKS__ALLOW_PRIVATE", "false"),
    ("STEWARD__WEBHOOKS__RETRY", r#"["2s", "3s"]"#),
];

#[test]
fn the_environment_overrides_every_key_of_the_file() {
    let file = FULL.replace("${LLM_KEY}", "k").replace("${TG}", "t");
    // `Debug` doesn't show secrets, so they are added here.
    let all_of = |s: &Settings| {
        let urls = [&s.nats.url, &s.postgres.url].map(|u| u.as_ref().map(|u| u.expose()));
        format!("{s:?} {urls:?}")
    };
    let before = all_of(&load(&file, &[]).expect("valid"));
    for variable in VARIABLES {
        let after = load(&file, &[*variable]).unwrap_or_else(|e| panic!("{}: {e}", variable.0));
        assert_ne!(before, all_of(&after), "{} changes nothing", variable.0);
    }
    let all = load(&file, VARIABLES).expect("all together are valid");
    assert_eq!(all.defaults.meeting_reminder_hours, [3, 1]);
    assert_eq!(all.defaults.parts_of_day.evening, 18);
    assert_eq!(all.defaults.parts_of_day.morning, 8, "what the file says beside it stays");
    assert_eq!((all.defaults.renew, all.webhooks.allow_private), (true, false));
}

#[test]
fn approval_is_asked_for_per_channel_else_per_tenant_else_by_policy() {
    let toml = "[policy]\napproval='proactive'\n[tenants.acme]\napproval='all'\n\
                [[channels]]\nid='a'\nkind='web'\n[[channels]]\nid='b'\nkind='web'\ntenant='acme'\n\
                [[channels]]\nid='c'\nkind='web'\ntenant='acme'\napproval='first_contact'\n";
    let mode = |variables: &[(&str, &str)], id: &str| {
        let settings = load(toml, variables).expect("valid");
        settings.approval(id).to_string()
    };
    assert_eq!(mode(&[], "a"), "proactive, set by [policy]");
    assert_eq!(mode(&[], "b"), "all, set for the tenant");
    assert_eq!(mode(&[], "c"), "first_contact, set for the channel");
    assert_eq!(mode(&[("STEWARD__TENANTS__ACME__APPROVAL", "none")], "b"), "none, set for the tenant");
}

#[test]
fn quiet_hours_and_caps_are_the_tenants_own_else_those_of_policy() {
    let toml = "[policy]\nquiet_hours='22:00-08:00'\ndaily_cap=5\nauto_reply_cap=9\n\
                [tenants.acme]\nquiet_hours='20:00-10:00'\ndaily_cap=2\n\
                [[channels]]\nid='a'\nkind='web'\n[[channels]]\nid='b'\nkind='web'\ntenant='acme'\n";
    let settings = load(toml, &[]).expect("valid");
    let of = |tenant: &str| {
        let policy = settings.policy(&TenantId::new(tenant).expect("valid"));
        (policy.quiet_hours, policy.daily_cap, policy.auto_reply_cap)
    };
    assert_eq!(of("acme"), (parse_quiet_hours("20:00-10:00"), Some(2), Some(9)));
    assert_eq!(of("default"), (parse_quiet_hours("22:00-08:00"), Some(5), Some(9)));
}

/// A file, the variables over it, and what the refusal says.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn bad_values_are_refused_with_their_key_what_was_found_and_what_is_expected() {
    let tg = "[[channels]]\nid='t'\nkind='telegram'\ntoken='1:a'\nsecret_token='a'\n";
    let without = |line: &str| tg.replace(line, "");
    #[rustfmt::skip]
    let table: &[Row] = &[
        // syntax: the line
        ("[server\n", &[], &["steward.toml", "line 1"]),
        ("[server]\nlisten = \n", &[], &["line 2"]),
        ("[auth]\nmode='keys'\nmode='open'\n", &[], &["line 3"]),
        // unknown keys
        ("[server]\nlisen = '127.0.0.1:1'\n", &[], &["server.lisen", "unknown field `lisen`", "expected one of `listen`"]),
        ("[sever]\n", &[], &["sever", "unknown field"]),
        ("[defaults.parts_of_day]\ndusk = 3\n", &[], &["defaults.parts_of_day.dusk"]),
        ("[brain]\njob='rules'\n", &[], &["brain.job", "unknown field", "`provider`"]),
        ("[[channels]]\nid='w'\nkind='web'\ntoken='x'\n", &[], &["channels[0].token", "unknown field"]),
        ("[[channels]]\nid='w'\nkind='web'\nrate_limit='off'\n", &[], &["channels[0].rate_limit", "unknown field"]),
        (&format!("{tg}operaters=['7']\n"), &[], &["channels[0].operaters", "unknown field", "`operators`"]),
        (&format!("{tg}tokn='7'\n"), &[], &["channels[0].tokn", "unknown field", "`token`"]),
        // bad values
        ("[server]\nlisten = 8080\n", &[], &["server.listen", "integer `8080`", "expected a string"]),
        ("[server]\nlisten = 'here'\n", &[], &["server.listen", "\"here\"", "127.0.0.1:8080"]),
        ("[server]\npublic_url = 'steward.example.com'\n", &[], &["server.public_url", "expected a URL"]),
        ("[server]\nlisten = '0.0.0.0:0'\n[auth]\nmode='open'\n", &[], &["server.listen", "0.0.0.0:0", "open", "keys"]),
        ("[server]\ntrusted_proxies = ['10.0.0.0/64']\n", &[], &["server.trusted_proxies[0]", "10.0.0.0/8"]),
        ("[server]\nmetrics_listen = '9090'\n", &[], &["server.metrics_listen", "127.0.0.1:8080"]),
        ("[limits]\nbody_megabytes = 10\n", &[], &["limits.body_megabytes", "`10`", "104"]),
        ("[limits]\nconnections = 0\n", &[], &["limits.connections", "at least 1"]),
        ("[limits]\nconections = 10\n", &[], &["limits.conections", "unknown field"]),
        ("[auth]\nmode = 'closed'\n", &[], &["auth.mode", "closed", "keys"]),
        ("[nats]\nurl = 'http://x'\n", &[], &["nats.url", "nats://"]),
        ("[postgres]\nurl = 'mysql://x'\n", &[], &["postgres.url", "postgres://"]),
        ("[nats]\nurl = 'nats://a:b@nats.example.com'\n", &[], &["nats.url", "in the clear", "tls://"]),
        (
            "[postgres]\nurl = 'postgres://a:b@db.example.com/x?sslmode=prefer'\n",
            &[],
            &["postgres.url", "without TLS", "sslmode=require"],
        ),
        ("[defaults]\ntimezone='Mars/Base'\n", &[], &["defaults.timezone", "Mars/Base", "Europe/Madrid"]),
        ("[defaults]\nlanguage='de'\n", &[], &["defaults.language", "de", "ru"]),
        ("[defaults]\nfollowup_hour=24\n", &[], &["defaults.followup_hour", "24", "0 to 23"]),
        ("[defaults]\nlate_limit='soon'\n", &[], &["defaults.late_limit", "soon", "1h"]),
        ("[defaults]\nlate_limit='never'\n", &[], &["defaults.late_limit", "never"]),
        ("[defaults]\nno_reply_after='0s'\n", &[], &["defaults.no_reply_after", "never"]),
        ("[defaults]\nmeeting_reminder_hours=[24, 0]\n", &[], &["defaults.meeting_reminder_hours[1]", "at least 1"]),
        ("[defaults]\nrenew='yes'\n", &[], &["defaults.renew", "yes", "boolean"]),
        ("[policy]\nquiet_hours='22-8'\n", &[], &["policy.quiet_hours", "22-8", "22:00-08:00"]),
        ("[policy]\nquiet_hours='22:00-22:00'\n", &[], &["policy.quiet_hours"]),
        ("[policy]\ndaily_cap=0\n", &[], &["policy.daily_cap", "at least 1"]),
        ("[policy]\napproval='some'\n", &[], &["policy.approval", "some", "first_contact"]),
        ("[[channels]]\nid='w'\nkind='web'\napproval='some'\n", &[], &["channels[0].approval", "some", "first_contact"]),
        ("[tenants.default]\napproval='some'\n", &[], &["tenants.default.approval", "some", "first_contact"]),
        ("[tenants.default]\naproval='all'\n", &[], &["tenants.default.aproval", "unknown field", "`approval`"]),
        ("[tenants.acme]\napproval='all'\n", &[], &["tenants.acme", "the tenant of a channel", "\"default\""]),
        ("", &[("STEWARD__TENANTS__ACME__APPROVAL", "all")], &["tenants.acme", "tenant of a channel"]),
        ("[webhooks]\nretry=['1s', 'x']\n", &[], &["webhooks.retry[1]", "duration"]),
        ("[brain]\nprovider='oracle'\n", &[], &["brain.provider", "oracle", "rules"]),
        ("[brain]\nprovider='openai'\n", &[], &["brain.provider", "brain.providers.openai.model", "missing"]),
        ("[brain]\nprovider='openai'\nmodel='m'\n", &[], &["brain.provider", "OPENAI_API_KEY", "isn't set"]),
        ("[brain]\nwithout_answer='holding'\n", &[], &["brain.holding", "missing", "without_answer"]),
        ("[brain.budget]\nper_day='5 EUR'\n", &[], &["brain.budget.per_day", "5 EUR", "5 USD"]),
        ("[brain.budget]\nper_day=0\n", &[], &["brain.budget.per_day", "micro-USD"]),
        (
            "[brain]\nprovider='openai'\nmodel='m'\n[brain.budget]\nper_day='5 USD'\n",
            &[("OPENAI_API_KEY", "k")],
            &["brain.budget.per_day", "brain.prices", "isn't known"],
        ),
        ("[brain]\nsteps=0\n", &[], &["brain.steps", "at least 1"]),
        ("[brain.jobs]\nsinging={ provider='openai' }\n", &[], &["brain.jobs", "singing", "summary"]),
        ("[brain.jobs]\nsummary={ provider='oracle' }\n", &[], &["brain.jobs.summary.provider", "oracle"]),
        ("[brain.jobs]\nsummary={ provider='rules', model='m' }\n", &[], &["brain.jobs.summary.model", "no models"]),
        ("[brain.jobs]\nsummary={ brain='m' }\n", &[], &["brain.jobs", "unknown field", "`provider`"]),
        ("[brain]\ntraces='soon'\n", &[], &["brain.traces", "soon", "30d"]),
        ("[brain]\ntraces=5\n", &[], &["brain.traces", "5", "30d"]),
        ("[tenants.default]\ntraces='1500ms'\n", &[], &["tenants.default.traces", "1500ms", "30d"]),
        // channels
        ("[[channels]]\nid='x'\n", &[], &["channels[0].kind", "missing", "telegram"]),
        ("[[channels]]\nid='x'\nkind='pigeon'\n", &[], &["channels[0].kind", "pigeon", "telegram"]),
        ("[[channels]]\nkind='web'\n", &[], &["channels[0]", "missing field `id`"]),
        ("[[channels]]\nid='a.b'\nkind='web'\n", &[], &["channels[0].id", "a.b", "letters"]),
        ("[[channels]]\nid='w'\nkind='web'\n[[channels]]\nid='w'\nkind='web'\n", &[], &["channels[1].id", "\"w\"", "second time"]),
        (&without("secret_token='a'\n"), &[], &["channels[0]", "missing field `secret_token`"]),
        (&without("token='1:a'\n"), &[], &["channels[0]", "missing field `token`"]),
        (&tg.replace("secret_token='a'", "secret_token='two words'"), &[], &["channels[0].secret_token", "letters"]),
        (&tg.replace("1:a", "1/../2"), &[], &["channels[0].token", "BotFather"]),
        (&format!("{tg}rate_limit='fast'\n"), &[], &["channels[0].rate_limit", "fast", "off"]),
        (&format!("{tg}rate_limit={{ burst = 0 }}\n"), &[], &["channels[0].rate_limit.burst", "at least 1"]),
        (&format!("{tg}mode='push'\n"), &[], &["channels[0].mode", "push", "polling"]),
        (&format!("{tg}on_unknown='panic'\n"), &[], &["channels[0].on_unknown", "hold"]),
        (&format!("{tg}operators=[7001]\n"), &[], &["channels[0].operators[0]", "7001", "string"]),
        ("[[channels]]\nid='m'\nkind='email'\naddress='nobody'\nsmtp_url='smtp://h'\ninbound_secret='s'\n", &[], &["channels[0].address", "nobody", "@"]),
        ("[[channels]]\nid='m'\nkind='email'\naddress='a@b'\nsmtp_url='http://h'\ninbound_secret='s'\n", &[], &["channels[0].smtp_url", "smtp://"]),
        ("[[channels]]\nid='m'\nkind='email'\naddress='a@b'\nsmtp_url='smtp://me:hidden@h'\ninbound_secret='s'\n", &[], &["channels[0].smtp_url", "in the clear"]),
        ("[[channels]]\nid='m'\nkind='email'\naddress='a@b'\nsmtp_url='smtp://h?tls=maybe'\ninbound_secret='s'\n", &[], &["channels[0].smtp_url", "tls=required"]),
        ("[[channels]]\nid='m'\nkind='email'\naddress='a@b'\nsmtp_url='smtp://h'\nimap_url='imaps://h'\ninbound_secret='s'\n", &[], &["channels[0].imap_url", "password"]),
        ("[[channels]]\nid='m'\nkind='email'\naddress='a@b'\nsmtp_url='smtp://h'\ninbound_secret='s'\ninbound=[{provider='mailgun'}]\n", &[], &["channels[0].inbound[0]", "signing_key"]),
        ("[[channels]]\nid='w'\nkind='whatsapp'\nphone_number_id='1'\naccess_token='a'\nverify_token='c'\n", &[], &["missing field `app_secret`"]),
        ("channels = 'web'\n", &[], &["channels", "sequence"]),
        // variables
        (&tg.replace("1:a", "${NO_SUCH_VAR_X}"), &[], &["channels[0].token", "NO_SUCH_VAR_X", "set"]),
        (&tg.replace("1:a", "${NO_SUCH"), &[], &["channels[0].token", "}"]),
        ("", &[("STEWARD__SERVER__LISEN", "x")], &["STEWARD__SERVER__LISEN", "server.lisen", "listen"]),
        ("", &[("STEWARD__DEFAULTS__FOLLOWUP_HOUR", "ten")], &["STEWARD__DEFAULTS__FOLLOWUP_HOUR", "ten"]),
        ("", &[("STEWARD__DEFAULTS__FOLLOWUP_HOUR", "30")], &["STEWARD__DEFAULTS__FOLLOWUP_HOUR", "30", "0 to 23"]),
        ("", &[("STEWARD__SERVER", "x")], &["STEWARD__SERVER", "STEWARD__SECTION__KEY"]),
        ("", &[("STEWARD__CHANNELS__0__ID", "x")], &["STEWARD__CHANNELS__0__ID", "[[channels]]"]),
        ("", &[("STEWARD__AUTH__MODE", "open"), ("STEWARD__SERVER__LISTEN", "[::]:80")], &["open", "[::]:80"]),
    ];
    for (toml, variables, words) in table {
        let refusal = match load(toml, variables) {
            Ok(_) => panic!("accepted: {toml} {variables:?}"),
            Err(refusal) => refusal.to_string(),
        };
        for word in *words {
            assert!(refusal.contains(word), "{toml}{variables:?}\nsays: {refusal}\nwithout: {word}");
        }
    }
}

#[test]
fn a_refusal_does_not_show_the_secret_it_is_about() {
    for toml in [
        "[[channels]]\nid='t'\nkind='telegram'\ntoken='hun ter2'\nsecret_token='a'\n",
        "[[channels]]\nid='t'\nkind='telegram'\ntoken='1:a'\nsecret_token='hun ter2'\n",
        "[nats]\nurl='hun ter2'\n",
        "[postgres]\nurl='mysql://me:hun ter2@x'\n",
    ] {
        let refusal = load(toml, &[]).expect_err("refused").to_string();
        assert!(!refusal.contains("ter2"), "{refusal}");
    }
}

#[test]
fn a_missing_file_that_was_named_is_refused() {
    let refusal = config::load(Some("/nonexistent/steward.toml".as_ref()), &env(&[])).expect_err("refused").to_string();
    assert!(refusal.contains("/nonexistent/steward.toml") && refusal.contains("--config"), "{refusal}");
}
