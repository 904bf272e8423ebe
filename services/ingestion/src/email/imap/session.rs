//! One IMAP session: connection, TLS, login, and the few commands that reading a mailbox needs, each with its time-out.

use std::{collections::BTreeSet, io, sync::Arc, time::Duration};

use async_imap::{
    Client, Session as Imap,
    error::Error as ImapError,
    extensions::idle::IdleResponse,
    types::{Name, NameAttribute, UnsolicitedResponse},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use steward_domain::mail::{Server, Tls};

use super::{
    LARGEST,
    metered::{Allowance, Metered},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};

/// For the connection and its TLS handshake.
const CONNECT: Duration = Duration::from_secs(10);
/// For the answer to a command that moves no mail.
const ANSWER: Duration = Duration::from_secs(30);
/// For a whole mail.
const FETCH: Duration = Duration::from_secs(120);

/// Bytes of an answer that moves no mail and lists none; that lists the numbers of mails; and of a mail, with TLS around it.
const ANSWER_BYTES: usize = 1 << 20;
const LIST_BYTES: usize = 8 << 20;
const MAIL_BYTES: usize = (LARGEST + LARGEST / 16) as usize + ANSWER_BYTES;

/// A line to the server, protected or not.
trait Line: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Line for T {}

/// Why a session ended. None of it quotes a mail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no answer in time to {0}")]
    Late(&'static str),
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error("the server refuses {0}: {1}")]
    Refused(&'static str, String),
    #[error("the server's answer to {0} can't be understood")]
    NotUnderstood(&'static str),
    #[error("the server's certificates can't be checked: {0}")]
    Tls(String),
}

impl Error {
    fn of(what: &'static str, error: ImapError) -> Self {
        match error {
            ImapError::Io(error) => Self::Broken(error),
            ImapError::ConnectionLost => Self::Broken(io::ErrorKind::UnexpectedEof.into()),
            ImapError::Bad(text) | ImapError::No(text) => Self::Refused(what, text.chars().take(200).collect()),
            // A parse error quotes what it couldn't read, which may be a mail.
            _ => Self::NotUnderstood(what),
        }
    }
}

/// A logged-in session.
pub struct Session {
    imap: Imap<Box<dyn Line>>,
    idle: bool,
    allowance: Allowance,
}

/// The mailbox that is open, as it says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// While it stays the same, a UID means the same mail (RFC 3501, 2.3.1.1).
    pub validity: Option<u32>,
}

/// Of a sent mail.
#[derive(Debug)]
pub struct Copy {
    /// The header lines `Message-ID`, as they stand in the mail.
    pub header: Bytes,
    /// When it was put there.
    pub at: Option<DateTime<Utc>>,
}

async fn within<T>(
    limit: Duration,
    what: &'static str,
    work: impl Future<Output = Result<T, ImapError>>,
) -> Result<T, Error> {
    match timeout(limit, work).await {
        Ok(result) => result.map_err(|error| Error::of(what, error)),
        Err(_) => Err(Error::Late(what)),
    }
}

async fn connected<T>(work: impl Future<Output = io::Result<T>>) -> Result<T, Error> {
    timeout(CONNECT, work).await.map_err(|_| Error::Late("the connection"))?.map_err(Error::Broken)
}

impl Session {
    pub async fn open(server: &Server) -> Result<Self, Error> {
        let tcp = connected(TcpStream::connect((server.host.as_str(), server.port))).await?;
        tcp.set_nodelay(true)?;
        let allowance = Allowance::of(ANSWER_BYTES);
        let tcp = Metered::new(tcp, allowance.clone());
        let line: Box<dyn Line> = match server.tls {
            Tls::Implicit => Box::new(protect(server, tcp).await?),
            Tls::None => Box::new(tcp),
            Tls::Required => {
                let mut client = Client::new(tcp);
                greeting(&mut client).await?;
                within(ANSWER, "STARTTLS", client.run_command_and_check_ok("STARTTLS", None)).await?;
                Box::new(protect(server, client.into_inner()).await?)
            }
        };
        let mut client = Client::new(line);
        if server.tls != Tls::Required {
            greeting(&mut client).await?;
        }
        let (user, password) = server.login.as_ref().ok_or(Error::Refused("LOGIN", "no login is set".to_owned()))?;
        let login = async { client.login(user, password).await.map_err(|(error, _)| error) };
        let mut imap = within(ANSWER, "LOGIN", login).await?;
        let idle = within(ANSWER, "CAPABILITY", imap.capabilities()).await?.has_str("IDLE");
        Ok(Self { imap, idle, allowance })
    }

    pub async fn select(&mut self, mailbox: &str) -> Result<Opened, Error> {
        self.allowance.renew(ANSWER_BYTES);
        let mailbox = within(ANSWER, "SELECT", self.imap.select(mailbox)).await?;
        Ok(Opened { validity: mailbox.uid_validity })
    }

    /// The mailbox that copies of sent mails are in: the one marked so (RFC 6154), else one with a usual name.
    pub async fn sent_mailbox(&mut self) -> Result<Option<String>, Error> {
        const USUAL: [&str; 4] = ["sent", "sent items", "sent messages", "sent mail"];
        self.allowance.renew(ANSWER_BYTES);
        let list = async { self.imap.list(Some(""), Some("*")).await?.try_collect::<Vec<Name>>().await };
        let names = within(ANSWER, "LIST", list).await?;
        let marked = names.iter().find(|name| name.attributes().contains(&NameAttribute::Sent));
        let usual = || {
            names.iter().find(|name| {
                let last = name.delimiter().and_then(|d| name.name().rsplit(d).next()).unwrap_or(name.name());
                USUAL.iter().any(|usual| last.eq_ignore_ascii_case(usual))
            })
        };
        Ok(marked.or_else(usual).map(|name| name.name().to_owned()))
    }

    /// UIDs that a search finds, in their order.
    pub async fn search(&mut self, query: &str) -> Result<BTreeSet<u32>, Error> {
        self.allowance.renew(LIST_BYTES);
        Ok(within(ANSWER, "SEARCH", self.imap.uid_search(query)).await?.into_iter().collect())
    }

    /// A mail's size in bytes; `None`: it is gone.
    pub async fn size(&mut self, uid: u32) -> Result<Option<u64>, Error> {
        let fetched = self.fetch(uid, "(UID RFC822.SIZE)", |mail| mail.size.map(u64::from)).await?;
        Ok(fetched.flatten())
    }

    /// A mail as it came, which stays unseen; `None`: it is gone.
    pub async fn mail(&mut self, uid: u32) -> Result<Option<Bytes>, Error> {
        let fetched = self.fetch(uid, "(UID BODY.PEEK[])", |mail| mail.body().map(Bytes::copy_from_slice)).await?;
        Ok(fetched.flatten())
    }

    /// What tells whose mail this is; `None`: it is gone.
    pub async fn copy(&mut self, uid: u32) -> Result<Option<Copy>, Error> {
        let items = "(UID INTERNALDATE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])";
        self.fetch(uid, items, |mail| Copy {
            header: mail.header().map(Bytes::copy_from_slice).unwrap_or_default(),
            at: mail.internal_date().map(|at| at.with_timezone(&Utc)),
        })
        .await
    }

    async fn fetch<T>(
        &mut self,
        uid: u32,
        items: &'static str,
        mut read: impl FnMut(&async_imap::types::Fetch) -> T,
    ) -> Result<Option<T>, Error> {
        self.allowance.renew(MAIL_BYTES);
        let mut found = None;
        let fetch = async {
            let mut mails = self.imap.uid_fetch(uid.to_string(), items).await?;
            while let Some(mail) = mails.try_next().await? {
                // A server may tell of other mails in between.
                if mail.uid == Some(uid) {
                    found = Some(read(&mail));
                }
            }
            Ok(())
        };
        within(FETCH, "FETCH", fetch).await?;
        Ok(found)
    }

    pub async fn mark_seen(&mut self, uid: u32) -> Result<(), Error> {
        self.allowance.renew(ANSWER_BYTES);
        let store = async {
            let answers = self.imap.uid_store(uid.to_string(), "+FLAGS.SILENT (\\Seen)").await?;
            answers.try_collect::<Vec<_>>().await.map(drop)
        };
        within(ANSWER, "STORE", store).await
    }

    /// From here on, news of the mailbox are news that [`Self::until_news`] hears of.
    pub fn forget_news(&mut self) {
        while self.imap.unsolicited_responses.try_recv().is_ok() {}
    }

    /// Waits until the mailbox changes, or for `longest`; whether it changed. A server without IDLE is asked at every `pace`.
    pub async fn until_news(mut self, longest: Duration, pace: Duration) -> Result<(Self, bool), Error> {
        self.allowance.renew(ANSWER_BYTES);
        if !self.idle {
            tokio::time::sleep(longest.min(pace)).await;
            within(ANSWER, "NOOP", self.imap.noop()).await?;
            return Ok((self, false));
        }
        let news = self.imap.unsolicited_responses.clone();
        let mut waiting = self.imap.idle();
        within(ANSWER, "IDLE", waiting.init()).await?;
        // What came in while the commands before it ran isn't told again.
        let mut told = false;
        while let Ok(response) = news.try_recv() {
            told |= matches!(response, UnsolicitedResponse::Exists(_) | UnsolicitedResponse::Recent(_));
        }
        if !told {
            let (changes, _stop) = waiting.wait_with_timeout(longest);
            match changes.await.map_err(|error| Error::of("IDLE", error))? {
                IdleResponse::NewData(_) => told = true,
                IdleResponse::Timeout => {}
                // Nobody interrupts it but the end of the line.
                IdleResponse::ManualInterrupt => return Err(Error::Broken(io::ErrorKind::UnexpectedEof.into())),
            }
        }
        let imap = within(ANSWER, "DONE", waiting.done()).await?;
        Ok((Self { imap, idle: true, allowance: self.allowance }, told))
    }

    pub async fn log_out(mut self) {
        let _ = timeout(Duration::from_millis(500), self.imap.logout()).await;
    }
}

async fn greeting<T: Line>(client: &mut Client<T>) -> Result<(), Error> {
    let greeting = timeout(ANSWER, client.read_response()).await.map_err(|_| Error::Late("the connection"))??;
    greeting.map(drop).ok_or_else(|| Error::Broken(io::ErrorKind::UnexpectedEof.into()))
}

async fn protect<T: Line>(server: &Server, tcp: T) -> Result<tokio_rustls::client::TlsStream<T>, Error> {
    // Reading the machine's certificates opens files.
    let roots = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    let found = roots.map_err(|error| Error::Tls(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(Error::Tls("this machine has no certificate authorities (install ca-certificates)".to_owned()));
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(server.host.clone()).map_err(|error| Error::Tls(error.to_string()))?;
    connected(TlsConnector::from(Arc::new(config)).connect(name, tcp)).await
}
