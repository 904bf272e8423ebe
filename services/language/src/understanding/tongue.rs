//! Which of our languages a text is clearly written in.

use super::words::tokens;
use crate::{Language, folder::Script};

/// The language a text is clearly written in; `None` when it doesn't say ("ok", "👍", a number).
pub fn language_of(text: &str) -> Option<Language> {
    let (mut cyrillic, mut latin) = (0usize, 0usize);
    for c in text.chars() {
        cyrillic += usize::from(Script::Cyrillic.has(c));
        latin += usize::from(Script::Latin.has(c));
    }
    let script = if cyrillic > 0 && cyrillic * 2 >= latin { Script::Cyrillic } else { Script::Latin };
    let languages: Vec<Language> = script.languages().collect();
    if let [only] = languages[..] {
        return Some(only);
    }
    let words = tokens(text);
    let signs = |language: Language| {
        let folder = language.folder();
        words.iter().filter(|t| t.is_one_of(folder.telling_words)).count()
            + text.chars().filter(|c| folder.telling_letters.contains(c)).count()
    };
    let counts: Vec<usize> = languages.iter().map(|&language| signs(language)).collect();
    let most = counts.iter().copied().max()?;
    let mut best = languages.into_iter().zip(counts).filter(|&(_, count)| count == most);
    best.next().filter(|_| best.next().is_none()).map(|(language, _)| language)
}
