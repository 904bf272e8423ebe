//! The figures of this process, as its metrics have them: read now, and kept for a quarter of an hour.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::position::Reached;

/// Writes the metrics of this process, in the text form of Prometheus.
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// The time between two samples, and how many are kept.
pub const EVERY: Duration = Duration::from_secs(5);
pub const KEPT: usize = 180;
/// For so long figures that were read are as good as new ones.
const FRESH: Duration = Duration::from_secs(1);

/// The services of a Steward, in the order in which something passes through them.
pub const SERVICES: [&str; 5] = ["ingestion", "agent-brain", "scheduler", "outbox-dispatcher", "projection"];

/// Metrics at a moment.
#[derive(Debug, Default)]
pub struct Figures(Vec<Line>);

#[derive(Debug)]
struct Line {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Figures {
    /// Reads the text form; what isn't a line of a metric is passed over.
    pub fn read(text: &str) -> Self {
        Self(text.lines().filter(|line| !line.starts_with('#')).filter_map(Line::read).collect())
    }

    /// The values of a metric that `is` accepts by a label of theirs.
    fn values(&self, name: &str, label: &str, is: impl Fn(&str) -> bool) -> Vec<f64> {
        let of = self.0.iter().filter(|line| line.name == name);
        of.filter(|line| line.label(label).is_some_and(&is)).map(|line| line.value).collect()
    }

    /// A counter, summed over whatever it is told apart by.
    pub fn sum(&self, name: &str) -> u64 {
        self.0.iter().filter(|line| line.name == name).map(|line| line.value).sum::<f64>() as u64
    }

    /// What waits on a channel to be sent, and how long the first has waited, in seconds; `None`: this process sends nothing there.
    pub fn sends_waiting(&self, channel: &str) -> Option<(u64, f64)> {
        let one = |name: &str| self.values(name, "channel", |given| given == channel).first().copied();
        Some((one("steward_sends_waiting")? as u64, one("steward_sends_oldest_wait_seconds").unwrap_or_default()))
    }

