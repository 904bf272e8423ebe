//! The past as a stream tells it: read from the log and rendered in the background, handed over in pieces.

use std::{pin::pin, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use steward_log::LogError;
use tokio::sync::mpsc;

use super::{Hub, frame::Frame, subscriber::Interest};
use crate::{read::Slice, shares::Share};

/// About how many bytes of frames are in a piece.
const PIECE: usize = 16 * 1024;

/// How many events are in a piece at most, wanted or not.
const EVENTS: usize = 512;

/// How many pieces may wait for whoever reads the stream.
const WAITING: usize = 2;

/// What is told of the past next.
pub enum Piece {
    /// These frames, after which everything through this position is told.
    Shown { through: u64, frames: Bytes },
    /// All is told. Where the pieces end without this, the log couldn't be read.
    Done,
}

/// Begins to tell what is behind `after` through `until`. It ends when nobody takes the pieces any more; the place is kept
/// until then.
pub fn tell(hub: &Arc<Hub>, interest: Arc<Interest>, after: u64, until: u64, place: Share) -> mpsc::Receiver<Piece> {
    let (pieces, told) = mpsc::channel(WAITING);
    let of_this = Arc::clone(hub);
    hub.background.spawn(async move {
        let _place = place;
        let telling = async {
            if let Err(error) = tell_into(&pieces, &of_this, &interest, after, until).await {
                tracing::warn!(%error, "a live stream can't read the log and ends");
            }
        };
        tokio::select! {
            () = pieces.closed() => {}
            () = telling => {}
        }
    });
    told
}

async fn tell_into(
    pieces: &mpsc::Sender<Piece>,
    hub: &Hub,
    interest: &Interest,
    after: u64,
    until: u64,
) -> Result<(), LogError> {
    let mut events = pin!(hub.past.read(after + 1, interest.subjects()).await?);
    let (mut through, mut frames, mut count) = (after, BytesMut::new(), 0);
    // More of the past is always at hand, so without slices this would keep the thread to itself.
    let mut slice = Slice::begin();
    loop {
        slice.end().await;
        let last = match events.next().await {
            Some(Ok(tailed)) if tailed.recorded.position <= until => {
                let frame = Frame::of(&hub.log, &tailed.recorded).await;
                through = frame.position;
                if let Some(shown) = interest.wants(&frame) {
                    frames.extend_from_slice(shown);
                }
                tailed.pending == 0
            }
            Some(Err(LogError::Malformed { position, .. })) => {
                through = position.min(until);
                position >= until
            }
            // There is no more of the past, or the rest is in the feed.
            None | Some(Ok(_)) => true,
            Some(Err(error)) => return Err(error),
        };
        count += 1;
        if last || frames.len() >= PIECE || count >= EVENTS {
            let frames = frames.split().freeze();
            // Whoever asked may be gone; then nobody needs the rest.
            if pieces.send(Piece::Shown { through, frames }).await.is_err() {
                return Ok(());
            }
            count = 0;
        }
        if last {
            let _ = pieces.send(Piece::Done).await;
            return Ok(());
        }
    }
}
