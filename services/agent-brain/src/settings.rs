//! The settings that decide a turn: what is stored once under its hash, so that the turn can be decided again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use steward_domain::settings::Defaults;
use steward_language::{Language, time::PartsOfDay};
use steward_log::{Log, LogError};
use steward_settings::{Limits, Settings};

/// All that a turn's input takes from the settings. A brain is given nothing else of them, so what is missing here has no
/// effect on any turn. Only ever added to: what was stored before a field existed has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnSettings {
    timezone: String,
    language: String,
    followup_hour: u32,
    morning: u32,
    noon: u32,
    afternoon: u32,
    evening: u32,
    night: u32,
    renew: bool,
    open_follow_ups: usize,
}

/// Settings that a turn names can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the settings stored as {hash} can't be read: {source}")]
    Unreadable { hash: String, source: serde_json::Error },
}

impl Default for TurnSettings {
    fn default() -> Self {
        Self::of(&Settings::default())
    }
}

impl TurnSettings {
    pub fn of(settings: &Settings) -> Self {
        let Settings { defaults, limits, .. } = settings;
        let PartsOfDay { morning, noon, afternoon, evening, night } = defaults.parts_of_day;
        Self {
            timezone: defaults.timezone.name().to_owned(),
            language: defaults.language.code().to_owned(),
            followup_hour: defaults.followup_hour,
            morning,
            noon,
            afternoon,
            evening,
            night,
            renew: defaults.renew,
            open_follow_ups: limits.open_follow_ups,
        }
    }

    /// As settings, in which all that decides no turn has its default.
    pub fn settings(&self) -> Settings {
        let otherwise = Defaults::default();
        let Self { morning, noon, afternoon, evening, night, .. } = *self;
        Settings {
            defaults: Defaults {
                timezone: self.timezone.parse().unwrap_or(otherwise.timezone),
                language: Language::of_tag(&self.language).unwrap_or(otherwise.language),
                followup_hour: self.followup_hour,
                parts_of_day: PartsOfDay { morning, noon, afternoon, evening, night },
                renew: self.renew,
                ..otherwise
            },
            limits: Limits { open_follow_ups: self.open_follow_ups, ..Limits::default() },
            ..Settings::default()
        }
    }

    /// As it is stored: equal settings are equal bytes.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers, texts and booleans are JSON")
    }

    /// What was stored under a hash.
    pub async fn stored(log: &Log, hash: &str) -> Result<Arc<Settings>, SettingsError> {
        let json = log.get_blob(hash).await?;
        let settings: Self = serde_json::from_slice(&json)
            .map_err(|source| SettingsError::Unreadable { hash: hash.to_owned(), source })?;
        Ok(Arc::new(settings.settings()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_a_turn_is_as_it_was_after_it_was_stored() {
        let mut settings = Settings::default();
        settings.defaults.timezone = chrono_tz::Tz::America__Sao_Paulo;
        settings.defaults.language = Language::Ru;
        settings.defaults.followup_hour = 7;
        settings.defaults.parts_of_day.evening = 20;
        settings.defaults.renew = false;
        settings.limits.open_follow_ups = 5;
        let stored = TurnSettings::of(&settings);
        let read: TurnSettings = serde_json::from_str(&stored.to_json()).unwrap();
        assert_eq!(read.settings(), settings);
        assert_eq!(read.to_json(), stored.to_json());
    }

    #[test]
    fn what_was_stored_before_a_setting_existed_has_its_default() {
        let read: TurnSettings = serde_json::from_str(r#"{"language":"es"}"#).unwrap();
        assert_eq!(read.settings().defaults, Defaults { language: Language::Es, ..Defaults::default() });
    }
}
