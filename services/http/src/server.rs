//! The listener: serves HTTP/1.1 within limits on how long, and how much of it, anybody may occupy.
//!
//! axum's own server has no time-outs. hyper has one for headers, which would also end connections that wait for their
//! next request. So each connection notes its stage, and a sweep closes those that have been in theirs for too long.

use std::{convert::Infallible, io, net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode},
    response::IntoResponse,
};
use futures::FutureExt as _;
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use crate::{
    ClientAddress, Limits, Problem,
    budget::{Budget, Counted, Lease},
    connection::{Answer, Stage, Watched},
    connections::{Connections, Place},
};

/// How often connections are looked at, and so how exactly time-outs are kept.
const SWEEP: Duration = Duration::from_millis(500);

/// Most bytes of a request's headers, and of what is read at once.
const READ_BUFFER: usize = 32 << 10;

/// When there is no file descriptor for the next connection: how many connections make room, and how long they get for
/// it.
const SHED: usize = 16;
const SHED_WAIT: Duration = Duration::from_millis(50);

/// The answer on a connection for which there is no place.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\n\
Connection: close\r\nContent-Length: 127\r\n\r\n{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\
\"code\":\"busy\",\"detail\":\"too many connections; try again soon\"}";

/// Serves `router` until `shutdown`, then lets the requests in hand end.
///
/// # Errors
/// None so far: what a listener can't do at one moment it can do later.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let server = Arc::new(Server {
        router,
        budget: Budget::new(limits.body_bytes),
        connections: Connections::new(limits),
        shutdown: shutdown.clone(),
    });
    let tasks = TaskTracker::new();
    let mut sweep = interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => server.clone().begin(stream, peer.ip(), &tasks),
                Err(error) => server.not_accepted(&error).await,
            },
            _ = sweep.tick() => server.connections.sweep(false),
            () = shutdown.cancelled() => break,
        }
    }
    drop(listener);
    tasks.close();
    loop {
        tokio::select! {
            () = tasks.wait() => return Ok(()),
            _ = sweep.tick() => server.connections.sweep(true),
        }
    }
}

struct Server {
    router: Router,
    budget: Arc<Budget>,
    connections: Arc<Connections>,
    shutdown: CancellationToken,
}

impl Server {
    fn begin(self: Arc<Self>, stream: TcpStream, peer: IpAddr, tasks: &TaskTracker) {
        let Some(place) = self.connections.admit(peer) else {
            // So little fits into the connection's buffer; if it doesn't, the connection just ends.
            let _ = stream.try_write(NO_PLACE);
            return;
        };
        // Answers are small and awaited, so none of them should wait until a packet is full.
        let _ = stream.set_nodelay(true);
        tasks.spawn(async move {
            if AssertUnwindSafe(self.connection(stream, peer, place)).catch_unwind().await.is_err() {
                tracing::error!("serving a connection panicked; the panic is logged above");
            }
        });
    }

    /// Serves one connection from its beginning to its end.
    async fn connection(&self, stream: TcpStream, peer: IpAddr, place: Place) {
        let io = TokioIo::new(Watched { stream, activity: Arc::clone(&place.activity) });
        let service = service_fn(|request| self.answer(request, peer, &place));
        let mut connection = std::pin::pin!(
            http1::Builder::new().header_read_timeout(None).max_buf_size(READ_BUFFER).serve_connection(io, service)
        );
        let mut ending = false;
        loop {
            tokio::select! {
                // Whether the connection ended well or badly is the client's matter.
                _ = connection.as_mut() => return,
                () = place.close.cancelled() => return,
                () = self.shutdown.cancelled(), if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
        place: &Place,
    ) -> Result<Response<Answer>, Infallible> {
        let activity = &place.activity;
        activity.enter(if request.body().is_end_stream() { Stage::Work } else { Stage::Body });
        let client = ClientAddress::of(peer, request.headers(), &self.connections.limits.trusted_proxies);
        let lease = Lease::new(Arc::clone(&self.budget), client.0, Arc::clone(activity));
        let mut request = request.map(|body| Body::new(Counted { body, lease: lease.clone() }));
        request.extensions_mut().insert(client);
        request.extensions_mut().insert(lease);
        let mut router = self.router.clone();
        let answered = AssertUnwindSafe(async move { router.call(request).await }).catch_unwind().await;
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => {
                tracing::error!("handling a request panicked; the panic is logged above");
                metrics::counter!("steward_http_panics_total").increment(1);
                Problem::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "this request met a mistake in Steward; it is in the log, please report it",
                )
                .into_response()
            }
        };
        activity.works();
        Ok(response.map(|body| Answer { body, activity: Arc::clone(activity) }))
    }

