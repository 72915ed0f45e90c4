//! Messages that only somebody who takes part can make: everything is as it should be but for one thing. Each helper's messages are accepted when that thing is
//! right, too.

use super::rng::Seeded;
use super::{PATTERNS, identity};
use crate::crypto::kem::{DecapsulationKey, EncapsulationKey};
use crate::crypto::{backend, label};
use crate::error::Error;
use crate::handshake::message::{read_e, read_ekem, read_payload, to_sign, write_e, write_ekem, write_payload};
use crate::handshake::pattern::{Pattern, Role};
use crate::handshake::{AnonymousInitiator, AwaitsFinish, Hello, Initiator, Psk, Responder, Suite, begin};
use crate::identity::{Identity, PublicIdentity, SignatureAlgorithm, ToSign};
use crate::symmetric::SymmetricState;
use crate::trust::danger::TrustAnyone;
use crate::wire::{Reader, frame_body, put_frame};
use std::boxed::Box;
use std::vec::Vec;

const SUITE: Suite = Suite::Level3ChaCha;

fn psk(pattern: Pattern) -> Option<Psk> {
    pattern.psk().then(|| Psk::take(&mut [7; 32]))
}

fn start(pattern: Pattern) -> SymmetricState {
    let (mut state, _) = begin(pattern, SUITE, b"forged/1");
    if let Some(psk) = psk(pattern) {
        state.mix_key_and_hash(psk.expose()).unwrap();
    }
    state
}

fn framed(body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    put_frame(&mut frame, body).unwrap();
    frame
}

fn sign(identity: &Identity, to_sign: &ToSign) -> Vec<u8> {
    identity.sign_with_rng(to_sign, &mut Seeded::new(5)).unwrap()
}

/// The same hash under another context.
fn under(context: &'static [u8], to_sign: &ToSign) -> ToSign {
    ToSign { context, ..to_sign.clone() }
}

/// `s` with these bytes, `sig` with what `signer` makes of what is to be signed, an empty payload.
fn prove(
    state: &mut SymmetricState,
    pattern: Pattern,
    role: Role,
    public: &[u8],
    signer: impl FnOnce(&ToSign) -> Vec<u8>,
    body: &mut Vec<u8>,
) {
    state.encrypt_and_hash(public, body).unwrap();
    let signature = signer(&to_sign(state, pattern, role));
    state.encrypt_and_hash(&signature, body).unwrap();
    write_payload(state, b"", body).unwrap();
}

/// An honest initiator reads the message 2 that somebody made up for it.
fn read_by_initiator(pattern: Pattern, me: &Identity, make: impl FnOnce(SymmetricState, EncapsulationKey) -> Vec<u8>) -> Result<(), Error> {
    let forge = |hello: &[u8]| {
        let mut state = start(pattern);
        let mut body = Reader::new(&hello[2 + 6..]);
        let ek = read_e(&mut state, SUITE.kem(), pattern.psk(), &mut body).unwrap();
        read_payload(&mut state, body).unwrap();
        make(state, ek)
    };
    let (rng, psk) = (&mut Seeded::new(1), psk(pattern));
    if pattern.identified() {
        let (awaits, hello) = psk.iter().fold(Initiator::new(me, b"forged/1"), Initiator::psk).send_hello_with_rng(rng).unwrap();
        awaits.read_reply(&forge(&hello)).map(|_| ())
    } else {
        let initiator = AnonymousInitiator::new(b"forged/1");
        let (awaits, hello) = psk.iter().fold(initiator, AnonymousInitiator::psk).send_hello_with_rng(rng).unwrap();
        awaits.read_reply(&forge(&hello)).map(|_| ())
    }
}

/// Makes a message 2 for whoever sent this encapsulation key.
type Reply<'a> = Box<dyn FnOnce(SymmetricState, EncapsulationKey) -> Vec<u8> + 'a>;

