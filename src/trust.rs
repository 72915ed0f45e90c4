//! Whom to believe. Trust is never implied: whoever opens or accepts a conversation hands in a [`Trust`], and no way to a channel avoids it.
//!
//! ```text
//! Pinned(fingerprint)   exactly this identity           PinnedSet(…)   one of these
//! Ask(closure)          what a person or a rule says    KnownPeers     what a file remembers
//! Anonymous             a peer without identity         OrAnonymous(t) either
//! danger::TrustAnyone   anybody at all
//! ```

#[cfg(feature = "std")]
mod known_peers;

use crate::error::Distrust;
use crate::identity::Fingerprint;
use alloc::vec::Vec;

pub use crate::identity::{Peer, Trusted};
#[cfg(feature = "std")]
pub use known_peers::{AnyoneKnown, Entry, ExpectKnown, KnownPeers, KnownPeersError, Met};

/// Says which peers are acceptable.
///
/// It is asked once for each handshake, after the peer has proved its identity and before this side shows its own or gets a channel.
/// Where a person is asked, take the handshake's states instead ([`crate::handshake`]): they can wait without holding a thread.
pub trait Trust {
    /// Accepts the peer, and says how it came to be trusted, or tells why not.
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust>;
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
}

impl<T: Trust + ?Sized> Trust for &mut T {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        (**self).judge(peer)
    }
}
