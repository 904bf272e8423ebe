//! P1's reference: an axum server that reads the body and answers 200, in a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};
use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use tokio::net::TcpListener;

/// Serves until it is killed. Its address is the first line of standard output.
pub async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let answer = async |body: Bytes| if body.is_empty() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    axum::serve(listener, Router::new().route("/webhooks/telegram/{channel}", post(answer))).await?;
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
