//! Posting to the system under test as Meta does: with signed notifications.

use anyhow::{Context, ensure};
use reqwest::StatusCode;
use serde_json::Value;

use super::notifications::signature;
use crate::Api;

impl Api {
    /// Posts bytes to `wa-main` with this signature; returns the status and the body.
    pub async fn whatsapp_bytes(&self, body: Vec<u8>, signature: &str) -> anyhow::Result<(StatusCode, String)> {
        let request = self
            .client
            .post(format!("{}/webhooks/whatsapp/wa-main", self.write))
            .header("X-Hub-Signature-256", signature)
            .header("Content-Type", "application/json");
        let response = request.body(body).send().await?;
        Ok((response.status(), response.text().await?))
    }

    /// Posts a notification to `wa-main`, which must be acknowledged.
    pub async fn whatsapp(&self, notification: &Value) -> anyhow::Result<()> {
        let body = notification.to_string().into_bytes();
        let signature = signature(&body);
        let (status, answer) = self.whatsapp_bytes(body, &signature).await?;
        ensure!(status == StatusCode::OK, "the webhook answered {status} {answer}");
        Ok(())
    }

    /// The conversation at this address of `wa-main`; waits until there is one.
    pub async fn whatsapp_conversation(&self, address: &str) -> anyhow::Result<Value> {
        let path = format!("/api/v1/conversations?channel_id=wa-main&external_id={address}");
        let look = || async { Ok(self.items(&path).await?.into_iter().next()) };
        let found = self.until(std::time::Duration::from_secs(120), look).await;
        found.with_context(|| format!("no conversation at {address}"))
    }
}
