//! Handshakes over a transport: `Accept` and `Connect`, in arbitrary pieces, with timeouts, and with one frame changed on its way
//! (docs/protocol.md, sections 6.2, 6.3 and 6.6).
//!
//! The other side is the library's states, without IO. A stream comes out exactly when every frame arrived as it was sent and both sides accept each other; then both speak the same
//! keys. A refusal is three bytes, or one `Close`, or nothing. No more is read than the frame that is awaited, and what lingers.

use crate::input::Input;
use crate::link::Link;
use crate::people::{LEVEL_3, LEVEL_5, identity};
use crate::rng::Seeded;
use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;
use twinlock::channel::Record;
use twinlock::handshake::{
    AnonymousAwaitsReply, AnonymousInitiator, AwaitsFinish, AwaitsReply, Hello, Initiator, MAX_BODY, MAX_PAYLOAD, Pattern, Psk, Responder,
};
use twinlock::io::{Accept, Connect, Error, Gate, Stream, Transport};
use twinlock::trust::{Cnsa2, OrAnonymous, Pinned, Trust, danger::TrustAnyone};
use twinlock::{Channel, Error as Protocol, Fingerprint, Suite};

const PROLOGUE: &[u8] = b"fuzz/2";
/// A frame with its prefix, twice, and what a side that ends first reads on.
const READ_MAX: usize = 2 * 16_386 + 65_536;

/// What both sides are set to, and where they differ.
struct Settings {
    suite: Suite,
    identified: bool,
    psks: [Option<u8>; 2],
    /// Whether the library's side accepts the other.
    accepts: bool,
    busy: bool,
    cnsa2: bool,
}

/// The other side.
enum Remote {
    AwaitsReply(AwaitsReply),
    AnonymousAwaitsReply(AnonymousAwaitsReply),
    Responds(Responder),
    AwaitsFinish(AwaitsFinish),
    Done(Channel),
    /// It has nothing more to say.
    Gone,
}

/// A link to the other side, which answers when it is read from.
struct Line {
    link: Link,
    remote: Remote,
    settings: Settings,
    /// Bytes of what this side wrote that the other has read.
    heard: usize,
    /// The frame that is changed, counted down; and with what.
    change_in: usize,
    change: Vec<u8>,
    changed: bool,
    /// A timeout of the transport ends a handshake.
    timed_out: bool,
    accept: bool,
    /// Frames, and whether one's length was out of bounds.
    arrived: usize,
    out_of_bounds: bool,
}

/// The library's end of the line.
#[derive(Clone)]
struct Wire(Rc<RefCell<Line>>);

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let accept = input.flag();
    let settings = Settings::read(&mut input);
    let (reads, writes, change_in, change) = (input.some(), input.some(), input.below(4), input.some().to_vec());
    let (remote, first) = if accept { settings.opens() } else { (settings.listens(), Vec::new()) };
    let link = Link::new(Vec::new(), reads, writes);
    let mut line = Line {
        link,
        remote,
        settings,
        heard: 0,
        change_in,
        change,
        changed: false,
        timed_out: false,
        accept,
        arrived: 0,
        out_of_bounds: false,
    };
    line.deliver(first);
    let wire = Wire(Rc::new(RefCell::new(line)));
    let made = if accept { wire.accepted() } else { wire.connected() };
    wire.0.borrow_mut().answer();
    match made {
        Ok(stream) => check_stream(stream, accept, &wire, &mut input),
        Err(error) => check_error(&error, accept, &wire.0.borrow()),
    }
}

impl Settings {
    fn read(input: &mut Input) -> Self {
        let (suite, flags) = (*input.pick(Suite::ALL), input.byte());
        let psks = *input.pick(&[[None; 2], [None; 2], [Some(1); 2], [Some(1), Some(2)], [Some(1), None], [None, Some(1)]]);
        let bit = |bit: u8| flags >> bit & 1 == 1;
        Self { suite, identified: bit(0), psks, accepts: !bit(1), busy: bit(2) && bit(3), cnsa2: bit(4) && bit(5) }
    }

    fn psk(&self, side: usize) -> Option<Psk> {
        self.psks[side].map(|byte| Psk::take(&mut [byte; 32]))
    }

    /// The initiator, and its message 1.
    fn opens(&self) -> (Remote, Vec<u8>) {
        let (rng, psk) = (&mut Seeded::new(1), self.psk(0));
        if self.identified {
            let me = Initiator::new(identity(self.suite.signature(), 1), PROLOGUE).suite(self.suite).with_payload(b"one".into());
            let (waiting, hello) = psk.iter().fold(me, Initiator::psk).send_hello_with_rng(rng).expect("good arguments");
            (Remote::AwaitsReply(waiting), hello)
        } else {
            let me = AnonymousInitiator::new(PROLOGUE).suite(self.suite);
            let (waiting, hello) = psk.iter().fold(me, AnonymousInitiator::psk).send_hello_with_rng(rng).expect("good arguments");
            (Remote::AnonymousAwaitsReply(waiting), hello)
        }
    }

