//! `steward up` and single services as a user meets them: readiness, servers that come and go, the way back.

mod running;

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::sys::signal::Signal;
use running::{Again, Running, Scratch, answers, get, servers_of};

/// F10: a stop takes at most ten seconds.
const STOP_LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn it_is_ready_when_run_json_is_there_and_stops_in_order() {
    let scratch = Scratch::new();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut steward = Running::start(&scratch, &["up"]);
        let run = steward.run_json();
        assert_eq!(run["http"], scratch.url());
        let nats = reqwest::Url::parse(run["nats"].as_str().expect("a url")).expect("a url");
        let password = nats.password().expect("one is made").to_owned();
        assert_eq!(get(&format!("{}/readyz", scratch.url())).await.map(|a| a.0), Some(200));
        assert_eq!(get(&format!("{}/healthz", scratch.url())).await.map(|a| a.0), Some(200));
        let metrics = get(&format!("{}/metrics", scratch.url())).await.expect("it listens");
        assert_eq!(metrics.0, 200);
        let before = std::time::Instant::now();
        let status = steward.stop(signal);
        assert!(status.success() && before.elapsed() < STOP_LIMIT, "{status}: {}", steward.said());
        assert!(!scratch.data().join("run.json").exists());
        assert_eq!(servers_of(&scratch), []);
        assert!(steward.said().contains(&scratch.url()), "its URL is printed: {}", steward.said());
        assert!(!steward.said().contains(&password), "no password is: {}", steward.said());
    }
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let scratch = Scratch::new();
    let mut steward = Running::start(&scratch, &["up"]);
    let body = serde_json::json!({"channel_id": "web", "contact": {"id": "ana"}, "text": "hello"});
    let messages = format!("{}/api/v1/messages", scratch.url());
    let kept: serde_json::Value = post(&messages, &body).await;
    steward.stop(Signal::SIGTERM);

    let _steward = Running::start(&scratch, &["up"]);
    let conversation = kept["conversation_id"].as_str().expect("an id");
    let said = answers(&format!("{}/api/v1/conversations/{conversation}/messages", scratch.url()), 200).await;
    assert!(said.contains("\"hello\""), "{said}");
}

async fn post(url: &str, body: &serde_json::Value) -> serde_json::Value {
    let answer = running::client().post(url).json(body).send().await.expect("it listens");
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.expect("JSON")
}

/// Servers that were stopped, and can be started again one by one.
struct Servers {
    nats: Again,
    postgres: Again,
    started: Vec<Child>,
}

