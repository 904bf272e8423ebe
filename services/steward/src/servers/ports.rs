//! How the managed servers are reached: ports and passwords, chosen once, kept over restarts.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, TcpListener},
};

use rand::RngExt;
use serde::{Deserialize, Serialize};
use steward_log::permissions;

use super::{
    data_dir::{DataDir, write_private},
    error::ServersError,
    subscribers::new_password,
};
use crate::{postgres::ROLES, run_file::Credentials};

/// They are below those that Linux gives to outgoing connections (from 32768 on): a client that keeps dialling a port
/// of that range while the server restarts may get the very same port for its own end, and then talks to itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How one managed server is reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Access {
    pub port: u16,
    /// The password of each user.
    #[serde(default)]
    pub users: BTreeMap<String, String>,
    /// What the server's data was prepared for; see `postgres::PREPARED`.
    #[serde(default)]
    pub prepared: u32,
}

impl Access {
    fn new() -> Self {
        Self { port: 0, users: BTreeMap::new(), prepared: 0 }
    }

    /// Gives a password to those of `names` that have none; returns whether there were any.
    fn complete<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> bool {
        let before = self.users.len();
        for name in names {
            self.users.entry(name.to_owned()).or_insert_with(new_password);
        }
        self.users.len() > before
    }

    pub fn password(&self, user: &str) -> &str {
        self.users.get(user).map_or("", String::as_str)
    }

    fn urls(&self, scheme: &str, prefix: &str, path: &str) -> BTreeMap<String, String> {
        let url = |(user, password): (&String, &String)| {
            (user.clone(), format!("{scheme}://{prefix}{user}:{password}@127.0.0.1:{}{path}", self.port))
        };
        self.users.iter().map(url).collect()
    }

    /// Keeps the port of the last run if it is free, otherwise chooses another.
    pub fn ensure_free_port(&mut self) {
        let free = |port: u16| port != 0 && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if free(self.port) {
            return;
        }
        let mut rng = rand::rng();
        self.port = (0..1_000)
            .map(|_| rng.random_range(PORTS))
            .find(|port| free(*port))
            // No port of the range is free, so whatever the system gives.
            .or_else(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?.local_addr().ok().map(|a| a.port()))
            .unwrap_or_default();
    }
}

/// The contents of `servers.json` in the data directory, which has mode 0600.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Accesses {
    pub nats: Access,
    pub postgres: Access,
}

const FILE: &str = "servers.json";

impl Accesses {
    /// The ports and passwords of the last run, or new ones. An earlier version had one user per server; the other
    /// users are added.
    pub fn load(data: &DataDir) -> Result<Self, ServersError> {
        let path = data.join(FILE);
        let mut accesses = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| ServersError::data_dir("understanding", &path)(std::io::Error::other(e)))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Self { nats: Access::new(), postgres: Access::new() },
            Err(e) => return Err(ServersError::data_dir("reading", &path)(e)),
        };
        let nats = permissions::users();
        let nats = nats.iter().map(|user| user.name).chain([permissions::SYSTEM]);
        let new = accesses.nats.complete(nats) | accesses.postgres.complete(ROLES);
        if new {
            accesses.save(data)?;
        }
        Ok(accesses)
    }

    /// Call this before a server is started with new passwords: without them its database is useless.
    pub fn save(&self, data: &DataDir) -> Result<(), ServersError> {
        let path = data.join(FILE);
        let text = serde_json::to_vec_pretty(self).expect("two accesses are always JSON");
        write_private(&path, &text).map_err(ServersError::data_dir("writing", &path))
    }

    /// The URLs of the managed servers, by user.
    pub fn credentials(&self, nats: bool, postgres: bool) -> Credentials {
        let urls = |wanted: bool, urls: BTreeMap<String, String>| if wanted { urls } else { BTreeMap::new() };
        Credentials {
            nats: urls(nats, self.nats.urls("nats", "", "")),
            postgres: urls(postgres, self.postgres.urls("postgres", "steward_", "/steward")),
        }
    }
}
