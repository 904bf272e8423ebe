//! The line to an IMAP server, on which no more is read than the answer to a command can be long.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that may yet be read; renewed with each command.
#[derive(Debug, Clone)]
pub struct Allowance(Arc<AtomicUsize>);

impl Allowance {
    pub fn of(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    pub fn renew(&self, bytes: usize) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}

/// A line with an allowance.
#[derive(Debug)]
pub struct Metered<S> {
    line: S,
    left: Allowance,
}

impl<S> Metered<S> {
    pub fn new(line: S, left: Allowance) -> Self {
        Self { line, left }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.left.0.load(Ordering::Relaxed);
        if left == 0 {
            return Poll::Ready(Err(io::Error::other("the server says more than the answer to a command can be")));
        }
        let room = buffer.remaining().min(left);
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.line).poll_read(context, &mut part))?;
        let read = part.filled().len();
        buffer.advance(read);
        // Only this side reads, so nobody takes from it in between.
        self.left.0.store(left - read, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use steward_domain::mail::Server;
    use tokio::{io::AsyncWriteExt as _, net::TcpListener, time::timeout};

    use super::super::session::Session;

    #[tokio::test]
    async fn a_server_that_never_stops_talking_ends_the_session() {
        for page in ["* OK and so on\r\n", "and so on "] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let place = listener.local_addr().unwrap();
            let talking = tokio::spawn(async move {
                let (mut line, _) = listener.accept().await.unwrap();
                let _ = line.write_all(b"* OK hello\r\n").await;
                let page = page.repeat(1_000);
                let mut said = 0;
                while line.write_all(page.as_bytes()).await.is_ok() {
                    said += page.len();
                }
                said
            });
            let server = Server::imap(&format!("imap://a%40b.example:secret@{place}")).unwrap();
            let opened = timeout(Duration::from_secs(45), Session::open(&server)).await.expect("it ends by itself");
            assert!(opened.is_err());
            let said = timeout(Duration::from_secs(10), talking).await.unwrap().unwrap();
            assert!(said < 32 << 20, "{said} bytes were taken");
        }
    }
}
