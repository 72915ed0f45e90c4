//! Heap that a handshake's states, a handshake and a channel hold, and the states' own size: in bytes, the same in every run.

use super::Figure;
use super::stranger::Stranger;
use crate::conversation::Ends;
use crate::counting::{held, memory, now};
use crate::report::bytes;
use getrandom::SysRng;
use std::io::sink;
use twinlock::channel::CONTENT_MAX;
use twinlock::handshake::{AwaitsFinish, Initiator, Responder};
use twinlock::io::{Accept, Joined, Stream};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Channel, Identity, Pinned, Suite};

const PROLOGUE: &[u8] = b"resources";

pub(crate) fn all(suite: Suite) -> Vec<Figure> {
    let [a, b] = [(); 2].map(|()| Identity::generate_for(suite.signature()).unwrap());
    let mut figures = states(suite, &a, &b);
    figures.extend(waiting(suite, &a, &b));
    figures.extend(channel(suite, &a, &b));
    let text = |figure: &Figure| if figure.text.is_empty() { format!("suite {:#06x}", suite.id()) } else { figure.text.clone() };
    figures.into_iter().map(|figure| Figure { text: text(&figure), ..figure }).collect()
}

fn size<T>(heap: isize, _: &T) -> f64 {
    bytes(usize::try_from(heap).unwrap() + size_of::<T>())
}

fn responder(suite: Suite, me: &Identity) -> Responder {
    Responder::new(me, PROLOGUE).suites(&[suite])
}

fn awaits_finish(suite: Suite, me: &Identity, hello: &[u8], reply: &mut Vec<u8>) -> AwaitsFinish {
    let (state, frame) = responder(suite, me).read_hello(hello).unwrap().send_reply().unwrap();
    reply.clear();
    reply.extend_from_slice(&frame);
    state
}

/// Each state of `XX` by itself, and the most that each side holds on its way.
fn states(suite: Suite, a: &Identity, b: &Identity) -> Vec<Figure> {
    let [mut hello, mut reply, mut finish] = [(); 3].map(|()| Vec::with_capacity(1 << 15));
    let (opened, (_, opening, initiator)) = held(|| {
        memory(|| {
            let (state, frame) = Initiator::new(a, PROLOGUE).suite(suite).send_hello().unwrap();
            hello.extend_from_slice(&frame);
            state
        })
    });
    let (read, state) = held(|| responder(suite, b).read_hello(&hello).unwrap());
    let mut figures = vec![
        Figure::new("resources.state.awaits-reply", size(opened, &initiator), ""),
        Figure::new("resources.state.hello-read", size(read, &state), ""),
    ];
    drop(state);
    let (unsigned, state) = held(|| responder(suite, b).read_hello(&hello).unwrap().prepare_reply().unwrap());
    figures.push(Figure::new("resources.state.reply-to-sign", size(unsigned, &state), ""));
    drop(state);
    let (waits, (_, answering, state)) = held(|| memory(|| awaits_finish(suite, b, &hello, &mut reply)));
    figures.push(Figure::new("resources.state.awaits-finish", size(waits, &state), ""));
    let (more, (_, verifying, initiator)) = held(|| memory(|| initiator.read_reply(&reply).unwrap()));
    let opening = opening.max(usize::try_from(opened).unwrap() + verifying);
    let judged = opened + more;
    figures.push(Figure::new("resources.state.reply-read", size(judged, &initiator), ""));
    let (more, (_, closing, channel)) = held(|| {
        memory(|| {
            let (channel, frame) = initiator.send_finish(&mut TrustAnyone).unwrap();
            finish.extend_from_slice(&frame);
            channel
        })
    });
    let initiators = opening.max(usize::try_from(judged).unwrap() + closing);
    let (read, (_, reading, state)) = held(|| memory(|| state.read_finish(&finish).unwrap()));
    figures.push(Figure::new("resources.state.finish-read", size(waits + read, &state), ""));
    let responders = answering.max(usize::try_from(waits).unwrap() + reading);
    let other = state.into_channel(&mut TrustAnyone).unwrap();
    figures.push(Figure::new("resources.channel", size(judged + more, &channel), ""));
    figures.push(Figure::new("resources.peak.initiator", bytes(initiators), ""));
    figures.push(Figure::new("resources.peak.responder", bytes(responders), ""));
    drop((channel, other));
    figures
}

