//! The line above the prompt: who is there, and how far files are.
//!
//! Progress bars cannot be drawn where a person types, since the line editor owns the cursor. They are drawn into this line instead, which the
//! editor shows as the first half of its prompt.

use crate::text::brief;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const TEMPLATE: &str = "{prefix} {msg} {wide_bar:.dim} {percent:>3} %  {binary_bytes_per_sec}, {eta} left";
const NAME: usize = 24;

/// Shared by the editor, which shows it, and those who change it.
#[derive(Default)]
pub(crate) struct StatusLine {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: String,
    bars: Vec<Bar>,
    next: u64,
}

struct Bar {
    number: u64,
    drawn: String,
}

/// A file's progress. Gone from the screen once finished or dropped.
pub(crate) struct Progress(ProgressBar);

/// What a progress bar draws on.
struct Place {
    line: Arc<StatusLine>,
    number: u64,
    drawing: Mutex<String>,
    redraw: Box<dyn Fn() + Send + Sync>,
}

impl StatusLine {
    pub(crate) fn set_idle(&self, text: &str) {
        text.clone_into(&mut self.lock().idle);
    }

    /// The line as it is now, at most so wide.
    pub(crate) fn render(&self, width: usize) -> String {
        let state = self.lock();
        let drawn: Vec<&str> = state.bars.iter().map(|bar| bar.drawn.as_str()).filter(|drawn| !drawn.is_empty()).collect();
        let text = if drawn.is_empty() { state.idle.clone() } else { drawn.join("  ") };
        console::truncate_str(&text, width.saturating_sub(1), "…").into_owned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    /// One that shows nowhere.
    pub(crate) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    pub(crate) fn new(line: &Arc<StatusLine>, what: &'static str, name: &str, size: u64, redraw: Box<dyn Fn() + Send + Sync>) -> Self {
        let number = {
            let mut state = line.lock();
            state.next = state.next.wrapping_add(1);
            let number = state.next;
            state.bars.push(Bar { number, drawn: String::new() });
            number
        };
        let place = Place { line: Arc::clone(line), number, drawing: Mutex::default(), redraw };
        let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::term_like_with_hz(Box::new(place), 8));
        // The template is a constant; without it the bar's own default serves.
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.set_prefix(what);
        bar.set_message(brief(name, NAME));
        Self(bar)
    }

    pub(crate) fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Takes what a bar draws; moving the cursor means nothing here.
impl TermLike for Place {
    fn width(&self) -> u16 {
        let bars = u16::try_from(self.line.lock().bars.len()).unwrap_or(1).max(1);
        let (_, columns) = console::Term::stdout().size();
        columns.saturating_sub(bars.saturating_mul(2)).checked_div(bars).unwrap_or(columns)
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.drawing.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.drawing.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let drawn = std::mem::take(&mut *self.drawing.lock().unwrap_or_else(PoisonError::into_inner));
        let drawn = drawn.trim_matches(['\r', '\n', ' ']).to_owned();
        if let Some(bar) = self.line.lock().bars.iter_mut().find(|bar| bar.number == self.number) {
            bar.drawn = drawn;
        }
        (self.redraw)();
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.line.lock().bars.retain(|bar| bar.number != self.number);
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}
