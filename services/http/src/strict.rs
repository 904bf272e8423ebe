//! Strict reading of bodies, queries and paths: what isn't understood is refused by its name, never dropped.

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::{Problem, read_body};

/// Most bytes of a command's body.
pub const COMMAND_LIMIT: usize = 1 << 20;

/// A JSON body. Refused with 415 if the request doesn't say that it is JSON, 400 if it isn't, 422 with the name of a
/// field that doesn't fit.
#[derive(Debug)]
pub struct ApiJson<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for ApiJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        need_json(request.headers())?;
        Self::read(&read_body(request.into_body(), COMMAND_LIMIT).await?)
    }
}

impl<T: DeserializeOwned> ApiJson<T> {
    /// Reads a body that was collected before.
    ///
    /// # Errors
    /// 400 if the body is no JSON, 422 with the name of a field that doesn't fit.
    pub fn read(body: &[u8]) -> Result<Self, Problem> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.inner();
            match inner.classify() {
                Category::Data if path == "." => Problem::unprocessable("bad_body", format!("the body: {inner}")),
                Category::Data => Problem::unprocessable("bad_body", format!("`{path}` in the body: {inner}")),
                _ => broken(inner),
            }
        })?;
        json.end().map_err(|error| broken(&error))?;
        Ok(Self(value))
    }
}

fn broken(error: &serde_json::Error) -> Problem {
    Problem::bad_request("broken_json", format!("the body is no JSON: {error}"))
}

/// Refuses a body that doesn't say that it is JSON: a web page can't say so unless the browser asks us first.
///
/// # Errors
/// 415 if the headers don't say it.
pub fn need_json(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::unsupported_media(
        "not_json",
        "this path takes JSON: send the header `Content-Type: application/json`",
    ))
}

/// A query string. Refused with 400 and the name of what doesn't fit, unknown names where `T` says
/// `deny_unknown_fields`.
#[derive(Debug)]
pub struct ApiQuery<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(value) = Query::try_from_uri(&parts.uri).map_err(|rejection| {
            Problem::bad_request("bad_query", format!("the query can't be read: {}", rejection.body_text()))
        })?;
        Ok(Self(value))
    }
}

/// Parameters of the path. A part that can't be one leads nowhere: 404.
#[derive(Debug)]
pub struct ApiPath<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for ApiPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(crate::unknown_path(parts.uri.clone()).await),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read from JSON")]
    struct Body {
        contact: Contact,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read from JSON")]
    struct Contact {
        id: String,
    }

    #[test]
    fn what_does_not_fit_is_refused_by_its_path() {
        let refused = |body: &str| ApiJson::<Body>::read(body.as_bytes()).unwrap_err();
        assert!(ApiJson::<Body>::read(br#"{"contact": {"id": "7"}}"#).is_ok());
        for (body, status, word) in [
            (r#"{"contact": {"id": 7}}"#, StatusCode::UNPROCESSABLE_ENTITY, "contact.id"),
            (r#"{"contact": {"id": "7", "age": 1}}"#, StatusCode::UNPROCESSABLE_ENTITY, "age"),
            ("{}", StatusCode::UNPROCESSABLE_ENTITY, "contact"),
            ("", StatusCode::BAD_REQUEST, "JSON"),
            ("text=1", StatusCode::BAD_REQUEST, "JSON"),
            (r#"{"contact": {"id": "7"}} x"#, StatusCode::BAD_REQUEST, "JSON"),
        ] {
            let problem = refused(body);
            assert_eq!(problem.status(), status, "{body}");
            assert!(problem.detail().contains(word), "{body}: {}", problem.detail());
        }
    }
}
