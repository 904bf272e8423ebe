//! How contacts that are one person are read, while they are merged and after they are split.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use steward_domain::ids;
use steward_proto::{AggregateId, v1};
use support::{Api, System, stories::Chat, tenant};

fn aggregate(chat: &Chat) -> AggregateId {
    ids::contact_aggregate(&chat.tenant, chat.contact_id().parse().unwrap())
}

async fn contact(api: &Api, chat: &Chat) -> Value {
    api.get(&format!("/api/v1/contacts/{}", chat.contact_id())).await.body
}

fn names(person: &Value) -> Vec<&str> {
    person["identities"].as_array().unwrap().iter().map(|i| i["external_id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_contact_reads_as_one_with_the_surviving_one_until_it_is_split() {
    let system = System::start().await;
    let _projector = system.project();
    let (ana, anna) = (Chat::new(&tenant("default"), "ana"), Chat::new(&tenant("default"), "anna"));
    for chat in [&ana, &anna] {
        system.record(&chat.aggregate, vec![chat.writes("m:1", "hello")]).await;
    }
    let zone = v1::ContactChanged { timezone: Some("Asia/Makassar".to_owned()), ..v1::ContactChanged::default() };
    system.record(&aggregate(&anna), vec![zone.into()]).await;
    let merged = v1::ContactMerged {
        contact_id: ana.contact_id(),
        into: anna.contact_id(),
        how: "command".to_owned(),
        conversations: vec![ana.id.to_string()],
        into_conversations: vec![anna.id.to_string()],
        ..v1::ContactMerged::default()
    };
    for chat in [&anna, &ana] {
        system.record(&aggregate(chat), vec![merged.clone().into()]).await;
    }
    system.caught_up().await;
    let api = system.api();
    let (own, survivor) = (contact(&api, &ana).await, contact(&api, &anna).await);
    assert_eq!((&own["merged_into"], &survivor["merged_into"]), (&json!(anna.contact_id()), &Value::Null));
    assert_eq!((names(&own), names(&survivor)), (vec!["ana"], vec!["anna", "ana"]));
    assert!(
        survivor["identities"].as_array().unwrap().iter().all(|i| i["channel"] == "web" && i["channel_id"] == "web")
    );
    assert_eq!(survivor["conversations"].as_array().unwrap().len(), 2);
    let conversation = api.get(&format!("/api/v1/conversations/{}", ana.id)).await.body;
    let shown = &conversation["contact"];
    assert_eq!((&shown["id"], &shown["merged_into"]), (&json!(ana.contact_id()), &json!(anna.contact_id())));
    assert_eq!(shown["timezone"], "Asia/Makassar", "the surviving one's settings count");
    for list in ["conversations", "messages"] {
        let of = async |chat: &Chat| api.items(&format!("/api/v1/{list}?contact_id={}", chat.contact_id())).await.len();
        assert_eq!((of(&anna).await, of(&ana).await), (2, 1), "{list}");
    }

    let split =
        v1::ContactSplit { contact_id: ana.contact_id(), from: anna.contact_id(), ..v1::ContactSplit::default() };
    for chat in [&ana, &anna] {
        system.record(&aggregate(chat), vec![split.clone().into()]).await;
    }
    system.caught_up().await;
    assert_eq!(contact(&api, &ana).await["merged_into"], Value::Null);
    assert_eq!(names(&contact(&api, &anna).await), ["anna"]);
    let conversation = api.get(&format!("/api/v1/conversations/{}", ana.id)).await.body;
    assert_eq!(conversation["contact"]["timezone"], Value::Null);
}
