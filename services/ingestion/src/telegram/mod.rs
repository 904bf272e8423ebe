//! Telegram on its way in: what an Update means, and the two ways it comes: posted to a webhook or asked for.

mod addressed;
mod answer;
mod check;
pub mod itself;
mod message;
pub mod operator;
pub mod polling;
#[cfg(test)]
mod recorded;
pub mod register;
mod take;
pub mod update;
pub mod webhook;

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use futures::future::BoxFuture;
use steward_http::Problem;
use steward_settings::{Channel, Mode, Telegram};
use tracing::error;

use self::{itself::Acquaintance, take::Known};
use crate::{
    intake::Intake,
    ways::{Asking, Beside, Checked, Way},
};

/// A bot's way in.
pub fn way_of(telegram: &Telegram) -> Bot {
    Bot { telegram: telegram.clone(), acquaintance: Acquaintance::default() }
}

/// A bot that updates come to.
pub struct Bot {
    telegram: Telegram,
    acquaintance: Acquaintance,
}

impl Way for Bot {
    fn accept<'a>(
        &'a self,
        intake: &'a Intake,
        channel: &'a Channel,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, Problem>> {
        Box::pin(async move {
            let known = Known { telegram: &self.telegram, acquaintance: &self.acquaintance };
            Ok(webhook::accept(intake, channel, &known, request).await?.into_response())
        })
    }

    /// Asks the bot its name, and for its updates where they are asked for.
    fn listen(&self, beside: &Beside<'_>, channel: &Channel) {
        let client = match steward_http::client_builder().build() {
            Ok(client) => client,
            Err(problem) => return error!("no bot can be asked for its name and its updates: {problem}"),
        };
        let (telegram, acquaintance) = (self.telegram.clone(), self.acquaintance.clone());
        let shutdown = beside.shutdown.clone();
        let asking = acquaintance.clone().ask(channel.id.clone(), telegram.clone(), client.clone(), shutdown.clone());
        beside.tasks.run(format!("bot of {}", channel.id), asking);
        if telegram.mode == Mode::Polling {
            let (intake, name) = (beside.intake.clone(), format!("polling of {}", channel.id));
            let polling = polling::run(intake, channel.clone(), telegram, acquaintance, client, shutdown);
            beside.tasks.run(name, polling);
        }
    }

    fn check<'a>(&'a self, channel: &'a Channel, asking: &'a Asking<'a>) -> BoxFuture<'a, Checked> {
        Box::pin(check::webhook(&self.telegram, channel, asking))
    }
}
