//! Tables in memory, in which a rebuild folds: rows as the bytes of a COPY, found by the same keys as in Postgres.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::BytesMut;

use crate::{
    models::Wanted,
    rows::{Entity, Lookup, Table, columns, storable},
};

/// About how many bytes a row costs beside its own, and one key under which it is found.
const OF_A_ROW: usize = 64;
const OF_A_KEY: usize = 96;

/// How many bytes of rows are passed on together.
const CHUNK: usize = 1024 * 1024;

/// The rows of all tables, of one partition.
#[derive(Default)]
pub struct Memory {
    hashes: [RandomState; 2],
    // Folds share it while they read and write; nobody ever waits for it.
    tables: Mutex<BTreeMap<&'static str, Shelf>>,
}

/// The rows of one table.
struct Shelf {
    columns: String,
    /// Rows that may be asked for or change, by the hash of their key.
    rows: HashMap<u128, Box<[u8]>, BuildHasherDefault<Hashed>>,
    /// What the lookups find, by the hash of a lookup's name and key. A row stays listed where it isn't found any more,
    /// until somebody looks there.
    listed: HashMap<u128, HashSet<u128, BuildHasherDefault<Hashed>>, BuildHasherDefault<Hashed>>,
    /// Rows that nobody will ask for or change.
    added: BytesMut,
    /// About how many bytes `rows` and `listed` take.
    held: usize,
}

/// Rows of a table, as a COPY takes them.
pub struct Rows {
    pub table: &'static str,
    pub columns: String,
    pub bytes: BytesMut,
}

impl Memory {
    /// About how many bytes the rows take that may change.
    pub fn held(&self) -> usize {
        self.tables().values().map(|shelf| shelf.held).sum()
    }

    pub fn by_key<T: Entity>(&self, wanted: &Wanted) -> Vec<T> {
        let tables = self.tables();
        let Some(shelf) = tables.get(T::NAME) else { return Vec::new() };
        wanted.keys().filter_map(|key| shelf.rows.get(&self.hash("", key)).map(|row| T::of(row))).collect()
    }

    pub fn by<T: Entity>(&self, lookup: &Lookup<T>, wanted: &Wanted) -> Vec<T> {
        let mut tables = self.tables();
        let Some(shelf) = tables.get_mut(T::NAME) else { return Vec::new() };
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        for key in wanted.keys() {
            let key = self.hash(lookup.name, key);
            let Some(listed) = shelf.listed.get_mut(&key) else { continue };
            listed.retain(|name| {
                let row = T::of(&shelf.rows[name]);
                let mut is_here = false;
                (lookup.under)(&row, &mut |under| is_here |= self.hash(lookup.name, under) == key);
                if !is_here {
                    shelf.held -= OF_A_KEY;
                } else if seen.insert(*name) {
                    found.push(row);
                }
                is_here
            });
        }
        found
    }

