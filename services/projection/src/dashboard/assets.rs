//! Scripts, styles and pictures: inside the binary in release, read from disk in debug.

use std::sync::OnceLock;

use axum::{
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};
use steward_http::{Problem, unknown_path};

#[derive(RustEmbed)]
#[folder = "dashboard/assets"]
struct Assets;

/// One hash over all assets, which stands in their URLs: under it they never change, and modules find each other by relative
/// paths.
pub fn hash() -> String {
    static HASH: OnceLock<String> = OnceLock::new();
    // On disk they may change while we run.
    if cfg!(debug_assertions) { hashed() } else { HASH.get_or_init(hashed).clone() }
}

fn hashed() -> String {
    let mut names: Vec<_> = Assets::iter().collect();
    names.sort_unstable();
    let mut all = Sha256::new();
    for name in names {
        let file = Assets::get(&name).map(|file| file.data).unwrap_or_default();
        all = all.chain_update(name.as_bytes()).chain_update([0]).chain_update(&file);
    }
    hex::encode(&all.finalize()[..8])
}

/// One asset. It is served under any hash, so that a page from before an upgrade still looks like something.
pub async fn one(Path((given, path)): Path<(String, String)>, uri: axum::http::Uri) -> Result<Response, Problem> {
    let Some(file) = Assets::get(&path) else { return Err(unknown_path(uri).await) };
    let kind = match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let lasting = if given == hash() { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(lasting)),
    ];
    Ok((headers, file.data.into_owned()).into_response())
}
