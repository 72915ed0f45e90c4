//! Whom to believe. Trust is never implied: whoever opens or accepts a conversation hands in a [`Trust`], and no way to a channel avoids it.
//!
//! ```text
//! Pinned(fingerprint)   exactly this identity           PinnedSet(…)   one of these
//! Ask(closure)          what a person or a rule says    KnownPeers     what a file remembers
//! Anonymous             a peer without identity         OrAnonymous(t) either
//! Cnsa2(t)              whom t accepts, in suite 0x0002 alone (feature `level5`)
//! danger::TrustAnyone   anybody at all
//! ```

#[cfg(feature = "std")]
mod known_peers;

use crate::crypto::suite::Suite;
use crate::error::Distrust;
use crate::identity::Fingerprint;
use alloc::vec::Vec;

pub use crate::identity::{Peer, Trusted};
#[cfg(feature = "std")]
pub use known_peers::{AnyoneKnown, Entry, ExpectKnown, KnownPeers, KnownPeersError, Met, NotTaken, Taken};

/// Says which peers are acceptable.
///
/// It is asked once for each handshake, after the peer has proved its identity and before this side shows its own or gets a channel.
/// Where a person is asked, take the handshake's states instead ([`crate::handshake`]): they can wait without holding a thread.
pub trait Trust {
    /// Accepts the peer, and says how it came to be trusted, or tells why not.
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust>;

    /// Whether anything may be said in this suite. [`crate::io`] asks before it opens in one, and before it answers in one; every suite unless a policy says no.
    fn allows(&self, _: Suite) -> bool {
        true
    }
}

/// Accepts exactly this identity.
#[derive(Clone, Copy, Debug)]
pub struct Pinned(pub Fingerprint);

/// Accepts any of these identities.
#[derive(Clone, Debug)]
pub struct PinnedSet(pub Vec<Fingerprint>);

/// Accepts whom the closure accepts. It sees peers with an identity only; others are refused.
#[derive(Clone, Copy, Debug)]
pub struct Ask<F>(pub F);

/// Accepts a peer without identity, and only such.
#[derive(Clone, Copy, Debug)]
pub struct Anonymous;

/// Accepts a peer without identity, and whom the other accepts.
#[derive(Clone, Copy, Debug)]
pub struct OrAnonymous<T>(pub T);

/// Accepts whom the other accepts, and speaks suite 0x0002 alone: the one whose post-quantum halves, AES and SHA-512 are on the list of CNSA 2.0.
///
/// Over [`crate::io`] no other suite is opened in or answered; in the handshake's states it is refused when the peer is judged. Either way the error is
/// [`Distrust::SuiteNotAllowed`] on this side. What of CNSA 2.0 this meets, and what not, stands in docs/cnsa2.md.
#[cfg(feature = "level5")]
#[derive(Clone, Copy, Debug)]
pub struct Cnsa2<T>(pub T);

/// What weakens security, spelled so that a reader sees it.
pub mod danger {
    use super::{Distrust, Peer, Trust, Trusted};

    /// Accepts anybody, known or not, with or without identity. An attacker between is anybody too.
    #[derive(Clone, Copy, Debug)]
    pub struct TrustAnyone;

    impl Trust for TrustAnyone {
        fn judge(&mut self, _: &Peer) -> Result<Trusted, Distrust> {
            Ok(Trusted::Anyone)
        }
    }
}

fn required(peer: &Peer) -> Result<Fingerprint, Distrust> {
    peer.fingerprint().ok_or(Distrust::Anonymous)
}

impl Trust for Pinned {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        if required(peer)? == self.0 { Ok(Trusted::Pinned) } else { Err(Distrust::NotExpected) }
    }
}

impl Trust for PinnedSet {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        if self.0.contains(&required(peer)?) { Ok(Trusted::Pinned) } else { Err(Distrust::NotExpected) }
    }
}

impl<F: FnMut(&Peer) -> bool> Trust for Ask<F> {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        required(peer)?;
        if (self.0)(peer) { Ok(Trusted::Asked) } else { Err(Distrust::Declined) }
    }
}

impl Trust for Anonymous {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        if peer.identity().is_none() { Ok(Trusted::Anonymous) } else { Err(Distrust::NotExpected) }
    }
}

impl<T: Trust> Trust for OrAnonymous<T> {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        if peer.identity().is_none() { Ok(Trusted::Anonymous) } else { self.0.judge(peer) }
    }

    fn allows(&self, suite: Suite) -> bool {
        self.0.allows(suite)
    }
}

#[cfg(feature = "level5")]
impl<T: Trust> Trust for Cnsa2<T> {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        if self.allows(peer.suite()) { self.0.judge(peer) } else { Err(Distrust::SuiteNotAllowed) }
    }

    fn allows(&self, suite: Suite) -> bool {
        suite == Suite::Level5Aes && self.0.allows(suite)
    }
}

impl<T: Trust + ?Sized> Trust for &mut T {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        (**self).judge(peer)
    }

    fn allows(&self, suite: Suite) -> bool {
        (**self).allows(suite)
    }
}
