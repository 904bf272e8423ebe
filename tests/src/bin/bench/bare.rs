//! The reference of P1 and P7: an axum server that reads the body and answers 200, or broadcasts it as server-sent events.
//! References and peers that we serve ourselves run in processes of their own.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{StatusCode, header},
    routing::{get, post},
};
use futures::stream;
use tokio::{net::TcpListener, sync::broadcast};

use crate::{options::Serve, peers::ingest};

/// Serves until it is killed. Its address is the first line of standard output.
pub async fn serve(what: Serve, store: &str) -> Result<()> {
    let router = match what {
        Serve::Bare => bare(),
        Serve::Grouped => ingest::grouped(store).await?,
        Serve::Redis => ingest::redis(store).await?,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

fn bare() -> Router {
    let answer = async |body: Bytes| if body.is_empty() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let (frames, _) = broadcast::channel::<Bytes>(1_024);
    let publish = {
        let frames = frames.clone();
        async move |body: Bytes| if frames.send(body).is_ok() { StatusCode::OK } else { StatusCode::GONE }
    };
    let subscribe = async move || {
        let frames = stream::unfold(frames.subscribe(), async |mut frames| Some((frames.recv().await, frames)));
        ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(frames))
    };
    Router::new()
        .route("/webhooks/telegram/{channel}", post(answer))
        .route("/publish", post(publish))
        .route("/stream", get(subscribe))
}

/// A running one, which is killed when this is dropped.
pub struct Served {
    child: Child,
    pub address: SocketAddr,
}

impl Served {
    pub fn bare() -> Result<Self> {
        Self::start(Serve::Bare, "")
    }

    /// `store` is the URL of where a peer keeps what comes in.
    pub fn start(what: Serve, store: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--serve", what.name(), "--store-url", store]);
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("piped")?).read_line(&mut line)?;
        Ok(Self { child, address: line.trim().parse().context("it didn't start")? })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
