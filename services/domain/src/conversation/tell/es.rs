//! What is told of a conversation's events in Spanish.

use chrono::{DateTime, Utc};
use steward_proto::{ConversationEvent as E, from_timestamp, v1};

use crate::kernel::tell::{self, because};
use crate::tenant::chosen;

pub fn summary(event: E<'_>) -> String {
    match event {
        E::ClientResponded(e) => {
            let name = e.from.as_ref().map(|p| p.name.as_str()).filter(|n| !n.is_empty()).unwrap_or("El cliente");
            match e.kind.as_str() {
                "" | "text" => format!("{name} escribió {}", quoted(&e.text)),
                kind if e.text.is_empty() => format!("{name} envió {kind}"),
                kind => format!("{name} envió {kind}: {}", quoted(&e.text)),
            }
        }
        E::HumanResponded(e) => format!("Uno de los nuestros escribió {} fuera de Steward", quoted(&e.text)),
        E::UpdateKept(e) => format!("El canal informó de {}; se guardó", e.kind),
        E::RequestEdited(e) => format!("El cliente cambió lo que había pedido: {}", quoted(&e.text)),
        E::HumanRequested(e) => format!("El cliente pidió hablar con una persona: {}", quoted(&e.text)),
        E::ContactOptedOut(e) => format!("El cliente pidió no recibir nada más: {}", quoted(&e.text)),
        E::ContactOptedIn(_) => "El cliente volvió a pedir algo: lo prometido se envía".to_owned(),
        E::QuestionAsked(e) if e.intention == "remind" => {
            format!("El bot preguntó cuándo recordarlo: {}", quoted(&e.topic))
        }
        E::QuestionAsked(e) => format!("El bot preguntó cuándo escribir: {}", quoted(&e.topic)),
        E::HumanTakeoverStarted(e) => match e.note.as_str() {
            "" => format!("{} tomó la conversación (por {})", somebody(&e.by), e.via),
            note => format!("{} tomó la conversación (por {}): {}", somebody(&e.by), e.via, quoted(note)),
        },
        E::HumanTakeoverEnded(e) if e.via == "silence" => {
            format!(
                "El bot vuelve a tener la conversación: la persona guardó silencio{}",
                cancelled(&e.cancelled_follow_up_ids)
            )
        }
        E::HumanTakeoverEnded(e) if e.via == "resolve" => {
            format!(
                "{} resolvió el asunto: el bot vuelve a tener la conversación{}",
                somebody(&e.by),
                cancelled(&e.cancelled_follow_up_ids)
            )
        }
        E::HumanTakeoverEnded(e) => {
            format!("{} devolvió la conversación{}", somebody(&e.by), cancelled(&e.cancelled_follow_up_ids))
        }
        E::RecipientBlocked(_) => "Ya no se puede llegar al destinatario: nada se envía por sí solo".to_owned(),
        E::RecipientUnblocked(_) => "Se puede llegar de nuevo al destinatario".to_owned(),
        E::TurnStarted(e) if e.renewed => "El bot sigue trabajando".to_owned(),
        E::TurnStarted(e) if e.follow_up_id.is_empty() => "El bot empezó a preparar una respuesta".to_owned(),
        E::TurnStarted(_) => "El bot empezó a llevar a cabo un seguimiento".to_owned(),
        E::TurnCompleted(e) if e.error.is_empty() => format!("El turno del bot terminó: {}", e.outcome),
        E::TurnCompleted(e) => format!("El turno del bot terminó: {} ({})", e.outcome, e.error),
        E::TurnSuperseded(e) => format!("El turno del bot se abandonó{}", because(e.reason.as_ref())),
        E::DraftSuppressed(e) => {
            format!("El bot habría dicho {}, pero no lo dijo{}", quoted(&e.text), because(e.reason.as_ref()))
        }
        E::FollowUpScheduled(e) => scheduled(e),
        E::FollowUpMoved(e) => {
            let to = when(from_timestamp(e.due_at.as_ref()), &e.timezone);
            format!("Un seguimiento se movió a {to}{}", beyond_window(e.needs_template))
        }
        E::FollowUpTextChanged(e) => format!("Un seguimiento dice ahora {}", quoted(&e.text)),
        E::FollowUpDue(e) if e.message.is_some() => "Llegó la hora de un seguimiento: está en camino".to_owned(),
        E::FollowUpDue(_) => "Llegó la hora de un seguimiento: se está llevando a cabo".to_owned(),
        E::FollowUpCancelled(e) => format!("Se canceló un seguimiento{}", because(e.reason.as_ref())),
        E::FollowUpExpired(e) => format!("Caducó un seguimiento{}", because(e.reason.as_ref())),
        E::FollowUpDone(_) => "Se llevó a cabo un seguimiento".to_owned(),
        E::FollowUpFailed(e) => format!("Falló un seguimiento{}", because(e.reason.as_ref())),
        E::MessageQueued(e) => match &e.message {
            Some(m) if m.author == "human" => format!("Uno de los nuestros escribió {}", quoted(&m.text)),
            Some(m) => match from_timestamp(m.due_at.as_ref()) {
                Some(due_at) => format!("El bot dirá {} a esta hora: {}", quoted(&m.text), when(Some(due_at), "")),
                None => format!("El bot dice {}", quoted(&m.text)),
            },
            None => "Se puso un mensaje en la cola".to_owned(),
        },
        E::MessageDue(_) => "Llegó la hora de un mensaje en espera".to_owned(),
        E::MessageMoved(e) => {
            format!("Un mensaje en espera se movió a {}", when(from_timestamp(e.due_at.as_ref()), ""))
        }
        E::MessageCancelled(e) => format!("Se canceló un mensaje{}", because(e.reason.as_ref())),
        E::MessageExpired(e) => format!("Caducó un mensaje{}", because(e.reason.as_ref())),
        E::MessageRetried(e) => format!("{} pidió enviar de nuevo un mensaje", somebody(&e.by)),
        E::SendDeferred(e) => {
            format!(
                "Un envío se aplazó hasta {}{}",
                when(from_timestamp(e.until.as_ref()), ""),
                because(e.reason.as_ref())
            )
        }
        E::DispatchStarted(e) if e.template.is_empty() => {
            format!("Empezó el envío de {} (intento {})", part(e.part, e.parts), e.attempt)
        }
        E::DispatchStarted(e) => {
            format!("Empezó el envío del mensaje con la plantilla {} (intento {})", e.template, e.attempt)
        }
        E::DispatchSucceeded(e) => format!("El canal aceptó {}", part(e.part, e.parts)),
        E::DispatchFailed(e) => format!("El envío falló{}", because(e.reason.as_ref())),
        E::DispatchDeferred(e) => {
            format!(
                "El envío se intentará de nuevo después de {}{}",
                when(from_timestamp(e.until.as_ref()), ""),
                because(e.reason.as_ref())
            )
        }
        E::DispatchUnknown(e) => {
            format!("No se sabe si el destinatario tiene el mensaje{}", because(e.reason.as_ref()))
        }
        E::DeliveryReported(e) => match e.status.as_str() {
            "failed" => format!("El canal no pudo entregar el mensaje{}", because(e.reason.as_ref())),
            status => format!("El canal dice: {status}"),
        },
        E::MessageHeld(e) => format!("Un mensaje está retenido{}", because(e.reason.as_ref())),
        E::MessageReleased(e) => format!("{} dejó seguir lo que retuvo el disyuntor", somebody(&e.by)),
        E::MessageApproved(e) => format!("{} dejó salir un mensaje retenido", somebody(&e.by)),
        E::MessageEdited(e) => format!("{} cambió un mensaje en espera a {}", somebody(&e.by), quoted(&e.text)),
        E::MeetingBooked(e) => meeting("Se concertó una reunión", e.meeting.as_ref()),
        E::MeetingMoved(e) => meeting("Se movió una reunión", e.meeting.as_ref()),
        E::MeetingCancelled(e) => format!("Se canceló una reunión{}", because(e.reason.as_ref())),
        E::IntentLeft(_) => "El bot dejó para después lo que iba a decir".to_owned(),
        E::IntentResolved(e) => {
            let what = match e.decision.as_str() {
                "mentioned" => "El bot mencionó lo que iba a decir",
                "rescheduled" => "Lo que el bot iba a decir se prometió para más tarde",
                "lapsed" => "Lo que el bot iba a decir caducó",
                _ => "El bot renunció a lo que iba a decir",
            };
            format!("{what}: {}", quoted(&e.text))
        }
        E::TalkSummarised(e) => format!("Se resumió lo dicho antes: {}", quoted(&e.text)),
        E::BrainChosen(e) => chosen(e, steward_language::Language::Es),
        E::AddressBound(e) => format!("La dirección es {} a partir de ahora", e.external_id),
    }
}

