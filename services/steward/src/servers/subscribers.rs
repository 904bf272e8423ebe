//! The subscribers of the managed nats-server: their passwords and where each listens, kept beside those of our own users.

use std::{
    collections::BTreeMap,
    fs::{self, File},
};

use rand::{RngExt, distr::Alphanumeric};
use serde::{Deserialize, Serialize};
use steward_log::{permissions::Limits, subscribers::Name};
use steward_proto::TenantId;

use super::{
    data_dir::{DataDir, write_private},
    error::ServersError,
    nats,
    ports::Accesses,
};

/// `subscribers.json` in the data directory, which has mode 0600.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Subscribers(BTreeMap<String, Kept>);

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    tenant: String,
    name: String,
    password: String,
    subject: String,
}

const FILE: &str = "subscribers.json";

impl Subscribers {
    pub(super) fn load(data: &DataDir) -> Result<Self, ServersError> {
        let path = data.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| ServersError::data_dir("understanding", &path)(std::io::Error::other(e))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(ServersError::data_dir("reading", &path)(e)),
        }
    }

    pub fn insert(&mut self, name: &Name, password: &str, subject: &str) {
        let kept = Kept {
            tenant: name.tenant.to_string(),
            name: name.name().to_owned(),
            password: password.to_owned(),
            subject: subject.to_owned(),
        };
        self.0.insert(name.id(), kept);
    }

    /// Whether there was one of this name.
    pub fn remove(&mut self, name: &Name) -> bool {
        self.0.remove(&name.id()).is_some()
    }

    /// Each one's user, quoted password, and rights.
    pub(super) fn users(&self) -> Vec<(String, String, Limits)> {
        let user = |kept: &Kept| {
            let name = Name::new(TenantId::new(&kept.tenant).ok()?, &kept.name).ok()?;
            Some((name.id(), format!("\"{}\"", kept.password), name.limits(&kept.subject)))
        };
        self.0.values().filter_map(user).collect()
    }
}

/// Changes who the subscribers are, in the file and in the configuration of the server, which is to read it again.
///
/// # Errors
/// A file of the data directory can't be read or written.
pub fn change<T>(data: &DataDir, change: impl FnOnce(&mut Subscribers) -> T) -> Result<T, ServersError> {
    let path = data.join("subscribers.lock");
    let lock = File::create(&path).map_err(ServersError::data_dir("making", &path))?;
    lock.lock().map_err(ServersError::data_dir("locking", &path))?;
    let mut subscribers = Subscribers::load(data)?;
    let changed = change(&mut subscribers);
    let path = data.join(FILE);
    let text = serde_json::to_vec_pretty(&subscribers).expect("texts are always JSON");
    write_private(&path, &text).map_err(ServersError::data_dir("writing", &path))?;
    nats::configure(data, &Accesses::load(data)?.nats, &subscribers)?;
    Ok(changed)
}

/// 190 bits of chance, which need no quotes anywhere. It doesn't begin with `$`, which would make it a hash for the server.
pub fn new_password() -> String {
    rand::rng().sample_iter(Alphanumeric).take(32).map(char::from).collect()
}
