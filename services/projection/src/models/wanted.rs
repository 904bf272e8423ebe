//! The keys of the rows that a batch of events needs.

use std::collections::BTreeSet;

use crate::rows::storable;

/// Keys as the arrays of an UNNEST: tenant and id, or tenant, the id of the whole, and the id of the part.
#[derive(Default)]
pub struct Wanted(BTreeSet<[String; 3]>);

impl Wanted {
    pub fn add(&mut self, tenant: &str, id: &str) {
        self.0.insert([tenant.to_owned(), storable(id).into_owned(), String::new()]);
    }

    pub fn add_part(&mut self, tenant: &str, whole: &str, id: &str) {
        self.0.insert([tenant.to_owned(), whole.to_owned(), storable(id).into_owned()]);
    }

    pub fn keys(&self) -> impl Iterator<Item = [&str; 3]> {
        self.0.iter().map(|key| key.each_ref().map(String::as_str))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn array(&self, column: usize) -> Vec<&str> {
        self.0.iter().map(|key| key[column].as_str()).collect()
    }
}
