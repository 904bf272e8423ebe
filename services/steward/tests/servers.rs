//! The managed servers as a user meets them: `steward servers` is started, killed in every way, and started again.

mod running;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use running::{Running, Scratch, eventually, servers_of};

#[tokio::test]
async fn the_urls_in_run_json_work_as_they_stand_and_it_is_gone_after_a_clean_stop() {
    let scratch = Scratch::new();
    let mut steward = Running::start(&scratch, &["servers"]);
    let file = scratch.data().join("run.json");
    let mode = fs::metadata(&file).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let run = steward.run_json();
    assert_eq!(run["pid"], steward.pid());
    assert!(run["version"].as_str().is_some_and(|v| !v.is_empty()));
    running::read_nats(run["nats"].as_str().expect("a url")).await;
    running::read_postgres(run["postgres"].as_str().expect("a url")).await;
    let credentials = scratch.data().join("credentials.json");
    assert_eq!(fs::metadata(&credentials).expect("there").permissions().mode() & 0o777, 0o600);
    let masters = steward.masters();
    running::use_nats(masters["nats"].as_str().expect("a url")).await;
    running::use_postgres(masters["postgres"].as_str().expect("a url")).await;
    let children = servers_of(&scratch);
    assert_eq!(children.len(), 2, "{children:?}");

    let status = steward.stop(Signal::SIGTERM);
    assert!(status.success(), "{status}: {}", steward.said());
    assert!(!file.exists() && !credentials.exists());
    assert_eq!(servers_of(&scratch), []);
}

#[tokio::test]
async fn a_second_start_goes_on_with_the_data_of_the_first() {
    let scratch = Scratch::new();
    let mut first = Running::start(&scratch, &["servers"]);
    let before = first.masters();
    running::use_nats(before["nats"].as_str().expect("a url")).await;
    running::use_postgres(before["postgres"].as_str().expect("a url")).await;
    first.stop(Signal::SIGINT);

    let second = Running::start(&scratch, &["servers"]);
    let after = second.masters();
    assert_eq!(
        (&before["nats"], &before["postgres"]),
        (&after["nats"], &after["postgres"]),
        "ports and passwords stay"
    );
    running::nats_was_used(after["nats"].as_str().expect("a url")).await;
    running::postgres_was_used(after["postgres"].as_str().expect("a url")).await;
}

/// An earlier version's server had no accounts, and kept its streams elsewhere.
#[tokio::test]
async fn the_streams_of_a_server_without_accounts_are_found_again() {
    let scratch = Scratch::new();
    let mut first = Running::start(&scratch, &["servers"]);
    running::use_nats(first.masters()["nats"].as_str().expect("a url")).await;
    first.stop(Signal::SIGTERM);
    let store = scratch.data().join("nats/store/jetstream");
    fs::rename(store.join("STEWARD"), store.join("$G")).expect("the streams are there");
    let second = Running::start(&scratch, &["servers"]);
    running::nats_was_used(second.masters()["nats"].as_str().expect("a url")).await;
    assert!(!store.join("$G").exists());
}

#[tokio::test]
async fn killed_alone_or_with_its_group_it_leaves_no_server_behind_and_starts_again() {
    let scratch = Scratch::new();
    for whole_group in [false, true] {
        let mut steward = Running::start(&scratch, &["servers"]);
        running::use_nats(steward.masters()["nats"].as_str().expect("a url")).await;
        assert_eq!(servers_of(&scratch).len(), 2);
        steward.kill(whole_group);
        eventually("the servers end by themselves", || servers_of(&scratch).is_empty());
    }
    // It starts right after the kill, so it may meet servers that are still stopping.
    let mut killed = Running::start(&scratch, &["servers"]);
    killed.kill(false);
    let steward = Running::start(&scratch, &["servers"]);
    assert!(!steward.said().contains("trying again"), "{}", steward.said());
    running::nats_was_used(steward.masters()["nats"].as_str().expect("a url")).await;
    assert_eq!(servers_of(&scratch).len(), 2);
}

