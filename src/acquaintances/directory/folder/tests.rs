//! The machine stops while a bundle is published.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::*;
use crate::durable::crash;
use crate::identity::{Identity, StaticKey};
use std::string::String;
use std::vec::Vec;

/// The machine stops at every step of a change, and at some of the bytes between.
#[test]
fn a_crash_leaves_half_a_bundle_or_none() {
    let (me, suite, now) = (Identity::generate().unwrap(), Suite::default(), 1_767_312_000);
    let [old, new] = [now - 1, now].map(|from| StaticKey::generate(&me, suite, from, now + 9).unwrap().bundle().clone());
    let place = tempfile::tempdir().unwrap();
    let folder = BundleFolder::open(place.path()).unwrap();
    let path = folder.file(me.fingerprint(), suite);
    folder.publish(&old).unwrap();
    let before = fs::read(&path).unwrap();
    let (steps, all) = crash::moments(|| folder.publish(&new).unwrap());
    assert!(steps.len() >= 4);
    let near = |at: &usize| at.is_multiple_of(997) || steps.iter().any(|step| at.abs_diff(*step) <= 1);
    for moment in (0..=all).filter(near) {
        fs::write(&path, &before).unwrap();
        crash::after(moment);
        let published = folder.publish(&new);
        crash::after(usize::MAX);
        let found = folder.bundle(me.fingerprint(), suite).unwrap().unwrap();
        assert!(found == new || found == old && published.is_err(), "after {moment} of {all}");
        // What is left beside it stands in nobody's way.
        folder.publish(&new).unwrap();
    }
    let names: Vec<String> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| name.starts_with("tl1")), "{names:?}");
}
