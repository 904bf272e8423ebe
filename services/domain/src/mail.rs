//! What mail going out and mail coming in agree on: a mail server's URL, and the Message-IDs that are ours.

use crate::ids::MessageId;

/// A mail server and how to speak to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// User and password.
    pub login: Option<(String, String)>,
}

impl std::fmt::Debug for Server {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port, tls, .. } = self;
        write!(f, "{host}:{port} ({tls:?})")
    }
}

/// How the line is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    None,
    /// STARTTLS, or nothing is said.
    Required,
    /// From the first byte (RFC 8314).
    Implicit,
}

/// Why a URL names no mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadServer {
    #[error("the scheme is another one")]
    Scheme,
    #[error("the host is missing or wrong")]
    Host,
    #[error("the port is no number from 1 to 65535")]
    Port,
    #[error("user and password are missing or not written as `user:password`, percent-encoded")]
    Login,
    #[error("the end is another than `?tls=required`")]
    Query,
    #[error(
        "the password would cross the network in the clear (TLS: an `s` at the end of the scheme, or `?tls=required`)"
    )]
    InTheClear,
}

impl Server {
    /// `smtp://host`, `smtps://user:password@host:465`, `smtp://host:587?tls=required`. User and password are
    /// percent-encoded. Ports: 25 (587 with a login), 465 for `smtps`.
    ///
    /// # Errors
    /// The part that is wrong.
    pub fn smtp(url: &str) -> Result<Self, BadServer> {
        Self::parse(url, "smtp", |server| match server.tls {
            Tls::Implicit => 465,
            _ if server.login.is_some() => 587,
            _ => 25,
        })
    }

    /// `imaps://user:password@host`, `imap://host:143?tls=required`. Ports: 143, 993 for `imaps`.
    ///
    /// # Errors
    /// The part that is wrong.
    pub fn imap(url: &str) -> Result<Self, BadServer> {
        let server = Self::parse(url, "imap", |server| if server.tls == Tls::Implicit { 993 } else { 143 })?;
        if server.login.is_none() { Err(BadServer::Login) } else { Ok(server) }
    }

    fn parse(url: &str, scheme: &str, port: impl Fn(&Self) -> u16) -> Result<Self, BadServer> {
        let (found, rest) = url.trim().split_once("://").ok_or(BadServer::Scheme)?;
        let implicit = match found.strip_prefix(scheme) {
            Some("") => false,
            Some("s") => true,
            _ => return Err(BadServer::Scheme),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(read_login(login).ok_or(BadServer::Login)?), place),
            None => (None, rest),
        };
        let (host, given) = match place.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() || !host.bytes().all(|b| b.is_ascii_graphic() && !b"/\\#?@\"".contains(&b)) {
            return Err(BadServer::Host);
        }
        let tls = match (query, implicit) {
            ("" | "tls=required", true) => Tls::Implicit,
            ("tls=required", false) => Tls::Required,
            ("", false) => Tls::None,
            _ => return Err(BadServer::Query),
        };
        let mut server = Self { host: host.to_owned(), port: 0, tls, login };
        server.port = match given {
            Some(given) => given.parse().ok().filter(|port| *port != 0).ok_or(BadServer::Port)?,
            None => port(&server),
        };
        if server.login.is_some() && tls == Tls::None && !server.is_local() {
            return Err(BadServer::InTheClear);
        }
        Ok(server)
    }

    fn is_local(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

fn read_login(login: &str) -> Option<(String, String)> {
    let (user, password) = login.split_once(':')?;
    if user.is_empty() {
        return None;
    }
    Some((decoded(user)?, decoded(password)?))
}

/// Percent-decoded (RFC 3986, 2.1).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            bytes.push((digit()? * 16 + digit()?) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The domain of a mail address, as written.
pub fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, domain)| domain)
}

