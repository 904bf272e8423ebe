//! The table `contacts`.

use crate::rows::{Entity, table};

table! {
    /// What the channel says of a person, and what was set in Steward.
    pub struct ContactRow = "contacts" {
        tenant: String,
        id: String,
        channel_id: String,
        external_id: String,
        username: String,
        said_name: String,
        said_language: String,
        said_timezone: String,
        set_name: Option<String>,
        set_language: Option<String>,
        set_timezone: Option<String>,
        followup_hour: Option<u32>,
        archived: bool,
        /// The contact that stands for this one.
        merged_into: Option<String>,
        created_position: u64,
        position: u64,
    }
}

impl Entity for ContactRow {
    const KEY: &'static [&'static str] = &["tenant", "id"];

    fn key(&self) -> [&str; 3] {
        [&self.tenant, &self.id, ""]
    }
}

impl ContactRow {
    pub fn new(tenant: &str, id: &str, position: u64) -> Self {
        Self {
            tenant: tenant.to_owned(),
            id: id.to_owned(),
            channel_id: String::new(),
            external_id: String::new(),
            username: String::new(),
            said_name: String::new(),
            said_language: String::new(),
            said_timezone: String::new(),
            set_name: None,
            set_language: None,
            set_timezone: None,
            followup_hour: None,
            archived: false,
            merged_into: None,
            created_position: position,
            position,
        }
    }
}