/// What `Accept` holds while it waits for a stranger.
fn waiting(suite: Suite, a: &Identity, b: &Identity) -> Vec<Figure> {
    let hello = Initiator::new(a, PROLOGUE).suite(suite).send_hello().unwrap().1;
    let most = u16::try_from(responder_bound(suite, b, &hello)).unwrap();
    let announced = [hello.as_slice(), &most.to_be_bytes()].concat();
    let accept = Accept::new(b, PROLOGUE).suites(&[suite]);
    let waits = |first: &[u8]| {
        let mut stranger = Stranger::new(first, None);
        let before = now();
        assert!(accept.accept(&mut stranger, &mut Pinned(a.fingerprint())).is_err());
        bytes(usize::try_from(stranger.held.unwrap() - before).unwrap())
    };
    vec![
        Figure::new("resources.waits.message1", waits(&16_384_u16.to_be_bytes()), ""),
        Figure::new("resources.waits.reply", waits(&hello), ""),
        Figure::new("resources.waits.message3", waits(&announced), ""),
    ]
}

/// The longest message 3.
fn responder_bound(suite: Suite, me: &Identity, hello: &[u8]) -> usize {
    *awaits_finish(suite, me, hello, &mut Vec::new()).frame_bounds().end()
}

fn meet(suite: Suite, a: &Identity, b: &Identity) -> [Channel; 2] {
    let (initiator, hello) = Initiator::new(a, PROLOGUE).suite(suite).send_hello().unwrap();
    let (waits, reply) = responder(suite, b).read_hello(&hello).unwrap().send_reply().unwrap();
    let (alice, finish) = initiator.read_reply(&reply).unwrap().send_finish(&mut TrustAnyone).unwrap();
    [alice, waits.read_finish(&finish).unwrap().into_channel(&mut TrustAnyone).unwrap()]
}

/// An idle channel: its halves, one whose own offer waits for its answer, a stream that has carried nothing, and one that has carried the largest records.
fn channel(suite: Suite, a: &Identity, b: &Identity) -> Vec<Figure> {
    let (heap, channel) = held(|| {
        let [mine, theirs] = meet(suite, a, b);
        drop(theirs);
        mine.into_halves()
    });
    let halves = Figure::new("resources.channel.halves", size(heap, &channel), "");
    let mut ends = Ends::new(suite, 1);
    let (offered, ()) = held(|| {
        let offer = ends.there.1.make_offer(&mut SysRng).unwrap().unwrap();
        ends.there.0.send_offer(offer);
        ends.there.0.control(&mut ends.frames).unwrap();
    });
    let offer = Figure::new("resources.channel.offer", bytes(usize::try_from(offered).unwrap()), "");
    vec![halves, offer, stream(suite, a, b, false), stream(suite, a, b, true)]
}

/// One that has sent and received messages of the largest records, or nothing.
fn stream(suite: Suite, a: &Identity, b: &Identity, used: bool) -> Figure {
    let (halves, [alice, bob]) = held(|| meet(suite, a, b));
    let content = vec![7; CONTENT_MAX];
    let (mut frames, mut into) = (Vec::new(), Vec::with_capacity(CONTENT_MAX));
    let mut sealer = alice.into_halves().0;
    // So often that both of a sender's buffers have grown, which take turns.
    let messages = if used { 4 } else { 0 };
    (0..messages).for_each(|_| sealer.message(&content, &mut frames).unwrap());
    let (heap, stream) = held(|| {
        let mut stream = Stream::new(Joined { reader: frames.as_slice(), writer: sink() }, bob);
        for _ in 0..messages {
            assert!(stream.recv_into(&mut into).unwrap());
            stream.send(&content).unwrap();
        }
        stream
    });
    let row = if used { "resources.channel.stream-used" } else { "resources.channel.stream" };
    Figure::new(row, size(halves / 2 + heap, &stream), "")
}
