//! A conversation: from the handshake's end to the close.
//!
//! One loop takes whatever happens, one event after the other: what the other side says, what is typed, what went out, and time that passes.

mod end;
mod statement;
mod typed;

use crate::commands::Asked;
use crate::failure::{Exit, Failure};
use crate::inbox::Inbox;
use crate::line::{Heard, Line, Sent};
use crate::outbox::Outbox;
use crate::room::{Accepted, Event, Room, Visitor};
use crate::terminal::Terminal;
use crate::text::harmless;
use crate::wire::{Broken, Message};
use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};
use twinlock::Fingerprint;
use twinlock::channel::{Close, CloseCode};
use twinlock::handshake::Suite;
use twinlock::identity::Statement;
use twinlock::trust::Trusted;

/// How long the other side's person may take to accept us. The handshake before allows as much.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);
/// How often time is looked at.
const TICK: Duration = Duration::from_millis(100);

pub(crate) struct Talk<'a> {
    pub(crate) room: &'a Room,
    pub(crate) line: Line,
    pub(crate) peer: Companion,
    pub(crate) outbox: Outbox,
    pub(crate) inbox: Inbox,
    /// What the next line answers, instead of being said.
    pub(crate) asked: Option<Asked>,
    /// A statement about which the person is to decide.
    put_by: Option<Statement>,
    /// The newest ping that a person asked for, and when it went.
    pub(crate) ping: Option<(u32, Instant)>,
    pub(crate) rekey_asked: bool,
    pings: u32,
    last_ping: Instant,
    rekeys: u64,
    begun: Instant,
    /// The other side has accepted us.
    pub(crate) ready: bool,
    /// Lines that wait for that.
    held: VecDeque<String>,
    texts_under_way: u32,
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
    sent: bool,
    /// What to end with instead of success.
    failure: Option<Failure>,
}

/// Talks until one of the two leaves.
pub(crate) fn talk(room: &mut Room, accepted: Accepted) -> Result<(), Failure> {
    let number = room.next_conversation();
    let conversation = accepted.stream.conversation();
    let fingerprint = conversation.peer().fingerprint().ok_or_else(|| Failure::new(Exit::Refused, "the other side has no identity"))?;
    let peer = Companion {
        name: accepted.name,
        fingerprint,
        trusted: conversation.trusted(),
        suite: conversation.suite(),
        handshake_hash: conversation.handshake_hash().to_vec(),
    };
    let tell = room.tell.clone();
    // A program that ends hears nothing more.
    let hear = move |heard| drop(tell.send(Event::Heard(number, heard)));
    let line = Line::start(accepted.stream, room.trace.clone(), hear).map_err(|error| Failure::conversation(&error))?;
    room.listen_to_input();
    Talk::new(room, line, peer).run(number)
}

/// Tells a visitor that we are in a conversation.
pub(crate) fn turn_away(visitor: Visitor) {
    match visitor {
        // One whose question nobody answers is declined.
        Visitor::Asks(..) | Visitor::Failed(..) => {}
        Visitor::Accepted(accepted) => {
            thread::spawn(move || {
                let mut stream = accepted.stream;
                // It is turned away in any case.
                let _ = stream.finish_with(CloseCode::GoingAway, "in another conversation").and_then(|()| stream.close());
            });
        }
    }
}

impl<'a> Talk<'a> {
    fn new(room: &'a Room, line: Line, peer: Companion) -> Self {
        let now = Instant::now();
        Self {
            room,
            line,
            peer,
            outbox: Outbox::default(),
            inbox: Inbox::new(&room.files),
            asked: None,
            put_by: None,
            ping: None,
            rekey_asked: false,
            pings: 0,
            last_ping: now,
            rekeys: 0,
            begun: now,
            ready: false,
            held: VecDeque::new(),
            texts_under_way: 0,
            close: None,
            peer_closed: None,
            send_failed: None,
        }
    }

    fn run(mut self, number: u64) -> Result<(), Failure> {
        self.greet();
        loop {
            match self.room.wait(TICK) {
                Some(Event::Heard(of, heard)) if of == number => self.heard(heard)?,
                Some(Event::Heard(..)) => {}
                Some(Event::Typed(typed)) => self.typed(typed),
                Some(Event::Visitor(visitor)) => turn_away(visitor),
                None => {}
            }
            self.look_at_time()?;
            self.go_on();
            if self.is_over() {
                return self.close.and_then(|close| close.failure).map_or(Ok(()), Err);
            }
        }
    }

    fn greet(&self) {
        let Companion { name, fingerprint, trusted, .. } = &self.peer;
        self.terminal().note(&format!("connected with {name}: {trusted}"));
        self.terminal().note(&format!("its fingerprint is {fingerprint}"));
        self.terminal().set_status(&format!("{name} has not accepted you yet"));
        self.say(Message::Ready);
    }

    pub(crate) const fn terminal(&self) -> &'a Terminal {
        &self.room.terminal
    }

    pub(crate) fn say(&self, message: Message<'_>) {
        self.line.send(message.encode(), Sent::Other);
    }

    fn heard(&mut self, heard: Heard) -> Result<(), Failure> {
        match heard {
            Heard::Message(message) => {
                let understood = Message::decode(&message).and_then(|message| self.hear(message));
                self.line.taken();
                if let Err(broken) = understood {
                    self.give_up(broken);
                }
            }
            Heard::TooLong => self.give_up(Broken("a message that is too long")),
            Heard::Closed(close) => self.peer_leaves(close),
            // What failed first is the reason.
            Heard::Failed(error) => {
                let own = self.close.take().and_then(|close| close.failure);
                let failed = own.or_else(|| self.send_failed.take().map(|(_, failure)| failure));
                return Err(failed.unwrap_or_else(|| Failure::conversation(&error)));
            }
            Heard::Sent(Sent::Text) => {
                self.texts_under_way = self.texts_under_way.saturating_sub(1);
                self.terminal().line_done();
            }
            Heard::Sent(Sent::Part) => self.outbox.sent(),
            Heard::Sent(Sent::Other) => {}
            Heard::CloseSent => self.close.iter_mut().for_each(|close| close.sent = true),
            // What the other side said last may say why: a refusal, say.
            Heard::SendFailed(error) => self.send_failed = Some((Instant::now(), Failure::conversation(&error))),
        }
        Ok(())
    }

    fn hear(&mut self, message: Message<'_>) -> Result<(), Broken> {
        if message == Message::Ready {
            if !self.ready {
                self.ready = true;
                self.terminal().note(&format!("{} has accepted you; type, or /help", self.peer.name));
                self.show_status();
                self.send_statements();
            }
            return Ok(());
        }
        if !self.ready {
            return Err(Broken("a message before Ready"));
        }
        let (left, failed) = self.close.as_ref().map_or((false, false), |close| (true, close.failure.is_some()));
        let answer = match message {
            Message::Text(text) if !failed => {
                self.terminal().text(&self.peer.name, &harmless(text));
                None
            }
            // Who has left answers no more, and takes no files.
            _ if left => None,
            Message::Statement(bytes) => {
                self.hear_statement(bytes);
                None
            }
            Message::FileStop { .. } | Message::FileStored { .. } => self.outbox.hear(message, self.terminal())?,
            _ => self.inbox.hear(message, self.terminal())?,
        };
        answer.into_iter().for_each(|answer| self.line.send(answer, Sent::Other));
        Ok(())
    }

    pub(crate) fn show_status(&self) {
        let Companion { name, trusted, .. } = &self.peer;
        self.terminal().set_status(&format!("{name}: {trusted}"));
    }
}
