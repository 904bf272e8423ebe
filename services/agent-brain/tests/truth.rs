//! No unbacked word: what a reply claims is what was decided. Tables of replies as assistants write them, and replies made of
//! parts, whose truth is known from the parts alone.

mod truth_generated;
mod truth_world;

use steward_agent_brain::truth::{check, corrected};

use self::truth_world::{Row, rows};

fn found(row: &Row) -> Vec<String> {
    check(&row.reply, &row.backing).iter().map(|f| format!("{:?} [{}] {}", f.kind, f.says, f.why)).collect()
}

#[test]
fn every_planted_lie_is_found_out_and_taken_out() {
    let rows = rows("lies");
    assert!(rows.len() >= 180, "{}", rows.len());
    let mut missed = Vec::new();
    for row in &rows {
        let findings = check(&row.reply, &row.backing);
        let kind = row.kind.as_deref().unwrap();
        if findings.iter().all(|f| format!("{:?}", f.kind) != kind) {
            missed.push(format!("{kind} {:?}: {:?}", row.reply, found(row)));
        }
        let mended = corrected(&row.reply, &findings, &row.backing);
        assert_eq!(check(&mended.text, &row.backing), [], "{:?} became {:?}", row.reply, mended.text);
        assert_ne!(findings.is_empty(), mended.text != row.reply, "{}", row.reply);
    }
    assert!(missed.is_empty(), "{} of {} missed:\n{}", missed.len(), rows.len(), missed.join("\n"));
}

#[test]
fn no_honest_reply_is_touched() {
    let rows = rows("honest");
    let touched: Vec<String> = rows
        .iter()
        .filter(|row| !found(row).is_empty())
        .map(|row| format!("{:?}: {:?}", row.reply, found(row)))
        .collect();
    assert!(touched.is_empty(), "{} of {} touched:\n{}", touched.len(), rows.len(), touched.join("\n"));
    assert!(rows.len() >= 300, "{}", rows.len());
}
