//! Good statements between the identities that every target knows, made as they are asked for and kept.

use crate::people::{OF_EACH, identities};
use crate::rng::Seeded;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use twinlock::identity::Statement;

/// Kind, old, new.
type Which = (u8, usize, usize);

/// The statement of this kind, 1 to 3, about these two of [`identities`]; none where there can be none.
pub fn statement(kind: u8, old: usize, new: usize) -> Option<Arc<Statement>> {
    static MADE: Mutex<Option<HashMap<Which, Arc<Statement>>>> = Mutex::new(None);
    let which = (kind, old, if kind == 3 { old } else { new });
    if kind != 3 && old == new || kind == 1 && (old < OF_EACH) == (new < OF_EACH) {
        return None;
    }
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    Some(made.get_or_insert_default().entry(which).or_insert_with(|| Arc::new(make(which))).clone())
}

fn make((kind, old, new): Which) -> Statement {
    let (rng, people) = (&mut Seeded::new(u64::from(kind)), identities());
    let time = 1_767_312_000;
    match kind {
        1 => Statement::beside_with_rng(&people[old], &people[new], time, rng),
        2 => Statement::instead_with_rng(&people[old], &people[new], time, rng),
        _ => Statement::revoked_with_rng(&people[old], time, rng),
    }
    .expect("two that can be in one statement")
}
