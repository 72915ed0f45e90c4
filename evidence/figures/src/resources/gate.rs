//! A gate of a few places, and more strangers than that, who say a good first message and wait.

use super::stranger::Stranger;
use crate::counting::now;
use crate::report::{bytes, figure, value};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Barrier;
use std::thread;
use twinlock::handshake::Initiator;
use twinlock::io::{Accept, Gate};
use twinlock::{Identity, Pinned, Suite};

const PLACES: usize = 4;
const STRANGERS: usize = 12;

fn source(number: usize) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, u8::try_from(number).unwrap()).into()
}

pub(crate) fn all() {
    let me = Identity::generate().unwrap();
    let hello = Initiator::new(&me, b"gate").suite(Suite::default()).send_hello().unwrap().1;
    let gate = Gate::new(PLACES, PLACES);
    let accept = Accept::new(&me, b"gate").gate(&gate);
    // The first: all places are taken. The second: they are to be left.
    let (taken, left) = (Barrier::new(PLACES + 1), Barrier::new(PLACES + 1));
    let inside = |number: usize| {
        let wait = |_: &[u8]| {
            taken.wait();
            left.wait();
            Vec::new()
        };
        let mut stranger = Stranger::new(&hello, Some(Box::new(wait)));
        let before = now();
        assert!(accept.accept_from(&mut stranger, source(number), &mut Pinned(me.fingerprint())).is_err());
        (stranger.held.unwrap() - before, stranger.heard.len())
    };
    let (busy, in_progress, held) = thread::scope(|scope| {
        let waiting: Vec<_> = (0..PLACES).map(|number| scope.spawn(move || inside(number))).collect();
        taken.wait();
        let busy = (PLACES..STRANGERS).filter(|number| is_refused(&accept, &hello, *number)).count();
        let in_progress = gate.in_progress();
        left.wait();
        (busy, in_progress, waiting.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>())
    });
    assert!(held.iter().all(|(_, heard)| *heard > 1000), "who has a place gets message 2");
    figure("resources.gate.places", bytes(in_progress), &format!("of {STRANGERS} strangers at once, {busy} were told that it is busy"));
    value("resources.gate.busy", bytes(busy));
    value("resources.gate.memory", bytes(held.iter().map(|(held, _)| usize::try_from(*held).unwrap()).sum()));
    value("resources.gate.after", bytes(gate.in_progress()));
}

/// Whether this source was answered with status 4, busy, and nothing else.
fn is_refused(accept: &Accept, hello: &[u8], number: usize) -> bool {
    let mut stranger = Stranger::new(hello, None);
    assert!(accept.accept_from(&mut stranger, source(number), &mut twinlock::trust::danger::TrustAnyone).is_err());
    stranger.heard == [0, 1, 4]
}