/// Message 2 in order but for who proves what.
fn reply<'a>(pattern: Pattern, public: &[u8], signer: impl FnOnce(&ToSign) -> Vec<u8> + 'a) -> Reply<'a> {
    let public = public.to_vec();
    Box::new(move |mut state, ek| {
        let mut body = [0].to_vec();
        state.mix_hash(&body);
        write_ekem(&mut state, &ek, &mut Seeded::new(2), &mut body).unwrap();
        prove(&mut state, pattern, Role::Responder, &public, signer, &mut body);
        framed(&body)
    })
}

/// Somebody who opens, token by token, up to the point where message 3 is to be made.
struct Opened {
    awaits: AwaitsFinish,
    state: SymmetricState,
    pattern: Pattern,
}

impl Opened {
    fn new(pattern: Pattern, responder: &Identity, seed: u64) -> Self {
        let mut state = start(pattern);
        let mut body = pattern.header(SUITE).to_vec();
        let (e, ek) = DecapsulationKey::generate(SUITE.kem(), &mut Seeded::new(seed)).unwrap();
        write_e(&mut state, &ek, pattern.psk(), &mut body).unwrap();
        write_payload(&mut state, b"", &mut body).unwrap();
        let accepts = psk(pattern).iter().fold(Responder::new(responder, b"forged/1"), Responder::psk);
        let (awaits, reply) = accepts.read_hello(&framed(&body)).unwrap().send_reply_with_rng(&mut Seeded::new(3)).unwrap();
        let mut body = Reader::new(frame_body(&reply).unwrap());
        state.mix_hash(body.bytes(1).unwrap());
        read_ekem(&mut state, SUITE.kem(), e, &mut body).unwrap();
        for sealed in [1984 + 16, 3373 + 16, 16] {
            state.decrypt_and_hash(body.bytes(sealed).unwrap()).unwrap();
        }
        Self { awaits, state, pattern }
    }

    /// The honest responder reads this message 3.
    fn finish(mut self, public: &[u8], signer: impl FnOnce(&ToSign) -> Vec<u8>) -> Result<PublicIdentity, Error> {
        let mut body = Vec::new();
        prove(&mut self.state, self.pattern, Role::Initiator, public, signer, &mut body);
        let read = self.awaits.read_finish(&framed(&body))?;
        Ok(read.peer().identity().unwrap().clone())
    }
}

/// Every context of every pattern and role.
fn contexts() -> impl Iterator<Item = &'static [u8]> {
    PATTERNS.into_iter().flat_map(|pattern| [Role::Initiator, Role::Responder].map(|role| pattern.context(role)))
}

#[test]
fn a_signature_of_another_role_or_pattern_is_taken() {
    let (a, b) = (identity(1), identity(2));
    for pattern in PATTERNS {
        for context in contexts().chain([b"".as_slice(), b"twinlock1 ", b"twinlock1 XX responder "]) {
            let forged = reply(pattern, b.public().as_bytes(), |to| sign(&b, &under(context, to)));
            let right = context == pattern.context(Role::Responder);
            let expected = if right { Ok(()) } else { Err(Error::Authentication) };
            assert_eq!(read_by_initiator(pattern, &a, forged), expected, "{pattern:?}, {}", context.escape_ascii());
        }
    }
    for pattern in PATTERNS.into_iter().filter(|pattern| pattern.identified()) {
        for context in contexts() {
            let read = Opened::new(pattern, &b, 4).finish(a.public().as_bytes(), |to| sign(&a, &under(context, to)));
            let right = context == pattern.context(Role::Initiator);
            assert_eq!(read, if right { Ok(a.public()) } else { Err(Error::Authentication) });
        }
    }
}

