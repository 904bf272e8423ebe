//! What is told of a contact's events.

use steward_language::Language::{self, En, Es, Ru};
use steward_proto::ContactEvent;

use super::memory;
use crate::kernel::{Live, Tell, tell::because};

impl Tell for ContactEvent<'_> {
    fn summary(self, language: Language) -> String {
        match (self, language) {
            (Self::ContactChanged(_), En) => "What is known of the contact was changed".to_owned(),
            (Self::ContactChanged(_), Es) => "Se cambió lo que se sabe del contacto".to_owned(),
            (Self::ContactChanged(_), Ru) => "Сведения о контакте изменены".to_owned(),
            (Self::ContactArchived(_), En) => "The contact was archived".to_owned(),
            (Self::ContactArchived(_), Es) => "Se archivó el contacto".to_owned(),
            (Self::ContactArchived(_), Ru) => "Контакт убран в архив".to_owned(),
            (Self::ContactMerged(e), En) => {
                format!("The contacts {} and {} are one person{}", e.contact_id, e.into, because(e.reason.as_ref()))
            }
            (Self::ContactMerged(e), Es) => {
                format!("Los contactos {} y {} son una persona{}", e.contact_id, e.into, because(e.reason.as_ref()))
            }
            (Self::ContactMerged(e), Ru) => {
                format!("Контакты {} и {} — один человек{}", e.contact_id, e.into, because(e.reason.as_ref()))
            }
            (Self::ContactSplit(e), En) => {
                format!("The contacts {} and {} are two people{}", e.contact_id, e.from, because(e.reason.as_ref()))
            }
            (Self::ContactSplit(e), Es) => {
                format!("Los contactos {} y {} son dos personas{}", e.contact_id, e.from, because(e.reason.as_ref()))
            }
            (Self::ContactSplit(e), Ru) => {
                format!("Контакты {} и {} — разные люди{}", e.contact_id, e.from, because(e.reason.as_ref()))
            }
            (remembered, language) => memory::tell::summary(remembered, language),
        }
    }

    fn live(self) -> Option<Live> {
        match self {
            Self::TalkSearched(_) => None,
            Self::ContactChanged(_)
            | Self::ContactArchived(_)
            | Self::ContactMerged(_)
            | Self::ContactSplit(_)
            | Self::GoalSet(_)
            | Self::GoalChanged(_)
            | Self::GoalAchieved(_)
            | Self::GoalAbandoned(_)
            | Self::MilestoneRecorded(_)
            | Self::MilestoneResolved(_)
            | Self::MilestoneDismissed(_)
            | Self::FactRemembered(_)
            | Self::FactRetired(_) => Some(Live::TaskUpdate),
        }
    }
}
