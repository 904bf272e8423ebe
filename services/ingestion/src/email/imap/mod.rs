//! Mailboxes read over IMAP: what arrives is recorded as if it had been posted, and marked as seen once it is durable.
//!
//! The mark is the memory: whatever is unseen at a start is recorded, whatever was recorded twice is known by its
//! Message-ID. Within a run a mail that a person opened first counts as new as well, by its UID.

mod metered;
mod sent;
mod session;

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use steward_domain::mail::Server;
use steward_http::{Problem, Trace};
use steward_log::Backoff;
use steward_settings::{Channel, Email};
use tokio_util::sync::CancellationToken;

use super::record_mail;
use crate::intake::Intake;
use session::{Opened, Session};

/// The largest mail that is read, in bytes: the same as the webhook's.
const LARGEST: u64 = 25 << 20;

/// The longest that one IDLE lasts: routers forget quiet connections after ten minutes or so (RFC 2177 allows 29).
const LONGEST_IDLE: Duration = Duration::from_secs(9 * 60);

/// Some servers never tell what came in between their last answer and the start of IDLE: after news, the next look
/// follows this soon, and each further one after twice as long. What falls between two looks is found by the next.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// How often a server without IDLE is asked.
const PACE: Duration = Duration::from_secs(30);

/// Waits after a failure: this, then twice as long each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Why reading a mailbox stopped for now.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Session(#[from] session::Error),
    #[error("a mail isn't recorded yet: {}", .0.detail())]
    NotRecorded(Problem),
}

/// Reads a channel's mailbox, if it is given one, until the shutdown.
pub async fn read_mailbox(intake: Intake, channel: Channel, email: Email, shutdown: CancellationToken) {
    let Some(mailbox) = Mailbox::of(&channel, &email) else { return };
    let inbox = mailbox.keep_reading(&intake, Inbox::default(), &shutdown);
    let copies = mailbox.keep_reading(&intake, sent::Copies::default(), &shutdown);
    tokio::join!(inbox, copies);
}

/// A channel's mailbox on its server.
struct Mailbox<'a> {
    channel: &'a Channel,
    email: &'a Email,
    server: Server,
}

/// How one folder is read.
trait Reading {
    /// What the folder is, for the log.
    const WHAT: &str;

    /// Opens it; `None`: this mailbox has none.
    async fn open(&mut self, session: &mut Session) -> Result<Option<Opened>, Failure>;

    /// Takes in what is new; how long the next wait may be.
    async fn take_in(
        &mut self,
        mailbox: &Mailbox<'_>,
        intake: &Intake,
        session: &mut Session,
    ) -> Result<Duration, Failure>;
}

impl<'a> Mailbox<'a> {
    fn of(channel: &'a Channel, email: &'a Email) -> Option<Self> {
        // The configuration is checked, so a URL that is there is right.
        let server = Server::imap(email.imap_url.as_ref()?.expose()).ok()?;
        Some(Self { channel, email, server })
    }

    /// Connects, reads, waits for news and reads again; after a failure from the beginning.
    async fn keep_reading<F: Reading>(&self, intake: &Intake, mut folder: F, shutdown: &CancellationToken) {
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        loop {
            let read = self.read(intake, &mut folder, &mut backoff);
            let Some(ended) = shutdown.run_until_cancelled(read).await else { return };
            let pause = match ended {
                Ok(()) => LONGEST_IDLE,
                Err(failure) => {
                    let (channel, pause) = (&self.channel.id, backoff.next_pause());
                    tracing::warn!(channel, folder = F::WHAT, "{failure}; trying again in {} s", pause.as_secs());
                    pause
                }
            };
            if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Reads until something fails, or at once `Ok` if there is no such folder.
    async fn read<F: Reading>(&self, intake: &Intake, folder: &mut F, backoff: &mut Backoff) -> Result<(), Failure> {
        let mut session = Session::open(&self.server).await?;
        if folder.open(&mut session).await?.is_none() {
            tracing::info!(channel = self.channel.id, folder = F::WHAT, "the mailbox has no such folder");
            session.log_out().await;
            return Ok(());
        }
        tracing::info!(channel = self.channel.id, folder = F::WHAT, "reading the mailbox on {:?}", self.server);
        let mut next_look = SECOND_LOOK;
        loop {
            session.forget_news();
            let longest = folder.take_in(self, intake, &mut session).await?.min(next_look);
            backoff.reset();
            let news;
            (session, news) = session.until_news(longest, PACE).await?;
            next_look = if news { SECOND_LOOK } else { (next_look * 2).min(LONGEST_IDLE) };
        }
    }
}

/// Where new mail arrives.
#[derive(Default)]
struct Inbox {
    validity: Option<u32>,
    /// UIDs from here on are new; 0: not known.
    next: u32,
    /// Recorded or given up, and yet unseen.
    done: HashSet<u32>,
}

impl Reading for Inbox {
    const WHAT: &str = "INBOX";

    async fn open(&mut self, session: &mut Session) -> Result<Option<Opened>, Failure> {
        let opened = session.select("INBOX").await?;
        if opened.validity != self.validity {
            // The UIDs that we know mean other mails now.
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
        let mut uids = session.search("UNSEEN UNDELETED").await?;
        uids.retain(|uid| !self.done.contains(uid));
        if self.next > 0 {
            uids.extend(since(session, self.next).await?);
        }
        for uid in uids {
            if self.take(uid, mailbox, intake, session).await? {
                // A mailbox that can't be written to is read all the same.
                match session.mark_seen(uid).await {
                    Err(session::Error::Refused(..)) => _ = self.done.insert(uid),
                    marked => marked?,
                }
            } else {
                self.done.insert(uid);
            }
            self.next = self.next.max(uid.saturating_add(1));
        }
        Ok(LONGEST_IDLE)
    }
}

impl Inbox {
    /// Records one mail; `false` if that will never work, so that it is left for a person to see.
    async fn take(
        &self,
        uid: u32,
        mailbox: &Mailbox<'_>,
        intake: &Intake,
        session: &mut Session,
    ) -> Result<bool, Failure> {
        let channel = mailbox.channel;
        let size = session.size(uid).await?.unwrap_or(0);
        if size > LARGEST {
            tracing::warn!(channel = channel.id, uid, size, "a mail is too large to be taken in; it stays unseen");
            return Ok(false);
        }
        // Somebody else may have removed it meanwhile.
        let Some(raw) = session.mail(uid).await? else { return Ok(true) };
        match record_mail(intake, channel, mailbox.email, raw, &Trace::begin()).await {
            Ok(()) => Ok(true),
            Err(problem) if problem.status().is_client_error() => {
                let why = problem.detail();
                tracing::warn!(channel = channel.id, uid, "a mail can't be taken in and stays unseen: {why}");
                Ok(false)
            }
            Err(problem) => Err(Failure::NotRecorded(problem)),
        }
    }
}

/// The UIDs from `next` on.
async fn since(session: &mut Session, next: u32) -> Result<BTreeSet<u32>, Failure> {
    let mut uids = session.search(&format!("UID {next}:* UNDELETED")).await?;
    // `n:*` holds the last mail even if its UID is smaller (RFC 3501, 6.4.8).
    uids.retain(|uid| *uid >= next);
    Ok(uids)
}
