//! The side that opens: which way, and the handshake.
//!
//! ```text
//! resume ──refused or failed──▶ IK ──refused or failed, and allowed──▶ XX (without identity NX)
//!   │ a record is kept           │ the peer's bundle, and an own key     │ as strangers
//!   │ that fits                  │ whose bundle it has, are kept         │
//! ```
//!
//! What is not kept, or not allowed, is left out (`plan.rs`). Nothing is tried twice, with another suite, or without the pre-shared key that was set.

use super::beginning::{Begun, Tried};
use super::failed::Failed;
use super::keeper::Keeper;
use super::keeping::Keeping;
use super::plan::{Choosing, Plan, between_strangers};
use super::stream::Stream;
use super::transport::Transport;
use super::wire::{DEADLINE, Wire};
use super::{Error, FrameKind, Observer};
use crate::acquaintances::Way;
use crate::channel::{Channel, RecordType, Resumption, Role};
use crate::error::{self, Distrust};
use crate::handshake::{AcquaintedInitiator, AnonymousInitiator, Early, Initiator, Pattern, Psk, ResumeInitiator, Suite};
use crate::identity::{Bundle, Fingerprint, Identity, Peer, StaticKey, Trusted};
use crate::trust::Trust;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Opens a conversation: proves who we are, and has `trust` judge who answers before that.
///
/// `prologue` is what both applications agreed on beforehand, such as `example/1`. For acquaintances, a pre-shared key, no identity, another suite or deadline: [`Connect`].
pub fn connect<T: Transport>(transport: T, prologue: &[u8], me: &Identity, trust: &mut impl Trust) -> Result<Stream<T>, Error> {
    Connect::new(me, prologue).connect(transport, trust)
}

/// How to open a conversation.
pub struct Connect {
    me: Option<Identity>,
    prologue: Vec<u8>,
    suite: Option<Suite>,
    psk: Option<Psk>,
    deadline: Duration,
    observer: Option<Observer>,
    keeper: Option<Keeper>,
    peer: Option<Fingerprint>,
    ways: Option<Vec<Way>>,
    early_data: Early,
}

/// Whom the application expects, and whom its trust accepts: both must be.
struct Expecting<'a, T> {
    peer: Option<Fingerprint>,
    trust: &'a mut T,
}

impl<T: Trust> Trust for Expecting<'_, T> {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        let trusted = self.trust.judge(peer)?;
        if self.peer.is_none_or(|expected| peer.fingerprint() == Some(expected)) { Ok(trusted) } else { Err(Distrust::NotExpected) }
    }

    fn allows(&self, suite: Suite) -> bool {
        self.trust.allows(suite)
    }
}

impl Connect {
    /// As strangers, in `XX`, unless told otherwise: both sides prove who they are.
    pub fn new(me: &Identity, prologue: &[u8]) -> Self {
        Self { me: Some(me.share()), ..Self::anonymous(prologue) }
    }

