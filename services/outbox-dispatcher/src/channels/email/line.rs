//! The SMTP session up to the point where the server asks for the mail itself: connection, TLS, login, addresses.

use std::time::Duration;

use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use steward_domain::mail::{Server, Tls};

use super::{letter::Letter, meaning};
use crate::channels::Sent;

/// For the connection and its TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Connects, greets and logs in. Nothing of the mail has been said then.
pub async fn open(server: &Server, hello: &ClientId) -> Result<AsyncSmtpConnection, Sent> {
    let tls = || TlsParameters::new(server.host.clone()).map_err(|error| not_connected(&error));
    let implicit = if server.tls == Tls::Implicit { Some(tls()?) } else { None };
    let place = (server.host.as_str(), server.port);
    let connection = AsyncSmtpConnection::connect_tokio1(place, Some(CONNECT_TIMEOUT), hello, implicit, None);
    let mut connection = connection.await.map_err(|error| not_connected(&error))?;
    if server.tls == Tls::Required {
        connection.starttls(tls()?, hello).await.map_err(|error| not_connected(&error))?;
    }
    if let Some((user, password)) = &server.login {
        let credentials = Credentials::new(user.clone(), password.clone());
        let ways = [Mechanism::Plain, Mechanism::Login];
        connection.auth(&ways, &credentials).await.map_err(|error| match error.status() {
            Some(_) if error.is_transient() => not_connected(&error),
            // The login is ours to mend; the message is fine.
            Some(_) => deferred("unauthorized", "the mail server refuses the login", &error),
            None => not_connected(&error),
        })?;
    }
    Ok(connection)
}

/// Says whom the mail is from and to, until the server asks for the mail itself.
pub async fn address(
    connection: &mut AsyncSmtpConnection,
    from: Address,
    to: Address,
    letter: &Letter,
) -> Result<(), Sent> {
    let mut parameters = Vec::new();
    if !(from.to_string().is_ascii() && to.to_string().is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let text = "the mail server doesn't take addresses beyond ASCII (no SMTPUTF8)".to_owned();
            return Err(Sent::Refused { code: "provider_refused", text, provider_code: String::new() });
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    // The parts are encoded to ASCII; a header with an address beyond it is not.
    if !letter.content.is_ascii() && connection.server_info().supports_feature(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection.command(Mail::new(Some(from), parameters)).await.map_err(|error| meaning::refused(&error))?;
    connection.command(Rcpt::new(to, Vec::new())).await.map_err(|error| meaning::refused_recipient(&error))?;
    connection.command(Data).await.map_err(|error| meaning::refused(&error))?;
    Ok(())
}

fn not_connected(error: &Error) -> Sent {
    deferred("not_connected", "no session with the mail server", error)
}

fn deferred(code: &'static str, what: &str, error: &Error) -> Sent {
    Sent::Deferred { code, text: meaning::shortened(&format!("{what}: {error}")), retry_at: None }
}
