//! `[[channels]]`: the keys of every kind of channel. Those of a single kind stand in its own file.

mod rate;

use std::collections::HashSet;

pub use rate::RateLimit;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use steward_domain::settings::{Approval, OnUnknown};
use toml::{Table, Value};

use crate::{error::KeyProblem, read::parse_table, written};

/// One way in and out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Channel {
    pub id: String,
    pub tenant: String,
    /// People of ours on this channel, by the channel's own id.
    pub operators: Vec<String>,
    pub on_unknown: OnUnknown,
    /// `None`: no limit.
    pub rate_limit: Option<RateLimit>,
    /// `None`: as its tenant has it.
    pub approval: Option<Approval>,
    #[serde(flatten)]
    pub kind: ChannelKind,
}

/// What one kind of channel brings.
trait Kind: DeserializeOwned {
    /// What its provider bears, unless `rate_limit` says otherwise.
    const RATE: RateLimit;

    /// What is wrong with values that are well written.
    fn check(&self) -> Result<(), KeyProblem> {
        Ok(())
    }
}

/// All kinds of channel that have a provider, for a macro that makes something of each: the name in `kind`, in events and in
/// paths, which is also its module's on each side, and the type of its own keys.
#[macro_export]
macro_rules! each_kind {
    ($make:ident) => {
        $make! {
            telegram: Telegram,
            whatsapp: WhatsApp,
            email: Email,
        }
    };
}

macro_rules! kinds {
    ($($module:ident: $type:ident,)*) => {
        $(mod $module;
        pub use $module::$type;)*

        /// What a channel speaks.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(tag = "kind", rename_all = "lowercase")]
        pub enum ChannelKind {
            /// Steward's own HTTP API and page.
            Web,
            $($type($type),)*
        }

        impl ChannelKind {
            pub fn name(&self) -> &'static str {
                match self {
                    Self::Web => "web",
                    $(Self::$type(_) => stringify!($module),)*
                }
            }
        }

        const KINDS: &[&str] = &[$(stringify!($module),)* "web"];

        fn read_kind(kind: &str, keys: Common, own: Table) -> Result<Channel, KeyProblem> {
            $(if kind == stringify!($module) {
                let own: $type = parse_own(own)?;
                own.check()?;
                return Ok(keys.channel(Some($type::RATE), ChannelKind::$type(own)));
            })*
            let Web {} = parse_own(own)?;
            Ok(keys.channel(None, ChannelKind::Web))
        }
    };
}

each_kind!(kinds);

pub use email::Inbound;
pub use telegram::Mode;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Web {}

/// The keys of every kind.
#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Common {
    #[serde(deserialize_with = "written::name")]
    id: String,
    #[serde(default = "default_tenant", deserialize_with = "written::name")]
    tenant: String,
    #[serde(default, deserialize_with = "written::texts")]
    operators: Vec<String>,
    approval: Option<Approval>,
    #[serde(default)]
    on_unknown: OnUnknown,
    rate_limit: Option<rate::Setting>,
}

/// Their names; those that only make sense where something is sent to a provider come last.
const COMMON: [&str; 7] = ["kind", "id", "tenant", "operators", "approval", "on_unknown", "rate_limit"];
const COMMON_OF_WEB: usize = 5;

fn default_tenant() -> String {
    "default".to_owned()
}

impl Common {
    fn channel(self, rate: Option<RateLimit>, kind: ChannelKind) -> Channel {
        Channel {
            id: self.id,
            tenant: self.tenant,
            operators: self.operators,
            on_unknown: self.on_unknown,
            rate_limit: rate.and_then(|rate| rate::Setting::over(self.rate_limit, rate)),
            approval: self.approval,
            kind,
        }
    }
}

/// Reads all channels; their ids are unique. Without any there is one, `web`.
pub(crate) fn read(tables: Option<Value>) -> Result<Vec<Channel>, KeyProblem> {
    #[derive(Deserialize)]
    struct Tables {
        channels: Vec<Table>,
    }
    let Some(tables) = tables else {
        return Ok(vec![Channel {
            id: "web".to_owned(),
            tenant: default_tenant(),
            operators: Vec::new(),
            on_unknown: OnUnknown::Hold,
            rate_limit: None,
            approval: None,
            kind: ChannelKind::Web,
        }]);
    };
    let Tables { channels: tables } = parse_table(Table::from_iter([("channels".to_owned(), tables)]))?;
    let mut ids = HashSet::new();
    let mut channels = Vec::with_capacity(tables.len());
    for (i, table) in tables.into_iter().enumerate() {
        let at = format!("channels[{i}]");
        let channel = read_one(table).map_err(|problem| problem.below(&at))?;
        if !ids.insert(channel.id.clone()) {
            return Err(KeyProblem::new(
                format!("{at}.id"),
                format!("found {:?} a second time, expected an id of its own for each channel", channel.id),
            ));
        }
        channels.push(channel);
    }
    Ok(channels)
}

fn read_one(mut table: Table) -> Result<Channel, KeyProblem> {
    let expected = || {
        let quoted: Vec<String> = KINDS.iter().map(|kind| format!("{kind:?}")).collect();
        let (last, others) = quoted.split_last().expect("there are kinds");
        format!("expected {} or {last}", others.join(", "))
    };
    let kind = match table.get("kind") {
        None => return Err(KeyProblem::new("kind", format!("missing, {}", expected()))),
        Some(Value::String(kind)) if KINDS.contains(&kind.as_str()) => kind.clone(),
        Some(other) => return Err(KeyProblem::new("kind", format!("found {other}, {}", expected()))),
    };
    let common = if kind == "web" { &COMMON[..COMMON_OF_WEB] } else { &COMMON[..] };
    let keys: Table = common.iter().filter_map(|key| table.remove(*key).map(|v| ((*key).to_owned(), v))).collect();
    read_kind(&kind, parse_table(keys)?, table)
}

/// Reads the keys of one kind. A misspelt key may as well have been meant for one of every kind.
fn parse_own<T: DeserializeOwned>(own: Table) -> Result<T, KeyProblem> {
    parse_table(own).map_err(|mut problem| {
        if problem.problem.starts_with("unknown field") {
            let common: Vec<String> = COMMON.iter().map(|key| format!("`{key}`")).collect();
            problem.problem.push_str(&format!(", or a key of every channel: {}", common.join(", ")));
        }
        problem
    })
}
