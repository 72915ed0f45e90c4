//! A conversation: from the handshake's end to the close.
//!
//! One loop takes whatever happens, one event after the other: what the other side says, what is typed, what went out, and time that passes.

use crate::commands::{Asked, Input};
use crate::failure::{Exit, Failure};
use crate::files::{Inbox, Outbox};
use crate::line::{Heard, Line, Sent};
use crate::room::{Accepted, Event, Room, Visitor};
use crate::terminal::{Terminal, Typed};
use crate::text::harmless;
use crate::wire::{BROKEN_RULE, Broken, Message, TEXT_MAX};
use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};
use twinlock::Fingerprint;
use twinlock::channel::{Close, CloseCode};
use twinlock::handshake::Suite;
use twinlock::trust::Trusted;

/// How long the other side's person may take to accept us. The handshake before allows as much.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);
/// After so much silence we ask whether anybody is there.
const SILENCE: Duration = Duration::from_secs(30);
/// After so much silence nobody is.
const GONE: Duration = Duration::from_secs(90);
/// How long we wait for the other side's close after ours.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long what the other side said last may take to arrive once we cannot send any more.
const LAST_WORDS: Duration = Duration::from_secs(2);
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
    /// The newest ping that a person asked for, and when it went.
    pub(crate) ping: Option<(u32, Instant)>,
    pub(crate) rekey_asked: bool,
    pings: u32,
    last_ping: Instant,
    rekeys: u64,
    begun: Instant,
    /// The other side has accepted us.
    ready: bool,
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
        self.terminal().note(&format!("connected with {name}, {fingerprint}: {trusted}"));
        self.terminal().set_status(&format!("{name} has not accepted you yet"));
        self.say(Message::Ready);
    }

    pub(crate) const fn terminal(&self) -> &'a Terminal {
        &self.room.terminal
    }

    pub(crate) fn say(&self, message: Message<'_>) {
        self.line.send(message.encode(), Sent::Other);
    }

    // What the other side says

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

    fn peer_leaves(&mut self, close: Close) {
        let reason = if close.reason.is_empty() { String::new() } else { format!(" ({})", harmless(&close.reason)) };
        let name = &self.peer.name;
        let failure = match close.code {
            CloseCode::Done => None,
            CloseCode::GoingAway if self.ready => None,
            CloseCode::GoingAway => Some(Failure::new(Exit::Refused, format!("{name} cannot talk now{reason}; try again later"))),
            CloseCode::Other(BROKEN_RULE) => Some(Failure::new(
                Exit::Other,
                format!("{name} ended the conversation, since a rule of the chat was broken{reason}. Use the same version at both ends"),
            )),
            _ => Some(Failure::new(Exit::Other, format!("{name} ended the conversation with code {}{reason}", close.code.number()))),
        };
        self.peer_closed = Some(close);
        match (&failure, &self.close) {
            (None, None) => self.terminal().note(&format!("{name} has left{reason}")),
            (None, Some(OwnClose { failure: None, .. })) => self.terminal().note(&format!("the conversation with {name} has ended")),
            _ => {}
        }
        let unsent = !self.outbox.is_empty() || !self.held.is_empty() || self.texts_under_way > 0;
        let unsent = (unsent && self.close.is_none()).then(|| Failure::new(Exit::Other, format!("{name} left before everything was sent")));
        self.leave(failure.or(unsent));
    }

    fn give_up(&mut self, Broken(rule): Broken) {
        let text = format!("{} sent {rule}, which no chat of this version does. The conversation ended", self.peer.name);
        self.close_with(CloseCode::Other(BROKEN_RULE), rule, Some(Failure::new(Exit::Other, text)));
    }

    // What is typed

    fn typed(&mut self, typed: Typed) {
        match typed {
            Typed::Line(line) => self.held.push_back(line),
            Typed::End => self.room.input_ended.set(true),
        }
    }

    /// Deals with lines, as far as that can be done now, and with files.
    fn go_on(&mut self) {
        while self.close.is_none() && (self.ready || self.terminal().has_person()) {
            let Some(line) = self.held.pop_front() else { break };
            if self.line_typed(&line) {
                self.terminal().line_done();
            }
        }
        while self.close.is_none() && self.ready {
            let Some(message) = self.outbox.next(self.terminal()) else { break };
            self.line.send(message, Sent::Part);
        }
        self.leave_at_end();
    }

    /// Says a line, or does what it asks for. False where the line is done only later: a text, once it was sent.
    fn line_typed(&mut self, line: &str) -> bool {
        if let Some(asked) = self.asked.take() {
            self.answer(asked, line);
            return true;
        }
        match Input::of(line) {
            Input::Nothing => true,
            Input::Text(_) if !self.ready => {
                self.terminal().note(&format!("not sent: {} has not accepted you yet", self.peer.name));
                true
            }
            Input::Text(text) if text.len() > TEXT_MAX => {
                self.terminal().note(&format!("not sent: a text has at most {TEXT_MAX} bytes; send a file instead (/send)"));
                true
            }
            Input::Text(text) => {
                self.texts_under_way = self.texts_under_way.saturating_add(1);
                self.line.send(Message::Text(text).encode(), Sent::Text);
                false
            }
            Input::Command(command) => {
                self.command(command);
                true
            }
            Input::Unknown(word) => {
                let hint = "nothing was sent; /help lists the commands, and // begins a text with a slash";
                self.terminal().note(&format!("{} is no command: {hint}", harmless(word)));
                true
            }
        }
    }

    /// At a script's end, once all was said. A person's Ctrl-D leaves at once.
    fn leave_at_end(&mut self) {
        let all_said = self.ready && self.held.is_empty() && self.texts_under_way == 0 && self.outbox.is_empty() && self.inbox.is_empty();
        if self.room.input_ended.get() && self.close.is_none() && (all_said || self.terminal().has_person()) {
            self.leave(None);
        }
    }

    // Leaving

    /// Closes, ending what is under way.
    pub(crate) fn leave(&mut self, failure: Option<Failure>) {
        self.close_with(CloseCode::Done, "", failure);
    }

    fn close_with(&mut self, code: CloseCode, reason: &str, failure: Option<Failure>) {
        if let Some(close) = &mut self.close {
            close.failure = close.failure.take().or(failure);
            return;
        }
        let cancelled = self.outbox.cancel(self.terminal());
        let stopped = self.inbox.stop("left", self.terminal());
        cancelled.into_iter().chain(stopped).for_each(|message| self.line.send(message, Sent::Other));
        self.line.close(code, reason);
        self.close = Some(OwnClose { at: Instant::now(), sent: false, failure });
    }

    fn is_over(&self) -> bool {
        let broken = |close: &OwnClose| close.failure.is_some() && close.at.elapsed() > LAST_WORDS;
        self.close.as_ref().is_some_and(|close| close.sent && self.peer_closed.is_some() || broken(close))
    }

    // Time

    fn look_at_time(&mut self) -> Result<(), Failure> {
        let stats = self.line.stats();
        if let (Some((number, at)), Some((answered, came))) = (self.ping, stats.pong)
            && number == answered
        {
            self.ping = None;
            let ms = came.saturating_duration_since(at).as_secs_f64() * 1000.0;
            self.terminal().note(&format!("{} is there: {ms:.1} ms", self.peer.name));
        }
        if stats.received.rekeys > self.rekeys {
            self.rekeys = stats.received.rekeys;
            if std::mem::take(&mut self.rekey_asked) {
                self.terminal().note(&format!("{} sends under fresh keys now", self.peer.name));
            }
        }
        let silence = stats.heard.elapsed();
        if silence > SILENCE && self.last_ping.elapsed() > SILENCE {
            self.send_ping();
        }
        self.check_deadlines(silence)
    }

    /// Asks whether anybody is there; gives the question's number.
    pub(crate) fn send_ping(&mut self) -> u32 {
        self.pings = self.pings.wrapping_add(1);
        self.last_ping = Instant::now();
        self.line.ping(self.pings);
        self.pings
    }

    fn check_deadlines(&mut self, silence: Duration) -> Result<(), Failure> {
        let name = &self.peer.name;
        if self.send_failed.as_ref().is_some_and(|(at, _)| at.elapsed() > LAST_WORDS)
            && let Some((_, failure)) = self.send_failed.take()
        {
            return Err(failure);
        }
        if silence > GONE && self.ready {
            let text = format!("nothing was heard of {name} for {} seconds: it is gone, or the network is", GONE.as_secs());
            return Err(Failure::new(Exit::Cut, text));
        }
        if self.close.as_ref().is_some_and(|close| close.at.elapsed() > FAREWELL && close.failure.is_none()) {
            return Err(Failure::new(Exit::Cut, format!("{name} did not close in its turn; what it said last may be missing")));
        }
        if !self.ready && self.close.is_none() && self.begun.elapsed() > PATIENCE {
            let text = format!("{name} did not accept you within {} minutes; try again later", PATIENCE.as_secs() / 60);
            self.close_with(CloseCode::GoingAway, "not accepted in time", Some(Failure::new(Exit::Refused, text)));
        }
        Ok(())
    }
}