fn scheduled(e: &v1::FollowUpScheduled) -> String {
    let what = if e.text.is_empty() { String::new() } else { format!(": {}", quoted(&e.text)) };
    let from = if e.phrase.is_empty() { String::new() } else { format!(", como pidió con {}", quoted(&e.phrase)) };
    let verb = if e.renews.is_empty() { "Se prometió un seguimiento" } else { "Se renovó un seguimiento cancelado" };
    let at = when(from_timestamp(e.due_at.as_ref()), &e.timezone);
    format!("{verb} para {at}{from}{what}{}", beyond_window(e.needs_template))
}

/// The channel takes free text only for a while after the client's last word.
fn beyond_window(needs_template: bool) -> &'static str {
    if needs_template {
        "; para entonces la ventana del canal estará cerrada: hará falta una plantilla, salvo que el cliente escriba antes"
    } else {
        ""
    }
}

fn meeting(what: &str, meeting: Option<&v1::Meeting>) -> String {
    let Some(m) = meeting else { return what.to_owned() };
    if m.days > 0 {
        return format!("{what}: {} el {}", quoted(&m.title), m.day);
    }
    format!("{what}: {}, {}", quoted(&m.title), when(from_timestamp(m.starts_at.as_ref()), &m.timezone))
}

fn part(part: u32, parts: u32) -> String {
    if parts > 1 { format!("la parte {} de {parts}", part.saturating_add(1)) } else { "el mensaje".to_owned() }
}

fn cancelled(ids: &[String]) -> String {
    match ids.len() {
        0 => String::new(),
        1 => "; entretanto se canceló un seguimiento".to_owned(),
        n => format!("; entretanto se cancelaron {n} seguimientos"),
    }
}

fn somebody(by: &str) -> &str {
    tell::who(by, "Alguien")
}

fn quoted(text: &str) -> String {
    tell::quoted(text, ['«', '»'])
}

fn when(at: Option<DateTime<Utc>>, zone: &str) -> String {
    at.map_or_else(|| "una hora no indicada".to_owned(), |at| tell::when(at, zone))
}
