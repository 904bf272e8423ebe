//! Finding the server binaries to use: named by a variable, installed on the machine, or fetched.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::time::timeout;

use super::{
    data_dir::DataDir,
    download::{self, cache_dir},
    environment,
    error::ServersError,
    owner::Owner,
};

/// The variable that names the nats-server to run.
pub const NATS_VARIABLE: &str = "STEWARD_NATS_SERVER";
/// The variable that names the directory of the PostgreSQL programs to run.
pub const POSTGRES_VARIABLE: &str = "STEWARD_POSTGRES_BIN";

/// The first version in which schedules inside atomic batches work.
const OLDEST_NATS: (u32, u32) = (2, 14);
const OLDEST_POSTGRES: u32 = 15;

/// A recent enough nats-server: the one of `STEWARD_NATS_SERVER`, else one on the PATH, else a fetched one.
pub(super) async fn nats(data: &DataDir) -> Result<PathBuf, ServersError> {
    if let Some(path) = env::var_os(NATS_VARIABLE).map(PathBuf::from) {
        let problem = match nats_version(&path).await {
            Some(version) if version >= OLDEST_NATS => return Ok(path),
            Some((major, minor)) => format!("is version {major}.{minor}"),
            None => "can't be run as a nats-server".to_owned(),
        };
        let expected = "a nats-server of version 2.14 or later";
        return Err(ServersError::NamedBinary { variable: NATS_VARIABLE, path, problem, expected });
    }
    if let Some(path) = on_path("nats-server")
        && nats_version(&path).await.is_some_and(|version| version >= OLDEST_NATS)
    {
        return Ok(path);
    }
    let cache = cache_dir(&data.join("cache"), |_| true);
    let dir = download::NATS.fetch(&cache).await.map_err(|cause| ServersError::Missing {
        program: "nats-server",
        wanted: "2.14 or later",
        cause,
        remedy: "put one on the PATH, name it in STEWARD_NATS_SERVER, or set nats.url to a running one",
    })?;
    Ok(dir.join(download::NATS.programs[0]).join("nats-server"))
}

/// The PostgreSQL programs to run.
#[derive(Debug, Clone)]
pub(super) struct PostgresBin {
    pub dir: PathBuf,
    pub major: u32,
}

/// PostgreSQL 15 or later, or version `major` if the data was made by that: the one of `STEWARD_POSTGRES_BIN`, else the
/// newest that is installed, else a fetched one.
pub(super) async fn postgres(
    data: &DataDir,
    owner: Option<&Owner>,
    home: &Path,
    major: Option<u32>,
) -> Result<PostgresBin, ServersError> {
    let fits = |bin: &PostgresBin| major.is_none_or(|major| bin.major == major);
    let other_major = |major| ServersError::OtherMajor { path: home.to_owned(), major };
    if let Some(dir) = env::var_os(POSTGRES_VARIABLE).map(PathBuf::from) {
        let problem = match postgres_version(&dir).await {
            Some(found) if found >= OLDEST_POSTGRES => {
                let bin = PostgresBin { dir, major: found };
                return if fits(&bin) { Ok(bin) } else { Err(other_major(major.unwrap_or_default())) };
            }
            Some(found) => format!("holds version {found}"),
            None => "holds no postgres that can be run".to_owned(),
        };
        let expected = "the bin directory of PostgreSQL 15 or later";
        return Err(ServersError::NamedBinary { variable: POSTGRES_VARIABLE, path: dir, problem, expected });
    }
    let may_enter = |dir: &Path| owner.is_none_or(|owner| owner.can_enter(dir));
    if let Some(bin) = installed_postgres().into_iter().find(|bin| fits(bin) && may_enter(&bin.dir)) {
        return Ok(bin);
    }
    let cache = cache_dir(&data.join("cache"), may_enter);
    let dir = download::POSTGRES.fetch(&cache).await.map_err(|cause| match major {
        Some(major) if !matches!(major, 16 | 18) => other_major(major),
        _ => ServersError::Missing {
            program: "PostgreSQL",
            wanted: "15 or later",
            cause,
            remedy: "install it (on Debian: apt-get install postgresql), name its bin directory in STEWARD_POSTGRES_BIN, or set postgres.url to a running one",
        },
    })?;
    for programs in download::POSTGRES.programs {
        let dir = dir.join(programs);
        if let Some(found) = postgres_version(&dir).await {
            let bin = PostgresBin { dir, major: found };
            if fits(&bin) {
                return Ok(bin);
            }
        }
    }
    Err(match major {
        Some(major) => other_major(major),
        None => ServersError::Missing {
            program: "PostgreSQL",
            wanted: "15 or later",
            cause: "the fetched one doesn't run on this system".to_owned(),
            remedy: "install it with the system's package manager, name its bin directory in STEWARD_POSTGRES_BIN, or set postgres.url to a running one",
        },
    })
}

/// PostgreSQL where Debian and its kin (`/usr/lib/postgresql/<v>/bin`) and Red Hat (`/usr/pgsql-<v>/bin`) install it,
/// the newest first.
fn installed_postgres() -> Vec<PostgresBin> {
    let versions = |root: &str, prefix: &str| -> Vec<PostgresBin> {
        let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
        entries
            .flatten()
            .filter_map(|entry| {
                let major = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
                Some(PostgresBin { dir: entry.path().join("bin"), major })
            })
            .collect()
    };
    let mut found = versions("/usr/lib/postgresql", "");
    found.extend(versions("/usr", "pgsql-"));
    found
        .retain(|bin| bin.major >= OLDEST_POSTGRES && ["postgres", "initdb"].iter().all(|p| bin.dir.join(p).is_file()));
    found.sort_by_key(|bin| std::cmp::Reverse(bin.major));
    found
}

fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// The version that it prints: `nats-server: v2.15.1` → (2, 15)
async fn nats_version(path: &Path) -> Option<(u32, u32)> {
    let said = version_line(path).await?;
    let mut numbers = said.rsplit('v').next()?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The version that it prints: `postgres (PostgreSQL) 15.18 (Debian …)` → 15
async fn postgres_version(dir: &Path) -> Option<u32> {
    let said = version_line(&dir.join("postgres")).await?;
    let version = said.split_once("(PostgreSQL) ")?.1;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

async fn version_line(program: &Path) -> Option<String> {
    let mut command = environment::plain(program);
    command.arg("--version").kill_on_drop(true).stdin(Stdio::null());
    let output = timeout(Duration::from_secs(10), command.output()).await.ok()?.ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
