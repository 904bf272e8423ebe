//! A turnstile: one goes through at a time, in the order of arrival, except that answers somebody waits for go first.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// Of this many turns in a row, one goes to what nobody waits for, if there is any.
const REST: usize = 4;

/// A turnstile. Cheap to clone.
#[derive(Clone, Default)]
pub struct Turnstile(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    taken: bool,
    answers: VecDeque<oneshot::Sender<Head>>,
    rest: VecDeque<oneshot::Sender<Head>>,
    /// How many answers went in a row while others waited.
    in_a_row: usize,
}

/// Held by whoever is in the turnstile. When it is dropped, the next one is let in.
pub struct Head(Option<Turnstile>);

impl Turnstile {
    /// Goes in if nobody is in it.
    pub fn try_enter(&self) -> Option<Head> {
        let mut state = self.lock();
        (!std::mem::replace(&mut state.taken, true)).then(|| Head(Some(self.clone())))
    }

    /// Goes in when its turn has come.
    pub async fn enter(&self, proactive: bool) -> Head {
        let turn = {
            let mut state = self.lock();
            if !state.taken {
                state.taken = true;
                return Head(Some(self.clone()));
            }
            let (sender, turn) = oneshot::channel();
            if proactive {
                state.rest.push_back(sender)
            } else {
                state.answers.push_back(sender)
            }
            turn
        };
        turn.await.expect("whoever waits holds the turnstile, and it lets go of nobody")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self) -> Option<oneshot::Sender<Head>> {
        let rests = self.answers.is_empty() || (self.in_a_row + 1 >= REST && !self.rest.is_empty());
        if rests {
            self.in_a_row = 0;
            return self.rest.pop_front();
        }
        self.in_a_row = if self.rest.is_empty() { 0 } else { self.in_a_row + 1 };
        self.answers.pop_front()
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        let Some(turnstile) = self.0.take() else { return };
        loop {
            let next = {
                let mut state = turnstile.lock();
                let next = state.next();
                state.taken = next.is_some();
                next
            };
            let Some(next) = next else { return };
            match next.send(Head(Some(turnstile.clone()))) {
                Ok(()) => return,
                // The next one no longer waits.
                Err(mut unwanted) => drop(unwanted.0.take()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Lets these through, who arrived in this order while one was inside; returns the order in which they went in.
    async fn order(arrivals: &[(&'static str, bool)]) -> Vec<&'static str> {
        let turnstile = Turnstile::default();
        let inside = turnstile.try_enter().unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for (name, proactive) in arrivals.iter().copied() {
            let (turnstile, order) = (turnstile.clone(), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                let _head = turnstile.enter(proactive).await;
                order.lock().unwrap().push(name);
            }));
            tokio::task::yield_now().await;
        }
        assert!(turnstile.try_enter().is_none());
        drop(inside);
        for task in waiting {
            task.await.unwrap();
        }
        assert!(turnstile.try_enter().is_some());
        Arc::into_inner(order).unwrap().into_inner().unwrap()
    }

    #[tokio::test]
    async fn answers_go_first_each_kind_in_order_and_the_rest_is_not_left_out() {
        let arrivals = [("p1", true), ("p2", true), ("a1", false), ("a2", false), ("a3", false), ("a4", false)];
        assert_eq!(order(&arrivals).await, ["a1", "a2", "a3", "p1", "a4", "p2"]);
        assert_eq!(order(&[("p1", true), ("p2", true)]).await, ["p1", "p2"]);
    }

    #[tokio::test]
    async fn who_gives_up_waiting_keeps_nobody() {
        let turnstile = Turnstile::default();
        let inside = turnstile.try_enter().unwrap();
        let gives_up = tokio::spawn({
            let turnstile = turnstile.clone();
            async move { drop(turnstile.enter(false).await) }
        });
        tokio::task::yield_now().await;
        let patient = tokio::spawn({
            let turnstile = turnstile.clone();
            async move { drop(turnstile.enter(false).await) }
        });
        tokio::task::yield_now().await;
        gives_up.abort();
        let _ = gives_up.await;
        drop(inside);
        patient.await.unwrap();
        assert!(turnstile.try_enter().is_some());
    }
}
