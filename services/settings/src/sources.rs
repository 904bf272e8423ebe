//! Where settings come from: the file, `STEWARD__SECTION__KEY` variables over it, and `${VAR}` inside string values.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use crate::{ConfigError, error::KeyProblem};

/// The environment of a process as a value, so that tests can bring their own.
pub type Environment = BTreeMap<String, String>;

/// The environment of this process; variables that aren't UTF-8 are left out.
pub fn process_environment() -> Environment {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect()
}

const PREFIX: &str = "STEWARD__";

/// One `STEWARD__…` variable.
struct Override {
    variable: String,
    path: Vec<String>,
    raw: String,
    /// The value as TOML reads it, if it is a number, a truth value, a list or a table.
    typed: Option<Value>,
    /// The value is taken as text although TOML would read it as a number or a truth value (`STEWARD__BRAIN__MODEL=4`).
    as_text: bool,
}

impl Override {
    fn key(&self) -> String {
        self.path.join(".")
    }

    fn value(&self) -> Value {
        match &self.typed {
            Some(value) if !self.as_text => value.clone(),
            _ => Value::String(self.raw.clone()),
        }
    }

    fn covers(&self, key: &str) -> bool {
        let own = self.key();
        key == own || key.strip_prefix(&own).is_some_and(|rest| rest.starts_with(['.', '[']))
    }
}

/// Where the value of a key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    File(PathBuf),
    /// From the variable of this name.
    Environment(String),
    /// Neither the file nor a variable names the key.
    Default,
}

/// Where the values come from that the file or a variable names. It is no part of what the settings say: two that say the same are
/// equal.
#[derive(Debug, Clone, Default)]
pub struct Origins(BTreeMap<String, Origin>);

impl PartialEq for Origins {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Origins {
    pub fn of(&self, key: &str) -> &Origin {
        self.0.get(key).unwrap_or(&Origin::Default)
    }
}

impl FromIterator<(String, Origin)> for Origins {
    fn from_iter<T: IntoIterator<Item = (String, Origin)>>(all: T) -> Self {
        Self(all.into_iter().filter(|(_, origin)| *origin != Origin::Default).collect())
    }
}

/// The file with the variables put over it, not yet read as settings.
pub(crate) struct Sources {
    path: Option<PathBuf>,
    file: Table,
    overrides: Vec<Override>,
    environment: Environment,
}

impl Sources {
    /// Reads the file, if there is one, and picks the variables out of the environment.
    pub fn gather(path: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let file = match path {
            None => Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
                text.parse().map_err(|cause| ConfigError::Syntax { path: path.to_owned(), cause: Box::new(cause) })?
            }
        };
        let overrides = environment
            .iter()
            .filter_map(|(name, raw)| name.strip_prefix(PREFIX).map(|key| (name, key, raw)))
            .map(|(name, key, raw)| Override {
                variable: name.clone(),
                path: key.split("__").map(str::to_ascii_lowercase).collect(),
                raw: raw.clone(),
                typed: typed(raw),
                as_text: false,
            })
            .collect();
        Ok(Self { path: path.map(Path::to_owned), file, overrides, environment: environment.clone() })
    }

    /// Reads the merged table with `read`. A variable whose value looks like a number is taken as text where text
    /// belongs.
    pub fn read<T>(&mut self, read: impl Fn(Table) -> Result<T, KeyProblem>) -> Result<T, ConfigError> {
        loop {
            let problem = match self.merged().and_then(&read) {
                Ok(settings) => return Ok(settings),
                Err(problem) => problem,
            };
            let retry = self.overrides.iter_mut().find(|o| {
                o.covers(&problem.key)
                    && !o.as_text
                    && o.typed.as_ref().is_some_and(|value| !value.is_array() && !value.is_table())
                    && problem.problem.contains("expected a string")
            });
            match retry {
                Some(variable) => variable.as_text = true,
                None => return Err(self.blame(problem)),
            }
        }
    }

    pub fn file(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.overrides.iter().map(|over| over.variable.as_str())
    }

    /// Where the value of a key comes from.
    pub fn origin(&self, key: &str) -> Origin {
        if let Some(over) = self.overrides.iter().find(|over| over.covers(key)) {
            return Origin::Environment(over.variable.clone());
        }
        let mut names = key.split('.');
        let first = names.next().and_then(|name| self.file.get(name));
        match (names.try_fold(first, |value, name| Some(value?.get(name))).flatten(), &self.path) {
            (Some(_), Some(path)) => Origin::File(path.clone()),
            _ => Origin::Default,
        }
    }

