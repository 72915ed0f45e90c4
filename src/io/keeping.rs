//! What one conversation gives to the store and takes from it (docs/protocol.md, sections 4.6 and 6.8).
//!
//! ```text
//! it begins ........... its resumption record is kept, before the handshake's last message leaves this side; the peer is noted as seen
//! the opener .......... hands its newest bundle to the sealer where the peer does not have it, and a ping after it
//! the answerer ........ does so once it has heard something, so that the two do not both write before either reads
//! a bundle comes ...... it is offered to the store, which takes it or not
//! an answer comes ..... the peer has our bundle: noted
//! ```
//!
//! Nothing is waited for, and no failure of the store ends the conversation.

use super::beginning::way_of;
use super::inbound::Incoming;
use super::keeper::{Keeper, Note};
use crate::acquaintances::Taken;
use crate::channel::{Channel, Opener, Resumption, Role};
use crate::crypto::suite::Suite;
use crate::handshake::Pattern;
use crate::identity::{Bundle, Fingerprint, Identity};

/// How often a conversation that lasts looks whether the static key is to be renewed, in seconds.
const LOOK: u64 = 3_600;
/// How many bundles a peer can have kept in one conversation: each costs a write.
const BUNDLES_MAX: u8 = 16;

pub(super) struct Keeping {
    keeper: Keeper,
    me: Option<Identity>,
    peer: Option<Fingerprint>,
    suite: Suite,
    role: Role,
    /// Kept as soon as the peer has proved that it holds the keys.
    record: Option<Resumption>,
    /// Our bundle, as it was taken from the store.
    bundle: Option<Bundle>,
    /// The same with its number in this channel, until it is delivered.
    sent: Option<(u32, Bundle)>,
    /// When it was looked for that, by the keeper's clock.
    looked: Option<u64>,
    heard: bool,
    taken: u8,
}

impl Keeping {
    /// Keeps the record with which the conversation can be picked up. Call it before the last message of the handshake leaves.
    ///
    /// The responder of `NX` has not heard yet whether its peer holds the keys: it waits for that, so that a stranger's first message alone is not kept.
    pub(super) fn begin(keeper: &Keeper, me: Option<&Identity>, role: Role, channel: &mut Channel, pattern: Pattern) -> Self {
        let (peer, suite) = (channel.peer().fingerprint(), channel.peer().suite());
        let record = channel.keep_resumption(keeper.now()).ok().flatten();
        let unheard = role == Role::Answerer && matches!(pattern, Pattern::Nx | Pattern::NxPsk0);
        let mut keeping = Self {
            keeper: keeper.clone(),
            me: me.map(Identity::share),
            peer,
            suite,
            role,
            record,
            bundle: None,
            sent: None,
            looked: None,
            heard: false,
            taken: 0,
        };
        if !unheard {
            keeping.keep_record();
        }
        keeping
    }

    /// The conversation has begun.
    pub(super) fn note_seen(&self, pattern: Pattern) {
        if let Some(peer) = self.peer {
            let _ = self.keeper.ask(|store, now| store.seen(peer, self.suite, way_of(pattern), now));
        }
    }

    fn keep_record(&mut self) {
        let Some(record) = self.record.take() else { return };
        if self.keeper.ask(|store, now| store.keep(record, now)) == Ok(true) {
            self.keeper.tell(Note::Resumable { peer: self.peer, role: self.role });
        }
    }

    /// Our newest bundle, if the peer does not have it and it was not sent in this conversation; the static key is renewed first where that is due. Looked for once an hour.
    pub(super) fn bundle_due(&mut self) -> Option<Bundle> {
        let may_speak = self.heard || self.role == Role::Opener;
        let now = self.keeper.now();
        if !may_speak || self.looked.is_some_and(|looked| now.abs_diff(looked) < LOOK) {
            return None;
        }
        self.looked = Some(now);
        let (me, peer, suite) = (self.me.as_ref()?, self.peer?, self.suite);
        let undelivered = self.keeper.ask(|store, now| {
            if store.due(me.fingerprint(), suite, now)? {
                store.renew(me, suite, now)?;
            }
            store.undelivered(me.fingerprint(), peer, suite, now)
        });
        let bundle = undelivered.ok().flatten()?.bundle().clone();
        if self.bundle.as_ref().is_some_and(|sent| sent.as_bytes() == bundle.as_bytes()) {
            return None;
        }
        self.bundle = Some(bundle.clone());
        Some(bundle)
    }

    /// The sealer has our bundle, by this number.
    pub(super) fn sent(&mut self, number: Option<u32>, bundle: Bundle) {
        self.sent = number.map(|number| (number, bundle));
    }

    /// A frame was opened: this is what it brought. It may have been an answer to something that was sent after our bundle.
    pub(super) fn heard(&mut self, incoming: Incoming, opener: &Opener) {
        self.heard = true;
        self.keep_record();
        if let Some((_, bundle)) = self.sent.take_if(|(number, _)| opener.bundle_delivered() >= *number) {
            self.note_delivered(&bundle);
        }
        if let Incoming::Bundle(bundle) = incoming {
            self.take(*bundle);
        }
    }

    fn note_delivered(&self, bundle: &Bundle) {
        let Some(peer) = self.peer else { return };
        if self.keeper.ask(|store, now| store.set_delivered(peer, bundle, now)) == Ok(true) {
            self.keeper.tell(Note::Delivered { to: peer });
        }
    }

    /// The peer's bundle came. One that is not valid, or older, is dropped, and the channel goes on.
    fn take(&mut self, bundle: Bundle) {
        if self.taken >= BUNDLES_MAX {
            return;
        }
        let of = bundle.fingerprint();
        if let Ok(taken) = self.keeper.ask(|store, now| store.take_bundle(bundle, now)) {
            self.taken = self.taken.saturating_add(u8::from(matches!(taken, Taken::First | Taken::Newer)));
            self.keeper.tell(Note::Bundle { of, taken });
        }
    }
}
