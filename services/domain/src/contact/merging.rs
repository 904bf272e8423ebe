//! Two contacts are one person, by an operator's word or a provider's proof; and that they are two again.
//!
//! The merged contact points to the surviving one, and that one lists it; a contact that lists others points to none, and
//! one that points lists none. So a pointer is followed once, and there are no circles. The log stores one aggregate at a
//! time: the survivor takes the other in first, which keeps it from being merged itself meanwhile.

use std::collections::BTreeSet;

use steward_proto::v1;

use super::Contact;
use crate::{
    ids::{ContactId, ConversationId},
    kernel::refusals,
};

refusals! {
    /// A decision about a contact that the rules don't allow.
    Refused {
        UnknownContact { contact: ContactId }: Unknown "unknown_contact",
            "there is no contact {contact}; a conversation names its contact's id";
        SameContact: Conflict "same_contact",
            "a contact can't be merged into itself; name another one in `into`";
        ContactMerged { who: String, into: ContactId, advice: &'static str }: Conflict "contact_merged",
            "{who} was merged into {into}{advice}";
        MergeCycle { contact: ContactId, into: ContactId }: Conflict "merge_cycle",
            "{contact} was merged into {into} before, so they are one already; split it first";
        TooManyMerged { most: usize, into: ContactId }: Conflict "too_many_merged",
            "{most} contacts are merged into {into}, which is the limit; split one first";
        HasMergedContacts { other: ContactId, contact: ContactId, into: ContactId }: Conflict "has_merged_contacts",
            "{other} was merged into {contact}; merge {into} into this one instead, or split those first";
        AlreadyMerged { contact: ContactId, into: ContactId }: Conflict "already_merged",
            "{contact} was merged into {into} before; split it first";
        NotMerged { contact: ContactId, advice: String }: Conflict "not_merged",
            "{contact} isn't merged into another contact{advice}";
        UnknownRemembered { id: String }: Unknown "unknown_remembered",
            "there is no goal, milestone or fact `{id}` of this contact";
        NoLongerRemembered { id: String }: Conflict "no_longer_remembered",
            "`{id}` was achieved, resolved or removed before; set it anew";
        NothingToRemember { most: usize }: Invalid "nothing_to_remember",
            "it needs a word or two, and has at most {most} characters";
        NothingToResolve: Conflict "nothing_to_resolve",
            "a fact is so or isn't; correct or remove it";
        NotOfAKind: Conflict "not_of_a_kind",
            "only two different goals, milestones or facts can be one";
        TooMuchRemembered { most: usize }: Conflict "too_much_remembered",
            "{most} of this kind stand, which is the limit; resolve or remove some first";
        EnoughForToday { most: u32 }: Conflict "enough_for_today",
            "{most} things were found for this contact today, which is the limit";
        NoSuchQuote { message_id: String }: Conflict "no_such_quote",
            "the quote isn't found just so in `{message_id}`, among the last messages of that conversation";
    }
}

/// Contacts that one stands for, at most: whatever is asked about a person is asked of all their conversations.
pub const MERGED_AT_MOST: usize = 64;

/// What says that two contacts are one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// An operator.
    Command,
    /// The provider, who vouches for both addresses.
    Verified,
}

impl How {
    pub fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Verified => "verified",
        }
    }
}

/// A contact and the one that is to stand for it, with the conversations of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    pub contact: ContactId,
    pub into: ContactId,
    pub how: How,
    pub by: String,
    /// In the words of who asked; may be empty.
    pub reason: String,
    pub conversations: BTreeSet<ConversationId>,
    pub into_conversations: BTreeSet<ConversationId>,
}

impl Merge {
    fn event(&self) -> v1::ContactMerged {
        let listed = |ids: &BTreeSet<ConversationId>| ids.iter().map(ConversationId::to_string).collect();
        v1::ContactMerged {
            contact_id: self.contact.to_string(),
            into: self.into.to_string(),
            how: self.how.name().to_owned(),
            by: self.by.clone(),
            reason: reason(self.how.name(), &self.reason),
            conversations: listed(&self.conversations),
            into_conversations: listed(&self.into_conversations),
        }
    }

    /// # Errors
    /// When there is nobody to merge, or it would be merged into itself.
    pub fn check(&self) -> Result<(), Refused> {
        if self.contact == self.into {
            return Err(Refused::SameContact);
        }
        for (contact, conversations) in [(self.contact, &self.conversations), (self.into, &self.into_conversations)] {
            if conversations.is_empty() {
                return Err(Refused::UnknownContact { contact });
            }
        }
        Ok(())
    }
}