/// The Message-ID of one part of a message, with its angle brackets: the same at every attempt, so that whoever meets it
/// knows which send it is.
pub fn message_id(message_id: &MessageId, part: usize, address: &str) -> String {
    format!("<{message_id}-{part}@{}>", domain_of(address))
}

/// The message and part that a Message-ID (with or without its brackets) names, if it is one that `address` gives.
pub fn own_message(id: &str, address: &str) -> Option<(MessageId, u32)> {
    let id = id.trim();
    let id = id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id);
    let (local, domain) = id.rsplit_once('@')?;
    let (message, part) = local.rsplit_once('-')?;
    let ours = domain.eq_ignore_ascii_case(domain_of(address));
    let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if ours && digits { Some((message.parse().ok()?, part.parse().ok()?)) } else { None }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids;

    fn server(host: &str, port: u16, tls: Tls, login: Option<(&str, &str)>) -> Server {
        let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
        Server { host: host.to_owned(), port, tls, login }
    }

    #[test]
    fn a_servers_url_says_host_port_protection_and_login() {
        let login = Some(("me@example.com", "p:ä/ß"));
        for (url, expected) in [
            ("smtp://127.0.0.1:1025", server("127.0.0.1", 1025, Tls::None, None)),
            ("smtp://mx.example.com/", server("mx.example.com", 25, Tls::None, None)),
            ("smtp://mx.example.com?tls=required", server("mx.example.com", 25, Tls::Required, None)),
            ("smtps://me%40example.com:p:%C3%A4%2F%c3%9f@mx", server("mx", 465, Tls::Implicit, login)),
            ("smtp://me%40example.com:p:ä%2Fß@mx?tls=required", server("mx", 587, Tls::Required, login)),
            ("smtp://a:b@[::1]:25", server("::1", 25, Tls::None, Some(("a", "b")))),
        ] {
            assert_eq!(Server::smtp(url), Ok(expected), "{url}");
        }
        assert_eq!(Server::imap("imaps://a:b@h"), Ok(server("h", 993, Tls::Implicit, Some(("a", "b")))));
        assert_eq!(Server::imap("imap://a:b@localhost"), Ok(server("localhost", 143, Tls::None, Some(("a", "b")))));
    }

    #[test]
    fn a_url_that_names_no_server_is_refused_for_its_reason() {
        for (url, why) in [
            ("", BadServer::Scheme),
            ("imap://h", BadServer::Scheme),
            ("smtpx://h", BadServer::Scheme),
            ("smtp://", BadServer::Host),
            ("smtp://a b", BadServer::Host),
            ("smtp://h:0", BadServer::Port),
            ("smtp://h:99999", BadServer::Port),
            ("smtp://h:", BadServer::Port),
            ("smtps://user@h", BadServer::Login),
            ("smtps://a:%zz@h", BadServer::Login),
            ("smtps://a:%ff@h", BadServer::Login),
            ("smtps://a:%4@h", BadServer::Login),
            ("smtp://h?tls=maybe", BadServer::Query),
            ("smtp://a:b@h", BadServer::InTheClear),
        ] {
            assert_eq!(Server::smtp(url), Err(why), "{url}");
        }
        assert_eq!(Server::imap("imaps://h"), Err(BadServer::Login));
    }

    #[test]
    fn a_message_id_of_ours_names_its_message_and_part() {
        let message = ids::message(ids::ConversationId::new(Uuid::from_u128(1)), Uuid::from_u128(2));
        let id = message_id(&message, 3, "agent@Example.com");
        assert_eq!(own_message(&id, "agent@example.COM"), Some((message, 3)));
        assert_eq!(own_message(&id[1..id.len() - 1], "agent@example.com"), Some((message, 3)));
        let elsewhere = message_id(&message, 3, "agent@example.org");
        for id in [elsewhere.as_str(), "", "<>", "<a@b>", "<x-1@example.com>", &id.replace("-3", "-+3"), "<-@ё>"] {
            assert_eq!(own_message(id, "agent@example.com"), None, "{id}");
        }
    }
}