    /// How far the subscriptions of a service are behind: in events that are in hand, in seconds of the one that waits longest.
    pub fn behind(&self, service: &str) -> Option<(u64, f64)> {
        let its = |consumer: &str| {
            consumer.strip_prefix(service).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let seconds = self.values("steward_subscription_lag_seconds", "consumer", its).into_iter().reduce(f64::max)?;
        let events: f64 = self.values("steward_subscription_in_hand", "consumer", its).into_iter().sum();
        Some((events as u64, seconds))
    }

    /// The value that a share of what a histogram has counted is at most; `None` if it has counted nothing.
    pub fn quantile(&self, histogram: &str, share: f64) -> Option<f64> {
        let name = format!("{histogram}_bucket");
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for line in self.0.iter().filter(|line| line.name == name) {
            let bound = match line.label("le")? {
                "+Inf" => f64::INFINITY,
                bound => bound.parse().ok()?,
            };
            match buckets.iter_mut().find(|(known, _)| *known == bound) {
                Some((_, count)) => *count += line.value,
                None => buckets.push((bound, line.value)),
            }
        }
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let wanted = buckets.last().map(|(_, all)| all * share).filter(|wanted| *wanted > 0.0)?;
        let (mut below, mut before) = (0.0, 0.0);
        for (bound, count) in buckets {
            if count >= wanted {
                // Within its bucket it may be anywhere; of what is beyond the last one nothing more is known.
                let within = if bound.is_infinite() { 0.0 } else { (wanted - before) / (count - before) };
                let width = if bound.is_infinite() { 0.0 } else { bound - below };
                return Some(below + width * within);
            }
            (below, before) = (bound, count);
        }
        None
    }
}

impl Line {
    fn read(line: &str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split("\",").filter_map(|label| {
            let (name, value) = label.split_once("=\"")?;
            Some((name.trim().to_owned(), value.trim_end_matches('"').to_owned()))
        });
        Some(Self { name: name.to_owned(), labels: labels.collect(), value: value.parse().ok()? })
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// How far each service was behind, in seconds: the newest sample last. `None`: it isn't known.
#[derive(Debug, Default)]
pub struct Samples {
    kept: Mutex<VecDeque<[Option<f32>; SERVICES.len()]>>,
    /// The latest figures, and since when they are.
    latest: Mutex<Option<(Instant, Arc<Figures>)>>,
}

impl Samples {
    pub fn add(&self, sample: [Option<f32>; SERVICES.len()]) {
        let mut samples = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() >= KEPT {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    /// Those of one service, by its place.
    pub fn of(&self, service: usize) -> Vec<f32> {
        let samples = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        samples.iter().filter_map(|sample| sample[service]).collect()
    }

    /// The figures as they are, or were less than a second ago: to write them all takes a while, however many ask.
    pub fn figures(&self, render: &Render) -> Arc<Figures> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, figures)) = latest.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Arc::clone(figures);
        }
        let figures = Arc::new(Figures::read(&render()));
        *latest = Some((Instant::now(), Arc::clone(&figures)));
        figures
    }
}

/// Takes samples until the shutdown.
pub async fn sample(samples: Arc<Samples>, render: Render, reached: Reached, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
        let figures = samples.figures(&render);
        samples.add(SERVICES.map(|service| match service {
            "projection" => Some(reached.lag().as_secs_f32()),
            _ => figures.behind(service).map(|(_, seconds)| seconds as f32),
        }));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE steward_subscription_lag_seconds gauge\n\
        steward_subscription_lag_seconds{consumer=\"agent-brain\"} 0.5\n\
        steward_subscription_lag_seconds{consumer=\"agent-brain-extraction\"} 2\n\
        steward_subscription_lag_seconds{consumer=\"agent-brainless\"} 9\n\
        steward_subscription_in_hand{consumer=\"agent-brain\"} 3\n\
        steward_subscription_in_hand{consumer=\"agent-brain-extraction\"} 4\n\
        steward_sends_waiting{channel=\"tg \\\"a\\\", b\"} 7\n\
        steward_sends_waiting{channel=\"tg-main\"} 5\n\
        steward_alarm_lateness_seconds_bucket{kind=\"follow_up\",le=\"0.1\"} 50\n\
        steward_alarm_lateness_seconds_bucket{kind=\"follow_up\",le=\"0.2\"} 100\n\
        steward_alarm_lateness_seconds_bucket{kind=\"follow_up\",le=\"+Inf\"} 100\n\
        steward_alarm_lateness_seconds_bucket{kind=\"message\",le=\"0.1\"} 0\n\
        steward_alarm_lateness_seconds_bucket{kind=\"message\",le=\"0.2\"} 100\n\
        steward_alarm_lateness_seconds_bucket{kind=\"message\",le=\"+Inf\"} 100\n\
        nonsense\n";

    #[test]
    fn figures_are_read_by_service_by_channel_and_by_share() {
        let figures = Figures::read(TEXT);
        assert_eq!(figures.behind("agent-brain"), Some((7, 2.0)));
        assert_eq!(figures.behind("scheduler"), None, "what isn't known isn't nought");
        assert_eq!(figures.sends_waiting("tg-main"), Some((5, 0.0)));
        assert_eq!(figures.sends_waiting("web-main"), None);
        // 50 of 200 are within 0.1 s, all within 0.2 s.
        let near = |share, expected: f64| {
            let found = figures.quantile("steward_alarm_lateness_seconds", share).unwrap();
            assert!((found - expected).abs() < 1e-9, "{share}: {found}");
        };
        near(0.25, 0.1);
        near(0.5, 0.1 + 0.1 / 3.0);
        near(1.0, 0.2);
        assert_eq!(figures.quantile("steward_nothing_seconds", 0.5), None);
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_ask_figures_are_written_once_in_a_second() {
        let times = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let counted = Arc::clone(&times);
        let render: Render =
            Arc::new(move || format!("asked_total {}", counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed)));
        let samples = Samples::default();
        for _ in 0..100 {
            assert_eq!(samples.figures(&render).sum("asked_total"), 0);
        }
        tokio::time::advance(FRESH).await;
        assert_eq!(samples.figures(&render).sum("asked_total"), 1);
        assert_eq!(times.load(std::sync::atomic::Ordering::Relaxed), 2);
    }

    #[test]
    fn no_more_samples_are_kept_than_a_quarter_of_an_hour_has() {
        let samples = Samples::default();
        for n in 0..KEPT + 20 {
            samples.add([Some(n as f32), None, None, None, None]);
        }
        let kept = samples.of(0);
        assert_eq!((kept.len(), kept.first().copied()), (KEPT, Some(20.0)));
        assert_eq!(samples.of(1), Vec::<f32>::new());
    }
}
