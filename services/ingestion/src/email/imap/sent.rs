//! The folder of sent mails. A copy of ours proves that the server took a mail whose fate was unknown; a mail of a
//! person's shows that one of ours writes to the client past Steward.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use steward_domain::{
    conversation::{Conversation, MessageState},
    ids,
    mail::own_message,
};
use steward_http::Trace;
use steward_log::AtLeast;
use steward_proto::TenantId;

use super::{
    super::{Folder, webhook::record_from},
    Failure, LARGEST, LONGEST_IDLE, Mailbox, Reading,
    session::{Opened, Session},
    since,
};
use crate::{
    arrival::{Arrival, Chat, Report, What},
    intake::Intake,
};

/// Copies this old may still settle something at a start.
const LOOK_BACK: TimeDelta = TimeDelta::days(2);

/// What people wrote this long before a start still concerns their conversations.
const JUST_NOW: TimeDelta = TimeDelta::minutes(15);

/// A copy may be there before its send has ended: look again this soon.
const NOT_YET: Duration = Duration::from_secs(2);

/// Copies of sent mails.
#[derive(Default)]
pub struct Copies {
    validity: Option<u32>,
    /// UIDs from here on are new; 0: not known.
    next: u32,
    /// Copies of sends that are still under way.
    early: BTreeSet<u32>,
}

/// What a copy tells.
enum Told {
    /// Nothing, or nothing new.
    Nothing,
    /// Its send is still under way.
    TooEarly,
}

impl Reading for Copies {
    const WHAT: &str = "sent";

    async fn open(&mut self, session: &mut Session) -> Result<Option<Opened>, Failure> {
        let Some(name) = session.sent_mailbox().await? else { return Ok(None) };
        let opened = session.select(&name).await?;
        if opened.validity != self.validity {
            *self = Self { validity: opened.validity, ..Self::default() };
        }
        Ok(Some(opened))
    }

    async fn take_in(
        &mut self,
        mailbox: &Mailbox<'_>,
        intake: &Intake,
        session: &mut Session,
    ) -> Result<Duration, Failure> {
        let mut uids = if self.next > 0 {
            since(session, self.next).await?
        } else {
            let first = (Utc::now() - LOOK_BACK).format("%-d-%b-%Y");
            session.search(&format!("SINCE {first}")).await?
        };
        uids.append(&mut self.early);
        for uid in uids {
            if let Some(copy) = session.copy(uid).await? {
                let told = match named(&copy.header, &mailbox.email.address) {
                    Some(named) => settle(named, &copy.header, mailbox, intake).await?,
                    None => {
                        if copy.at.is_none_or(|at| at > Utc::now() - JUST_NOW) {
                            of_a_person(uid, mailbox, intake, session).await?;
                        }
                        Told::Nothing
                    }
                };
                if matches!(told, Told::TooEarly) {
                    self.early.insert(uid);
                }
            }
            self.next = self.next.max(uid.saturating_add(1));
        }
        Ok(if self.early.is_empty() { LONGEST_IDLE } else { NOT_YET })
    }
}

/// Records that a mail of ours was taken, if that isn't known.
async fn settle(
    (id, message_id, part): (String, String, u32),
    header: &Bytes,
    mailbox: &Mailbox<'_>,
    intake: &Intake,
) -> Result<Told, Failure> {
    let Some(conversation) = ids::conversation_of(&message_id) else { return Ok(Told::Nothing) };
    let tenant = TenantId::new(&mailbox.channel.tenant).expect("the configuration was checked");
    let aggregate = ids::conversation_aggregate(&tenant, conversation);
    let state = intake.log.load::<Conversation>(&aggregate, AtLeast::Latest).await?.state;
    let (Some(place), Some(message)) = (&state.place, state.outbox.get(&message_id)) else { return Ok(Told::Nothing) };
    match &message.state {
        MessageState::Unknown(_) if u32::try_from(message.part) == Ok(part) => {}
        MessageState::Claimed(_) => return Ok(Told::TooEarly),
        _ => return Ok(Told::Nothing),
    }
    let report = Report { message_id, part, provider_message_id: id.clone(), status: "sent", ..Report::default() };
    let chat = Chat {
        external_id: place.external_id.clone(),
        contact: place.external_id.clone(),
        may_be_bound: true,
        ..Chat::default()
    };
    let arrival =
        Arrival { key: format!("copy:{id}"), at: None, chat: Some(chat), from: None, what: What::Reported(report) };
    let recorded = intake.record(mailbox.channel, arrival, header.clone(), &Trace::begin()).await;
    recorded.map(|()| Told::Nothing).map_err(Failure::NotRecorded)
}

/// Records what a person of ours wrote with this mailbox.
async fn of_a_person(uid: u32, mailbox: &Mailbox<'_>, intake: &Intake, session: &mut Session) -> Result<(), Failure> {
    let channel = mailbox.channel;
    if session.size(uid).await?.is_none_or(|size| size > LARGEST) {
        return Ok(());
    }
    let Some(raw) = session.mail(uid).await? else { return Ok(()) };
    match record_from(intake, channel, mailbox.email, Folder::Sent, raw, &Trace::begin()).await {
        Err(problem) if problem.status().is_client_error() => {
            tracing::warn!(channel = channel.id, uid, "a copy of a sent mail can't be read: {}", problem.detail());
            Ok(())
        }
        recorded => recorded.map_err(Failure::NotRecorded),
    }
}

/// The Message-ID in these header lines, with the message of ours and its part.
fn named(header: &[u8], address: &str) -> Option<(String, String, u32)> {
    let text = std::str::from_utf8(header).ok()?;
    let (inner, _) = text.split_once('<')?.1.split_once('>')?;
    let (message, part) = own_message(inner, address)?;
    Some((format!("<{inner}>"), message.to_owned(), part))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_copy_names_the_send_that_it_is_a_copy_of() {
        let message = ids::message(Uuid::from_u128(1), Uuid::from_u128(2));
        let id = steward_domain::mail::message_id(&message, 1, "a@example.com");
        for header in [format!("Message-ID: {id}\r\n\r\n"), format!("message-id:\r\n {id} \r\n\r\n")] {
            let expected = (id.clone(), message.clone(), 1);
            assert_eq!(named(header.as_bytes(), "a@example.com"), Some(expected));
        }
        for header in [&b""[..], b"\r\n", b"Message-ID: <x@y>\r\n", b"Message-ID: <\xff>", b"Message-ID: <", b">"] {
            assert_eq!(named(header, "a@example.com"), None);
        }
    }
}
