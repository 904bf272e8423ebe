//! Reading the query of a list strictly: an unknown name, or a value that can't be right, is refused and not ignored.

use std::str::FromStr;

use axum::{extract::FromRequestParts, http::request::Parts};
use steward_http::{ApiQuery, Problem};

/// Longest query in bytes; below, the longest name or value in it.
const LONGEST_QUERY: usize = 16 * 1024;
const LONGEST_VALUE: usize = 2 * 1024;

/// Most parameters of a request.
const MOST_PAIRS: usize = 32;

/// The names and values of a query, which are taken out one by one.
#[derive(Debug, Clone)]
pub struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_some_and(|query| query.len() > LONGEST_QUERY) {
            return Err(bad(format!(
                "the query is longer than {LONGEST_QUERY} bytes; filter by fewer or shorter values"
            )));
        }
        let ApiQuery(pairs) = ApiQuery::<Vec<(String, String)>>::from_request_parts(parts, state).await?;
        if pairs.len() > MOST_PAIRS {
            return Err(bad(format!("there are {} parameters; no list takes more than {MOST_PAIRS}", pairs.len())));
        }
        for (i, (name, value)) in pairs.iter().enumerate() {
            if name.len() > LONGEST_VALUE || value.len() > LONGEST_VALUE {
                return Err(bad(format!(
                    "a parameter is longer than {LONGEST_VALUE} bytes; nothing is found by such a value"
                )));
            }
            if pairs[..i].iter().any(|(earlier, _)| earlier == name) {
                return Err(bad(format!("`{name}` is given twice; give it once")));
            }
            if value.contains('\0') {
                return Err(bad(format!("`{name}` holds a NUL character, which nothing stored can match")));
            }
        }
        Ok(Self(pairs))
    }
}

fn bad(detail: String) -> Problem {
    Problem::bad_request("bad_query", detail)
}

impl Params {
    /// Parameters as our own pages give them.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Takes the value of a name, if it was given.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(given, _)| given == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Takes a value and parses it.
    ///
    /// # Errors
    /// 400, saying what is expected.
    pub fn parsed<T: FromStr>(&mut self, name: &str, expected: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| bad(format!("`{name}` is `{text}`; expected {expected}")))
    }

    /// Takes values that are separated by commas, each of which must be one of `known`.
    ///
    /// # Errors
    /// 400, naming the known ones.
    pub fn some_of(&mut self, name: &str, known: &[&str]) -> Result<Option<Vec<String>>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let given: Vec<String> = text.split(',').map(|s| s.trim().to_owned()).collect();
        match given.iter().find(|s| !known.contains(&s.as_str())) {
            Some(other) => Err(bad(format!("`{name}` is `{other}`; expected one of {}", known.join(", ")))),
            None => Ok(Some(given)),
        }
    }

    /// Checks that nothing is left over.
    ///
    /// # Errors
    /// 400, naming what is left over and what would have been understood.
    pub fn finish(self, known: &[&str]) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                Err(bad(format!("`{name}` is no parameter of this list; it takes {}", known.join(", "))))
            }
        }
    }
}
