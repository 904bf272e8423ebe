//! `GET /api/v1/goals`, `/milestones`, `/facts`, and one of each.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use steward_domain::contact::memory::Kind;
use steward_http::{Caller, Problem};

use super::{
    row::RememberedRow,
    view::{FactView, GoalView, MilestoneView},
};
use crate::{
    read::{
        Desk, Params,
        answer::{Answer, Fresh, Id, unknown},
        list::{List, Page, read_rows},
        openapi::{Paging, Unread},
        snapshot::{Snapshot, Value},
        view,
    },
    rows::{columns, hashed},
};

pub const GOALS: [&str; 3] = ["open", "achieved", "abandoned"];
pub const MILESTONES: [&str; 3] = ["active", "resolved", "dismissed"];
pub const FACTS: [&str; 2] = ["known", "retired"];
/// What is shown with a contact, of each kind.
const SHOWN: u32 = 100;

/// Goals, newest first
#[utoipa::path(
    get,
    path = "/api/v1/goals",
    tag = "memory",
    operation_id = "list_goals",
    params(Fresh, Paging, ("contact_id" = Option<String>, Query, description = "also of the contacts merged into it"), ("state" = Option<String>, Query, description = "one or several, separated by commas: open, achieved, abandoned")),
    responses((status = 200, description = "as of Steward-Position", body = view::List<GoalView>), Unread),
)]
pub async fn goals(State(desk): State<Arc<Desk>>, caller: Caller, _: Fresh, params: Params) -> Result<Answer, Problem> {
    list::<GoalView>(&desk, &caller, params, Kind::Goal, &GOALS).await
}

/// Milestones, newest first
#[utoipa::path(
    get,
    path = "/api/v1/milestones",
    tag = "memory",
    operation_id = "list_milestones",
    params(Fresh, Paging, ("contact_id" = Option<String>, Query, description = "also of the contacts merged into it"), ("goal_id" = Option<String>, Query), ("state" = Option<String>, Query, description = "one or several, separated by commas: active, resolved, dismissed")),
    responses((status = 200, description = "as of Steward-Position", body = view::List<MilestoneView>), Unread),
)]
pub async fn milestones(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    params: Params,
) -> Result<Answer, Problem> {
    list::<MilestoneView>(&desk, &caller, params, Kind::Milestone, &MILESTONES).await
}

/// Facts about contacts, newest first
#[utoipa::path(
    get,
    path = "/api/v1/facts",
    tag = "memory",
    operation_id = "list_facts",
    params(Fresh, Paging, ("contact_id" = Option<String>, Query, description = "also of the contacts merged into it"), ("state" = Option<String>, Query, description = "one or several, separated by commas: known, retired")),
    responses((status = 200, description = "as of Steward-Position", body = view::List<FactView>), Unread),
)]
pub async fn facts(State(desk): State<Arc<Desk>>, caller: Caller, _: Fresh, params: Params) -> Result<Answer, Problem> {
    list::<FactView>(&desk, &caller, params, Kind::Fact, &FACTS).await
}

/// One goal
#[utoipa::path(
    get,
    path = "/api/v1/goals/{id}",
    tag = "memory",
    operation_id = "get_goal",
    params(Fresh),
    responses((status = 200, description = "as of Steward-Position", body = GoalView), Unread),
)]
pub async fn goal(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    Id(id): Id,
    params: Params,
) -> Result<Answer, Problem> {
    one::<GoalView>(&desk, &caller, params, Kind::Goal, &id).await
}

/// One milestone
#[utoipa::path(
    get,
    path = "/api/v1/milestones/{id}",
    tag = "memory",
    operation_id = "get_milestone",
    params(Fresh),
    responses((status = 200, description = "as of Steward-Position", body = MilestoneView), Unread),
)]
pub async fn milestone(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    Id(id): Id,
    params: Params,
) -> Result<Answer, Problem> {
    one::<MilestoneView>(&desk, &caller, params, Kind::Milestone, &id).await
}

/// One fact
#[utoipa::path(
    get,
    path = "/api/v1/facts/{id}",
    tag = "memory",
    operation_id = "get_fact",
    params(Fresh),
    responses((status = 200, description = "as of Steward-Position", body = FactView), Unread),
)]
pub async fn fact(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    Id(id): Id,
    params: Params,
) -> Result<Answer, Problem> {
    one::<FactView>(&desk, &caller, params, Kind::Fact, &id).await
}

async fn list<V: From<RememberedRow> + Serialize + 'static>(
    desk: &Desk,
    caller: &Caller,
    params: Params,
    kind: Kind,
    states: &[&str],
) -> Result<Answer, Problem> {
    let mut list = List::new(caller, params);
    list.only("kind = {}", Box::new(kind.name().to_owned()));
    let people = format!(
        "(SELECT {{}}::text AS person UNION ALL SELECT id FROM {{schema}}.contacts WHERE tenant = $1 AND {}) AS people",
        hashed::is("merged_into", "{}")
    );
    list.by_condition("contact_id", &hashed::is_in("contact_id", "person", &people));
    if kind == Kind::Milestone {
        list.by("goal_id");
    }
    list.by_one_of("state", states)?;
    let mut reading = desk.begin(caller).await?;
    let snapshot = reading.snapshot().await?;
    let page: Page<RememberedRow> =
        list.page(&snapshot, "created_position", |row: &RememberedRow| row.created_position).await?;
    Ok(page.answer(&snapshot, V::from).await)
}

async fn one<V: From<RememberedRow> + Serialize>(
    desk: &Desk,
    caller: &Caller,
    params: Params,
    kind: Kind,
    id: &str,
) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let mut reading = desk.begin(caller).await?;
    let snapshot = reading.snapshot().await?;
    let sql = format!(
        "SELECT {} FROM {}.remembered WHERE tenant = $1 AND kind = $3 AND {}",
        columns::<RememberedRow>(),
        snapshot.schema,
        hashed::is("id", "$2")
    );
    let values: [Value; 3] =
        [Box::new(caller.tenant.to_string()), Box::new(id.to_owned()), Box::new(kind.name().to_owned())];
    let row = read_rows::<RememberedRow>(&snapshot.query(&sql, &values).await?)?.pop();
    let row = row.ok_or_else(|| unknown(kind.name(), id))?;
    Ok(snapshot.answer(&V::from(row)))
}

/// What stands of these contacts: goals, milestones and facts, newest first.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn of_contacts(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    people: &[String],
) -> Result<(Vec<GoalView>, Vec<MilestoneView>, Vec<FactView>), Problem> {
    let sql = format!(
        "SELECT {} FROM {}.remembered WHERE tenant = $1 AND {} AND kind = $3 AND state = $4 \
         ORDER BY created_position DESC LIMIT {SHOWN}",
        columns::<RememberedRow>(),
        snapshot.schema,
        hashed::is_any("contact_id", "$2")
    );
    let standing = async |kind: Kind, state: &str| {
        let values: [Value; 4] = [
            Box::new(caller.tenant.to_string()),
            Box::new(people.to_vec()),
            Box::new(kind.name().to_owned()),
            Box::new(state.to_owned()),
        ];
        read_rows::<RememberedRow>(&snapshot.query(&sql, &values).await?)
    };
    let goals = standing(Kind::Goal, GOALS[0]).await?;
    let milestones = standing(Kind::Milestone, MILESTONES[0]).await?;
    let facts = standing(Kind::Fact, FACTS[0]).await?;
    Ok((
        goals.into_iter().map(Into::into).collect(),
        milestones.into_iter().map(Into::into).collect(),
        facts.into_iter().map(Into::into).collect(),
    ))
}
