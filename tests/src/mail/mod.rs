//! A mail host for tests: a real SMTP and a real IMAP server over the same mailboxes.
//!
//! They are aiosmtpd and pymap, in a process of their own (`servers.py` beside this file).

mod received;
mod written;

use std::{
    collections::HashMap,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{oneshot, watch},
};

use crate::python;
pub use received::Received;
pub use written::{answer, written};

const PACKAGES: &[&str] = &["aiosmtpd==1.4.6", "pymap==0.36.7", "trustme==1.2.1"];
/// The password of every account.
pub const PASSWORD: &str = "p:ss/w@rd";
/// How long a command to the servers may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// How the SMTP server, or the connection to it, fails.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The recipient is refused with this reply.
    Recipient(&'static str),
    /// The connection is cut before the server has asked for the mail's content.
    CutBefore,
    /// The mail is refused with this reply after its final dot.
    Content(&'static str),
    /// The mail is taken, and the connection is cut before the answer.
    CutAfter,
}

/// The running servers, which end when this is dropped.
pub struct Mail {
    child: Child,
    commands: tokio::sync::Mutex<ChildStdin>,
    shared: Arc<Shared>,
    ports: HashMap<String, u16>,
    next: AtomicU64,
    certificates: Option<TempDir>,
}

struct Shared {
    state: Mutex<State>,
    /// How many mails the SMTP server has taken.
    taken: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    taken: Vec<Received>,
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    /// The servers have ended, so no command is answered any more.
    ended: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the lock")
    }
}

impl Mail {
    /// Starts servers with these mailboxes, without TLS.
    pub async fn start(accounts: &[&str]) -> anyhow::Result<Self> {
        Self::launch(accounts, None, false, &HashMap::new()).await
    }

    /// Ends the servers: nobody listens any more, and what was in the mailboxes is lost.
    pub async fn go_down(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Starts other servers without TLS at the same addresses, with empty mailboxes whose UIDs are different.
    pub async fn come_back(&mut self, accounts: &[&str]) -> anyhow::Result<()> {
        *self = Self::launch(accounts, None, false, &self.ports).await?;
        Ok(())
    }

    /// Starts servers without TLS that put a copy of what an account sends into its folder `Sent`.
    pub async fn start_with_copies(accounts: &[&str]) -> anyhow::Result<Self> {
        Self::launch(accounts, None, true, &HashMap::new()).await
    }

    /// Starts servers that also listen with TLS, where they want a login.
    pub async fn start_with_tls(accounts: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("steward-test-tls-").tempdir()?;
        let program = python::interpreter("mail-servers", PACKAGES).await?;
        let place = folder.path().to_str().context("a path in UTF-8")?;
        let script = script();
        let arguments = [script.to_str().context("a path in UTF-8")?, "--certificates", place];
        python::run(program.to_str().context("a path in UTF-8")?, &arguments).await?;
        Self::launch(accounts, Some(folder), false, &HashMap::new()).await
    }

    async fn launch(
        accounts: &[&str],
        certificates: Option<TempDir>,
        copies: bool,
        ports: &HashMap<String, u16>,
    ) -> anyhow::Result<Self> {
        let program = python::interpreter("mail-servers", PACKAGES).await?;
        let accounts: HashMap<_, _> = accounts.iter().map(|address| (*address, PASSWORD)).collect();
        let folder = certificates.as_ref().map(TempDir::path);
        let settings = json!({ "accounts": accounts, "certificates": folder, "copies": copies, "ports": ports });
        let mut child = Command::new(program)
            .arg(script())
            .arg(settings.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let commands = child.stdin.take().context("it was asked for")?;
        let mut said = BufReader::new(child.stdout.take().context("it was asked for")?).lines();
        let first =
            tokio::time::timeout(PATIENCE, said.next_line()).await.context("the mail servers say nothing")??;
        let first: Value = serde_json::from_str(&first.context("the mail servers ended at once")?)?;
        let ports = serde_json::from_value(first["ports"].clone()).context("the first line names the ports")?;
        let shared = Arc::new(Shared { state: Mutex::default(), taken: watch::Sender::new(0) });
        tokio::spawn(listen(said, Arc::clone(&shared)));
        let commands = tokio::sync::Mutex::new(commands);
        Ok(Self { child, commands, shared, ports, next: AtomicU64::new(1), certificates })
    }

    fn port(&self, of: &str) -> u16 {
        *self.ports.get(of).unwrap_or_else(|| panic!("these servers have no {of}"))
    }

    /// The `smtp_url` without TLS and login.
    pub fn smtp_url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port("smtp"))
    }

    /// The `smtp_url` with TLS from the first byte on.
    pub fn smtps_url(&self, account: &str) -> String {
        format!("smtps://{}@localhost:{}", login(account), self.port("smtps"))
    }

    /// The `smtp_url` with STARTTLS.
    pub fn submission_url(&self, account: &str) -> String {
        format!("smtp://{}@localhost:{}?tls=required", login(account), self.port("submission"))
    }

    /// The `imap_url` without TLS.
    pub fn imap_url(&self, account: &str) -> String {
        format!("imap://{}@127.0.0.1:{}", login(account), self.port("imap"))
    }

    pub fn imaps_url(&self, account: &str) -> String {
        format!("imaps://{}@localhost:{}", login(account), self.port("imaps"))
    }

