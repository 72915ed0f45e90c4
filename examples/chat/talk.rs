//! A conversation: from the first handshake's end to the close, over as many connections as it takes.
//!
//! One loop takes whatever happens, one event after the other: what the other side says, what is typed, what went out, and time that passes.
//!
//! ```text
//!            Ready, Had                     cut
//! begin ─────────────────▶ agreed ──────────────────▶ cut off ── time over, /quit ──▶ end
//!                            │  ▲   back, Ready, Had     │
//!                      Close │  └────────────────────────┘
//!                            ▼
//!                           end
//! ```

mod cut;
mod end;
mod hear;
mod statement;
mod typed;

use crate::back::Back;
use crate::began::{Began, Returns};
use crate::commands::Asked;
use crate::failure::{Exit, Failure};
use crate::inbox::Inbox;
use crate::line::{Heard, Line, Sent};
use crate::outbox::Outbox;
use crate::room::{Accepted, Event, Room, Visitor};
use crate::terminal::Terminal;
use crate::texts::{TextsIn, TextsOut};
use crate::wire::{Broken, Message, Run};
use cut::Cut;
use std::collections::VecDeque;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};
use twinlock::Fingerprint;
use twinlock::channel::{Close, CloseCode};
use twinlock::handshake::Suite;
use twinlock::identity::Statement;
use twinlock::io::Stream;
use twinlock::trust::Trusted;

/// How long the other side's person may take to accept us. The handshake before allows as much.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);
/// How often time is looked at.
const TICK: Duration = Duration::from_millis(100);

pub(crate) struct Talk<'a> {
    pub(crate) room: &'a Room,
    /// None while it is cut off.
    pub(crate) line: Option<Line>,
    /// The number of that connection, or of the time without one.
    number: u64,
    back: Back,
    /// Since the connection was cut, until both agreed over another one how to go on.
    cut: Option<Cut>,
    pub(crate) peer: Companion,
    pub(crate) began: Began,
    pub(crate) returns: Returns,
    /// What names this conversation to the other side, and the other side's.
    run: Run,
    peer_run: Option<Run>,
    pub(crate) texts: TextsOut,
    heard_texts: TextsIn,
    pub(crate) outbox: Outbox,
    pub(crate) inbox: Inbox,
    /// What was said about the own keys, and what was heard about the other side's.
    statements: Vec<Statement>,
    statements_told: bool,
    heard_statements: VecDeque<Vec<u8>>,
    /// What the next line answers, instead of being said.
    pub(crate) asked: Option<Asked>,
    /// A statement about which the person is to decide.
    put_by: Option<Statement>,
    /// The newest ping that a person asked for, and when it went.
    pub(crate) ping: Option<(u32, Instant)>,
    pub(crate) rekey_asked: bool,
    pings: u32,
    last_ping: Instant,
    /// Somebody is at the door, since then: is the connection still there?
    knocked: Option<Instant>,
    reports_told: Instant,
    rekeys: u64,
    begun: Instant,
    /// The other side has accepted us, over some connection.
    pub(crate) accepted: bool,
    /// Its `Ready` came over this one.
    ready: bool,
    /// And its `Had`: texts and files may go.
    pub(crate) agreed: bool,
    /// Lines that wait for that.
    held: VecDeque<String>,
    close: Option<OwnClose>,
    peer_closed: Option<Close>,
    send_failed: Option<(Instant, Failure)>,
}

/// Who is on the other side.
#[derive(Clone, Debug)]
pub(crate) struct Companion {
    pub(crate) name: String,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) trusted: Trusted,
    pub(crate) suite: Suite,
    pub(crate) handshake_hash: Vec<u8>,
}

/// Our close is on its way.
struct OwnClose {
    at: Instant,
    code: CloseCode,
    reason: String,
    sent: bool,
    /// What to end with instead of success.
    failure: Option<Failure>,
}

/// Talks until one of the two leaves.
pub(crate) fn talk(room: &Room, accepted: Accepted, back: Back) -> Result<(), Failure> {
    let mut talk = Talk::new(room, &accepted, back)?;
    talk.connect(accepted.stream)?;
    room.listen_to_input();
    talk.greet();
    talk.run()
}

/// Tells a visitor that we are in a conversation.
pub(crate) fn turn_away(visitor: Visitor) {
    match visitor {
        // One whose question nobody answers is declined.
        Visitor::Asks(..) | Visitor::Failed(..) | Visitor::Knocked => {}
        Visitor::Accepted(accepted) => {
            thread::spawn(move || {
                let mut stream = accepted.stream;
                // It is turned away in any case.
                let _ = stream.finish_with(CloseCode::GoingAway, "in another conversation").and_then(|()| stream.close());
            });
        }
    }
}

impl Companion {
    fn of(accepted: &Accepted) -> Result<Self, Failure> {
        let conversation = accepted.stream.conversation();
        let anonymous = || Failure::new(Exit::Refused, "the other side has no identity");
        Ok(Self {
            name: accepted.name.clone(),
            fingerprint: conversation.peer().fingerprint().ok_or_else(anonymous)?,
            trusted: conversation.trusted(),
            suite: conversation.suite(),
            handshake_hash: conversation.handshake_hash().to_vec(),
        })
    }
}

