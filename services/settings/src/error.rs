//! Why a configuration was refused, in words that name the place, what was found and what was expected.

use std::path::PathBuf;

/// A refused configuration. Nothing has been started when this is returned.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("can't read the configuration {}: {cause}; name an existing file with --config, or leave --config out", path.display())]
    Unreadable { path: PathBuf, cause: std::io::Error },
    /// `cause` is TOML's own message, which begins with the line and column.
    #[error("{} is no valid TOML: {}", path.display(), cause.to_string().trim_end())]
    Syntax { path: PathBuf, cause: Box<toml::de::Error> },
    /// One key is wrong, or several don't go together: where it came from, its path, and what is wrong with it.
    #[error("{origin}: `{key}`: {problem}")]
    Key { origin: String, key: String, problem: String },
}

/// A problem with a key, as long as it isn't known which file or variable the key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyProblem {
    pub key: String,
    pub problem: String,
}

impl KeyProblem {
    pub fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into() }
    }

    /// The same problem, seen from the table around the one at `at`; a key of `.` is the table itself.
    pub fn below(self, at: &str) -> Self {
        let key = if self.key == "." { at.to_owned() } else { format!("{at}.{}", self.key) };
        Self { key, ..self }
    }
}
