//! The smallest stack on which a thread can do a responder's handshake: found by trying, each in a process of its own, since who runs out of stack takes the
//! process along.

use super::stranger::Stranger;
use std::process::{Command, Stdio};
use twinlock::handshake::Initiator;
use twinlock::io::Accept;
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Identity, Suite};

const STEP: usize = 16;
const MOST: usize = 4096;

/// In KiB, enough for each of the default suites, or for level 5.
pub(crate) fn smallest(level5: bool) -> u32 {
    let (mut too_small, mut enough) = (0, MOST / STEP);
    assert!(passes(MOST, level5), "a handshake needs more than {MOST} KiB of stack");
    while enough - too_small > 1 {
        let middle = usize::midpoint(too_small, enough);
        if passes(middle * STEP, level5) { enough = middle } else { too_small = middle }
    }
    u32::try_from(enough * STEP).unwrap()
}

fn passes(kib: usize, level5: bool) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["stack", if level5 { "level5" } else { "default" }, &kib.to_string()]);
    command.stderr(Stdio::null()).status().unwrap().success()
}

/// In the process of its own: some handshakes, of which a signature may take several attempts.
pub(crate) fn one(level5: bool, kib: usize) {
    for suite in Suite::ALL.iter().copied().filter(|suite| !suite.must_be_named() && (suite.id() == 2) == level5) {
        let [a, b] = [(); 2].map(|()| Identity::generate_for(suite.signature()).unwrap());
        for _ in 0..8 {
            let (waiting, hello) = Initiator::new(&a, b"").suite(suite).send_hello().unwrap();
            let finish = move |reply: &[u8]| {
                // On a stack of its own, so that the initiator's need does not count.
                let big = std::thread::Builder::new().stack_size(8 << 20);
                let reply = reply.to_vec();
                let step = move || waiting.read_reply(&reply).unwrap().send_finish(&mut TrustAnyone).unwrap().1;
                big.spawn(step).unwrap().join().unwrap()
            };
            let mut stranger = Stranger::new(&hello, Some(Box::new(finish)));
            let accept = Accept::new(&b, b"").suites(&[suite]);
            std::thread::scope(|scope| {
                let responder = std::thread::Builder::new().stack_size(kib << 10);
                let run = || accept.accept(&mut stranger, &mut TrustAnyone).map(drop).unwrap();
                responder.spawn_scoped(scope, run).unwrap().join().unwrap();
            });
        }
    }
}
