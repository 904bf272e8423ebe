//! Who may call: in mode `keys` whoever has a key, in mode `open` whoever is on this machine, but no web page.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, Method, Uri, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use steward_domain::tenant::Role;
use steward_log::Log;
use steward_proto::TenantId;

use crate::{Caller, ClientAddress, Problem, budget::Lease, key::OF_SESSION, keyring::Keyring};

/// Lets callers through to the guarded routes, or refuses them.
#[derive(Clone)]
pub struct Guard(Arc<Mode>);

enum Mode {
    Open(Caller),
    Keys(Keyring),
}

impl Guard {
    /// In this mode everybody on this machine is the admin of tenant `default`. It may only be used right behind a
    /// loopback listener. A `Host` that isn't loopback, an `Origin` other than its own and whatever a proxy brings are
    /// refused, so no web page and nobody elsewhere can command it.
    pub fn open() -> Self {
        let tenant = TenantId::new("default").expect("it is a token");
        Self(Arc::new(Mode::Open(Caller {
            tenant,
            role: Role::Admin,
            name: "local".to_owned(),
            key_id: None,
            session: None,
        })))
    }

    /// In this mode callers bring a key (`Authorization: Bearer sk_…`) whose hash is in the log.
    pub fn keys(log: Log) -> Self {
        Self(Arc::new(Mode::Keys(Keyring::new(log))))
    }

    /// Puts the guard before the routes of `router`.
    pub fn protect<S: Clone + Send + Sync + 'static>(&self, router: Router<S>) -> Router<S> {
        router.route_layer(from_fn_with_state(self.clone(), admit))
    }

    /// The caller of a request with these headers.
    ///
    /// # Errors
    /// 401 without a key in force, 403 for a foreign page or a proxy in mode `open`, 503 when the log can't tell.
    pub async fn caller(&self, uri: &Uri, headers: &HeaderMap) -> Result<Caller, Problem> {
        self.caller_from(None, uri, headers).await
    }

    /// Like [`Self::caller`]; refusals are counted for the client's address.
    ///
    /// # Errors
    /// As there, and 429 for an address that has brought too many keys that aren't in force.
    pub async fn caller_from(
        &self,
        client: Option<ClientAddress>,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Caller, Problem> {
        match &*self.0 {
            Mode::Open(caller) => {
                local(uri, headers)?;
                Ok(caller.clone())
            }
            Mode::Keys(keyring) => keyring.caller(key_of(headers)?, client).await,
        }
    }

    /// Whether callers bring keys.
    pub fn asks_for_keys(&self) -> bool {
        matches!(&*self.0, Mode::Keys(_))
    }
}

/// The cookie in which a browser keeps the session of somebody who entered the dashboard; where no process takes commands, and so
/// none can be begun, the key itself.
pub const SESSION: &str = "steward_session";

/// Refuses what changes something with the key of a cookie, unless the page that asks is our own: a browser sends the cookie
/// for whoever asks.
fn from_our_own_page(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() || headers.contains_key(header::AUTHORIZATION) || cookie(headers, SESSION).is_none() {
        return Ok(());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    match headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()) {
        Some(origin) if is_own(origin, host) => Ok(()),
        _ => Err(Problem::forbidden(
            "foreign_origin",
            "with the key of a cookie only our own pages may change something: send the header `Authorization: Bearer <key>`",
        )),
    }
}

fn is_own(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|a| a.eq_ignore_ascii_case(host))
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(given, value)| (given == name && !value.is_empty()).then_some(value))
}

async fn admit(State(guard): State<Guard>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let client = request.extensions().get::<ClientAddress>().copied();
    from_our_own_page(request.method(), request.headers())?;
    let caller = guard.caller_from(client, request.uri(), request.headers()).await?;
    if let Some(lease) = request.extensions().get::<Lease>() {
        lease.proven(&caller.tenant);
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// The key that a request carries: in its header, else in the cookie of who entered the dashboard. A session isn't taken in the
/// header: it is a browser's, for which only our own pages may speak.
fn key_of(headers: &HeaderMap) -> Result<&str, Problem> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, text)| text.trim())
        .filter(|text| !text.starts_with(OF_SESSION));
    let entered = || cookie(headers, SESSION).filter(|_| !headers.contains_key(header::AUTHORIZATION));
    bearer.or_else(entered).ok_or_else(|| {
        Problem::unauthorized("no_key", "this path needs a key: send the header `Authorization: Bearer <key>`")
    })
}

/// Headers in which proxies and tunnels say whom they forward for.
const FORWARDED: [&str; 8] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fly-client-ip",
];

fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with("x-forwarded-") || FORWARDED.contains(&name.as_str()))
}

fn local(uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    if is_forwarded(headers) {
        return Err(Problem::forbidden(
            "forwarded",
            "without keys only this machine is served, and this came through a proxy: set [auth] mode = \"keys\" and make a key with `steward keys create`",
        ));
    }
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
    match headers.get(header::ORIGIN) {
        Some(origin) if !origin.to_str().is_ok_and(|origin| is_own(origin, host)) => Err(Problem::forbidden(
            "foreign_origin",
            "without keys no other web page may call: open it from its own address, or set [auth] mode = \"keys\"",
        )),
        _ => Ok(()),
    }
}

/// Whether a host, with or without a port, is `localhost`, in `127.0.0.0/8`, or `[::1]`.
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

    #[test]
    fn the_key_of_a_cookie_changes_something_only_from_our_own_page() {
        let headers = |given: &[(header::HeaderName, &str)]| {
            given.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect::<HeaderMap>()
        };
        let (host, entered) = ((header::HOST, "s.example"), (header::COOKIE, "a=b; steward_session=sk_a_1"));
        let from = |origin| headers(&[host.clone(), entered.clone(), (header::ORIGIN, origin)]);
        assert_eq!(key_of(&from("x")), Ok("sk_a_1"));
        assert!(from_our_own_page(&Method::POST, &from("https://s.example")).is_ok());
        for foreign in ["https://evil.example", "null", "s.example", "https://s.example.evil.example"] {
            assert!(from_our_own_page(&Method::POST, &from(foreign)).is_err(), "{foreign}");
            assert!(from_our_own_page(&Method::GET, &from(foreign)).is_ok());
        }
        assert!(from_our_own_page(&Method::POST, &headers(&[host.clone(), entered.clone()])).is_err());
        let bearer = (header::AUTHORIZATION, "Bearer sk_b_2");
        assert_eq!(key_of(&headers(&[entered, bearer.clone()])), Ok("sk_b_2"), "what was said wins over what was kept");
        assert!(from_our_own_page(&Method::POST, &headers(&[bearer])).is_ok());
        let session = (header::AUTHORIZATION, "Bearer ss_a_1");
        assert!(key_of(&headers(&[session])).is_err(), "a session speaks only from a cookie");
    }

    #[tokio::test]
    async fn without_keys_nobody_comes_through_a_proxy() {
        for name in FORWARDED.into_iter().chain(["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"]) {
            let request = Request::builder().header(header::HOST, "127.0.0.1").header(name, "1.2.3.4");
            assert_eq!(status(request).await, StatusCode::FORBIDDEN, "{name}");
        }
        let plain = Request::builder().header(header::HOST, "127.0.0.1").header("x-request-id", "7");
        assert_eq!(status(plain).await, StatusCode::OK);
    }
}
