//! What dudect-bencher tells of one run: its largest t, and the raw times.

use std::error::Error;
use std::path::Path;

pub(crate) struct Sample {
    /// The largest |t| of all croppings.
    pub(crate) t: f64,
    /// Nanoseconds, of the left and of the right class, sorted.
    pub(crate) times: [Vec<f64>; 2],
}

impl Sample {
    pub(crate) fn read(printed: &str, csv: &Path) -> Result<Self, Box<dyn Error>> {
        let t = printed.split("max t = ").nth(1).and_then(|rest| rest.split(',').next()).ok_or("dudect-bencher printed no t")?;
        let mut times = [Vec::new(), Vec::new()];
        // A line of the left class and one of the right in turn; version 0.7 calls them both 0.
        for (line, text) in std::fs::read_to_string(csv)?.lines().skip(1).enumerate() {
            times[line % 2].push(text.rsplit(',').next().ok_or("a line without a time")?.parse()?);
        }
        times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
        std::fs::remove_file(csv)?;
        if times.iter().any(|times| times.len() < 2) {
            return Err("too few samples".into());
        }
        Ok(Self { t: t.trim().parse::<f64>()?.abs(), times })
    }

    pub(crate) fn count(&self) -> usize {
        self.times.iter().map(Vec::len).sum()
    }

    /// The time below which this share of a class lies.
    pub(crate) fn percentile(&self, class: usize, share: f64) -> f64 {
        let times = &self.times[class];
        times[((times.len() - 1) as f64 * share) as usize]
    }

    /// The difference of the classes' means that gives this t, with the times cropped at their 90th percentile: what would have been seen.
    pub(crate) fn visible(&self, t: f64) -> f64 {
        let squares: f64 = [0, 1].map(|class| variance(&self.times[class], self.percentile(class, 0.9))).iter().sum();
        t * squares.sqrt()
    }
}

/// The variance of the mean of the times up to `most`.
fn variance(times: &[f64], most: f64) -> f64 {
    let kept: Vec<f64> = times.iter().copied().filter(|time| *time <= most).collect();
    let count = kept.len() as f64;
    let mean = kept.iter().sum::<f64>() / count;
    kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0) / count
}
