//! How far a long command has come, for who watches it in a terminal.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// How often it is drawn at most.
const EVERY: Duration = Duration::from_millis(100);
const WIDTH: u64 = 30;

/// A bar on standard error; nothing where that is no terminal.
pub(super) struct Progress {
    what: &'static str,
    from: u64,
    to: u64,
    began: Instant,
    drawn: Option<Instant>,
    shown: bool,
}

impl Progress {
    /// Of the log, from its beginning to the position `to`.
    pub fn new(what: &'static str, to: u64) -> Self {
        Self::of(what, 0, to)
    }

    pub fn of(what: &'static str, from: u64, to: u64) -> Self {
        Self { what, from, to, began: Instant::now(), drawn: None, shown: std::io::stderr().is_terminal() }
    }

    /// Everything up to `position` is done.
    pub fn at(&mut self, position: u64) {
        if !self.shown || self.drawn.is_some_and(|drawn| drawn.elapsed() < EVERY) {
            return;
        }
        self.drawn = Some(Instant::now());
        let _ = write!(std::io::stderr(), "\r{}\x1b[K", self.line(position, self.began.elapsed()));
    }

    fn line(&self, position: u64, after: Duration) -> String {
        let whole = self.to.saturating_sub(self.from).max(1);
        let done = position.saturating_sub(self.from).min(whole);
        let full = usize::try_from(done * WIDTH / whole).unwrap_or_default();
        let bar: String = (0..WIDTH as usize).map(|n| if n < full { '█' } else { '░' }).collect();
        let rate = done as f64 / after.as_secs_f64().max(0.001);
        let left = (whole - done) as f64 / rate.max(1.0);
        format!("{} {bar} {:>3} %  {rate:.0} events/s  {left:.0} s left", self.what, done * 100 / whole)
    }

    /// Takes the bar away, before something else is written.
    pub fn clear(&mut self) {
        if self.drawn.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_grows_with_what_is_done() {
        let bar = Progress::of("exporting", 100, 1_100);
        let half = bar.line(600, Duration::from_secs(1));
        assert!(half.contains(" 50 %") && half.contains("500 events/s") && half.contains("1 s left"), "{half}");
        assert_eq!(half.matches('█').count(), 15);
        assert!(bar.line(5_000, Duration::ZERO).contains("100 %"));
        assert!(Progress::new("nothing", 0).line(0, Duration::ZERO).contains("  0 %"));
    }
}
