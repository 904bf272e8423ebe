//! What counts for the person of a conversation: their zone, language, way of writing dates and hours, and who said so.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use steward_language::{
    DateOrder, Language,
    time::{PartsOfDay, TimeContext},
};

use crate::{contact::Contact, conversation::Conversation, ids::ContactId, settings::Defaults};

/// Who said a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It was set for the contact, by an operator or by the person.
    ForTheContact,
    /// They write so.
    ByWriting,
    /// The channel brought it with the person's messages.
    ByTheChannel,
    /// Nobody: it is what `[defaults]` has.
    ByNobody,
}

/// A value, and who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<T> {
    pub value: T,
    pub said: Said,
}

/// What counts for a person. A value that can't be read (a zone that isn't one, a language that Steward doesn't speak) is as if
/// it hadn't been said.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective<'a> {
    pub zone: Known<Tz>,
    pub language: Known<Language>,
    /// The BCP 47 tag that named the language: `en-GB`.
    pub tag: &'a str,
    /// The tag that was said, in whatever language; empty if none was.
    pub said_tag: &'a str,
    /// Which number of `3/4` is the day, by the tag.
    pub date_order: DateOrder,
    /// Local hour of a bare day.
    pub followup_hour: Known<u32>,
    pub parts_of_day: Known<PartsOfDay>,
    /// Empty if nobody knows it.
    pub name: &'a str,
}

/// What counts for the person of a conversation. `contact` is the one that stands for them, as [`contact_of`] finds it;
/// `defaults` are those of their tenant and channel, which today are the file's.
pub fn effective<'a>(
    defaults: &Defaults,
    contact: Option<&'a Contact>,
    conversation: &'a Conversation,
) -> Effective<'a> {
    let channels = &conversation.person;
    let channels_zone = (Some(channels.timezone.as_str()), Said::ByTheChannel);
    let zone = first(
        [(contact.and_then(|c| c.timezone.as_deref()), Said::ForTheContact), channels_zone],
        |name| name.parse().ok(),
        defaults.timezone,
    );
    let of_tag = |tag: &'a str| Language::of_tag(tag).map(|language| (language, tag));
    let channels_tag = Some(channels.language.as_str());
    // Where the channel names the language that they write in, it may name a country as well; where it names one that Steward
    // doesn't speak, what they write was taken for another.
    let channels_language = Language::of_tag(&channels.language);
    let written = contact.and_then(|c| c.detected_language.as_deref()).filter(|code| {
        channels.language.is_empty()
            || channels_language.is_some_and(|language| Language::of_tag(code) != Some(language))
    });
    let tags = [
        (contact.and_then(|c| c.language.as_deref()), Said::ForTheContact),
        (written, Said::ByWriting),
        (channels_tag, Said::ByTheChannel),
    ];
    let spoken = first(tags, of_tag, (defaults.language, defaults.language.code()));
    let (language, tag) = spoken.value;
    let hour = contact.and_then(|c| c.followup_hour).filter(|hour| *hour < 24);
    Effective {
        zone,
        language: Known { value: language, said: spoken.said },
        tag,
        said_tag: tags.into_iter().filter_map(|(tag, _)| tag).find(|tag| !tag.is_empty()).unwrap_or_default(),
        date_order: DateOrder::of_tag(tag),
        followup_hour: Known {
            value: hour.unwrap_or(defaults.followup_hour),
            said: if hour.is_some() { Said::ForTheContact } else { Said::ByNobody },
        },
        parts_of_day: Known { value: defaults.parts_of_day, said: Said::ByNobody },
        name: contact.and_then(|c| c.name.as_deref()).unwrap_or(&channels.name),
    }
}

impl Effective<'_> {
    /// What a phrase of theirs is read against.
    pub fn time_context(&self, written_at: DateTime<Utc>) -> TimeContext {
        TimeContext {
            written_at,
            zone: self.zone.value,
            language: self.language.value,
            date_order: self.date_order,
            followup_hour: self.followup_hour.value,
            parts_of_day: self.parts_of_day.value,
        }
    }
}

/// The language of somebody of whom only a tag is known, or nothing.
pub fn language_of(tag: Option<&str>, defaults: &Defaults) -> Language {
    tag.and_then(Language::of_tag).unwrap_or(defaults.language)
}

/// The contact with what counts for it: a merged one under the contact that stands for it. `load` brings one by its id.
///
/// # Errors
/// Those of `load`.
pub async fn contact_of<F, E>(id: ContactId, load: impl Fn(ContactId) -> F) -> Result<Arc<Contact>, E>
where
    F: Future<Output = Result<Arc<Contact>, E>>,
{
    let own = load(id).await?;
    Ok(match own.merged_into {
        Some(survivor) => Arc::new(own.under(&*load(survivor).await?)),
        None => own,
    })
}

/// The first value that can be read, and who said it.
fn first<'a, T>(
    said: impl IntoIterator<Item = (Option<&'a str>, Said)>,
    read: impl Fn(&'a str) -> Option<T>,
    otherwise: T,
) -> Known<T> {
    let mut readable = said.into_iter().filter_map(|(text, said)| Some(Known { value: read(text?)?, said }));
    readable.next().unwrap_or(Known { value: otherwise, said: Said::ByNobody })
}
