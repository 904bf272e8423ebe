//! A line between client and server that can hold back the server's answers, and be cut.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};

pub struct Line {
    pub port: u16,
    answers: watch::Sender<bool>,
    cut: broadcast::Sender<()>,
    listening: tokio::task::JoinHandle<()>,
}

impl Line {
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answers, passing) = watch::channel(true);
        let (cut, _) = broadcast::channel(1);
        let cutting = Arc::new(cut.clone());
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else { continue };
                let (passing, mut cut) = (passing.clone(), cutting.subscribe());
                tokio::spawn(async move {
                    tokio::select! {
                        () = carry(client, server, passing) => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        });
        Self { port, answers, cut, listening }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// What the server says is lost from now on.
    pub fn lose_answers(&self) {
        self.answers.send_replace(false);
    }

    /// What the server says arrives again, in connections that begin now.
    pub fn pass_answers(&self) {
        self.answers.send_replace(true);
    }

    /// Ends all connections.
    pub fn cut(&self) {
        let _ = self.cut.send(());
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn carry(client: TcpStream, server: TcpStream, passing: watch::Receiver<bool>) {
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
            if *passing.borrow() {
                to_client.write_all(&buffer[..read]).await?;
            }
        }
    };
    let _ = tokio::join!(there, back);
}
