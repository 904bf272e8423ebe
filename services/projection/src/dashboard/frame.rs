//! What every page stands in: the sections with what needs a person, who looks, and the state of the line.

use askama::Template;
use axum::response::Html;
use steward_http::Problem;

use super::{
    Dashboard, assets,
    viewer::{Looks, Viewer},
    words::{self, Fixed},
};
use crate::{
    models::conversations::attention::{self, CountsView},
    read::snapshot::Snapshot,
};

/// A page's surroundings.
pub struct Frame {
    pub w: &'static Fixed,
    pub lang: &'static str,
    pub theme: &'static str,
    pub density: &'static str,
    /// Single keys do something.
    pub single_keys: bool,
    /// `12`, `24`; empty: as the language has it.
    pub hours: &'static str,
    /// The browser tells of what needs them.
    pub notified: bool,
    /// The keys, by where they work.
    pub keys: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    pub hash: String,
    pub title: String,
    /// The section's path.
    pub section: &'static str,
    pub sections: Vec<Section>,
    pub counts: CountsView,
    /// The position that the page shows.
    pub position: u64,
    pub tenant: String,
    pub who: String,
    pub language: &'static str,
    pub zone: &'static str,
    pub keyed: bool,
    pub cannot: Option<&'static str>,
    /// Where a form without script comes back to.
    pub here: String,
    /// The page has one pane on a narrow screen, with its own way back.
    pub inside: bool,
    /// What tells a repeat of a form's command from a new one.
    pub key: String,
}

/// What stands in the bar of a narrow screen; the rest is below More.
const FIRST: [&str; 4] = ["/inbox", "/promises", "/outbox", "/live"];

/// An entry of the navigation.
pub struct Section {
    pub path: &'static str,
    pub name: &'static str,
    /// How much of it needs a person.
    pub count: u64,
    /// A group begins here.
    pub gap: bool,
    /// On a narrow screen it stands below More.
    pub rest: bool,
}

impl Frame {
    /// # Errors
    /// 503 when Postgres doesn't answer.
    pub async fn of(
        viewer: &Viewer,
        dashboard: &Dashboard,
        snapshot: &Snapshot<'_>,
        (section, title): (&'static str, String),
    ) -> Result<Self, Problem> {
        let counts = attention::counts(snapshot, &viewer.caller).await?;
        let w = viewer.w;
        let entry = |path, name, count, gap| Section { path, name, count, gap, rest: !FIRST.contains(&path) };
        let sections = vec![
            entry("/inbox", w.inbox, counts.conversations, false),
            entry("/promises", w.promises, 0, false),
            entry("/outbox", w.outbox, counts.outbox, false),
            entry("/goals", w.goals, 0, true),
            entry("/live", w.live, 0, true),
            entry("/system", w.system, 0, false),
            entry("/settings", w.settings, 0, false),
            entry("/try", w.try_it, 0, true),
        ];
        Ok(Self {
            w,
            lang: viewer.looks.language.code(),
            theme: viewer.looks.theme,
            density: viewer.looks.density,
            single_keys: viewer.looks.keys,
            hours: viewer.looks.hours,
            notified: viewer.looks.notified,
            keys: viewer.words.keys(),
            hash: assets::hash(),
            title,
            section,
            sections,
            counts,
            position: snapshot.position,
            tenant: viewer.caller.tenant.to_string(),
            who: viewer.caller.name.clone(),
            language: language_name(viewer.looks.language),
            zone: viewer.looks.own_zone.map_or("", |zone| zone.name()),
            keyed: dashboard.guard.asks_for_keys(),
            cannot: viewer.cannot,
            here: viewer.here.clone(),
            inside: false,
            key: uuid::Uuid::now_v7().to_string(),
        })
    }

    /// The section is one of those below More.
    pub fn is_rest(&self) -> bool {
        !FIRST.contains(&self.section)
    }

    /// The number that the browser's title begins with.
    pub fn needs(&self) -> String {
        if self.counts.conversations > 0 { format!("({}) ", self.counts.conversations) } else { String::new() }
    }
}

/// A language by its own name.
pub fn language_name(language: steward_language::Language) -> &'static str {
    match language {
        steward_language::Language::En => "English",
        steward_language::Language::Es => "español",
        steward_language::Language::Ru => "русский",
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    w: &'static Fixed,
    lang: &'static str,
    theme: &'static str,
    hash: String,
    detail: &'a str,
}

/// The page that says what went wrong.
pub fn problem(looks: &Looks, detail: &str) -> Html<String> {
    let w = words::of(looks.language).fixed();
    let detail = if detail.is_empty() { w.refused } else { detail };
    let page = ProblemPage { w, lang: looks.language.code(), theme: looks.theme, hash: assets::hash(), detail };
    Html(page.render().unwrap_or_else(|_| detail.chars().filter(|c| !"<>&".contains(*c)).collect()))
}
