//! The languages Steward understands and answers in: the one table of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::folder::Folder;

macro_rules! languages {
    ($($name:ident $code:literal $folder:path;)+) => {
        /// A language with its own time phrases, requests and replies.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Language {
            $(#[serde(rename = $code)] $name,)+
        }

        impl Language {
            /// All of them, in the order in which they are tried where nothing tells which it is.
            pub const ALL: &[Self] = &[$(Self::$name),+];
            /// The tags that name one, for messages that say what was expected.
            pub const TAGS: &str = concat!("one of" $(, " `", $code, "`")+);

            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            pub(crate) fn folder(self) -> &'static Folder {
                match self { $(Self::$name => &$folder,)+ }
            }
        }
    };
}

languages! {
    En "en" crate::en::ENGLISH;
    Es "es" crate::es::SPANISH;
    Ru "ru" crate::ru::RUSSIAN;
}

impl Language {
    /// The language of a BCP 47 tag such as `ru`, `es-MX`, `en_GB`; `None` for one Steward doesn't speak.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let code = tag.split(['-', '_']).next()?;
        Self::ALL.iter().copied().find(|language| language.code().eq_ignore_ascii_case(code))
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
#[error("unknown language `{0}`: expected {tags}", tags = Language::TAGS)]
pub struct UnknownLanguage(String);
