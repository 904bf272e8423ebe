//! A TCP gate in front of a server. While the gate is shut, the server is down as far as the system can tell.

use std::{net::SocketAddr, time::Duration};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A gate that passes connections on to `target` while it is open. Its address stays the same.
pub struct Gate {
    address: SocketAddr,
    target: String,
    open: Option<DropGuard>,
}

impl Gate {
    /// A gate that is shut, so that connections are refused.
    pub fn shut_before(target: &str) -> anyhow::Result<Self> {
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Ok(Self { address, target: target.to_owned(), open: None })
    }

    /// The `host:port` of the gate.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub async fn open(&mut self) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        let listener = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(error) if tokio::time::Instant::now() > deadline => return Err(error.into()),
                // The task that held the port will let go of it soon.
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let (token, target) = (CancellationToken::new(), self.target.clone());
        self.open = Some(token.clone().drop_guard());
        tokio::spawn(async move {
            while let Some(Ok((mut near, _))) = token.run_until_cancelled(listener.accept()).await {
                let (target, token) = (target.clone(), token.clone());
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(target).await else { return };
                    let _ = (near.set_nodelay(true), far.set_nodelay(true));
                    // That a connection breaks is what the test wants.
                    let copy = tokio::io::copy_bidirectional(&mut near, &mut far);
                    let _ = token.run_until_cancelled(copy).await;
                });
            }
        });
        Ok(())
    }

    /// Cuts all connections and refuses new ones.
    pub fn shut(&mut self) {
        self.open = None;
    }
}
