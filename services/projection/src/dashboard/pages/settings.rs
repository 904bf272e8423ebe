//! `/settings`: how the pages look in this browser, whose key this is, and how to connect a channel.

use askama::Template;
use axum::extract::State;
use serde_json::json;
use steward_domain::tenant::Role;
use steward_settings::{Origin, RULES};

use super::{
    super::{
        Dashboard, Page,
        frame::{Frame, language_name},
        html,
        viewer::Viewer,
        when::{self, Clock},
        words::Fixed,
    },
    channel_name,
};
use crate::read::{
    keys::{self, KeyView},
    sessions::{self, SessionView},
};

struct Choice {
    value: &'static str,
    name: &'static str,
    here: bool,
}

struct Way {
    name: String,
    toml: &'static str,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings {
    f: Frame,
    languages: Vec<Choice>,
    themes: Vec<Choice>,
    densities: Vec<Choice>,
    keys: Vec<Choice>,
    hours: Vec<Choice>,
    notify: Vec<Choice>,
    /// The zone that was chosen; empty: the browser's.
    zone: &'static str,
    zones: Vec<&'static str>,
    ways: Vec<Way>,
    role: &'static str,
    admin: bool,
    keys_in_force: Vec<KeyView>,
    sessions: Vec<Session>,
    /// There are others of the key with which somebody looks.
    others: bool,
    /// Commands are taken here.
    commanded: bool,
    brains: Vec<Provider>,
    brain_model: String,
    /// The choice as it stands, for who takes back another one.
    brain_before: String,
    settings: Vec<Section>,
    channels: Vec<Channel>,
}

/// A session of somebody who entered.
struct Session {
    id: String,
    /// Whose key it is, and what it allows.
    name: String,
    role: &'static str,
    begun: String,
    begun_exact: String,
    seen: String,
    seen_exact: String,
    current: bool,
}

impl Session {
    fn of(session: SessionView, clock: &Clock) -> Self {
        let seen = session.last_seen_at.map(|at| at.0);
        Self {
            begun: clock.moment(session.begun_at.0),
            begun_exact: when::exact(session.begun_at.0),
            seen: seen.map(|at| clock.moment(at)).unwrap_or_default(),
            seen_exact: seen.map(when::exact).unwrap_or_default(),
            id: session.id,
            name: session.name,
            role: session.role,
            current: session.current,
        }
    }
}

struct Provider {
    value: String,
    name: String,
    here: bool,
}

/// The settings of a section that are in force.
struct Section {
    name: String,
    rows: Vec<InForce>,
    /// Something in it isn't by default.
    said: bool,
}

struct InForce {
    key: String,
    value: String,
    from: String,
    said: bool,
}

/// A channel that is configured.
struct Channel {
    id: String,
    kind: String,
    is_web: bool,
    /// It has a provider, who can be asked.
    asked: bool,
}

/// What the configuration needs for a channel of a kind.
const WAYS: [(&str, &str); 4] = [
    (
        "telegram",
        "[[channels]]\nid = \"tg-main\"\nkind = \"telegram\"\ntoken = \"${TELEGRAM_TOKEN}\"\nmode = \"polling\"",
    ),
    (
        "whatsapp",
        "[[channels]]\nid = \"wa-main\"\nkind = \"whatsapp\"\nphone_number_id = \"106540352242922\"\naccess_token = \"${WHATSAPP_TOKEN}\"\napp_secret = \"${WHATSAPP_SECRET}\"\nverify_token = \"${WHATSAPP_VERIFY}\"",
    ),
    (
        "email",
        "[[channels]]\nid = \"mail-main\"\nkind = \"email\"\naddress = \"agent@example.com\"\nsmtp_url = \"smtps://agent:${SMTP_PASSWORD}@mail.example.com\"\nimap_url = \"imaps://agent:${IMAP_PASSWORD}@mail.example.com\"\ninbound_secret = \"${MAIL_SECRET}\"",
    ),
    ("web", WEB),
];

/// The same for the channel that needs nothing else.
pub const WEB: &str = "[[channels]]\nid = \"web-main\"\nkind = \"web\"";

