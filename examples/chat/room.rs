//! What all conversations of one run share.

use crate::call::Again;
use crate::cli::Meeting;
use crate::failure::Failure;
use crate::home::Home;
use crate::judge::Stranger;
use crate::kept;
use crate::line::Heard;
use crate::terminal::{Shown, Terminal, Typed};
use std::cell::Cell;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use twinlock::identity::{SignatureAlgorithm, Statement};
use twinlock::io::{Frame, Keeper, Observer, Stream};
use twinlock::{Fingerprint, Identity, Suite};

pub(crate) struct Room {
    pub(crate) terminal: Terminal,
    pub(crate) home: Home,
    /// Where received files land.
    pub(crate) files: PathBuf,
    /// By which others know us, one of a kind.
    me: Vec<(SignatureAlgorithm, Fingerprint)>,
    /// What to tell every peer about the own keys.
    pub(crate) statements: Vec<Statement>,
    pub(crate) trace: Option<Observer>,
    /// What is kept of acquaintances. None where nobody is remembered.
    pub(crate) keeper: Option<Keeper>,
    /// For how long a conversation that was cut is taken up again.
    pub(crate) reconnect: Duration,
    pub(crate) tell: Sender<Event>,
    /// Nothing more will be typed.
    pub(crate) input_ended: Cell<bool>,
    events: Receiver<Event>,
    connections: Cell<u64>,
}

/// What happens.
pub(crate) enum Event {
    Typed(Typed),
    /// Over the connection of this number.
    Heard(u64, Heard),
    Visitor(Visitor),
    /// What came of a call, in the time without a connection that has this number.
    Called(u64, Box<Result<Accepted, Again>>),
}

/// Somebody came to a listener.
pub(crate) enum Visitor {
    /// A stranger waits for a person's answer.
    Asks(Stranger, Sender<Option<String>>),
    Accepted(Box<Accepted>),
    Failed(SocketAddr, Failure),
    /// Somebody is at the door during a conversation.
    Knocked,
}

pub(crate) struct Accepted {
    pub(crate) stream: Stream<TcpStream>,
    pub(crate) name: String,
}

impl Room {
    pub(crate) fn new(home: &Home, own: &[Identity], statements: Vec<Statement>, meeting: &Meeting) -> Result<Self, Failure> {
        let terminal = Terminal::new();
        // A peer that is named by its fingerprint is remembered nowhere.
        let keeper = if meeting.peers.is_empty() { Some(kept::open(home, terminal.shown())?) } else { None };
        let (tell, events) = channel();
        let trace = meeting.trace.then(|| tracer(terminal.shown()));
        Ok(Self {
            terminal,
            home: home.clone(),
            files: home.files(meeting),
            me: own.iter().map(|me| (me.public().algorithm(), me.fingerprint())).collect(),
            statements,
            trace,
            keeper,
            reconnect: Duration::from_secs(meeting.reconnect.into()),
            tell,
            input_ended: Cell::new(false),
            events,
            connections: Cell::new(0),
        })
    }

    /// By which the other side knows us in a conversation of this suite.
    pub(crate) fn me(&self, suite: Suite) -> Option<Fingerprint> {
        self.me.iter().find(|(algorithm, _)| *algorithm == suite.signature()).map(|(_, me)| *me)
    }

    /// Starts reading what is typed, if that was not done before.
    pub(crate) fn listen_to_input(&self) {
        let tell = self.tell.clone();
        // A program that ends reads nothing more.
        self.terminal.start(move |typed| drop(tell.send(Event::Typed(typed))));
    }

    /// The next event, if one comes in time.
    pub(crate) fn wait(&self, timeout: Duration) -> Option<Event> {
        // The room holds a sender itself, so that they are never all gone: an error is a timeout.
        self.events.recv_timeout(timeout).ok()
    }

    /// The number of a new connection. What is heard over an earlier one counts no more.
    pub(crate) fn next_connection(&self) -> u64 {
        self.connections.set(self.connections.get().saturating_add(1));
        self.connections.get()
    }

    /// Tells what the store of acquaintances has to report.
    pub(crate) fn tell_reports(&self) {
        if let Some(keeper) = &self.keeper {
            kept::tell_reports(&self.home, keeper, &self.terminal.shown());
        }
    }
}

/// Tells each frame's direction, kind and length.
fn tracer(shown: Shown) -> Observer {
    Arc::new(move |frame: Frame| {
        let arrow = if frame.sent { "->" } else { "<-" };
        shown.note(&format!("{arrow} {}, {} bytes", frame.kind, frame.bytes));
    })
}
