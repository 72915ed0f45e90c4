//! Twinlock
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;
mod crypto;
#[cfg(feature = "std")]
mod durable;
mod error;
pub mod identity;
#[cfg(feature = "std")]
pub mod keyfile;
mod secret;
mod symmetric;
pub mod trust;
mod wire;

pub use crate::crypto::suite::Suite;
pub use crate::error::{Distrust, Error, Refusal};
