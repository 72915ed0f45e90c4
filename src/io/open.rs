//! Handshakes over a transport, with a deadline and with bounds on everything that a stranger can send.

use super::gate::{Gate, Permit};
use super::stream::{Stream, timed_out};
use super::transport::{Transport, Until};
use super::{Error, Frame, FrameKind, Observer};
use crate::channel::{Channel, RecordType};
use crate::error;
use crate::handshake::{AnonymousInitiator, Hello, Initiator, Psk, Rejected, Responder, Suite};
use crate::identity::{Identity, Peer, Trusted};
use crate::trust::Trust;
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// How long a handshake may take unless told otherwise. The time in which this side's [`Trust`] thinks does not count.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// How long a side that ends first reads on, lest a reset swallow its last bytes.
const LINGER: Duration = Duration::from_secs(2);
/// How much it reads then.
const LINGER_BYTES: usize = 1 << 16;
/// How long a source that finds no place may take over its first message.
const BUSY_DEADLINE: Duration = Duration::from_secs(5);

/// Opens a conversation: proves who we are, and has `trust` judge who answers before that.
///
/// `prologue` is what both applications agreed on beforehand, such as `example/1`. For a pre-shared key, no identity, another suite or deadline: [`Connect`].
pub fn connect<T: Transport>(transport: T, prologue: &[u8], me: &Identity, trust: &mut impl Trust) -> Result<Stream<T>, Error> {
    Connect::new(me, prologue).connect(transport, trust)
}

/// Accepts a conversation: proves who we are, and has `trust` judge who asks.
///
/// For a pre-shared key, peers without identity, limits or another deadline: [`Accept`].
pub fn accept<T: Transport>(transport: T, prologue: &[u8], me: &Identity, trust: &mut impl Trust) -> Result<Stream<T>, Error> {
    Accept::new(me, prologue).accept(transport, trust)
}

/// How to open a conversation.
pub struct Connect {
    me: Option<Identity>,
    prologue: Vec<u8>,
    suite: Option<Suite>,
    psk: Option<Psk>,
    deadline: Duration,
    observer: Option<Observer>,
}

/// How to accept conversations; used for as many as come.
pub struct Accept {
    me: Identity,
    also: Vec<Identity>,
    prologue: Vec<u8>,
    suites: Option<Vec<Suite>>,
    psks: Vec<Psk>,
    anonymous: bool,
    deadline: Duration,
    gate: Option<Gate>,
    observer: Option<Observer>,
}

impl Connect {
    /// In `XX`: both sides prove who they are.
    pub fn new(me: &Identity, prologue: &[u8]) -> Self {
        Self { me: Some(me.share()), ..Self::anonymous(prologue) }
    }

    /// In `NX`: the responder proves who it is, we have no identity.
    pub fn anonymous(prologue: &[u8]) -> Self {
        Self { me: None, prologue: prologue.to_vec(), suite: None, psk: None, deadline: DEADLINE, observer: None }
    }

    /// Names another suite than the identity's own.
    pub fn suite(mut self, suite: Suite) -> Self {
        self.suite = Some(suite);
        self
    }

    /// Opens with a pre-shared key.
    pub fn psk(mut self, psk: &Psk) -> Self {
        self.psk = Some(psk.share());
        self
    }

    /// Sets how long the handshake may take.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Has every frame told to `observer`, of the handshake and of the channel.
    pub fn observe(mut self, observer: &Observer) -> Self {
        self.observer = Some(observer.clone());
        self
    }

    /// Does the handshake. A responder that `trust` declines learns nothing about us.
    pub fn connect<T: Transport>(&self, transport: T, trust: &mut impl Trust) -> Result<Stream<T>, Error> {
        let suite = match &self.me {
            Some(me) => self.suite.or(Suite::for_signature(me.public().algorithm())),
            None => Some(self.suite.unwrap_or_default()),
        };
        if suite.is_some_and(|suite| !trust.allows(suite)) {
            return Err(error::Error::from(error::Distrust::SuiteNotAllowed).into());
        }
        let mut wire = Wire::new(transport, self.deadline, self.observer.clone());
        let opened = match &self.me {
            Some(me) => self.identified(me, &mut wire, trust),
            None => self.unidentified(&mut wire, trust),
        };
        wire.conclude(opened)
    }

    fn identified<T: Transport>(&self, me: &Identity, wire: &mut Wire<T>, trust: &mut impl Trust) -> Result<Channel, Error> {
        let mut initiator = Initiator::new(me, &self.prologue);
        if let Some(suite) = self.suite {
            initiator = initiator.suite(suite);
        }
        if let Some(psk) = &self.psk {
            initiator = initiator.psk(psk);
        }
        let (waiting, hello) = initiator.send_hello()?;
        wire.send(1, hello)?;
        let reply = wire.receive(2, waiting.frame_bounds())?;
        let read = waiting.read_reply(&reply)?;
        let (channel, finish) = wire.patiently(trust, |trust| read.send_finish(trust))?;
        wire.send(3, finish)?;
        Ok(channel)
    }

