//! The one way of an Update into the log, whichever way it came to us.

use bytes::Bytes;
use steward_http::{Problem, Trace};
use steward_settings::{Channel, Telegram};

use super::{
    itself::{Acquaintance, Itself},
    update,
};
use crate::{
    arrival::{Arrival, What},
    intake::Intake,
    parsing::{LARGE, Unread, caught},
};

/// The bot that an Update is for.
pub struct Known<'a> {
    pub telegram: &'a Telegram,
    pub acquaintance: &'a Acquaintance,
}

/// Reads an Update and records it. When it returns, it is durable.
///
/// # Errors
/// 400 if it is no Update; what [`Intake::record`] says if the log doesn't take it.
pub async fn take(
    intake: &Intake,
    channel: &Channel,
    known: &Known<'_>,
    body: Bytes,
    trace: &Trace,
) -> Result<(), Problem> {
    let mut bot = known.acquaintance.itself(known.telegram);
    let mut arrival = match read(intake, channel, &bot, &body).await {
        Ok(read) => read?,
        Err(unread) => return intake.keep_unread(channel, unread, body, trace).await,
    };
    if bot.username.is_none() && may_name_us(&arrival) {
        // Just started: our name is on its way.
        known.acquaintance.asked().await;
        bot = known.acquaintance.itself(known.telegram);
        if let Ok(read) = read(intake, channel, &bot, &body).await {
            arrival = read?;
        }
    }
    intake.record(channel, arrival, body, trace).await
}

/// The Update, or that it is none.
async fn read(
    intake: &Intake,
    channel: &Channel,
    bot: &Itself,
    body: &Bytes,
) -> Result<Result<Arrival, Problem>, Unread> {
    let read = if body.len() > LARGE {
        let (body, operators, bot) = (body.clone(), channel.operators.clone(), bot.clone());
        let work = async move { update::read(&body, &operators, &bot) };
        intake.parsing.read(&channel.tenant, true, work).await?
    } else {
        caught(|| update::read(body, &channel.operators, bot))?
    };
    Ok(read.map_err(|e| Problem::bad_request("no_update", format!("{e}; send a Bot API Update as JSON"))))
}

fn may_name_us(arrival: &Arrival) -> bool {
    matches!(&arrival.what, What::Overheard(said) if said.text.contains('@'))
}
