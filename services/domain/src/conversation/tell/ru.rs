//! What is told of a conversation's events in Russian.

use chrono::{DateTime, Utc};
use steward_proto::{ConversationEvent as E, from_timestamp, v1};

use crate::kernel::tell::{self, because};
use crate::tenant::chosen;

pub fn summary(event: E<'_>) -> String {
    match event {
        E::ClientResponded(e) => {
            let name = e.from.as_ref().map(|p| p.name.as_str()).filter(|n| !n.is_empty()).unwrap_or("Клиент");
            match e.kind.as_str() {
                "" | "text" => format!("{name}: новое сообщение {}", quoted(&e.text)),
                kind if e.text.is_empty() => format!("{name}: получено {kind}"),
                kind => format!("{name}: получено {kind}: {}", quoted(&e.text)),
            }
        }
        E::HumanResponded(e) => format!("Кто-то из наших написал {} в обход Steward", quoted(&e.text)),
        E::UpdateKept(e) => format!("Канал сообщил: {}; это сохранено", e.kind),
        E::RequestEdited(e) => format!("Клиент изменил свою просьбу: {}", quoted(&e.text)),
        E::HumanRequested(e) => format!("Клиент просит человека: {}", quoted(&e.text)),
        E::ContactOptedOut(e) => format!("Клиент просит больше не писать: {}", quoted(&e.text)),
        E::ContactOptedIn(_) => "Клиент снова о чём-то попросил: обещанное отправляется".to_owned(),
        E::QuestionAsked(e) if e.intention == "remind" => format!("Бот спросил, когда напомнить: {}", quoted(&e.topic)),
        E::QuestionAsked(e) => format!("Бот спросил, когда написать: {}", quoted(&e.topic)),
        E::HumanTakeoverStarted(e) => match e.note.as_str() {
            "" => format!("Разговор ведёт {} (через {})", somebody(&e.by), e.via),
            note => format!("Разговор ведёт {} (через {}): {}", somebody(&e.by), e.via, quoted(note)),
        },
        E::HumanTakeoverEnded(e) if e.via == "silence" => {
            format!("Разговор снова ведёт бот: человек молчал{}", cancelled(&e.cancelled_follow_up_ids))
        }
        E::HumanTakeoverEnded(e) if e.via == "resolve" => {
            format!(
                "Вопрос решён ({}): разговор снова ведёт бот{}",
                somebody(&e.by),
                cancelled(&e.cancelled_follow_up_ids)
            )
        }
        E::HumanTakeoverEnded(e) => {
            format!("Разговор возвращён боту ({}){}", somebody(&e.by), cancelled(&e.cancelled_follow_up_ids))
        }
        E::RecipientBlocked(_) => "Получатель больше недоступен: само ничего не отправляется".to_owned(),
        E::RecipientUnblocked(_) => "Получатель снова доступен".to_owned(),
        E::TurnStarted(e) if e.renewed => "Бот продолжает работать".to_owned(),
        E::TurnStarted(e) if e.follow_up_id.is_empty() => "Бот начал готовить ответ".to_owned(),
        E::TurnStarted(_) => "Бот начал выполнять обещание".to_owned(),
        E::TurnCompleted(e) if e.error.is_empty() => format!("Ход бота окончен: {}", e.outcome),
        E::TurnCompleted(e) => format!("Ход бота окончен: {} ({})", e.outcome, e.error),
        E::TurnSuperseded(e) => format!("Ход бота отброшен{}", because(e.reason.as_ref())),
        E::DraftSuppressed(e) => {
            format!("Бот сказал бы {}, но не сказал{}", quoted(&e.text), because(e.reason.as_ref()))
        }
        E::FollowUpScheduled(e) => scheduled(e),
        E::FollowUpMoved(e) => {
            let to = when(from_timestamp(e.due_at.as_ref()), &e.timezone);
            format!("Обещание перенесено на {to}{}", beyond_window(e.needs_template))
        }
        E::FollowUpTextChanged(e) => format!("Новый текст обещания: {}", quoted(&e.text)),
        E::FollowUpDue(e) if e.message.is_some() => "Время обещания пришло: сообщение в пути".to_owned(),
        E::FollowUpDue(_) => "Время обещания пришло: оно выполняется".to_owned(),
        E::FollowUpCancelled(e) => format!("Обещание отменено{}", because(e.reason.as_ref())),
        E::FollowUpExpired(e) => format!("Срок обещания истёк{}", because(e.reason.as_ref())),
        E::FollowUpDone(_) => "Обещание выполнено".to_owned(),
        E::FollowUpFailed(e) => format!("Обещание не удалось выполнить{}", because(e.reason.as_ref())),
        E::MessageQueued(e) => match &e.message {
            Some(m) if m.author == "human" => format!("Кто-то из наших написал {}", quoted(&m.text)),
            Some(m) => match from_timestamp(m.due_at.as_ref()) {
                Some(due_at) => format!("Бот скажет {}, время: {}", quoted(&m.text), when(Some(due_at), "")),
                None => format!("Бот говорит {}", quoted(&m.text)),
            },
            None => "Сообщение поставлено в очередь".to_owned(),
        },
        E::MessageDue(_) => "Время ждавшего сообщения пришло".to_owned(),
        E::MessageMoved(e) => {
            format!("Ждущее сообщение перенесено на {}", when(from_timestamp(e.due_at.as_ref()), ""))
        }
        E::MessageCancelled(e) => format!("Сообщение отменено{}", because(e.reason.as_ref())),
        E::MessageExpired(e) => format!("Срок сообщения истёк{}", because(e.reason.as_ref())),
        E::MessageRetried(e) => format!("Просьба отправить сообщение ещё раз ({})", somebody(&e.by)),
        E::SendDeferred(e) => {
            format!("Отправка отложена до {}{}", when(from_timestamp(e.until.as_ref()), ""), because(e.reason.as_ref()))
        }
        E::DispatchStarted(e) if e.template.is_empty() => {
            format!("Началась отправка: {} (попытка {})", part(e.part, e.parts), e.attempt)
        }
        E::DispatchStarted(e) => {
            format!("Началась отправка по шаблону {} (попытка {})", e.template, e.attempt)
        }
        E::DispatchSucceeded(e) => format!("Канал принял: {}", part(e.part, e.parts)),
        E::DispatchFailed(e) => format!("Отправить не удалось{}", because(e.reason.as_ref())),
        E::DispatchDeferred(e) => {
            format!(
                "Отправка повторится после {}{}",
                when(from_timestamp(e.until.as_ref()), ""),
                because(e.reason.as_ref())
            )
        }
        E::DispatchUnknown(e) => {
            format!("Неизвестно, дошло ли сообщение до получателя{}", because(e.reason.as_ref()))
        }
        E::DeliveryReported(e) => match e.status.as_str() {
            "failed" => format!("Канал не смог доставить сообщение{}", because(e.reason.as_ref())),
            status => format!("Канал сообщает: {status}"),
        },
        E::MessageHeld(e) => format!("Сообщение задержано{}", because(e.reason.as_ref())),
        E::MessageReleased(e) => format!("Отпущено задержанное предохранителем ({})", somebody(&e.by)),
        E::MessageApproved(e) => format!("Задержанное сообщение отпущено ({})", somebody(&e.by)),
        E::MessageEdited(e) => format!("Ждущее сообщение изменено ({}): {}", somebody(&e.by), quoted(&e.text)),
        E::MeetingBooked(e) => meeting("Назначена встреча", e.meeting.as_ref()),
        E::MeetingMoved(e) => meeting("Встреча перенесена", e.meeting.as_ref()),
        E::MeetingCancelled(e) => format!("Встреча отменена{}", because(e.reason.as_ref())),
        E::IntentLeft(_) => "Бот отложил то, что собирался сказать".to_owned(),
        E::IntentResolved(e) => {
            let what = match e.decision.as_str() {
                "mentioned" => "Бот упомянул то, что собирался сказать",
                "rescheduled" => "То, что бот собирался сказать, обещано на другое время",
                "lapsed" => "То, что бот собирался сказать, устарело",
                _ => "Бот отказался от того, что собирался сказать",
            };
            format!("{what}: {}", quoted(&e.text))
        }
        E::TalkSummarised(e) => format!("Сказанное раньше кратко пересказано: {}", quoted(&e.text)),
        E::BrainChosen(e) => chosen(e, steward_language::Language::Ru),
        E::AddressBound(e) => format!("Теперь адрес: {}", e.external_id),
    }
}