#[tokio::test]
async fn killed_together_with_its_servers_it_starts_again_at_once() {
    let scratch = Scratch::new();
    let mut steward = Running::start(&scratch, &["servers"]);
    running::use_nats(steward.masters()["nats"].as_str().expect("a url")).await;
    running::use_postgres(steward.masters()["postgres"].as_str().expect("a url")).await;
    for _ in 0..5 {
        let servers = servers_of(&scratch);
        steward.kill(true);
        for pid in servers {
            let _ = nix::sys::signal::kill(pid, Signal::SIGKILL);
        }
        // Processes that Postgres had forked may still be at work on its data.
        steward = Running::start(&scratch, &["servers"]);
        running::nats_was_used(steward.masters()["nats"].as_str().expect("a url")).await;
        running::postgres_was_used(steward.masters()["postgres"].as_str().expect("a url")).await;
    }
}

#[tokio::test]
async fn a_start_copes_with_servers_that_an_earlier_run_left_behind() {
    let scratch = Scratch::new();
    let mut first = Running::start(&scratch, &["servers"]);
    let commands: Vec<_> = servers_of(&scratch).iter().map(|pid| running::Again::of(*pid)).collect();
    first.stop(Signal::SIGTERM);
    // The same two servers run again, but they are nobody's children.
    let mut orphans: Vec<_> = commands.iter().map(running::Again::run).collect();
    eventually("both orphans run", || servers_of(&scratch).len() == 2);
    let before = servers_of(&scratch);

    let steward = Running::start(&scratch, &["servers"]);
    assert!(steward.said().contains("left behind"), "{}", steward.said());
    for orphan in &mut orphans {
        orphan.wait().expect("it ended");
    }
    let after = servers_of(&scratch);
    assert_eq!(after.len(), 2);
    assert!(after.iter().all(|pid| !before.contains(pid)), "{before:?} {after:?}");
    running::use_nats(steward.masters()["nats"].as_str().expect("a url")).await;
    running::use_postgres(steward.masters()["postgres"].as_str().expect("a url")).await;
}

#[tokio::test]
async fn a_killed_server_comes_back_on_its_port_with_its_data() {
    let scratch = Scratch::new();
    let steward = Running::start(&scratch, &["servers"]);
    let run = steward.run_json();
    let masters = steward.masters();
    let (nats, postgres) = (masters["nats"].as_str().expect("a url"), masters["postgres"].as_str().expect("a url"));
    running::use_nats(nats).await;
    running::use_postgres(postgres).await;
    for round in 0..3 {
        let before = servers_of(&scratch);
        for pid in &before {
            nix::sys::signal::kill(*pid, Signal::SIGKILL).expect("killed");
        }
        eventually("both run again", || {
            let now = servers_of(&scratch);
            now.len() == 2 && now.iter().all(|pid| !before.contains(pid))
        });
        running::nats_was_used(nats).await;
        running::postgres_was_used(postgres).await;
        assert_eq!(steward.run_json(), run, "round {round}");
    }
}