    /// As strangers, in `NX`, unless told otherwise: the responder proves who it is, we have no identity.
    pub fn anonymous(prologue: &[u8]) -> Self {
        Self {
            me: None,
            prologue: prologue.to_vec(),
            suite: None,
            psk: None,
            deadline: DEADLINE,
            observer: None,
            keeper: None,
            peer: None,
            ways: None,
            early_data: Early::default(),
        }
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

    /// Sets how long a handshake may take.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Has every frame told to `observer`, of the handshake and of the channel.
    pub fn observe(mut self, observer: &Observer) -> Self {
        self.observer = Some(observer.clone());
        self
    }

    /// Keeps what the next conversation can begin with, and opens with what was kept of the peer that [`Connect::peer`] names.
    ///
    /// Where nothing but the peer's bundle is missing, the keeper's directory is asked for it ([`Keeper::directory`]), once a call: before [`Connect::dial`] connects, but after others were given
    /// their transport.
    pub fn acquaintances(mut self, keeper: &Keeper) -> Self {
        self.keeper = Some(keeper.clone());
        self
    }

    /// Expects this peer, and takes no other, whoever the [`Trust`] would accept besides: it is asked all the same.
    ///
    /// With [`Connect::acquaintances`] the conversation is picked up (`resume`) or opened between acquaintances (`IK`), and not as strangers unless [`Connect::ways`] allows that.
    pub fn peer(mut self, peer: Fingerprint) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Allows these ways alone, whatever their order. Between strangers (`Way::Met`, without identity `Way::Visited`) a conversation costs signatures that last, and shows the
    /// responder to whoever asks: somebody between can bring it about by getting in the way of the others, so allow it for peers for whom that does not matter, and for those who meet.
    pub fn ways(mut self, ways: &[Way]) -> Self {
        self.ways = Some(ways.to_vec());
        self
    }

    /// Sends this, at most 4,096 bytes, with the first message of every conversation that is picked up: it is read once at most. [`Beginning::sent_early_data`](super::Beginning::sent_early_data) says whether it was.
    ///
    /// A peer that does not ask for early data refuses, and then its record is used up.
    pub fn early_data(mut self, early_data: impl Into<Early>) -> Self {
        self.early_data = early_data.into();
        self
    }

    /// Does the handshake, once: the first of the ways that are allowed for which enough is kept. A responder that `trust` declines learns nothing about us.
    pub fn connect<T: Transport>(&self, transport: T, trust: &mut impl Trust) -> Result<Stream<T>, Error> {
        Ok(self.attempt(transport, trust)?)
    }

    /// As [`Connect::connect`]; a failure says what may be tried next.
    pub fn attempt<T: Transport>(&self, transport: T, trust: &mut impl Trust) -> Result<Stream<T>, Failed> {
        self.try_ways(self.allowed(), &mut self.choosing(), transport, trust, Vec::new())
    }

    /// As [`Connect::attempt`], and goes on with the next way over the next connection that `dial` makes, as far as ways are allowed: three connections at most, each with its own deadline.
    ///
    /// `trust` is asked in each of them. Where it says no, and where there is no connection, nothing more is tried.
    pub fn dial<T: Transport>(&self, mut dial: impl FnMut() -> io::Result<T>, trust: &mut impl Trust) -> Result<Stream<T>, Failed> {
        let (mut ways, mut choosing, mut tried) = (self.allowed(), self.choosing(), Vec::new());
        loop {
            if let Err(error) = choosing.plan(&ways) {
                return Err(Failed::unsent(error, tried));
            }
            let transport = match dial() {
                Ok(transport) => transport,
                Err(error) => return Err(Failed { error: error.into(), way: None, next: choosing.next(&ways), tried }),
            };
            let failed = match self.try_ways(ways.clone(), &mut choosing, transport, trust, tried) {
                Err(Failed { error, way: Some(way), next: Some(_), tried }) => (way, error, tried),
                ended => return ended,
            };
            ways = left_after(failed.0, &ways);
            tried = failed.2;
            tried.push(Tried { way: failed.0, error: failed.1 });
        }
    }

    /// One connection. Where a record is gone, or the store fails, before anything was sent, the next way goes over the same.
    fn try_ways<T: Transport>(
        &self,
        mut ways: Vec<Way>,
        choosing: &mut Choosing<'_>,
        transport: T,
        trust: &mut impl Trust,
        mut tried: Vec<Tried>,
    ) -> Result<Stream<T>, Failed> {
        if self.chosen_suite().is_some_and(|suite| !trust.allows(suite)) {
            return Err(Failed::unsent(Distrust::SuiteNotAllowed.into(), tried));
        }
        let mut trust = Expecting { peer: self.peer, trust };
        let mut wire = Wire::new(transport, self.deadline, self.observer.clone());
        loop {
            let plan = match choosing.plan(&ways) {
                Ok(plan) => plan,
                Err(error) => return Err(Failed::unsent(error, tried)),
            };
            let way = plan.way();
            let begun = self.open(plan, &mut wire, &mut trust);
            if way == Way::Resumed && matches!(begun, Err(Error::Protocol(error)) if nothing_was_sent(error)) {
                ways.retain(|left| *left != way);
                continue;
            }
            return wire.conclude(begun, &mut tried).map_err(|error| {
                let next = if may_go_on(&error) { choosing.next(&left_after(way, &ways)) } else { None };
                Failed { error, way: Some(way), next, tried }
            });
        }
    }

    fn chosen_suite(&self) -> Option<Suite> {
        match &self.me {
            Some(me) => self.suite.or(Suite::for_signature(me.public().algorithm())),
            None => Some(self.suite.unwrap_or_default()),
        }
    }

    /// Where acquaintances are kept and a peer is expected, strangers must be asked for.
    fn allowed(&self) -> Vec<Way> {
        let acquainted = self.keeper.is_some() && self.peer.is_some();
        let unless_told = || if acquainted { vec![Way::Resumed, Way::Acquainted] } else { vec![between_strangers(self.me.is_some())] };
        self.ways.clone().unwrap_or_else(unless_told)
    }

    /// Of the peer that is expected, something may be kept.
    fn choosing(&self) -> Choosing<'_> {
        let me = self.me.as_ref().map(Identity::fingerprint);
        let kept = self.keeper.as_ref().zip(self.peer);
        Choosing::new(me, self.chosen_suite(), &self.prologue, self.psk.as_ref(), kept)
    }

    fn open<T: Transport>(&self, plan: Plan, wire: &mut Wire<T>, trust: &mut impl Trust) -> Result<Begun, Error> {
        match plan {
            Plan::Resume(keeper, record) => self.resume(keeper, record, wire, trust),
            Plan::Acquainted(mine, theirs, now) => self.acquainted(&mine, &theirs, now, wire, trust),
            Plan::Strangers(_) => match &self.me {
                Some(me) => self.identified(me, wire, trust),
                None => self.unidentified(wire, trust),
            },
        }
    }

