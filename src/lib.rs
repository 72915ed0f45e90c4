//! Twinlock lets two programs, or two people, talk so that neither today's attackers nor tomorrow's quantum computers can listen, forge, or come back
//! later with a recording.
//!
//! Every door has two locks, one classical and one post-quantum, and an attacker needs to break both: for key agreement (X-Wing: X25519 and ML-KEM-768) and for
//! authentication (the composite signature of Ed25519 and ML-DSA-65), at the start of a conversation and all through it. Other algorithms come as other suites,
//! as a whole ([`Suite`], `docs/suites.md`).
//!
//! ```no_run
//! # #[cfg(feature = "std")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::net::TcpStream;
//! use twinlock::{Fingerprint, Identity, Pinned, connect};
//!
//! let me = Identity::generate()?; // or keyfile::load("identity.pem", Some(passphrase))?
//! let bob: Fingerprint = "tl1…".parse()?; // as Bob's program shows it
//!
//! let mut stream = connect(TcpStream::connect("bob.example:7117")?, b"example/1", &me, &mut Pinned(bob))?;
//! stream.send(b"hello")?;
//! while let Some(message) = stream.recv()? {
//!     println!("{} bytes from Bob", message.len());
//! } // None only after Bob's authenticated close
//! stream.close()?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "std"))]
//! # fn main() {}
//! ```
//!
//! # The house
//!
//! ```text
//! L5   io                                      bytes over a transport
//! L4   handshake                               the ways a conversation begins
//! L3   channel   trust   keyfile               what it runs on, whom to believe, where identities live
//!      acquaintances                           over them: what is kept of others and of last conversations
//! L2   symmetric          identity             Noise's symmetric state; who somebody is
//! L1   crypto/{suite hash aead kem signature}  below them crypto/backend, the only folder that names third-party cryptography
//! L0   error  secret  wire  durable            no cryptography, no network
//! ```
//!
//! Imports only go down, and a test sees to it. The files are the sections of the protocol's specification, `docs/protocol.md`, which is rendered here as [`spec`].
//!
//! # Where to look
//!
//! - [`connect`] and [`accept`] make a [`Stream`] over anything that reads and writes; [`io`] has messages of any length, halves for two threads, bytes.
//! - [`trust`]: whom to believe. [`Pinned`], a person's answer, or a file of [`trust::KnownPeers`]. There is no default that accepts anybody.
//! - [`keyfile`]: an [`Identity`] on disk, PKCS#8 with or without a passphrase.
//! - [`Suite`]: which algorithms; `docs/suites.md` says which to take and what each costs.
//! - [`identity::Statement`]: a new key beside an old one, or for it, or a key revoked; [`trust::KnownPeers::take`] acts on it.
//! - [`identity::StaticKey`] and [`Bundle`]: what acquaintances hold of each other, to open without signatures.
//! - [`acquaintances`]: what is kept of those one has met, in memory or in a folder, so that the next conversation costs less. [`acquaintances::Directory`]: bundles of those one has not met.
//! - [`handshake`]: the same without IO, state by state, for an own event loop, a signer elsewhere, or a person who takes their time.
//! - [`channel`]: records without IO, and the exporter.
//!
//! # Limits
//!
//! The lengths and times of what is sent show on the network (padding hides some). A responder shows its identity to whoever asks, unless a pre-shared key is required.
//! Signatures are not deniable. Wiping reaches the heap, and the stack by means that the language does not promise; not registers. `SECURITY.md` has the threat model.
//!
//! # Features
//!
//! - `std` (default): [`io`], [`keyfile`], [`trust::KnownPeers`] and the operating system's randomness. Without it the crate is `no_std` with `alloc`, and every function that
//!   draws randomness is called by its `_with_rng` name.
//! - `level5`: suite 0x0002 and the policy `trust::Cnsa2`. Pure Rust, `no_std` too (with `std` several times faster, by tables of P-384's base point).
//! - `round3`: suite 0x7E03, the algorithms from before the standards, by unmaintained crates that need a C compiler; outside every claim. Read `docs/round3.md` first.

#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;
/// So that helpers of the tests serve those inside and those outside.
#[cfg(test)]
extern crate self as twinlock;

pub mod acquaintances;
pub mod channel;
mod crypto;
#[cfg(feature = "std")]
mod durable;
mod error;
pub mod handshake;
pub mod identity;
#[cfg(feature = "std")]
pub mod io;
#[cfg(feature = "std")]
pub mod keyfile;
mod secret;
mod symmetric;
pub mod trust;
mod wire;

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
mod readme {}

#[doc = include_str!("../docs/protocol.md")]
pub mod spec {}

pub use crate::channel::Channel;
pub use crate::error::{Distrust, Error, Refusal, SuiteIds};
pub use crate::handshake::Suite;
pub use crate::identity::{Bundle, Fingerprint, Identity, PublicIdentity};
#[cfg(feature = "std")]
pub use crate::io::{Stream, accept, connect};
pub use crate::secret::SecretBytes;
#[cfg(feature = "std")]
pub use crate::trust::KnownPeers;
pub use crate::trust::{Pinned, Trust};
