//! How many handshakes may be in progress, in all and from one source: what strangers can make a listener hold.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts handshakes in progress. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    in_all: usize,
    per_source: usize,
    inside: Mutex<HashMap<IpAddr, usize>>,
}

/// A place inside, given back when dropped.
pub(super) struct Permit {
    gate: Gate,
    source: IpAddr,
}

impl Gate {
    /// At most `in_all` handshakes in progress, and at most `per_source` from one IPv4 address or one IPv6 /64.
    pub fn new(in_all: usize, per_source: usize) -> Self {
        Self(Arc::new(Inner { in_all, per_source, inside: Mutex::default() }))
    }

    /// Handshakes in progress now.
    pub fn in_progress(&self) -> usize {
        self.lock().values().sum()
    }

    /// A place for a handshake with this source, or none: busy.
    pub(super) fn enter(&self, source: IpAddr) -> Option<Permit> {
        let source = network(source);
        let mut inside = self.lock();
        let count = inside.get(&source).copied().unwrap_or_default();
        if inside.values().sum::<usize>() >= self.0.in_all || count >= self.0.per_source {
            return None;
        }
        inside.insert(source, count.saturating_add(1));
        Some(Permit { gate: self.clone(), source })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Every change is one step, so a thread that panicked left nothing half done.
        self.0.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inside = self.gate.lock();
        if let Some(count) = inside.get_mut(&self.source) {
            *count = count.saturating_sub(1);
        }
        inside.retain(|_, count| *count > 0);
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate({} of {} in progress)", self.in_progress(), self.0.in_all)
    }
}

/// One customer usually has a whole IPv6 /64.
pub(super) fn network(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V6(address) if address.to_ipv4_mapped().is_none() => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address.to_canonical(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_takes_every_place() {
        let gate = Gate::new(3, 2);
        let source = |last| IpAddr::from([192, 0, 2, last]);
        let first = gate.enter(source(1));
        let second = gate.enter(source(1));
        assert!(first.is_some() && second.is_some() && gate.enter(source(1)).is_none());
        let third = gate.enter(source(2));
        assert!(third.is_some() && gate.enter(source(3)).is_none());
        drop(first);
        assert!(gate.enter(source(3)).is_some());
        drop((second, third));
        assert_eq!(gate.in_progress(), 0);
    }

    #[test]
    fn who_finds_no_place_is_remembered() {
        let gate = Gate::new(9, 0);
        assert!(gate.enter(IpAddr::from([192, 0, 2, 1])).is_none());
        assert!(gate.lock().is_empty());
    }

    #[test]
    fn one_customer_counts_as_many_sources() {
        let gate = Gate::new(9, 1);
        let _held = gate.enter("2001:db8::1".parse().unwrap_or(IpAddr::from([0, 0, 0, 0])));
        assert!(gate.enter("2001:db8::2".parse().unwrap_or(IpAddr::from([0, 0, 0, 0]))).is_none());
    }
}
