//! Running the numbered SQL files of `migrations/`, which alone create tables.

use std::collections::BTreeMap;

use deadpool_postgres::{Object, Pool};

use steward_proto::{secret_types, without_secrets};

use crate::{error::ProjectionError, models};

/// One numbered SQL file.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    pub name: &'static str,
    pub sql: &'static str,
}

/// Embeds files of a folder of `migrations/` by their names.
macro_rules! migrations {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$($crate::migrations::Migration {
            name: $name,
            sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/", $folder, "/", $name, ".sql")),
        }),*]
    };
}
pub(crate) use migrations;

/// The files of the schema `steward`.
const CONTROL: &[Migration] = migrations!("control": "0001_active");

/// The files of the read models that belong to no single model.
const OF_ALL: &[Migration] = migrations!("read_model": "0009_hashed_keys", "0011_set_aside");

/// All files for a schema of read models, those of the models and the common ones, in order.
fn read_model() -> Vec<Migration> {
    let models = models::all();
    let mut files: Vec<Migration> = models.iter().flat_map(|model| model.migrations()).chain(OF_ALL).copied().collect();
    files.sort_unstable_by_key(|file| file.name);
    files
}

/// The file with which the secrets that earlier builds stored leave the table `events`.
const WITHOUT_SECRETS: &str = "0010_hashed_events";

/// The key of the lock with which one process migrates at a time: `steward` in ASCII.
const LOCK: i64 = 0x73_7465_7761_7264;

