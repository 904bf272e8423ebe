//! A load generator: HTTP/1.1 over kept-alive connections, each waiting for an answer before it asks again.
//!
//! It is written on the bare socket, so that on a shared machine it takes as little as possible from the system.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

use crate::{
    report::{Figure, figure},
    stats::Samples,
};

/// Longest wait for an answer.
const LIMIT: Duration = Duration::from_secs(20);

/// One kept-alive connection.
pub struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, buffer: Vec::with_capacity(4_096) })
    }

    /// Sends a request and reads its whole answer; returns the status.
    pub async fn post(&mut self, path: &str, headers: &str, body: &str) -> Result<u16> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.exchange(&request).await
    }

    pub async fn get(&mut self, path: &str) -> Result<u16> {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
    }

    async fn exchange(&mut self, request: &str) -> Result<u16> {
        timeout(LIMIT, async {
            self.socket.write_all(request.as_bytes()).await?;
            self.answer().await
        })
        .await
        .context("no answer in time")?
    }

    async fn answer(&mut self) -> Result<u16> {
        self.buffer.clear();
        loop {
            if let Some((status, length)) = head(&self.buffer)?
                && self.buffer.len() >= length
            {
                return Ok(status);
            }
            ensure!(self.socket.read_buf(&mut self.buffer).await? > 0, "the connection was closed");
        }
    }
}

/// The status, and the length of head and body together, once the whole head is there.
fn head(bytes: &[u8]) -> Result<Option<(u16, usize)>> {
    let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end]).context("an answer's head is ASCII")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("an answer has a status")?;
    let mut length = 0;
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(':').context("a header has a colon")?;
        ensure!(!name.eq_ignore_ascii_case("transfer-encoding"), "a chunked answer, which isn't expected here");
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().context("a length is a number")?;
        }
    }
    Ok(Some((status, end + 4 + length)))
}

/// What came of a load.
pub struct Load {
    pub latencies: Samples,
    pub per_second: f64,
    pub refused: usize,
    /// All requests, including those that weren't measured.
    pub all: usize,
}

impl Load {
    pub fn figures(mut self) -> Vec<Figure> {
        let mut figures = vec![figure("requests", self.per_second, "/s")];
        figures.extend(self.latencies.figures());
        if self.refused > 0 {
            figures.push(figure("refused", self.refused as f64, ""));
        }
        figures
    }
}

/// Posts to `path` over `connections`, for a second unmeasured and then for `span`; `body` makes each body.
pub async fn load(
    address: SocketAddr,
    path: &'static str,
    headers: &'static str,
    connections: usize,
    span: Duration,
    body: impl Fn() -> String + Send + Sync + Clone + 'static,
) -> Result<Load> {
    let warm = Instant::now() + Duration::from_secs(1);
    let end = warm + span;
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let body = body.clone();
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let (mut samples, mut refused, mut all) = (Samples::default(), 0_usize, 0_usize);
            loop {
                let body = body();
                let began = Instant::now();
                if began >= end {
                    return anyhow::Ok((samples, refused, all));
                }
                let status = connection.post(path, headers, &body).await?;
                all += 1;
                if began >= warm {
                    samples.add(began.elapsed());
                    refused += usize::from(!(200..300).contains(&status));
                }
            }
        });
    }
    let (mut latencies, mut refused, mut all) = (Samples::default(), 0, 0);
    while let Some(task) = tasks.join_next().await {
        let (samples, not_taken, sent) = task??;
        latencies.merge(samples);
        refused += not_taken;
        all += sent;
    }
    let per_second = latencies.len() as f64 / span.as_secs_f64();
    Ok(Load { latencies, per_second, refused, all })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        assert_eq!(head(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r").unwrap(), None);
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert_eq!(head(bytes).unwrap(), Some((200, bytes.len())));
        assert_eq!(head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap(), Some((204, 27)));
    }
}
