//! What the server's permissions deny this process.
//!
//! The server says so beside the request, whose sender only meets a time-out.

use std::sync::Arc;

use tokio::sync::watch;

use crate::Condition;

/// How many subjects are remembered; more than these say nothing new.
const KEPT: usize = 32;

/// Something that the server's permissions forbid this process to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denied {
    /// `Publish` or `Subscription`.
    pub what: String,
    pub subject: String,
}

/// What was denied on this connection. Cheap to clone; all clones are the same list.
#[derive(Debug, Clone)]
pub(crate) struct Denials(Arc<watch::Sender<Vec<Denied>>>);

impl Default for Denials {
    fn default() -> Self {
        Self(Arc::new(watch::channel(Vec::new()).0))
    }
}

impl Denials {
    /// Takes note of a server's error if it is a denial, and says whether it is one.
    pub fn note(&self, error: &str) -> bool {
        let Some(denied) = read(error) else { return false };
        self.0.send_if_modified(|known| {
            let new = known.len() < KEPT && !known.contains(&denied);
            if new {
                tracing::error!(
                    what = denied.what,
                    subject = denied.subject,
                    "NATS denies this to the user of nats.url; `steward permissions` prints what each service needs"
                );
                metrics::counter!("steward_log_denied_total").increment(1);
                known.push(denied.clone());
            }
            new
        });
        true
    }

    /// Forgets everything: a new connection may have other rights.
    pub fn forget(&self) {
        self.0.send_if_modified(|known| !std::mem::take(known).is_empty());
    }

    /// Waits until something of this kind is denied.
    pub async fn of(&self, kind: impl Fn(&Denied) -> bool) -> Denied {
        let mut known = self.0.subscribe();
        loop {
            if let Some(denied) = known.borrow_and_update().iter().find(|denied| kind(denied)) {
                return denied.clone();
            }
            if known.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    pub fn condition(&self) -> Condition {
        match self.0.borrow().first() {
            None => Condition::Well,
            Some(denied) => Condition::Behind(format!(
                "NATS denies this process a {} on {}: `steward permissions` prints what each service needs",
                denied.what.to_lowercase(),
                denied.subject
            )),
        }
    }
}

/// `Permissions Violation for Publish to "ev.a"`, `… for Subscription to "b" using queue "c"`.
fn read(error: &str) -> Option<Denied> {
    let (_, rest) = error.split_once("ermissions Violation for ")?;
    let (what, rest) = rest.split_once(" to \"").or_else(|| rest.split_once(" of \""))?;
    let (subject, _) = rest.split_once('"')?;
    Some(Denied { what: what.to_owned(), subject: subject.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_denial_is_remembered_until_the_next_connection() {
        let denials = Denials::default();
        assert!(!denials.note("slow consumer"));
        assert_eq!(denials.condition(), Condition::Well);
        assert!(denials.note("Permissions Violation for Publish to \"ev.a.b.c.d\""));
        let denied = denials.of(|denied| denied.subject == "ev.a.b.c.d").await;
        assert_eq!(denied.what, "Publish");
        assert!(matches!(denials.condition(), Condition::Behind(text) if text.contains("ev.a.b.c.d")));
        denials.forget();
        assert_eq!(denials.condition(), Condition::Well);
    }
}
