//! The table `model_calls`.

use chrono::{DateTime, Utc};
use steward_proto::{Event, Recorded, v1};

use crate::rows::table;

table! {
    /// A call of a model as it was begun, or what came of one.
    pub struct CallRow = "model_calls" {
        tenant: String,
        run_id: String,
        /// That of the call in its run.
        call_id: String,
        conversation_id: String,
        job: String,
        provider: String,
        model: String,
        /// asked, answered, failed, or skipped: it wasn't made after all.
        state: String,
        /// Why it failed.
        code: String,
        input: u64,
        input_cached: u64,
        output: u64,
        micro_usd: u64,
        priced: bool,
        at: DateTime<Utc>,
        position: u64,
    }
}

impl CallRow {
    /// The row that an event of a run makes; `None` if it tells of no call.
    pub fn of(recorded: &Recorded) -> Option<Self> {
        let row = |run_id: &str, call_id: &str, state: &str| Self {
            tenant: recorded.subject.tenant.to_string(),
            run_id: run_id.to_owned(),
            call_id: call_id.to_owned(),
            conversation_id: String::new(),
            job: String::new(),
            provider: String::new(),
            model: String::new(),
            state: state.to_owned(),
            code: String::new(),
            input: 0,
            input_cached: 0,
            output: 0,
            micro_usd: 0,
            priced: true,
            at: recorded.metadata.at,
            position: recorded.position,
        };
        Some(match &recorded.event {
            Event::ModelCallStarted(e) => Self {
                conversation_id: e.conversation_id.clone(),
                job: e.job.clone(),
                provider: e.provider.clone(),
                model: e.model.clone(),
                input: e.estimated_input,
                priced: false,
                ..row(&e.run_id, &e.call_id, "asked")
            },
            Event::ModelCallCompleted(e) => Self {
                conversation_id: e.conversation_id.clone(),
                job: e.job.clone(),
                provider: e.provider.clone(),
                model: e.model.clone(),
                micro_usd: e.micro_usd,
                priced: e.priced,
                ..row(&e.run_id, &e.call_id, "answered").of_usage(e.usage.as_ref())
            },
            Event::ModelCallFailed(e) => Self {
                conversation_id: e.conversation_id.clone(),
                job: e.job.clone(),
                provider: e.provider.clone(),
                model: e.model.clone(),
                code: e.code.clone(),
                micro_usd: e.micro_usd,
                priced: e.priced,
                ..row(&e.run_id, &e.call_id, if e.code == "skipped" { "skipped" } else { "failed" })
                    .of_usage(e.usage.as_ref())
            },
            _ => return None,
        })
    }

    fn of_usage(self, usage: Option<&v1::Usage>) -> Self {
        let Some(usage) = usage else { return self };
        Self { input: usage.input, input_cached: usage.input_cached, output: usage.output, ..self }
    }
}
