//! Who looks at a page: the caller, and the language, zone and colours of their browser.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use steward_domain::tenant::Role;
use steward_http::{Caller, Problem, cookie};
use steward_language::Language;

use super::{
    Dashboard,
    when::Clock,
    words::{self, Fixed, Words},
};
use crate::read::answer::Fresh;

/// What a browser says of itself, by its cookies and headers.
#[derive(Clone, Copy)]
pub struct Looks {
    pub language: Language,
    /// `light`, `dark`; empty: like the system.
    pub theme: &'static str,
    /// `compact`; empty: comfortable.
    pub density: &'static str,
    /// The zone that was chosen, else the browser's.
    pub zone: Option<Tz>,
    /// The browser's.
    pub own_zone: Option<Tz>,
    /// A zone was chosen.
    pub zone_chosen: bool,
    /// Single keys do something.
    pub keys: bool,
    /// `12`, `24`; empty: as the language has it.
    pub hours: &'static str,
    /// The browser tells of what needs them.
    pub notified: bool,
}

impl Looks {
    pub fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let tags = accepted.split(',').take(16).map(|tag| tag.split(';').next().unwrap_or_default().trim());
        let language = cookie(headers, "steward_language")
            .and_then(Language::of_tag)
            .or_else(|| tags.into_iter().find_map(Language::of_tag))
            .unwrap_or(Language::En);
        let theme = match cookie(headers, "steward_theme") {
            Some("light") => "light",
            Some("dark") => "dark",
            _ => "",
        };
        let zone = |name| {
            let zone = cookie(headers, name).map(|zone| zone.replace("%2F", "/").replace("%2B", "+"));
            zone.and_then(|zone| zone.parse().ok())
        };
        let (own_zone, chosen): (Option<Tz>, Option<Tz>) = (zone("steward_zone"), zone("steward_zone_chosen"));
        Self {
            language,
            theme,
            density: if cookie(headers, "steward_density") == Some("compact") { "compact" } else { "" },
            zone: chosen.or(own_zone),
            own_zone,
            zone_chosen: chosen.is_some(),
            keys: cookie(headers, "steward_keys") != Some("off"),
            hours: match cookie(headers, "steward_hours") {
                Some("12") => "12",
                Some("24") => "24",
                _ => "",
            },
            notified: cookie(headers, "steward_notify") == Some("needs"),
        }
    }

    pub fn words(&self) -> &'static dyn Words {
        words::of(self.language)
    }
}

/// Who looks.
pub struct Viewer {
    pub caller: Caller,
    pub looks: Looks,
    pub words: &'static dyn Words,
    pub w: &'static Fixed,
    pub zone: Tz,
    pub now: DateTime<Utc>,
    /// Why they can give no commands, if they can't.
    pub cannot: Option<&'static str>,
    /// The path and query of the page.
    pub here: String,
    /// Who the person is on the page where one can try it.
    pub guest: Option<String>,
}

impl Viewer {
    /// The time as they see it.
    pub fn clock(&self) -> Clock {
        Clock { zone: self.zone, now: self.now, words: self.words, twelve: self.looks.hours == "12" }
    }
}

impl FromRequestParts<Dashboard> for Viewer {
    type Rejection = Problem;

    /// Waits, as every read does, for the position that the request asks for.
    async fn from_request_parts(parts: &mut Parts, dashboard: &Dashboard) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, dashboard).await?;
        Fresh::from_request_parts(parts, &dashboard.desk).await?;
        let looks = Looks::of(&parts.headers);
        let words = looks.words();
        let w = words.fixed();
        let cannot = match () {
            () if caller.role < Role::Operator => Some(w.read_only),
            () if dashboard.commands.is_none() => Some(w.no_commands),
            () => None,
        };
        let reads = &dashboard.desk.reads;
        Ok(Self {
            zone: looks.zone.unwrap_or(reads.settings.now().defaults.timezone),
            now: reads.log.clock().now(),
            here: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            guest: cookie(&parts.headers, super::forms::GUEST).map(str::to_owned),
            caller,
            looks,
            words,
            w,
            cannot,
        })
    }
}
