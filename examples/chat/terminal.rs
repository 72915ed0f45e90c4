//! Where a person, or a script, types and reads.
//!
//! - At a terminal: a line editor, and whatever comes meanwhile is shown above it.
//! - Piped into: plain lines in; texts on standard output, everything else on standard error.

use crate::editor::{Editor, Printer, edit, edited, mode};
use crate::status::{Progress, StatusLine};
use crate::text::wrapped;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Makes the editor draw its line anew and leaves nothing behind: up, and down again.
const REDRAW: &str = "\x1b[A\n";
/// Longer lines are hard to read.
const WIDTH: usize = 110;
/// How many lines of a script are read ahead.
const AHEAD: usize = 16;

/// What was typed.
#[derive(Debug)]
pub(crate) enum Typed {
    Line(String),
    /// The end of the input, or Ctrl-D, or Ctrl-C.
    End,
}

pub(crate) struct Terminal {
    /// Somebody sits there who can be asked.
    person: bool,
    shown: Shown,
    /// Lets the input go on: after it was told to end, or to the next line of a script.
    go_on: SyncSender<()>,
    input: Mutex<Option<Input>>,
    mode: mode::Mode,
}

/// How lines are shown. Cheap to clone, for other threads.
#[derive(Clone)]
pub(crate) struct Shown {
    status: Arc<StatusLine>,
    /// None where no line is edited.
    printer: Option<Printer>,
    editing: Arc<AtomicBool>,
    styled: bool,
}

/// The input before it is started.
struct Input {
    editor: Option<Editor>,
    may_go_on: Receiver<()>,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let status = Arc::<StatusLine>::default();
        let person = io::stdin().is_terminal();
        let edited = if person { edited(&status) } else { None };
        let (editor, printer) = edited.map_or((None, None), |(editor, printer)| (Some(editor), Some(printer)));
        let (go_on, may_go_on) = mpsc::sync_channel(AHEAD);
        let styled = printer.is_some() && std::env::var_os("NO_COLOR").is_none();
        let shown = Shown { status, printer, editing: Arc::default(), styled };
        Self { person, shown, go_on, input: Mutex::new(Some(Input { editor, may_go_on })), mode: mode::Mode::now() }
    }

    pub(crate) const fn has_person(&self) -> bool {
        self.person
    }

    /// How lines are shown, for another thread.
    pub(crate) fn shown(&self) -> Shown {
        self.shown.clone()
    }

    /// Starts reading, if that was not done before. A script's lines come [`AHEAD`] at a time; the next ones after [`Terminal::go_on`].
    pub(crate) fn start(&self, tell: impl Fn(Typed) + Send + 'static) {
        let Some(input) = self.input.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let editing = Arc::clone(&self.shown.editing);
        let person = self.person;
        if !person {
            (0..AHEAD).for_each(|_| self.go_on());
        }
        thread::spawn(move || match input.editor {
            Some(editor) => edit(editor, &input.may_go_on, &editing, tell),
            None => read(person, &input.may_go_on, tell),
        });
    }

    /// A line of a script was dealt with: the next may come.
    pub(crate) fn line_done(&self) {
        if !self.person {
            self.go_on();
        }
    }

    /// A person's `/quit` was not the end: the next line may be typed.
    pub(crate) fn prompt_again(&self) {
        if self.person && !self.shown.editing.load(Ordering::SeqCst) {
            self.go_on();
        }
    }

    fn go_on(&self) {
        // Full: it goes on anyway.
        let _ = self.go_on.try_send(());
    }

    pub(crate) fn text(&self, from: &str, text: &str) {
        self.shown.text(from, text);
    }

    pub(crate) fn note(&self, line: &str) {
        self.shown.note(line);
    }

    pub(crate) fn set_status(&self, text: &str) {
        self.shown.status.set_idle(text);
        self.shown.redraw();
    }

    pub(crate) fn progress(&self, what: &'static str, name: &str, size: u64) -> Progress {
        if self.shown.printer.is_none() {
            return Progress::hidden();
        }
        let shown = self.shown.clone();
        Progress::new(&self.shown.status, what, name, size, Box::new(move || shown.redraw()))
    }

    /// Leaves the screen as a program that ends should: without a prompt, and the terminal in the mode in which it was.
    pub(crate) fn end(&self) {
        // What was handed to the editor is shown within this time.
        thread::sleep(Duration::from_millis(if self.shown.printer.is_some() { 50 } else { 0 }));
        if self.shown.editing.load(Ordering::SeqCst) {
            put(&mut io::stdout(), "\x1b[A\r\x1b[J");
            self.mode.restore();
        }
    }
}

impl Shown {
    /// What the other side says.
    fn text(&self, from: &str, text: &str) {
        let line = fitted(&format!("{from}: {text}"), &console::Term::stdout());
        match line.strip_prefix(from) {
            Some(rest) if self.styled => self.show(&format!("\x1b[1m{from}\x1b[0m{rest}\n")),
            _ => self.show(&format!("{line}\n")),
        }
    }

    /// What the program says. A text of several lines is one that matters, and stands out.
    pub(crate) fn note(&self, line: &str) {
        if self.printer.is_none() {
            return put(&mut io::stderr(), &format!("{}\n", fitted(line, &console::Term::stderr())));
        }
        let dim = self.styled && !line.contains('\n');
        let line = fitted(line, &console::Term::stdout());
        self.show(&if dim { format!("\x1b[2m{line}\x1b[0m\n") } else { format!("{line}\n") });
    }

    fn redraw(&self) {
        if self.editing.load(Ordering::SeqCst) {
            self.show(REDRAW);
        }
    }

    fn show(&self, text: &str) {
        match &self.printer {
            None => put(&mut io::stdout(), text),
            Some(printer) => {
                // A terminal that is gone shows nothing more.
                let _ = printer.lock().unwrap_or_else(PoisonError::into_inner).print(text.to_owned());
            }
        }
    }
}

/// The lines as a terminal shows them best; as they are where it is none.
fn fitted(text: &str, to: &console::Term) -> String {
    if to.is_term() { wrapped(text, usize::from(to.size().1).min(WIDTH)) } else { text.to_owned() }
}

/// On standard error, for a command that shows nothing else.
pub(crate) fn say(text: &str) {
    put(&mut io::stderr(), &format!("{}\n", fitted(text, &console::Term::stderr())));
}

fn put(to: &mut impl Write, text: &str) {
    // Where nobody reads any more, nothing needs to be shown.
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

fn read(person: bool, may_go_on: &Receiver<()>, tell: impl Fn(Typed)) {
    let mut input = io::stdin().lock();
    loop {
        if !person && may_go_on.recv().is_err() {
            return;
        }
        let mut line = Vec::new();
        match input.read_until(b'\n', &mut line) {
            Ok(n) if n > 0 => {
                let text = String::from_utf8_lossy(&line);
                tell(Typed::Line(text.trim_end_matches(['\n', '\r']).to_owned()));
            }
            _ => return tell(Typed::End),
        }
    }
}
