//! What is told of what is remembered.

use steward_language::Language::{self, En, Es, Ru};
use steward_proto::{ContactEvent, v1};

use crate::kernel::tell::{because, quoted};

/// What happened, in one sentence; empty for what the contact's other events tell.
pub(in crate::contact) fn summary(event: ContactEvent<'_>, language: Language) -> String {
    use ContactEvent as E;
    let said = |en: &str, es: &str, ru: &str| match language {
        En => en.to_owned(),
        Es => es.to_owned(),
        Ru => ru.to_owned(),
    };
    let with = |words: String, text: &str| {
        let marks = if language == En { ['“', '”'] } else { ['«', '»'] };
        if text.is_empty() { words } else { format!("{words}: {}", quoted(text, marks)) }
    };
    let why = |words: String, reason: Option<&v1::Reason>| format!("{words}{}", because(reason));
    match event {
        E::GoalSet(e) => with(said("A goal was set", "Se fijó un objetivo", "Поставлена цель"), &e.title),
        E::GoalChanged(e) => {
            let words = said("A goal was changed", "Se cambió un objetivo", "Цель изменена");
            with(words, e.title.as_deref().unwrap_or_default())
        }
        E::GoalAchieved(_) => said("A goal was achieved", "Se alcanzó un objetivo", "Цель достигнута"),
        E::GoalAbandoned(e) => {
            why(said("A goal was given up", "Se abandonó un objetivo", "Цель снята"), e.reason.as_ref())
        }
        E::MilestoneRecorded(e) => {
            with(said("A milestone was recorded", "Se anotó un hito", "Отмечено событие"), &e.text)
        }
        E::MilestoneResolved(_) => said("A milestone was resolved", "Se resolvió un hito", "Событие завершено"),
        E::MilestoneDismissed(e) => {
            why(said("A milestone was dismissed", "Se descartó un hito", "Событие снято"), e.reason.as_ref())
        }
        E::FactRemembered(e) => with(said("A fact was remembered", "Se recordó un dato", "Запомнено"), &e.text),
        E::FactRetired(e) => {
            why(said("A fact was forgotten", "Se olvidó un dato", "Сведения забыты"), e.reason.as_ref())
        }
        E::TalkSearched(e) => {
            let words = said(
                "The conversation was searched for goals, milestones and facts",
                "Se buscaron objetivos, hitos y datos en la conversación",
                "Разговор просмотрен: цели, события, сведения",
            );
            format!("{words} ({})", e.found)
        }
        E::ContactChanged(_) | E::ContactArchived(_) | E::ContactMerged(_) | E::ContactSplit(_) => String::new(),
    }
}
