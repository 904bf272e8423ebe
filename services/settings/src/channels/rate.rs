//! `rate_limit`: how fast a channel may send.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use steward_domain::settings::written;

/// The token buckets of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RateLimit {
    pub per_second: u32,
    pub burst: u32,
    pub per_chat_per_second: u32,
    pub per_chat_burst: u32,
}

/// `rate_limit` as written: a table whose missing keys are the kind's defaults, or `"off"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    Off,
    Limits(Given),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    #[serde(deserialize_with = "written::some_positive")]
    per_second: Option<u32>,
    #[serde(deserialize_with = "written::some_positive")]
    burst: Option<u32>,
    #[serde(deserialize_with = "written::some_positive")]
    per_chat_per_second: Option<u32>,
    #[serde(deserialize_with = "written::some_positive")]
    per_chat_burst: Option<u32>,
}

impl Setting {
    /// The limit that counts when `setting` is put over a kind's default; `None`: no limit.
    pub fn over(setting: Option<Self>, default: RateLimit) -> Option<RateLimit> {
        match setting {
            None => Some(default),
            Some(Self::Off) => None,
            Some(Self::Limits(given)) => Some(RateLimit {
                per_second: given.per_second.unwrap_or(default.per_second),
                burst: given.burst.unwrap_or(default.burst),
                per_chat_per_second: given.per_chat_per_second.unwrap_or(default.per_chat_per_second),
                per_chat_burst: given.per_chat_burst.unwrap_or(default.per_chat_burst),
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> de::Visitor<'de> for Either {
            type Value = Setting;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(r#""off" or a table of per_second, burst, per_chat_per_second, per_chat_burst"#)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Setting, E> {
                if text == "off" {
                    return Ok(Setting::Off);
                }
                Err(E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Setting, A::Error> {
                Given::deserialize(de::value::MapAccessDeserializer::new(map)).map(Setting::Limits)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
