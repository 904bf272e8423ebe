//! What is told of a tenant's own events.

use steward_language::Language::{self, En, Es, Ru};
use steward_proto::{TenantEvent, v1};

use crate::brain::Job;
use crate::kernel::{
    Live, Tell,
    tell::{because, who},
};

impl Tell for TenantEvent<'_> {
    fn summary(self, language: Language) -> String {
        match (self, language) {
            (Self::ApiKeyCreated(_), En) => "A key was made".to_owned(),
            (Self::ApiKeyCreated(_), Es) => "Se creó una clave".to_owned(),
            (Self::ApiKeyCreated(_), Ru) => "Создан ключ".to_owned(),
            (Self::ApiKeyRevoked(_), En) => "A key was revoked".to_owned(),
            (Self::ApiKeyRevoked(_), Es) => "Se revocó una clave".to_owned(),
            (Self::ApiKeyRevoked(_), Ru) => "Ключ отозван".to_owned(),
            (Self::SessionBegun(_), En) => "Somebody entered the dashboard".to_owned(),
            (Self::SessionBegun(_), Es) => "Alguien entró en el panel".to_owned(),
            (Self::SessionBegun(_), Ru) => "Кто-то вошёл в панель".to_owned(),
            (Self::SessionEnded(_), En) => "A session on the dashboard was ended".to_owned(),
            (Self::SessionEnded(_), Es) => "Se terminó una sesión del panel".to_owned(),
            (Self::SessionEnded(_), Ru) => "Сеанс в панели завершён".to_owned(),
            (Self::BreakerTripped(e), En) => {
                format!("What goes out by itself has stopped until a person looks{}", because(e.reason.as_ref()))
            }
            (Self::BreakerTripped(e), Es) => {
                format!("Lo que sale por sí solo se detuvo hasta que alguien mire{}", because(e.reason.as_ref()))
            }
            (Self::BreakerTripped(e), Ru) => {
                format!("Самостоятельная отправка остановлена, пока не посмотрит человек{}", because(e.reason.as_ref()))
            }
            (Self::BreakerReset(e), En) => format!("{} let sending by itself go on", who(&e.by, "Somebody")),
            (Self::BreakerReset(e), Es) => format!("{} dejó seguir el envío automático", who(&e.by, "Alguien")),
            (Self::BreakerReset(e), Ru) => format!("Самостоятельная отправка продолжена ({})", who(&e.by, "кто-то")),
            (Self::BrainChosen(e), language) => chosen(e, language),
            (Self::BudgetNearlySpent(e), En) => {
                format!("Models have cost {} of {} today", usd(e.micro_usd), usd(e.per_day))
            }
            (Self::BudgetNearlySpent(e), Es) => {
                format!("Los modelos han costado {} de {} hoy", usd(e.micro_usd), usd(e.per_day))
            }
            (Self::BudgetNearlySpent(e), Ru) => {
                format!("Модели стоили сегодня {} из {}", usd(e.micro_usd), usd(e.per_day))
            }
            (Self::BudgetExhausted(e), En) => {
                format!("The day's {} for models are spent: no model is asked until tomorrow (UTC)", usd(e.per_day))
            }
            (Self::BudgetExhausted(e), Es) => {
                format!(
                    "Se gastaron los {} del día para modelos: no se pregunta a ninguno hasta mañana (UTC)",
                    usd(e.per_day)
                )
            }
            (Self::BudgetExhausted(e), Ru) => {
                format!("Дневные {} на модели потрачены: до завтра (UTC) модели не спрашиваются", usd(e.per_day))
            }
        }
    }

    fn live(self) -> Option<Live> {
        match self {
            Self::BreakerTripped(_) | Self::BreakerReset(_) => Some(Live::SystemNotification),
            Self::BrainChosen(_) | Self::BudgetNearlySpent(_) | Self::BudgetExhausted(_) => {
                Some(Live::SystemNotification)
            }
            Self::ApiKeyCreated(_) | Self::ApiKeyRevoked(_) | Self::SessionBegun(_) | Self::SessionEnded(_) => None,
        }
    }
}

/// Which brain somebody chose, for a tenant or for a conversation.
pub(crate) fn chosen(e: &v1::BrainChosen, language: Language) -> String {
    let which = match (e.provider.as_str(), e.model.as_str(), language) {
        ("", _, En) => "the usual brain".to_owned(),
        ("", _, Es) => "el cerebro habitual".to_owned(),
        ("", _, Ru) => "обычный мозг".to_owned(),
        (provider, "", _) => provider.to_owned(),
        (provider, model, _) => format!("{provider} ({model})"),
    };
    let job = Some(e.job.as_str()).filter(|job| !job.is_empty() && *job != Job::Chat.name());
    match (language, job) {
        (En, None) => format!("{} chose {which} to answer", who(&e.by, "Somebody")),
        (Es, None) => format!("{} eligió {which} para responder", who(&e.by, "Alguien")),
        (Ru, None) => format!("Теперь отвечает {which} ({})", who(&e.by, "кто-то")),
        (En, Some(job)) => format!("{} chose {which} for the job {job}", who(&e.by, "Somebody")),
        (Es, Some(job)) => format!("{} eligió {which} para la tarea {job}", who(&e.by, "Alguien")),
        (Ru, Some(job)) => format!("Теперь работу {job} делает {which} ({})", who(&e.by, "кто-то")),
    }
}

/// Micro-USD as people write money.
fn usd(micro: u64) -> String {
    format!("{}.{:02} USD", micro / 1_000_000, micro % 1_000_000 / 10_000)
}
