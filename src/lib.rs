//! Twinlock
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![forbid(unsafe_code)]
extern crate alloc;

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

pub use crate::channel::Channel;
pub use crate::error::{Distrust, Error, Refusal};
pub use crate::handshake::Suite;
pub use crate::identity::{Fingerprint, Identity, PublicIdentity};
#[cfg(feature = "std")]
pub use crate::io::{Stream, accept, connect};
pub use crate::trust::{Pinned, Trust};