#[tokio::test]
async fn one_data_directory_is_used_by_one_steward_only() {
    let scratch = Scratch::new();
    let first = Running::start(&scratch, &["servers"]);
    let second = scratch.steward(&["servers"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success());
    assert!(said.contains(&first.pid().to_string()) && said.contains("--data-dir"), "{said}");
    running::use_nats(first.masters()["nats"].as_str().expect("a url")).await;
}

#[tokio::test]
async fn an_ordinary_user_runs_it_too_and_a_pid_file_that_names_a_strangers_process_is_no_obstacle() {
    let scratch = Scratch::of_an_ordinary_user();
    let mut first = Running::start(&scratch, &["servers"]);
    running::use_postgres(first.masters()["postgres"].as_str().expect("a url")).await;
    first.stop(Signal::SIGTERM);
    // This is what a power loss in a container leads to, where a new process soon has the old pid.
    let mut stranger = scratch.as_its_user(Command::new("sleep").arg("600")).spawn().expect("sleep runs");
    let pid_file = scratch.data().join("postgres/data/postmaster.pid");
    let text = format!("{}\n{}\n1\n5432\n\n127.0.0.1\n", stranger.id(), scratch.data().join("postgres/data").display());
    fs::write(&pid_file, text).expect("written");
    scratch.give(&pid_file);

    let second = Running::start(&scratch, &["servers"]);
    running::postgres_was_used(second.masters()["postgres"].as_str().expect("a url")).await;
    assert!(stranger.try_wait().expect("asked").is_none(), "the stranger was left alone");
    stranger.kill().expect("ours to end");
    stranger.wait().expect("ended");
}

#[tokio::test]
async fn a_data_directory_below_one_that_others_may_not_enter_serves() {
    let scratch = Scratch::closed();
    let mut steward = Running::start(&scratch, &["servers"]);
    running::use_postgres(steward.masters()["postgres"].as_str().expect("a url")).await;
    steward.stop(Signal::SIGTERM);
    let steward = Running::start(&scratch, &["servers"]);
    running::postgres_was_used(steward.masters()["postgres"].as_str().expect("a url")).await;
}

#[test]
fn a_server_that_cannot_be_had_is_refused_in_one_sentence_with_the_remedy() {
    for (variable, remedy) in [("STEWARD_NATS_SERVER", "2.14"), ("STEWARD_POSTGRES_BIN", "PostgreSQL 15")] {
        let scratch = Scratch::new();
        let output = scratch.steward(&["servers"]).env(variable, "/nonexistent/bin").output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = said.lines().last().unwrap_or_default();
        assert!(!output.status.success());
        assert!(last.contains(variable) && last.contains("/nonexistent/bin") && last.contains(remedy), "{said}");
        assert_eq!(servers_of(&scratch), [], "what had been started is stopped");
    }
}

/// A nats-server whose disk was full goes on refusing when there is room (2.15): it has to be started again.
#[tokio::test]
async fn a_nats_server_that_met_a_full_disk_is_started_again_once_there_is_room() {
    let mut scratch = Scratch::new();
    let real = {
        let first = Running::start(&scratch, &["servers"]);
        running::use_nats(first.masters()["nats"].as_str().expect("a url")).await;
        running::nats_of(&scratch)
    };
    let (stand_in, full) = (scratch.path().join("nats-server"), scratch.path().join("full"));
    let script = format!(
        "#!/bin/sh\n([ \"$1\" = --version ] && exit; n=0; while [ ! -e {full} ]; do n=$((n+1)); [ $n -gt 300 ] && exit; \
         sleep 0.1; done; rm {full}; echo 'write: no space left on device' >&2) >/dev/null &\nexec {real} \"$@\"\n",
        full = full.display(),
        real = real.display(),
    );
    fs::write(&stand_in, script).expect("written");
    fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).expect("ours");
    scratch.set("STEWARD_NATS_SERVER", &stand_in);
    let steward = Running::start(&scratch, &["servers"]);
    let before = servers_of(&scratch);
    fs::write(&full, "").expect("written");
    eventually("it is started again", || {
        let now = servers_of(&scratch);
        now.len() == 2 && now != before
    });
    assert!(steward.said().contains("there is room on the disk again"), "{}", steward.said());
    running::nats_was_used(steward.masters()["nats"].as_str().expect("a url")).await;
}

#[tokio::test]
async fn no_child_gets_a_token_of_ours() {
    let mut scratch = Scratch::new();
    scratch.set("TG_TOKEN", "hunter2");
    scratch.set("STEWARD__BRAIN__PROVIDERS__OPENAI__API_KEY", "hunter2");
    let steward = Running::start(&scratch, &["servers"]);
    let children = servers_of(&scratch);
    assert_eq!(children.len(), 2, "{}", steward.said());
    for pid in children {
        let environment = fs::read(format!("/proc/{pid}/environ")).expect("it runs");
        let environment = String::from_utf8_lossy(&environment);
        assert!(environment.contains("PATH=") && !environment.contains("hunter2"), "{environment}");
        assert!(!environment.contains("STEWARD_"), "{environment}");
    }
}

