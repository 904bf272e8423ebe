//! The aggregate `run`: what a brain that thinks in steps did, call by call. It is only added to and never folded, so all there
//! is of it is what is told.

use steward_language::Language::{self, En, Es, Ru};
use steward_proto::RunEvent;

use crate::kernel::{Live, Tell, tell::quoted};

impl Tell for RunEvent<'_> {
    fn summary(self, language: Language) -> String {
        match (self, language) {
            (Self::ModelCallStarted(e), En) => format!("{} is asked", e.model),
            (Self::ModelCallStarted(e), Es) => format!("Se pregunta a {}", e.model),
            (Self::ModelCallStarted(e), Ru) => format!("Спрашиваем {}", e.model),
            (Self::ModelCallCompleted(e), En) => format!("{} answered", e.model),
            (Self::ModelCallCompleted(e), Es) => format!("{} respondió", e.model),
            (Self::ModelCallCompleted(e), Ru) => format!("{}: есть ответ", e.model),
            (Self::ModelCallFailed(e), En) => format!("{} gave no answer: {}", e.model, e.code),
            (Self::ModelCallFailed(e), Es) => format!("{} no respondió: {}", e.model, e.code),
            (Self::ModelCallFailed(e), Ru) => format!("{}: ответа нет: {}", e.model, e.code),
            (Self::ToolCallStarted(e), En) => format!("The bot uses {}", e.tool),
            (Self::ToolCallStarted(e), Es) => format!("El bot usa {}", e.tool),
            (Self::ToolCallStarted(e), Ru) => format!("Бот использует {}", e.tool),
            (Self::ToolCallReturned(e), En) if e.failed => format!("{} wasn't done", e.tool),
            (Self::ToolCallReturned(e), En) => format!("{} is done", e.tool),
            (Self::ToolCallReturned(e), Es) if e.failed => format!("{} no se hizo", e.tool),
            (Self::ToolCallReturned(e), Es) => format!("{} está hecho", e.tool),
            (Self::ToolCallReturned(e), Ru) if e.failed => format!("{}: не сделано", e.tool),
            (Self::ToolCallReturned(e), Ru) => format!("{}: сделано", e.tool),
            (Self::StepTaken(e), En) => format!("The bot noted: {}", quoted(&e.text, ['“', '”'])),
            (Self::StepTaken(e), Es) => format!("El bot anotó: {}", quoted(&e.text, ['«', '»'])),
            (Self::StepTaken(e), Ru) => format!("Бот отметил: {}", quoted(&e.text, ['«', '»'])),
            (Self::ExpertAnswered(e), En) => format!("{} looked at it: {}", e.expert, quoted(&e.text, ['“', '”'])),
            (Self::ExpertAnswered(e), Es) => format!("{} lo miró: {}", e.expert, quoted(&e.text, ['«', '»'])),
            (Self::ExpertAnswered(e), Ru) => format!("{}: заключение: {}", e.expert, quoted(&e.text, ['«', '»'])),
            (Self::ClaimCorrected(e), En) => format!("Nothing backed {}: not said", quoted(&e.sentence, ['“', '”'])),
            (Self::ClaimCorrected(e), Es) => {
                format!("Nada respaldaba {}: no se dijo", quoted(&e.sentence, ['«', '»']))
            }
            (Self::ClaimCorrected(e), Ru) => {
                format!("За словами {} ничего не стояло: не сказано", quoted(&e.sentence, ['«', '»']))
            }
            (Self::BrainUnavailable(e), En) => format!("No model could answer ({}); instead: {}", e.code, e.instead),
            (Self::BrainUnavailable(e), Es) => {
                format!("Ningún modelo pudo responder ({}); en su lugar: {}", e.code, e.instead)
            }
            (Self::BrainUnavailable(e), Ru) => {
                format!("Ни одна модель не ответила ({}); вместо неё: {}", e.code, e.instead)
            }
        }
    }

    fn live(self) -> Option<Live> {
        match self {
            Self::ModelCallStarted(_)
            | Self::ModelCallCompleted(_)
            | Self::ModelCallFailed(_)
            | Self::ToolCallStarted(_)
            | Self::ToolCallReturned(_)
            | Self::StepTaken(_)
            | Self::ExpertAnswered(_)
            | Self::ClaimCorrected(_) => Some(Live::TaskUpdate),
            Self::BrainUnavailable(_) => Some(Live::SystemNotification),
        }
    }
}
