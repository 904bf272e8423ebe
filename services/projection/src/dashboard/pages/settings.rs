//! `/settings`: how the pages look in this browser, whose key this is, and how to connect a channel.

use askama::Template;
use axum::extract::State;

use super::{
    super::{
        Dashboard, Page,
        frame::{Frame, language_name},
        html,
        viewer::Viewer,
    },
    channel_name,
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
    ways: Vec<Way>,
    role: &'static str,
}

/// What the configuration needs for a channel of a kind.
const WAYS: [(&str, &str); 3] = [
    (
        "telegram",
        "[[channels]]\nid = \"tg-main\"\nkind = \"telegram\"\ntoken = \"${TELEGRAM_TOKEN}\"\nmode = \"polling\"",
    ),
    (
        "whatsapp",
        "[[channels]]\nid = \"wa-main\"\nkind = \"whatsapp\"\nphone_number_id = \"106540352242922\"\naccess_token = \"${WHATSAPP_TOKEN}\"\napp_secret = \"${WHATSAPP_SECRET}\"\nverify_token = \"${WHATSAPP_VERIFY}\"",
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
    let ways = WAYS.map(|(kind, toml)| Way { name: channel_name(kind).to_owned(), toml });
    let (languages, role) = (languages.collect(), viewer.caller.role.name());
    html(&Settings { f, languages, themes: themes.into(), ways: ways.into(), role })
}
