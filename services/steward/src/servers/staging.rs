//! Where the managed nats-server stages atomic batches: in memory, where the machine has a place for that.
//!
//! For a stream of one replica the server makes a store of its own for each batch, in the folder `batches` of the stream, and
//! with `sync_interval: always` syncs it several times: that takes longer than storing the batch. So the folder is a link into
//! a file system in memory. What is staged isn't acknowledged yet, and survives the server's own death. What it doesn't
//! survive is the machine's: a batch that a power loss cut while it was stored can't be completed then, and the unit in which
//! it ends is taken away at the next start, before anything is staged here ([`Staging::begin`]).
//!
//! The server takes the folder away at each start, and others may empty the memory, so this looks from time to time.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, symlink},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use nix::{
    sys::statfs::{TMPFS_MAGIC, statfs},
    unistd::geteuid,
};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::data_dir::DataDir;

/// The file system in memory that every Linux has.
const MEMORY: &str = "/dev/shm";
/// Room for a few batches of each process, of at most 4 MB: with less than the first the memory isn't begun to be used,
/// with less than the second it is left.
const ROOM: (u64, u64) = (48 << 20, 16 << 20);
/// The streams that take batches.
const STREAMS: [&str; 2] = ["EVENTS", "TIMERS"];
/// Nothing reports that a link or the memory behind it is gone, so it is looked for this often.
const LOOK: Duration = Duration::from_secs(2);
/// Users below this are the system's, who have no sessions: when the last session of another ends, what is theirs in memory is
/// taken away.
const FIRST_PERSON: u32 = 1_000;

/// The staging of one data directory's server.
#[derive(Debug)]
pub(super) struct Staging {
    /// Where the server keeps its accounts' streams.
    store: PathBuf,
    /// The folder in memory, if there may be one.
    memory: Option<PathBuf>,
    begun: AtomicBool,
    news: Notify,
}

impl Staging {
    /// Of the server whose home is `home`. Nothing is made yet.
    pub fn of(data: &DataDir, home: &Path) -> Self {
        let memory = lasts(geteuid().as_raw(), Path::new("/run/systemd/system").exists()).then(|| {
            // Containers may share the memory and have the same path each.
            let place = fs::metadata(data.path()).map(|found| (found.dev(), found.ino())).unwrap_or_default();
            let hash = hex::encode(Sha256::digest(format!("{}{place:?}", data.path().display())));
            Path::new(MEMORY).join(format!("steward-{}-{}", geteuid(), &hash[..16]))
        });
        Self::new(home, memory)
    }

    fn new(home: &Path, memory: Option<PathBuf>) -> Self {
        let store = home.join("store/jetstream");
        Self { store, memory, begun: AtomicBool::new(false), news: Notify::new() }
    }