    fn listens(&self) -> Remote {
        let me = Responder::new(identity(LEVEL_3, 0), PROLOGUE).also(identity(LEVEL_5, 0)).busy(self.busy);
        Remote::Responds(self.psk(1).iter().fold(me, Responder::psk))
    }

    fn expects(&self, i: usize) -> Pinned {
        Pinned(if self.accepts { identity(self.suite.signature(), i).fingerprint() } else { Fingerprint::from_bytes([0; 32]) })
    }

    /// Whether there is a conversation, if nothing is changed on its way.
    fn works(&self, accept: bool) -> bool {
        let trusted = self.accepts || (accept && !self.identified);
        self.psks[0] == self.psks[1] && trusted && !self.busy && (!self.cnsa2 || self.suite == Suite::Level5Aes)
    }
}

impl Line {
    /// A frame, or a byte string, to the library's side; the one that is to be is changed.
    fn deliver(&mut self, mut frame: Vec<u8>) {
        if frame.is_empty() {
            return;
        }
        if self.change_in == 1 {
            let before = frame.clone();
            Input::new(&self.change).change(&mut frame, &[0, 2, 3, 4, 6, 8, before.len().saturating_sub(16), before.len()]);
            // Bytes after a whole frame belong to what comes next.
            if frame.starts_with(&before) {
                frame = before.clone();
            }
            self.changed = frame != before;
        }
        self.change_in = self.change_in.saturating_sub(1);
        self.check_length(&frame);
        self.link.incoming.append(&frame);
    }

    /// Whether what arrives next announces a length that the awaited message cannot have.
    fn check_length(&mut self, frame: &[u8]) {
        let (Some((prefix, _)), s) = (frame.split_first_chunk::<2>(), &self.settings) else { return };
        let pattern = if s.identified { Pattern::Xx } else { Pattern::Nx };
        let bounds = match (self.accept, self.arrived) {
            (true, 0) => 6..=MAX_BODY,
            (true, _) => pattern.finish_len(s.suite)..=pattern.finish_len(s.suite) + MAX_PAYLOAD,
            (false, _) => 1..=pattern.reply_len(s.suite) + MAX_PAYLOAD,
        };
        self.out_of_bounds |= self.arrived <= usize::from(self.accept) && !bounds.contains(&u16::from_be_bytes(*prefix).into());
        self.arrived += 1;
    }

    /// The other side reads what was written as far as it is whole, and answers.
    fn answer(&mut self) {
        let written = &self.link.outgoing.written[self.heard..];
        let Some((prefix, _)) = written.split_first_chunk::<2>() else { return };
        let length = 2 + usize::from(u16::from_be_bytes(*prefix));
        let Some(frame) = written.get(..length).map(<[u8]>::to_vec) else { return };
        self.heard += length;
        let (remote, answer) = self.next(&frame);
        self.remote = remote;
        self.deliver(answer);
    }

    fn next(&mut self, frame: &[u8]) -> (Remote, Vec<u8>) {
        let (rng, suite) = (&mut Seeded::new(2), self.settings.suite);
        let nothing = (Remote::Gone, Vec::new());
        match std::mem::replace(&mut self.remote, Remote::Gone) {
            Remote::AwaitsReply(waiting) => {
                let Ok(read) = waiting.read_reply(frame) else { return nothing };
                let trust = &mut Pinned(identity(suite.signature(), 0).fingerprint());
                let (channel, finish) = read.send_finish_with_rng(trust, rng).expect("who was expected");
                (Remote::Done(channel), finish)
            }
            Remote::AnonymousAwaitsReply(waiting) => match waiting.read_reply(frame) {
                Ok(read) => (Remote::Done(read.into_channel(&mut TrustAnyone).expect("anybody")), Vec::new()),
                Err(_) => nothing,
            },
            Remote::Responds(responder) => match responder.read_any_hello(frame) {
                Err(rejected) => (Remote::Gone, rejected.answer().to_vec()),
                Ok(Hello::Identified(heard)) => {
                    let (waiting, reply) = heard.send_reply_with_rng(rng).expect("a good generator");
                    (Remote::AwaitsFinish(waiting), reply)
                }
                Ok(Hello::Anonymous(heard)) => {
                    let (channel, reply) = heard.send_reply_with_rng(&mut TrustAnyone, rng).expect("anybody");
                    (Remote::Done(channel), reply)
                }
            },
            Remote::AwaitsFinish(waiting) => {
                let read = waiting.read_finish(frame).expect("an honest message 3");
                (Remote::Done(read.into_channel(&mut TrustAnyone).expect("anybody")), Vec::new())
            }
            remote => (remote, Vec::new()),
        }
    }
}

