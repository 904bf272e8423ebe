//! Least privilege: what a user of NATS or a role of Postgres must not do is tried, and refused.
//!
//! What is tried is made from the permissions themselves; what they allow works.

#![allow(clippy::unwrap_used, reason = "tests")]

mod running;

use std::{collections::BTreeSet, time::Duration};

use async_nats::{Client, Event, HeaderMap, ServerError};
use running::{Running, Scratch};
use steward_log::permissions::{self, Limits, Rights, SERVICES, STREAMS};
use tokio::sync::mpsc;

const SOON: Duration = Duration::from_secs(120);

/// A connection, and what the server has denied it.
struct Tried {
    name: &'static str,
    inbox: String,
    client: Client,
    denials: mpsc::UnboundedReceiver<String>,
    attempts: usize,
}

impl Tried {
    async fn connect(credentials: &serde_json::Value, name: &'static str, inbox: &str) -> Self {
        let url = reqwest::Url::parse(credentials["nats"][name].as_str().expect("each user has a URL")).unwrap();
        let (tell, denials) = mpsc::unbounded_channel();
        let options = async_nats::ConnectOptions::with_user_and_password(
            url.username().to_owned(),
            url.password().unwrap().to_owned(),
        );
        let options = options.custom_inbox_prefix(inbox).event_callback(move |event| {
            if let Event::ServerError(ServerError::Other(text)) = event {
                let _ = tell.send(text);
            }
            std::future::ready(())
        });
        let client = options.connect(format!("nats://127.0.0.1:{}", url.port().unwrap())).await.unwrap();
        Self { name, inbox: inbox.to_owned(), client, denials, attempts: 0 }
    }

    /// Waits for the server's next denial, which must be about this subject.
    async fn denied(&mut self, subject: &str) {
        self.attempts += 1;
        self.client.flush().await.unwrap();
        let denial = tokio::time::timeout(SOON, self.denials.recv()).await;
        let denial = denial.unwrap_or_else(|_| panic!("{} may touch {subject}", self.name)).unwrap();
        assert!(denial.contains(&format!("\"{subject}\"")), "{}: {subject}: {denial}", self.name);
    }

    async fn may_not_publish(&mut self, subject: &str) {
        let reply = format!("{}.none", self.inbox);
        self.client.publish_with_reply(subject.to_owned(), reply, "{}".into()).await.unwrap();
        self.denied(subject).await;
    }

    async fn may_not_subscribe(&mut self, subject: &str) {
        let subscriber = self.client.subscribe(subject.to_owned()).await.unwrap();
        self.denied(subject).await;
        drop(subscriber);
    }

    /// The stream stores the request's message, and nothing is denied.
    async fn is_stored(&mut self, subject: &str) {
        let request = self.client.request(subject.to_owned(), "{}".into());
        let answer = tokio::time::timeout(SOON, request).await;
        let answer = answer.unwrap_or_else(|_| panic!("{} can't store {subject}", self.name)).unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
        assert!(answer["seq"].as_u64().is_some_and(|seq| seq > 0), "{}: {subject}: {answer}", self.name);
        assert!(self.denials.try_recv().is_err());
    }
}

fn fits(pattern: &str, subject: &str) -> bool {
    let (mut pattern, mut subject) = (pattern.split('.'), subject.split('.'));
    loop {
        match (pattern.next(), subject.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some(p), Some(s)) if p == "*" || p == s => {}
            _ => return false,
        }
    }
}

fn allows(limits: &Limits, subject: &str) -> bool {
    let any = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, subject));
    any(&limits.publish) && !any(&limits.refuse)
}

