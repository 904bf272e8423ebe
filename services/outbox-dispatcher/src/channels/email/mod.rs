//! Mail, outward: hands a message to the SMTP server, and says what the server's answers mean for it.

mod bounded;
mod letter;
mod line;
mod meaning;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use lettre::{
    Address,
    transport::smtp::{client::AsyncSmtpConnection, extension::ClientId},
};
use steward_domain::mail::{Server, domain_of};
use steward_log::Clock;
use steward_settings::Email;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Outbound, Sent, Way};

/// Longest time from connecting to the answer after the final dot. Servers may take long to look at what they accept:
/// RFC 5321, 4.5.3.2, allows ten minutes for that answer alone; relays take seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Of that, the longest time until the server asks for the mail's content. What comes after has at least the rest,
/// because only there does running out of time leave the mail's fate unknown.
const TO_BEGIN: Duration = Duration::from_secs(30);

/// Longest time that a send takes: the request, its good-bye, and some room.
const LONGEST: Duration = Duration::from_secs(63);

/// How long the good-bye may take. The mail's fate is known by then.
const PARTING: Duration = Duration::from_millis(500);

/// How many sessions one server gets at the same time: relays refuse a client that opens many (Postfix 50, others 10 to
/// 20). Whoever sends has waited for one of them before.
const AT_ONCE: usize = 10;

/// A mailbox that can send.
#[derive(Clone)]
pub struct Mailer {
    server: Server,
    address: Address,
    hello: ClientId,
}

impl std::fmt::Debug for Mailer {
    /// Shows no password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer")
            .field("server", &self.server)
            .field("address", &self.address.to_string())
            .finish_non_exhaustive()
    }
}

/// The mailbox's way out. SMTP doesn't need the HTTP client.
pub fn way_of(email: &Email, _client: &reqwest::Client) -> Option<Mailer> {
    Mailer::of(email)
}

impl Mailer {
    /// `None` if the settings name no server or no address, which the check of the configuration rules out.
    fn of(email: &Email) -> Option<Self> {
        let server = Server::smtp(email.smtp_url.expose()).ok()?;
        // Our own host name says less to a relay than the domain that the mail is from.
        let hello = ClientId::Domain(domain_of(&email.address).to_ascii_lowercase());
        Some(Self { server, address: email.address.parse().ok()?, hello })
    }

    /// Hands one part to the server; ends within [`REQUEST_TIMEOUT`].
    async fn send_part(&self, out: &Outbound, clock: &Clock) -> Sent {
        match self.attempt(out, clock.now()).await {
            Sent::Deferred { code, text, retry_at: None } => {
                Sent::Deferred { code, text, retry_at: Some(clock.now() + pause(out.attempt)) }
            }
            sent => sent,
        }
    }

    async fn attempt(&self, out: &Outbound, now: DateTime<Utc>) -> Sent {
        let began = Instant::now();
        let (begun_by, deadline) = (began + TO_BEGIN, began + REQUEST_TIMEOUT);
        let Ok(to) = out.external_id.parse::<Address>() else {
            let text = "the recipient is no mail address".to_owned();
            return Sent::Refused { code: "no_such_recipient", text, provider_code: String::new() };
        };
        let letter = match letter::compose(out, &self.address, &to, now) {
            Ok(letter) => letter,
            Err(error) => {
                let text = format!("no mail can be made of it: {error}");
                return Sent::Refused { code: "provider_refused", text, provider_code: String::new() };
            }
        };
        // Until the server asks for the mail's content nothing has left, however the connection breaks.
        let begun = timeout_at(begun_by, async {
            let mut connection = line::open(&self.server, &self.hello).await?;
            match line::address(&mut connection, self.address.clone(), to, &letter).await {
                Ok(()) => Ok(connection),
                Err(sent) => {
                    part(connection).await;
                    Err(sent)
                }
            }
        });
        let mut connection = match begun.await {
            Ok(Ok(connection)) => connection,
            Ok(Err(sent)) => return sent,
            Err(_) => {
                let text = format!("no mail could be begun within {} s", TO_BEGIN.as_secs());
                return Sent::Deferred { code: "not_connected", text, retry_at: None };
            }
        };
        // From here on only the server's own answer says what became of the mail.
        let sent = match timeout_at(deadline, connection.message(&letter.content)).await {
            Ok(Ok(response)) => meaning::taken(&response, &letter.message_id),
            Ok(Err(error)) if error.status().is_some() => meaning::refused(&error),
            Ok(Err(error)) => Sent::Unknown { text: format!("the line broke after the mail was on its way: {error}") },
            Err(_) => Sent::Unknown { text: format!("no answer within {} s", REQUEST_TIMEOUT.as_secs()) },
        };
        part(connection).await;
        sent
    }
}

impl Way for Mailer {
    fn send<'a>(&'a self, out: &'a Outbound, clock: &'a Clock) -> BoxFuture<'a, Sent> {
        Box::pin(self.send_part(out, clock))
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn request_timeout(&self) -> Duration {
        LONGEST
    }
}

/// How long to wait after a deferral. Mail servers defer for minutes: greylisting wants some ten of them (RFC 6647, 5),
/// and a part is claimed eight times at most.
fn pause(attempt: u32) -> TimeDelta {
    let seconds = [2, 10, 60, 300, 600, 1200, 1800];
    let nth = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    TimeDelta::seconds(*seconds.get(nth).unwrap_or(&1800))
}

async fn part(mut connection: AsyncSmtpConnection) {
    let _ = timeout(PARTING, connection.quit()).await;
}
