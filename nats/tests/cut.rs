//! A batch that a power loss cut while it was stored is taken away, and the log goes on without it.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::PathBuf;

use futures::{StreamExt as _, future::join_all, pin_mut};
use steward_log::{Append, AtLeast, ConnectOptions, Expected, Log};
use support::events::{Seen, conversation, events};
use support::server::Server;
use tokio_util::sync::CancellationToken;

/// Units of three events of an aggregate each.
const UNITS: usize = 150;

async fn connect(server: &Server) -> Log {
    let log = Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
    log.ensure_streams().await.unwrap();
    log
}

async fn append(log: &Log, name: String) {
    let (aggregate, events) = (conversation(name), events(3));
    log.append(Append { aggregate, events, expected: Expected::Any, dedupe_key: None }).await.unwrap();
}

/// The file to which the server writes, and how long it is.
fn written(server: &Server) -> (PathBuf, u64) {
    let files = std::fs::read_dir(server.events().join("msgs")).unwrap().flatten().map(|entry| entry.path());
    let last = files.filter(|path| path.extension().is_some_and(|ext| ext == "blk")).max().unwrap();
    let size = last.metadata().unwrap().len();
    (last, size)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_unit_stands_by_half_wherever_the_power_loss_cut_the_file() {
    let mut removed = Vec::new();
    for share in [0.02, 0.3, 0.455, 0.7, 0.99] {
        let memory = tempfile::tempdir().unwrap();
        let mut server = Server::start().await;
        let log = connect(&server).await;
        server.stage_in(memory.path());
        for n in 0..5 {
            append(&log, format!("before{n}")).await;
        }
        let (file, before) = written(&server);
        join_all((0..UNITS).map(|n| append(&log, format!("unit{n}")))).await;
        let (_, after) = written(&server);
        server.kill();
        // The machine starts anew: of the file only a part was written, and the memory is empty.
        let kept = before + ((after - before) as f64 * share) as u64;
        std::fs::File::options().write(true).open(&file).unwrap().set_len(kept).unwrap();
        drop(memory);
        server.run().await;
        let log = connect(&server).await;
        removed.push(log.remove_cut_units().await.unwrap());
        assert_eq!(log.remove_cut_units().await.unwrap(), 0, "it is done");
        for n in 0..5 {
            let loaded = log.load::<Seen>(&conversation(format!("before{n}")), AtLeast::Latest).await.unwrap();
            assert_eq!(loaded.state.ids.len(), 3, "what was whole stays");
        }
        for n in 0..UNITS {
            let loaded = log.load::<Seen>(&conversation(format!("unit{n}")), AtLeast::Latest).await.unwrap();
            assert!([0, 3].contains(&loaded.state.ids.len()), "{} of a unit's events", loaded.state.ids.len());
        }
        // Decisions on aggregates whose events are gone, and new ones, are made as ever.
        for name in ["unit0".to_owned(), format!("unit{}", UNITS - 1), "new".to_owned()] {
            log.decide::<Seen, _, ()>(&conversation(name), AtLeast::Latest, |_, _| Ok((events(2), ()))).await.unwrap();
        }
        let tail = log.tail(1, vec![]).await.unwrap();
        pin_mut!(tail);
        assert_eq!(tail.next().await.unwrap().unwrap().recorded.position, 1);
    }
    assert!(removed.iter().all(|events| *events < 3), "only the one that was cut is removed: {removed:?}");
    assert!(removed.iter().any(|events| *events > 0), "no unit was cut, so nothing is shown: {removed:?}");
    println!("events of cut units removed: {removed:?}");
}