#[test]
fn a_signature_over_something_else_is_taken() {
    let (a, b) = (identity(1), identity(2));
    type Change = fn(&mut Vec<u8>);
    let changes: [Change; 5] =
        [|hash| hash[0] ^= 1, |hash| hash[31] ^= 0x80, |hash| hash.truncate(31), |hash| hash.push(0), |hash| *hash = std::vec![0; 32]];
    for change in changes {
        let signed = |identity: &Identity, to: &ToSign| {
            let mut to = to.clone();
            change(&mut to.message);
            sign(identity, &to)
        };
        let forged = reply(Pattern::Xx, b.public().as_bytes(), |to| signed(&b, to));
        assert_eq!(read_by_initiator(Pattern::Xx, &a, forged), Err(Error::Authentication));
        let read = Opened::new(Pattern::Xx, &b, 4).finish(a.public().as_bytes(), |to| signed(&a, to));
        assert_eq!(read, Err(Error::Authentication));
    }
}

/// E, with all keys of its own conversation, says to be somebody else.
#[test]
fn somebody_elses_identity_is_proved_by_an_own_signature() {
    let (a, b, e) = (identity(1), identity(2), identity(3));
    let forged = reply(Pattern::Xx, b.public().as_bytes(), |to| sign(&e, to));
    assert_eq!(read_by_initiator(Pattern::Xx, &a, forged), Err(Error::Authentication));
    assert_eq!(Opened::new(Pattern::Xx, &b, 4).finish(a.public().as_bytes(), |to| sign(&e, to)), Err(Error::Authentication));
    // And an own identity by somebody else's signature: what B signed for A is not E's.
    let forged = reply(Pattern::Xx, e.public().as_bytes(), |to| sign(&b, to));
    assert_eq!(read_by_initiator(Pattern::Xx, &a, forged), Err(Error::Authentication));
}

/// One half from the one, the other half from the other: two locks, both needed, of one key.
#[test]
fn half_of_a_signature_or_of_a_key_is_enough() {
    let (a, b, e) = (identity(1), identity(2), identity(3));
    let halves = |one: &[u8], other: &[u8], at: usize| [&one[..at], &other[at..]].concat();
    for (one, other) in [(&b, &e), (&e, &b)] {
        let forged = reply(Pattern::Xx, b.public().as_bytes(), |to| halves(&sign(one, to), &sign(other, to), 3309));
        assert_eq!(read_by_initiator(Pattern::Xx, &a, forged), Err(Error::Authentication));
        let key = halves(one.public().as_bytes(), other.public().as_bytes(), 1952);
        for signer in [one, other] {
            let forged = reply(Pattern::Xx, &key, |to| sign(signer, to));
            assert_eq!(read_by_initiator(Pattern::Xx, &a, forged), Err(Error::Authentication));
        }
    }
    for half in [0..3309, 3309..3373] {
        let forged = reply(Pattern::Xx, b.public().as_bytes(), |to| {
            let mut signature = sign(&b, to);
            signature[half].fill(0);
            signature
        });
        assert_eq!(read_by_initiator(Pattern::Xx, &a, forged), Err(Error::Authentication));
    }
}

/// A talks to E, who takes A's proof out of that conversation and into its own with B.
#[test]
fn a_proof_of_one_conversation_serves_in_another() {
    let (a, b, e) = (identity(1), identity(2), identity(3));
    let with_e = Opened::new(Pattern::Xx, &e, 4);
    let mut stolen = Vec::new();
    let proved = with_e.finish(a.public().as_bytes(), |to| {
        stolen = sign(&a, to);
        stolen.clone()
    });
    assert_eq!(proved, Ok(a.public()));
    // The same ephemeral key or another: B's part is in the transcript.
    for seed in [4, 5] {
        assert_eq!(Opened::new(Pattern::Xx, &b, seed).finish(a.public().as_bytes(), |_| stolen.clone()), Err(Error::Authentication));
    }
}

