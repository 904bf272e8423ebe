//! What goes out when the channel's service window is closed: the provider's template for a message's purpose and language.

use super::{Author, Conversation, Message};
use crate::settings::Template;

/// A template with its placeholders filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateCall {
    pub name: String,
    /// The provider's code: `ru`, `en_US`.
    pub language: String,
    pub parameters: Vec<String>,
    /// There is none for the purpose in a language that the recipient is known to read.
    pub other_language: bool,
}

/// Whom a template speaks to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Addressee<'a> {
    /// Language tags in order of preference: the contact's own, then the default.
    pub languages: [&'a str; 2],
    pub name: &'a str,
}

impl Conversation {
    /// The template that a message goes out as outside the window, in the best language there is one in; `None`: none is
    /// configured for its purpose, or it is too long for one. A message in parts is never sent half as a template.
    pub fn template_for(
        &self,
        message: &Message,
        templates: &[Template],
        addressee: Addressee<'_>,
    ) -> Option<TemplateCall> {
        if !self.capabilities().templates || message.parts.len() > 1 {
            return None;
        }
        let languages = self.template_languages(message, addressee);
        let purposes = self.purposes(message);
        let spoken = purposes.iter().find_map(|purpose| choose(templates, purpose, &languages));
        // In another language it says at least that there is something: held back, it says nothing.
        let any = || purposes.iter().find_map(|purpose| templates.iter().find(|t| t.purpose == *purpose));
        let chosen = spoken.or_else(any)?;
        let filled = chosen.parameters.iter().map(|parameter| match parameter.as_str() {
            "name" if !addressee.name.is_empty() => addressee.name.to_owned(),
            "name" => self.person.id.clone(),
            _ => message.text.clone(),
        });
        Some(TemplateCall {
            name: chosen.name.clone(),
            language: chosen.language.clone(),
            parameters: filled.collect(),
            other_language: spoken.is_none(),
        })
    }

    /// Tags of the languages that a template for this message may be in, the best first; empty ones aren't known.
    pub(super) fn template_languages<'a>(&'a self, message: &Message, addressee: Addressee<'a>) -> [&'a str; 3] {
        // Its words are in the language it was asked for in, whatever the channel knows of the person.
        let own = message.follow_up_id.and_then(|id| self.follow_ups.get(&id)).map_or("", |f| f.language.as_str());
        let [theirs, default] = addressee.languages;
        [own, theirs, default]
    }

    /// What a template may be configured for to stand in for this message, the best first.
    fn purposes(&self, message: &Message) -> &'static [&'static str] {
        match message.follow_up_id.and_then(|id| self.follow_ups.get(&id)) {
            Some(f) if f.intention == "remind" => &["reminder", "follow_up"],
            Some(_) => &["follow_up"],
            None if message.proactive && message.author == Author::Bot => &["follow_up", "reply"],
            None => &["reply"],
        }
    }
}

/// `ru` is served by `ru` and by `ru_RU`; an exact tag comes first.
fn choose<'t>(templates: &'t [Template], purpose: &str, languages: &[&str]) -> Option<&'t Template> {
    let plain = |tag: &str| tag.replace('-', "_").to_ascii_lowercase();
    let primary = |tag: &str| plain(tag).split('_').next().unwrap_or_default().to_owned();
    let mine = || templates.iter().filter(|t| t.purpose == purpose);
    languages.iter().filter(|l| !l.is_empty()).find_map(|language| {
        mine()
            .find(|t| plain(&t.language) == plain(language))
            .or_else(|| mine().find(|t| primary(&t.language) == primary(language)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(language: &str) -> Template {
        Template {
            purpose: "follow_up".to_owned(),
            language: language.to_owned(),
            name: format!("follow_up_{language}"),
            parameters: Vec::new(),
        }
    }

    #[test]
    fn a_template_is_chosen_by_the_contacts_language_and_else_by_the_default() {
        let templates = [template("en_US"), template("pt_BR"), template("ru")];
        let name = |languages: [&str; 2]| choose(&templates, "follow_up", &languages).map(|t| t.language.as_str());
        assert_eq!(name(["ru-RU", "en"]), Some("ru"));
        assert_eq!(name(["ru", "en"]), Some("ru"));
        assert_eq!(name(["pt", "en"]), Some("pt_BR"));
        assert_eq!(name(["de", "en"]), Some("en_US"));
        assert_eq!(name(["", "en-GB"]), Some("en_US"));
        assert_eq!(name(["de", "fr"]), None);
        assert_eq!(choose(&templates, "reply", &["ru", "en"]), None);
    }
}
