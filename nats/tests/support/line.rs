//! A line between client and server that can hold back the server's answers, and be cut.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Line {
    pub port: u16,
    answers: watch::Sender<bool>,
    /// Counts the cuts: a connection that is older than the last cut is dead.
    cuts: watch::Sender<u64>,
    listening: tokio::task::JoinHandle<()>,
}

impl Line {
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answers, passing) = watch::channel(true);
        let (cuts, cut) = watch::channel(0);
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else { continue };
                let (passing, mut cut) = (passing.clone(), cut.clone());
                let mine = *cut.borrow_and_update();
                let live = cut.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = carry(client, server, || *passing.borrow() && *live.borrow() == mine) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { port, answers, cuts, listening }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// From now on, what the server says is lost.
    pub fn lose_answers(&self) {
        self.answers.send_replace(false);
    }

    /// From now on, what the server says arrives again.
    pub fn pass_answers(&self) {
        self.answers.send_replace(true);
    }

    /// Ends all connections: from this moment on nothing passes in them.
    pub fn cut(&self) {
        self.cuts.send_modify(|n| *n += 1);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn carry(client: TcpStream, server: TcpStream, passes: impl Fn() -> bool) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(drop) };
    let back = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = from_server.read(&mut buffer).await?;
            if read == 0 {
                return Ok::<(), std::io::Error>(());
            }
            if passes() {
                to_client.write_all(&buffer[..read]).await?;
            }
        }
    };
    let _ = tokio::join!(there, back);
}
