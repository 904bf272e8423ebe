//! The reference of P1 and P7: an axum server that reads the body and answers 200, or broadcasts it as server-sent events, in
//! a process of its own.

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

/// Serves until it is killed. Its address is the first line of standard output.
pub async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
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
    let router = Router::new()
        .route("/webhooks/telegram/{channel}", post(answer))
        .route("/publish", post(publish))
        .route("/stream", get(subscribe));
    axum::serve(listener, router).await?;
    Ok(())
}

/// The running reference, which is killed when this is dropped.
pub struct BareServer {
    child: Child,
    pub address: SocketAddr,
}

impl BareServer {
    pub fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).arg("--bare-server").stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("piped")?).read_line(&mut line)?;
        Ok(Self { child, address: line.trim().parse()? })
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
