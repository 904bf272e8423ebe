//! P1's peers, as one would write them by hand: axum, and Postgres or Redis behind it. What waits while a write is on its way
//! goes into the next one. Both keep an update once, by its id, and answer when it is durable.

use std::{
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    sync::{mpsc, oneshot},
};
use tokio_postgres::NoTls;

/// How many updates one write may hold.
const GROUP: usize = 1_000;
/// How many updates may wait.
const WAITING: usize = 8_192;

#[derive(Deserialize)]
struct Update {
    update_id: i64,
}

/// An update that waits for its write.
struct Waiting {
    id: i64,
    body: Bytes,
    done: oneshot::Sender<bool>,
}

/// An axum server that hands every update to `queue` and answers when its write is done.
fn server(queue: mpsc::Sender<Waiting>) -> Router {
    let answer = async move |body: Bytes| {
        let Ok(update) = serde_json::from_slice::<Update>(&body) else { return StatusCode::BAD_REQUEST };
        let (done, written) = oneshot::channel();
        if queue.send(Waiting { id: update.update_id, body, done }).await.is_err() {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        if written.await == Ok(true) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    };
    Router::new().route("/webhooks/telegram/{channel}", post(answer))
}

/// Inserts into Postgres.
pub async fn grouped(postgres: &str) -> Result<Router> {
    let (client, connection) = tokio_postgres::connect(postgres, NoTls).await?;
    tokio::spawn(connection);
    client
        .batch_execute(
            "CREATE SCHEMA IF NOT EXISTS bench; DROP TABLE IF EXISTS bench.updates;
             CREATE TABLE bench.updates (id bigint PRIMARY KEY, body text NOT NULL)",
        )
        .await?;
    let insert = client
        .prepare("INSERT INTO bench.updates SELECT * FROM unnest($1::bigint[], $2::text[]) ON CONFLICT DO NOTHING")
        .await?;
    let (queue, mut waiting) = mpsc::channel::<Waiting>(WAITING);
    tokio::spawn(async move {
        let mut group = Vec::new();
        while waiting.recv_many(&mut group, GROUP).await > 0 {
            let ids: Vec<i64> = group.iter().map(|one| one.id).collect();
            let bodies: Vec<&str> =
                group.iter().map(|one| std::str::from_utf8(&one.body).unwrap_or_default()).collect();
            let kept = client.execute(&insert, &[&ids, &bodies]).await.is_ok();
            answer(&mut group, kept);
        }
    });
    Ok(server(queue))
}

/// Pushes to Redis: `SET NX` by the update's id, in pipelines.
pub async fn redis(address: &str) -> Result<Router> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let (read, mut write) = socket.into_split();
    let mut answers = BufReader::new(read);
    let (queue, mut waiting) = mpsc::channel::<Waiting>(WAITING);
    tokio::spawn(async move {
        let (mut group, mut bytes, mut line) = (Vec::new(), Vec::new(), String::new());
        while waiting.recv_many(&mut group, GROUP).await > 0 {
            bytes.clear();
            for one in &group {
                let key = one.id.to_string();
                let head = format!("*4\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${}\r\n", key.len(), one.body.len());
                bytes.extend_from_slice(head.as_bytes());
                bytes.extend_from_slice(&one.body);
                bytes.extend_from_slice(b"\r\n$2\r\nNX\r\n");
            }
            let mut kept = write.write_all(&bytes).await.is_ok();
            for _ in 0..group.len() {
                line.clear();
                // `+OK`, or nil for one that stands already.
                kept &= answers.read_line(&mut line).await.is_ok() && (line.starts_with('+') || line.starts_with('$'));
            }
            answer(&mut group, kept);
        }
    });
    Ok(server(queue))
}

fn answer(group: &mut Vec<Waiting>, kept: bool) {
    for one in group.drain(..) {
        // Whoever asked may have left.
        let _ = one.done.send(kept);
    }
}

/// A Redis of our own with `appendfsync always`, which is killed when this is dropped.
pub struct Redis {
    child: Child,
    pub address: String,
    _folder: TempDir,
}

impl Redis {
    pub async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("steward-bench-").tempdir()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "yes"]);
        command.args(["--appendfsync", "always", "--dir"]).arg(folder.path()).stdout(Stdio::null());
        let child =
            command.spawn().context("redis-server isn't installed (on Debian: apt-get install redis-server)")?;
        let mut redis = Self { child, address: format!("127.0.0.1:{port}"), _folder: folder };
        // It listens when it is ready, and tells nobody.
        for _ in 0..500 {
            if TcpStream::connect(&redis.address).await.is_ok() {
                return Ok(redis);
            }
            ensure!(redis.child.try_wait()?.is_none(), "redis-server ended");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        bail!("redis-server doesn't listen")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
