//! The line editor: rustyline, with a status line above the prompt.

use crate::status::StatusLine;
use crate::terminal::Typed;
use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{ColorMode, Config, ExternalPrinter, Helper};
use std::borrow::Cow;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The status line, blank as the editor counts it, and the prompt itself. [`StatusAbove`] fills it in.
const PROMPT: &str = " \n> ";
/// How long after a `/quit` no new prompt is shown.
const LEAVING: Duration = Duration::from_millis(500);

pub(crate) type Editor = rustyline::Editor<StatusAbove, MemHistory>;
pub(crate) type Printer = Arc<Mutex<dyn ExternalPrinter + Send>>;

/// Puts the status line into the prompt, and takes it away from a line that was entered, so that it stands on the screen once only.
pub(crate) struct StatusAbove {
    status: Arc<StatusLine>,
    entered: Cell<bool>,
}

/// A line editor, unless the terminal is not one for that.
pub(crate) fn edited(status: &Arc<StatusLine>) -> Option<(Editor, Printer)> {
    // Forced, since the status line is drawn as colours are.
    let config = Config::builder().color_mode(ColorMode::Forced).bracketed_paste(false).auto_add_history(false).build();
    let history = MemHistory::with_config(&config);
    let mut editor = rustyline::Editor::with_history(config, history).ok()?;
    editor.set_helper(Some(StatusAbove { status: Arc::clone(status), entered: Cell::new(false) }));
    let printer = editor.create_external_printer().ok()?;
    Some((editor, Arc::new(Mutex::new(printer))))
}

pub(crate) fn edit(mut editor: Editor, may_go_on: &Receiver<()>, editing: &AtomicBool, tell: impl Fn(Typed)) {
    loop {
        editing.store(true, Ordering::SeqCst);
        let line = editor.readline(PROMPT);
        editing.store(false, Ordering::SeqCst);
        let (typed, ends) = match line {
            Ok(line) => {
                let ends = line.trim() == "/quit";
                (Typed::Line(line), ends)
            }
            Err(_) => (Typed::End, true),
        };
        tell(typed);
        // No new prompt where the program is about to end. If it takes longer, lines that wait to be shown need the editor.
        if ends && may_go_on.recv_timeout(LEAVING) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

impl Highlighter for StatusAbove {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, _: &'p str, _: bool) -> Cow<'b, str> {
        if self.entered.get() {
            return Cow::Borrowed("> ");
        }
        let (_, columns) = console::Term::stdout().size();
        Cow::Owned(format!("\x1b[2m{}\x1b[0m\n> ", self.status.render(columns.into())))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        let entered = matches!(kind, CmdKind::ForcedRefresh);
        self.entered.set(entered);
        !entered
    }
}

impl Completer for StatusAbove {
    type Candidate = String;
}

impl Hinter for StatusAbove {
    type Hint = String;
}

impl Validator for StatusAbove {}

impl Helper for StatusAbove {}

/// The terminal's mode, which the editor changes while it edits.
#[cfg(unix)]
pub(crate) mod mode {
    use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
    use std::io;

    pub(crate) struct Mode(Option<Termios>);

    impl Mode {
        pub(crate) fn now() -> Self {
            Self(tcgetattr(io::stdin()).ok())
        }

        pub(crate) fn restore(&self) {
            if let Some(mode) = &self.0 {
                // A terminal that is gone has no mode.
                let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, mode);
            }
        }
    }
}

/// Elsewhere a shell sets the mode that it needs.
#[cfg(not(unix))]
pub(crate) mod mode {
    pub(crate) struct Mode;

    impl Mode {
        pub(crate) const fn now() -> Self {
            Self
        }

        pub(crate) const fn restore(&self) {}
    }
}
