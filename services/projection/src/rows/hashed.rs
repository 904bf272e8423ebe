//! Conditions on text columns with values of any length: on the hash, which an index holds, and on the text itself.

/// The SQL of what indexes hold of a column or an expression.
pub fn hash(of: &str) -> String {
    format!("md5({of})::uuid")
}

/// Says that `column` equals `value`, an expression or a parameter such as `$2`.
pub fn is(column: &str, value: &str) -> String {
    format!("{} = {} AND {column} = {value}", hash(column), hash(&format!("{value}::text")))
}

/// Says that `column` equals one element of the array in the parameter `values`.
pub fn is_any(column: &str, values: &str) -> String {
    let hashes = format!("ARRAY(SELECT {} FROM unnest({values}::text[]) AS one)", hash("one"));
    format!("{} = ANY({hashes}) AND {column} = ANY({values})", hash(column))
}

/// Says that `column` equals one of the values that a query returns as its column `given`.
pub fn is_in(column: &str, given: &str, query: &str) -> String {
    format!("({}, {column}) IN (SELECT {}, {given} FROM {query})", hash(column), hash(given))
}

/// Says that the key columns equal one of the tuples that the parameters `$1`, `$2`, … hold as arrays. The first column
/// is the tenant, which is short and needs no hash.
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
