//! What this build serves of all that may be configured: the one place that refuses the rest.

use steward_domain::settings as domain;

use super::{Channel, Inbound, Intake, Kind, Provider, Settings, error::ConfigError};

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
        if self.defaults.no_reply_after.is_some() {
            return Err(ConfigError::NotServed(
                "`defaults.no_reply_after` is set, which this build doesn't serve yet: set it to \"never\" or leave it out"
                    .to_owned(),
            ));
        }
        Ok(domain::Settings {
            defaults: self.defaults.clone(),
            policy: self.policy.clone(),
            tenants: self.tenants.clone(),
            webhooks: domain::Webhooks {
                allow_private: self.webhooks.allow_private,
                retry: self.webhooks.retry.clone(),
            },
            limits: self.limits,
            read_limits: self.read_limits.clone(),
            channels: self.channels.iter().map(served_channel).collect(),
        })
    }
}

fn served_channel(channel: &Channel) -> domain::Channel {
    let (on_unknown, rate_limit, kind) = match &channel.kind {
        Kind::Web => (domain::OnUnknown::Hold, None, domain::ChannelKind::Web),
        Kind::Telegram(telegram) => {
            let kind = domain::ChannelKind::Telegram(domain::Telegram {
                polling: telegram.intake == Intake::Polling,
                token: telegram.token.expose().to_owned(),
                secret_token: telegram.secret_token.expose().to_owned(),
                api_base: telegram.api_base.clone(),
            });
            (telegram.on_unknown, telegram.rate_limit, kind)
        }
        Kind::WhatsApp(whatsapp) => {
            let kind = domain::ChannelKind::WhatsApp(domain::WhatsApp {
                phone_number_id: whatsapp.phone_number_id.clone(),
                access_token: whatsapp.access_token.expose().to_owned(),
                app_secret: whatsapp.app_secret.expose().to_owned(),
                verify_token: whatsapp.verify_token.expose().to_owned(),
                api_base: whatsapp.api_base.clone(),
                templates: whatsapp.templates.clone(),
            });
            (whatsapp.on_unknown, whatsapp.rate_limit, kind)
        }
        Kind::Email(email) => {
            let kind = domain::ChannelKind::Email(domain::Email {
                address: email.address.clone(),
                smtp_url: email.smtp_url.expose().to_owned(),
                imap_url: email.imap_url.as_ref().map(|url| url.expose().to_owned()),
                inbound_secret: email.inbound_secret.expose().to_owned(),
                inbound: email.inbound.iter().map(served_inbound).collect(),
                trusted_authserv_id: email.trusted_authserv_id.clone(),
            });
            (email.on_unknown, email.rate_limit, kind)
        }
    };
    domain::Channel {
        id: channel.id.clone(),
        tenant: channel.tenant.clone(),
        operators: channel.operators.clone(),
        on_unknown,
        rate_limit,
        approval: channel.approval,
        kind,
    }
}

fn served_inbound(inbound: &Inbound) -> domain::Inbound {
    match inbound {
        Inbound::Mailgun { signing_key } => domain::Inbound::Mailgun { signing_key: signing_key.expose().to_owned() },
        Inbound::Sendgrid { public_key } => domain::Inbound::Sendgrid { public_key: public_key.clone() },
        Inbound::Postmark { user, password } => {
            domain::Inbound::Postmark { user: user.clone(), password: password.expose().to_owned() }
        }
        Inbound::Ses { topic_arn } => domain::Inbound::Ses { topic_arn: topic_arn.clone() },
    }
}
