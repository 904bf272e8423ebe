//! The public HTTP interface of a running Steward, as commands use it.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;

use super::Global;
use crate::{front, run_file::RunFile, servers::DataDir};

/// Longest wait for the answer to a request.
const LIMIT: Duration = Duration::from_secs(15);

/// Where Steward is asked, and with which key.
#[derive(Debug, Args)]
pub(super) struct Server {
    /// The URL of Steward; by default what run.json in --data-dir says, else server.listen
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// An API key; needed where auth.mode is keys
    #[arg(long, env = "STEWARD_KEY", hide_env_values = true)]
    key: Option<String>,
}

impl Server {
    pub fn api(&self, global: &Global) -> anyhow::Result<Api> {
        let running = || DataDir::existing(&global.data_dir).and_then(|data| RunFile::read(&data)?.http);
        let base = match self.url.clone().or_else(running) {
            Some(base) => base,
            None => front::local_url(global.settings()?.server.listen),
        };
        Ok(Api { client: Client::new(), base: base.trim_end_matches('/').to_owned(), key: self.key.clone() })
    }
}

pub(super) struct Api {
    client: Client,
    base: String,
    key: Option<String>,
}

impl Api {
    /// `path` begins with a slash.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.authorised(self.client.get(format!("{}{path}", self.base)))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.authorised(self.client.post(format!("{}{path}", self.base)))
    }

    fn authorised(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// Sends a request. A refusal becomes an error in the server's own words.
    pub async fn call(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let sent = request.timeout(LIMIT).send().await;
        let answer =
            sent.with_context(|| format!("Steward doesn't answer at {}: does `steward up` run?", self.base))?;
        let (status, body) = (answer.status(), answer.json::<Value>().await.unwrap_or_default());
        if status.is_success() {
            return Ok(body);
        }
        let hint = if status == StatusCode::UNAUTHORIZED { " (see --key)" } else { "" };
        anyhow::bail!("{}{hint}", body["detail"].as_str().unwrap_or(status.as_str()))
    }
}
