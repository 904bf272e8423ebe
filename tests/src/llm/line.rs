//! How an answer goes over the line: parted, packed, held up, broken.

use std::{io, time::Duration};

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures::{Stream, stream};
use tokio::sync::watch;

use super::play::{Cut, Manner, Split};

/// An answer that isn't on its way yet.
pub struct Frames {
    /// Each with the blank line at its end.
    pub frames: Vec<String>,
    /// How many of them, at the end, say that the answer is over.
    pub end: usize,
    /// What a ping looks like.
    pub ping: String,
    /// An error in the midst of the answer.
    pub error: String,
    /// The same all at once.
    pub whole: String,
    /// The header in which the request's id goes back.
    pub id_header: &'static str,
}

/// What goes over the line.
enum Item {
    Bytes(Vec<u8>),
    Pause(Duration),
    Break,
    Silence,
}

/// Counts an answer as long as somebody listens to it.
struct Listening(watch::Sender<usize>);

impl Listening {
    fn to(open: watch::Sender<usize>) -> Self {
        open.send_modify(|n| *n += 1);
        Self(open)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

pub fn stream(frames: Frames, manner: &Manner, open: watch::Sender<usize>) -> Response {
    if manner.whole {
        return ([(header::CONTENT_TYPE, "application/json")], frames.whole).into_response();
    }
    let id_header = frames.id_header;
    let items = packed(items(frames, manner), manner.gzip);
    let body = Body::from_stream(sent(items, Listening::to(open)));
    let mut response =
        ([(header::CONTENT_TYPE, "text/event-stream; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], body)
            .into_response();
    let headers = response.headers_mut();
    headers.insert(id_header, header::HeaderValue::from_static("req_stand_in"));
    if manner.gzip {
        headers.insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
    }
    response
}

fn items(frames: Frames, manner: &Manner) -> Vec<Item> {
    let Frames { frames: mut all, end, ping, error, .. } = frames;
    let unfinished = all.len().saturating_sub(end).max(1);
    let ends = |text: String| if manner.crlf { text.replace('\n', "\r\n") } else { text };
    match manner.cut {
        Some(Cut::BeforeLast) => drop(all.pop()),
        Some(Cut::BeforeEnd | Cut::Short | Cut::SilenceBehindWords) => all.truncate(unfinished),
        Some(Cut::AfterFirstByte | Cut::Silence | Cut::BeforeFirstByte) => all.truncate(1),
        Some(Cut::ErrorFrame) => {
            all.truncate(unfinished);
            all.push(error);
        }
        Some(Cut::SilenceFromTheStart) | None => {}
    }
    let mut items = Vec::new();
    if manner.split == Split::Nowhere {
        items.push(Item::Bytes(ends(all.concat()).into_bytes()));
    } else {
        for (i, frame) in all.into_iter().enumerate() {
            let (pings, between) = if i == 1 { manner.pings } else { (0, Duration::ZERO) };
            for _ in 0..pings {
                items.extend([Item::Pause(between), Item::Bytes(ends(ping.clone()).into_bytes())]);
            }
            items.extend(parted(ends(frame).into_bytes(), manner.split));
        }
    }
    if manner.cut == Some(Cut::AfterFirstByte) {
        items.truncate(1);
        if let Some(Item::Bytes(bytes)) = items.first_mut() {
            bytes.truncate(1);
        }
    }
    match manner.cut {
        Some(Cut::BeforeFirstByte | Cut::AfterFirstByte | Cut::BeforeEnd | Cut::BeforeLast) => items.push(Item::Break),
        Some(Cut::Silence | Cut::SilenceBehindWords) => items.push(Item::Silence),
        Some(Cut::Short | Cut::ErrorFrame | Cut::SilenceFromTheStart) | None => {}
    }
    items
}

/// The pieces of a text of one or more frames.
fn parted(bytes: Vec<u8>, split: Split) -> Vec<Item> {
    let mut pieces = vec![Vec::new()];
    for byte in bytes {
        pieces.last_mut().expect("there is one").push(byte);
        let cut = match split {
            Split::Frames | Split::Nowhere => false,
            Split::Bytes => true,
            // The first byte of a character that has more.
            Split::WithinCharacters => byte >= 0xc0,
            Split::WithinBlankLines => byte == b'\n' || byte == b'\r',
        };
        if cut {
            pieces.push(Vec::new());
        }
    }
    pieces.into_iter().filter(|piece| !piece.is_empty()).map(Item::Bytes).collect()
}

/// Has each item sent by itself.
fn sent(items: Vec<Item>, listening: Listening) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold((items.into_iter(), listening), |(mut items, listening)| async move {
        loop {
            // Whoever sends the stream has sent what it has so far.
            tokio::task::yield_now().await;
            let sent = match items.next()? {
                Item::Bytes(bytes) => Ok(bytes.into()),
                Item::Pause(time) => {
                    tokio::time::sleep(time).await;
                    continue;
                }
                Item::Break => Err(io::ErrorKind::ConnectionReset.into()),
                Item::Silence => std::future::pending().await,
            };
            return Some((sent, (items, listening)));
        }
    })
}

/// Packs what is sent, so that each item can be unpacked by itself.
fn packed(items: Vec<Item>, gzip: bool) -> Vec<Item> {
    use std::io::Write as _;
    if !gzip {
        return items;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut packed = Vec::new();
    for item in items {
        match item {
            Item::Bytes(bytes) => {
                encoder.write_all(&bytes).and_then(|()| encoder.flush()).expect("a vector takes all");
                packed.push(Item::Bytes(std::mem::take(encoder.get_mut())));
            }
            other => packed.push(other),
        }
    }
    packed.push(Item::Bytes(encoder.finish().expect("a vector takes all")));
    packed
}
