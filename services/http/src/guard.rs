//! Who may call: in mode `keys` the holder of a key, in mode `open` whoever is on this machine and no web page.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, Uri, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use steward_domain::{
    ids,
    tenant::{Role, Tenant},
};
use steward_log::{AtLeast, Log};
use steward_proto::TenantId;
use subtle::ConstantTimeEq;

use crate::{
    Caller, Problem,
    key::{hash_key, tenant_of},
};

/// A key that was found is taken at its word for this long; a revoked one is refused after.
const FRESH: Duration = Duration::from_secs(5);

/// How many keys are remembered as found.
const REMEMBERED: usize = 1024;

/// Lets callers through to guarded routes, or not.
#[derive(Clone)]
pub struct Guard(Arc<Mode>);

enum Mode {
    Open(Caller),
    Keys { log: Log, found: Mutex<HashMap<String, (Caller, Instant)>> },
}

impl Guard {
    /// Everybody on this machine is the admin of tenant `default`. Only right behind a loopback listener: it refuses a
    /// `Host` that isn't loopback and an `Origin` other than its own, so no web page can command it.
    pub fn open() -> Self {
        let tenant = TenantId::new("default").expect("it is a token");
        Self(Arc::new(Mode::Open(Caller { tenant, role: Role::Admin, name: "local".to_owned() })))
    }

    /// Callers bring a key (`Authorization: Bearer sk_…`) whose hash the log holds.
    pub fn keys(log: Log) -> Self {
        Self(Arc::new(Mode::Keys { log, found: Mutex::default() }))
    }

    /// Puts the guard before the routes of `router`.
    pub fn protect<S: Clone + Send + Sync + 'static>(&self, router: Router<S>) -> Router<S> {
        router.route_layer(from_fn_with_state(self.clone(), admit))
    }

    /// Who makes a request with these headers.
    ///
    /// # Errors
    /// 401 without a key in force, 403 for a foreign page in mode `open`, 503 when the log can't tell.
    pub async fn caller(&self, uri: &Uri, headers: &HeaderMap) -> Result<Caller, Problem> {
        match &*self.0 {
            Mode::Open(caller) => {
                local(uri, headers)?;
                Ok(caller.clone())
            }
            Mode::Keys { log, found } => by_key(log, found, headers).await,
        }
    }
}

async fn admit(State(guard): State<Guard>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let caller = guard.caller(request.uri(), request.headers()).await?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

async fn by_key(
    log: &Log,
    found: &Mutex<HashMap<String, (Caller, Instant)>>,
    headers: &HeaderMap,
) -> Result<Caller, Problem> {
    let refuse = |detail| Problem::unauthorized("no_key", detail);
    let text = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, text)| text.trim())
        .ok_or_else(|| refuse("this path needs a key: send the header `Authorization: Bearer <key>`"))?;
    let unknown = || refuse("this key isn't in force; `steward keys create` makes one");
    let tenant = tenant_of(text).ok_or_else(unknown)?;
    let hash = hash_key(text);
    // The map is keyed by hashes, so the time a look-up takes says nothing about a key.
    let remembered = {
        let found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(&hash).filter(|(_, at)| at.elapsed() < FRESH).map(|(caller, _)| caller.clone())
    };
    if let Some(caller) = remembered {
        return Ok(caller);
    }
    let keys = log.load::<Tenant>(&ids::tenant_aggregate(&tenant), AtLeast::Latest).await?;
    let key = keys.state.keys.values().find(|k| bool::from(k.hash.as_bytes().ct_eq(hash.as_bytes())));
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(key) = key else {
        found.remove(&hash);
        return Err(unknown());
    };
    let caller = Caller { tenant, role: key.role, name: key.name.clone() };
    if found.len() >= REMEMBERED {
        found.clear();
    }
    found.insert(hash, (caller.clone(), Instant::now()));
    Ok(caller)
}

fn local(uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let host = match headers.get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => uri.authority().map(axum::http::uri::Authority::as_str),
    };
    let Some(host) = host.filter(|h| is_loopback(h)) else {
        return Err(Problem::forbidden(
            "foreign_host",
            "without keys only this machine is served: call it as localhost or 127.0.0.1, or set [auth] mode = \"keys\"",
        ));
    };
    let own = |origin: &str| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.is_some_and(|a| a.eq_ignore_ascii_case(host))
    };
    match headers.get(header::ORIGIN) {
        Some(origin) if !origin.to_str().is_ok_and(own) => Err(Problem::forbidden(
            "foreign_origin",
            "without keys no other web page may call: open it from its own address, or set [auth] mode = \"keys\"",
        )),
        _ => Ok(()),
    }
}

/// `localhost`, `127.0.0.0/8` or `[::1]`, with or without a port.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((inside, after)) if after.is_empty() || after.starts_with(':') => inside,
            _ => return false,
        },
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{StatusCode, request::Builder},
        routing::get,
    };
    use tower::ServiceExt;

    use super::*;

    async fn status(request: Builder) -> StatusCode {
        let app = Guard::open().protect(Router::new().route("/api", get(|caller: Caller| async move { caller.name })));
        app.oneshot(request.uri("/api").body(Body::empty()).unwrap()).await.unwrap().status()
    }

    #[tokio::test]
    async fn without_keys_no_web_page_can_command_it() {
        let host = |name: &str| Request::builder().header(header::HOST, name);
        for fine in ["localhost", "localhost:8080", "127.0.0.1:1", "127.1.2.3", "[::1]:8080", "LOCALHOST"] {
            assert_eq!(status(host(fine)).await, StatusCode::OK, "{fine}");
        }
        for foreign in ["evil.example", "localhost.evil.example", "10.0.0.1", "[::1", "[::2]:80", "127.0.0.1.nip.io"] {
            assert_eq!(status(host(foreign)).await, StatusCode::FORBIDDEN, "{foreign}");
        }
        let from = |origin: &str| host("127.0.0.1:8080").header(header::ORIGIN, origin);
        assert_eq!(status(from("http://127.0.0.1:8080")).await, StatusCode::OK);
        for foreign in ["https://evil.example", "null", "http://127.0.0.1:3000", "http://localhost:8080"] {
            assert_eq!(status(from(foreign)).await, StatusCode::FORBIDDEN, "{foreign}");
        }
        assert_eq!(status(Request::builder()).await, StatusCode::FORBIDDEN);
    }
}
