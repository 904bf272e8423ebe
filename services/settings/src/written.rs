//! How `steward.toml` writes addresses, networks, names and URLs.

use std::{net::SocketAddr, str::FromStr as _};

use serde::{
    Deserialize, Deserializer,
    de::{self, Unexpected},
};
use steward_domain::settings::written::from_text;
use url::Url;

/// An `address:port` to listen on; `localhost` stands for 127.0.0.1.
pub fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    from_text(deserializer, r#"an address with a port such as "127.0.0.1:8080""#, |text| {
        let text = text.trim();
        let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        SocketAddr::from_str(numeric.as_deref().unwrap_or(text)).ok()
    })
}

pub fn some_listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    listen(deserializer).map(Some)
}

/// Addresses or networks whose word is believed.
pub mod networks {
    use serde::Serializer;
    use steward_http::Network;

    use super::*;

    struct Proxy(Network);

    impl<'de> Deserialize<'de> for Proxy {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            from_text(deserializer, r#"an address or a network such as "10.0.0.0/8""#, |text| text.parse().ok())
                .map(Self)
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
        Ok(Vec::<Proxy>::deserialize(deserializer)?.into_iter().map(|proxy| proxy.0).collect())
    }

    pub fn serialize<S: Serializer>(networks: &[Network], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(networks.iter().map(Network::to_string))
    }
}

/// Megabytes for request bodies, of which a quarter must let the largest mail through.
pub fn body_megabytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    match i64::deserialize(deserializer)? {
        number @ 104..=1_048_576 => Ok(number as usize),
        other => Err(de::Error::invalid_value(Unexpected::Signed(other), &"a number of MB from 104 to 1048576")),
    }
}

/// An absolute http(s) URL, kept without a trailing slash.
pub fn web_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    from_text(deserializer, r#"a URL such as "https://example.com", without a query"#, |text| {
        url_of(text, &["http", "https"]).filter(|url| url.query().is_none() && url.fragment().is_none())?;
        Some(text.trim().trim_end_matches('/').to_owned())
    })
}

pub fn some_web_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    web_url(deserializer).map(Some)
}

/// Origins: scheme and host, perhaps a port, and nothing behind them.
pub fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let all = Vec::<String>::deserialize(deserializer)?;
    let read = |text: String| {
        let url = url_of(&text, &["http", "https"]).filter(|url| url.origin().ascii_serialization() == text.trim());
        url.map(|url| url.origin().ascii_serialization()).ok_or_else(|| {
            <D::Error as de::Error>::custom(format!(
                "found {text:?}, expected an origin such as \"https://app.example.com\""
            ))
        })
    };
    all.into_iter().map(read).collect()
}

/// `text` as a URL, if it has a host and one of `schemes`.
pub fn url_of(text: &str, schemes: &[&str]) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    (schemes.contains(&url.scheme()) && url.has_host()).then_some(url)
}

/// A name of letters, digits, `-` and `_`, 64 at most, because it becomes part of subjects and paths.
pub fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    from_text(deserializer, "1 to 64 letters, digits, `-` or `_`", |text| {
        let fits =
            (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        fits.then(|| text.to_owned())
    })
}

struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "text that isn't empty", |text| (!text.trim().is_empty()).then(|| text.to_owned()))
            .map(Self)
    }
}

/// Any text that isn't empty.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Text::deserialize(deserializer).map(|text| text.0)
}

pub fn some_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer).map(Some)
}

pub fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Vec::<Text>::deserialize(deserializer)?.into_iter().map(|text| text.0).collect())
}

/// How long something is kept: a duration, or 0 where it isn't.
pub mod life {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer, de};
    use steward_domain::settings::written::{duration_of, duration_text};

    /// # Errors
    /// It is written otherwise.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        let read = match &value {
            toml::Value::Integer(0) => Some(Duration::ZERO),
            toml::Value::String(text) if text.trim() == "0" => Some(Duration::ZERO),
            toml::Value::String(text) => duration_of(text),
            _ => None,
        };
        let whole = read.filter(|life| life.subsec_nanos() == 0);
        whole.ok_or_else(|| {
            de::Error::custom(format!("found {value}, expected a duration such as \"30d\" or \"12h\", or 0"))
        })
    }

    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(life: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&duration_text(*life))
    }
}

/// The same, where leaving it out means that something else says it.
pub mod some_life {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    /// # Errors
    /// It is written otherwise.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        super::life::deserialize(deserializer).map(Some)
    }

    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(life: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match life {
            Some(life) => super::life::serialize(life, serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// Money in micro-USD, written as `"5 USD"` or as a number of micro-USD; left out: none.
pub mod money {
    use serde::{Deserializer, Serializer, de};

    struct Money;

    impl de::Visitor<'_> for Money {
        type Value = u64;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(r#"an amount such as "5 USD", or micro-USD as a whole number"#)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
            let amount = text.trim().strip_suffix("USD").and_then(|number| number.trim().parse::<f64>().ok());
            match amount.filter(|usd| (0.000_001..=1e9).contains(usd)) {
                Some(usd) => Ok((usd * 1e6).round() as u64),
                None => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
            }
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<u64, E> {
            u64::try_from(number)
                .ok()
                .filter(|number| *number > 0)
                .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(number), &self))
        }
    }

    /// # Errors
    /// It is written otherwise.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        deserializer.deserialize_any(Money).map(Some)
    }

    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(micro) => serializer.serialize_u64(*micro),
            None => serializer.serialize_none(),
        }
    }
}
