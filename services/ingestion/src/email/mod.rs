//! Mail on its way in: what a mail means, and the webhook and the mailbox that bring it.

mod arrival;
mod authenticity;
mod automatic;
mod bounds;
mod calendar;
mod charset;
mod encoded_words;
#[cfg(test)]
mod forged;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod growth;
mod html;
pub mod imap;
mod message;
mod operator;
mod proof;
pub mod providers;
#[cfg(test)]
mod recorded;
mod reply;
mod subjects;
pub mod webhook;

use arrival::{Folder, Mailbox};
use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use futures::future::BoxFuture;
use message::Mail;
use providers::Memory;
use steward_domain::{ids::ConversationId, mail::own_message};
use steward_http::Problem;
use steward_settings::{Channel, Email};
pub use webhook::record_mail;

use crate::{
    arrival::{Arrival, What},
    intake::Intake,
    ways::{Beside, Way},
};

/// A mailbox's way in.
pub fn way_of(email: &Email) -> Inbox {
    Inbox { email: email.clone(), memory: Memory::default() }
}

/// A mailbox that mail is posted to, and that is read.
pub struct Inbox {
    email: Email,
    memory: Memory,
}

impl Way for Inbox {
    fn accept<'a>(
        &'a self,
        intake: &'a Intake,
        channel: &'a Channel,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, Problem>> {
        Box::pin(async move {
            Ok(webhook::accept(intake, channel, &self.email, &self.memory, request).await?.into_response())
        })
    }

    fn listen(&self, beside: &Beside<'_>, channel: &Channel) {
        let (intake, email) = (beside.intake.clone(), self.email.clone());
        let reading = imap::read_mailbox(intake, channel.clone(), email, beside.shutdown.clone());
        beside.tasks.run(format!("mailbox of {}", channel.id), reading);
    }

    /// Anybody can write a bounce, with an id that only looks like ours.
    fn named_by_anybody(&self, arrival: &Arrival) -> Option<ConversationId> {
        match &arrival.what {
            What::Reported(report) => Some(report.message_id?.conversation()),
            What::Aside { kind: "bounce", about, .. } => {
                Some(own_message(about.trim_matches(['<', '>']), &self.email.address)?.0.conversation())
            }
            _ => None,
        }
    }
}
