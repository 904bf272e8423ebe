//! Reading a request's body up to a limit.

use std::time::Duration;

use axum::{body::Body, http::StatusCode};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;

use crate::Problem;

/// A body must have arrived within this.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is over the limit is still read up to here, so that a client that writes before it reads gets the answer.
const DRAINED: usize = 64 << 20;

/// The whole body, at most `limit` bytes.
///
/// # Errors
/// 413 when it is larger, 408 when it takes longer than 30 s, 400 when the connection breaks.
pub async fn read_body(body: Body, limit: usize) -> Result<Bytes, Problem> {
    tokio::time::timeout(PATIENCE, collect(body, limit)).await.unwrap_or_else(|_| {
        Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow_body",
            format!("the body hadn't arrived after {} s; send it again", PATIENCE.as_secs()),
        ))
    })
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let mut stream = body.into_data_stream();
    let broken = |_| Problem::bad_request("broken_body", "the body broke off before its end; send it again");
    let Some(first) = stream.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(broken)?;
    let mut seen = first.len();
    let mut whole = None::<BytesMut>;
    while let Some(next) = stream.next().await {
        let next = next.map_err(broken)?;
        seen += next.len();
        if seen > DRAINED {
            break;
        }
        if seen <= limit {
            whole.get_or_insert_with(|| BytesMut::from(&first[..])).extend_from_slice(&next);
        }
    }
    if seen > limit {
        return Err(Problem::too_large(
            "too_large",
            format!("the body is larger than {limit} bytes; send less at once"),
        ));
    }
    Ok(whole.map_or(first, BytesMut::freeze))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_whole_or_refused() {
        let pieces =
            |n: usize| Body::from_stream(futures::stream::iter((0..n).map(|_| Ok::<_, std::io::Error>("1234"))));
        assert_eq!(read_body(pieces(3), 12).await.unwrap(), "123412341234");
        assert_eq!(read_body(Body::empty(), 12).await.unwrap(), "");
        assert_eq!(read_body(pieces(4), 12).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
        let broken = Body::from_stream(futures::stream::iter([Ok("1"), Err(std::io::Error::other("gone"))]));
        assert_eq!(read_body(broken, 12).await.unwrap_err().status(), StatusCode::BAD_REQUEST);
    }
}
