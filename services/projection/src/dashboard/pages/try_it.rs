//! `/try`: the first minute. The chat as a client sees it, and beside it what Steward knows.

use askama::Template;
use axum::extract::State;
use steward_domain::ids;

use super::{
    super::{Dashboard, Page, frame::Frame, html, viewer::Viewer},
    conversation::{self, Asked, Subject},
    settings::WEB,
};

#[derive(Template)]
#[template(path = "try.html")]
struct Try {
    f: Frame,
    subject: Option<Subject>,
    /// How to have a channel to be on, where there is none.
    missing: Option<&'static str>,
    offers: [&'static str; 3],
    zone: String,
    steps: [Step; 3],
    all_done: bool,
    why_path: String,
    here_id: String,
}

struct Step {
    text: &'static str,
    done: bool,
}

pub async fn one(State(dashboard): State<Dashboard>, viewer: Viewer) -> Page {
    let w = viewer.w;
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let f = Frame::of(&viewer, &dashboard, &snapshot, ("/try", w.try_it.to_owned())).await?;
    let mut channels = dashboard.desk.reads.channels.iter();
    let channel = channels.find(|c| c.tenant == viewer.caller.tenant && c.kind == "web");
    let guest = viewer.guest.as_deref().filter(|guest| uuid::Uuid::parse_str(guest).is_ok());
    let mut subject = None;
    if let (Some(channel), Some(guest)) = (channel, guest) {
        let id = ids::conversation(&viewer.caller.tenant, &channel.id, guest).to_string();
        // Who has written nothing yet has no conversation.
        subject = match Subject::of(&viewer, &dashboard, &snapshot, &id, &Asked::default()).await {
            Ok(subject) => Some(subject),
            Err(problem) if problem.code() == "unknown_id" => None,
            Err(problem) => return Err(problem),
        };
        let tell = subject.as_ref().and_then(|s| s.promises.first().or(s.ended.first())).map(|p| p.why.clone());
        if let Some(why) = tell {
            let asked = Asked::why(why);
            subject = Some(Subject::of(&viewer, &dashboard, &snapshot, &id, &asked).await?);
        }
    }
    let done = |is: fn(&Subject) -> bool| subject.as_ref().is_some_and(is);
    let kept = |s: &Subject| s.ended.iter().any(|p| p.chip.state == "sent");
    let gone = |s: &Subject| s.ended.iter().any(|p| p.chip.state == "cancelled");
    let asked = |s: &Subject| !s.promises.is_empty() || !s.ended.is_empty();
    let steps = [(w.step_ask, done(asked)), (w.step_wait, done(kept)), (w.step_again, done(gone))];
    let steps = steps.map(|(text, done)| Step { text, done });
    let all_done = steps.iter().all(|step| step.done);
    let missing = channel.is_none().then_some(WEB);
    let here_id = subject.as_ref().map(|s| s.id.clone()).unwrap_or_default();
    let why_path = format!("/inbox/{here_id}?why=");
    html(&Try {
        f,
        subject,
        missing,
        why_path,
        here_id,
        offers: viewer.words.offers(),
        zone: viewer.zone.name().to_owned(),
        steps,
        all_done,
    })
}
