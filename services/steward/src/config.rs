//! The configuration of this process: `steward-settings` reads it, whoever connects checks the URLs.

use std::path::Path;

pub use steward_settings::{ConfigError, Environment, Loaded, Secret, Settings, process_environment};
use url::Url;

use crate::postgres::{self, BadUrl};

/// The file that is used if it exists and `--config` names no other.
pub const DEFAULT_FILE: &str = "steward.toml";

/// Reads and checks the configuration. `path`: the file, if there is one.
///
/// # Errors
/// What is wrong, where, what was found and what is expected; see [`ConfigError`].
pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Loaded, ConfigError> {
    let loaded = steward_settings::read(path, environment)?;
    if let Some(url) = &loaded.settings.nats.url {
        if url.expose().split(',').any(|part| !has_scheme(part, &["nats", "tls"])) {
            return Err(loaded.refuse(
                "nats.url",
                "found something else, expected a URL such as \"nats://127.0.0.1:4222\"; leave it out for a managed server",
            ));
        }
        steward_log::check_url(url.expose()).map_err(|problem| loaded.refuse("nats.url", problem.to_string()))?;
    }
    if let Some(url) = &loaded.settings.postgres.url {
        let read = postgres::read_url(url.expose());
        if !has_scheme(url.expose(), &["postgres", "postgresql"]) || read == Err(BadUrl::NotUnderstood) {
            return Err(loaded.refuse(
                "postgres.url",
                "found something else, expected a URL such as \"postgres://user@127.0.0.1/steward\"; leave it out for a managed server",
            ));
        }
        read.map_err(|problem| loaded.refuse("postgres.url", problem.to_string()))?;
    }
    Ok(loaded)
}

/// Whether a text is a URL with a host and one of `schemes`.
fn has_scheme(text: &str, schemes: &[&str]) -> bool {
    Url::parse(text.trim()).is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host())
}
