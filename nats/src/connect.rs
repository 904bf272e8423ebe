//! `Log`: the handle that all operations of the log hang on, connected to NATS.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use async_nats::{Client, Event, ServerAddr, ServerError};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::alarms::{Crowds, Setter};
use crate::append::Unit;
use crate::cache::Cache;
use crate::denials::Denials;
use crate::inbox::Inbox;
use crate::session::{Line, REQUEST_TIMEOUT, Session};
use crate::supervise::Tasks;
use crate::writer::{Pulse, Writer};
use crate::{Backoff, Clock, Condition, Health, LogError, definitions, permissions};

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Shown by the server in its list of connections.
    pub name: String,
    /// For how many aggregates the state is kept in memory, each of 4 kB; of larger ones there are fewer.
    pub cache_entries: u64,
    /// How long an append is tried again while the server can't be reached.
    pub append_timeout: Duration,
    /// How long the log keeps serving once the shutdown was asked for, so that work in hand can be finished.
    pub grace: Duration,
    /// Answers come on subjects that begin with this. Left out, it is what the permissions give the URL's user, if that
    /// is one of ours.
    pub inbox_prefix: Option<String>,
    /// What [`Log::clock`] gives: tests turn one by hand.
    pub clock: Clock,
}

impl ConnectOptions {
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            name: "steward".to_owned(),
            cache_entries: 100_000,
            append_timeout: Duration::from_secs(15),
            grace: Duration::from_secs(8),
            inbox_prefix: None,
            clock: Clock::system(),
        }
    }
}

/// The log. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

struct Inner {
    session: Session,
    dial: Dial,
    admission: Admission,
    writer: mpsc::UnboundedSender<Unit>,
    cache: Cache,
    tasks: Tasks,
    health: Health,
    denials: Denials,
    clock: Clock,
    crowds: Crowds,
    alarm_setter: Setter,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("line", &*self.inner.session.line.borrow()).finish_non_exhaustive()
    }
}

