//! What the stand-in may be told to play.

use std::time::Duration;

use axum::response::Response;
use serde_json::{Value, json};

use super::formats::{self, Format};

/// One answer: what it says, and in which manner it comes.
#[derive(Debug, Clone)]
pub struct Play {
    pub says: Says,
    pub manner: Manner,
}

/// What an answer says.
#[derive(Debug, Clone)]
pub enum Says {
    /// All of this.
    Pieces(Vec<Piece>),
    /// This, and then the limit of the answer is reached.
    UpToTheLimit(Vec<Piece>),
    /// The model won't.
    Refusal(&'static str),
    /// The provider keeps the answer back.
    Filtered,
    /// The provider keeps the request back: with Gemini there isn't even a candidate.
    Blocked,
    /// An answer without any content, for the limit went into thoughts.
    Nothing,
    /// No answer.
    Fault(Fault),
}

/// A piece of an answer.
#[derive(Debug, Clone)]
pub enum Piece {
    /// Signed: it must come back unchanged.
    Thought(&'static str),
    Text(String),
    Call {
        name: &'static str,
        arguments: Value,
    },
    /// A call whose arguments are no JSON, or only its beginning.
    Broken {
        name: &'static str,
        arguments: &'static str,
    },
}

impl Piece {
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub fn call(name: &'static str, arguments: Value) -> Self {
        Self::Call { name, arguments }
    }
}

/// In which manner an answer comes.
#[derive(Debug, Clone)]
pub struct Manner {
    pub split: Split,
    pub crlf: bool,
    pub gzip: bool,
    /// With figures on tokens.
    pub usage: bool,
    /// With events, blocks and fields that nobody knows.
    pub unknown: bool,
    /// Signs of life before the second frame, and the time between them.
    pub pings: (usize, Duration),
    pub cut: Option<Cut>,
    /// All at once as JSON, as a server does that doesn't stream.
    pub whole: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            split: Split::Frames,
            crlf: false,
            gzip: false,
            usage: true,
            unknown: false,
            pings: (0, Duration::ZERO),
            cut: None,
            whole: false,
        }
    }
}

/// Where the bytes are parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Between frames.
    Frames,
    /// Nowhere: several frames come in one packet.
    Nowhere,
    /// Within each character of more than one byte.
    WithinCharacters,
    /// Within the blank line that ends a frame.
    WithinBlankLines,
    /// Everywhere.
    Bytes,
}

/// Where an answer ends without being over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The line breaks.
    BeforeFirstByte,
    AfterFirstByte,
    /// The line breaks before the frames that are the end.
    BeforeEnd,
    /// The line breaks before the last of them.
    BeforeLast,
    /// The body ends there, properly.
    Short,
    /// Behind the first frame there is silence for good.
    Silence,
    /// Behind the words, of which the end is missing, likewise.
    SilenceBehindWords,
    /// There isn't even a status.
    SilenceFromTheStart,
    /// Behind the first words comes an error.
    ErrorFrame,
}

/// A refusal.
#[derive(Debug, Clone)]
pub enum Fault {
    /// 429.
    TooMany(Delay),
    /// 429, and it is about money.
    Money,
    /// 529 at Anthropic, 503 elsewhere.
    Overloaded,
    ServerError,
    Auth,
    NotFound,
    TooLong,
    /// A status with the provider's own word on whether to ask again.
    ShouldRetry(u16, bool),
    /// What a gateway says.
    Page(u16),
}

/// How a server says how long it wants to be left alone.
#[derive(Debug, Clone, Copy)]
pub enum Delay {
    None,
    Milliseconds(u64),
    Seconds(f64),
    /// A date so far from now.
    Date(Duration),
    /// `RetryInfo` in the body.
    RetryInfo(f64),
    /// The words of the message.
    Words(&'static str),
}

impl Fault {
    pub(super) fn response(&self, format: Format) -> Response {
        let refusal =
            |status, message: &str, headers: &[(&str, String)]| formats::refusal(format, status, message, headers);
        match self {
            Self::TooMany(delay) => {
                let headers = match delay {
                    Delay::Milliseconds(ms) => vec![("retry-after-ms", ms.to_string())],
                    Delay::Seconds(seconds) => vec![("retry-after", seconds.to_string())],
                    Delay::Date(ahead) => {
                        let date = chrono::Utc::now() + *ahead;
                        vec![("retry-after", date.format("%a, %d %b %Y %H:%M:%S GMT").to_string())]
                    }
                    Delay::None | Delay::RetryInfo(_) | Delay::Words(_) => Vec::new(),
                };
                let mut body = format.error(429, "Too many requests.");
                match delay {
                    Delay::RetryInfo(seconds) => {
                        let info = "type.googleapis.com/google.rpc.RetryInfo";
                        body["error"]["details"] = json!([{ "@type": info, "retryDelay": format!("{seconds}s") }]);
                    }
                    Delay::Words(words) => body["error"]["message"] = json!(format!("Too many. Please {words}.")),
                    _ => {}
                }
                formats::respond(429, &headers, &body)
            }
            Self::Money => formats::respond(429, &[], &format.money()),
            Self::Overloaded => refusal(if format == Format::Anthropic { 529 } else { 503 }, "Overloaded", &[]),
            Self::ServerError => refusal(500, "Internal error", &[]),
            Self::Auth => refusal(401, "invalid key", &[]),
            Self::NotFound => refusal(404, "no such model", &[]),
            Self::TooLong => formats::respond(400, &[], &format.too_long()),
            Self::ShouldRetry(status, again) => refusal(*status, "as told", &[("x-should-retry", again.to_string())]),
            Self::Page(status) => formats::page(*status),
        }
    }
}

impl From<Says> for Play {
    fn from(says: Says) -> Self {
        Self { says, manner: Manner::default() }
    }
}

impl From<Vec<Piece>> for Play {
    fn from(pieces: Vec<Piece>) -> Self {
        Says::Pieces(pieces).into()
    }
}

impl From<Piece> for Play {
    fn from(piece: Piece) -> Self {
        vec![piece].into()
    }
}

impl From<&str> for Play {
    fn from(text: &str) -> Self {
        Piece::text(text).into()
    }
}

impl From<Fault> for Play {
    fn from(fault: Fault) -> Self {
        Says::Fault(fault).into()
    }
}
