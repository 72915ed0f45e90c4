//! tests/vectors/round3.json: what the reference made with coins that nothing here takes. Read here: keys, ciphertexts, signatures, and the initiator's side of
//! handshakes whose ephemeral key is given.

use super::json::{array, bytes, list, load, maybe, ran, text};
use super::rng::{Coins, Seeded};
use crate::channel::Channel;
use crate::crypto::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, Kem, round3_key};
use crate::crypto::signature::{Signature, SignatureAlgorithm, SigningKey, VerifyingKey};
use crate::error::Error;
use crate::handshake::message::{read_ekem, read_payload, read_s, read_sig, to_sign, write_e, write_payload, write_s, write_sig};
use crate::handshake::pattern::Role;
use crate::handshake::{Pattern, Suite, begin};
use crate::identity::{Identity, Peer, Trusted};
use crate::wire::{Reader, frame_body, put_frame};
use serde_json::Value;
use std::vec::Vec;

const KEM: Kem = Kem::X25519Kyber768R3;
const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::Dilithium3Ed25519;

fn named<'a>(cases: &'a Value, name: &Value) -> &'a Value {
    list(cases).iter().find(|case| case["name"] == *name).unwrap()
}

fn key(secret: &[u8], ek: &[u8]) -> DecapsulationKey {
    round3_key(secret[..2400].try_into().unwrap(), secret[2400..].try_into().unwrap(), ek)
}

/// The field of the case that is named, changed as it says.
fn changed(cases: &Value, change: &Value) -> Vec<u8> {
    let mut field = bytes(&named(cases, &change["case"])[text(&change["field"])]);
    let (offset, replace) = (change["offset"].as_u64().unwrap() as usize, bytes(&change["replace"]));
    assert_ne!(field[offset..offset + replace.len()], replace);
    field[offset..offset + replace.len()].copy_from_slice(&replace);
    field
}

