//! The folder of sent mails. A copy of ours proves that the server took a mail whose fate was unknown; a mail of a
//! person's shows that one of ours writes to the client past Steward.

use std::{collections::BTreeSet, time::Duration};

use chrono::TimeDelta;
use steward_http::Trace;

use super::{
    super::{
        Folder,
        proof::{Own, Proof, Told, settle},
        webhook::record_from,
    },
    Failure, LARGEST, LONGEST_IDLE, Mailbox, Reading,
    session::{Opened, Session},
    since,
};
use crate::intake::Intake;

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
            let first = (intake.log.clock().now() - LOOK_BACK).format("%-d-%b-%Y");
            session.search(&format!("SINCE {first}")).await?
        };
        uids.append(&mut self.early);
        for uid in uids {
            if let Some(copy) = session.copy(uid).await? {
                let told = match named(&copy.header, &mailbox.email.address) {
                    Some(own) => {
                        let trace = Trace::begin();
                        let settled = settle(intake, mailbox.channel, &own, Proof::Copy, copy.header, &trace).await;
                        settled.map_err(Failure::NotRecorded)?
                    }
                    None => {
                        if copy.at.is_none_or(|at| at > intake.log.clock().now() - JUST_NOW) {
                            of_a_person(uid, mailbox, intake, session).await?;
                        }
                        Told::Enough
                    }
                };
                if told == Told::TooEarly {
                    self.early.insert(uid);
                }
            }
            self.next = self.next.max(uid.saturating_add(1));
        }
        Ok(if self.early.is_empty() { LONGEST_IDLE } else { NOT_YET })
    }
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

/// The Message-ID in these header lines, if it is one of ours.
fn named(header: &[u8], address: &str) -> Option<Own> {
    let text = std::str::from_utf8(header).ok()?;
    let (id, _) = text.split_once('<')?.1.split_once('>')?;
    Own::named(id, address)
}

#[cfg(test)]
mod tests {
    use steward_domain::{ids, mail::message_id};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_copy_names_the_send_that_it_is_a_copy_of() {
        let message = ids::message(ids::ConversationId::new(Uuid::from_u128(1)), Uuid::from_u128(2));
        let id = message_id(&message, 1, "a@example.com");
        for header in [format!("Message-ID: {id}\r\n\r\n"), format!("message-id:\r\n {id} \r\n\r\n")] {
            let own = named(header.as_bytes(), "a@example.com").unwrap();
            assert_eq!((own.id.as_str(), own.message_id, own.part), (id.as_str(), message, 1));
        }
        for header in [&b""[..], b"\r\n", b"Message-ID: <x@y>\r\n", b"Message-ID: <\xff>", b"Message-ID: <", b">"] {
            assert_eq!(named(header, "a@example.com"), None);
        }
    }
}
