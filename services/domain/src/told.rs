//! What is told of any event, whatever its aggregate: for who reads the log as it is.

use steward_language::Language;
use steward_proto::{ByAggregate, Event};

use crate::kernel::{Live, Tell as _};

macro_rules! told {
    ($($(#[$doc:meta])* $aggregate:ident $name:literal as $own:ident { $($events:tt)* })*) => {
        /// What happened, in one sentence.
        pub fn summary(event: &Event, language: Language) -> String {
            match event.by_aggregate() {
                $(Some(ByAggregate::$aggregate(e)) => e.summary(language),)*
                None => match language {
                    Language::En => format!("{} (this version doesn't know it)", event.type_name()),
                    Language::Es => format!("{} (esta versión no lo conoce)", event.type_name()),
                    Language::Ru => format!("{} (этой версии неизвестно)", event.type_name()),
                },
            }
        }

        /// The kind of the live event that an event makes, if it makes one.
        pub fn live(event: &Event) -> Option<Live> {
            match event.by_aggregate()? {
                $(ByAggregate::$aggregate(e) => e.live(),)*
            }
        }
    };
}

steward_proto::each_aggregate!(told);
