//! What users see of a contact.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::ContactRow;
use crate::{
    models::{ConversationRow, FactView, GoalView, MilestoneView},
    read::view::given,
};

/// A contact's name, language or zone: the one that was set in Steward, otherwise the channel's.
pub fn set_or_said(set: Option<&String>, said: &str) -> Option<String> {
    set.cloned().or_else(|| given(said.to_owned()))
}

/// A contact, and the contact that stands for it.
#[derive(Clone, Copy)]
pub struct Met<'a> {
    pub own: &'a ContactRow,
    pub survivor: Option<&'a ContactRow>,
}

impl<'a> Met<'a> {
    pub fn of(contacts: &'a HashMap<String, ContactRow>, id: &str) -> Option<Self> {
        let own = contacts.get(id)?;
        Some(Self { own, survivor: own.merged_into.as_ref().and_then(|into| contacts.get(into)) })
    }

    /// What was set in Steward; the surviving contact's word comes first.
    pub fn set(&self, column: fn(&ContactRow) -> Option<&String>) -> Option<&'a String> {
        self.survivor.and_then(column).or_else(|| column(self.own))
    }
}

/// A contact, with the contacts merged into it and the conversations of all of them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub struct ContactView {
    pub id: String,
    pub channel_id: Option<String>,
    pub external_id: Option<String>,
    pub username: Option<String>,
    pub name: Option<String>,
    /// A BCP 47 tag.
    pub language: Option<String>,
    /// An IANA name.
    pub timezone: Option<String>,
    #[schema(minimum = 0, maximum = 23)]
    pub followup_hour: Option<u32>,
    pub archived: bool,
    /// The contact that stands for this one, while they are one person.
    pub merged_into: Option<String>,
    /// This contact and those merged into it, with the channel's id of each.
    pub identities: Vec<IdentityView>,
    /// Conversations of all identities, newest first.
    pub conversations: Vec<PlaceView>,
    /// Open ones, newest first; the list of goals has all of them. Likewise milestones and facts.
    pub goals: Vec<GoalView>,
    pub milestones: Vec<MilestoneView>,
    pub facts: Vec<FactView>,
    pub position: u64,
}

/// A person as one channel knows them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Identity)]
pub struct IdentityView {
    pub contact_id: String,
    pub channel_id: Option<String>,
    /// The kind of the channel; `null` if none of the conversations shown tells it.
    pub channel: Option<String>,
    /// The channel's own id of the person.
    pub external_id: Option<String>,
    pub username: Option<String>,
    pub name: Option<String>,
}

/// A conversation, with its place on its channel as far as that is known.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConversationOfContact)]
pub struct PlaceView {
    pub id: String,
    pub channel_id: Option<String>,
    pub channel: String,
    pub external_id: String,
}

impl ContactView {
    pub fn of(
        row: &ContactRow,
        merged: &[ContactRow],
        conversations: &[ConversationRow],
        (goals, milestones, facts): (Vec<GoalView>, Vec<MilestoneView>, Vec<FactView>),
    ) -> Self {
        let identity = |of: &ContactRow| IdentityView {
            contact_id: of.id.clone(),
            channel_id: given(of.channel_id.clone()),
            channel: conversations.iter().find(|c| c.contact_id == of.id).map(|c| c.channel.clone()),
            external_id: given(of.external_id.clone()),
            username: given(of.username.clone()),
            name: set_or_said(of.set_name.as_ref(), &of.said_name),
        };
        let place = |of: &ConversationRow| PlaceView {
            id: of.id.clone(),
            channel_id: of.channel_id.clone(),
            channel: of.channel.clone(),
            external_id: of.external_id.clone(),
        };
        Self {
            id: row.id.clone(),
            channel_id: given(row.channel_id.clone()),
            external_id: given(row.external_id.clone()),
            username: given(row.username.clone()),
            name: set_or_said(row.set_name.as_ref(), &row.said_name),
            language: set_or_said(row.set_language.as_ref(), &row.said_language),
            timezone: set_or_said(row.set_timezone.as_ref(), &row.said_timezone),
            followup_hour: row.followup_hour,
            archived: row.archived,
            merged_into: row.merged_into.clone(),
            identities: std::iter::once(row).chain(merged).map(identity).collect(),
            conversations: conversations.iter().map(place).collect(),
            goals,
            milestones,
            facts,
            position: row.position,
        }
    }
}