    fn unidentified<T: Transport>(&self, wire: &mut Wire<T>, trust: &mut impl Trust) -> Result<Channel, Error> {
        let mut initiator = AnonymousInitiator::new(&self.prologue);
        if let Some(suite) = self.suite {
            initiator = initiator.suite(suite);
        }
        if let Some(psk) = &self.psk {
            initiator = initiator.psk(psk);
        }
        let (waiting, hello) = initiator.send_hello()?;
        wire.send(1, hello)?;
        let reply = wire.receive(2, waiting.frame_bounds())?;
        let read = waiting.read_reply(&reply)?;
        Ok(wire.patiently(trust, |trust| read.into_channel(trust))?)
    }
}

impl Accept {
    /// In `XX`: both sides prove who they are.
    pub fn new(me: &Identity, prologue: &[u8]) -> Self {
        Self {
            me: me.share(),
            also: Vec::new(),
            prologue: prologue.to_vec(),
            suites: None,
            psks: Vec::new(),
            anonymous: false,
            deadline: DEADLINE,
            gate: None,
            observer: None,
        }
    }

    /// Answers with this identity in the suites of its algorithm: see [`Responder::also`].
    pub fn also(mut self, me: &Identity) -> Self {
        self.also.push(me.share());
        self
    }

    /// Allows these suites alone, as far as there is an identity for them.
    pub fn suites(mut self, suites: &[Suite]) -> Self {
        self.suites = Some(suites.to_vec());
        self
    }

    /// Requires a pre-shared key. Called twice it allows two, the newer first.
    pub fn psk(mut self, psk: &Psk) -> Self {
        self.psks.push(psk.share());
        self
    }

    /// Takes `NX` too. The [`Trust`] is asked about a peer without identity, and must allow it.
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// Sets how long a handshake may take.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Bounds how many handshakes are in progress; [`Accept::accept_from`] counts them by source.
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Has every frame told to `observer`, of the handshake and of the channel.
    pub fn observe(mut self, observer: &Observer) -> Self {
        self.observer = Some(observer.clone());
        self
    }

    /// Does the handshake with whoever is at the other end.
    pub fn accept<T: Transport>(&self, transport: T, trust: &mut impl Trust) -> Result<Stream<T>, Error> {
        self.run(transport, trust, None)
    }

    /// As [`Accept::accept`], counting the handshake against the gate. A source that finds no place is refused as busy.
    pub fn accept_from<T: Transport>(&self, transport: T, source: IpAddr, trust: &mut impl Trust) -> Result<Stream<T>, Error> {
        self.run(transport, trust, Some(source))
    }

    fn run<T: Transport>(&self, transport: T, trust: &mut impl Trust, source: Option<IpAddr>) -> Result<Stream<T>, Error> {
        let permit: Option<Option<Permit>> = self.gate.as_ref().zip(source).map(|(gate, source)| gate.enter(source));
        let busy = matches!(permit, Some(None));
        let deadline = if busy { self.deadline.min(BUSY_DEADLINE) } else { self.deadline };
        let mut wire = Wire::new(transport, deadline, self.observer.clone());
        let accepted = self.respond(&mut wire, trust, busy);
        wire.conclude(accepted)
    }

    fn respond<T: Transport>(&self, wire: &mut Wire<T>, trust: &mut impl Trust, busy: bool) -> Result<Channel, Error> {
        let responder = self.responder().busy(busy);
        let allowed: Vec<_> = responder.allowed().filter(|suite| trust.allows(*suite)).collect();
        let responder = responder.suites(&allowed);
        let frame = wire.receive(1, responder.frame_bounds())?;
        let hello = match self.anonymous {
            true => responder.read_any_hello(&frame),
            false => responder.read_hello(&frame).map(Hello::Identified),
        };
        // A stranger may let us wait for the rest, so what is not needed any more is given back.
        drop(frame);
        match hello.map_err(|rejected| wire.reject(&rejected, FrameKind::Refusal))? {
            Hello::Identified(hello) => {
                let (waiting, reply) = hello.send_reply()?;
                wire.send(2, reply)?;
                let finish = wire.receive(3, waiting.frame_bounds())?;
                let read = waiting.read_finish(&finish)?;
                let judged = wire.patiently(trust, |trust| read.into_channel(trust));
                judged.map_err(|rejected| wire.reject(&rejected, FrameKind::Record(RecordType::Close)))
            }
            Hello::Anonymous(hello) => {
                let made = wire.patiently(trust, |trust| hello.send_reply(trust));
                let (channel, reply) = made.map_err(|rejected| wire.reject(&rejected, FrameKind::Refusal))?;
                wire.send(2, reply)?;
                Ok(channel)
            }
        }
    }

