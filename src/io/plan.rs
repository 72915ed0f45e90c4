//! What the side that opens does so with: the first of the ways that are allowed for which enough is kept (docs/protocol.md, sections 4.6, 6.7 and 6.8).
//!
//! ```text
//! a record that fits ............................. resume
//! an own key that was delivered, their bundle ..... IK
//!       └ their bundle is missing ................. a directory is asked for it, once a call
//! neither, and strangers are allowed .............. XX, without identity NX
//! ```

use super::beginning::way_of;
use super::keeper::Keeper;
use crate::acquaintances::{Wanted, Way};
use crate::channel::Resumption;
use crate::error::Error;
use crate::handshake::{Pattern, Psk, Suite};
use crate::identity::{Bundle, Fingerprint, StaticKey};
use std::sync::Arc;

/// What an attempt opens with.
pub(super) enum Plan {
    Resume(Keeper, Arc<Resumption>),
    Acquainted(Arc<StaticKey>, Arc<Bundle>, u64),
    Strangers(Way),
}

/// What a call chooses by, however many attempts it makes.
pub(super) struct Choosing<'a> {
    me: Option<Fingerprint>,
    suite: Option<Suite>,
    prologue: &'a [u8],
    psk: Option<&'a Psk>,
    kept: Option<(&'a Keeper, Fingerprint)>,
    /// Whether the directory was asked. It may be slow, and has nothing else to say a moment later.
    asked: bool,
}

impl Plan {
    pub(super) const fn way(&self) -> Way {
        match self {
            Self::Resume(..) => way_of(Pattern::Resume),
            Self::Acquainted(..) => way_of(Pattern::Ik),
            Self::Strangers(way) => *way,
        }
    }
}

impl<'a> Choosing<'a> {
    /// With a keeper, and the peer that is expected.
    pub(super) const fn new(
        me: Option<Fingerprint>,
        suite: Option<Suite>,
        prologue: &'a [u8],
        psk: Option<&'a Psk>,
        kept: Option<(&'a Keeper, Fingerprint)>,
    ) -> Self {
        Self { me, suite, prologue, psk, kept, asked: false }
    }

    pub(super) fn next(&mut self, ways: &[Way]) -> Option<Way> {
        self.plan(ways).ok().map(|plan| plan.way())
    }

    /// What to open with. A store that fails counts as one that holds nothing, and is the reason where nothing else is allowed.
    pub(super) fn plan(&mut self, ways: &[Way]) -> Result<Plan, Error> {
        let kept = match (self.kept, self.suite) {
            (Some((keeper, peer)), Some(suite)) => self.kept(keeper, peer, suite, ways),
            _ => Ok(None),
        };
        let strangers = between_strangers(self.me.is_some());
        match kept {
            Ok(Some(plan)) => Ok(plan),
            _ if ways.contains(&strangers) => Ok(Plan::Strangers(strangers)),
            Ok(None) => Err(Error::NotAcquainted),
            Err(error) => Err(error),
        }
    }

    /// The directory is asked while nobody waits for the store. One that fails counts as one that has nothing: the keeper's observer is told.
    fn kept(&mut self, keeper: &Keeper, peer: Fingerprint, suite: Suite, ways: &[Way]) -> Result<Option<Plan>, Error> {
        let plan = self.look(keeper, peer, suite, ways)?;
        if plan.is_some() || self.asked || !self.lacks_bundle(keeper, peer, suite, ways)? {
            return Ok(plan);
        }
        self.asked = true;
        let _ = keeper.fetch(peer, suite);
        self.look(keeper, peer, suite, ways)
    }

    fn look(&self, keeper: &Keeper, peer: Fingerprint, suite: Suite, ways: &[Way]) -> Result<Option<Plan>, Error> {
        let psk_tag = self.psk.map(|psk| psk.tag(suite)).transpose()?;
        let wanted = Wanted { me: self.me, peer: Some(peer), suite, prologue: self.prologue, psk_tag: psk_tag.as_ref() };
        keeper.ask(|store, now| {
            if ways.contains(&Way::Resumed)
                && let Some(record) = store.resumption_with(&wanted, now)?
            {
                return Ok(Some(Plan::Resume(keeper.clone(), record)));
            }
            let Some(me) = self.me.filter(|_| ways.contains(&Way::Acquainted)) else { return Ok(None) };
            let mine = store.delivered_key(me, peer, suite, now)?;
            let theirs = store.bundle_of(peer, suite, now)?;
            Ok(mine.zip(theirs).map(|(mine, theirs)| Plan::Acquainted(mine, theirs, now)))
        })
    }

    /// Whether a bundle of the peer would let this side open in `IK`: it has no other use for one, and need not tell the directory whom it calls.
    fn lacks_bundle(&self, keeper: &Keeper, peer: Fingerprint, suite: Suite, ways: &[Way]) -> Result<bool, Error> {
        let Some(me) = self.me.filter(|_| ways.contains(&Way::Acquainted) && keeper.has_directory()) else { return Ok(false) };
        keeper.ask(|store, now| Ok(store.delivered_key(me, peer, suite, now)?.is_some() && store.bundle_of(peer, suite, now)?.is_none()))
    }
}

/// With an identity or without.
pub(super) const fn between_strangers(identified: bool) -> Way {
    if identified { Way::Met } else { Way::Visited }
}
