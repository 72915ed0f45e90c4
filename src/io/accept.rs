//! The side that accepts, with bounds on everything that a stranger can send.

use super::beginning::{Begun, patterns_of};
use super::gate::{Gate, Permit};
use super::keeper::Keeper;
use super::keeping::Keeping;
use super::stream::Stream;
use super::transport::Transport;
use super::wire::{DEADLINE, Wire};
use super::{Error, FrameKind, Observer};
use crate::acquaintances::{Book, Way};
use crate::channel::{Channel, RecordType, Role};
use crate::error;
use crate::handshake::{AcquaintedHello, AnonymousHello, AnyHello, HelloRead, Pattern, Psk, Responder, ResumeRead, Suite};
use crate::identity::Identity;
use crate::trust::Trust;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// How long a source that finds no place may take over its first message.
const BUSY_DEADLINE: Duration = Duration::from_secs(5);

/// Accepts a conversation: proves who we are, and has `trust` judge who asks.
///
/// For acquaintances, a pre-shared key, peers without identity, limits or another deadline: [`Accept`].
pub fn accept<T: Transport>(transport: T, prologue: &[u8], me: &Identity, trust: &mut impl Trust) -> Result<Stream<T>, Error> {
    Accept::new(me, prologue).accept(transport, trust)
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
    keeper: Option<Keeper>,
    ways: Option<Vec<Way>>,
    early_data: bool,
}

impl Accept {
    /// In `XX` unless told otherwise: both sides prove who they are.
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
            keeper: None,
            ways: None,
            early_data: false,
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

    /// Answers acquaintances (`IK`) and who picks a conversation up (`resume`) too, and keeps what the next conversation can begin with.
    ///
    /// Whom a first message names is looked up in the store alone, and no directory is asked: it would see who calls, and take time that tells whether the caller is kept. Who wants to be called by
    /// peers not met yet fetches their bundles ahead, by [`Keeper::fetch`].
    ///
    /// Nothing tells a stranger who is kept. Of half-open handshakes in `IK` each reference has one, known or not, from each source: over a network use [`Accept::accept_from`], or all
    /// count as one source.
    pub fn acquaintances(mut self, keeper: &Keeper) -> Self {
        self.keeper = Some(keeper.clone());
        self
    }

    /// Answers in these ways alone. Without a pre-shared key, one that answers strangers (`Way::Met`, `Way::Visited`) shows its identity to whoever asks; one that wants to stay hidden allows
    /// `Way::Acquainted` and `Way::Resumed`, which need [`Accept::acquaintances`].
    pub fn ways(mut self, ways: &[Way]) -> Self {
        self.ways = Some(ways.to_vec());
        self
    }

    /// Takes early data from who picks a conversation up: [`Beginning::early_data`](super::Beginning::early_data). It comes once at most, and its sender may never learn that it did.
    /// Unless this is said, whoever sends some is refused. Servers with one identity share one store, or do not say it.
    pub fn early_data(mut self) -> Self {
        self.early_data = true;
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
        let accepted = self.respond(&mut wire, trust, source, busy);
        wire.conclude(accepted, &mut Vec::new())
    }

    fn respond<T: Transport>(
        &self,
        wire: &mut Wire<T>,
        trust: &mut impl Trust,
        source: Option<IpAddr>,
        busy: bool,
    ) -> Result<Begun, Error> {
        let responder = self.responder().busy(busy);
        let allowed: Vec<_> = responder.allowed().filter(|suite| trust.allows(*suite)).collect();
        let responder = responder.suites(&allowed);
        let frame = wire.receive(FrameKind::Handshake(1), responder.frame_bounds())?;
        let hello = match &self.keeper {
            Some(keeper) => responder.decoys(keeper.decoys()).now(keeper.now()).read_hello_with(&frame, keeper),
            None => responder.read_hello_with(&frame, &Book::new()),
        };
        // A stranger may let us wait for the rest, so what is not needed any more is given back.
        drop(frame);
        match (hello.map_err(|rejected| wire.reject(&rejected, FrameKind::Refusal))?, &self.keeper) {
            (AnyHello::Identified(hello), _) => self.meet(hello, wire, trust),
            (AnyHello::Anonymous(hello), _) => self.be_visited(hello, wire, trust),
            (AnyHello::Acquainted(hello), Some(keeper)) => self.greet(hello, keeper, source, wire, trust),
            (AnyHello::Resume(read), Some(keeper)) => self.go_on(read, keeper, wire, trust),
            // Without decoys the responder gives none of these.
            (AnyHello::Acquainted(_) | AnyHello::Resume(_), None) => Err(error::Error::RefusedByUs(error::Refusal::Pattern).into()),
        }
    }

