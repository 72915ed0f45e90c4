//! Signatures from elsewhere (docs/protocol.md, sections 3.2, 3.5 and 6.4): the signer's own is taken and nothing else.
//!
//! Besides changed bytes: halves of another signature, of another message, of another signer; S + L in Ed25519; zeros and other encodings in ECDSA's DER.

use crate::input::Input;
use crate::people::identities;
use crate::rng::Seeded;
use twinlock::Identity;
use twinlock::identity::{StatementSigned, StatementToSign, ToSign};

/// The order of Ed25519's base point, little-endian.
const L: [u8; 32] = [
    0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0x10,
];

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let people = identities();
    let (kind, old, new) = (input.byte() % 3, &people[input.below(8)], &people[input.below(8)]);
    let same_kind = old.public().algorithm() == new.public().algorithm();
    let draft = match kind {
        0 => StatementToSign::beside(&old.public(), &new.public(), 1),
        1 => StatementToSign::instead(&old.public(), &new.public(), 1),
        _ => StatementToSign::revoked(&old.public(), 1),
    };
    let possible = kind == 2 || old.public() != new.public() && !(kind == 0 && same_kind);
    assert_eq!(draft.is_ok(), possible);
    let Ok(draft) = draft else { return };
    match put(draft, old, &mut input) {
        Some(StatementSigned::Half(draft)) => match put(draft, new, &mut input) {
            Some(StatementSigned::Whole(statement)) => assert_eq!(statement.new(), Some(&new.public())),
            Some(StatementSigned::Half(_)) => panic!("a third signature"),
            None => {}
        },
        Some(StatementSigned::Whole(statement)) => assert!(kind == 2 && statement.new().is_none()),
        None => {}
    }
}

fn put(draft: StatementToSign, signer: &Identity, input: &mut Input) -> Option<StatementSigned> {
    assert_eq!(draft.signer(), &signer.public());
    let rng = &mut Seeded::new(8);
    let honest = signer.sign_with_rng(draft.to_sign(), rng).expect("a good generator");
    let signature = changed(&honest, draft.to_sign(), signer, input);
    let other_valid = signature.is_none();
    let signature = signature.unwrap_or_else(|| signer.sign_with_rng(draft.to_sign(), rng).expect("a good generator"));
    assert!(!other_valid || signature != honest, "the same twice: not hedged");
    let signed = draft.signed(&signature);
    assert_eq!(signed.is_ok(), signature == honest || other_valid, "whether a signature is the signer's own");
    signed.ok()
}

/// Another one; none for a second good one.
fn changed(honest: &[u8], to_sign: &ToSign, signer: &Identity, input: &mut Input) -> Option<Vec<u8>> {
    let classical = if signer.public().algorithm().id() == 1 { 64 } else { 104 };
    let (lattice, rest) = honest.split_at(honest.len() - classical);
    Some(match input.byte() % 8 {
        0 => return None,
        1 if classical == 64 => [lattice, &plus_order(rest)].concat(),
        1 => [lattice, &der(input)].concat(),
        2 => {
            // Halves of another signer's over the same.
            let of_kind =
                |one: &&Identity| one.public().algorithm() == signer.public().algorithm() && one.fingerprint() != signer.fingerprint();
            let other = identities().iter().find(of_kind).expect("four of each");
            let other = other.sign_with_rng(to_sign, &mut Seeded::new(8)).expect("a good generator");
            let (other_lattice, other_rest) = other.split_at(lattice.len());
            if input.flag() { [lattice, other_rest].concat() } else { [other_lattice, rest].concat() }
        }
        3 => rest.iter().chain(lattice).copied().collect(),
        4 => honest.to_vec(),
        5 => [&honest[..honest.len() - 1], input.bytes(1)].concat(),
        _ => {
            let mut changed = honest.to_vec();
            input.change(&mut changed, &[0, 48, lattice.len() - 61, lattice.len(), lattice.len() + 4, honest.len() - 32, honest.len()]);
            changed
        }
    })
}

/// S + L is as good by the equation alone.
fn plus_order(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(32);
    let add = |carry: &mut u16, (s, l): (&u8, &u8)| {
        let sum = u16::from(*s) + u16::from(*l) + *carry;
        *carry = sum >> 8;
        Some(sum as u8)
    };
    r.iter().copied().chain(s.iter().zip(&L).scan(0, add)).collect()
}

/// DER of any two short numbers, in 104 bytes.
fn der(input: &mut Input) -> Vec<u8> {
    let [r, s] = [input.bytes(1).to_vec(), input.bytes(1).to_vec()];
    let body = [&[2, r.len() as u8], r.as_slice(), &[2, s.len() as u8], s.as_slice()].concat();
    let mut der = [&[0x30, body.len() as u8], body.as_slice()].concat();
    der.resize(104, if input.byte() == 1 { 1 } else { 0 });
    der
}