impl Log {
    /// Connects as soon as there is a server, trying until `shutdown`. A connection that is lost later is made again,
    /// for ever.
    ///
    /// `url` is `nats://user:password@host:port`, several separated by commas; see [`check_url`]. After `shutdown` the log serves a few
    /// more seconds, so that what is in hand can be finished.
    pub async fn connect(url: &str, options: ConnectOptions, shutdown: CancellationToken) -> Result<Self, LogError> {
        let addresses = addresses(url)?;
        let (line, watch) = watch::channel(Line { up: true, epoch: 0 });
        let denials = Denials::default();
        let dial = Dial { options: options.clone(), addresses };
        let client = dial.connect(line, denials.clone(), &shutdown).await?;
        check_version(&client)?;
        let context = context(&client);
        let (inbox, answers) = Inbox::open(&client).await?;
        let stop = CancellationToken::new();
        let session = Session {
            client,
            context,
            inbox,
            line: watch,
            stop: stop.clone(),
            seen: Arc::default(),
            doubted: Arc::default(),
        };

        let (tasks, health, pulse) = (Tasks::new(stop.clone()), Health::default(), Arc::new(Pulse::default()));
        let (watched, line) = (pulse.clone(), session.line.clone());
        tasks.register(&health, "writer", move || watched.condition(line.borrow().up));
        tasks.register(&health, "inbox", || Condition::Well);
        tasks.spawn("inbox", session.inbox.clone().run(answers, stop.clone()));
        // The channel needs no bound of its own: `admission` bounds what comes in.
        let (writer, waiting) = mpsc::unbounded_channel();
        let writing = tasks.spawn("writer", Writer::new(session.clone(), options.append_timeout, pulse).run(waiting));
        let (alarm_setter, setting) = Setter::open(session.clone());
        tasks.register(&health, "alarm-setter", || Condition::Well);
        tasks.spawn("alarm-setter", setting);
        let grace = options.grace;
        tasks.spawn_plain(async move {
            tokio::select! {
                // The writer ended because all handles are gone and the queue is empty.
                _ = writing => {}
                () = async { shutdown.cancelled().await; tokio::time::sleep(grace).await } => {}
            }
            stop.cancel();
        });
        tasks.close();
        let cache = Cache::new(options.cache_entries);
        let admission = Admission::default();
        let noted = denials.clone();
        let (clock, crowds) = (options.clock, Crowds::default());
        health.register("permissions", move || noted.condition());
        let inner =
            Inner { session, dial, admission, writer, cache, tasks, health, denials, clock, crowds, alarm_setter };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(crate) fn crowds(&self) -> &Crowds {
        &self.inner.crowds
    }

    pub(crate) fn alarm_setter(&self) -> &Setter {
        &self.inner.alarm_setter
    }

    pub(crate) fn client(&self) -> &Client {
        &self.inner.session.client
    }

    /// The JetStream client underneath, for tests and measurements; services don't use it.
    #[doc(hidden)]
    pub fn jetstream(&self) -> &jetstream::Context {
        &self.inner.session.context
    }

    /// The clock of all who work on this log: decisions are made at its time, and events carry it.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Whether the connection is up at this moment.
    pub fn is_connected(&self) -> bool {
        self.inner.session.line.borrow().up
    }

    /// The health of the parts of this process that work on the log.
    pub fn health(&self) -> &Health {
        &self.inner.health
    }

    /// Resolves with the reason when one of the log's own tasks has ended before the stop. Nothing can be stored or
    /// read from then on, so the process has to end.
    pub fn failed(&self) -> impl Future<Output = String> + Send + use<> {
        self.inner.tasks.failed()
    }

    /// The server's version, as it says itself.
    pub fn server_version(&self) -> String {
        self.client().server_info().version
    }

    /// Resolves when the log has stopped: after the shutdown, and the time it leaves for work in hand.
    pub async fn closed(&self) {
        self.inner.tasks.wait().await;
    }

    pub(crate) fn denials(&self) -> &Denials {
        &self.inner.denials
    }

    pub(crate) fn session(&self) -> &Session {
        &self.inner.session
    }

    /// Makes another connection, which is lost and found again by itself and shares with the first what the process knows.
    /// Its work is done where this is called: on the runtime of the caller.
    pub(crate) async fn connect_another(&self, name: &str) -> Result<(Session, Denials), LogError> {
        let first = self.session();
        let (line, watch) = watch::channel(Line { up: true, epoch: 0 });
        let denials = Denials::default();
        let mut dial = self.inner.dial.clone();
        dial.options.name = format!("{}-{name}", dial.options.name);
        let client = dial.connect(line, denials.clone(), &first.stop).await?;
        let (context, line, doubted) = (context(&client), watch, Arc::default());
        // What is asked with the inbox is answered on the first connection, whichever it is asked on.
        Ok((Session { client, context, line, doubted, ..first.clone() }, denials))
    }

    pub(crate) fn admission(&self) -> &Admission {
        &self.inner.admission
    }

    pub(crate) fn writer(&self) -> &mpsc::UnboundedSender<Unit> {
        &self.inner.writer
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.inner.tasks
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.inner.cache
    }
}

fn context(client: &Client) -> jetstream::Context {
    jetstream::context::ContextBuilder::new().timeout(REQUEST_TIMEOUT).build(client.clone())
}

/// Where NATS is, and who connects.
#[derive(Clone)]
struct Dial {
    options: ConnectOptions,
    addresses: Vec<ServerAddr>,
}

impl Dial {
    /// Connects as soon as there is a server, trying until the stop.
    async fn connect(
        &self,
        line: watch::Sender<Line>,
        denials: Denials,
        stop: &CancellationToken,
    ) -> Result<Client, LogError> {
        let line = Arc::new(line);
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        loop {
            let client = client_options(&self.options, &self.addresses, line.clone(), denials.clone());
            let attempt = tokio::select! {
                attempt = client.connect(self.addresses.as_slice()) => attempt,
                () = stop.cancelled() => return Err(LogError::ShutDown),
            };
            match attempt {
                Ok(client) => return Ok(client),
                Err(error) => {
                    let pause = backoff.next_pause();
                    tracing::warn!(%error, ?pause, "NATS can't be reached; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = stop.cancelled() => return Err(LogError::ShutDown),
                    }
                }
            }
        }
    }
}

fn addresses(url: &str) -> Result<Vec<ServerAddr>, LogError> {
    let parse = |part: &str| {
        part.trim().parse::<ServerAddr>().map_err(|error| LogError::Address {
            // The error never shows the address itself, which may hold a password.
            url: part.rsplit('@').next().unwrap_or_default().to_owned(),
            reason: error.to_string(),
        })
    };
    let addresses: Vec<ServerAddr> = url.split(',').map(parse).collect::<Result<_, _>>()?;
    match addresses.iter().find(|address| tells_a_password(address)) {
        Some(address) => Err(LogError::InTheClear { host: address.host().to_owned() }),
        None => Ok(addresses),
    }
}

/// Checks that `url` says where NATS is, and that a password in it isn't told to the network: another machine is then
/// reached by `tls://`, or by `nats://…?insecure=true` where somebody answers for the network between.
///
/// # Errors
/// What is wrong with it.
pub fn check_url(url: &str) -> Result<(), LogError> {
    addresses(url).map(drop)
}

fn tells_a_password(address: &ServerAddr) -> bool {
    let host = address.host();
    let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    address.has_user_pass() && !here && !is_protected(address) && !is_answered_for(address)
}

fn is_protected(address: &ServerAddr) -> bool {
    matches!(address.scheme(), "tls" | "wss")
}

/// Whether the address says `insecure=true`: somebody answers for the network between.
fn is_answered_for(address: &ServerAddr) -> bool {
    address.as_url_str().split_once('?').is_some_and(|(_, query)| query.split('&').any(|part| part == "insecure=true"))
}

fn check_version(client: &Client) -> Result<(), LogError> {
    let mut needed = definitions::SERVER_NEEDED.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || needed.next().unwrap_or(0);
    if client.is_server_compatible(next(), next(), next()) {
        return Ok(());
    }
    let found = client.server_info().version;
    Err(LogError::ServerTooOld { found, needed: definitions::SERVER_NEEDED })
}

fn client_options(
    options: &ConnectOptions,
    addresses: &[ServerAddr],
    line: Arc<watch::Sender<Line>>,
    denials: Denials,
) -> async_nats::ConnectOptions {
    let mut client = async_nats::ConnectOptions::new()
        .name(&options.name)
        .max_reconnects(None)
        .connection_timeout(Duration::from_secs(3))
        .request_timeout(Some(REQUEST_TIMEOUT))
        .ping_interval(Duration::from_secs(10))
        .skip_subject_validation(true)
        .reconnect_delay_callback(|attempts| match attempts {
            0 | 1 => Duration::ZERO,
            attempts => Duration::from_millis(25 << attempts.min(4)),
        })
        .event_callback(move |event| {
            match event {
                Event::Connected => {
                    denials.forget();
                    line.send_modify(|line| line.up = true);
                    tracing::info!("connected to NATS");
                }
                Event::Closed => {
                    line.send_modify(|line| *line = Line { up: false, epoch: line.epoch + 1 });
                    tracing::debug!("the connection to NATS is closed");
                }
                Event::Disconnected => {
                    line.send_modify(|line| *line = Line { up: false, epoch: line.epoch + 1 });
                    tracing::warn!("the connection to NATS is lost; connecting again");
                }
                Event::ServerError(ServerError::Other(error)) if denials.note(&error) => {}
                Event::LameDuckMode => tracing::warn!("the NATS server is about to stop"),
                other => tracing::warn!(event = %other, "NATS"),
            }
            std::future::ready(())
        });
    let user = addresses.iter().find_map(ServerAddr::username);
    if let Some(prefix) = options.inbox_prefix.clone().or_else(|| permissions::inbox_prefix(user?)) {
        client = client.custom_inbox_prefix(prefix);
    }
    // The server may name other servers of its cluster; they get the password only with the same protection.
    if addresses.iter().any(is_protected) {
        client = client.require_tls(true);
    } else if user.is_some() && !addresses.iter().all(is_answered_for) {
        client = client.ignore_discovered_servers();
    }
    // The client doesn't take user and password from the address by itself.
    if let Some((user, password)) = addresses.iter().find_map(|a| Some((a.username()?, a.password()))) {
        client = match password {
            Some(password) => client.user_and_password(user.to_owned(), password.to_owned()),
            None => client.token(user.to_owned()),
        };
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_to_another_machine_only_with_tls_or_a_word_for_the_network_between() {
        for url in [
            "nats://127.0.0.1:4222",
            "nats://a:b@127.0.0.1:4222",
            "nats://a:b@[::1]:4222",
            "nats://a:b@localhost",
            "nats://10.0.0.5:4222",
            "tls://a:b@nats.example.com",
            "tls://a:b@one.example.com,tls://a:b@two.example.com",
            "nats://a:b@nats:4222?insecure=true",
        ] {
            assert!(check_url(url).is_ok(), "{url}");
        }
        for url in [
            "nats://a:b@nats.example.com",
            "nats://token@10.0.0.5:4222",
            "nats://a:b@localhost.example.com",
            "nats://a:b@[2001:db8::1]",
            "ws://a:b@nats.example.com",
            "tls://a:b@one.example.com,nats://a:secret@two.example.com",
            "nats://a:b@nats.example.com?insecure=false",
        ] {
            let refused = check_url(url).map_err(|error| error.to_string());
            assert!(
                refused.as_ref().is_err_and(|e| e.contains("tls://") && !e.contains("secret@")),
                "{url}: {refused:?}"
            );
        }
    }
}
