//! Conversations over a transport: the tested side's identity, its pre-shared key and what it says are undefined. What it writes is looked at on its way.
//!
//! The randomness is the operating system's here, and so defined. Receiving is `records::open`'s: a stream copies what a record holds, by its length.

use crate::scene::{PROLOGUE, plain_identity, psks, secret_identity};
use crate::taint::{arrived, is_tainted, public, secret_bytes};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use twinlock::Suite;
use twinlock::channel::Conversation;
use twinlock::io::{Accept, Connect, Joined, Stream};
use twinlock::trust::danger::TrustAnyone;

/// What a side reads.
struct From {
    sent: Receiver<Vec<u8>>,
    left: Vec<u8>,
}

/// What it writes; of the tested side's it is counted how many frames came undefined.
struct To {
    sent: Sender<Vec<u8>>,
    undefined: Option<Arc<AtomicUsize>>,
}

type End = Joined<From, To>;

fn pair() -> (End, End, Arc<AtomicUsize>) {
    let ((to_b, from_a), (to_a, from_b), count) = (channel(), channel(), Arc::<AtomicUsize>::default());
    let end = |to, from, undefined| Joined { reader: From { sent: from, left: Vec::new() }, writer: To { sent: to, undefined } };
    (end(to_b, from_b, Some(Arc::clone(&count))), end(to_a, from_a, None), count)
}

impl Read for From {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        if self.left.is_empty() {
            self.left = self.sent.recv().unwrap_or_default();
        }
        let n = place.len().min(self.left.len());
        place[..n].copy_from_slice(&self.left[..n]);
        self.left.drain(..n);
        Ok(n)
    }
}

impl Write for To {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = bytes.to_vec();
        if let Some(undefined) = &self.undefined {
            undefined.fetch_add(is_tainted(&sent).into(), Ordering::SeqCst);
            public(&sent);
        }
        self.sent.send(sent).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything that a stream sends.
fn talk(mut stream: Stream<End>, undefined: &AtomicUsize) {
    let (said, before) = (secret_bytes::<300>(71), undefined.load(Ordering::SeqCst));
    stream.send(&said).expect("it sends");
    let mut writer = stream.message_writer().expect("it begins");
    writer.put(&said).expect("it sends");
    writer.finish().expect("it sends");
    stream.key_update().expect("it sends");
    stream.ping(3).expect("it sends");
    stream.rekey().expect("it sends");
    let mut bytes = stream.into_bytes();
    bytes.write_all(&said).and_then(|()| bytes.flush()).expect("it sends");
    let mut stream = bytes.into_inner();
    exported(stream.conversation());
    stream.finish().expect("it sends");
    // Two in the handshake at least, and seven here.
    assert!(before >= 1 && undefined.load(Ordering::SeqCst) >= before + 7, "what was sent was not undefined");
}

/// Everything that a writing half sends.
fn talk_by_half(stream: Stream<End>, undefined: &AtomicUsize) {
    let (said, before) = (secret_bytes::<300>(71), undefined.load(Ordering::SeqCst));
    let (_reader, mut writer) = stream.split().expect("it comes apart");
    writer.send(&said).expect("it sends");
    let mut message = writer.message_writer().expect("it begins");
    message.put(&said).expect("it sends");
    message.finish().expect("it sends");
    writer.key_update().expect("it sends");
    writer.ping(3).expect("it sends");
    writer.rekey().expect("it sends");
    writer.send(&said).expect("it sends");
    writer.flush().expect("it sends");
    exported(writer.conversation());
    writer.finish().expect("it sends");
    assert!(before >= 1 && undefined.load(Ordering::SeqCst) >= before + 7, "what was sent was not undefined");
}

fn exported(conversation: &Conversation) {
    let mut key = [0; 32];
    conversation.export("ct", b"", &mut key).expect("the length is allowed");
    arrived("exporter", &key);
}

/// The other side reads three messages, and to the end.
fn listen(mut stream: Stream<End>) {
    let mut messages = 0;
    while stream.recv().expect("the other side's records are good").is_some() {
        messages += 1;
    }
    assert_eq!(messages, 3);
}

pub fn connect(suite: Suite) {
    let ((tested, other, undefined), (psk, others_psk)) = (pair(), psks(72));
    let (me, you) = (secret_identity(suite, 73), plain_identity(suite, 74));
    let other = thread::spawn(move || {
        let accepted = Accept::new(&you, PROLOGUE).suites(&[suite]).psk(&others_psk).accept(other, &mut TrustAnyone);
        listen(accepted.expect("a conversation"));
    });
    let opened = Connect::new(&me, PROLOGUE).suite(suite).psk(&psk).connect(tested, &mut TrustAnyone);
    talk(opened.expect("a conversation"), &undefined);
    other.join().expect("the other side ended well");
}

pub fn accept(suite: Suite) {
    accepting(suite, |accept, end| accept.accept(end, &mut TrustAnyone), talk);
}

pub fn halves(suite: Suite) {
    accepting(suite, |accept, end| accept.accept_from(end, [192, 0, 2, 1].into(), &mut TrustAnyone), talk_by_half);
}

fn accepting(suite: Suite, run: impl FnOnce(Accept, End) -> Result<Stream<End>, twinlock::io::Error>, talk: fn(Stream<End>, &AtomicUsize)) {
    let ((tested, other, undefined), (psk, others_psk)) = (pair(), psks(72));
    let (me, you) = (secret_identity(suite, 73), plain_identity(suite, 74));
    let other = thread::spawn(move || {
        let opened = Connect::new(&you, PROLOGUE).suite(suite).psk(&others_psk).connect(other, &mut TrustAnyone);
        listen(opened.expect("a conversation"));
    });
    talk(run(Accept::new(&me, PROLOGUE).suites(&[suite]).psk(&psk), tested).expect("a conversation"), &undefined);
    other.join().expect("the other side ended well");
}
