//! Connections that the stand-in can cut in the middle of a call.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{extract::connect_info::Connected, serve::IncomingStream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Accepts connections until the token is cancelled; then those are cut as well.
pub struct CuttableListener {
    listener: TcpListener,
    down: CancellationToken,
}

impl CuttableListener {
    pub fn new(listener: TcpListener, down: CancellationToken) -> Self {
        Self { listener, down }
    }
}

/// Cuts the connection that it belongs to: from then on writing fails, and the connection closes.
#[derive(Debug, Clone, Default)]
pub struct Cutter(Arc<AtomicBool>);

impl Cutter {
    pub fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A connection that can be cut.
pub struct Line {
    stream: TcpStream,
    cutter: Cutter,
    down: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl axum::serve::Listener for CuttableListener {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            if let Ok((stream, address)) = self.listener.accept().await {
                // The answers are small; waiting until a packet is full would show up as latency.
                let _ = stream.set_nodelay(true);
                let down = Box::pin(self.down.clone().cancelled_owned());
                return (Line { stream, cutter: Cutter::default(), down }, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Cutter {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().cutter.clone()
    }
}

impl Line {
    /// Fails once the connection is cut or the stand-in is down.
    fn intact(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let down = self.down.as_mut().poll(cx).is_ready();
        if down || self.cutter.0.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.intact(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.intact(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
