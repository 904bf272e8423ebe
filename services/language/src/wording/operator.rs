//! What an operator is told whose command wasn't carried out.

use crate::Language;

/// The command names no client.
pub fn name_the_client(language: Language) -> &'static str {
    language.folder().wording.name_the_client()
}

/// The client it names isn't known.
pub fn no_such_client(language: Language, client: &str) -> String {
    language.folder().wording.no_such_client(client)
}

/// It takes a human out of a conversation that has none.
pub fn no_human_active(language: Language, client: &str) -> String {
    language.folder().wording.no_human_active(client)
}