#[test]
fn nor_does_pip_which_gets_what_leads_it_to_its_index() {
    let scratch = Scratch::new();
    let fake = tempfile::tempdir().expect("a temp dir");
    let (python, told) = (fake.path().join("python3"), fake.path().join("told"));
    fs::write(&python, format!("#!/bin/sh\n/usr/bin/env >> {}\nexit 1\n", told.display())).expect("written");
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).expect("ours");
    let output = scratch
        .steward(&["servers"])
        .env("PATH", fake.path())
        .env("XDG_CACHE_HOME", fake.path())
        .env("TG_TOKEN", "hunter2")
        .env("PIP_INDEX_URL", "https://index.example.com/simple")
        .env("https_proxy", "http://proxy.example.com:3128")
        .output()
        .expect("it runs");
    assert!(!output.status.success());
    let told = fs::read_to_string(&told).expect("it was run");
    for word in ["PIP_INDEX_URL=https://index.example.com/simple", "https_proxy=http://proxy.example.com:3128"] {
        assert!(told.contains(word), "{word} is missing: {told}");
    }
    assert!(!told.contains("hunter2") && !told.contains("STEWARD_"), "{told}");
}

#[tokio::test]
async fn a_data_directory_of_the_version_with_one_user_per_server_goes_on() {
    let scratch = Scratch::new();
    let mut steward = Running::start(&scratch, &["servers"]);
    let masters = steward.masters();
    running::use_nats(masters["nats"].as_str().expect("a url")).await;
    running::use_postgres(masters["postgres"].as_str().expect("a url")).await;
    steward.stop(Signal::SIGTERM);
    let access = scratch.data().join("servers.json");
    let old = serde_json::json!({
        "nats": {"user": "steward", "password": "old", "port": 0},
        "postgres": {"user": "steward", "password": "old", "port": 0},
    });
    fs::write(&access, old.to_string()).expect("written");

    let again = Running::start(&scratch, &["servers"]);
    let after = again.masters();
    assert_ne!(masters, after, "there are new passwords");
    running::nats_was_used(after["nats"].as_str().expect("a url")).await;
    running::postgres_was_used(after["postgres"].as_str().expect("a url")).await;
}

#[test]
fn without_pip_the_remedy_is_named() {
    let scratch = Scratch::new();
    let empty = tempfile::tempdir().expect("a temp dir");
    let output = scratch
        .steward(&["servers"])
        .env("PATH", empty.path())
        .env("XDG_CACHE_HOME", empty.path())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = said.lines().last().unwrap_or_default();
    assert!(!output.status.success());
    for word in ["nats-server", "2.14", "python3", "STEWARD_NATS_SERVER", "nats.url"] {
        assert!(last.contains(word), "{word} is missing: {said}");
    }
}

#[test]
fn a_bad_configuration_is_refused_before_any_server_starts() {
    let scratch = Scratch::new();
    let config = scratch.path().join("c.toml");
    fs::write(&config, "[server]\nlisen = '127.0.0.1:1'\n").expect("written");
    let output = scratch.steward(&["servers"]).arg("--config").arg(&config).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("server.lisen"), "{said}");
    assert!(!Path::exists(&scratch.data()), "nothing was made");
}

#[test]
fn a_stop_while_it_starts_stops_what_had_been_started() {
    // One stop comes while the database is made, some while the servers start, and one about when they run.
    for after in [0, 400, 1_000, 1_600].map(Duration::from_millis) {
        let scratch = Scratch::new();
        let mut steward = Running::spawn(&scratch, &["servers"]);
        eventually("the first server is being started", || !servers_of(&scratch).is_empty());
        std::thread::sleep(after);
        let asked = Instant::now();
        let status = steward.stop(Signal::SIGTERM);
        assert!(status.success(), "{status}: {}", steward.said());
        assert_eq!(servers_of(&scratch), [], "{after:?} after the first");
        assert!(asked.elapsed() < Duration::from_secs(10));
    }
}
