//! The aggregate `contact`: what is known of a person beyond what their channel says.

use steward_proto::{Event, Fold, Recorded};

/// Overrides set by operators or by the contact.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contact {
    pub name: Option<String>,
    pub language: Option<String>,
    pub timezone: Option<String>,
    pub followup_hour: Option<u32>,
    /// Nothing proactive is sent to an archived contact.
    pub archived: bool,
    /// An event type from the future: nothing is decided on this contact.
    pub schema_ahead: Option<String>,
}

impl Fold for Contact {
    fn evolve(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::ContactChanged(changed) => {
                fn set<T: Clone>(field: &mut Option<T>, value: &Option<T>) {
                    if value.is_some() {
                        field.clone_from(value);
                    }
                }
                set(&mut self.name, &changed.name);
                set(&mut self.language, &changed.language);
                set(&mut self.timezone, &changed.timezone);
                set(&mut self.followup_hour, &changed.followup_hour);
            }
            Event::ContactArchived(_) => self.archived = true,
            Event::Unknown { type_name, .. } => self.schema_ahead = Some(type_name.clone()),
            _ => {}
        }
    }
}
