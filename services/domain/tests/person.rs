//! What counts for a person, by zone and by language tag: the contact's word, else the channel's, else the file's.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use chrono::Utc;
use chrono_tz::Tz;
use steward_domain::{
    contact::Contact,
    conversation::{Conversation, Person},
    person::{Known, Said, effective},
    settings::Defaults,
};
use steward_language::{
    DateOrder, Language,
    time::{Meaning, parse},
};

fn defaults() -> Defaults {
    Defaults { timezone: Tz::Asia__Makassar, language: Language::Es, ..Defaults::default() }
}

fn on_channel(language: &str, timezone: &str) -> Conversation {
    let mut conversation = Conversation::default();
    conversation.person = Person { language: language.to_owned(), timezone: timezone.to_owned(), ..Person::default() };
    conversation
}

fn set(language: Option<&str>, timezone: Option<&str>) -> Contact {
    Contact { language: language.map(str::to_owned), timezone: timezone.map(str::to_owned), ..Contact::default() }
}

#[test]
fn the_zone_is_the_first_that_is_one() {
    use Said::{ByNobody, ByTheChannel, ForTheContact};
    let table = [
        (Some("Europe/Madrid"), "Asia/Tokyo", Tz::Europe__Madrid, ForTheContact),
        (None, "Asia/Tokyo", Tz::Asia__Tokyo, ByTheChannel),
        (Some("Mars/Base"), "Asia/Tokyo", Tz::Asia__Tokyo, ByTheChannel),
        (Some(""), "", Tz::Asia__Makassar, ByNobody),
        (None, "+03:00", Tz::Asia__Makassar, ByNobody),
    ];
    for (contacts, channels, zone, said) in table {
        let conversation = on_channel("", channels);
        let contact = set(None, contacts);
        let person = effective(&defaults(), Some(&contact), &conversation);
        assert_eq!(person.zone, Known { value: zone, said }, "{contacts:?} over {channels:?}");
    }
    let conversation = on_channel("", "Asia/Tokyo");
    assert_eq!(effective(&defaults(), None, &conversation).zone.value, Tz::Asia__Tokyo, "without a contact");
}

#[test]
fn the_language_that_they_write_in_counts_unless_one_was_set() {
    use Said::{ByTheChannel, ByWriting, ForTheContact};
    let table = [
        (None, "", "en", "en", ByWriting),
        (None, "ru", "en", "en", ByWriting),
        (Some("ru"), "es", "en", "ru", ForTheContact),
        // the channel knows the country too
        (None, "en-GB", "en", "en-GB", ByTheChannel),
    ];
    for (contacts, channels, written, tag, said) in table {
        let conversation = on_channel(channels, "");
        let contact = Contact { detected_language: Some(written.to_owned()), ..set(contacts, None) };
        let person = effective(&defaults(), Some(&contact), &conversation);
        assert_eq!((person.tag, person.said_tag, person.language.said), (tag, tag, said), "{contacts:?} {channels}");
    }
    // Portuguese may look like Spanish: it is no reason to write in Spanish to who never said so
    let conversation = on_channel("pt-BR", "");
    let contact = Contact { detected_language: Some("es".to_owned()), ..Contact::default() };
    let person = effective(&defaults(), Some(&contact), &conversation);
    assert_eq!(person.said_tag, "pt-BR");
    assert_eq!(contact.wrote_in(Language::Es), None);
    assert!(contact.wrote_in(Language::En).is_some());
}

#[test]
fn the_language_is_the_first_that_steward_speaks_and_its_tag_says_how_dates_are_written() {
    use DateOrder::{DayFirst, MonthFirst, Open};
    use Said::{ByNobody, ByTheChannel, ForTheContact};
    let table = [
        (Some("en-GB"), "ru", "en-GB", DayFirst, ForTheContact),
        (None, "en-US", "en-US", MonthFirst, ByTheChannel),
        (None, "en-CA", "en-CA", Open, ByTheChannel),
        (Some("pt-BR"), "en-PH", "en-PH", MonthFirst, ByTheChannel),
        (Some("pt-BR"), "", "es", MonthFirst, ByNobody),
    ];
    for (contacts, channels, tag, order, said) in table {
        let conversation = on_channel(channels, "");
        let contact = set(contacts, None);
        let person = effective(&defaults(), Some(&contact), &conversation);
        assert_eq!(
            (person.tag, person.date_order, person.language.said),
            (tag, order, said),
            "{contacts:?} {channels}"
        );
        assert_eq!(Some(person.language.value), Language::of_tag(tag));
        let said_tag = contacts.unwrap_or(channels);
        assert_eq!(person.said_tag, said_tag, "a template may exist in a language that Steward doesn't speak");
    }
}

#[test]
fn the_hour_is_the_contacts_if_it_is_one() {
    let conversation = Conversation::default();
    for (set, value, said) in
        [(Some(8), 8, Said::ForTheContact), (Some(24), 10, Said::ByNobody), (None, 10, Said::ByNobody)]
    {
        let contact = Contact { followup_hour: set, ..Contact::default() };
        let person = effective(&defaults(), Some(&contact), &conversation);
        assert_eq!(person.followup_hour, Known { value, said }, "{set:?}");
    }
    let parts = effective(&defaults(), None, &conversation).parts_of_day;
    assert_eq!(parts, Known { value: Defaults::default().parts_of_day, said: Said::ByNobody });
}

#[test]
fn a_date_in_digits_is_read_as_the_person_writes_it() {
    let said = |tag: &str| {
        let conversation = on_channel(tag, "UTC");
        let person = effective(&defaults(), None, &conversation);
        match parse("on 3/4", &person.time_context("2026-11-18T12:00:00Z".parse().unwrap())) {
            Meaning::Instant(moment) => moment.at.with_timezone(&Utc).format("%d.%m").to_string(),
            Meaning::Ambiguous { rule, .. } => rule.to_owned(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(["en-US", "en", "en-GB", "en-CA"].map(said), ["04.03", "04.03", "03.04", "day_or_month"]);
}
