//! The user that Postgres runs as.
//!
//! Postgres refuses root, so root starts it as another user, who must be able to enter the places it needs.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
};

use nix::unistd::{Gid, Uid, User, geteuid};
use tokio::process::Command;
use tracing::info;

use super::{data_dir::DataDir, error::ServersError};

/// Where root keeps what must not lie below a directory that others can't enter (`/root` has mode 0700).
const STATE: &str = "/var/lib/steward";

/// The user that Postgres runs as, if that isn't our own.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    name: String,
    uid: Uid,
    gid: Gid,
}

impl Owner {
    /// The user to run Postgres as; `None` means our own.
    pub fn of_postgres() -> Result<Option<Self>, ServersError> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .filter(|user| !user.uid.is_root())
            .map(|user| Some(Self { name: user.name, uid: user.uid, gid: user.gid }))
            .ok_or(ServersError::NoUnprivilegedUser)
    }

    /// Runs the command as this user.
    pub fn runs(&self, command: &mut Command) {
        command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
    }

    pub fn owns(&self, path: &Path) -> std::io::Result<()> {
        chown(path, Some(self.uid.as_raw()), Some(self.gid.as_raw()))
    }

    /// Whether this user may enter `path` and everything above it. Access lists aren't looked at.
    pub fn can_enter(&self, path: &Path) -> bool {
        path.ancestors().filter(|dir| !dir.as_os_str().is_empty()).all(|dir| {
            fs::metadata(dir).is_ok_and(|meta| {
                let bit = if meta.uid() == self.uid.as_raw() {
                    0o100
                } else if meta.gid() == self.gid.as_raw() {
                    0o010
                } else {
                    0o001
                };
                meta.mode() & bit != 0
            })
        })
    }
}

/// The directory for Postgres' files. It is in the data directory, unless its user can't get there; then it is below
/// `/var/lib`, with a link to it from the data directory.
pub(super) fn home(data: &DataDir, owner: Option<&Owner>) -> Result<PathBuf, ServersError> {
    let inside = data.join("postgres");
    // What an earlier start made is used again; a link that leads nowhere is made anew.
    match inside.canonicalize() {
        Ok(home) => {
            return match owner {
                Some(owner) if !owner.can_enter(&home) => {
                    Err(ServersError::data_dir("entering as another user", &home)(std::io::Error::other(format!(
                        "user `{}`, as whom root runs Postgres, may not enter it or a directory above it",
                        owner.name
                    ))))
                }
                _ => Ok(home),
            };
        }
        Err(_) if inside.is_symlink() => {
            fs::remove_file(&inside).map_err(ServersError::data_dir("removing the dangling link", &inside))?;
        }
        Err(_) => {}
    }
    let home = match owner {
        Some(owner) => {
            let root = data.path();
            // Our own directory may have been made beforehand in such a way that others can't enter.
            if let Ok(meta) = fs::metadata(root)
                && meta.uid() == geteuid().as_raw()
                && meta.mode() & 0o001 == 0
            {
                let mode = meta.mode() & 0o7777 | 0o011;
                fs::set_permissions(root, Permissions::from_mode(mode))
                    .map_err(ServersError::data_dir("opening", root))?;
            }
            if owner.can_enter(root) { inside.clone() } else { outside(owner, data)? }
        }
        None => inside.clone(),
    };
    fs::create_dir_all(&home).map_err(ServersError::data_dir("making", &home))?;
    fs::set_permissions(&home, Permissions::from_mode(0o700)).map_err(ServersError::data_dir("closing", &home))?;
    if let Some(owner) = owner {
        owner.owns(&home).map_err(ServersError::data_dir("handing over", &home))?;
    }
    if home != inside {
        symlink(&home, &inside).map_err(ServersError::data_dir("linking", &inside))?;
    }
    Ok(home)
}

/// Makes a new directory below `/var/lib/steward`.
fn outside(owner: &Owner, data: &DataDir) -> Result<PathBuf, ServersError> {
    let state = Path::new(STATE);
    fs::create_dir_all(state).map_err(ServersError::data_dir("making", state))?;
    fs::set_permissions(state, Permissions::from_mode(0o711)).map_err(ServersError::data_dir("opening", state))?;
    let home = state.join(format!("postgres-{}", uuid::Uuid::now_v7().simple()));
    info!(
        home = %home.display(),
        "root runs Postgres as `{}`, who may not enter {}: its files go elsewhere", owner.name, data.path().display()
    );
    Ok(home)
}
