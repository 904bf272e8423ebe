//! Reading the settings: from the file and the environment to checked settings, or to a refusal.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use toml::{Table, Value};

use crate::{
    AuthMode, ConfigError, Environment, Origin, Settings, channels,
    error::KeyProblem,
    not_served,
    sources::{Sources, insert},
};

/// The settings, and where each of them came from.
pub struct Loaded {
    pub settings: Settings,
    sources: Sources,
}

impl fmt::Debug for Loaded {
    /// Leaves the sources out, in which secrets stand in the clear.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Loaded {
    /// Where the value of a key comes from; the key is written as `limits.reads`.
    pub fn origin(&self, key: &str) -> Origin {
        self.sources.origin(key)
    }

    /// The file that was read, if there is one.
    pub fn file(&self) -> Option<&PathBuf> {
        self.sources.file()
    }

    /// The names of the variables that were put over the file.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.sources.variables()
    }

    /// A refusal of a value for a reason that only its user knows, worded like all others.
    pub fn refuse(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        self.sources.blame(KeyProblem::new(key, problem))
    }
}

/// Reads and checks the settings. `path`: the file, if there is one.
///
/// # Errors
/// What is wrong, where, what was found and what is expected; see [`ConfigError`].
pub fn read(path: Option<&Path>, environment: &Environment) -> Result<Loaded, ConfigError> {
    let base = base(path.is_none());
    let mut sources = Sources::gather(path, environment)?;
    let mut settings = sources.read(|table| checked(over(base.clone(), table), environment))?;
    settings.origins =
        settings.effective().into_iter().map(|one| (one.key.clone(), sources.origin(&one.key))).collect();
    Ok(Loaded { settings, sources })
}

/// Defaults that depend on how Steward is started: without a file, whoever reaches this machine may command, and
/// people's zone is the machine's.
fn base(without_file: bool) -> Table {
    let mut base = Table::new();
    let mut set = |section: &str, key: &str, value: &str| {
        insert(&mut base, &[section.to_owned(), key.to_owned()], Value::String(value.to_owned()));
    };
    if without_file {
        set("auth", "mode", "open");
    }
    let zone = iana_time_zone::get_timezone().ok().filter(|name| name.parse::<chrono_tz::Tz>().is_ok());
    if let Some(zone) = zone {
        set("defaults", "timezone", &zone);
    }
    base
}

/// Puts `table` over `base`, section by section.
fn over(mut base: Table, table: Table) -> Table {
    for (key, value) in table {
        match (base.remove(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => {
                base.insert(key, Value::Table(over(below, above)));
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
    base
}

/// How long more of a client's messages are waited for before a model is asked, where nothing else is said: each call costs.
const DEBOUNCE_OF_MODELS: Duration = Duration::from_millis(1_500);

fn checked(mut table: Table, environment: &Environment) -> Result<Settings, KeyProblem> {
    not_served::refuse(&mut table)?;
    let waits = |table: &Table| Some(table.get("defaults")?.get("turn_debounce").is_some());
    let waits = waits(&table).unwrap_or_default();
    let channels = table.remove("channels");
    let mut settings: Settings = parse_table(table)?;
    settings.channels = channels::read(channels)?;
    settings.brain.take_keys(environment);
    settings.brain.check()?;
    if settings.brain.deciding().is_ok_and(|chain| !chain.is_empty()) && !waits {
        settings.defaults.turn_debounce = DEBOUNCE_OF_MODELS;
    }
    let listen = settings.server.listen;
    if settings.auth.mode == AuthMode::Open && !listen.ip().is_loopback() {
        return Err(KeyProblem::new(
            "server.listen",
            format!(
                "found {listen} together with auth.mode \"open\", expected a loopback address such as 127.0.0.1:8080, or auth.mode = \"keys\""
            ),
        ));
    }
    // A misspelt name must not silently mean that nobody is meant.
    let known: BTreeSet<&str> = settings.channels.iter().map(|channel| channel.tenant.as_str()).collect();
    if let Some(name) = settings.tenants.keys().find(|name| !known.contains(name.as_str())) {
        let known = known.into_iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        return Err(KeyProblem::new(
            format!("tenants.{name}"),
            format!("found {name:?}, expected the tenant of a channel: {known}"),
        ));
    }
    Ok(settings)
}

/// Deserialises a table; a problem in it carries the path of its key.
pub(crate) fn parse_table<T: serde::de::DeserializeOwned>(table: Table) -> Result<T, KeyProblem> {
    serde_path_to_error::deserialize(Value::Table(table)).map_err(|e| {
        let key = e.path().to_string();
        let problem = e.into_inner().to_string();
        KeyProblem::new(key, problem.lines().next().unwrap_or_default())
    })
}
