//! `IK`, between acquaintances: each holds the other's bundle, and nobody signs (docs/protocol.md, section 6.7).
//!
//! ```text
//! AcquaintedInitiator ─send_hello─▶ AcquaintedAwaitsReply ─read_reply─▶ AcquaintedReplyRead ─send_confirm(trust)─▶ Channel
//!
//! Responder ─read_hello_with(book)─▶ AcquaintedHello ─send_reply─▶ AwaitsConfirm ─read_confirm─▶ Confirmed ─into_channel(trust)─▶ Channel
//! ```
//!
//! A first message proves nothing about whom it names. Up to [`Confirmed`] nothing here says who asks, or whether it is somebody who is known.

use super::message::{mix_e, read_ekem, read_payload, read_skem, read_sref, write_e, write_ekem, write_payload, write_skem, write_sref};
use super::pattern::{HEADER_LEN, Pattern};
use super::responder::{Asked, Responder};
use super::{Psk, Rejected, ToHolder, begin, check_payload, reply_body, root};
use crate::acquaintances::AddressBook;
use crate::channel::{Channel, Role, Root, Unjudged};
use crate::crypto::kem::kept::KeptKey;
use crate::crypto::kem::{DecapsulationKey, EncapsulationKey};
use crate::crypto::suite::Suite;
use crate::error::{Error, Refusal};
use crate::identity::{Bundle, Contents, Peer, StaticKey};
use crate::symmetric::SymmetricState;
use crate::trust::Trust;
use crate::wire::{Reader, put_frame};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq;

/// Opens a conversation in `IK`, or with a pre-shared key in `IKpsk0`.
pub struct AcquaintedInitiator {
    mine: StaticKey,
    theirs: Bundle,
    prologue: Vec<u8>,
    now: u64,
    psk: Option<Psk>,
}

/// Has sent message 1 of `IK` and awaits message 2.
pub struct AcquaintedAwaitsReply {
    state: SymmetricState,
    pattern: Pattern,
    e: DecapsulationKey,
    mine: StaticKey,
    peer: Peer,
    root: Root,
}

/// Message 2 of `IK` was good: the responder has proved its identity, and was not judged yet.
pub struct AcquaintedReplyRead {
    state: SymmetricState,
    peer: Peer,
    payload: ToHolder,
    root: Root,
}

/// Message 1 of `IK` was good. It says nothing about who sent it.
pub struct AcquaintedHello {
    state: SymmetricState,
    suite: Suite,
    e: EncapsulationKey,
    named: Named,
    slot: [u8; 32],
    payload: ToHolder,
    root: Root,
    secretive: bool,
}

/// Has sent message 2 of `IK` and awaits the initiator's `Confirm`. It names nobody.
pub struct AwaitsConfirm {
    state: SymmetricState,
    suite: Suite,
    named: Named,
    root: Root,
}

/// The `Confirm` was good: the initiator has proved its identity, and was not judged yet. This state can wait for a person.
pub struct Confirmed {
    unjudged: Unjudged,
    peer: Peer,
    root: Root,
}

/// Whom a reference names: an acquaintance, or nobody.
struct Named {
    contents: Arc<Contents>,
    bundle: Option<Arc<Bundle>>,
}

impl AcquaintedInitiator {
    /// `mine` is one's own static key, whose bundle was delivered to this peer; `theirs` the peer's bundle; `now` the time, in seconds since 1970.
    ///
    /// What does not fit shows in [`AcquaintedInitiator::send_hello`]: [`Error::WrongKind`] for bundles of two suites, [`Error::OutOfDate`] where one does not hold now.
    pub fn new(mine: &StaticKey, theirs: &Bundle, prologue: &[u8], now: u64) -> Self {
        Self { mine: mine.share(), theirs: theirs.clone(), prologue: prologue.to_vec(), now, psk: None }
    }