    /// Puts rows in place of those with the same key.
    pub fn put<'r, T: Entity>(&self, rows: impl IntoIterator<Item = &'r T>) {
        let mut tables = self.tables();
        let shelf = shelf::<T>(&mut tables);
        let mut buffer = BytesMut::new();
        for row in rows {
            buffer.clear();
            row.put(&mut buffer);
            let name = self.hash("", row.key());
            shelf.held += OF_A_ROW + buffer.len();
            if let Some(old) = shelf.rows.insert(name, buffer[..].into()) {
                shelf.held -= OF_A_ROW + old.len();
            }
            for lookup in T::LOOKUPS {
                (lookup.under)(row, &mut |key| {
                    if shelf.listed.entry(self.hash(lookup.name, key)).or_default().insert(name) {
                        shelf.held += OF_A_KEY;
                    }
                });
            }
        }
    }

    /// Adds rows that nobody will ask for or change.
    pub fn add<T: Table>(&self, rows: &[&T]) {
        let mut tables = self.tables();
        let shelf = shelf::<T>(&mut tables);
        rows.iter().for_each(|row| row.put(&mut shelf.added));
    }

    /// The tables that hold rows which may change.
    pub fn in_use(&self) -> Vec<&'static str> {
        self.tables().iter().filter(|(_, shelf)| !shelf.rows.is_empty()).map(|(table, _)| *table).collect()
    }

    /// Takes out the rows that were added.
    pub fn take_added(&self) -> Vec<Rows> {
        let mut tables = self.tables();
        let added = tables.iter_mut().filter(|(_, shelf)| !shelf.added.is_empty());
        let take = |(table, shelf): (&&'static str, &mut Shelf)| {
            // The next ones will be about as many.
            let room = BytesMut::with_capacity(shelf.added.len());
            let bytes = std::mem::replace(&mut shelf.added, room);
            Rows { table, columns: shelf.columns.clone(), bytes }
        };
        added.map(take).collect()
    }

    /// All rows of a table that may change.
    pub fn all<T: Table>(&self) -> Vec<T> {
        let tables = self.tables();
        tables.get(T::NAME).into_iter().flat_map(|shelf| shelf.rows.values()).map(|row| T::of(row)).collect()
    }

    /// Takes out all rows, in pieces.
    pub fn into_rows(self) -> impl Iterator<Item = Rows> {
        let tables = self.tables.into_inner().unwrap_or_else(PoisonError::into_inner);
        tables.into_iter().flat_map(|(table, shelf)| {
            let mut rows = shelf.rows.into_values();
            let columns = shelf.columns;
            std::iter::from_fn(move || {
                let mut bytes = BytesMut::new();
                for row in rows.by_ref() {
                    bytes.extend_from_slice(&row);
                    if bytes.len() >= CHUNK {
                        break;
                    }
                }
                (!bytes.is_empty()).then(|| Rows { table, columns: columns.clone(), bytes })
            })
        })
    }

    /// The hash of a key, 128 bits that nobody outside can foretell: other keys have another one.
    fn hash(&self, lookup: &str, key: [&str; 3]) -> u128 {
        let key = key.map(storable);
        let [high, low] = self.hashes.each_ref().map(|state| u128::from(state.hash_one((lookup, &key))));
        high << 64 | low
    }

    fn tables(&self) -> MutexGuard<'_, BTreeMap<&'static str, Shelf>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shelf<'a, T: Table>(tables: &'a mut BTreeMap<&'static str, Shelf>) -> &'a mut Shelf {
    tables.entry(T::NAME).or_insert_with(|| Shelf {
        columns: columns::<T>(),
        rows: HashMap::default(),
        listed: HashMap::default(),
        added: BytesMut::new(),
        held: 0,
    })
}

/// Takes a key that is a hash already as it is.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::rows::table;

    table! {
        pub struct Letter = "letters" {
            tenant: String,
            id: String,
            topic: Option<String>,
            read: bool,
        }
    }

    impl Entity for Letter {
        const KEY: &'static [&'static str] = &["tenant", "id"];
        const LOOKUPS: &'static [Lookup<Self>] = &[UNREAD];

        fn key(&self) -> [&str; 3] {
            [&self.tenant, &self.id, ""]
        }
    }

    const UNREAD: Lookup<Letter> = Lookup {
        name: "unread letters",
        condition: || unreachable!("no Postgres is asked"),
        under: |letter, found| {
            if let Some(topic) = letter.topic.as_ref().filter(|_| !letter.read) {
                found([&letter.tenant, topic, ""]);
            }
        },
    };

    fn letter(id: &str, read: bool) -> Letter {
        Letter { tenant: "t".to_owned(), id: id.to_owned(), topic: Some("rent".to_owned()), read }
    }

    fn found(memory: &Memory) -> Vec<String> {
        let mut wanted = Wanted::default();
        wanted.add("t", "rent");
        let mut ids: Vec<String> = memory.by(&UNREAD, &wanted).into_iter().map(|letter| letter.id).collect();
        ids.sort();
        ids
    }

    #[test]
    fn a_row_is_found_as_it_was_put_last_and_counted_once() {
        let memory = Memory::default();
        memory.put(&[letter("a\0", false), letter("b", false), letter("c", true)]);
        assert_eq!(found(&memory), ["a\u{fffd}", "b"], "texts are as Postgres would hold them");
        let held = memory.held();
        memory.put(&[letter("a\0", false), letter("b", false)]);
        assert_eq!(memory.held(), held);
        memory.put(&[letter("b", true)]);
        assert_eq!(found(&memory), ["a\u{fffd}"]);
        assert!(memory.held() < held, "what isn't found any more is listed no longer");
        let mut wanted = Wanted::default();
        wanted.add("t", "b");
        assert_eq!(memory.by_key::<Letter>(&wanted), [letter("b", true)]);
        assert_eq!(memory.in_use(), ["letters"]);
        assert_eq!(memory.into_rows().map(|rows| rows.bytes.len()).sum::<usize>(), 3 * 25 + 3);
    }
}
