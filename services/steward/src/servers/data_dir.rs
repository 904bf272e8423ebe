//! The data directory: where in it things are, and the lock by which one process holds it.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    unistd::geteuid,
};

use super::error::ServersError;

/// A data directory; its path is absolute and free of links.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Opens the directory, and makes it if it doesn't exist. It is for its owner alone; if root owns it, others may
    /// pass through it, because Postgres then runs as another user.
    pub fn open(path: &Path) -> Result<Self, ServersError> {
        let root_owned = geteuid().is_root();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(if root_owned { 0o711 } else { 0o700 })
            .create(path)
            .map_err(ServersError::data_dir("making", path))?;
        let root = path.canonicalize().map_err(ServersError::data_dir("finding", path))?;
        Ok(Self { root })
    }

    /// The directory's path if it exists; nothing is made.
    pub fn existing(path: &Path) -> Option<Self> {
        path.canonicalize().ok().filter(|p| p.is_dir()).map(|root| Self { root })
    }

    pub fn path(&self) -> &Path {
        &self.root
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Makes this process the only one that runs servers here.
    ///
    /// # Errors
    /// [`ServersError::InUse`], with the pid of the other process.
    pub fn lock(&self) -> Result<Lock, ServersError> {
        let path = self.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(ServersError::data_dir("opening", &path))?;
        let mut holder = String::new();
        file.read_to_string(&mut holder).map_err(ServersError::data_dir("reading", &path))?;
        let mut lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((_, Errno::EWOULDBLOCK)) => {
                return Err(ServersError::InUse { path: self.root.clone(), pid: holder.trim().to_owned() });
            }
            Err((_, errno)) => return Err(ServersError::data_dir("locking", &path)(errno.into())),
        };
        let write = |lock: &mut Flock<File>| {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        write(&mut lock).map_err(ServersError::data_dir("writing", &path))?;
        Ok(Lock { _file: lock })
    }
}

/// Held for as long as this process uses its data directory. The kernel releases it however the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: Flock<File>,
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(&new, path)
}
