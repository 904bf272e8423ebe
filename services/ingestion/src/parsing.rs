//! Reading what strangers send where it holds nobody up: beside the threads that serve everybody, a few at a time, within a
//! time, and no panic is more than one body's.

use std::{
    collections::HashMap,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures::FutureExt as _;
use steward_http::Problem;
use steward_settings::Settings;
use tokio::{runtime::Handle, sync::Semaphore, time::timeout};

/// JSON and signatures of more than this, in bytes, are read beside the I/O threads; less is done in less time than it
/// takes to say so.
pub const LARGE: usize = 64 << 10;

/// One body is read, and waits for its turn, this long at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why something wasn't read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    #[error("too much is being read at this moment")]
    Busy,
    #[error("reading it takes too long")]
    Late,
    #[error("reading it panicked")]
    Panicked,
}

impl From<Unread> for Problem {
    fn from(why: Unread) -> Self {
        Self::unavailable("not_read", format!("{why}; send the same again later"))
    }
}

/// The places for reading: as many as there are processors, two at least. One tenant never has all of them. Cheap to clone.
#[derive(Clone)]
pub struct Parsing {
    places: Arc<Semaphore>,
    of_tenants: Arc<HashMap<String, Arc<Semaphore>>>,
    patience: Duration,
}

impl Parsing {
    pub fn of(settings: &Settings) -> Self {
        let tenants = settings.channels.iter().map(|channel| channel.tenant.as_str());
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self::new(tenants, processors.max(2), PATIENCE)
    }

    fn new<'a>(tenants: impl Iterator<Item = &'a str>, places: usize, patience: Duration) -> Self {
        let share = || Arc::new(Semaphore::new(places - 1));
        let of_tenants: HashMap<String, _> = tenants.map(|tenant| (tenant.to_owned(), share())).collect();
        Self { places: Arc::new(Semaphore::new(places)), of_tenants: Arc::new(of_tenants), patience }
    }

    /// Does this work: here if it isn't `long`, else beside the I/O threads. Work that is given up keeps its place to its
    /// end, so that there is never more of it at once.
    pub async fn read<T: Send + 'static>(
        &self,
        tenant: &str,
        long: bool,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Unread> {
        let work = AssertUnwindSafe(work).catch_unwind();
        if !long {
            return work.await.map_err(|_| Unread::Panicked);
        }
        let share = self.of_tenants.get(tenant).cloned();
        let places = async {
            let share = match share {
                Some(share) => Some(share.acquire_owned().await.ok()?),
                None => None,
            };
            Some((share, Arc::clone(&self.places).acquire_owned().await.ok()?))
        };
        let Ok(Some(places)) = timeout(self.patience, places).await else { return Err(Unread::Busy) };
        let handle = Handle::current();
        let read = tokio::task::spawn_blocking(move || {
            let _places = places;
            handle.block_on(work)
        });
        match timeout(self.patience, read).await {
            Ok(Ok(Ok(read))) => Ok(read),
            Ok(_) => Err(Unread::Panicked),
            Err(_) => Err(Unread::Late),
        }
    }
}

/// Does short work here and now.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Unread> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Unread::Panicked)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use steward_domain::settings::OnUnknown;
    use steward_http::{Guard, Trace};
    use steward_log::{ConnectOptions, Log, Tasks};
    use steward_proto::Event;
    use steward_settings::{Channel, ChannelKind};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{intake::Intake, server::Server};

    fn parsing(patience: Duration) -> Parsing {
        Parsing::new(["a", "b"].into_iter(), 2, patience)
    }

    /// Work that ends when it is told to.
    fn held() -> (mpsc::Sender<()>, impl Future<Output = ()> + Send + 'static) {
        let (end, told) = mpsc::channel::<()>();
        // As work on a processor does: without giving way.
        (end, async move { told.recv().unwrap_or_default() })
    }

    #[tokio::test]
    async fn long_work_holds_up_neither_the_thread_nor_another_tenant() {
        let parsing = parsing(Duration::from_secs(60));
        let (end, work) = held();
        let of_a = tokio::spawn({
            let parsing = parsing.clone();
            async move { parsing.read("a", true, work).await }
        });
        // This test has one thread: were the work on it, nothing below would be reached.
        while parsing.places.available_permits() == 2 {
            tokio::task::yield_now().await;
        }
        let mut second = Box::pin(parsing.read("a", true, async { 2 }));
        assert!(futures::poll!(&mut second).is_pending(), "one tenant has every place");
        assert_eq!(parsing.read("b", true, async { 3 }).await, Ok(3));
        end.send(()).unwrap();
        assert_eq!(of_a.await.unwrap(), Ok(()));
        assert_eq!(second.await, Ok(2));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_given_up_and_keeps_its_place() {
        let parsing = parsing(Duration::from_millis(50));
        let (end, work) = held();
        assert_eq!(parsing.read("a", true, work).await, Err(Unread::Late));
        assert_eq!(parsing.read("a", true, async {}).await, Err(Unread::Busy));
        assert_eq!(parsing.read("b", true, async {}).await, Ok(()));
        drop(end);
        let share = parsing.of_tenants.get("a").unwrap().acquire().await;
        assert!(share.is_ok(), "the place is free once the work has ended");
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_kept_once() {
        let server = Server::start().await;
        let shutdown = CancellationToken::new();
        let log = Log::connect(&server.url(), ConnectOptions::new("test"), shutdown.clone()).await.unwrap();
        log.ensure_streams().await.unwrap();
        let channel = Channel {
            id: "web".to_owned(),
            tenant: "default".to_owned(),
            operators: Vec::new(),
            on_unknown: OnUnknown::Hold,
            rate_limit: None,
            approval: None,
            kind: ChannelKind::Web,
        };
        let settings = Settings { channels: vec![channel.clone()], ..Settings::default() };
        let (tasks, _) = Tasks::new(shutdown.clone());
        let intake = Intake::new(log.clone(), settings.into(), Guard::open(), shutdown.clone(), &tasks);
        let (raw, trace) = (bytes::Bytes::from_static(b"whatever it was"), Trace::begin());
        for why in [Unread::Panicked, Unread::Late, Unread::Panicked] {
            intake.keep_unread(&channel, why, raw.clone(), &trace).await.unwrap();
        }
        let waits = intake.keep_unread(&channel, Unread::Busy, raw.clone(), &trace).await;
        assert_eq!(waits.unwrap_err().status(), 503);
        assert_eq!(log.last_position().await.unwrap(), 1);
        let recorded = log.read(1).await.unwrap().unwrap();
        let Event::UpdateKept(kept) = &recorded.event else { panic!("{}", recorded.event.type_name()) };
        assert_eq!((kept.kind.as_str(), &kept.source.as_ref().unwrap().raw[..]), ("not_understood", &raw[..]));
        shutdown.cancel();
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let parsing = parsing(Duration::from_secs(60));
        for long in [false, true] {
            let panics = async { panic!("on purpose") };
            assert_eq!(parsing.read::<()>("a", long, panics).await, Err(Unread::Panicked));
        }
        assert_eq!(caught::<()>(|| panic!("on purpose")), Err(Unread::Panicked));
        assert_eq!(parsing.read("a", true, async {}).await, Ok(()), "its place is free again");
    }
}
