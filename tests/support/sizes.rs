//! The sizes of each suite (docs/protocol.md, sections 2 and 6.2), as numbers: what the library computes is held against them.
#![allow(clippy::panic)]

use twinlock::Suite;
use twinlock::handshake::Pattern;

/// Two halves are the post-quantum one and the classical one.
pub(crate) struct Sizes {
    pub(crate) encapsulation_key: [usize; 2],
    pub(crate) ciphertext: [usize; 2],
    pub(crate) public_key: [usize; 2],
    pub(crate) signature: [usize; 2],
    pub(crate) hash: usize,
    /// The bodies of messages 1 to 3 with an empty payload, without a psk.
    pub(crate) bodies: [usize; 3],
    /// What a new identity draws from its generator, in how many draws.
    pub(crate) draws_for_identity: usize,
}

const LEVEL_3: Sizes = Sizes {
    encapsulation_key: [1184, 32],
    ciphertext: [1088, 32],
    public_key: [1952, 32],
    signature: [3309, 64],
    hash: 32,
    bodies: [1222, 6526, 5405],
    draws_for_identity: 1,
};

const LEVEL_5: Sizes = Sizes {
    encapsulation_key: [1568, 97],
    ciphertext: [1568, 97],
    public_key: [2592, 97],
    signature: [4627, 104],
    hash: 64,
    bodies: [1671, 9134, 7468],
    draws_for_identity: 2,
};

const ROUND_3: Sizes = Sizes { signature: [3293, 64], bodies: [1222, 6510, 5389], ..LEVEL_3 };

impl Sizes {
    pub(crate) fn of(suite: Suite) -> &'static Self {
        match suite.id() {
            0x0001 | 0x0003 => &LEVEL_3,
            0x0002 => &LEVEL_5,
            0x7E03 => &ROUND_3,
            id => panic!("the table has no {id:#06x}"),
        }
    }

    /// The body of a message, 0 to 2, with an empty payload.
    pub(crate) fn body(&self, pattern: Pattern, message: usize) -> usize {
        self.bodies[message] + if pattern.psk() && message == 0 { 16 } else { 0 }
    }

    /// Where the fields of a message begin, in its frame, with the halves of those that have two; the last is the payload.
    pub(crate) fn borders(&self, message: usize) -> Vec<usize> {
        const TAG: usize = 16;
        let identity = [self.public_key[0], self.public_key[1], TAG, self.signature[0], self.signature[1], TAG];
        let fields = match message {
            0 => [&[2, 2, 1, 1, 2], self.encapsulation_key.as_slice()].concat(),
            1 => [&[2, 1], self.ciphertext.as_slice(), &identity].concat(),
            _ => [&[2], identity.as_slice()].concat(),
        };
        let begin = |at: &mut usize, field: usize| {
            *at += field;
            Some(*at)
        };
        [0].into_iter().chain(fields.into_iter().scan(0, begin)).collect()
    }
}
