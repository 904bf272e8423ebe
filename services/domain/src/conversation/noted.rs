//! Things that wait for their turn, in the order they were noted, each found by its key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Values in order of insertion. Finding, adding and removing one takes logarithmic time, however many wait.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "K: Ord + Deserialize<'de>, V: Deserialize<'de>"))]
pub struct Noted<K, V> {
    values: BTreeMap<u64, V>,
    places: BTreeMap<K, u64>,
    next: u64,
}

impl<K, V> Default for Noted<K, V> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), places: BTreeMap::new(), next: 0 }
    }
}

impl<K: Ord, V> Noted<K, V> {
    /// Adds at the end; what had the key is replaced where it stands.
    pub fn insert(&mut self, key: K, value: V) {
        let place = *self.places.entry(key).or_insert(self.next);
        self.next = self.next.max(place + 1);
        self.values.insert(place, value);
    }

    pub fn remove(&mut self, key: &K) {
        if let Some(place) = self.places.remove(key) {
            self.values.remove(&place);
        }
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.values.get(self.places.get(key)?)
    }

    pub fn contains(&self, key: &K) -> bool {
        self.places.contains_key(key)
    }

    pub fn clear(&mut self) {
        self.values.clear();
        self.places.clear();
    }
}

impl<K, V> Noted<K, V> {
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.values.values()
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<'a, K, V> IntoIterator for &'a Noted<K, V> {
    type Item = &'a V;
    type IntoIter = std::collections::btree_map::Values<'a, u64, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_found_by_its_key_and_kept_in_order() {
        let mut noted = Noted::default();
        for key in ["b", "a", "c", "d"] {
            noted.insert(key, key.to_uppercase());
        }
        noted.remove(&"a");
        noted.insert("c", "again".to_owned());
        noted.remove(&"d");
        noted.insert("e", "E".to_owned());
        assert_eq!(noted.iter().collect::<Vec<_>>(), ["B", "again", "E"]);
        assert_eq!((noted.len(), noted.contains(&"a"), noted.get(&"e")), (3, false, Some(&"E".to_owned())));
    }
}