    /// `XX`.
    fn meet<T: Transport>(&self, hello: HelloRead, wire: &mut Wire<T>, trust: &mut impl Trust) -> Result<Begun, Error> {
        let (waiting, reply) = hello.send_reply()?;
        wire.send(FrameKind::Handshake(2), reply)?;
        let finish = wire.receive(FrameKind::Handshake(3), waiting.frame_bounds())?;
        let read = waiting.read_finish(&finish)?;
        let judged = wire.patiently(trust, |trust| read.into_channel(trust));
        let channel = judged.map_err(|rejected| wire.reject(&rejected, FrameKind::Record(RecordType::Close)))?;
        Ok(self.begun(channel, self.under_psk(Pattern::Xx, Pattern::XxPsk0)))
    }

    /// `NX`.
    fn be_visited<T: Transport>(&self, hello: AnonymousHello, wire: &mut Wire<T>, trust: &mut impl Trust) -> Result<Begun, Error> {
        let made = wire.patiently(trust, |trust| hello.send_reply(trust));
        let (channel, reply) = made.map_err(|rejected| wire.reject(&rejected, FrameKind::Refusal))?;
        let begun = self.begun(channel, self.under_psk(Pattern::Nx, Pattern::NxPsk0));
        wire.send(FrameKind::Handshake(2), reply)?;
        Ok(begun)
    }

    /// `IK`. Who asks is not known, and whether it is somebody who is known is not asked, before the `Confirm`.
    fn greet<T: Transport>(
        &self,
        hello: AcquaintedHello,
        keeper: &Keeper,
        source: Option<IpAddr>,
        wire: &mut Wire<T>,
        trust: &mut impl Trust,
    ) -> Result<Begun, Error> {
        let Some(place) = keeper.wait(*hello.slot(), source) else {
            return Err(wire.reject(&hello.too_many(), FrameKind::Refusal));
        };
        let (waiting, reply) = hello.send_reply()?;
        wire.send(FrameKind::Handshake(2), reply)?;
        let confirm = wire.receive(FrameKind::Record(RecordType::Confirm), waiting.frame_bounds())?;
        let confirmed = waiting.read_confirm(&confirm)?;
        drop(place);
        let judged = wire.patiently(trust, |trust| confirmed.into_channel(trust));
        let channel = judged.map_err(|rejected| wire.reject(&rejected, FrameKind::Record(RecordType::Close)))?;
        Ok(self.begun(channel, self.under_psk(Pattern::Ik, Pattern::IkPsk0)))
    }

    /// `resume`. The record leaves the store before anything is shown or sent.
    fn go_on<T: Transport>(&self, read: ResumeRead, keeper: &Keeper, wire: &mut Wire<T>, trust: &mut impl Trust) -> Result<Begun, Error> {
        let removed = read.remove(&mut keeper.clone());
        let removed = removed.map_err(|rejected| wire.reject(&rejected, FrameKind::Refusal))?;
        let judged = wire.patiently(trust, |trust| removed.judge(trust));
        let accepted = judged.map_err(|rejected| wire.reject(&rejected, FrameKind::Refusal))?;
        let early_data = accepted.early_data().clone();
        let (channel, reply) = accepted.send_reply()?;
        let begun = self.begun(channel, Pattern::Resume);
        wire.send(FrameKind::Handshake(2), reply)?;
        Ok(Begun { early_data, ..begun })
    }

    /// What is to be kept is so before the last message leaves.
    fn begun(&self, mut channel: Channel, pattern: Pattern) -> Begun {
        let suite = channel.peer().suite();
        let me = self.also.iter().rev().chain([&self.me]).find(|me| me.public().algorithm() == suite.signature());
        let keeping = self.keeper.as_ref().map(|keeper| Keeping::begin(keeper, me, Role::Answerer, &mut channel, pattern));
        Begun::new(channel, pattern, keeping)
    }

    const fn under_psk(&self, without: Pattern, with: Pattern) -> Pattern {
        if self.psks.is_empty() { without } else { with }
    }

    fn responder(&self) -> Responder {
        let mut responder = self.also.iter().fold(Responder::new(&self.me, &self.prologue), Responder::also);
        if let Some(suites) = &self.suites {
            responder = responder.suites(suites);
        }
        let unless_told: &[Way] = &[Way::Met, Way::Acquainted, Way::Resumed];
        let ways = self.ways.as_deref().unwrap_or(unless_told).iter().copied();
        let patterns: Vec<_> = ways.chain(self.anonymous.then_some(Way::Visited)).flat_map(patterns_of).copied().collect();
        self.psks.iter().fold(responder.patterns(&patterns).early_data(self.early_data), Responder::psk)
    }
}

/// Shows no secret.
impl fmt::Debug for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accept").field("me", &self.me).field("suites", &self.suites).finish_non_exhaustive()
    }
}