    fn responder(&self) -> Responder {
        let mut responder = self.also.iter().fold(Responder::new(&self.me, &self.prologue), Responder::also);
        if let Some(suites) = &self.suites {
            responder = responder.suites(suites);
        }
        self.psks.iter().fold(responder, Responder::psk)
    }
}

/// A transport under a deadline.
struct Wire<T> {
    transport: Until<T>,
    observer: Option<Observer>,
}

/// A [`Trust`] whose thinking time is measured.
struct Patient<'a, T> {
    trust: &'a mut T,
    thought: Duration,
}

impl<T: Trust> Trust for Patient<'_, T> {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, error::Distrust> {
        let begin = Instant::now();
        let verdict = self.trust.judge(peer);
        self.thought = begin.elapsed();
        verdict
    }

    fn allows(&self, suite: Suite) -> bool {
        self.trust.allows(suite)
    }
}

impl<T: Transport> Wire<T> {
    fn new(transport: T, deadline: Duration, observer: Option<Observer>) -> Self {
        Self { transport: Until::new(transport, deadline), observer }
    }

    /// Lets `step` judge, and moves the deadline by the time that it thought.
    fn patiently<U: Trust, R>(&mut self, trust: &mut U, step: impl FnOnce(&mut Patient<'_, U>) -> R) -> R {
        let mut patient = Patient { trust, thought: Duration::ZERO };
        let result = step(&mut patient);
        self.transport.extend(patient.thought);
        result
    }

    /// Takes the frame: while this side waits for the other, it holds nothing of it.
    fn send(&mut self, number: u8, frame: Vec<u8>) -> Result<(), Error> {
        self.write(&frame)?;
        self.tell(true, FrameKind::Handshake(number), frame.len());
        Ok(())
    }

    /// One frame. Memory is taken for it once its length was found within bounds.
    fn receive(&mut self, number: u8, bounds: RangeInclusive<usize>) -> Result<Vec<u8>, Error> {
        let mut prefix = [0; 2];
        self.read(&mut prefix)?;
        let length = usize::from(u16::from_be_bytes(prefix));
        if !bounds.contains(&length) {
            return Err(error::Error::Malformed.into());
        }
        let mut frame = prefix.to_vec();
        frame.resize(length.saturating_add(2), 0);
        let (_, body) = frame.split_at_mut(2);
        self.read(body)?;
        let kind = if number == 2 && length == 1 { FrameKind::Refusal } else { FrameKind::Handshake(number) };
        self.tell(false, kind, frame.len());
        Ok(frame)
    }

    /// Answers with a refusal, as far as that goes, and gives its reason.
    fn reject(&mut self, rejected: &Rejected, kind: FrameKind) -> Error {
        if !rejected.answer().is_empty() && self.write(rejected.answer()).is_ok() {
            self.tell(true, kind, rejected.answer().len());
        }
        rejected.error().into()
    }

    /// A stream without a deadline; or the end, read out so that a reset does not swallow what was sent last.
    fn conclude(mut self, channel: Result<Channel, Error>) -> Result<Stream<T>, Error> {
        match channel {
            Ok(channel) => {
                let mut transport = self.transport.transport;
                transport.set_timeout(None)?;
                let mut stream = Stream::new(transport, channel);
                if let Some(observer) = &self.observer {
                    stream.observe(observer);
                }
                Ok(stream)
            }
            Err(error) => {
                self.linger();
                Err(error)
            }
        }
    }

    fn linger(&mut self) {
        if self.transport.transport.shutdown_write().is_err() {
            return;
        }
        self.transport.shorten(LINGER);
        let (mut scrap, mut left) = ([0; 1024], LINGER_BYTES);
        while left > 0 {
            match self.transport.read(&mut scrap) {
                Ok(n) if n > 0 => left = left.saturating_sub(n),
                _ => return,
            }
        }
    }

    fn read(&mut self, place: &mut [u8]) -> Result<(), Error> {
        self.transport.read_exact(place).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => error::Error::Truncated.into(),
            _ => timed_out(error.into()),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.transport.write_all(bytes).and_then(|()| self.transport.flush());
        written.map_err(|error| timed_out(error.into()))
    }

    fn tell(&self, sent: bool, kind: FrameKind, bytes: usize) {
        if let Some(observer) = &self.observer {
            observer(Frame { sent, kind, bytes });
        }
    }
}

/// Shows no secret.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").field("me", &self.me).field("suite", &self.suite).finish_non_exhaustive()
    }
}

/// Shows no secret.
impl fmt::Debug for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accept").field("me", &self.me).field("suites", &self.suites).finish_non_exhaustive()
    }
}
