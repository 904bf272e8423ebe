//! One connection: which stage it is in, and since when.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::body::Body as AxumBody;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::Limits;

/// The stage of a connection. Those in the first stages make room for others first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    /// The connection waits for its next request.
    Idle = 0,
    /// Nothing has come yet, or the headers of a request aren't complete.
    Head = 1,
    /// The body of a request is on its way whose caller hasn't shown a key.
    Body = 2,
    /// A request is being answered.
    Work = 3,
}

/// The stage of a connection, noted by whoever moves it on and read by whoever needs room.
pub(crate) struct Activity {
    began: Instant,
    stage: AtomicU8,
    /// When the stage was entered, in milliseconds after `began`.
    since: AtomicU64,
    /// Since when the client takes nothing of what we write, as `since` plus one; 0 if it takes what we write.
    blocked: AtomicU64,
}

impl Activity {
    /// A connection that was just accepted. Times are counted from `began`.
    pub fn new(began: Instant) -> Self {
        let activity = Self { began, stage: AtomicU8::new(0), since: AtomicU64::new(0), blocked: AtomicU64::new(0) };
        activity.enter(Stage::Head);
        activity
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub fn enter(&self, stage: Stage) {
        self.since.store(self.now(), Ordering::Relaxed);
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    pub fn works(&self) {
        self.enter(Stage::Work);
    }

    pub fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Relaxed) {
            0 => Stage::Idle,
            1 => Stage::Head,
            2 => Stage::Body,
            _ => Stage::Work,
        }
    }

    /// When the stage was entered; smaller is earlier.
    pub fn since(&self) -> u64 {
        self.since.load(Ordering::Relaxed)
    }

    /// Whether the connection has been in its stage for longer than it may.
    pub fn is_overdue(&self, limits: &Limits) -> bool {
        let for_long = |since: u64, limit: Duration| self.now().saturating_sub(since) as u128 > limit.as_millis();
        let blocked = self.blocked.load(Ordering::Relaxed);
        if blocked > 0 && for_long(blocked - 1, limits.write_timeout) {
            return true;
        }
        match self.stage() {
            Stage::Idle => for_long(self.since(), limits.idle_timeout),
            Stage::Head => for_long(self.since(), limits.header_timeout),
            // Whoever reads the body has a time limit of their own.
            Stage::Body | Stage::Work => false,
        }
    }

    fn reads(&self) {
        if self.stage() == Stage::Idle {
            self.enter(Stage::Head);
        }
    }

    fn wrote(&self, blocked: bool) {
        if !blocked {
            self.blocked.store(0, Ordering::Relaxed);
        } else if self.blocked.load(Ordering::Relaxed) == 0 {
            self.blocked.store(self.now() + 1, Ordering::Relaxed);
        }
    }
}

/// The stream of a connection. It notes when something comes in, and when nothing goes out.
pub(crate) struct Watched {
    pub stream: TcpStream,
    pub activity: Arc<Activity>,
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.activity.reads();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.activity.wrote(wrote.is_pending());
        wrote
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.activity.wrote(wrote.is_pending());
        wrote
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// The body of an answer. When it is dropped, the connection is idle.
pub(crate) struct Answer {
    pub body: AxumBody,
    pub activity: Arc<Activity>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.activity.enter(Stage::Idle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_has_its_own_patience() {
        let limits = Limits {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            ..Limits::default()
        };
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        let at = |stage: Stage, seconds: u64| {
            let activity = Activity::new(ago(seconds));
            activity.stage.store(stage as u8, Ordering::Relaxed);
            activity.since.store(0, Ordering::Relaxed);
            activity
        };
        assert!(at(Stage::Head, 11).is_overdue(&limits) && !at(Stage::Head, 9).is_overdue(&limits));
        assert!(at(Stage::Idle, 76).is_overdue(&limits) && !at(Stage::Idle, 70).is_overdue(&limits));
        assert!(!at(Stage::Work, 1000).is_overdue(&limits));
        let stuck = at(Stage::Work, 31);
        stuck.blocked.store(1, Ordering::Relaxed);
        assert!(stuck.is_overdue(&limits));
        stuck.wrote(false);
        assert!(!stuck.is_overdue(&limits));
        // A request that drips in doesn't get its time anew with each byte.
        let idle = at(Stage::Idle, 11);
        idle.reads();
        let since = idle.since();
        assert_eq!(idle.stage(), Stage::Head);
        idle.reads();
        assert_eq!(idle.since(), since);
    }
}