/// Brings the control schema and the active read models up to date, and makes them if there are none. Any number of
/// processes may run it, at once and repeatedly.
///
/// # Errors
/// Postgres can't be reached, or a file fails.
pub async fn migrate(pool: &Pool) -> Result<(), ProjectionError> {
    let mut client = pool.get().await?;
    if is_current(&client).await? {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    transaction.batch_execute("CREATE SCHEMA IF NOT EXISTS steward").await?;
    apply(&transaction, "steward", CONTROL).await?;
    let active = transaction.query_opt("SELECT schema FROM steward.active", &[]).await?;
    let schema = match active {
        Some(row) => row.get(0),
        None => {
            let schema = next_schema(&transaction).await?;
            let first = "INSERT INTO steward.active (schema, position) VALUES ($1, 0)";
            transaction.execute(first, &[&schema]).await?;
            schema
        }
    };
    apply(&transaction, &schema, &read_model()).await?;
    transaction.commit().await?;
    Ok(())
}

/// Whether nothing is left to do: then a user without the right to change tables will do.
async fn is_current(client: &Object) -> Result<bool, ProjectionError> {
    let unmade = |error: &tokio_postgres::Error| {
        use tokio_postgres::error::SqlState;
        matches!(error.code(), Some(code) if [SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME].contains(code))
    };
    // Asked beforehand, because a query on a missing table writes an error into the server's log.
    if !client.query_one("SELECT to_regclass('steward.active') IS NOT NULL", &[]).await?.get::<_, bool>(0) {
        return Ok(false);
    }
    let Some(row) = client.query_opt("SELECT schema FROM steward.active", &[]).await? else { return Ok(false) };
    let active: String = row.get(0);
    for (schema, migrations) in [("steward", CONTROL), (active.as_str(), &read_model())] {
        let applied = match client.query(&format!("SELECT name FROM {schema}.migrations"), &[]).await {
            Ok(rows) => rows,
            Err(error) if unmade(&error) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if migrations.iter().any(|m| applied.iter().all(|row| row.get::<_, &str>(0) != m.name)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes an empty schema of read models, and returns its name.
///
/// # Errors
/// Postgres can't be reached, or a file fails.
pub async fn new_schema(client: &mut Object) -> Result<String, ProjectionError> {
    let transaction = client.transaction().await?;
    let schema = next_schema(&transaction).await?;
    apply(&transaction, &schema, &read_model()).await?;
    transaction.commit().await?;
    Ok(schema)
}

/// An index of a table, or the key that it belongs to.
#[derive(Debug)]
pub struct Index {
    name: String,
    /// The key's constraint.
    constraint: Option<String>,
    /// What makes it.
    pub sql: String,
    /// For a unique index, its columns and expressions.
    pub unique: Option<String>,
}

/// The indexes and keys of a schema's tables, by table.
///
/// # Errors
/// Postgres can't be reached.
pub async fn indexes(client: &Object, schema: &str) -> Result<BTreeMap<String, Vec<Index>>, ProjectionError> {
    let sql = "SELECT t.relname::text, i.relname::text, k.conname::text,
            coalesce('ALTER TABLE ' || t.oid::regclass || ' ADD CONSTRAINT ' || quote_ident(k.conname) || ' '
                || pg_get_constraintdef(k.oid), pg_get_indexdef(i.oid)),
            CASE WHEN x.indisunique THEN (SELECT string_agg(pg_get_indexdef(i.oid, n, true), ', ')
                FROM generate_series(1, x.indnkeyatts) AS n) END
        FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
            LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.conrelid = t.oid
        WHERE t.relnamespace = to_regnamespace($1) AND t.relkind = 'r'
        ORDER BY x.indisunique DESC, i.relname";
    let mut tables = BTreeMap::<String, Vec<Index>>::new();
    for row in client.query(sql, &[&schema]).await? {
        let index = Index { name: row.get(1), constraint: row.get(2), sql: row.get(3), unique: row.get(4) };
        tables.entry(row.get(0)).or_default().push(index);
    }
    Ok(tables)
}

impl Index {
    /// What takes it away.
    pub fn drop_sql(&self, schema: &str, table: &str) -> String {
        match &self.constraint {
            Some(constraint) => format!("ALTER TABLE {schema}.{table} DROP CONSTRAINT {constraint}"),
            None => format!("DROP INDEX {schema}.{}", self.name),
        }
    }
}

async fn next_schema(transaction: &deadpool_postgres::Transaction<'_>) -> Result<String, ProjectionError> {
    let number: i64 = transaction.query_one("SELECT nextval('steward.read_model_number')", &[]).await?.get(0);
    let schema = format!("rm_{number}");
    transaction.batch_execute(&format!("CREATE SCHEMA {schema}")).await?;
    Ok(schema)
}

async fn apply(
    transaction: &deadpool_postgres::Transaction<'_>,
    schema: &str,
    migrations: &[Migration],
) -> Result<(), ProjectionError> {
    set_path(transaction, schema).await?;
    transaction
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
        )
        .await?;
    let applied: Vec<String> =
        transaction.query("SELECT name FROM migrations", &[]).await?.iter().map(|row| row.get(0)).collect();
    let missing = migrations.iter().copied().filter(|m| !applied.iter().any(|name| name == m.name));
    let missing: Vec<Migration> = missing.collect();
    for migration in missing {
        let made = transaction.batch_execute(migration.sql).await;
        made.map_err(|source| ProjectionError::Migration { name: migration.name, source })?;
        if migration.name == WITHOUT_SECRETS {
            drop_secrets(transaction).await?;
        }
        transaction.execute("INSERT INTO migrations (name) VALUES ($1)", &[&migration.name]).await?;
    }
    Ok(())
}

/// Empties the secrets in the rows of `events`. There are few such rows: one for each key and webhook.
async fn drop_secrets(transaction: &deadpool_postgres::Transaction<'_>) -> Result<(), ProjectionError> {
    let types: Vec<&str> = secret_types().collect();
    let find = "SELECT position, type_name, payload FROM events WHERE type_name = ANY($1)";
    for row in transaction.query(find, &[&types]).await? {
        let payload = without_secrets(row.get(1), &row.get::<_, Vec<u8>>(2).into());
        let replace = "UPDATE events SET payload = $2 WHERE position = $1";
        transaction.execute(replace, &[&row.get::<_, i64>(0), &&payload[..]]).await?;
    }
    Ok(())
}

async fn set_path(transaction: &deadpool_postgres::Transaction<'_>, schema: &str) -> Result<(), ProjectionError> {
    Ok(transaction.batch_execute(&format!("SET LOCAL search_path TO {schema}")).await?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed_in_its_order() {
        for (folder, listed) in [("control", CONTROL), ("read_model", &read_model())] {
            let path = format!("{}/../../migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
            let mut files: Vec<String> = std::fs::read_dir(path)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".sql", ""))
                .collect();
            files.sort();
            assert_eq!(files, listed.iter().map(|m| m.name).collect::<Vec<_>>());
        }
    }
}
