//! Reading a request's body up to a limit.

use std::{convert::Infallible, error::Error as _, time::Duration};

use axum::{
    body::{Body, BodyDataStream, HttpBody as _},
    http::StatusCode,
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use tokio::time::timeout;

use crate::{Problem, budget::OverBudget};

/// The whole body must have arrived within this time.
const PATIENCE: Duration = Duration::from_secs(30);

/// The next piece of the body must have arrived within this time.
const STALLED: Duration = Duration::from_secs(10);

/// A client that writes all before it reads only gets the answer if somebody takes in what it writes. So of a refused
/// body this many bytes are taken in, for this long, and none of them kept.
const DRAINED: usize = 32 << 20;
const DRAINED_WITHIN: Duration = Duration::from_secs(5);

/// Reads the whole body, `limit` bytes at most.
///
/// # Errors
/// 413 when it is larger, 408 when it takes longer than 30 s or nothing comes for 10 s, 503 when there is no room for it,
/// 400 when the connection breaks.
pub async fn read_body(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let declared = body.size_hint().lower();
    let mut stream = body.into_data_stream();
    let too_large =
        || Problem::too_large("too_large", format!("the body is larger than {limit} bytes; send less at once"));
    let refused = if declared > limit as u64 {
        too_large()
    } else {
        match timeout(PATIENCE, collect(&mut stream, limit)).await {
            Ok(Ok(Some(body))) => return Ok(body),
            Ok(Ok(None)) => too_large(),
            Ok(Err(problem)) if problem.status() != StatusCode::SERVICE_UNAVAILABLE => return Err(problem),
            Ok(Err(no_room)) => no_room,
            Err(_) => return Err(slow(PATIENCE)),
        }
    };
    if declared <= DRAINED as u64 {
        let _ = timeout(DRAINED_WITHIN, drain(stream)).await;
    }
    Err(refused)
}

/// Reads the whole body; `None` if it is larger than the limit.
async fn collect(stream: &mut BodyDataStream, limit: usize) -> Result<Option<Bytes>, Problem> {
    let Some(first) = next(stream).await? else { return Ok(Some(Bytes::new())) };
    let mut seen = first.len();
    let mut whole = None::<BytesMut>;
    while seen <= limit {
        let Some(next) = next(stream).await? else {
            return Ok(Some(whole.map_or(first, BytesMut::freeze)));
        };
        seen += next.len();
        if seen <= limit {
            whole.get_or_insert_with(|| BytesMut::from(&first[..])).extend_from_slice(&next);
        }
    }
    Ok(None)
}

async fn next(stream: &mut BodyDataStream) -> Result<Option<Bytes>, Problem> {
    match timeout(STALLED, stream.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(bytes))) => Ok(Some(bytes)),
        Ok(Some(Err(error))) if is_over_budget(&error) => Err(Problem::unavailable(
            "busy",
            "too much is being sent at the moment, and there is no room for this body; send it again in a second",
        )),
        Ok(Some(Err(_))) => {
            Err(Problem::bad_request("broken_body", "the body broke off before its end; send it again"))
        }
        Err(_) => Err(slow(STALLED)),
    }
}

fn is_over_budget(error: &axum::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<OverBudget>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn slow(after: Duration) -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "slow_body",
        format!("the body hadn't arrived after {} s; send it again", after.as_secs()),
    )
}

/// Reads on without keeping anything, so it doesn't matter that there is no room.
async fn drain(mut stream: BodyDataStream) -> Result<(), Infallible> {
    let mut seen = 0;
    while let Some(next) = stream.next().await {
        seen += match next {
            Ok(bytes) => bytes.len(),
            Err(error) if is_over_budget(&error) => 0,
            Err(_) => break,
        };
        if seen > DRAINED {
            break;
        }
    }
    Ok(())
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

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_or_drips_is_given_up() {
        let stalled = futures::stream::iter([Ok::<_, std::io::Error>("1")]).chain(futures::stream::pending());
        let began = tokio::time::Instant::now();
        let problem = read_body(Body::from_stream(stalled), 12).await.unwrap_err();
        assert_eq!((problem.status(), began.elapsed()), (StatusCode::REQUEST_TIMEOUT, STALLED));
        let dripping = futures::stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Some((Ok::<_, std::io::Error>("1"), ()))
        });
        let began = tokio::time::Instant::now();
        let problem = read_body(Body::from_stream(dripping), 1000).await.unwrap_err();
        assert_eq!((problem.status(), began.elapsed()), (StatusCode::REQUEST_TIMEOUT, PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_is_drained_only_so_far() {
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![0; 1 << 20])));
        let taken = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counter = std::sync::Arc::clone(&taken);
        let endless = endless.inspect(move |_| {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        let problem = read_body(Body::from_stream(endless), 1 << 20).await.unwrap_err();
        assert_eq!(problem.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert!(taken.load(std::sync::atomic::Ordering::Relaxed) <= 36);
    }
}