    /// Nothing can be accepted without file descriptors, so connections that can be spared give theirs.
    async fn not_accepted(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
        if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
            return;
        }
        tracing::warn!(%error, "a connection can't be accepted; those that are idle make room");
        self.connections.shed(SHED);
        sleep(SHED_WAIT).await;
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::read_body;

    struct Running {
        address: std::net::SocketAddr,
        shutdown: CancellationToken,
        serving: tokio::task::JoinHandle<io::Result<()>>,
    }

    async fn running(limits: Limits) -> Running {
        let router = Router::new()
            .route("/", get(async || "here"))
            .route("/large", get(async || vec![b'x'; 64 << 20]))
            .route("/panic", get(async || -> &'static str { panic!("on purpose") }))
            .route(
                "/body",
                post(async |body: Body| match read_body(body, 20 << 20).await {
                    Ok(body) => body.len().to_string().into_response(),
                    Err(problem) => problem.into_response(),
                }),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, router, limits, shutdown.clone()));
        Running { address, shutdown, serving }
    }

    /// Everything that arrives until the connection ends.
    async fn heard(stream: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    async fn asked(address: std::net::SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        heard(&mut stream).await
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

    #[test]
    fn the_words_for_who_finds_no_place_are_whole() {
        let text = std::str::from_utf8(NO_PLACE).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{}", body.len());
        assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap()["status"], 503);
    }

    #[tokio::test]
    async fn half_a_request_and_an_idle_connection_end_in_time() {
        let patience = Duration::from_millis(300);
        let limits = Limits { header_timeout: patience, idle_timeout: 4 * patience, ..Limits::default() };
        let running = running(limits).await;
        let mut silent = TcpStream::connect(running.address).await.unwrap();
        let mut half = TcpStream::connect(running.address).await.unwrap();
        half.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
        let mut idle = TcpStream::connect(running.address).await.unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let begun = std::time::Instant::now();
        assert_eq!(heard(&mut silent).await, "");
        assert_eq!(heard(&mut half).await, "");
        assert!(begun.elapsed() >= patience);
        assert!(heard(&mut idle).await.ends_with("here"));
        assert!(begun.elapsed() >= 4 * patience);
    }

    #[tokio::test]
    async fn who_does_not_read_the_answer_is_let_go() {
        let running = running(Limits { write_timeout: Duration::from_millis(300), ..Limits::default() }).await;
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        // Everything has ended though nothing was read, so the connection was no longer waited for.
        running.shutdown.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(10), running.serving).await;
        ended.expect("it ends").unwrap().unwrap();
        drop(stream);
    }

    #[tokio::test]
    async fn a_panic_is_one_requests_matter() {
        let running = running(Limits::default()).await;
        let answer = asked(running.address, "GET /panic HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 500") && answer.contains("application/problem+json"), "{answer}");
        assert!(asked(running.address, GET).await.ends_with("here"));
    }

    #[tokio::test]
    async fn with_all_places_taken_by_idle_connections_another_is_served() {
        let running = running(Limits { connections: 8, ..Limits::default() }).await;
        let mut idle = Vec::new();
        for _ in 0..40 {
            let mut stream = TcpStream::connect(running.address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
            idle.push(stream);
        }
        assert!(asked(running.address, GET).await.ends_with("here"));
    }

    #[tokio::test]
    async fn bodies_beyond_the_budget_are_refused_and_small_ones_are_not() {
        let running = running(Limits { body_bytes: 8 << 20, ..Limits::default() }).await;
        let post = |length: usize| {
            format!("POST /body HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")
        };
        // The request announces a body and sends a part of it: only what came counts.
        let mut unfinished = TcpStream::connect(running.address).await.unwrap();
        unfinished.write_all(post(20 << 20).as_bytes()).await.unwrap();
        unfinished.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
        let fitting = asked(running.address, &(post(300 << 10) + &"x".repeat(300 << 10))).await;
        assert!(fitting.ends_with("307200"), "{fitting}");
        let large = asked(running.address, &(post(3 << 20) + &"x".repeat(3 << 20))).await;
        assert!(large.starts_with("HTTP/1.1 503") && large.contains("retry-after"), "{large}");
        let small = asked(running.address, &(post(9000) + &"x".repeat(9000))).await;
        assert!(small.ends_with("9000"), "{small}");
    }

    #[tokio::test]
    async fn a_stop_does_not_wait_for_those_who_do_nothing() {
        let running = running(Limits::default()).await;
        let mut idle = TcpStream::connect(running.address).await.unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut half = TcpStream::connect(running.address).await.unwrap();
        half.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
        assert!(asked(running.address, GET).await.ends_with("here"));
        running.shutdown.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(5), running.serving).await;
        ended.expect("it ends").unwrap().unwrap();
    }
}