    /// From now on batches are staged in memory: the streams exist, and what was lost with the memory has been seen to.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Relaxed);
        self.link();
        self.news.notify_one();
    }

    /// Keeps the links until `stop`.
    pub async fn keep(&self, stop: CancellationToken) {
        loop {
            self.link();
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.news.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Takes away what is empty in memory; the server has ended. While something is staged, the next server needs it.
    pub fn end(&self) {
        let Some(memory) = &self.memory else { return };
        let streams = STREAMS.map(|stream| memory.join(stream));
        for folder in streams.iter().chain([memory]) {
            // This fails where it is needed.
            let _ = fs::remove_dir(folder);
        }
    }

    /// Links the folder of each stream into the memory, or gives it back to the disk.
    fn link(&self) {
        if !self.begun.load(Ordering::Relaxed) {
            return;
        }
        let accounts = fs::read_dir(&self.store).into_iter().flatten().flatten().map(|entry| entry.path());
        let streams: Vec<PathBuf> = accounts
            .flat_map(|account| STREAMS.map(|stream| account.join("streams").join(stream)))
            .filter(|stream| stream.is_dir())
            .collect();
        let used = streams.iter().any(|stream| stream.join("batches").is_symlink());
        let memory = self.memory.as_deref().filter(|memory| is_usable(memory, used));
        for stream in streams {
            let folder = stream.join("batches");
            let done = match memory {
                Some(memory) => self.link_one(&folder, memory, stream.file_name().unwrap_or_default().as_ref()),
                // A server that died while it stored a batch completes it from there.
                None if folder.is_symlink() && is_empty(&folder) => {
                    warn!("batches are staged on the disk from now on: {MEMORY} has no room for them");
                    fs::remove_file(&folder)
                }
                None => Ok(()),
            };
            if let Err(error) = done {
                debug!(%error, folder = %folder.display(), "a folder for batches isn't linked yet");
            }
        }
    }

    fn link_one(&self, folder: &Path, memory: &Path, stream: &Path) -> io::Result<()> {
        let target = memory.join(stream);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&target)?;
        if fs::read_link(folder).is_ok_and(|link| link == target) {
            return Ok(());
        }
        // A server that has started has completed what it could; what earlier ones left is waste.
        for left in fs::read_dir(&target)? {
            fs::remove_dir_all(left?.path())?;
        }
        match fs::symlink_metadata(folder) {
            Ok(found) if found.is_symlink() => fs::remove_file(folder)?,
            // This fails while a batch is staged there; the next look tries again.
            Ok(_) => fs::remove_dir(folder)?,
            Err(_) => {}
        }
        symlink(&target, folder)
    }
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

/// Whether what this user has in memory stays there while nobody is logged in.
fn lasts(user: u32, has_sessions: bool) -> bool {
    user < FIRST_PERSON || !has_sessions
}

/// Whether there is a folder of ours, and nobody else's, in memory that has room.
fn is_usable(memory: &Path, used: bool) -> bool {
    let Some(parent) = memory.parent() else { return false };
    let room = if used { ROOM.1 } else { ROOM.0 };
    let in_memory = statfs(parent).is_ok_and(|system| {
        system.filesystem_type() == TMPFS_MAGIC
            && system.blocks_available() * u64::try_from(system.block_size()).unwrap_or(0) >= room
    });
    if !in_memory {
        return false;
    }
    // Anybody may make folders there: one that isn't ours alone is somebody's trap.
    let made = fs::DirBuilder::new().mode(0o700).create(memory);
    made.is_ok()
        || fs::symlink_metadata(memory)
            .is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o077 == 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A server's home with both streams, and a folder in memory that is taken away in the end.
    struct World {
        home: tempfile::TempDir,
        memory: tempfile::TempDir,
    }

    impl World {
        /// `None` on a machine without memory for batches: there is nothing to be shown there.
        fn new() -> Option<Self> {
            let Some(memory) =
                tempfile::tempdir_in(MEMORY).ok().filter(|memory| is_usable(&memory.path().join("a"), false))
            else {
                println!("no room in {MEMORY}");
                return None;
            };
            fs::remove_dir(memory.path().join("a")).unwrap();
            let world = Self { home: tempfile::tempdir().unwrap(), memory };
            for stream in STREAMS {
                fs::create_dir_all(world.stream(stream)).unwrap();
            }
            Some(world)
        }

        fn stream(&self, name: &str) -> PathBuf {
            self.home.path().join("store/jetstream/$G/streams").join(name)
        }

        fn folder(&self) -> PathBuf {
            self.stream("EVENTS").join("batches")
        }

        fn memory(&self) -> PathBuf {
            self.memory.path().join("ours")
        }

        fn staging(&self) -> Staging {
            Staging::new(self.home.path(), Some(self.memory()))
        }
    }

    #[test]
    fn folders_are_linked_again_after_the_server_took_them_away_or_somebody_emptied_the_memory() {
        let Some(world) = World::new() else { return };
        fs::create_dir(world.folder()).unwrap();
        let staging = world.staging();
        staging.link();
        assert!(!world.folder().is_symlink(), "it hasn't begun");
        staging.begin();
        let target = world.memory().join("EVENTS");
        assert_eq!(fs::read_link(world.folder()).unwrap(), target);
        fs::create_dir(world.folder().join("a batch")).unwrap();
        assert!(target.join("a batch").is_dir());
        fs::remove_dir_all(world.memory()).unwrap();
        staging.link();
        fs::create_dir(world.folder().join("a batch")).unwrap();
        fs::remove_file(world.folder()).unwrap();
        fs::create_dir_all(world.folder().join("a batch")).unwrap();
        staging.link();
        assert!(!world.folder().is_symlink(), "a batch is staged there");
        fs::remove_dir(world.folder().join("a batch")).unwrap();
        staging.link();
        assert!(world.folder().is_symlink());
    }

    #[test]
    fn what_earlier_servers_left_in_memory_goes_when_a_new_one_has_started() {
        let Some(world) = World::new() else { return };
        world.staging().begin();
        fs::create_dir(world.folder().join("a batch")).unwrap();
        // The server takes the link away when it has read what it needs.
        fs::remove_file(world.folder()).unwrap();
        world.staging().begin();
        assert!(world.folder().is_symlink() && is_empty(&world.folder()));
    }

    #[test]
    fn after_the_end_nothing_is_left_in_memory_but_what_the_next_server_needs() {
        let Some(world) = World::new() else { return };
        world.staging().begin();
        fs::create_dir(world.folder().join("a batch")).unwrap();
        world.staging().end();
        assert!(world.memory().join("EVENTS/a batch").is_dir());
        fs::remove_dir(world.folder().join("a batch")).unwrap();
        world.staging().end();
        assert!(!world.memory().exists(), "nothing was staged");
    }

    #[test]
    fn somebody_elses_folder_and_another_file_system_are_no_memory() {
        let Some(world) = World::new() else { return };
        fs::create_dir(world.memory()).unwrap();
        fs::set_permissions(world.memory(), fs::Permissions::from_mode(0o777)).unwrap();
        world.staging().begin();
        assert!(!world.folder().exists());
        fs::remove_dir(world.memory()).unwrap();
        symlink(world.home.path(), world.memory()).unwrap();
        world.staging().begin();
        assert!(!world.folder().exists());
        let elsewhere = Staging::new(world.home.path(), Some(Path::new("/proc").join("ours")));
        elsewhere.begin();
        assert!(!world.folder().exists());
    }

    #[test]
    fn a_persons_memory_is_used_only_where_nobody_takes_it_away_at_log_out() {
        assert!(lasts(0, true) && lasts(999, true) && lasts(1_000, false));
        assert!(!lasts(1_000, true));
    }
}
