//! Every pair of colours that may stand on each other can be read.

use std::collections::BTreeMap;

const TOKENS: &str = include_str!("../../../services/projection/dashboard/assets/css/tokens.css");

const ROLES: [&str; 12] = [
    "queued",
    "held",
    "deferred",
    "claimed",
    "sent",
    "delivered",
    "read",
    "failed",
    "unknown",
    "cancelled",
    "expired",
    "human",
];
const GROUNDS: [&str; 7] = ["ground", "panel", "sunken", "tint", "mark", "past", "human-t"];

/// The colours of one block of declarations.
fn colours(block: &str) -> BTreeMap<String, [f64; 3]> {
    let pairs = block.split(';').filter_map(|part| part.rsplit_once("--")?.1.split_once(':'));
    let read = |(name, value): (&str, &str)| {
        let hex = value.trim().strip_prefix('#').filter(|hex| hex.len() == 6)?;
        let channel = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).ok().map(|c| f64::from(c) / 255.0);
        Some((name.trim().to_owned(), [channel(0)?, channel(2)?, channel(4)?]))
    };
    pairs.filter_map(read).collect()
}

/// WCAG 2.2: relative luminance.
fn luminance(colour: [f64; 3]) -> f64 {
    let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
    0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn whatever_stands_on_whatever_ground_can_be_read() {
    let blocks: Vec<_> = TOKENS.split('{').skip(1).map(|b| colours(b.split('}').next().unwrap())).collect();
    let whole: Vec<_> = blocks.into_iter().filter(|colours| colours.len() > 20).collect();
    let [light, dark, by_system] = &whole[..] else { panic!("{} themes", whole.len()) };
    assert_eq!(dark, by_system, "dark is one theme, whoever asked for it");
    for (theme, name) in [(light, "light"), (dark, "dark")] {
        let pair = |one: &str, other: &str, least: f64| {
            let found = contrast(theme[one], theme[other]);
            assert!(found >= least, "{name}: {one} on {other} has {found:.2}");
        };
        for ground in GROUNDS {
            pair("ink", ground, 7.0);
            pair("soft", ground, 4.5);
            pair("accent", ground, 4.5);
            for role in ROLES {
                pair(role, ground, 4.5);
            }
        }
        for role in ROLES {
            pair(role, &format!("{role}-t"), 4.5);
        }
        pair("on-accent", "accent", 4.5);
        for ground in ["ground", "panel", "sunken"] {
            pair("edge", ground, 3.0);
        }
    }
}
