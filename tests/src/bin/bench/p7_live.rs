//! P7: from an append to every subscriber of the live stream, beside a bare axum server that broadcasts as many bytes.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{Instant, interval, timeout},
};

use crate::{
    bare::Served,
    bot_api::BotApi,
    fill::Filler,
    http::Connection,
    options::Options,
    place::{Place, SECRET_HEADER, WEBHOOK},
    proc::Meter,
    report::{Figure, Parts, figure},
    stats::Samples,
    updates::Updates,
};

static UPDATES: Updates = Updates::new();

/// How many subscribers, how many events a second they get, and the goal.
const LEVELS: [(usize, u32, &str); 2] = [(1_000, 10, "≤ 1.2 × bare"), (10_000, 1, "nothing lost")];
/// The subscribers, besides the one that is measured, while webhooks come.
const BESIDE: usize = 1_000;
const STREAM: &str = "/api/v1/stream?types=new_message";
/// The first chat of the appended messages; others have smaller ids.
const CHATS: i64 = 20_000_000_000;
/// Longest wait for what was sent last.
const LAST: Duration = Duration::from_secs(20);
/// How many subscribers are connected at the same time.
const OPENING: usize = 200;
/// About how many bytes a message has as a frame.
const FRAME: usize = 700;

pub async fn run(options: &Options) -> Result<Parts> {
    let mut parts = Parts::default();
    raise_descriptors()?;
    let mut bare_p50 = Vec::new();
    for (count, rate, _) in LEVELS {
        let bare = Served::bare()?;
        let audience = Audience::gather(bare.address, "/stream", count).await?;
        let mut poster = Connection::open(bare.address).await?;
        let padding = "x".repeat(FRAME);
        let sent = paced(options, rate, async |n| {
            let id = n as u64 + 1;
            let body =
                format!("event: new_message\nid: {id}\ndata: {{\"external_id\":\"1\",\"text\":\"{padding}\"}}\n\n");
            poster.post("/publish", "", &body).await?;
            Ok(id)
        });
        let mut heard = audience.heard(&sent.await?).await?;
        bare_p50.push(heard.delays.quantile(0.5));
        parts.reference(format!("bare axum, {count} subscribers, {rate} events/s"), heard.figures());
    }
    let bot = BotApi::start().await?;
    let place = Place::new(options, &bot)?;
    let servers = place.servers().await?;
    let filler = Filler::connect(&place.masters()?.nats).await?;
    for ((count, rate, goal), bare) in LEVELS.into_iter().zip(bare_p50) {
        // A process of its own for each level, so that its memory tells of this level alone.
        let projection = place.service("projection").await?;
        let audience = Audience::gather(projection.address, STREAM, count).await?;
        let meter = Meter::start(projection.pid(), servers.pid());
        let sent =
            paced(options, rate, async |n| filler.message(CHATS + count as i64 * 1_000 + n as i64).await).await?;
        let mut heard = audience.heard(&sent).await?;
        let [ours, _] = meter.per((sent.len() * count) as f64);
        let p50 = heard.delays.quantile(0.5);
        let figures = heard.figures().into_iter().chain([ours]).collect();
        parts.case(format!("{count} subscribers, {rate} events/s"), goal, figures);
        parts.against(p50 / bare, "bare axum, p50");
        projection.stop().await?;
    }
    drop(filler);
    servers.stop().await?;
    drop(place);

    let place = Place::new(options, &bot)?;
    let up = place.up().await?;
    let beside = Audience::gather(up.address, STREAM, BESIDE).await?;
    let one = Audience::gather(up.address, STREAM, 1).await?;
    let mut webhook = Connection::open(up.address).await?;
    let sent = paced(options, 10, async |_| {
        let (message, body) = UPDATES.numbered("Добрый день, пришлите, пожалуйста, счёт");
        ensure!(webhook.post(WEBHOOK, SECRET_HEADER, &body).await? == 200, "a webhook was refused");
        Ok(message)
    });
    let mut heard = one.of_messages(&sent.await?).await?;
    parts.case(format!("webhook to one of {BESIDE} subscribers"), "p99 ≤ 20 ms", heard.figures());
    drop(beside);
    drop(up);
    Ok(parts)
}

/// When something was sent, by what it is known by at the subscribers.
type Sent = HashMap<u64, Instant>;

/// Sends at this rate for the span; `send` says what the subscribers know it by.
async fn paced(options: &Options, rate: u32, mut send: impl AsyncFnMut(usize) -> Result<u64>) -> Result<Sent> {
    let count = (options.span().as_secs_f64() * f64::from(rate)).max(5.0) as usize;
    let mut pace = interval(Duration::from_secs(1) / rate);
    let mut sent = Sent::new();
    for n in 0..count {
        pace.tick().await;
        let began = Instant::now();
        sent.insert(send(n).await?, began);
    }
    Ok(sent)
}

