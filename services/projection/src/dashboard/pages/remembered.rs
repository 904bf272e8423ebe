//! What is remembered of a client, with what can be done about it: goals with their milestones, other milestones, facts.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::json;
use steward_domain::ids::MessageId;
use steward_http::Problem;

use super::{
    super::{viewer::Viewer, when},
    beginning,
};
use crate::{
    models::remembered::RememberedRow,
    read::snapshot::{Snapshot, Value},
    rows::hashed,
};

/// How much of the client's words is shown, in characters.
const QUOTED: usize = 200;

/// A goal, a milestone or a fact.
pub struct Remembered {
    pub id: String,
    /// The commands' name of its kind: goals, milestones, facts.
    pub kind: &'static str,
    pub text: String,
    /// When it is to be reached, or happened.
    pub date: String,
    pub exact: String,
    /// The day, as a field takes it.
    pub day: String,
    pub zone: &'static str,
    /// Percent, of a goal.
    pub progress: Option<u32>,
    pub sure: &'static str,
    /// A person has said so.
    pub confirmed: bool,
    pub quotes: Vec<Said>,
    /// The milestones of a goal.
    pub milestones: Vec<Remembered>,
    /// What sets it again, as JSON.
    pub again: String,
}

/// Words of the client's.
pub struct Said {
    pub quote: String,
    pub date: String,
    /// Leads to the moment at which they were said.
    pub path: String,
}

/// All that is remembered of a client.
#[derive(Default)]
pub struct Known {
    pub goals: Vec<Remembered>,
    /// Those of no goal that is shown.
    pub milestones: Vec<Remembered>,
    pub facts: Vec<Remembered>,
}

/// Where messages stand in the log.
pub struct Places(HashMap<String, u64>);

impl Places {
    /// Of the words that these were found in.
    ///
    /// # Errors
    /// 503 when Postgres doesn't answer.
    pub async fn of(viewer: &Viewer, snapshot: &Snapshot<'_>, rows: &[RememberedRow]) -> Result<Self, Problem> {
        let quotes = rows.iter().flat_map(|row| &row.evidence.0);
        let ids: BTreeSet<MessageId> = quotes.filter_map(|quote| quote.message_id.parse().ok()).collect();
        if ids.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        let conversations: BTreeSet<String> = ids.iter().map(|id| id.conversation().to_string()).collect();
        let sql = format!(
            "SELECT id, position FROM {}.messages WHERE tenant = $1 AND {} AND {}",
            snapshot.schema,
            hashed::is_any("conversation_id", "$2"),
            hashed::is_any("id", "$3")
        );
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let values: [Value; 3] = [
            Box::new(viewer.caller.tenant.to_string()),
            Box::new(conversations.into_iter().collect::<Vec<_>>()),
            Box::new(ids),
        ];
        let rows = snapshot.query(&sql, &values).await?;
        Ok(Self(rows.iter().map(|row| (row.get(0), row.get::<_, i64>(1).cast_unsigned())).collect()))
    }

    fn path(&self, message_id: &str) -> Option<String> {
        let conversation = message_id.parse::<MessageId>().ok()?.conversation();
        let position = self.0.get(message_id)?;
        Some(format!("/inbox/{conversation}?tab=all&at={position}#b{message_id}"))
    }
}

impl Known {
    /// Of rows that stand, newest first.
    pub fn of(rows: Vec<RememberedRow>, places: &Places, viewer: &Viewer, zone: Tz) -> Self {
        let mut known = Self::default();
        let mut milestones = Vec::new();
        for row in rows {
            let goal = row.goal_id.clone();
            let one = Remembered::of(row, places, viewer, zone);
            match one.kind {
                "goals" => known.goals.push(one),
                "facts" => known.facts.push(one),
                _ => milestones.push((goal, one)),
            }
        }
        // What is to be reached first stands first; then what has no day.
        known.goals.sort_by(|a, b| (a.exact.is_empty(), &a.exact).cmp(&(b.exact.is_empty(), &b.exact)));
        milestones.sort_by(|(_, a), (_, b)| a.exact.cmp(&b.exact));
        for (goal, one) in milestones {
            match known.goals.iter_mut().find(|known| goal.as_ref() == Some(&known.id)) {
                Some(goal) => goal.milestones.push(one),
                None => known.milestones.push(one),
            }
        }
        known
    }

    pub fn is_empty(&self) -> bool {
        self.goals.is_empty() && self.milestones.is_empty() && self.facts.is_empty()
    }
}

impl Remembered {
    fn of(row: RememberedRow, places: &Places, viewer: &Viewer, zone: Tz) -> Self {
        let (words, clock) = (viewer.words, viewer.clock().at(zone));
        let is_goal = row.kind == "goal";
        let at: Option<DateTime<Utc>> = if is_goal { row.due_at } else { row.happened_at };
        let date = at.map(|at| clock.date(at)).unwrap_or_default();
        let first = row.evidence.0.first();
        let again = json!({
            "contact_id": row.contact_id, "text": row.text, "at": at.map(when::exact), "progress": row.progress.to_string(),
            "goal_id": row.goal_id, "message_id": first.map(|one| &one.message_id), "quote": first.map(|one| &one.quote),
        });
        let said = row.evidence.0.iter().map(|one| Said {
            quote: beginning(&one.quote, QUOTED),
            date: one.said_at.map(|at| clock.day(at)).unwrap_or_default(),
            path: places.path(&one.message_id).unwrap_or_default(),
        });
        Self {
            kind: match row.kind.as_str() {
                "goal" => "goals",
                "milestone" => "milestones",
                _ => "facts",
            },
            date: if is_goal && !date.is_empty() { words.due_by(&date) } else { date },
            exact: at.map(when::exact).unwrap_or_default(),
            day: at.map(|at| at.with_timezone(&zone).date_naive().to_string()).unwrap_or_default(),
            zone: zone.name(),
            progress: is_goal.then_some(row.progress),
            sure: words.sure(row.confidence),
            confirmed: row.confidence >= 100,
            quotes: said.collect(),
            milestones: Vec::new(),
            again: again.to_string(),
            id: row.id,
            text: row.text,
        }
    }
}
