//! `Debug` of the messages that hold a secret: without it.

use std::fmt;

use crate::v1::{WebhookCreated, WebhookSecretRotated};

impl fmt::Debug for WebhookCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookCreated")
            .field("webhook_id", &self.webhook_id)
            .field("types", &self.types)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WebhookSecretRotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSecretRotated").field("webhook_id", &self.webhook_id).finish_non_exhaustive()
    }
}