pub async fn one(State(dashboard): State<Dashboard>, viewer: Viewer) -> Page {
    let w = viewer.w;
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let f = Frame::of(&viewer, &dashboard, &snapshot, ("/settings", w.settings.to_owned())).await?;
    let languages = steward_language::Language::ALL.iter().map(|language| Choice {
        value: language.code(),
        name: language_name(*language),
        here: *language == viewer.looks.language,
    });
    let themes = [("system", w.like_the_system), ("light", w.light), ("dark", w.dark)];
    let themes = themes.map(|(value, name)| Choice {
        value,
        name,
        here: value == viewer.looks.theme || (viewer.looks.theme.is_empty() && value == "system"),
    });
    let looks = &viewer.looks;
    let choice = |value, name, here| Choice { value, name, here };
    let compact = !looks.density.is_empty();
    let densities = vec![choice("comfortable", w.roomy, !compact), choice("compact", w.compact, compact)];
    let single = vec![choice("on", w.switched_on, looks.keys), choice("off", w.switched_off, !looks.keys)];
    let hours = [("language", w.as_language, ""), ("24", w.hours_24, "24"), ("12", w.hours_12, "12")];
    let hours = hours.map(|(value, name, kept)| choice(value, name, looks.hours == kept)).into();
    let notify = vec![choice("off", w.switched_off, !looks.notified), choice("needs", w.only_needs, looks.notified)];
    let zone = looks.zone.filter(|_| looks.zone_chosen).map_or("", |zone| zone.name());
    let places = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
    let zones = places.filter(|name| *name == "UTC" || name.contains('/') && !name.starts_with("Etc/")).collect();
    let ways = WAYS.map(|(kind, toml)| Way { name: channel_name(kind).to_owned(), toml });
    let languages = languages.collect();
    let admin = viewer.caller.role == Role::Admin;
    let tenant = keys::tenant(&dashboard.desk, &viewer.caller).await?;
    let keys_in_force = if admin { keys::of(&dashboard.desk, &viewer.caller).await? } else { Vec::new() };
    let entered = sessions::of(&dashboard.desk, &viewer.caller).await?;
    let own = viewer.caller.key_id.as_deref();
    let others = entered.iter().any(|session| !session.current && own == Some(session.key_id.as_str()));
    let clock = viewer.clock();
    let in_force = dashboard.desk.reads.settings.now();
    let own = dashboard.desk.reads.channels.iter().filter(|c| c.tenant == viewer.caller.tenant);
    let channel = |c: &crate::read::Channel| Channel {
        id: c.id.clone(),
        kind: channel_name(&c.kind).to_owned(),
        is_web: c.kind == "web",
        asked: c.kind != "web" && dashboard.desk.reads.around.probe.is_some(),
    };
    let channels = own.map(channel).collect();
    let chosen = tenant.brain.as_ref();
    let provider = |value: &str, name: &str| Provider {
        value: value.to_owned(),
        name: name.to_owned(),
        here: chosen.map_or("", |choice| choice.provider.as_str()) == value,
    };
    let mut brains = vec![provider("", w.as_configured), provider(RULES, w.rules_brain)];
    brains.extend(in_force.brain.providers.keys().map(|name| provider(name, name)));
    let brain_model = chosen.map(|choice| choice.model.clone()).unwrap_or_default();
    let provider = chosen.map_or("", |choice| choice.provider.as_str());
    html(&Settings {
        f,
        brain_before: json!({ "provider": provider, "model": brain_model }).to_string(),
        languages,
        themes: themes.into(),
        densities,
        keys: single,
        hours,
        notify,
        zone,
        zones,
        ways: ways.into(),
        role: viewer.caller.role.name(),
        admin,
        keys_in_force,
        sessions: entered.into_iter().map(|session| Session::of(session, &clock)).collect(),
        others,
        commanded: dashboard.commands.is_some(),
        brains,
        brain_model,
        settings: if admin { sections(&in_force, w) } else { Vec::new() },
        channels,
    })
}

/// What is in force for the whole installation, section by section.
fn sections(settings: &steward_settings::Settings, w: &'static Fixed) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for one in settings.effective() {
        let name = one.key.split('.').next().unwrap_or_default().to_owned();
        let (said, from) = match one.origin {
            Origin::File(path) => (true, path.display().to_string()),
            Origin::Environment(variable) => (true, variable),
            Origin::Default => (false, w.by_default.to_owned()),
        };
        let row = InForce { key: one.key, value: one.value, from, said };
        match sections.last_mut().filter(|section| section.name == name) {
            Some(section) => {
                section.said |= said;
                section.rows.push(row);
            }
            None => sections.push(Section { name, rows: vec![row], said }),
        }
    }
    sections
}
