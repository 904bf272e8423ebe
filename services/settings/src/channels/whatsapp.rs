//! The keys of a number of the WhatsApp Cloud API.

use serde::{Deserialize, Serialize};
use steward_domain::settings::Template;

use super::{Kind, RateLimit};
use crate::{Secret, written};

/// A number of the WhatsApp Cloud API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct WhatsApp {
    #[serde(deserialize_with = "written::text")]
    pub phone_number_id: String,
    pub access_token: Secret,
    /// Signs the notifications.
    pub app_secret: Secret,
    /// Proves to Meta that the webhook is ours, in the handshake.
    pub verify_token: Secret,
    /// The base URL of the Graph API, without a version or a trailing slash.
    #[serde(default = "api_base", deserialize_with = "written::web_url")]
    pub api_base: String,
    /// Templates that go out when the service window is closed.
    #[serde(default)]
    pub templates: Vec<Template>,
}

fn api_base() -> String {
    "https://graph.facebook.com".to_owned()
}

impl Kind for WhatsApp {
    /// The Cloud API's documented throughput of a new number, and the burst that it bears towards one person.
    const RATE: RateLimit = RateLimit { per_second: 80, burst: 80, per_chat_per_second: 1, per_chat_burst: 45 };
}
