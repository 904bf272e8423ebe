//! Keys that were announced and aren't served yet: they may stand in a file as long as they ask for nothing.

use toml::{Table, Value};

use crate::error::KeyProblem;

/// Takes the announced keys out of the table, since nothing reads them any further.
pub fn refuse(table: &mut Table) -> Result<(), KeyProblem> {
    if let Some(Value::Table(defaults)) = table.get_mut("defaults")
        && let Some(silence) = defaults.remove("no_reply_after")
        && silence.as_str() != Some("never")
    {
        return Err(KeyProblem::new(
            "defaults.no_reply_after",
            format!("found {silence}, which this build doesn't serve yet: set it to \"never\" or leave it out"),
        ));
    }
    Ok(())
}