impl Drop for Servers {
    fn drop(&mut self) {
        for child in &mut self.started {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The URLs of two servers that don't run now, and the means to run them.
fn stopped_servers(scratch: &Scratch) -> (serde_json::Value, Servers) {
    let mut steward = Running::start(scratch, &["servers"]);
    let run = steward.masters();
    let mut again: Vec<_> = servers_of(scratch).into_iter().map(Again::of).collect();
    steward.stop(Signal::SIGTERM);
    let postgres = again.iter().position(|a| a.is("postgres")).expect("it ran");
    let postgres = again.swap_remove(postgres);
    (run, Servers { nats: again.remove(0), postgres, started: Vec::new() })
}

#[tokio::test]
async fn servers_given_by_url_may_be_down_at_the_start_and_it_says_what_it_waits_for() {
    let theirs = Scratch::new();
    let (run, mut servers) = stopped_servers(&theirs);
    let mut scratch = Scratch::new();
    scratch.set("STEWARD__NATS__URL", run["nats"].as_str().expect("a url"));
    scratch.set("STEWARD__POSTGRES__URL", run["postgres"].as_str().expect("a url"));
    let mut steward = Running::spawn(&scratch, &["up"]);
    let readyz = format!("{}/readyz", scratch.url());
    waits_for(&readyz, "NATS").await;
    assert_eq!(get(&format!("{}/healthz", scratch.url())).await.map(|a| a.0), Some(200));
    let refused = answers(&format!("{}/api/v1/conversations", scratch.url()), 503).await;
    assert!(refused.contains("not_ready"), "{refused}");

    servers.started.push(servers.nats.run());
    waits_for(&readyz, "Postgres").await;
    servers.started.push(servers.postgres.run());
    answers(&readyz, 200).await;
    let said = steward.said();
    assert!(said.contains("NATS can't be reached") && said.contains("Postgres can't be reached"), "{said}");

    // The rest starts later.
    let nats = servers.started.remove(0);
    end(nats);
    waits_for(&readyz, "NATS").await;
    servers.started.insert(0, servers.nats.run());
    answers(&readyz, 200).await;
    let postgres = servers.started.remove(1);
    end(postgres);
    waits_for(&readyz, "Postgres").await;
    servers.started.push(servers.postgres.run());
    answers(&readyz, 200).await;
    assert!(steward.stop(Signal::SIGTERM).success());
    assert_eq!(servers_of(&scratch), [], "what is given by URL isn't run");
}

/// Waits until readiness is refused because of this server.
async fn waits_for(readyz: &str, server: &str) {
    let start = std::time::Instant::now();
    loop {
        let said = answers(readyz, 503).await;
        if said.contains(server) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(120), "it never waits for {server}: {said}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn end(mut child: Child) {
    child.kill().expect("ours");
    child.wait().expect("it ends");
}

#[tokio::test]
async fn a_stop_while_it_waits_for_a_server_is_heard() {
    let mut scratch = Scratch::new();
    scratch.set("STEWARD__NATS__URL", format!("nats://127.0.0.1:{}", running::free_port()));
    scratch.set("STEWARD__POSTGRES__URL", "postgres://nobody@127.0.0.1:1/steward");
    let mut steward = Running::spawn(&scratch, &["up"]);
    answers(&format!("{}/readyz", scratch.url()), 503).await;
    let before = std::time::Instant::now();
    let status = steward.stop(Signal::SIGTERM);
    assert!(status.success() && before.elapsed() < STOP_LIMIT, "{status}: {}", steward.said());
}

#[tokio::test]
async fn each_service_alone_finds_its_servers_by_run_json() {
    let scratch = Scratch::new();
    let _servers = Running::start(&scratch, &["servers"]);
    for service in ["ingestion", "agent-brain", "scheduler", "outbox-dispatcher", "projection"] {
        let mut alone = Running::spawn(&scratch, &[service]);
        answers(&format!("{}/readyz", scratch.url()), 200).await;
        let status = alone.stop(Signal::SIGTERM);
        assert!(status.success(), "{service}: {status}: {}", alone.said());
        assert_eq!(servers_of(&scratch).len(), 2, "the servers are not its own");
        assert!(scratch.data().join("run.json").exists(), "nor is run.json");
    }
}

#[test]
fn without_servers_a_service_alone_is_refused_and_both_ways_are_named() {
    for (service, server, key) in
        [("scheduler", "NATS", "STEWARD__NATS__URL"), ("projection", "NATS", "STEWARD__NATS__URL")]
    {
        let scratch = Scratch::new();
        let output = scratch.steward(&[service]).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success());
        for word in [server, key, "run.json", "steward servers"] {
            assert!(said.contains(word), "{word} is missing: {said}");
        }
    }
}

#[test]
fn an_address_in_use_is_named_with_the_remedy() {
    let scratch = Scratch::new();
    let _taken = std::net::TcpListener::bind(scratch.url().trim_start_matches("http://")).expect("free");
    let output = scratch.steward(&["up"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("STEWARD__SERVER__LISTEN"), "{said}");
}

#[test]
fn what_this_build_does_not_serve_is_refused_before_anything_starts() {
    let scratch = Scratch::new();
    let config = scratch.path().join("steward.toml");
    fs::write(&config, "[defaults]\nno_reply_after = '2d'\n").expect("written");
    // The file in the current directory is used although it isn't named.
    let output = scratch.steward(&["up"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("no_reply_after") && said.contains("doesn't serve yet"),
        "{said}"
    );
    assert!(!scratch.data().exists());
}

#[tokio::test]
async fn the_commands_on_a_running_system_answer() {
    let scratch = Scratch::new();
    let _steward = Running::start(&scratch, &["up"]);
    let run = |args: &[&str]| {
        let output = scratch.steward(args).output().expect("it runs");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{args:?}: {out}{err}");
        out.into_owned()
    };
    let key = run(&["keys", "create", "--role", "reader", "--name", "ana"]);
    assert!(key.starts_with("sk_default_"), "{key}");
    let keys = run(&["keys", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(keys.trim()).expect("one line of JSON");
    assert_eq!((listed["role"].as_str(), listed["name"].as_str()), (Some("reader"), Some("ana")));
    assert!(!keys.contains(key.trim()));
    run(&["keys", "revoke", listed["key_id"].as_str().expect("an id")]);
    assert_eq!(run(&["keys", "list", "--json"]), "");

    let events = run(&["events", "export"]);
    let types: Vec<String> = events
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["type"].to_string())
        .collect();
    assert_eq!(types, ["\"ApiKeyCreated\"", "\"ApiKeyRevoked\""]);
    assert!(!events.contains(key.trim()), "the log holds the hash alone");
    assert_eq!(run(&["events", "export", "--filter", "ev.*.tenant.*.api_key_revoked"]).lines().count(), 1);
    assert_eq!(run(&["events", "export", "--filter", "ev.*.contact.>"]), "");
    assert!(run(&["events", "get", "1"]).contains("ApiKeyCreated"));
    assert_eq!(run(&["dead-letters", "list"]).trim(), "no dead letters");
    assert!(run(&["rebuild"]).contains("2 events"));
    let doctor = run(&["doctor"]);
    for word in ["configuration", "nats", "stream EVENTS", "postgres", "read models"] {
        assert!(doctor.contains(word), "{word} is missing: {doctor}");
    }
    assert!(!doctor.contains("wrong"), "{doctor}");
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let scratch = Scratch::new();
    let output = scratch.steward(&["doctor"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("wrong   nats") && said.contains("steward servers"), "{said}");
}

#[tokio::test]
async fn a_chat_in_the_terminal_is_answered() {
    use std::io::Write;
    let scratch = Scratch::new();
    let _steward = Running::start(&scratch, &["up"]);
    let mut chat = scratch.steward(&["chat", "--language", "en", "--stay"]);
    let mut chat = chat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut input = chat.stdin.take().expect("asked for");
    writeln!(input, "ping me in 6 seconds").expect("it reads");
    let lines = std::io::BufReader::new(chat.stdout.take().expect("asked for"));
    let seen: Vec<String> = std::io::BufRead::lines(lines).map(|l| l.expect("text")).take(3).collect();
    chat.kill().expect("ours");
    chat.wait().expect("it ends");
    assert!(seen[0].contains("promised for"), "{seen:?}");
    assert!(
        seen[1].starts_with("bot: ") && seen[2].starts_with("bot: "),
        "the answer, then the promise kept: {seen:?}"
    );
}

#[tokio::test]
async fn traces_are_sent_where_the_variable_says_in_the_callers_trace() {
    use axum::{Router, body::Bytes, routing::post};
    let (sender, mut batches) = tokio::sync::mpsc::channel::<Bytes>(16);
    let take = move |body: Bytes| async move { drop(sender.send(body).await) };
    let collector = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", collector.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(collector, Router::new().route("/v1/traces", post(take))).await });
    let mut scratch = Scratch::new();
    scratch.set("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    let mut steward = Running::start(&scratch, &["up"]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = running::client().get(format!("{}/api/v1/conversations", scratch.url()));
    let answer = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01")).send().await;
    assert_eq!(answer.expect("it listens").status().as_u16(), 200);
    // Messages that haven't been sent yet are sent at the stop.
    let stop = tokio::task::spawn_blocking(move || steward.stop(Signal::SIGTERM));
    let id: Vec<u8> = (0..16).map(|i| u8::from_str_radix(&trace[2 * i..2 * i + 2], 16).expect("hex")).collect();
    let has = |body: &[u8], part: &[u8]| body.windows(part.len()).any(|window| window == part);
    let sent = async {
        while let Some(batch) = batches.recv().await {
            if has(&batch, &id) && has(&batch, b"/api/v1/conversations") {
                return true;
            }
        }
        false
    };
    assert!(tokio::time::timeout(Duration::from_secs(120), sent).await.expect("it is sent"));
    assert!(stop.await.expect("it ran").success());
}

#[test]
fn a_phrase_is_explained_and_batches_answer_line_by_line() {
    use std::io::Write;
    let scratch = Scratch::new();
    let args = ["time", "через неделю", "--zone", "Asia/Makassar", "--lang", "ru", "--at", "2026-11-21T09:00:00+08:00"];
    let output = scratch.steward(&args).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("28 November 2026, 10:00") && said.contains("rule"), "{said}");

    let mut batch = scratch.steward(&["time", "--batch"]);
    let mut batch = batch.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
    let mut input = batch.stdin.take().expect("asked for");
    let at = r#""ref":"2026-11-21T09:00:00+00:00","zone":"UTC""#;
    write!(
        input,
        "{{\"id\":\"a\",\"text\":\"in 2 hours\",\"lang\":\"en\",{at}}}\n\n{{\"id\":2,\"text\":\"зелёный стул\",\"lang\":\"ru\",{at}}}\n{{\"id\":\"c\",\"text\":\"x\",\"lang\":\"de\",{at}}}\nnonsense\n"
    )
    .expect("it reads");
    drop(input);
    let output = batch.wait_with_output().expect("it ends");
    let lines: Vec<serde_json::Value> =
        String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!((&lines[0]["id"], &lines[0]["outcome"]), (&"a".into(), &"instant".into()));
    assert_eq!(lines[0]["at"], "2026-11-21T11:00:00Z");
    assert_eq!(lines[0]["local"], "2026-11-21T11:00:00+00:00");
    assert_eq!(lines[0]["span"], serde_json::json!([0, 10]));
    assert_eq!((&lines[1]["id"], &lines[1]["outcome"], &lines[1]["at"]), (&2.into(), &"none".into(), &().into()));
    assert!(lines[2]["error"].as_str().is_some_and(|e| e.contains("de")) && lines[3]["error"].is_string());
    assert_eq!(output.status.code(), Some(1), "lines that can't be read are no success");
}

#[test]
fn every_command_explains_itself() {
    let help = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_steward")).args(args).arg("--help").output().expect("it runs");
        assert!(output.status.success(), "{args:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let all = help(&[]);
    let commands = [
        "up",
        "servers",
        "ingestion",
        "agent-brain",
        "scheduler",
        "outbox-dispatcher",
        "projection",
        "doctor",
        "rebuild",
        "events",
        "dead-letters",
        "keys",
        "time",
        "chat",
    ];
    for command in commands {
        assert!(all.contains(&format!("  {command} ")), "{command} is missing: {all}");
        let own = help(&[command]);
        let first = own.lines().next().unwrap_or_default();
        assert!(first.len() > 10 && own.contains("--data-dir"), "{command}: {own}");
        assert!(all.lines().any(|l| l.trim_start().starts_with(command) && l.trim().len() > command.len() + 10));
    }
}