/// What the subscribers got.
struct Heard {
    delays: Samples,
    missing: usize,
}

impl Heard {
    fn figures(&mut self) -> Vec<Figure> {
        let mut figures = self.delays.figures();
        figures.push(figure("missing", self.missing as f64, ""));
        figures
    }
}

/// Subscribers that read to the end.
struct Audience {
    readers: JoinSet<Result<Vec<(Known, Instant)>>>,
    /// How many things each is to hear until it ends; 0 until that is known.
    enough: watch::Sender<usize>,
    count: usize,
}

/// What a frame is known by: its position, and the message's id at the provider.
#[derive(Debug, Clone, Copy)]
struct Known {
    position: u64,
    message: u64,
}

impl Audience {
    async fn gather(address: SocketAddr, path: &'static str, count: usize) -> Result<Self> {
        let (enough, until) = watch::channel(0);
        let mut readers = JoinSet::new();
        for begun in (0..count).step_by(OPENING) {
            let mut opening = JoinSet::new();
            for _ in begun..count.min(begun + OPENING) {
                opening.spawn(timeout(LAST, open(address, path)));
            }
            while let Some(opened) = opening.join_next().await {
                let (socket, rest) = opened?.context("no stream in time")??;
                readers.spawn(read(socket, rest, until.clone()));
            }
        }
        Ok(Self { readers, enough, count })
    }

    /// What all have heard of what was sent, by the position.
    async fn heard(self, sent: &Sent) -> Result<Heard> {
        self.matched(sent, |known| known.position).await
    }

    /// The same, by the message's id at the provider.
    async fn of_messages(self, sent: &Sent) -> Result<Heard> {
        self.matched(sent, |known| known.message).await
    }

    async fn matched(mut self, sent: &Sent, by: fn(&Known) -> u64) -> Result<Heard> {
        self.enough.send_replace(sent.len());
        let mut delays = Samples::default();
        while let Some(reader) = self.readers.join_next().await {
            let mut left = sent.clone();
            for (known, at) in reader?? {
                if let Some(began) = left.remove(&by(&known)) {
                    delays.add(at - began);
                }
            }
        }
        let missing = self.count * sent.len() - delays.len();
        Ok(Heard { delays, missing })
    }
}

/// Opens a stream; returns what came with the head of the answer.
async fn open(address: SocketAddr, path: &str) -> Result<(TcpStream, Vec<u8>)> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    socket.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await?;
    let mut bytes = Vec::with_capacity(2_048);
    loop {
        ensure!(socket.read_buf(&mut bytes).await? > 0, "the stream was closed");
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            ensure!(bytes.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&bytes));
            return Ok((socket, bytes.split_off(end + 4)));
        }
    }
}

/// Reads frames until as many as there were to hear have come, or nothing came for long after the last was sent.
async fn read(
    mut socket: TcpStream,
    mut bytes: Vec<u8>,
    mut until: watch::Receiver<usize>,
) -> Result<Vec<(Known, Instant)>> {
    let mut heard = Vec::new();
    let mut deadline: Option<Instant> = None;
    loop {
        let enough = *until.borrow_and_update();
        if enough > 0 && heard.len() >= enough {
            return Ok(heard);
        }
        let patience = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
        tokio::select! {
            read = socket.read_buf(&mut bytes) => {
                ensure!(read? > 0, "the stream was closed");
                let now = Instant::now();
                while let Some(end) = bytes.windows(2).position(|window| window == b"\n\n") {
                    let frame: Vec<u8> = bytes.drain(..end + 2).collect();
                    heard.extend(known(&frame).map(|known| (known, now)));
                }
            }
            Ok(()) = until.changed() => deadline = Some(Instant::now() + LAST),
            () = tokio::time::sleep(patience), if deadline.is_some() => return Ok(heard),
        }
    }
}

/// What a frame is known by, if it shows a client's message.
fn known(frame: &[u8]) -> Option<Known> {
    let text = std::str::from_utf8(frame).ok()?;
    let after = |mark: &str| {
        let rest = text.split_once(mark)?.1;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    };
    (text.contains("event: new_message") && !text.contains("\"direction\":\"out\"")).then_some(())?;
    Some(Known { position: after("\nid: ")?, message: after("\"external_id\":\"")? })
}

/// As many open files as this process may have.
fn raise_descriptors() -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_known_by_position_and_message() {
        let frame = b"1f\r\nevent: new_message\nid: 12\ndata: {\"external_id\":\"77\"}\n\n";
        let known = known(frame).unwrap();
        assert_eq!((known.position, known.message), (12, 77));
        assert!(super::known(b"id: 12\n: heartbeat\n\n").is_none());
    }
}
