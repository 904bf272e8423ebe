//! What this build serves of all that may be configured: the one place that refuses the rest.

use steward_domain::settings as domain;

use super::{Approval, Channel, Intake, Kind, Provider, Settings, error::ConfigError};

impl Settings {
    /// The settings that the services work by.
    ///
    /// # Errors
    /// One sentence for settings that are right but ask for what this build doesn't do yet.
    pub fn served(&self) -> Result<domain::Settings, ConfigError> {
        let providers = std::iter::once(self.brain.provider).chain(self.brain.jobs.values().map(|job| job.provider));
        for provider in providers {
            if provider != Provider::Rules {
                return Err(ConfigError::NotServed(format!(
                    "the brain's provider is `{}`, which this build doesn't serve yet: set [brain] provider = \"rules\"",
                    provider.name()
                )));
            }
        }
        let policy = [
            (self.policy.approval != Approval::None, "policy.approval"),
            (self.policy.auto_reply_cap.is_some(), "policy.auto_reply_cap"),
        ];
        if let Some((_, key)) = policy.into_iter().find(|(asked, _)| *asked) {
            return Err(ConfigError::NotServed(format!(
                "`{key}` is set, which this build doesn't serve yet: leave it out (nothing would wait or stop because of it)"
            )));
        }
        Ok(domain::Settings {
            defaults: self.defaults.clone(),
            policy: domain::Policy { quiet_hours: self.policy.quiet_hours, daily_cap: self.policy.daily_cap },
            channels: self.channels.iter().map(served_channel).collect::<Result<_, _>>()?,
        })
    }
}

fn served_channel(channel: &Channel) -> Result<domain::Channel, ConfigError> {
    let (on_unknown, rate_limit, kind) = match &channel.kind {
        Kind::Web => (domain::OnUnknown::Hold, None, domain::ChannelKind::Web),
        Kind::Telegram(telegram) => {
            if telegram.intake == Intake::Polling {
                return Err(ConfigError::NotServed(format!(
                    "channel `{}` has mode `polling`, which this build doesn't serve yet: set mode = \"webhook\"",
                    channel.id
                )));
            }
            let kind = domain::ChannelKind::Telegram(domain::Telegram {
                token: telegram.token.expose().to_owned(),
                secret_token: telegram.secret_token.expose().to_owned(),
                api_base: telegram.api_base.clone(),
            });
            (telegram.on_unknown, telegram.rate_limit, kind)
        }
        Kind::WhatsApp(_) | Kind::Email(_) => {
            return Err(ConfigError::NotServed(format!(
                "channel `{}` is of kind `{}`, which this build doesn't serve yet: remove that [[channels]] entry (served are telegram and web)",
                channel.id,
                channel.kind.name()
            )));
        }
    };
    Ok(domain::Channel {
        id: channel.id.clone(),
        tenant: channel.tenant.clone(),
        operators: channel.operators.clone(),
        on_unknown,
        rate_limit,
        kind,
    })
}