    /// Opens with a pre-shared key.
    pub fn psk(mut self, psk: &Psk) -> Self {
        self.psk = Some(psk.share());
        self
    }

    /// Message 1, as a whole frame: 2,408 bytes in suite 0x0001, 16 more with a psk. It has no payload: its sender is not proved.
    #[cfg(feature = "std")]
    pub fn send_hello(self) -> Result<(AcquaintedAwaitsReply, Vec<u8>), Error> {
        self.send_hello_with_rng(&mut getrandom::SysRng)
    }

    /// As [`AcquaintedInitiator::send_hello`]. Draws a KEM seed of 32 bytes, then coins for the KEM (64 bytes in suite 0x0001, 80 in 0x0002).
    ///
    /// rb · header · (psk,) e, skem, sref · payload, always empty.
    pub fn send_hello_with_rng(self, rng: &mut impl TryCryptoRng) -> Result<(AcquaintedAwaitsReply, Vec<u8>), Error> {
        let (mine, theirs) = (self.mine.bundle(), &self.theirs);
        let suite = theirs.suite();
        if mine.suite() != suite {
            return Err(Error::WrongKind);
        }
        if !(mine.is_valid(self.now) && theirs.is_valid(self.now)) {
            return Err(Error::OutOfDate);
        }
        let pattern = pattern(self.psk.is_some());
        let (mut state, header) = begin(pattern, suite, &self.prologue);
        let mut body = header.to_vec();
        state.mix_hash(theirs.unsigned());
        if let Some(psk) = &self.psk {
            state.mix_key_and_hash(psk.expose())?;
        }
        let (e, ek) = DecapsulationKey::generate(suite.kem(), rng)?;
        write_e(&mut state, &ek, pattern.has_psk_token(), &mut body)?;
        write_skem(&mut state, theirs.encapsulation_key(), rng, &mut body)?;
        write_sref(&mut state, mine.reference(), &mut body)?;
        write_payload(&mut state, &[], &mut body)?;
        let mut frame = Vec::new();
        put_frame(&mut frame, &body)?;
        let root = root(Some(mine.fingerprint()), self.prologue, self.psk.as_ref(), suite)?;
        let peer = Peer::new(Some(theirs.identity().clone()), suite);
        Ok((AcquaintedAwaitsReply { state, pattern, e, mine: self.mine, peer, root }, frame))
    }
}

impl AcquaintedAwaitsReply {
    /// What the awaited frame's body may measure, in bytes; a refusal's is 1.
    pub fn frame_bounds(&self) -> RangeInclusive<usize> {
        self.pattern.reply_bounds(self.peer.suite())
    }

    /// Reads message 2, a whole frame. A refusal is [`Error::RefusedByPeer`]; [`Error::Authentication`] also where the responder does not keep our bundle.
    ///
    /// status 0 · ekem, skem, ib · payload.
    pub fn read_reply(self, frame: &[u8]) -> Result<AcquaintedReplyRead, Error> {
        let Self { mut state, pattern, e, mine, peer, root } = self;
        let (suite, mut body) = (peer.suite(), Reader::new(reply_body(frame)?));
        if !(pattern.reply_len(suite)..=*pattern.reply_bounds(suite).end()).contains(&body.len()) {
            return Err(Error::Malformed);
        }
        state.mix_hash(body.bytes(1)?);
        read_ekem(&mut state, suite.kem(), e, &mut body)?;
        read_skem(&mut state, suite.kem(), mine.kept(), &mut body)?;
        state.mix_hash(mine.bundle().unsigned());
        let payload = read_payload(&mut state, body)?.into();
        Ok(AcquaintedReplyRead { state, peer, payload, root })
    }
}

impl AcquaintedReplyRead {
    /// Who answered.
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// What it sent with message 2. It is proved, and not judged.
    pub const fn payload(&self) -> &ToHolder {
        &self.payload
    }

