//! A queue for each tenant, which take turns: a tenant that has much waits for itself alone.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Items that wait, each for its tenant's turn.
pub struct Turns<K, T> {
    /// The tenants that have something waiting, the next one first.
    order: VecDeque<K>,
    queues: HashMap<K, VecDeque<T>>,
}

impl<K, T> Default for Turns<K, T> {
    fn default() -> Self {
        Self { order: VecDeque::new(), queues: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash, T> Turns<K, T> {
    /// Queues an item behind the tenant's others.
    pub fn push(&mut self, key: &K, item: T) {
        match self.queues.get_mut(key) {
            Some(queue) => queue.push_back(item),
            None => {
                self.order.push_back(key.clone());
                self.queues.insert(key.clone(), VecDeque::from([item]));
            }
        }
    }

    /// What `pop` would give.
    pub fn peek(&self) -> Option<&T> {
        self.queues.get(self.order.front()?)?.front()
    }

    /// Takes the next item of the tenant whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        self.pop_of(|_| true)
    }

    /// Takes the next item of the first tenant in turn that `may`.
    pub fn pop_of(&mut self, may: impl Fn(&K) -> bool) -> Option<T> {
        let turn = self.order.iter().position(may)?;
        let key = self.order.remove(turn)?;
        let queue = self.queues.get_mut(&key)?;
        let item = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&key);
        } else {
            self.order.push_back(key);
        }
        item
    }

    /// Whether the tenant has something waiting.
    pub fn has(&self, key: &K) -> bool {
        self.queues.contains_key(key)
    }

    /// All items; each tenant's in its order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.queues.values().flatten()
    }

    /// Forgets all items.
    pub fn clear(&mut self) {
        self.order.clear();
        self.queues.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_turn_whatever_another_has_waiting() {
        let mut turns = Turns::default();
        (0..5).for_each(|i| turns.push(&"a", ("a", i)));
        (0..2).for_each(|i| turns.push(&"b", ("b", i)));
        turns.push(&"c", ("c", 0));
        assert_eq!(turns.peek(), Some(&("a", 0)));
        let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();
        assert_eq!(order, [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("b", 1), ("a", 2), ("a", 3), ("a", 4)]);
        assert!(turns.peek().is_none() && turns.iter().next().is_none());
    }

    #[test]
    fn who_may_not_keeps_its_turn() {
        let mut turns = Turns::default();
        [("a", 1), ("b", 2), ("a", 3)].into_iter().for_each(|(key, item)| turns.push(&key, item));
        assert_eq!(turns.pop_of(|key| *key != "a"), Some(2));
        assert_eq!(turns.pop_of(|key| *key == "c"), None);
        assert_eq!((turns.pop(), turns.pop(), turns.pop()), (Some(1), Some(3), None));
    }
}