impl Contact {
    /// Refuses what is to be asked of the surviving contact.
    ///
    /// # Errors
    /// `contact_merged`, naming that one.
    pub fn stands_for_itself(&self) -> Result<(), Refused> {
        match self.merged_into {
            None => Ok(()),
            Some(into) => Err(Refused::ContactMerged {
                who: "this contact".to_owned(),
                into,
                advice: ", whose settings count; change those, or split it first",
            }),
        }
    }

    /// The surviving contact's side of a merge. Nothing when the other is in it already.
    ///
    /// # Errors
    /// When this one was merged itself, or [`MERGED_AT_MOST`] are in it.
    pub fn take_in(&self, merge: &Merge) -> Result<Option<v1::ContactMerged>, Refused> {
        merge.check()?;
        match self.merged_into {
            Some(other) if other == merge.contact => Err(Refused::MergeCycle { contact: merge.into, into: other }),
            Some(other) => Err(Refused::ContactMerged {
                who: merge.into.to_string(),
                into: other,
                advice: " meanwhile; merge into that one",
            }),
            None if self.merged.contains_key(&merge.contact) => Ok(None),
            None if self.merged.len() >= MERGED_AT_MOST => {
                Err(Refused::TooManyMerged { most: MERGED_AT_MOST, into: merge.into })
            }
            None => Ok(Some(merge.event())),
        }
    }

    /// The merged contact's side: it points to the surviving one. Nothing when it does already.
    ///
    /// # Errors
    /// When it was merged into another, or others were merged into it.
    pub fn merge(&self, merge: &Merge) -> Result<Option<v1::ContactMerged>, Refused> {
        merge.check()?;
        if self.merged.contains_key(&merge.into) {
            return Err(Refused::MergeCycle { contact: merge.into, into: merge.contact });
        }
        if let Some(other) = self.merged.keys().next() {
            return Err(Refused::HasMergedContacts { other: *other, contact: merge.contact, into: merge.into });
        }
        match self.merged_into {
            Some(into) if into == merge.into => Ok(None),
            Some(other) => Err(Refused::AlreadyMerged { contact: merge.contact, into: other }),
            None => Ok(Some(merge.event())),
        }
    }

    /// The merged contact stands for itself again.
    ///
    /// # Errors
    /// `not_merged` when it does anyway.
    pub fn split(&self, contact: ContactId, by: &str, words: &str) -> Result<v1::ContactSplit, Refused> {
        let Some(from) = self.merged_into else {
            let merged: Vec<String> = self.merged.keys().map(ContactId::to_string).collect();
            let advice = match merged.as_slice() {
                [] => String::new(),
                merged => format!("; split those that were merged into it: {}", merged.join(", ")),
            };
            return Err(Refused::NotMerged { contact, advice });
        };
        Ok(v1::ContactSplit {
            contact_id: contact.to_string(),
            from: from.to_string(),
            by: by.to_owned(),
            reason: reason("command", words),
        })
    }

    /// The surviving contact's side of a split, or of a merge that came to nothing. Nothing when it doesn't list the other.
    pub fn let_go(&self, contact: ContactId, from: ContactId, by: &str, words: &str) -> Option<v1::ContactSplit> {
        self.merged.contains_key(&contact).then(|| v1::ContactSplit {
            contact_id: contact.to_string(),
            from: from.to_string(),
            by: by.to_owned(),
            reason: reason("command", words),
        })
    }

    /// `own` is this contact's id: the event stands on both.
    pub(super) fn merged(&mut self, own: &str, e: &v1::ContactMerged) {
        let (Ok(own), Ok(contact), Ok(into)) = (own.parse::<ContactId>(), e.contact_id.parse(), e.into.parse()) else {
            return;
        };
        let ids = |texts: &[String]| texts.iter().filter_map(|t| t.parse().ok()).collect::<BTreeSet<ConversationId>>();
        if own == contact {
            self.merged_into = Some(into);
            self.split_from = None;
            self.conversations.extend(ids(&e.conversations));
        } else if own == into {
            self.merged.insert(contact, ids(&e.conversations));
            self.conversations.extend(ids(&e.into_conversations));
        }
    }

    pub(super) fn split_up(&mut self, own: &str, e: &v1::ContactSplit) {
        let (Ok(own), Ok(contact)) = (own.parse::<ContactId>(), e.contact_id.parse()) else { return };
        if own == contact {
            self.split_from = self.merged_into.take();
        } else {
            self.merged.remove(&contact);
        }
    }
}

fn reason(code: &str, words: &str) -> Option<v1::Reason> {
    (!words.is_empty()).then(|| v1::Reason { code: code.to_owned(), text: words.to_owned(), event_id: String::new() })
}