/// Fails as its tag would: nothing tells a key that is no point from a signature that is wrong.
#[test]
fn an_identity_key_that_is_none_shows_in_the_error() {
    let (a, b) = (identity(1), identity(2));
    let with_point = |point: [u8; 32]| [&b.public().as_bytes()[..1952], &point].concat();
    let mut identity_point = [0; 32];
    identity_point[0] = 1;
    let mut not_canonical = [0xFF; 32];
    not_canonical[0] = 0xEE;
    not_canonical[31] = 0x7F;
    for point in [[0; 32], identity_point, not_canonical, [0xFF; 32], [2; 32]] {
        let forged = reply(Pattern::Nx, &with_point(point), |to| sign(&b, to));
        assert_eq!(read_by_initiator(Pattern::Nx, &a, forged), Err(Error::Authentication));
        let read = Opened::new(Pattern::Xx, &b, 4).finish(&with_point(point), |to| sign(&b, to));
        assert_eq!(read, Err(Error::Authentication));
    }
}

/// A key of one kind is not as long as one of another, and says which it is.
#[test]
fn a_key_of_one_kind_is_taken_for_another() {
    let (_, ek) = DecapsulationKey::generate(SUITE.kem(), &mut Seeded::new(1)).unwrap();
    let (ct, _) = ek.encapsulate(&mut Seeded::new(2)).unwrap();
    let (public, signature) = (identity(1).public(), sign(&identity(1), &ToSign { context: b"", message: [0; 32].to_vec() }));
    let kinds = [ek.as_bytes(), ct.as_bytes(), public.as_bytes(), &signature];
    for (index, bytes) in kinds.into_iter().enumerate() {
        assert_eq!(EncapsulationKey::from_bytes(SUITE.kem(), bytes).is_ok(), index == 0);
        assert_eq!(PublicIdentity::from_bytes(SignatureAlgorithm::MlDsa65Ed25519, bytes).is_ok(), index == 2);
    }
}

/// Points whose X25519 result is zero whatever the scalar: the small-order points of the curve and its twist, each also with the bit that is masked.
fn low_order_points() -> Vec<[u8; 32]> {
    let order_8 = [
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c,
            0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
        ],
        [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58,
            0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
        ],
    ];
    // 0, 1, p - 1, p, p + 1.
    let small = [0, 1].map(|byte| {
        let mut point = [0; 32];
        point[0] = byte;
        point
    });
    let near_p = [0xEC, 0xED, 0xEE].map(|byte| {
        let mut point = [0xFF; 32];
        (point[0], point[31]) = (byte, 0x7F);
        point
    });
    let masked = |mut point: [u8; 32]| {
        point[31] |= 0x80;
        point
    };
    let points: Vec<_> = order_8.into_iter().chain(small).chain(near_p).collect();
    points.iter().copied().chain(points.iter().copied().map(masked)).collect()
}

/// Message 2 with this X25519 half, and keys as if it were good: every tag would verify.
fn reply_with_ct_x(
    pattern: Pattern,
    b: &Identity,
    ct_x: [u8; 32],
    ss_x: [u8; 32],
) -> impl FnOnce(SymmetricState, EncapsulationKey) -> Vec<u8> {
    move |mut state, ek| {
        let (ek_m, pk_x) = ek.as_bytes().split_first_chunk::<1184>().unwrap();
        let (mut ct_m, mut ss_m, mut ss) = ([0; 1088], [0; 32], [0; 32]);
        backend::mlkem768_encapsulate(ek_m, &[9; 32], &mut ct_m, &mut ss_m);
        backend::sha3_256(&[&ss_m, &ss_x, &ct_x, pk_x, label::XWING], &mut ss);
        let ct = [ct_m.as_slice(), &ct_x].concat();
        let mut body = [&[0], ct.as_slice()].concat();
        state.mix_hash(&[0]);
        state.mix_hash(&ct);
        state.mix_key(&ss).unwrap();
        prove(&mut state, pattern, Role::Responder, b.public().as_bytes(), |to| sign(b, to), &mut body);
        framed(&body)
    }
}

