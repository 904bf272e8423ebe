//! Ports and credentials of the managed servers: chosen once, kept over restarts.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
};

use rand::{Rng, distr::Alphanumeric};
use serde::{Deserialize, Serialize};

use super::{
    data_dir::{DataDir, write_private},
    error::ServersError,
};

/// Below what Linux hands out to outgoing connections (from 32768): a client that keeps dialling a port of that range
/// while the server restarts may be given the very same port for its own end, and then talks to itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How one managed server is reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Access {
    pub user: String,
    pub password: String,
    pub port: u16,
}

impl Access {
    fn new() -> Self {
        let password = rand::rng().sample_iter(Alphanumeric).take(32).map(char::from).collect();
        Self { user: "steward".to_owned(), password, port: 0 }
    }

    pub fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{}:{}@127.0.0.1:{}{path}", self.user, self.password, self.port)
    }

    /// Keeps the port of the last run if it is free, else chooses another.
    pub fn ensure_free_port(&mut self) {
        let free = |port: u16| port != 0 && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if free(self.port) {
            return;
        }
        let mut rng = rand::rng();
        self.port = (0..1_000)
            .map(|_| rng.random_range(PORTS))
            .find(|port| free(*port))
            // Whatever the system has left.
            .or_else(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?.local_addr().ok().map(|a| a.port()))
            .unwrap_or_default();
    }
}

/// `servers.json` in the data directory, mode 0600.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Accesses {
    pub nats: Access,
    pub postgres: Access,
}

const FILE: &str = "servers.json";

impl Accesses {
    /// Those of the last run, or new ones.
    pub fn load(data: &DataDir) -> Result<Self, ServersError> {
        let path = data.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| ServersError::data_dir("understanding", &path)(std::io::Error::other(e))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let accesses = Self { nats: Access::new(), postgres: Access::new() };
                accesses.save(data)?;
                Ok(accesses)
            }
            Err(e) => Err(ServersError::data_dir("reading", &path)(e)),
        }
    }

    /// Before a server is started with them: its database is then useless without the password.
    pub fn save(&self, data: &DataDir) -> Result<(), ServersError> {
        let path = data.join(FILE);
        let text = serde_json::to_vec_pretty(self).expect("two accesses are always JSON");
        write_private(&path, &text).map_err(ServersError::data_dir("writing", &path))
    }
}