/// Subjects that somebody might want to publish on: every event of every service, streams, consumers, the account, the
/// server.
fn tempting(rights: &[(&'static str, Rights)]) -> BTreeSet<String> {
    let mut subjects = BTreeSet::new();
    for (name, rights) in rights {
        for (aggregate, events) in &rights.events {
            subjects.extend(events.iter().map(|event| format!("ev.default.{aggregate}.x.{event}")));
        }
        for (stream, consumer) in rights.durables.iter().flat_map(|(s, names)| names.iter().map(move |n| (s, n))) {
            for call in ["CREATE", "MSG.NEXT", "DELETE", "PAUSE", "UNPIN", "RESET", "DURABLE.CREATE"] {
                subjects.insert(format!("$JS.API.CONSUMER.{call}.{stream}.{consumer}"));
            }
            subjects.insert(format!("$JS.API.CONSUMER.CREATE.{stream}.{consumer}.ev.x"));
            subjects.insert(format!("$JS.ACK.{stream}.{consumer}.1.1.1.1.0"));
        }
        subjects.insert(format!("dead.{name}.1"));
        subjects.insert(format!("retry.{name}.1"));
    }
    for stream in STREAMS {
        for call in ["CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE", "SNAPSHOT", "RESTORE", "PEER.REMOVE"] {
            subjects.insert(format!("$JS.API.STREAM.{call}.{stream}"));
        }
        subjects.insert(format!("$JS.API.CONSUMER.LEADER.STEPDOWN.{stream}.any"));
    }
    let others = [
        "ev.default.conversation.x.forged",
        "ev.default.made_up.x.client_responded",
        "ev.default.conversation.client_responded",
        "sch.default.follow_up.x",
        "due.default.follow_up.x",
        "$KV.SCHEDULER.sweep_floor",
        "$O.BLOBS.M.eA==",
        "$O.TRACES.C.x",
        "$JS.API.STREAM.CREATE.OTHER",
        "$JS.API.STREAM.LIST",
        "$JS.API.ACCOUNT.PURGE.x",
        "$JS.API.META.LEADER.STEPDOWN",
        "$SYS.REQ.SERVER.PING",
        "$SYS.REQ.SERVER.x.SHUTDOWN",
        "$SYS.REQ.ACCOUNT.PING.CONNZ",
        "_INBOX.x.y",
        "anything",
    ];
    subjects.extend(others.map(str::to_owned));
    subjects
}

/// Before there were permissions, every service could do all of this.
#[tokio::test]
async fn every_user_of_nats_is_denied_what_its_permissions_do_not_name() {
    let scratch = Scratch::new();
    let steward = Running::start(&scratch, &["servers"]);
    let credentials = steward.credentials();
    let (rights, users) = (permissions::rights(), permissions::users());
    let mut attempts = 0;
    for user in &users {
        let Some(limits) = &user.limits else { continue };
        let mut tried = Tried::connect(&credentials, user.name, &user.inbox).await;
        for subject in tempting(&rights).iter().filter(|subject| !allows(limits, subject)) {
            tried.may_not_publish(subject).await;
        }
        let own = format!("{}.>", user.inbox);
        let inboxes = users.iter().map(|other| format!("{}.>", other.inbox)).filter(|inbox| *inbox != own);
        let others = [">", "ev.>", "sch.>", "due.>", "dead.>", "$SYS.>", "$JS.EVENT.ADVISORY.>", "$JS.API.>", "$KV.>"];
        let inboxes: Vec<String> = inboxes.chain(others.map(str::to_owned)).collect();
        for subject in &inboxes {
            tried.may_not_subscribe(subject).await;
        }
        println!("{}: {} attempts refused", user.name, tried.attempts);
        assert!(tried.attempts >= 40, "{}: {}", user.name, tried.attempts);
        attempts += tried.attempts;
    }
    println!("{attempts} attempts refused");
    let mut admin = Tried::connect(&credentials, permissions::ADMIN, "_INBOX").await;
    for (stream, first) in [("EVENTS", 0), ("TIMERS", 0), ("DEAD", 0), ("OBJ_BLOBS", 0), ("OBJ_TRACES", 0)] {
        let info = admin.client.request(format!("$JS.API.STREAM.INFO.{stream}"), "".into()).await.unwrap();
        let info: serde_json::Value = serde_json::from_slice(&info.payload).unwrap();
        assert_eq!(info["state"]["last_seq"], first, "nothing got into {stream}");
    }
    admin.is_stored("ev.default.conversation.x.by_hand").await;
}

#[tokio::test]
async fn every_service_records_its_own_events_and_reads_the_log() {
    let scratch = Scratch::new();
    let steward = Running::start(&scratch, &["servers"]);
    let credentials = steward.credentials();
    for (name, rights) in permissions::rights() {
        let user = permissions::users().into_iter().find(|user| user.name == name).unwrap();
        let mut tried = Tried::connect(&credentials, name, &user.inbox).await;
        for (aggregate, events) in &rights.events {
            for event in events {
                tried.is_stored(&format!("ev.default.{aggregate}.{name}.{event}")).await;
            }
        }
        for letters in &rights.letters {
            tried.is_stored(&format!("dead.{letters}.1")).await;
        }
        let jetstream = async_nats::jetstream::new(tried.client.clone());
        for stream in &rights.read {
            jetstream.get_stream(stream).await.unwrap();
        }
        assert!(tried.denials.try_recv().is_err(), "{name}");
    }
}

/// The server doesn't check a schedule's target against its writer's rights, so no schedule must be able to name an
/// event.
#[tokio::test]
async fn the_scheduler_forges_no_event_by_a_schedule() {
    let scratch = Scratch::new();
    let steward = Running::start(&scratch, &["servers"]);
    let mut scheduler = Tried::connect(&steward.credentials(), SERVICES[2], "_INBOX_scheduler").await;
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Schedule", "@at 2020-01-01T00:00:00Z");
    headers.insert("Nats-Schedule-Target", "ev.default.conversation.x.client_responded");
    let request = async_nats::Request::new().headers(headers).payload("{}".into());
    let answer = scheduler.client.send_request("sch.default.follow_up.x", request).await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
    assert_eq!(answer["error"]["err_code"], 10190, "{answer}");
    scheduler.is_stored("sch.default.follow_up.x").await;
}

struct Database {
    client: tokio_postgres::Client,
    role: &'static str,
    attempts: usize,
}

impl Database {
    async fn connect(credentials: &serde_json::Value, role: &'static str) -> Self {
        let url = credentials["postgres"][role].as_str().expect("each role has a URL");
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        Self { client, role, attempts: 0 }
    }

    async fn may_not(&mut self, sql: &str) {
        self.attempts += 1;
        let refused = self.client.batch_execute(sql).await;
        let error = refused.err().unwrap_or_else(|| panic!("{} may {sql}", self.role));
        // The right is missing, or the thing is another's. That something is read-only or unknown would prove nothing.
        let code = error.code().map(tokio_postgres::error::SqlState::code);
        assert_eq!(code, Some("42501"), "{}: {sql}: {error:?}", self.role);
    }
}

#[tokio::test]
async fn no_role_of_postgres_does_more_than_its_work() {
    let scratch = Scratch::new();
    let mut steward = Running::start(&scratch, &["up"]);
    let credentials = steward.credentials();
    let mut owner = Database::connect(&credentials, "owner").await;
    let mut projector = Database::connect(&credentials, "projector").await;
    let mut reader = Database::connect(&credentials, "reader").await;
    let schema: String =
        owner.client.query_one("SELECT schema FROM steward.active", &[]).await.expect("the tables are made").get(0);

    let everybody = [
        "CREATE ROLE more SUPERUSER",
        "CREATE DATABASE more",
        "ALTER ROLE postgres LOGIN PASSWORD 'x'",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "ALTER SYSTEM SET log_statement = 'all'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/steward-least-privilege'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('/')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
        "SELECT pg_reload_conf()",
        "DROP TABLE pg_catalog.pg_class",
        // Other roles, and more rights for its own.
        "ALTER ROLE steward_owner SUPERUSER",
        "ALTER ROLE steward_owner CREATEDB CREATEROLE",
        "ALTER ROLE steward_reader BYPASSRLS",
        "ALTER ROLE steward_projector REPLICATION",
        "DROP ROLE steward_reader",
        "GRANT postgres TO steward_reader",
        "GRANT pg_read_server_files TO steward_owner",
        "GRANT pg_execute_server_program TO steward_projector",
        "REASSIGN OWNED BY postgres TO steward_owner",
        "DROP OWNED BY postgres",
        "SELECT passwd FROM pg_shadow",
        // Other databases, and the cluster.
        "DROP DATABASE postgres",
        "ALTER DATABASE template1 SET log_statement = 'all'",
        "COMMENT ON DATABASE postgres IS 'x'",
        "CREATE TABLESPACE more LOCATION '/tmp'",
        "CHECKPOINT",
        "SELECT pg_switch_wal()",
        "SELECT pg_promote()",
        "SELECT pg_rotate_logfile()",
        "SELECT pg_create_restore_point('more')",
        "SELECT pg_create_physical_replication_slot('more')",
        "SELECT pg_stat_reset()",
        // The catalogue.
        "UPDATE pg_catalog.pg_authid SET rolsuper = true",
        "DELETE FROM pg_catalog.pg_database",
        "INSERT INTO pg_catalog.pg_auth_members SELECT * FROM pg_catalog.pg_auth_members",
        "ALTER TABLE pg_catalog.pg_class ADD COLUMN more text",
        "ALTER SCHEMA pg_catalog RENAME TO more",
        "SELECT * FROM pg_statistic",
        "SELECT subconninfo FROM pg_subscription",
        // The machine's files and programs.
        "COPY pg_catalog.pg_class FROM '/etc/passwd'",
        "SELECT pg_read_binary_file('/etc/passwd')",
        "SELECT pg_stat_file('/etc/passwd')",
        "SELECT pg_ls_waldir()",
        "SELECT lo_export(1, '/tmp/steward-least-privilege')",
        "SELECT * FROM pg_hba_file_rules",
        "LOAD '/tmp/steward-least-privilege.so'",
        "CREATE FUNCTION public.more() RETURNS int LANGUAGE c AS '/bin/true'",
        "CREATE FUNCTION public.more() RETURNS int LANGUAGE internal AS 'pg_backend_pid'",
        // What others do, and what of it is seen.
        "CREATE EVENT TRIGGER more ON ddl_command_start EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "CREATE PUBLICATION more FOR ALL TABLES",
        "CREATE FOREIGN DATA WRAPPER more",
        "CREATE ACCESS METHOD more TYPE INDEX HANDLER bthandler",
        "CREATE CAST (text AS int) WITHOUT FUNCTION",
        "SET log_statement = 'none'",
        "SET session_replication_role = 'replica'",
        "SET session_preload_libraries = 'more'",
        "SET allow_system_table_mods = on",
    ];
    for sql in everybody {
        owner.may_not(sql).await;
        projector.may_not(sql).await;
        reader.may_not(sql).await;
    }
    let of_the_owner = [
        "CREATE SCHEMA more".to_owned(),
        "CREATE TABLE public.more (it text)".to_owned(),
        "CREATE TEMP TABLE more (it text)".to_owned(),
        format!("CREATE TABLE {schema}.more (it text)"),
        format!("DROP TABLE {schema}.messages"),
        format!("TRUNCATE {schema}.messages"),
        format!("ALTER TABLE {schema}.messages ADD COLUMN more text"),
        format!("ALTER TABLE {schema}.messages DISABLE TRIGGER ALL"),
        format!("DROP SCHEMA {schema} CASCADE"),
        format!("CREATE INDEX more ON {schema}.messages (text)"),
        "DROP DATABASE steward".to_owned(),
        "ALTER DATABASE steward SET log_statement = 'all'".to_owned(),
        "SET ROLE steward_owner".to_owned(),
        "SELECT nextval('steward.read_model_number')".to_owned(),
        "DO $$ BEGIN LOCK TABLE steward.active IN ACCESS EXCLUSIVE MODE; END $$".to_owned(),
    ];
    for sql in &of_the_owner {
        reader.may_not(sql).await;
        // Whoever writes rows may also lock their table.
        if !sql.contains("LOCK TABLE") {
            projector.may_not(sql).await;
        }
    }
    let of_the_projector = [
        format!("INSERT INTO {schema}.conversations SELECT * FROM {schema}.conversations"),
        format!("UPDATE {schema}.conversations SET tenant = 'other'"),
        format!("DELETE FROM {schema}.messages"),
        format!("COPY {schema}.messages FROM STDIN"),
        "UPDATE steward.active SET position = 0".to_owned(),
        "DELETE FROM steward.active".to_owned(),
        "SELECT position FROM steward.active FOR UPDATE".to_owned(),
        "SET ROLE steward_projector".to_owned(),
    ];
    for sql in &of_the_projector {
        reader.may_not(sql).await;
        if sql.starts_with("UPDATE steward.active") {
            projector.client.batch_execute(&format!("BEGIN; {sql}; ROLLBACK")).await.expect("its own work");
        }
    }
    reader.client.query(&format!("SELECT * FROM {schema}.messages"), &[]).await.expect("its own work");
    for role in [&owner, &projector, &reader] {
        println!("{}: {} attempts refused", role.role, role.attempts);
        assert!(role.attempts >= 40, "{}: {}", role.role, role.attempts);
    }

    // The superuser may not log in, nor anybody into another database.
    let port = reqwest::Url::parse(credentials["postgres"]["reader"].as_str().unwrap()).unwrap().port().unwrap();
    for url in [
        format!("postgres://postgres@127.0.0.1:{port}/steward"),
        format!("postgres://postgres:x@127.0.0.1:{port}/postgres"),
        credentials["postgres"]["owner"].as_str().unwrap().replace("/steward", "/postgres"),
        credentials["postgres"]["reader"].as_str().unwrap().replace("/steward", "/template1"),
    ] {
        let error = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.map(drop).unwrap_err();
        assert_eq!(error.code().map(|code| code.code()), Some("28000"), "no line of pg_hba.conf lets it in: {error:?}");
    }
    assert!(steward.stop(nix::sys::signal::Signal::SIGTERM).success());
}
