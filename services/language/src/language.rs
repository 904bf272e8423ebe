//! The languages Steward understands and answers in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A language with its own time phrases, requests and replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Ru,
    Es,
    En,
}

impl Language {
    /// The language of a BCP 47 tag such as `ru`, `es-MX`, `en_GB`; `None` for one Steward doesn't speak.
    pub fn of_tag(tag: &str) -> Option<Self> {
        match tag.split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "ru" => Some(Self::Ru),
            "es" => Some(Self::Es),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::Es => "es",
            Self::En => "en",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::of_tag(s).ok_or_else(|| UnknownLanguage(s.to_owned()))
    }
}

/// A tag that names no language Steward speaks.
#[derive(Debug, thiserror::Error)]
#[error("unknown language `{0}`: expected ru, es or en")]
pub struct UnknownLanguage(String);
