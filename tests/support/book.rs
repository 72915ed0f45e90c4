//! A store of acquaintances in memory, that does as it is told, fails where it is told to, and keeps count.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::cell::Cell;
use std::sync::Arc;
use std::vec::Vec;
use twinlock::acquaintances::AddressBook;
use twinlock::channel::{Resumption, Role};
use twinlock::identity::{Bundle, StaticKey};
use twinlock::{Error, Suite};

/// A day, in seconds.
pub(crate) const DAY: u64 = 86_400;

/// All fields are public: a test puts in what it is about.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) keys: Vec<Arc<StaticKey>>,
    pub(crate) bundles: Vec<Arc<Bundle>>,
    pub(crate) records: Vec<Arc<Resumption>>,
    /// The latest time that it was told.
    pub(crate) latest: Option<u64>,
    /// What reading gives, and what removing gives.
    pub(crate) reading: Option<Error>,
    pub(crate) removing: Option<Error>,
    /// Somebody else removes each record first.
    pub(crate) too_late: bool,
    /// How often it was asked for an acquaintance, and for a record.
    pub(crate) asked: [Cell<usize>; 2],
}

impl Book {
    pub(crate) fn of(key: &Arc<StaticKey>, acquaintances: &[&Arc<StaticKey>]) -> Self {
        let bundles = acquaintances.iter().map(|key| Arc::new(key.bundle().clone())).collect();
        Self { keys: [Arc::clone(key)].to_vec(), bundles, ..Self::default() }
    }

    fn clock(&self, now: u64) -> Result<(), Error> {
        match self.latest {
            Some(latest) if latest.saturating_sub(DAY) > now => Err(Error::ClockBehind),
            _ => self.reading.map_or(Ok(()), Err),
        }
    }
}

fn count(asked: &Cell<usize>) {
    asked.set(asked.get() + 1);
}

impl AddressBook for Book {
    /// One's own keys are judged by the time alone.
    fn static_keys(&self, suite: Suite, now: u64) -> Result<Vec<Arc<StaticKey>>, Error> {
        self.reading.map_or(Ok(()), Err)?;
        let mut keys: Vec<_> =
            self.keys.iter().filter(|key| key.bundle().suite() == suite && key.bundle().is_valid(now)).cloned().collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.bundle().not_before()));
        Ok(keys)
    }

    fn acquaintance(&self, suite: Suite, reference: &[u8; 32], now: u64) -> Result<Option<Arc<Bundle>>, Error> {
        count(&self.asked[0]);
        self.clock(now)?;
        let named = |bundle: &&Arc<Bundle>| bundle.suite() == suite && bundle.reference() == reference && bundle.is_valid(now);
        Ok(self.bundles.iter().find(named).cloned())
    }

    fn resumption(&self, role: Role, id: &[u8; 16], now: u64) -> Result<Option<Arc<Resumption>>, Error> {
        count(&self.asked[1]);
        self.clock(now)?;
        Ok(self.records.iter().find(|record| (record.role(), record.id()) == (role, id)).cloned())
    }

    fn remove(&mut self, role: Role, id: &[u8; 16], now: u64) -> Result<bool, Error> {
        self.clock(now)?;
        self.removing.map_or(Ok(()), Err)?;
        let before = self.records.len();
        self.records.retain(|record| (record.role(), record.id()) != (role, id));
        Ok(self.records.len() < before && !self.too_late)
    }
}