impl Wire {
    fn accepted(&self) -> Result<Stream<Self>, Error> {
        let line = self.0.borrow();
        let settings = &line.settings;
        let me = Accept::new(identity(LEVEL_3, 0), PROLOGUE).also(identity(LEVEL_5, 0)).suites(Suite::ALL).anonymous();
        let me = settings.psk(1).iter().fold(me, Accept::psk);
        let gate = Gate::new(1, if settings.busy { 0 } else { 1 });
        let (me, trust, cnsa2, source) = (me.gate(&gate), OrAnonymous(settings.expects(1)), settings.cnsa2, IpAddr::from([192, 0, 2, 1]));
        drop(line);
        let trust: &mut dyn Trust = if cnsa2 { &mut Cnsa2(trust) } else { &mut { trust } };
        let made = me.accept_from(self.clone(), source, &mut { trust });
        assert_eq!(gate.in_progress(), 0, "a place at the gate was not given back");
        made
    }

    fn connected(&self) -> Result<Stream<Self>, Error> {
        let line = self.0.borrow();
        let settings = &line.settings;
        let me = match settings.identified {
            true => Connect::new(identity(settings.suite.signature(), 1), PROLOGUE),
            false => Connect::anonymous(PROLOGUE),
        };
        let me = settings.psk(0).iter().fold(me.suite(settings.suite), Connect::psk);
        let (trust, cnsa2) = (settings.expects(0), settings.cnsa2);
        drop(line);
        let trust: &mut dyn Trust = if cnsa2 { &mut Cnsa2(trust) } else { &mut { trust } };
        me.connect(self.clone(), &mut { trust })
    }
}

fn check_error(error: &Error, accept: bool, line: &Line) {
    let intact = !line.changed && !line.timed_out;
    assert!(!(intact && line.settings.works(accept)), "no conversation, and nothing was changed: {error}");
    assert!(!matches!(error, Error::Protocol(Protocol::Ended | Protocol::Closed | Protocol::KeyExhausted)), "{error}");
    if line.out_of_bounds && !line.timed_out {
        assert!(matches!(error, Error::Protocol(Protocol::Malformed)), "a length out of bounds was taken: {error}");
    }
    if !accept || line.timed_out {
        return;
    }
    match &line.link.outgoing.written[line.heard..] {
        [] => {}
        [0, 1, 1..=5] => assert!(line.settings.psks[1].is_none(), "a responder with a psk refused"),
        rest => panic!("{rest:02x?} was written besides"),
    }
}

/// Both speak the same keys, if the other side came to the end too. It has, where nothing was changed.
fn check_stream(mut stream: Stream<Wire>, accept: bool, wire: &Wire, input: &mut Input) {
    let (done, identified) = {
        let line = wire.0.borrow();
        assert!(line.settings.works(accept), "a conversation with who is not accepted");
        (matches!(line.remote, Remote::Done(_)), line.settings.identified)
    };
    assert_eq!(done, !wire.0.borrow().changed, "whether the other side has a conversation");
    assert!(done || (accept && !identified), "a conversation with nobody");
    let Remote::Done(channel) = std::mem::replace(&mut wire.0.borrow_mut().remote, Remote::Gone) else { return };
    assert_eq!(stream.conversation().handshake_hash(), channel.conversation().handshake_hash());
    let message = input.some();
    let sent = stream.send(message);
    let (mut sealer, mut opener, _) = channel.into_halves();
    let written = wire.0.borrow().link.outgoing.written[wire.0.borrow().heard..].to_vec();
    if sent.is_ok() {
        assert_eq!(opener.open(&mut written.clone()), Ok(Record::End(message)));
    }
    let mut back = Vec::new();
    sealer.message(message, &mut back).expect("a short message");
    wire.0.borrow_mut().link.incoming.append(&back);
    while let Err(error) = stream.recv().map(|back| assert_eq!(back.as_deref(), Some(message))) {
        assert!(matches!(error, Error::Transport(_)), "{error}");
    }
}

impl Line {
    fn note<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        self.timed_out |= done.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        done
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut line = self.0.borrow_mut();
        line.answer();
        let read = line.link.read(buf);
        assert!(line.link.incoming.read <= READ_MAX, "more was read than can be awaited");
        line.note(read)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut line = self.0.borrow_mut();
        let written = line.link.write(buf);
        line.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Wire {
    fn set_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}