    fn merged(&self) -> Result<Table, KeyProblem> {
        let mut table = self.file.clone();
        for over in &self.overrides {
            if over.path.first().is_some_and(|section| section == "channels") {
                return Err(KeyProblem::new(
                    over.key(),
                    "found a variable, expected `[[channels]]` in the configuration file only: write ${VAR} there to take single values from the environment",
                ));
            }
            if over.path.len() < 2 || over.path.iter().any(String::is_empty) {
                return Err(KeyProblem::new(over.key(), "expected a variable of the form STEWARD__SECTION__KEY"));
            }
            insert(&mut table, &over.path, over.value());
        }
        let mut value = Value::Table(table);
        fill_in("", &mut value, &self.environment)?;
        match value {
            Value::Table(table) => Ok(table),
            _ => unreachable!("filling in variables keeps a table a table"),
        }
    }

    pub fn blame(&self, problem: KeyProblem) -> ConfigError {
        let origin = match (self.origin(&problem.key), &self.path) {
            (Origin::Environment(variable), _) => format!("environment variable {variable}"),
            // Where a key is missing, or two don't go together, the operator has to look into the file.
            (Origin::File(_) | Origin::Default, Some(path)) => path.display().to_string(),
            (Origin::File(_) | Origin::Default, None) => "configuration".to_owned(),
        };
        ConfigError::Key { origin, key: problem.key, problem: problem.problem }
    }
}

/// `raw` as a TOML number, truth value, list or inline table; `None` if it is none of these, and so a text.
fn typed(raw: &str) -> Option<Value> {
    if raw.contains('\n') {
        return None;
    }
    let value = format!("value = {raw}").parse::<Table>().ok()?.remove("value")?;
    match value {
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Array(_) | Value::Table(_) => Some(value),
        Value::String(_) | Value::Datetime(_) => None,
    }
}

pub(crate) fn insert(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => {
            table.insert(key.clone(), value);
        }
        [section, rest @ ..] => {
            let inner = table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
            if !inner.is_table() {
                *inner = Value::Table(Table::new());
            }
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// Replaces `${VAR}` in every string below `value`. `$${` stands for a literal `${`.
fn fill_in(key: &str, value: &mut Value, environment: &Environment) -> Result<(), KeyProblem> {
    match value {
        Value::String(text) => {
            if text.contains("${") {
                *text = filled(text, environment).map_err(|problem| KeyProblem::new(key, problem))?;
            }
            Ok(())
        }
        Value::Array(items) => {
            items.iter_mut().enumerate().try_for_each(|(i, item)| fill_in(&format!("{key}[{i}]"), item, environment))
        }
        Value::Table(table) => table.iter_mut().try_for_each(|(name, item)| {
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            fill_in(&key, item, environment)
        }),
        _ => Ok(()),
    }
}

fn filled(text: &str, environment: &Environment) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(literal) = before.strip_suffix('$') {
            out.push_str(literal);
            out.push_str("${");
            rest = &from[2..];
            continue;
        }
        out.push_str(before);
        let Some(end) = from.find('}') else {
            return Err("found `${` without its `}`, expected ${VAR} (write $${ for a literal one)".to_owned());
        };
        let name = &from[2..end];
        let value = environment.get(name).ok_or_else(|| {
            format!("found ${{{name}}}, expected the environment variable {name} to be set: it isn't")
        })?;
        out.push_str(value);
        rest = &from[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_anywhere_in_a_string_and_can_be_escaped() {
        let env = Environment::from([("A".to_owned(), "1".to_owned()), ("B".to_owned(), "${A}".to_owned())]);
        assert_eq!(filled("x${A}y${B}z", &env).expect("both are set"), "x1y${A}z");
        assert_eq!(filled("$${A}${A}", &env).expect("escaped"), "${A}1");
        assert!(filled("${C}", &env).expect_err("unset").contains("variable C"));
        assert!(filled("${A", &env).is_err());
    }

    #[test]
    fn a_number_where_text_belongs_is_taken_as_text() {
        let env = Environment::from([("STEWARD__BRAIN__MODEL".to_owned(), "4".to_owned())]);
        let mut sources = Sources::gather(None, &env).expect("there is no file");
        let read = |table: Table| {
            let found = table["brain"]["model"].as_str().map(str::to_owned);
            found.ok_or_else(|| KeyProblem::new("brain.model", "found an integer, expected a string"))
        };
        assert_eq!(sources.read(read).expect("read"), "4");
    }

    #[test]
    fn a_variable_covers_its_key_and_what_is_below_it() {
        let over = Override {
            variable: "STEWARD__WEBHOOKS__RETRY".into(),
            path: vec!["webhooks".into(), "retry".into()],
            raw: String::new(),
            typed: None,
            as_text: false,
        };
        assert!(over.covers("webhooks.retry") && over.covers("webhooks.retry[1]"));
        assert!(!over.covers("webhooks.retry_more") && !over.covers("webhooks"));
    }
}