    fn resume<T: Transport>(
        &self,
        mut keeper: Keeper,
        record: Arc<Resumption>,
        wire: &mut Wire<T>,
        trust: &mut impl Trust,
    ) -> Result<Begun, Error> {
        let mut initiator = ResumeInitiator::new(record, &self.prologue).with_early_data(self.early_data.clone());
        if let Some(psk) = &self.psk {
            initiator = initiator.psk(psk);
        }
        let judged = wire.patiently(trust, |trust| initiator.judge(trust))?;
        let now = keeper.now();
        let (waiting, hello) = judged.send_hello(&mut keeper, now)?;
        wire.send(FrameKind::Handshake(1), hello)?;
        let reply = wire.receive(FrameKind::Handshake(2), waiting.frame_bounds())?;
        let begun = self.begun(waiting.read_reply(&reply)?.into_channel()?, Pattern::Resume);
        Ok(Begun { sent_early_data: !self.early_data.as_bytes().is_empty(), ..begun })
    }

    fn acquainted<T: Transport>(
        &self,
        mine: &StaticKey,
        theirs: &Bundle,
        now: u64,
        wire: &mut Wire<T>,
        trust: &mut impl Trust,
    ) -> Result<Begun, Error> {
        let mut initiator = AcquaintedInitiator::new(mine, theirs, &self.prologue, now);
        if let Some(psk) = &self.psk {
            initiator = initiator.psk(psk);
        }
        let (waiting, hello) = initiator.send_hello()?;
        wire.send(FrameKind::Handshake(1), hello)?;
        let reply = wire.receive(FrameKind::Handshake(2), waiting.frame_bounds())?;
        let read = waiting.read_reply(&reply)?;
        let (channel, confirm) = wire.patiently(trust, |trust| read.send_confirm(trust))?;
        let begun = self.begun(channel, if self.psk.is_some() { Pattern::IkPsk0 } else { Pattern::Ik });
        wire.send(FrameKind::Record(RecordType::Confirm), confirm)?;
        Ok(begun)
    }

    fn identified<T: Transport>(&self, me: &Identity, wire: &mut Wire<T>, trust: &mut impl Trust) -> Result<Begun, Error> {
        let mut initiator = Initiator::new(me, &self.prologue);
        if let Some(suite) = self.suite {
            initiator = initiator.suite(suite);
        }
        if let Some(psk) = &self.psk {
            initiator = initiator.psk(psk);
        }
        let (waiting, hello) = initiator.send_hello()?;
        wire.send(FrameKind::Handshake(1), hello)?;
        let reply = wire.receive(FrameKind::Handshake(2), waiting.frame_bounds())?;
        let read = waiting.read_reply(&reply)?;
        let (channel, finish) = wire.patiently(trust, |trust| read.send_finish(trust))?;
        let begun = self.begun(channel, if self.psk.is_some() { Pattern::XxPsk0 } else { Pattern::Xx });
        wire.send(FrameKind::Handshake(3), finish)?;
        Ok(begun)
    }

    fn unidentified<T: Transport>(&self, wire: &mut Wire<T>, trust: &mut impl Trust) -> Result<Begun, Error> {
        let mut initiator = AnonymousInitiator::new(&self.prologue);
        if let Some(suite) = self.suite {
            initiator = initiator.suite(suite);
        }
        if let Some(psk) = &self.psk {
            initiator = initiator.psk(psk);
        }
        let (waiting, hello) = initiator.send_hello()?;
        wire.send(FrameKind::Handshake(1), hello)?;
        let reply = wire.receive(FrameKind::Handshake(2), waiting.frame_bounds())?;
        let read = waiting.read_reply(&reply)?;
        let channel = wire.patiently(trust, |trust| read.into_channel(trust))?;
        Ok(self.begun(channel, if self.psk.is_some() { Pattern::NxPsk0 } else { Pattern::Nx }))
    }

    /// What is to be kept is so before the last message leaves.
    fn begun(&self, mut channel: Channel, pattern: Pattern) -> Begun {
        let keeping = self.keeper.as_ref().map(|keeper| Keeping::begin(keeper, self.me.as_ref(), Role::Opener, &mut channel, pattern));
        Begun::new(channel, pattern, keeping)
    }
}

/// A way that failed is not tried again, nor one before it: from `IK` nothing leads back to `resume`.
fn left_after(tried: Way, ways: &[Way]) -> Vec<Way> {
    let gone: &[Way] = match tried {
        Way::Resumed => &[Way::Resumed],
        Way::Acquainted => &[Way::Resumed, Way::Acquainted],
        Way::Met | Way::Visited => return Vec::new(),
    };
    ways.iter().copied().filter(|way| !gone.contains(way)).collect()
}

/// Of a `resume`: somebody else has removed the record, or the store could not, before message 1.
const fn nothing_was_sent(error: error::Error) -> bool {
    matches!(error, error::Error::NotResumable | error::Error::Store | error::Error::ClockBehind)
}

/// Whether it was the peer or the network. Where this side said no, or could not, another way changes nothing.
const fn may_go_on(error: &Error) -> bool {
    use error::Error::{Authentication, Malformed, RefusedByPeer, TimedOut, Truncated};
    match error {
        Error::Transport(_) => true,
        Error::Protocol(error) => matches!(error, RefusedByPeer(_) | Malformed | Authentication | Truncated | TimedOut),
    }
}

/// Shows no secret.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").field("me", &self.me).field("suite", &self.suite).finish_non_exhaustive()
    }
}
