//! Conditions on text columns whose values may be of any length: by their hash, which an index holds, and by themselves.

/// What the indexes hold of a column or an expression.
pub fn hash(of: &str) -> String {
    format!("md5({of})::uuid")
}

/// `column` is the value `value`: an expression, or a parameter such as `$2`.
pub fn is(column: &str, value: &str) -> String {
    format!("{} = {} AND {column} = {value}", hash(column), hash(&format!("{value}::text")))
}

/// `column` is one of the array that the parameter `values` holds.
pub fn is_any(column: &str, values: &str) -> String {
    let hashes = format!("ARRAY(SELECT {} FROM unnest({values}::text[]) AS one)", hash("one"));
    format!("{} = ANY({hashes}) AND {column} = ANY({values})", hash(column))
}

/// `column` is one of those that a query gives as its column `given`.
pub fn is_in(column: &str, given: &str, query: &str) -> String {
    format!("({}, {column}) IN (SELECT {}, {given} FROM {query})", hash(column), hash(given))
}

/// The key columns are one of the tuples that the parameters `$1`, `$2`, … hold as arrays. The first column is the tenant,
/// which is short.
pub fn key_in(columns: &[&str]) -> String {
    let arrays: Vec<String> = (1..=columns.len()).map(|i| format!("${i}::text[]")).collect();
    let names: Vec<String> = (1..=columns.len()).map(|i| format!("k{i}")).collect();
    let mut own = vec![columns[0].to_owned()];
    let mut wanted = vec![names[0].clone()];
    for (column, name) in columns.iter().zip(&names).skip(1) {
        own.extend([hash(column), (*column).to_owned()]);
        wanted.extend([hash(name), name.clone()]);
    }
    format!(
        "({}) IN (SELECT {} FROM unnest({}) AS wanted({}))",
        own.join(", "),
        wanted.join(", "),
        arrays.join(", "),
        names.join(", ")
    )
}
