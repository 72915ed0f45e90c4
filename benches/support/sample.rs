//! Times of one thing, done many times.
#![allow(dead_code, reason = "each program uses a part")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use std::time::Duration;

/// Times in microseconds: how many, sorted.
pub(crate) struct Sample(u32, Vec<f64>);

impl Sample {
    pub(crate) fn new(times: impl Iterator<Item = Duration>) -> Self {
        let mut times: Vec<_> = times.map(|time| time.as_secs_f64() * 1e6).collect();
        times.sort_by(f64::total_cmp);
        Self(times.len().try_into().unwrap(), times)
    }

    pub(crate) fn mean(&self) -> f64 {
        self.1.iter().sum::<f64>() / f64::from(self.0)
    }

    /// The mean's standard error, relative to it.
    pub(crate) fn error(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.1.iter().map(|time| (time - mean).powi(2)).sum();
        (squares / f64::from(self.0 - 1) / f64::from(self.0)).sqrt() / mean
    }

    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        *self.1.get(self.1.len() * percent / 100).unwrap()
    }
}