    /// The certificate of the authority that has signed the servers' own.
    pub fn authority(&self) -> Option<PathBuf> {
        Some(self.certificates.as_ref()?.path().join("authority.pem"))
    }

    async fn command(&self, mut command: Value) -> anyhow::Result<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        command["id"] = id.into();
        let (answer, answered) = oneshot::channel();
        {
            let mut state = self.shared.state();
            anyhow::ensure!(!state.ended, "the mail servers have ended");
            state.waiting.insert(id, answer);
        }
        self.commands.lock().await.write_all(format!("{command}\n").as_bytes()).await?;
        let mut answer = tokio::time::timeout(PATIENCE, answered).await.context("no answer")??;
        match answer["error"].as_str() {
            Some(error) => bail!("the mail servers couldn't: {error}"),
            None => Ok(answer["answer"].take()),
        }
    }

    /// Sends a mail over SMTP, as its author's own server would.
    pub async fn send(&self, from: &str, to: &str, content: &str) -> anyhow::Result<()> {
        let mail = json!({ "from": from, "to": [to], "content": encoded(content) });
        self.command(json!({ "send": mail })).await.map(drop)
    }

    /// Puts a mail into a mailbox, as a person's mail program does with its copies.
    pub async fn put(&self, account: &str, mailbox: &str, content: &str, seen: bool) -> anyhow::Result<()> {
        self.place(account, mailbox, content, seen, true).await
    }

    /// Puts a new mail into the inbox without a word to whoever waits for news: as some servers do while one asks them
    /// something else.
    pub async fn put_untold(&self, account: &str, content: &str) -> anyhow::Result<()> {
        self.place(account, "INBOX", content, false, false).await
    }

    async fn place(&self, account: &str, mailbox: &str, content: &str, seen: bool, told: bool) -> anyhow::Result<()> {
        let content = encoded(content);
        let mail = json!({ "account": account, "mailbox": mailbox, "content": content, "seen": seen, "told": told });
        self.command(json!({ "put": mail })).await.map(drop)
    }

    /// Makes the next mail meet this fault; several faults are met in order.
    pub async fn fail_next(&self, fault: Fault) -> anyhow::Result<()> {
        let (stage, reply) = match fault {
            Fault::Recipient(reply) => ("recipient", reply),
            Fault::CutBefore => ("recipient", "drop"),
            Fault::Content(reply) => ("content", reply),
            Fault::CutAfter => ("taken", "drop"),
        };
        self.command(json!({ "fail_next": { "stage": stage, "reply": reply } })).await.map(drop)
    }

    /// For each mail of a mailbox, in order, whether it is marked as seen.
    pub async fn seen(&self, account: &str, mailbox: &str) -> anyhow::Result<Vec<bool>> {
        let list = self.command(json!({ "list": { "account": account, "mailbox": mailbox } })).await?;
        let list = list.as_array().context("a list")?;
        Ok(list.iter().map(|mail| mail["seen"] == true).collect())
    }

    /// All mails that the SMTP server took, in order.
    pub fn taken(&self) -> Vec<Received> {
        self.shared.state().taken.clone()
    }

    /// The mails that the SMTP server took for one address, in order.
    pub fn taken_for(&self, address: &str) -> Vec<Received> {
        self.shared.state().taken.iter().filter(|mail| mail.is_to(address)).cloned().collect()
    }

    /// Waits until `count` mails for an address have been taken and returns them.
    pub async fn until_taken_for(
        &self,
        address: &str,
        count: usize,
        within: Duration,
    ) -> anyhow::Result<Vec<Received>> {
        let mut changes = self.shared.taken.subscribe();
        let wait = async {
            loop {
                let mails = self.taken_for(address);
                if mails.len() >= count {
                    return mails;
                }
                changes.changed().await.expect("the sender lives as long as these servers");
            }
        };
        tokio::time::timeout(within, wait).await.map_err(|_| {
            let here: Vec<_> = self.taken().into_iter().map(|mail| (mail.to, mail.subject)).collect();
            anyhow::anyhow!("not {count} mails for {address} within {within:?}; there are {here:?}")
        })
    }
}

/// Takes in what the servers say.
async fn listen(mut said: Lines<BufReader<ChildStdout>>, shared: Arc<Shared>) {
    while let Ok(Some(line)) = said.next_line().await {
        let Ok(value) = serde_json::from_str::<Value>(&line) else { continue };
        if value["mail"].is_object() {
            let mut state = shared.state();
            state.taken.push(Received::read(&value["mail"]));
            shared.taken.send_replace(state.taken.len());
        } else if let Some(id) = value["id"].as_u64()
            && let Some(waiting) = shared.state().waiting.remove(&id)
        {
            let _ = waiting.send(value);
        }
    }
    let mut state = shared.state();
    state.ended = true;
    state.waiting.clear();
}

fn script() -> PathBuf {
    crate::binary::repository().join("tests/src/mail/servers.py")
}

/// User and password, as a URL has them.
fn login(account: &str) -> String {
    let percent = |text: &str| {
        text.bytes().fold(String::new(), |mut url, b| {
            if b.is_ascii_alphanumeric() || b == b'.' || b == b'-' {
                url.push(char::from(b));
            } else {
                url.push_str(&format!("%{b:02X}"));
            }
            url
        })
    };
    format!("{}:{}", percent(account), percent(PASSWORD))
}

fn encoded(content: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(content.replace("\r\n", "\n").replace('\n', "\r\n"))
}
