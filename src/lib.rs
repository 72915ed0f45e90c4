//! Twinlock
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;
mod crypto;
mod error;
mod secret;
mod symmetric;
mod wire;
