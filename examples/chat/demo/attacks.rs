//! Four attacks, and how each is noticed.

use super::stage::{Act, Report, Stage, Timed, answer, blind, call, said, watch};
use crate::wire::{Message, PROLOGUE};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;
use twinlock::io::{Accept, Error as Ended};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Distrust, Error, Identity, Pinned, Suite, Trust};

/// Somebody else answers at the address of a peer whose fingerprint Alice has.
pub(super) fn impostor(report: &Report, stage: &Stage) -> Act {
    report.act("Attack: Mallory answers in Bob's place");
    let mallory = Identity::generate_for(stage.suite.signature())?;
    let seen = Arc::<Mutex<Vec<Timed>>>::default();
    let begun = Instant::now();
    let (called, answered) =
        with_answerer(stage.suite, &mallory, &stage.alice.identity, &mut Pinned(stage.bob.identity.fingerprint()), &seen)?;
    report.row("Alice calls, and expects Bob's fingerprint", None, begun.elapsed());
    report.check(called == Some(Error::Untrusted(Distrust::NotExpected)), "Alice: it is not Bob; she hangs up");
    let sent: usize =
        seen.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|(frame, _)| frame.sent).map(|(frame, _)| frame.bytes).sum();
    // A length, a header, and the one-time key.
    let hello = stage.suite.encapsulation_key_len().saturating_add(8);
    report.check(answered.is_some() && sent == hello, "Mallory learned nothing of who called: she sent her one-time key alone");
    Ok(())
}

/// Bob's name comes with another key than the one that Alice remembers.
pub(super) fn changed_key(report: &Report, stage: &mut Stage) -> Act {
    report.act("Attack: the Bob whom Alice remembers comes with another key");
    let mallory = Identity::generate_for(stage.suite.signature())?;
    let seen = Arc::<Mutex<Vec<Timed>>>::default();
    let begun = Instant::now();
    let mut asked = false;
    let mut trust = stage.alice.known.expect("Bob").or_ask(|_| {
        asked = true;
        true
    });
    let (called, _) = with_answerer(stage.suite, &mallory, &stage.alice.identity, &mut trust, &seen)?;
    drop(trust);
    report.row("Alice calls the one she knows as Bob", None, begun.elapsed());
    report.say(&format!("   until now  {}", stage.bob.identity.fingerprint()));
    report.say(&format!("   now        {}", mallory.fingerprint()));
    report.check(called == Some(Error::Untrusted(Distrust::ChangedKey)) && !asked, "refused, and nobody is asked there and then");
    Ok(())
}

/// A go-between changes one bit of one record.
pub(super) fn tampering(report: &Report, stage: &mut Stage) -> Act {
    report.act("Attack: a go-between changes one bit");
    let (bobs, between) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    let (bob_at, between_at) = (bobs.local_addr()?, between.local_addr()?);
    let meddling = thread::spawn(move || -> std::io::Result<()> {
        let alice = answer(&between)?;
        let bob = TcpStream::connect(bob_at)?;
        let (mut from_bob, mut to_alice) = (bob.try_clone()?, alice.try_clone()?);
        thread::spawn(move || std::io::copy(&mut from_bob, &mut to_alice));
        // Two handshake messages and one text pass as they are; the second text does not.
        meddle(alice, bob, 3)
    });
    let mut pair = stage.meet_through(&bobs, between_at, &blind())?;
    report.check(true, "they meet through it: it can carry messages, but not read them");
    pair.alice.send(&Message::Text { id: 1, text: "Pay 100 to Carol." }.encode())?;
    let first = said(pair.bob.recv()?)?;
    report.check(first == "Pay 100 to Carol.", "what it left alone arrives");
    let begun = Instant::now();
    pair.alice.send(&Message::Text { id: 2, text: "Pay 200 to Dave." }.encode())?;
    let second = pair.bob.recv();
    report.row("it flips one bit of the next record", None, begun.elapsed());
    report.check(
        matches!(second, Err(Ended::Protocol(Error::Authentication))),
        "Bob: it is forged; nothing of it is shown, the conversation ends",
    );
    let later = pair.bob.recv();
    report.check(matches!(later, Err(Ended::Protocol(_))), "and cannot be taken up again");
    drop(pair);
    let _ = meddling.join();
    Ok(())
}

/// The connection ends without a close.
pub(super) fn cut_cable(report: &Report, stage: &mut Stage) -> Act {
    report.act("Attack: the cable is cut");
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut pair = stage.meet_through(&listener, address, &blind())?;
    pair.alice.send(&Message::Text { id: 1, text: "I am not sure about" }.encode())?;
    let heard = said(pair.bob.recv()?)?;
    let begun = Instant::now();
    pair.alice.transport().shutdown(Shutdown::Both)?;
    let ended = pair.bob.recv();
    report.row("in the middle of what Alice says", None, begun.elapsed());
    let noticed = matches!(ended, Err(Ended::Protocol(Error::Truncated)));
    report.check(heard.ends_with("about") && noticed, "Bob knows that something may be missing: there was no goodbye");
    Ok(())
}

/// Somebody answers with this identity, whoever calls. What became of it on the caller's and on the answerer's side.
fn with_answerer(
    suite: Suite,
    answerer: &Identity,
    caller: &Identity,
    trust: &mut impl Trust,
    seen: &Arc<Mutex<Vec<Timed>>>,
) -> Result<(Option<Error>, Option<Error>), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let observer = watch(seen);
    thread::scope(|scope| {
        let answering = scope.spawn(|| Accept::new(answerer, PROLOGUE).suites(&[suite]).accept(answer(&listener)?, &mut TrustAnyone));
        let called = call(address, suite, caller, trust, &observer);
        let answered = answering.join().map_err(|_| "the answerer's side stopped")?;
        Ok((protocol_error(called), protocol_error(answered)))
    })
}

fn protocol_error<T>(result: Result<T, Ended>) -> Option<Error> {
    match result {
        Err(Ended::Protocol(error)) => Some(error),
        _ => None,
    }
}

/// Carries whole frames, and flips a bit of the one with this number, counted from 0.
fn meddle(mut from: TcpStream, mut to: TcpStream, victim: usize) -> std::io::Result<()> {
    for number in 0.. {
        let mut prefix = [0; 2];
        if from.read_exact(&mut prefix).is_err() {
            break;
        }
        let mut body = vec![0; usize::from(u16::from_be_bytes(prefix))];
        from.read_exact(&mut body)?;
        if let Some(byte) = body.get_mut(7).filter(|_| number == victim) {
            *byte ^= 0x10;
        }
        to.write_all(&[&prefix[..], &body].concat())?;
    }
    to.shutdown(Shutdown::Write)
}
