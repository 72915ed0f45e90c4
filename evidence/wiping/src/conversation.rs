//! The conversation whose memory is looked at. It stands still at each [`Stop`], and keeps no copy of a secret itself: coins go from registers to where the library
//! wants them, and what the library hands out is wiped here as its documentation asks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a check that cannot go on stops")]

use crate::coins::Coins;
use crate::known::Stop;
use std::path::Path;
use twinlock::channel::{Conversation, Opener, PeerOffer, Record, Sealer};
use twinlock::handshake::{Initiator, Psk, Responder};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Channel, Identity, Suite, keyfile};
use zeroize::Zeroizing;

/// Both ends of the channel.
struct Ends {
    alice: (Sealer, Opener),
    bob: (Sealer, Opener),
    conversations: [Conversation; 2],
    frame: Vec<u8>,
}

/// Everything from new identities to the last rekey; `stop` is told the handshake hash once there is one.
/// Never part of its caller's own frame.
#[inline(never)]
pub(crate) fn run(suite: Suite, seed: u64, folder: &Path, stop: &mut impl FnMut(Stop, &[u8])) {
    let mut coins = Coins::new(seed);
    let [alice, bob] = [(); 2].map(|()| Identity::generate_with_rng(suite.signature(), &mut coins).unwrap());
    let alice = through_files(alice, &mut coins, folder);
    let psk = Psk::generate_with_rng(&mut coins).unwrap();
    stop(Stop::Identities, &[]);
    let mut ends = meet(suite, alice, bob, psk, &mut coins, stop);
    let hash = ends.conversations[0].handshake_hash().to_vec();
    let mut exported = Zeroizing::new(vec![0; 32]);
    ends.conversations[0].export("wiping", b"", &mut exported).unwrap();
    drop(exported);
    ends.speak();
    stop(Stop::Channel, &hash);
    ends.update();
    stop(Stop::Updated, &hash);
    ends.rekey(&mut coins, &mut |place| stop(place, &hash));
    ends.speak();
    stop(Stop::Rekeyed, &hash);
}

/// An identity that was in two files, encrypted and not.
fn through_files(identity: Identity, coins: &mut Coins, folder: &Path) -> Identity {
    let passphrase = passphrase(coins);
    let pem = keyfile::to_encrypted_pem_with_rng(&identity, &passphrase, coins).unwrap();
    let again = keyfile::from_pem(&pem, Some(&passphrase)).unwrap();
    let path = folder.join("alice.key");
    let _ = std::fs::remove_file(&path);
    keyfile::save(&path, &again, None).unwrap();
    keyfile::load(&path, None).unwrap()
}

/// 32 letters from 16 bytes, written where they stay.
pub(crate) fn passphrase(coins: &mut Coins) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 16]);
    coins.fill(bytes.as_mut());
    let mut text = Zeroizing::new(String::with_capacity(32));
    for byte in bytes.iter() {
        text.push((b'a' + (byte >> 4)).into());
        text.push((b'a' + (byte & 15)).into());
    }
    text
}

/// `XXpsk0`.
fn meet(suite: Suite, alice: Identity, bob: Identity, psk: Psk, coins: &mut Coins, stop: &mut impl FnMut(Stop, &[u8])) -> Ends {
    let (initiator, hello) = Initiator::new(&alice, b"wiping").suite(suite).psk(&psk).send_hello_with_rng(coins).unwrap();
    stop(Stop::Hello, &[]);
    let responder = Responder::new(&bob, b"wiping").suites(&[suite]).psk(&psk);
    drop(psk);
    let (responder, reply) = responder.read_hello(&hello).unwrap().send_reply_with_rng(coins).unwrap();
    stop(Stop::Reply, &[]);
    let (a, finish) = initiator.read_reply(&reply).unwrap().send_finish_with_rng(&mut TrustAnyone, coins).unwrap();
    let b = responder.read_finish(&finish).unwrap().into_channel(&mut TrustAnyone).unwrap();
    drop((alice, bob));
    Ends::new(a, b)
}

impl Ends {
    fn new(alice: Channel, bob: Channel) -> Self {
        let ((a, b, one), (c, d, other)) = (alice.into_halves(), bob.into_halves());
        Self { alice: (a, b), bob: (c, d), conversations: [one, other], frame: Vec::new() }
    }

    /// A message each way.
    fn speak(&mut self) {
        for (from, to) in [(&mut self.alice.0, &mut self.bob.1), (&mut self.bob.0, &mut self.alice.1)] {
            from.message(b"a message", &mut self.frame).unwrap();
            assert_eq!(to.open(&mut self.frame).unwrap(), Record::End(b"a message"));
            self.frame.clear();
        }
    }

    fn update(&mut self) {
        for (from, to) in [(&mut self.alice.0, &mut self.bob.1), (&mut self.bob.0, &mut self.alice.1)] {
            from.key_update(&mut self.frame).unwrap();
            assert_eq!(to.open(&mut self.frame).unwrap(), Record::KeyUpdate);
            self.frame.clear();
        }
    }

    fn rekey(&mut self, coins: &mut Coins, stop: &mut impl FnMut(Stop)) {
        // Bob offers to renew what Alice sends, Alice what Bob sends.
        let offers = [&mut self.bob.1, &mut self.alice.1].map(|opener| opener.make_offer(coins).unwrap().unwrap());
        stop(Stop::Offered);
        let [to_alice, to_bob] = offers;
        self.bob.0.send_offer(to_alice);
        self.alice.0.send_offer(to_bob);
        let to_alice = offer(&mut self.bob.0, &mut self.alice.1, &mut self.frame);
        let to_bob = offer(&mut self.alice.0, &mut self.bob.1, &mut self.frame);
        self.alice.0.answer_offer(to_alice, coins).unwrap();
        self.bob.0.answer_offer(to_bob, coins).unwrap();
        stop(Stop::Answered);
        for (from, to) in [(&mut self.alice.0, &mut self.bob.1), (&mut self.bob.0, &mut self.alice.1)] {
            from.control(&mut self.frame).unwrap();
            assert_eq!(to.open(&mut self.frame).unwrap(), Record::Rekey);
            self.frame.clear();
        }
    }
}

/// The offer that `from` sends.
fn offer(from: &mut Sealer, to: &mut Opener, frame: &mut Vec<u8>) -> PeerOffer {
    from.control(frame).unwrap();
    let Record::Offer(offer) = to.open(frame).unwrap() else { panic!("an offer was sent") };
    frame.clear();
    offer
}