#[test]
fn an_all_zero_result_is_taken_where_every_tag_agrees() {
    let (a, b) = (identity(1), identity(2));
    for pattern in PATTERNS {
        for point in low_order_points() {
            let forged = reply_with_ct_x(pattern, &b, point, [0; 32]);
            assert_eq!(read_by_initiator(pattern, &a, forged), Err(Error::Authentication));
        }
    }
    // The same message around a good half is accepted, so that the point alone made the difference.
    let good = |state: SymmetricState, ek: EncapsulationKey| {
        let pk_x: [u8; 32] = *ek.as_bytes().last_chunk().unwrap();
        let mut ss_x = [0; 32];
        assert!(bool::from(backend::x25519(&[5; 32], &pk_x, &mut ss_x)));
        reply_with_ct_x(Pattern::Xx, &b, backend::x25519_public(&[5; 32]), ss_x)(state, ek)
    };
    assert_eq!(read_by_initiator(Pattern::Xx, &a, good), Ok(()));
}

/// Message 1 with this encapsulation key, made by somebody who has the psk.
fn hello_with(pattern: Pattern, ek: &[u8]) -> Vec<u8> {
    let mut state = start(pattern);
    let mut body = [pattern.header(SUITE).as_slice(), ek].concat();
    state.mix_hash(ek);
    if pattern.psk() {
        state.mix_key(ek).unwrap();
    }
    write_payload(&mut state, b"", &mut body).unwrap();
    framed(&body)
}

fn answer(pattern: Pattern, b: &Identity, hello: &[u8]) -> Result<Vec<u8>, (Error, Vec<u8>)> {
    let responder = psk(pattern).iter().fold(Responder::new(b, b"forged/1"), Responder::psk);
    let failed = |rejected: crate::handshake::Rejected| (rejected.error(), rejected.answer().to_vec());
    match responder.read_any_hello(hello).map_err(failed)? {
        Hello::Identified(hello) => {
            hello.send_reply_with_rng(&mut Seeded::new(2)).map(|(_, reply)| reply).map_err(|error| (error, Vec::new()))
        }
        Hello::Anonymous(hello) => hello.send_reply_with_rng(&mut TrustAnyone, &mut Seeded::new(2)).map(|(_, reply)| reply).map_err(failed),
    }
}

#[test]
fn a_low_order_key_is_encapsulated_to() {
    let b = identity(2);
    let (_, ek) = DecapsulationKey::generate(SUITE.kem(), &mut Seeded::new(1)).unwrap();
    for pattern in PATTERNS {
        assert_eq!(answer(pattern, &b, &hello_with(pattern, ek.as_bytes())).unwrap().len(), 6528);
        for point in low_order_points() {
            let low = [&ek.as_bytes()[..1184], &point].concat();
            assert_eq!(answer(pattern, &b, &hello_with(pattern, &low)), Err((Error::Authentication, Vec::new())));
        }
    }
}

/// FIPS 203, section 7.2: every coefficient decodes below 3329, wherever it stands.
#[test]
fn a_coefficient_out_of_range_is_encapsulated_to() {
    let b = identity(2);
    let (_, ek) = DecapsulationKey::generate(SUITE.kem(), &mut Seeded::new(1)).unwrap();
    for pattern in PATTERNS {
        for coefficient in [0, 1, 2, 255, 256, 511, 512, 766, 767] {
            for value in [3329u16, 3330, 4095] {
                let mut bad = ek.as_bytes().to_vec();
                let [low, high] = value.to_le_bytes();
                let at = coefficient / 2 * 3;
                if coefficient % 2 == 0 {
                    (bad[at], bad[at + 1]) = (low, bad[at + 1] & 0xF0 | high);
                } else {
                    (bad[at + 1], bad[at + 2]) = (bad[at + 1] & 0x0F | low << 4, high << 4 | low >> 4);
                }
                assert_eq!(answer(pattern, &b, &hello_with(pattern, &bad)), Err((Error::Malformed, Vec::new())), "{coefficient}");
            }
        }
    }
}
