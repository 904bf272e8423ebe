//! What is told of an outgoing webhook's events.

use steward_language::Language::{self, En, Es, Ru};
use steward_proto::WebhookEvent;

use crate::kernel::{Live, Tell, tell::because};

impl Tell for WebhookEvent<'_> {
    fn summary(self, language: Language) -> String {
        match (self, language) {
            (Self::WebhookCreated(e), En) => format!("A webhook to {} was made", e.url),
            (Self::WebhookCreated(e), Es) => format!("Se creó un webhook a {}", e.url),
            (Self::WebhookCreated(e), Ru) => format!("Создан вебхук на {}", e.url),
            (Self::WebhookDeleted(_), En) => "A webhook was taken away".to_owned(),
            (Self::WebhookDeleted(_), Es) => "Se quitó un webhook".to_owned(),
            (Self::WebhookDeleted(_), Ru) => "Вебхук удалён".to_owned(),
            (Self::WebhookSecretRotated(_), En) => "A webhook got another secret".to_owned(),
            (Self::WebhookSecretRotated(_), Es) => "Un webhook recibió otro secreto".to_owned(),
            (Self::WebhookSecretRotated(_), Ru) => "У вебхука новый секрет".to_owned(),
            (Self::WebhookDisabled(e), En) => {
                format!("The webhook to {} was disabled{}", e.url, because(e.reason.as_ref()))
            }
            (Self::WebhookDisabled(e), Es) => {
                format!("Se desactivó el webhook a {}{}", e.url, because(e.reason.as_ref()))
            }
            (Self::WebhookDisabled(e), Ru) => format!("Вебхук на {} выключен{}", e.url, because(e.reason.as_ref())),
        }
    }

    fn live(self) -> Option<Live> {
        match self {
            Self::WebhookDisabled(_) => Some(Live::SystemNotification),
            Self::WebhookCreated(_) | Self::WebhookDeleted(_) | Self::WebhookSecretRotated(_) => None,
        }
    }
}
