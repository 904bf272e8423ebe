//! The Bot API's answer, of which no more is read than one can be long.

use reqwest::Response;

/// A hundred updates are a megabyte or two.
const LONGEST: usize = 16 << 20;

/// All of it; an answer that is longer counts as broken off. The request's time-out holds for this, too.
pub async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut read = Vec::new();
    loop {
        // The URL holds the token: it must not reach an error's text.
        match response.chunk().await.map_err(|error| error.without_url().to_string())? {
            Some(chunk) if read.len() + chunk.len() > LONGEST => {
                return Err(format!("the answer is longer than {} MB", LONGEST >> 20));
            }
            Some(chunk) => read.extend_from_slice(&chunk),
            None => return Ok(read),
        }
    }
}

/// The first `most` bytes of it at most, for an answer that is short or isn't the Bot API's.
pub async fn beginning(mut response: Response, most: usize) -> Result<Vec<u8>, String> {
    let mut read = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
        read.extend_from_slice(&chunk[..chunk.len().min(most - read.len())]);
        if read.len() == most {
            break;
        }
    }
    Ok(read)
}
