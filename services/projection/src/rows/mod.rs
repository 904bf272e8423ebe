//! Rows of any table, as structs whose fields are the columns of the table.

mod field;
pub mod hashed;
mod reason;
mod tracked;

pub use field::{Field, Json, storable};
pub use reason::Reason;
pub use tracked::Tracked;

use bytes::BytesMut;
use tokio_postgres::Row;

/// A table of the read models.
pub trait Table: Sized {
    const NAME: &'static str;
    const COLUMNS: &'static [&'static str];
    /// Appends the row in the binary COPY format.
    fn put(&self, buffer: &mut BytesMut);
    /// Reads a row that [`put`](Self::put) has written.
    fn of(bytes: &[u8]) -> Self;
    /// About how many bytes a row has, as an SQL expression that doesn't read long values.
    fn size() -> String;
    /// Reads a row that was selected with [`columns`].
    ///
    /// # Errors
    /// A column is missing or has another type.
    fn read(row: &Row) -> Result<Self, tokio_postgres::Error>;
}

/// A row that may change, and is known by its key.
pub trait Entity: Table + 'static {
    /// The columns of the key. All but a tenant's own things belong to a conversation, so that no id can reach another
    /// conversation's.
    const KEY: &'static [&'static str];
    /// The other ways in which folds look for it.
    const LOOKUPS: &'static [Lookup<Self>] = &[];
    /// The values of the key; those for which `KEY` has no column are empty.
    fn key(&self) -> [&str; 3];
}

/// Takes the keys under which a row is found.
pub type Found<'a> = dyn FnMut([&str; 3]) + 'a;

/// A way to find rows other than by their key, in Postgres and in memory.
pub struct Lookup<R> {
    pub name: &'static str,
    /// The condition in SQL. Its parameters `$1`, `$2`, … are the arrays of what is wanted, and `{schema}` stands for
    /// the schema.
    pub condition: fn() -> String,
    /// Passes on every key under which the row is found so.
    pub under: fn(&R, &mut Found<'_>),
}

/// The columns of a table, for a SELECT or COPY.
pub fn columns<T: Table>() -> String {
    T::COLUMNS.join(", ")
}

/// Declares a table's row: the struct, the columns in order, how it is written and read.
macro_rules! table {
    ($(#[$meta:meta])* pub struct $name:ident = $table:literal { $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type),* }

        impl $crate::rows::Table for $name {
            const NAME: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn put(&self, buffer: &mut bytes::BytesMut) {
                use bytes::BufMut as _;
                buffer.put_i16(Self::COLUMNS.len() as i16);
                $($crate::rows::Field::put(&self.$field, buffer);)*
            }

            fn of(mut bytes: &[u8]) -> Self {
                bytes::Buf::advance(&mut bytes, size_of::<i16>());
                Self { $($field: $crate::rows::Field::take(&mut bytes)),* }
            }

            fn size() -> String {
                let parts = [$(<$type as $crate::rows::Field>::size(stringify!($field))),*];
                // The names of the columns, and the short values.
                let fixed = (Self::COLUMNS.len() * 24).to_string();
                parts.into_iter().flatten().chain([fixed]).collect::<Vec<_>>().join(" + ")
            }

            fn read(row: &tokio_postgres::Row) -> Result<Self, tokio_postgres::Error> {
                let mut index = 0..;
                let mut next = || index.next().expect("a range without end");
                Ok(Self { $($field: $crate::rows::Field::get(row, next())?),* })
            }
        }
    };
}
pub(crate) use table;