    /// Judges the responder, and makes the `Confirm`, a whole frame of 21 bytes: send it at once, before anything else.
    ///
    /// Where the answer is no, nothing more is sent: close the transport.
    pub fn send_confirm(self, trust: &mut impl Trust) -> Result<(Channel, Vec<u8>), Error> {
        let trusted = trust.judge(&self.peer)?;
        let mut unjudged = Unjudged::new(self.state.into_secrets()?, Role::Opener, self.peer.suite())?;
        let confirm = unjudged.seal_confirm()?;
        Ok((unjudged.accept(self.peer, trusted, Some(self.root)), confirm))
    }
}

impl Responder {
    /// Message 1 of `IK`: rb · header · (psk,) e, skem, sref · payload.
    ///
    /// The transcript is run for each static key, newer first, and each pre-shared key, newer first, until the tags verify. Without a static key it is run for the decoy.
    pub(super) fn hear_acquaintance<B: AddressBook + ?Sized>(&self, asked: &Asked<'_>, book: &B) -> Result<AcquaintedHello, Error> {
        let (decoys, now) = self.acquaintances()?;
        let (suite, decoy) = (asked.suite, decoys.of(asked.suite)?);
        let mut body = Reader::new(asked.body);
        body.bytes(HEADER_LEN)?;
        let e = EncapsulationKey::from_bytes(suite.kem(), body.bytes(suite.encapsulation_key_len())?)?;
        let sealed = body.rest();

        let me = self.identity(suite)?.public();
        let (keys, refused) = match book.static_keys(suite, now) {
            Ok(keys) => (keys, Error::RefusedByUs(Refusal::Refused)),
            Err(error) => (Vec::new(), error),
        };
        let holds = |key: &&Arc<StaticKey>| key.bundle().suite() == suite && key.bundle().is_valid(now) && *key.bundle().identity() == me;
        let mine: Vec<_> = keys.iter().filter(holds).take(2).map(|key| (&**key.bundle().contents(), key.kept())).collect();
        let doors = if mine.is_empty() { vec![decoy.static_key()] } else { mine.clone() };
        let psks = self.psk_choices();
        let tries = doors.iter().flat_map(|door| psks.iter().map(move |psk| (*door, *psk)));
        let opened = tries.map(|(door, psk)| self.run_ik(asked, &e, sealed, door, psk)).find_map(Result::ok);
        let (state, reference, psk) = opened.filter(|_| !mine.is_empty()).ok_or(refused)?;

        // The same comparison, whether there is a bundle or not: whom the reference names must not show in the time.
        let found = book.acquaintance(suite, &reference, now).ok().flatten();
        let contents = found.as_ref().map_or(decoy.acquaintance(), |bundle| bundle.contents());
        let same = bool::from(contents.reference().ct_eq(&reference));
        let bundle = found.filter(|bundle| same & (bundle.suite() == suite) & bundle.is_valid(now));
        let contents = Arc::clone(bundle.as_ref().map_or(decoy.acquaintance(), |bundle| bundle.contents()));
        let root = root(Some(me.fingerprint()), self.prologue.clone(), psk, suite)?;
        let (named, slot) = (Named { contents, bundle }, decoys.slot(suite, &reference));
        Ok(AcquaintedHello { state, suite, e, named, slot, payload: ToHolder::default(), root, secretive: self.is_secretive() })
    }

    fn run_ik<'a>(
        &self,
        asked: &Asked<'_>,
        e: &EncapsulationKey,
        sealed: &[u8],
        (bundle, key): (&Contents, &KeptKey),
        psk: Option<&'a Psk>,
    ) -> Result<(SymmetricState, [u8; 32], Option<&'a Psk>), Error> {
        let mut body = Reader::new(sealed);
        let (mut state, _) = begin(asked.pattern, asked.suite, &self.prologue);
        state.mix_hash(bundle.unsigned());
        if let Some(psk) = psk {
            state.mix_key_and_hash(psk.expose())?;
        }
        mix_e(&mut state, e, psk.is_some())?;
        read_skem(&mut state, asked.suite.kem(), key, &mut body)?;
        let reference = read_sref(&mut state, &mut body)?;
        read_payload(&mut state, body)?;
        Ok((state, reference, psk))
    }
}

