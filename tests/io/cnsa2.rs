//! The policy that speaks suite 0x0002 alone, over transports: in any other suite it opens nothing, and answers nothing but that it does not take it.

use crate::pipe::{Pipe, pipe};
use crate::{ALICE, BOB, protocol};
use std::sync::LazyLock;
use std::thread;
use twinlock::handshake::Psk;
use twinlock::identity::SignatureAlgorithm;
use twinlock::io::{Accept, Connect, Error as IoError, Stream};
use twinlock::trust::{Anonymous, Cnsa2, OrAnonymous, danger::TrustAnyone};
use twinlock::{Distrust, Error, Identity, Pinned, Refusal, Suite, Trust};

static ALICE5: LazyLock<Identity> = LazyLock::new(|| Identity::generate_for(SignatureAlgorithm::MlDsa87P384).unwrap());
static BOB5: LazyLock<Identity> = LazyLock::new(|| Identity::generate_for(SignatureAlgorithm::MlDsa87P384).unwrap());

const NOT_ALLOWED: Option<Error> = Some(Error::Untrusted(Distrust::SuiteNotAllowed));

/// What came of it on either side.
type Met = [Result<Stream<Pipe>, IoError>; 2];

fn meet(connect: &Connect, accept: Accept, mut alices: impl Trust, mut bobs: impl Trust + Send + 'static) -> Met {
    let (a, b) = pipe();
    let accepting = thread::spawn(move || accept.accept(b, &mut bobs));
    let alice = connect.connect(a, &mut alices);
    [alice, accepting.join().unwrap()]
}

fn talk(met: Met) {
    let [mut alice, mut bob] = met.map(Result::unwrap);
    alice.send(b"through").unwrap();
    assert_eq!(bob.recv().unwrap().unwrap(), b"through");
    assert_eq!([&alice, &bob].map(|end| end.conversation().suite()), [Suite::Level5Aes; 2]);
}

#[test]
fn two_who_speak_suite_2_alone_cannot_meet() {
    let connect = || Connect::new(&ALICE5, b"io");
    let accept = || Accept::new(&BOB5, b"io");
    let (a, b) = (ALICE5.fingerprint(), BOB5.fingerprint());
    talk(meet(&connect(), accept(), Cnsa2(Pinned(b)), Cnsa2(Pinned(a))));
    talk(meet(&connect().suite(Suite::Level5Aes), accept(), &mut Cnsa2(Pinned(b)), OrAnonymous(Cnsa2(Pinned(a)))));
    let unknown = || Connect::anonymous(b"io").suite(Suite::Level5Aes);
    talk(meet(&unknown(), accept().anonymous(), Cnsa2(Pinned(b)), Cnsa2(OrAnonymous(Pinned(a)))));
    talk(meet(&unknown(), accept().anonymous(), OrAnonymous(Cnsa2(Pinned(b))), OrAnonymous(Cnsa2(Pinned(a)))));
    // A responder with two identities answers with the one that is allowed.
    talk(meet(&connect(), Accept::new(&BOB, b"io").also(&BOB5), Cnsa2(Pinned(b)), Cnsa2(Pinned(a))));
    // Whom the other does not accept is not accepted.
    let met = meet(&connect(), accept(), Cnsa2(Pinned(a)), Cnsa2(Pinned(a)));
    assert_eq!(met.map(protocol), [Some(Error::Untrusted(Distrust::NotExpected)), Some(Error::Truncated)]);
}