#[test]
fn a_ciphertext_opens_to_another_secret_than_in_the_reference() {
    let file = load("round3.json");
    for case in list(&file["kem"]) {
        let (ek, ct) = (bytes(&case["ek"]), Ciphertext::from_bytes(KEM, &bytes(&case["ct"])).unwrap());
        let key = key(&bytes(&case["secret"]), &ek);
        assert_eq!(key.decapsulate(&ct).unwrap().expose(), &array(&case["ss"]));
        // And what is made here, the reference's key opens.
        let (ct, ss) = EncapsulationKey::from_bytes(KEM, &ek).unwrap().encapsulate(&mut Seeded::new(1)).unwrap();
        assert_eq!(key.decapsulate(&ct).unwrap().expose(), ss.expose());
    }
    for case in list(&file["kem_rejected"]) {
        let of = named(&file["kem"], &case["case"]);
        let ct = Ciphertext::from_bytes(KEM, &changed(&file["kem"], case)).unwrap();
        let ss = key(&bytes(&of["secret"]), &bytes(&of["ek"])).decapsulate(&ct).unwrap();
        assert_eq!(ss.expose(), &array(&case["ss"]), "{}", case["name"]);
        assert_ne!(ss.expose(), &array(&of["ss"]));
    }
    for case in list(&file["kem_failing"]) {
        let (of, changed) = (named(&file["kem"], &case["case"]), changed(&file["kem"], case));
        match text(&case["fails_at"]) {
            "check" => assert_eq!(EncapsulationKey::from_bytes(KEM, &changed).err(), Some(Error::Malformed)),
            "encapsulation" => {
                let made = EncapsulationKey::from_bytes(KEM, &changed).unwrap().encapsulate(&mut Seeded::new(1));
                assert_eq!(made.err(), Some(Error::Authentication));
            }
            "decapsulation" => {
                let opened = key(&bytes(&of["secret"]), &bytes(&of["ek"])).decapsulate(&Ciphertext::from_bytes(KEM, &changed).unwrap());
                assert_eq!(opened.err(), Some(Error::Authentication));
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(["kem", "kem_rejected", "kem_failing"].map(|name| list(&file[name]).len()), [2, 3, 5]);
    ran("round3.json", [("kem", 2), ("kem_rejected", 3), ("kem_failing", 5)]);
}

/// Dilithium and Ed25519 draw nothing, so that the same bytes come out.
#[test]
fn a_signature_differs_from_the_reference() {
    let file = load("round3.json");
    let verify = |[pk, ctx, message, signature]: &[Vec<u8>; 4]| {
        VerifyingKey::from_bytes(ALGORITHM, pk)?.verify(ctx, message, &Signature::from_bytes(ALGORITHM, signature)?)
    };
    let fields = ["pk", "ctx", "message", "signature"];
    for case in list(&file["signatures"]) {
        let identity = named(&file["identities"], &case["identity"]);
        let key = SigningKey::from_secret_bytes(ALGORITHM, &bytes(&identity["secret"])).unwrap();
        let [pk, ctx, message, signature] = fields.map(|field| bytes(&case[field]));
        assert_eq!(key.public().as_bytes(), pk);
        assert!(key.sign(&ctx, &message, &mut Seeded::new(1)).unwrap().as_bytes() == signature, "{}", case["name"]);
        assert_eq!(verify(&[pk, ctx, message, signature]), Ok(()));
    }
    for change in list(&file["signatures_rejected"]) {
        let mut of = fields.map(|field| bytes(&named(&file["signatures"], &change["case"])[field]));
        let index = fields.iter().position(|field| change["field"] == *field).unwrap();
        of[index] = changed(&file["signatures"], change);
        assert!(matches!(verify(&of), Err(Error::Authentication | Error::InvalidKey)), "{}", change["name"]);
    }
    for change in list(&file["secret_refused"]) {
        let secret = changed(&file["identities"], change);
        assert_eq!(SigningKey::from_secret_bytes(ALGORITHM, &secret).err(), Some(Error::InvalidKey), "{}", change["name"]);
    }
    assert_eq!(["signatures", "signatures_rejected", "secret_refused"].map(|name| list(&file[name]).len()), [3, 11, 5]);
    ran("round3.json", [("signatures", 3), ("signatures_rejected", 11), ("secret_refused", 5)]);
}

#[test]
fn an_initiator_says_something_else_than_in_the_reference() {
    let file = load("round3.json");
    for case in list(&file["handshakes"]) {
        let pattern = Pattern::from_id(case["pattern_id"].as_u64().unwrap() as u8).unwrap();
        let messages: Vec<_> = list(&case["messages"]).iter().map(bytes).collect();
        let payloads: Vec<_> = list(&case["payloads"]).iter().map(bytes).collect();
        let identity = |secret: Vec<u8>| Identity::from_secret_bytes(ALGORITHM, &secret).unwrap();
        let (me, responder) = (maybe(&case["initiator_seed"]).map(identity), identity(bytes(&case["responder_seed"])));

        let hello = frame_body(&messages[0]).unwrap();
        let ek = EncapsulationKey::from_bytes(KEM, &hello[6..6 + 1216]).unwrap();
        let (mut state, header) = begin(pattern, Suite::Round3, &bytes(&case["prologue"]));
        if !case["psk"].is_null() {
            state.mix_key_and_hash(&bytes(&case["psk"])).unwrap();
        }
        let mut body = header.to_vec();
        write_e(&mut state, &ek, pattern.psk(), &mut body).unwrap();
        write_payload(&mut state, &payloads[0], &mut body).unwrap();
        assert_eq!(body, hello);

        let mut reply = Reader::new(frame_body(&messages[1]).unwrap());
        state.mix_hash(reply.bytes(1).unwrap());
        read_ekem(&mut state, KEM, key(&bytes(&case["ephemeral_secret"]), ek.as_bytes()), &mut reply).unwrap();
        let peer = read_s(&mut state, ALGORITHM, &mut reply).unwrap();
        assert_eq!(peer, responder.public());
        read_sig(&mut state, pattern, Role::Responder, &peer, &mut reply).unwrap();
        assert_eq!(read_payload(&mut state, reply).unwrap(), payloads[1]);

        assert_eq!((me.is_some(), messages.len()), (pattern.identified(), if pattern.identified() { 3 } else { 2 }));
        if let Some(me) = me {
            let mut finish = Vec::new();
            write_s(&mut state, &me.public(), &mut finish).unwrap();
            let signature = me.sign(&to_sign(&state, pattern, Role::Initiator), &mut Coins::new([])).unwrap();
            write_sig(&mut state, &signature, &mut finish).unwrap();
            write_payload(&mut state, &payloads[2], &mut finish).unwrap();
            let mut frame = Vec::new();
            put_frame(&mut frame, &finish).unwrap();
            assert!(frame == messages[2], "{}", case["name"]);
        }

        let secrets = state.into_secrets().unwrap();
        assert_eq!(secrets.handshake_hash, bytes(&case["handshake_hash"]));
        let found = [&secrets.i2r, &secrets.r2i, &secrets.exporter, &secrets.resume].map(|secret| secret.first(32).to_vec());
        assert_eq!(found, ["i2r", "r2i", "exporter", "resumption"].map(|field| bytes(&case[field])));
        let channel = Channel::new(secrets, true, Suite::Round3, Peer::new(Some(peer), Suite::Round3), Trusted::Anyone).unwrap();
        for export in list(&case["exports"]) {
            let mut value = std::vec![0; export["n"].as_u64().unwrap() as usize];
            let label = bytes(&export["label"]);
            channel.conversation().export(core::str::from_utf8(&label).unwrap(), &bytes(&export["context"]), &mut value).unwrap();
            assert_eq!(value, bytes(&export["value"]));
        }
    }
    assert_eq!(list(&file["handshakes"]).len(), 2);
    ran("round3.json", [("handshakes", 2)]);
}
