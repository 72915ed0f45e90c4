//! Third-party cryptography, behind free functions over byte arrays.
//!
//! Each backend has the same functions, nothing but calls. One is chosen here; today there is [`rust`], pure Rust.

pub(crate) mod rust;

pub(crate) use rust::*;