/// Not a byte goes out, whatever the judge would say of whoever answers.
#[test]
fn another_suite_is_opened_in() {
    let named = |suite| Connect::new(&ALICE, b"io").suite(suite);
    #[allow(unused_mut, reason = "round 3 adds to it")]
    let mut opens = vec![
        Connect::new(&ALICE, b"io"),
        Connect::new(&ALICE, b"io").psk(&Psk::take(&mut [7; 32])),
        named(Suite::Level3ChaCha),
        named(Suite::Level3Aes),
        Connect::anonymous(b"io"),
        Connect::anonymous(b"io").suite(Suite::Level3Aes),
        Connect::new(&ALICE5, b"io").suite(Suite::Level3ChaCha),
    ];
    #[cfg(feature = "round3")]
    opens.extend([named(Suite::Round3), Connect::anonymous(b"io").suite(Suite::Round3)]);
    for connect in &opens {
        let mut by_reference = Cnsa2(TrustAnyone);
        let judges: [&mut dyn Trust; 4] =
            [&mut Cnsa2(TrustAnyone), &mut OrAnonymous(Cnsa2(TrustAnyone)), &mut Cnsa2(OrAnonymous(TrustAnyone)), &mut &mut by_reference];
        for judge in judges {
            let (a, b) = pipe();
            let (control, other) = (a.controls(), b.controls());
            assert_eq!(protocol(connect.connect(a, &mut &mut *judge)), NOT_ALLOWED);
            assert_eq!((control.written(), control.read(), other.waiting()), (0, 0, 0));
            drop(b);
        }
    }
}

/// What is said to who opens so, by each judge: nothing but the refusal of the suite, status 3, or under a psk nothing.
fn refuses(accept: impl Fn() -> Accept, connect: &Connect, error: Error, (bytes, told): (&[u8], Error)) {
    let judges: [Box<dyn Trust + Send>; 4] = [
        Box::new(Cnsa2(TrustAnyone)),
        Box::new(OrAnonymous(Cnsa2(TrustAnyone))),
        Box::new(Cnsa2(OrAnonymous(TrustAnyone))),
        Box::new(Cnsa2(Anonymous)),
    ];
    for mut judge in judges {
        let (a, b) = pipe();
        let (control, accept) = (b.controls(), accept());
        control.record();
        let accepting = thread::spawn(move || protocol(accept.accept(b, &mut &mut *judge)));
        assert_eq!(protocol(connect.connect(a, &mut TrustAnyone)), Some(told));
        assert_eq!((accepting.join().unwrap(), control.recorded().as_slice()), (Some(error), bytes));
    }
}

#[test]
fn another_suite_is_answered() {
    type Listening = (fn() -> Accept, &'static [u16]);
    let refused = (&[0, 1, 3][..], Error::RefusedByPeer(Refusal::Suite));
    let silence = (&[][..], Error::Truncated);
    let psk = || Psk::take(&mut [7; 32]);
    let responders: [Listening; 3] = [
        (|| Accept::new(&BOB, b"io").anonymous(), &[]),
        (|| Accept::new(&BOB5, b"io").anonymous(), &[2]),
        (|| Accept::new(&BOB, b"io").also(&BOB5).anonymous(), &[2]),
    ];
    for (accept, allowed) in responders {
        for suite in [Suite::Level3ChaCha, Suite::Level3Aes] {
            let error = Error::SuiteNotAllowed { asked: suite.id(), allowed: allowed.iter().copied().collect() };
            for open in [|| Connect::new(&ALICE, b"io"), || Connect::anonymous(b"io")] {
                refuses(accept, &open().suite(suite), error, refused);
                refuses(|| accept().psk(&psk()), &open().suite(suite).psk(&psk()), error, silence);
            }
        }
    }
}

/// What was named does not widen what the policy allows.
#[test]
fn a_named_suite_goes_before_the_policy() {
    let named = || Accept::new(&BOB, b"io").also(&BOB5).suites(Suite::ALL);
    let error = Error::SuiteNotAllowed { asked: 1, allowed: [2].into_iter().collect() };
    refuses(named, &Connect::new(&ALICE, b"io"), error, (&[0, 1, 3], Error::RefusedByPeer(Refusal::Suite)));
    // And the policy does not widen what was named.
    let other = || Accept::new(&BOB, b"io").also(&BOB5).suites(&[Suite::Level3ChaCha]);
    let error = Error::SuiteNotAllowed { asked: 2, allowed: [].into_iter().collect() };
    refuses(other, &Connect::new(&ALICE5, b"io"), error, (&[0, 1, 3], Error::RefusedByPeer(Refusal::Suite)));
}
