//! The connection to a mail server, from which no more is read than a whole session's answers can be long.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};

/// Most bytes that a server says in a session: some ten answers, of which EHLO's has some thirty lines of 512 bytes
/// (RFC 5321, 4.5.3.1), and the certificates if the connection is made a protected one in between.
pub const A_SESSION: usize = 48 << 10;

/// A connection, with the number of bytes that may still be read from it.
#[derive(Debug)]
pub struct Bounded<S> {
    line: S,
    peer: SocketAddr,
    left: usize,
}

impl<S> Bounded<S> {
    pub fn new(line: S, peer: SocketAddr) -> Self {
        Self { line, peer, left: A_SESSION }
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug> AsyncTokioStream for Bounded<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::Error::other("the mail server says more than a session can need")));
        }
        let room = buffer.remaining().min(self.left);
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.line).poll_read(context, &mut part))?;
        let read = part.filled().len();
        buffer.advance(read);
        self.left -= read;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.line).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(context)
    }
}

/// Begins TLS, before anything else is said.
pub async fn protected(host: &str, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    // Reading the machine's certificates opens files, which blocks.
    let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await.map_err(io::Error::other)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lettre::transport::smtp::{client::AsyncSmtpConnection, extension::ClientId};
    use tokio::{io::AsyncWriteExt as _, net::TcpListener, time::timeout};

    use super::*;

    #[tokio::test]
    async fn a_greeting_without_an_end_ends_the_session() {
        for page in ["220-and so on\r\n", "and so on "] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let place = listener.local_addr().unwrap();
            let server = tokio::spawn(async move {
                let (mut line, _) = listener.accept().await.unwrap();
                let _ = line.write_all(b"220-").await;
                while line.write_all(page.as_bytes()).await.is_ok() {}
            });
            let tcp = TcpStream::connect(place).await.unwrap();
            let hello = ClientId::Domain("example.com".to_owned());
            let opened = AsyncSmtpConnection::connect_with_transport(Box::new(Bounded::new(tcp, place)), &hello);
            let opened = timeout(Duration::from_secs(10), opened).await.expect("it ends by itself");
            assert!(opened.is_err());
            timeout(Duration::from_secs(10), server).await.unwrap().unwrap();
        }
    }
}
