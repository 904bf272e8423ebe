//! Reading a provider's answer, up to the length that one can have.

use reqwest::Response;

use super::broken::plain;

/// Most bytes of an answer. Those of the providers' APIs have a few hundred, those that quote a message a few thousand.
const LONGEST: usize = 256 << 10;

/// Why an answer can't be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    #[error("the answer broke off: {0}")]
    BrokeOff(String),
    #[error("the answer is longer than {} kB", LONGEST >> 10)]
    TooLong,
}

/// Reads the whole answer. The client's time-out holds for this, too.
pub async fn read(mut response: Response) -> Result<Vec<u8>, Unread> {
    let mut read = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if read.len() + chunk.len() > LONGEST => return Err(Unread::TooLong),
            Ok(Some(chunk)) => read.extend_from_slice(&chunk),
            Ok(None) => return Ok(read),
            Err(error) => return Err(Unread::BrokeOff(plain(&error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        time::timeout,
    };

    use super::*;

    /// How much is read of an answer that never ends.
    #[tokio::test]
    async fn an_answer_without_an_end_is_not_read_to_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut line, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = line.read(&mut request).await.unwrap();
            line.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n").await.unwrap();
            let (mut written, page) = (0, [b' '; 16 << 10]);
            while line.write_all(&page).await.is_ok() {
                written += page.len();
            }
            written
        });
        let client = steward_http::client_builder().no_proxy().build().unwrap();
        let response = client.post(url).send().await.unwrap();
        let read = timeout(Duration::from_secs(10), read(response)).await.unwrap();
        assert!(matches!(read, Err(Unread::TooLong)), "{read:?}");
        drop(client);
        // The server has written what was read, and what the buffers on both sides hold.
        let written = timeout(Duration::from_secs(10), server).await.unwrap().unwrap();
        assert!(written < 64 << 20, "{written} bytes were taken");
    }
}
