//! Which settings count for a tenant and a channel: their own, else the file's.

use steward_domain::settings::{Approval, ApprovalRule, OnUnknown, Policy, SetBy};
use steward_settings::{Channel, ChannelKind, Settings, Tenant};

#[test]
fn a_channels_mode_counts_before_its_tenants_and_that_before_everybodys() {
    use Approval::{All, FirstContact, Proactive};
    let channel = |id: &str, tenant: &str, approval| Channel {
        id: id.to_owned(),
        tenant: tenant.to_owned(),
        operators: Vec::new(),
        on_unknown: OnUnknown::Hold,
        rate_limit: None,
        approval,
        kind: ChannelKind::Web,
    };
    let settings = Settings {
        policy: Policy { approval: FirstContact, ..Policy::default() },
        tenants: [
            ("strict".to_owned(), Tenant { approval: Some(All), ..Tenant::default() }),
            ("silent".to_owned(), Tenant::default()),
        ]
        .into(),
        channels: vec![
            channel("plain", "default", None),
            channel("plain-own", "default", Some(Proactive)),
            channel("strict", "strict", None),
            channel("strict-own", "strict", Some(Approval::None)),
            channel("silent", "silent", None),
        ],
        ..Settings::default()
    };
    for (channel_id, mode, set_by, shown) in [
        ("plain", FirstContact, SetBy::Policy, "first_contact, set by [policy]"),
        ("plain-own", Proactive, SetBy::Channel, "proactive, set for the channel"),
        ("strict", All, SetBy::Tenant, "all, set for the tenant"),
        ("strict-own", Approval::None, SetBy::Channel, "none, set for the channel"),
        ("silent", FirstContact, SetBy::Policy, "first_contact, set by [policy]"),
        ("unheard of", FirstContact, SetBy::Policy, "first_contact, set by [policy]"),
    ] {
        let rule = settings.approval(channel_id);
        assert_eq!(rule, ApprovalRule { mode, set_by }, "{channel_id}");
        assert_eq!(rule.to_string(), shown);
    }
}