fn scheduled(e: &v1::FollowUpScheduled) -> String {
    let what = if e.text.is_empty() { String::new() } else { format!(": {}", quoted(&e.text)) };
    let from = if e.phrase.is_empty() { String::new() } else { format!(", по просьбе {}", quoted(&e.phrase)) };
    let verb = if e.renews.is_empty() {
        "Обещано написать"
    } else {
        "Отменённое обещание возобновлено"
    };
    let at = when(from_timestamp(e.due_at.as_ref()), &e.timezone);
    format!("{verb}: {at}{from}{what}{}", beyond_window(e.needs_template))
}

/// The channel takes free text only for a while after the client's last word.
fn beyond_window(needs_template: bool) -> &'static str {
    if needs_template {
        "; окно канала к тому времени закроется: понадобится шаблон, если клиент не напишет раньше"
    } else {
        ""
    }
}

fn meeting(what: &str, meeting: Option<&v1::Meeting>) -> String {
    let Some(m) = meeting else { return what.to_owned() };
    if m.days > 0 {
        return format!("{what}: {} {}", quoted(&m.title), m.day);
    }
    format!("{what}: {}, {}", quoted(&m.title), when(from_timestamp(m.starts_at.as_ref()), &m.timezone))
}

fn part(part: u32, parts: u32) -> String {
    if parts > 1 {
        format!("часть {} из {parts}", part.saturating_add(1))
    } else {
        "сообщение".to_owned()
    }
}

fn cancelled(ids: &[String]) -> String {
    match ids.len() {
        0 => String::new(),
        1 => "; за это время отменено одно обещание".to_owned(),
        n => format!("; за это время отменено обещаний: {n}"),
    }
}

fn somebody(by: &str) -> &str {
    tell::who(by, "кто-то")
}

fn quoted(text: &str) -> String {
    tell::quoted(text, ['«', '»'])
}

fn when(at: Option<DateTime<Utc>>, zone: &str) -> String {
    at.map_or_else(|| "время не указано".to_owned(), |at| tell::when(at, zone))
}