impl AcquaintedHello {
    /// The suite that the initiator named.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Equal for two first messages that name the same bundle, known or not, and nothing that tells whose: for a limit on how many wait for a `Confirm`, by this and by source.
    pub const fn slot(&self) -> &[u8; 32] {
        &self.slot
    }

    /// One too many waits for a `Confirm` already: refuses as if the first message were no good.
    pub fn too_many(self) -> Rejected {
        Rejected::decline(Error::RefusedByUs(Refusal::Refused), self.secretive)
    }

    /// A payload for message 2, at most 4,096 bytes.
    pub fn with_payload(mut self, payload: ToHolder) -> Self {
        self.payload = payload;
        self
    }

    /// Message 2, as a whole frame: 2,275 bytes and the payload in suite 0x0001. On an error nothing is sent: close the transport.
    #[cfg(feature = "std")]
    pub fn send_reply(self) -> Result<(AwaitsConfirm, Vec<u8>), Error> {
        self.send_reply_with_rng(&mut getrandom::SysRng)
    }

    /// As [`AcquaintedHello::send_reply`]. Draws coins for the KEM twice (64 bytes in suite 0x0001, 80 in 0x0002).
    ///
    /// status 0 · ekem, skem, ib · payload.
    pub fn send_reply_with_rng(self, rng: &mut impl TryCryptoRng) -> Result<(AwaitsConfirm, Vec<u8>), Error> {
        let Self { mut state, suite, e, named, payload, root, .. } = self;
        check_payload(payload.as_bytes())?;
        let mut body = vec![0];
        state.mix_hash(&body);
        write_ekem(&mut state, &e, rng, &mut body)?;
        write_skem(&mut state, named.contents.encapsulation_key(), rng, &mut body)?;
        state.mix_hash(named.contents.unsigned());
        write_payload(&mut state, payload.as_bytes(), &mut body)?;
        let mut frame = Vec::new();
        put_frame(&mut frame, &body)?;
        Ok((AwaitsConfirm { state, suite, named, root }, frame))
    }
}

impl AwaitsConfirm {
    /// What the awaited frame's body measures, in bytes.
    pub const fn frame_bounds(&self) -> RangeInclusive<usize> {
        let len = Pattern::Ik.finish_len(self.suite);
        len..=len
    }

    /// Reads the initiator's first record, a whole frame: its `Confirm`. Anything else is an error, and is answered with nothing.
    pub fn read_confirm(self, frame: &[u8]) -> Result<Confirmed, Error> {
        let mut unjudged = Unjudged::new(self.state.into_secrets()?, Role::Answerer, self.suite)?;
        unjudged.open_confirm(frame)?;
        // Nobody holds the decoy's secret.
        let bundle = self.named.bundle.ok_or(Error::Authentication)?;
        let peer = Peer::new(Some(bundle.identity().clone()), self.suite);
        Ok(Confirmed { unjudged, peer, root: self.root })
    }
}

impl Confirmed {
    /// Who asks.
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Judges the initiator. Where the answer is no, [`Rejected::answer`] is a `Close` record with code 1: send it, and close the transport.
    pub fn into_channel(self, trust: &mut impl Trust) -> Result<Channel, Rejected> {
        match trust.judge(&self.peer) {
            Ok(trusted) => Ok(self.unjudged.accept(self.peer, trusted, Some(self.root))),
            Err(why) => Err(Rejected { error: why.into(), answer: self.unjudged.refuse_with_close()? }),
        }
    }
}

const fn pattern(psk: bool) -> Pattern {
    if psk { Pattern::IkPsk0 } else { Pattern::Ik }
}
