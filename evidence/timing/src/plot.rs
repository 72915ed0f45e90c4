//! A plot of a target's two distributions: the left class as an area, the right one as a line over it.

use crate::sample::Sample;
use crate::targets::Target;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::error::Error;
use std::path::Path;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

const AREA: RGBColor = RGBColor(0x6a, 0xae, 0xd6);
const LINE: RGBColor = RGBColor(0xc0, 0x39, 0x0b);

/// The times that are shown, in nanoseconds, and the bins between them: none is narrower than the clock's nanosecond.
struct Bins {
    low: f64,
    high: f64,
    count: usize,
}

pub(crate) fn draw(path: &Path, target: &Target, sample: &Sample) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(path, (860, 440)).into_drawing_area();
    root.fill(&WHITE)?;
    let (top, below) = root.split_vertically(60);
    head(&top, target, sample)?;
    let bins = Bins::of(sample);
    let shares = [0, 1].map(|class| bins.shares(&sample.times[class]));
    let most = shares.iter().flatten().copied().fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(&below);
    chart.margin(10).margin_right(25).x_label_area_size(45).y_label_area_size(65);
    let mut chart = chart.build_cartesian_2d(bins.low / 1000.0..bins.high / 1000.0, 0.0..most * 1.3)?;
    classes(&mut chart, target, sample, &bins, &shares)?;
    root.present()?;
    Ok(())
}

fn head(top: &Area, target: &Target, sample: &Sample) -> Result<(), Box<dyn Error>> {
    let verdict = if target.control { "planted: must be above 10" } else { "must not be above 10" };
    let figures = format!("|t| = {:.1} ({verdict}), {} samples", sample.t, sample.count());
    top.draw_text(target.title, &("sans-serif", 20).into_text_style(top), (75, 14))?;
    top.draw_text(&figures, &("sans-serif", 15).into_text_style(top), (75, 40))?;
    Ok(())
}

fn classes(chart: &mut Chart<'_>, target: &Target, sample: &Sample, bins: &Bins, shares: &[Vec<f64>; 2]) -> Result<(), Box<dyn Error>> {
    let mut mesh = chart.configure_mesh();
    mesh.x_desc("time of one call, µs").y_desc("share of the samples, % in a bin").axis_desc_style(("sans-serif", 15));
    mesh.label_style(("sans-serif", 13)).light_line_style(WHITE).draw()?;
    let label = |class: usize| format!("{}: median {:.3} µs", target.classes[class], sample.percentile(class, 0.5) / 1000.0);
    let area = AreaSeries::new(bins.steps(&shares[0]), 0.0, AREA.mix(0.6));
    chart.draw_series(area)?.label(label(0)).legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 20, y + 5)], AREA.mix(0.6).filled()));
    let line = LineSeries::new(bins.steps(&shares[1]), LINE.stroke_width(2));
    chart.draw_series(line)?.label(label(1)).legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], LINE.stroke_width(2)));
    let mut labels = chart.configure_series_labels();
    labels.position(SeriesLabelPosition::UpperRight).label_font(("sans-serif", 14)).background_style(WHITE).border_style(BLACK).draw()?;
    Ok(())
}

impl Bins {
    /// From the fastest to where the slow tail begins, which is the machine's: other programs, interrupts.
    fn of(sample: &Sample) -> Self {
        let both = |share| [0, 1].map(|class| sample.percentile(class, share));
        let [low, early, late, most] = [0.0, 0.05, 0.75, 0.99].map(both);
        let low = low[0].min(low[1]);
        let late = late[0].max(late[1]);
        let high = most[0].max(most[1]).min(late + 3.0 * (late - early[0].min(early[1]))).max(low + 10.0);
        let count = ((high - low) as usize).clamp(10, 80);
        let width = ((high - low) / count as f64).ceil();
        let low = low - width;
        Self { low, high: low + width * (count + 2) as f64, count: count + 2 }
    }

    /// Percent of all samples in each bin.
    fn shares(&self, times: &[f64]) -> Vec<f64> {
        let mut shares = vec![0.0; self.count];
        for time in times {
            let bin = (time - self.low) / (self.high - self.low) * self.count as f64;
            if let Some(share) = shares.get_mut(bin as usize) {
                *share += 100.0 / times.len() as f64;
            }
        }
        shares
    }

    /// Two points a bin, in microseconds.
    fn steps(&self, shares: &[f64]) -> Vec<(f64, f64)> {
        let edge = |bin: usize| (self.low + (self.high - self.low) * bin as f64 / self.count as f64) / 1000.0;
        shares.iter().enumerate().flat_map(|(bin, share)| [(edge(bin), *share), (edge(bin + 1), *share)]).collect()
    }
}
