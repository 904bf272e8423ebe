//! The one way of an Update into the log, whichever way it came to us.

use bytes::Bytes;
use steward_domain::settings::{Channel, Telegram};
use steward_http::{Problem, Trace};

use super::{itself::Itself, update};
use crate::{
    arrival::{Arrival, What},
    intake::Intake,
};

/// Reads an Update and records it. When it returns, it is durable.
///
/// # Errors
/// 400 if it is no Update; what [`Intake::record`] says if the log doesn't take it.
pub async fn take(
    intake: &Intake,
    channel: &Channel,
    telegram: &Telegram,
    body: Bytes,
    trace: &Trace,
) -> Result<(), Problem> {
    let mut bot = intake.bots.of_channel(channel, telegram);
    let read = |bot: &Itself| {
        update::read(&body, &channel.operators, bot)
            .map_err(|e| Problem::bad_request("no_update", format!("{e}; send a Bot API Update as JSON")))
    };
    let mut arrival = read(&bot)?;
    if bot.username.is_none() && may_name_us(&arrival) {
        // Just started: our name is on its way.
        intake.bots.asked(channel).await;
        bot = intake.bots.of_channel(channel, telegram);
        arrival = read(&bot)?;
    }
    intake.record(channel, arrival, body, trace).await
}

fn may_name_us(arrival: &Arrival) -> bool {
    matches!(&arrival.what, What::Overheard(said) if said.text.contains('@'))
}
