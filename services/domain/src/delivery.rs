//! The aggregate `delivery`: what became of an outgoing webhook's deliveries. It is only added to and never folded, so all
//! there is of it is what is told.

use steward_language::Language::{self, En, Es, Ru};
use steward_proto::DeliveryEvent;

use crate::kernel::{
    Live, Tell,
    tell::{because, who},
};

impl Tell for DeliveryEvent<'_> {
    fn summary(self, language: Language) -> String {
        match (self, language) {
            (Self::WebhookDelivered(_), En) => "A webhook was told of an event".to_owned(),
            (Self::WebhookDelivered(_), Es) => "Se avisó a un webhook de un evento".to_owned(),
            (Self::WebhookDelivered(_), Ru) => "Вебхуку сообщено о событии".to_owned(),
            (Self::WebhookAttemptFailed(e), En) => {
                format!("Telling a webhook failed for now{}", because(e.reason.as_ref()))
            }
            (Self::WebhookAttemptFailed(e), Es) => {
                format!("El aviso a un webhook falló por ahora{}", because(e.reason.as_ref()))
            }
            (Self::WebhookAttemptFailed(e), Ru) => {
                format!("Сообщить вебхуку пока не удалось{}", because(e.reason.as_ref()))
            }
            (Self::WebhookDeliveryFailed(e), En) => format!("Telling a webhook failed{}", because(e.reason.as_ref())),
            (Self::WebhookDeliveryFailed(e), Es) => {
                format!("El aviso a un webhook falló{}", because(e.reason.as_ref()))
            }
            (Self::WebhookDeliveryFailed(e), Ru) => {
                format!("Сообщить вебхуку не удалось{}", because(e.reason.as_ref()))
            }
            (Self::WebhookDeliveryRetried(e), En) => {
                format!("{} asked to tell a webhook again", who(&e.by, "Somebody"))
            }
            (Self::WebhookDeliveryRetried(e), Es) => {
                format!("{} pidió avisar de nuevo a un webhook", who(&e.by, "Alguien"))
            }
            (Self::WebhookDeliveryRetried(e), Ru) => {
                format!("Просьба снова сообщить вебхуку ({})", who(&e.by, "кто-то"))
            }
        }
    }

    fn live(self) -> Option<Live> {
        match self {
            Self::WebhookDelivered(_)
            | Self::WebhookAttemptFailed(_)
            | Self::WebhookDeliveryFailed(_)
            | Self::WebhookDeliveryRetried(_) => Some(Live::TaskUpdate),
        }
    }
}
