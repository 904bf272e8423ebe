//! An SMTP session up to the point where the server asks for the mail's content: connection, TLS, login, addresses.

use std::{io, time::Duration};

use lettre::{
    Address,
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use steward_domain::mail::{Server, Tls};
use tokio::{net::TcpStream, time::timeout};

use super::{
    bounded::{Bounded, protected},
    letter::Letter,
    meaning,
};
use crate::channels::Sent;

/// How long connecting, with the TLS handshake, may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Connects, greets and logs in. Nothing of the mail has been said by then.
pub async fn open(server: &Server, hello: &ClientId) -> Result<AsyncSmtpConnection, Sent> {
    let line = timeout(CONNECT_TIMEOUT, connect(server)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let line = line.map_err(|error| not_connected(&error))?;
    let connection = AsyncSmtpConnection::connect_with_transport(line, hello);
    let mut connection = connection.await.map_err(|error| not_connected(&error))?;
    if server.tls == Tls::Required {
        let tls = TlsParameters::new(server.host.clone()).map_err(|error| not_connected(&error))?;
        connection.starttls(tls, hello).await.map_err(|error| not_connected(&error))?;
    }
    if let Some((user, password)) = &server.login {
        let credentials = Credentials::new(user.clone(), password.clone());
        let ways = [Mechanism::Plain, Mechanism::Login];
        connection.auth(&ways, &credentials).await.map_err(|error| match error.status() {
            Some(_) if error.is_transient() => not_connected(&error),
            // The message is fine; the login is ours to mend.
            Some(_) => deferred("unauthorized", "the mail server refuses the login", &error),
            None => not_connected(&error),
        })?;
    }
    Ok(connection)
}

async fn connect(server: &Server) -> io::Result<Box<dyn AsyncTokioStream>> {
    let tcp = TcpStream::connect((server.host.as_str(), server.port)).await?;
    tcp.set_nodelay(true)?;
    let peer = tcp.peer_addr()?;
    Ok(match server.tls {
        Tls::Implicit => Box::new(Bounded::new(protected(&server.host, tcp).await?, peer)),
        Tls::Required | Tls::None => Box::new(Bounded::new(tcp, peer)),
    })
}

/// Says from whom and to whom the mail is, until the server asks for its content.
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
    // The parts are encoded as ASCII, but a header with an address may go beyond it.
    if !letter.content.is_ascii() && connection.server_info().supports_feature(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection.command(Mail::new(Some(from), parameters)).await.map_err(|error| meaning::refused(&error))?;
    connection.command(Rcpt::new(to, Vec::new())).await.map_err(|error| meaning::refused_recipient(&error))?;
    connection.command(Data).await.map_err(|error| meaning::refused(&error))?;
    Ok(())
}

fn not_connected(error: &impl std::fmt::Display) -> Sent {
    deferred("not_connected", "no session with the mail server", error)
}

fn deferred(code: &'static str, what: &str, error: &impl std::fmt::Display) -> Sent {
    Sent::Deferred { code, text: meaning::shortened(&format!("{what}: {error}")), retry_at: None }
}
