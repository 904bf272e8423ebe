//! What a provider keeps of the beginnings of requests, and how many tokens that saves.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use serde_json::Value;

/// Beginnings shorter than this many tokens aren't kept.
const FLOOR: u64 = 1024;

/// A mark looks back so many blocks for what is kept.
const LOOK_BACK: usize = 20;

/// All beginnings that are kept.
#[derive(Default)]
pub struct Cache(HashSet<u64>);

/// The tokens of a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tokens {
    pub all: u64,
    pub read: u64,
    pub written: u64,
}

/// A beginning of a request: up to a block, the hash and the tokens.
struct Beginning {
    hash: u64,
    tokens: u64,
}

/// The beginnings of a request, one for each block; marks are no part of what is hashed.
fn beginnings(model: &str, blocks: &[Value]) -> Vec<Beginning> {
    let mut hasher = DefaultHasher::new();
    model.hash(&mut hasher);
    let mut tokens = 0;
    let each = blocks.iter().map(|block| {
        let mut block = block.clone();
        if let Value::Object(keys) = &mut block {
            keys.remove("cache_control");
        }
        let text = block.to_string();
        text.hash(&mut hasher);
        tokens += tokens_of(&text);
        Beginning { hash: hasher.finish(), tokens }
    });
    each.collect()
}

pub fn tokens_of(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}

impl Cache {
    /// Of a provider that keeps what is marked, up to the mark.
    pub fn marked(&mut self, model: &str, blocks: &[Value]) -> Tokens {
        let all = beginnings(model, blocks);
        let marks: Vec<usize> = (0..blocks.len()).filter(|at| !blocks[*at]["cache_control"].is_null()).collect();
        let mut tokens = Tokens { all: all.last().map_or(0, |all| all.tokens), ..Tokens::default() };
        for mark in &marks {
            let kept =
                all[mark.saturating_sub(LOOK_BACK)..=*mark].iter().rev().find(|part| self.0.contains(&part.hash));
            tokens.read = tokens.read.max(kept.map_or(0, |part| part.tokens));
        }
        let last = marks.last().map_or(0, |mark| all[*mark].tokens);
        if last >= FLOOR {
            tokens.written = last.saturating_sub(tokens.read);
        }
        let long_enough = marks.iter().map(|mark| &all[*mark]).filter(|part| part.tokens >= FLOOR);
        self.0.extend(long_enough.map(|part| part.hash));
        tokens
    }

    /// Of one that keeps whatever it has read.
    pub fn automatic(&mut self, model: &str, blocks: &[Value]) -> Tokens {
        let all = beginnings(model, blocks);
        let kept = all.iter().rev().find(|part| part.tokens >= FLOOR && self.0.contains(&part.hash));
        let tokens = Tokens {
            all: all.last().map_or(0, |all| all.tokens),
            read: kept.map_or(0, |part| part.tokens),
            written: 0,
        };
        self.0.extend(all.iter().map(|part| part.hash));
        tokens
    }
}