impl<'a> Talk<'a> {
    fn new(room: &'a Room, accepted: &Accepted, back: Back) -> Result<Self, Failure> {
        let now = Instant::now();
        let mut run = [0; 16];
        getrandom::fill(&mut run).map_err(|error| Failure::new(Exit::Other, format!("the system gives no randomness: {error}")))?;
        Ok(Self {
            room,
            line: None,
            number: 0,
            back,
            cut: None,
            peer: Companion::of(accepted)?,
            began: Began::of(&accepted.stream),
            returns: Returns::default(),
            run,
            peer_run: None,
            texts: TextsOut::new(),
            heard_texts: TextsIn::default(),
            outbox: Outbox::default(),
            inbox: Inbox::new(&room.files),
            statements: room.statements.clone(),
            statements_told: false,
            heard_statements: VecDeque::new(),
            asked: None,
            put_by: None,
            ping: None,
            rekey_asked: false,
            pings: 0,
            last_ping: now,
            knocked: None,
            reports_told: now,
            rekeys: 0,
            begun: now,
            accepted: false,
            ready: false,
            agreed: false,
            held: VecDeque::new(),
            close: None,
            peer_closed: None,
            send_failed: None,
        })
    }

    /// Goes on over this connection.
    fn connect(&mut self, stream: Stream<TcpStream>) -> Result<(), Failure> {
        let (number, tell) = (self.room.next_connection(), self.room.tell.clone());
        // A program that ends hears nothing more.
        let hear = move |heard| drop(tell.send(Event::Heard(number, heard)));
        let line = Line::start(stream, self.room.trace.clone(), hear).map_err(|error| Failure::conversation(&error))?;
        line.send(Message::Ready { run: self.run }.encode(), Sent::Other);
        (self.line, self.number) = (Some(line), number);
        (self.ready, self.agreed, self.rekeys) = (false, false, 0);
        Ok(())
    }

    fn run(mut self) -> Result<(), Failure> {
        loop {
            match self.room.wait(TICK) {
                Some(Event::Heard(of, heard)) if of == self.number => self.heard(heard)?,
                Some(Event::Called(of, called)) if of == self.number => self.called(*called)?,
                Some(Event::Heard(..) | Event::Called(..)) | None => {}
                Some(Event::Typed(typed)) => self.typed(typed),
                Some(Event::Visitor(visitor)) => self.visited(visitor)?,
            }
            self.look_at_time()?;
            self.go_on();
            if self.is_over() {
                return self.ended();
            }
        }
    }

    fn greet(&self) {
        let Companion { name, fingerprint, trusted, .. } = &self.peer;
        self.terminal().note(&format!("connected with {name}: {trusted}"));
        self.terminal().note(&format!("its fingerprint is {fingerprint}"));
        self.terminal().note(&format!("began by {}", self.began.brief()));
        self.tell_of_strangers();
        self.terminal().set_status(&format!("{name} has not accepted you yet"));
    }

    pub(crate) const fn terminal(&self) -> &'a Terminal {
        &self.room.terminal
    }

    /// Says it, if both have agreed over this connection how to go on. What is lost by a cut says who sends it.
    pub(crate) fn say(&self, message: Vec<u8>, what: Sent) {
        if let Some(line) = self.line.as_ref().filter(|_| self.agreed) {
            line.send(message, what);
        }
    }

    fn heard(&mut self, heard: Heard) -> Result<(), Failure> {
        match heard {
            Heard::Message(message) => {
                let understood = Message::decode(&message).and_then(|message| self.hear(message));
                self.line.iter().for_each(Line::taken);
                if let Err(broken) = understood {
                    self.give_up(broken);
                }
            }
            Heard::TooLong => self.give_up(Broken("a message that is too long")),
            Heard::Closed(close) => return self.peer_leaves(close),
            // What failed first is the reason.
            Heard::Failed(error) => {
                let failed = self.send_failed.take().map(|(_, failure)| failure).filter(|_| !is_final(&Failure::conversation(&error)));
                return self.cut_off(failed.unwrap_or_else(|| Failure::conversation(&error)));
            }
            Heard::Sent(Sent::Part) => self.outbox.sent(),
            Heard::Sent(Sent::Other) => {}
            Heard::CloseSent => self.close.iter_mut().for_each(|close| close.sent = true),
            // What the other side said last may say why: a refusal, say.
            Heard::SendFailed(error) => self.send_failed = Some((Instant::now(), Failure::conversation(&error))),
        }
        Ok(())
    }

    pub(crate) fn show_status(&self) {
        let Companion { name, trusted, .. } = &self.peer;
        self.terminal().set_status(&format!("{name}: {trusted}"));
    }
}

/// Whether no other connection helps.
fn is_final(failure: &Failure) -> bool {
    failure.exit != Exit::Cut
}
