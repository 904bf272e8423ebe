//! A language is its folder and a line of the table: what is shared knows none by name.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path};

use steward_language::Language;

/// The source files that aren't a language's own, nor the table.
fn shared(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if Language::of_tag(&name).is_none() {
                shared(&path, found);
            }
        } else if !matches!(name.as_str(), "language.rs" | "lib.rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn shared_code_knows_no_language_by_name() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    shared(&source, &mut files);
    assert!(files.len() > 20, "only {} files", files.len());
    for language in Language::ALL {
        let folder = source.join(language.code());
        assert!(folder.is_dir(), "{} is no folder", folder.display());
        for (path, text) in &files {
            for name in [format!("Language::{language:?}"), format!("crate::{}::", language.code())] {
                assert!(!text.contains(&name), "{path} names {name}");
            }
        }
    }
}

#[test]
fn a_tag_names_its_language_whatever_its_region() {
    for &language in Language::ALL {
        let code = language.code();
        for tag in [code.to_owned(), code.to_uppercase(), format!("{code}-MX"), format!("{code}_GB")] {
            assert_eq!(Language::of_tag(&tag), Some(language), "{tag}");
        }
        assert!(Language::TAGS.contains(&format!("`{code}`")));
        assert_eq!(serde_json::to_value(language).unwrap(), code, "as it stands in settings and events");
    }
    assert_eq!(Language::of_tag("tlh"), None);
    assert_eq!(Language::of_tag(""), None);
    let unknown = "tlh".parse::<Language>().unwrap_err().to_string();
    assert_eq!(unknown, format!("unknown language `tlh`: expected {}", Language::TAGS));
}
