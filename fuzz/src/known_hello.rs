//! Message 1 of `IK`, `IKpsk0` and `resume` from anybody, to a responder with a store of acquaintances, and what follows: message 2, the `Confirm`, the removal of a record
//! (docs/protocol.md, sections 6.3, 6.7 and 6.8).
//!
//! A model says from the bytes, the settings and what the store keeps what the responder answers. What names an acquaintance that is not kept goes on as if it were, and
//! dies at the initiator; what is not kept, over, of other settings, or used already is refused with status 5, and under a pre-shared key with nothing.

use crate::acquainted::{Gone, Record, World, decoys, psk, psk_tag, world};
use crate::book::{Book, DAY};
use crate::input::{Input, refit};
use crate::kems::is_key;
use crate::rng::Seeded;
use std::sync::Arc;
use twinlock::channel::{CloseCode, Record as Opened};
use twinlock::handshake::{
    AcquaintedAwaitsReply, AcquaintedHello, AcquaintedInitiator, AnyHello, MAX_PAYLOAD, Rejected, Responder, ResumeAwaitsReply,
    ResumeInitiator, ResumeRead,
};
use twinlock::identity::StaticKey;
use twinlock::trust::{Ask, Pinned, danger::TrustAnyone};
use twinlock::{Channel, Distrust, Error, Suite};

struct Settings {
    psks: Vec<[u8; 32]>,
    suites: Vec<Suite>,
    prologue: Vec<u8>,
    busy: bool,
    early: bool,
    now: u64,
    /// Without decoys or a time it takes neither pattern.
    takes: bool,
}

/// What the store keeps, and how it fails.
struct Kept {
    book: Book,
    statics: Vec<Arc<StaticKey>>,
    knows: bool,
    behind: bool,
    reading: bool,
}

/// A message 1, and how it was made.
struct Sent<'a> {
    suite: Suite,
    how: How<'a>,
    psk: Option<[u8; 32]>,
    prologue: Vec<u8>,
    honest: Vec<u8>,
    frame: Vec<u8>,
}

enum How<'a> {
    Ik { waiting: AcquaintedAwaitsReply, mine: &'a Arc<StaticKey>, to: &'a Arc<StaticKey> },
    Resume { waiting: ResumeAwaitsReply, record: &'a Record, early: Vec<u8> },
}

/// What the model says.
#[derive(Debug, PartialEq)]
enum Verdict {
    Silent,
    Refuse(u8),
    /// As one of a pattern between strangers.
    Stranger,
    Accept,
    /// It depends on whether bytes that were changed are a point of P-384: silent, or this.
    OrSilent(u8),
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let world = world();
    let settings = Settings::read(world, &mut input);
    let suites = if input.byte() % 8 == 1 { Suite::ALL } else { &settings.suites };
    let suite = *input.pick(suites);
    let mut kept = Kept::read(world, suite, settings.now, &mut input);
    let Some(sent) = Sent::make(world, &settings, suite, &mut input) else { return };
    let verdict = settings.verdict(&kept, &sent);
    match settings.responder().read_hello_with(&sent.frame, &kept.book) {
        Err(rejected) => check_rejected(&rejected, &verdict, &settings, &kept),
        Ok(AnyHello::Identified(_) | AnyHello::Anonymous(_)) => {
            assert!(matches!(verdict, Verdict::Stranger | Verdict::OrSilent(0)), "{verdict:?}");
        }
        Ok(AnyHello::Acquainted(heard)) => {
            assert_eq!(verdict, Verdict::Accept);
            acquainted(heard, sent, &settings, &kept, &mut input);
        }
        Ok(AnyHello::Resume(read)) => {
            assert_eq!(verdict, Verdict::Accept);
            resume(read, sent, &settings, &mut kept, &mut input);
        }
    }
}

impl Settings {
    fn read(world: &World, input: &mut Input) -> Self {
        let psks = match input.byte() % 8 {
            6 => vec![*input.pick(&world.psks)],
            7 => vec![*input.pick(&world.psks), [7; 32]],
            _ => vec![],
        };
        let (named, flags) = (input.byte(), input.byte());
        let suites: Vec<_> = Suite::ALL.iter().copied().enumerate().filter(|(i, _)| named >> i & 1 == 0).map(|(_, suite)| suite).collect();
        let suites = if suites.is_empty() { vec![Suite::default()] } else { suites };
        let prologue = if flags & 7 == 7 { b"another".to_vec() } else { world.prologue.clone() };
        // Within the bundles' time, at the end of a record's, and beyond all.
        let now = world.now + input.pick(&[0, 0, 0, 1, 601_199, 601_200, 604_800, 40 * DAY]);
        let (busy, early, takes) = (flags >> 3 & 7 == 7, flags >> 6 & 1 == 1, input.byte() != 3);
        Self { psks, suites, prologue, busy, early, now, takes }
    }

    fn responder(&self) -> Responder {
        let world = world();
        let mut responder =
            Responder::new(world.identity("bob"), &self.prologue).also(world.identity("bob 2")).suites(&self.suites).busy(self.busy);
        if self.takes {
            responder = responder.decoys(decoys()).now(self.now).early_data(self.early);
        }
        self.psks.iter().fold(responder, |responder, bytes| responder.psk(&psk(bytes)))
    }

    fn verdict(&self, kept: &Kept, sent: &Sent<'_>) -> Verdict {
        let good = sent.frame == sent.honest && sent.prologue == self.prologue && self.is_kept(kept, sent);
        match self.clear_verdict(&sent.frame) {
            Err(_) if self.psks.is_empty() && good => Verdict::Accept,
            Err(suite) if self.psks.is_empty() => sent.key_verdict(suite),
            Ok(verdict) if self.psks.is_empty() => verdict,
            Err(_) if good => Verdict::Accept,
            _ => Verdict::Silent,
        }
    }

    /// Whether the store keeps what it takes.
    fn is_kept(&self, kept: &Kept, sent: &Sent<'_>) -> bool {
        match &sent.how {
            How::Ik { to, .. } => {
                let holds = kept.statics.iter().any(|key| Arc::ptr_eq(key, to)) && to.bundle().is_valid(self.now);
                holds && !kept.reading && sent.psk.map_or(self.psks.is_empty(), |psk| self.psks.contains(&psk))
            }
            How::Resume { record, .. } => {
                let stands = match record.answerer.psk_tag() {
                    None => self.psks.is_empty(),
                    Some(tag) => self.psks.iter().any(|psk| psk_tag(record.answerer.suite(), psk) == tag),
                };
                let mine = ["bob", "bob 2"].iter().any(|name| record.answerer.me() == Some(&world().identity(name).fingerprint()));
                let there = kept.book.records.iter().any(|one| Arc::ptr_eq(one, &record.answerer));
                stands && mine && there && !kept.reading && !kept.behind && self.now < record.answerer.not_after()
            }
        }
    }

    /// What depends on clear bytes and load; then the suite.
    fn clear_verdict(&self, frame: &[u8]) -> Result<Verdict, Suite> {
        let (Some((prefix, body)), 6..=16_384) = (frame.split_first_chunk::<2>(), frame.len().saturating_sub(2)) else {
            return Ok(Verdict::Silent);
        };
        if usize::from(u16::from_be_bytes(*prefix)) != body.len() || &body[..2] != b"TL" {
            return Ok(Verdict::Silent);
        }
        if body[2] != 1 {
            return Ok(Verdict::Refuse(1));
        }
        let allowed = match body[3] {
            1 | 3 => self.psks.is_empty(),
            2 | 4 => !self.psks.is_empty(),
            5 => self.takes && self.psks.is_empty(),
            6 => self.takes && !self.psks.is_empty(),
            7 => self.takes,
            _ => false,
        };
        if !allowed {
            return Ok(Verdict::Refuse(2));
        }
        let asked = u16::from_be_bytes([body[4], body[5]]);
        let Some(suite) = self.suites.iter().copied().find(|suite| suite.id() == asked) else { return Ok(Verdict::Refuse(3)) };
        let (ek, ct) = (suite.encapsulation_key_len(), suite.ciphertext_len());
        let (least, most) = match body[3] {
            pattern @ 1..=4 => (6 + ek + 16 * usize::from(pattern % 2 == 0), MAX_PAYLOAD),
            5 => (6 + ek + ct + 64, 0),
            6 => (6 + ek + ct + 80, 0),
            _ => (22 + ek + 16, MAX_PAYLOAD),
        };
        if !(least..=least + most).contains(&body.len()) {
            return Ok(Verdict::Silent);
        }
        if self.busy { Ok(Verdict::Refuse(4)) } else { Err(suite) }
    }
}

impl Kept {
    fn read(world: &World, suite: Suite, now: u64, input: &mut Input) -> Self {
        let (flags, fails) = (input.byte(), input.byte());
        let [newer, older] = ["bob", "bob older"].map(|name| world.key_in(suite, name));
        let statics: Vec<_> =
            [(newer, 1), (older, 2)].into_iter().filter(|(_, bit)| flags & bit == 0).map(|(key, _)| Arc::clone(key)).collect();
        let (knows, behind, reading) = (flags & 4 == 0, fails % 16 == 1, fails % 16 == 2);
        let mut keys = statics.clone();
        // Somebody else's, and another suite's, serve nobody here.
        keys.extend(
            world.keys.iter().filter(|(name, _)| name.contains("alice")).map(|(_, key)| Arc::clone(key)).take(usize::from(flags >> 3 & 3)),
        );
        let bundles = world.keys.iter().filter(|(name, _)| knows && !name.contains("bob")).map(|(_, key)| Arc::new(key.bundle().clone()));
        let mut book = Book { keys, bundles: bundles.collect(), ..Book::default() };
        if flags & 32 == 0 {
            book.records.extend(world.records.iter().flat_map(|record| [Arc::clone(&record.answerer), Arc::clone(&record.opener)]));
        }
        book.latest = behind.then_some(now + DAY + 1);
        book.reading = reading.then_some(Error::Store);
        book.removing = (fails % 16 == 3).then_some(Error::Store);
        book.too_late = fails % 16 == 4;
        Self { book, statics, knows, behind, reading }
    }
}

impl<'a> Sent<'a> {
    /// None where the initiator itself refuses, as it must.
    fn make(world: &'a World, settings: &Settings, suite: Suite, input: &mut Input) -> Option<Self> {
        let fits = settings.psks.last().copied();
        let psk_bytes = *input.pick(&[fits, fits, fits, fits, None, Some([7; 32]), Some([9; 32])]);
        let prologue = if input.byte() % 8 == 1 { b"other/1".to_vec() } else { settings.prologue.clone() };
        let (rng, psk) = (&mut Seeded::new(input.byte().into()), psk_bytes.as_ref().map(psk));
        let now = if input.byte() % 16 == 1 { world.now + 40 * DAY } else { world.now };
        let (how, honest) = if input.flag() {
            let (mine, to) = (input.pick(&["alice", "alice older"]), input.pick(&["bob", "bob older"]));
            let [mine, to] = [mine, to].map(|name| world.key_in(suite, name));
            let opened = AcquaintedInitiator::new(mine, to.bundle(), &prologue, now);
            let made = psk.iter().fold(opened, AcquaintedInitiator::psk).send_hello_with_rng(rng);
            let valid = mine.bundle().is_valid(now) && to.bundle().is_valid(now);
            assert_eq!(made.as_ref().err(), (!valid).then_some(&Error::OutOfDate));
            let (waiting, hello) = made.ok()?;
            (How::Ik { waiting, mine, to }, hello)
        } else {
            let (record, mut early) = (input.pick(&world.records), if input.flag() { Vec::new() } else { input.filled(MAX_PAYLOAD) });
            early.truncate(MAX_PAYLOAD);
            let opened = ResumeInitiator::new(Arc::clone(&record.opener), &prologue).with_early_data(early.clone().into());
            let judged = psk.iter().fold(opened, ResumeInitiator::psk).judge(&mut TrustAnyone).expect("anybody");
            let made = judged.send_hello_with_rng(&mut Gone, now, rng);
            let tag = psk_bytes.map(|psk| psk_tag(record.opener.suite(), &psk));
            let stands = record.opener.psk_tag().map(|tag| tag.to_vec()) == tag;
            let fits = stands && record.opener.prologue() == prologue && now < record.opener.not_after();
            assert_eq!(made.as_ref().err(), (!fits).then_some(&Error::NotResumable));
            let (waiting, hello) = made.ok()?;
            (How::Resume { waiting, record, early }, hello)
        };
        let mut frame = honest.clone();
        change(&mut frame, suite, input);
        Some(Self { suite, how, psk: psk_bytes, prologue, honest, frame })
    }

    /// Step 7, the encapsulation key's check, for what is not good; then what depends on more than clear bytes is 5. There is no psk.
    fn key_verdict(&self, suite: Suite) -> Verdict {
        let (pattern, ek) = (self.frame[5], suite.encapsulation_key_len());
        let at = if pattern == 7 { 24 } else { 8 };
        let key = &self.frame[at..at + ek];
        let stranger = pattern <= 4;
        let made_here = self.honest.windows(ek).any(|made| made == key) && self.suite == suite;
        match if made_here { Some(true) } else { is_key(suite, key) } {
            Some(true) if stranger => Verdict::Stranger,
            Some(true) => Verdict::Refuse(5),
            Some(false) => Verdict::Silent,
            None => Verdict::OrSilent(if stranger { 0 } else { 5 }),
        }
    }
}

/// Changes message 1, or puts other bytes in its place.
fn change(frame: &mut Vec<u8>, suite: Suite, input: &mut Input) {
    let (ek, ct) = (suite.encapsulation_key_len(), suite.ciphertext_len());
    match input.byte() % 8 {
        1 => *frame = input.rest().to_vec(),
        2 => {
            // One field of the header, over the same rest.
            match input.byte() % 3 {
                0 => frame[4] = input.byte() % 3,
                1 => frame[5] = input.byte() % 9,
                _ => frame[6..8].copy_from_slice(&input.pick(&[1u16, 2, 3, 0x7E03, 0]).to_be_bytes()),
            }
        }
        3 => {
            // The lengths at the bounds.
            let (ik, resume) = (6 + ek + ct + 64, 38 + ek);
            let lengths =
                [5, 6, 21, 22, ik - 1, ik, ik + 1, ik + 16, ik + 17, resume - 1, resume, resume + MAX_PAYLOAD, resume + MAX_PAYLOAD + 1];
            frame.resize(2 + input.pick(&lengths), 0);
            refit(frame);
        }
        4 | 5 => {
            let id = if frame[5] == 7 { 24 } else { 8 };
            input.change(frame, &[2, 8, id, id + ek, id + ek + ct, frame.len() - 64, frame.len() - 16, frame.len()]);
            if input.flag() {
                refit(frame);
            }
        }
        _ => {}
    }
}

fn check_rejected(rejected: &Rejected, verdict: &Verdict, settings: &Settings, kept: &Kept) {
    let answer = match verdict {
        Verdict::Accept | Verdict::Stranger => panic!("refused, where the model accepts: {rejected}"),
        Verdict::Refuse(status) if settings.psks.is_empty() => vec![0, 1, *status],
        Verdict::OrSilent(status) if !rejected.answer().is_empty() => vec![0, 1, *status],
        _ => vec![],
    };
    assert_eq!(rejected.answer(), answer, "{rejected}");
    match (rejected.error(), verdict) {
        (Error::RefusedByUs(why), Verdict::Refuse(status) | Verdict::OrSilent(status)) => assert_eq!(why.status(), *status),
        (Error::SuiteNotAllowed { .. }, Verdict::Refuse(status)) => assert_eq!(*status, 3),
        // What the store says of itself is its owner's to know, and status 5 to others.
        (Error::Store, Verdict::Refuse(5) | Verdict::OrSilent(5) | Verdict::Silent) => assert!(kept.reading),
        (Error::ClockBehind, Verdict::Refuse(5) | Verdict::OrSilent(5) | Verdict::Silent) => assert!(kept.behind),
        (Error::Malformed, _) => {}
        (Error::RefusedByUs(_) | Error::SuiteNotAllowed { .. } | Error::Authentication, Verdict::Silent) => {
            assert!(!settings.psks.is_empty());
        }
        (error, verdict) => panic!("{error:?}, where the model says {verdict:?}"),
    }
}

/// The responder answers, whoever is named; the initiator reads it exactly where its bundle is kept, and only its own `Confirm` is one.
fn acquainted(heard: AcquaintedHello, sent: Sent<'_>, settings: &Settings, kept: &Kept, input: &mut Input) {
    let How::Ik { waiting, mine, .. } = sent.how else { panic!("another pattern was read than was sent") };
    let (payload, rng) = (input.filled(MAX_PAYLOAD), &mut Seeded::new(9));
    assert_eq!(heard.suite(), sent.suite);
    if input.byte() % 16 == 1 {
        let rejected = heard.too_many();
        assert_eq!(rejected.answer(), if settings.psks.is_empty() { vec![0, 1, 5] } else { vec![] });
        return;
    }
    let made = heard.with_payload(payload.clone().into()).send_reply_with_rng(rng);
    let Ok((waits, reply)) = made else { return assert!(payload.len() > MAX_PAYLOAD) };
    assert_eq!(reply.len(), 2 + 1 + 2 * sent.suite.ciphertext_len() + 32 + payload.len());
    let known = kept.knows && !kept.behind && mine.bundle().is_valid(settings.now);
    let read = waiting.read_reply(&reply);
    assert_eq!(read.as_ref().err(), (!known).then_some(&Error::Authentication), "whether the initiator reads the answer");
    let Ok(read) = read else {
        let nobody = input.some().to_vec();
        assert!(waits.read_confirm(&nobody).is_err(), "a Confirm for a decoy");
        return;
    };
    assert!(read.payload().as_bytes() == payload && read.peer().identity() == Some(&bob(sent.suite)));
    let (initiator, confirm) = read.send_confirm(&mut Pinned(bob(sent.suite).fingerprint())).expect("who was expected");
    assert_eq!(confirm.len(), 21);
    let mut came = confirm.clone();
    input.change(&mut came, &[0, 2, 5, 21]);
    let confirmed = waits.read_confirm(&came);
    assert_eq!(confirmed.is_ok(), came == confirm, "whether a Confirm is the initiator's own");
    let Ok(confirmed) = confirmed else { return };
    assert_eq!(confirmed.peer().identity(), Some(mine.bundle().identity()));
    if input.byte() % 4 == 1 {
        let rejected = confirmed.into_channel(&mut Ask(|_: &_| false)).expect_err("who was declined");
        assert_eq!(rejected.error(), Error::Untrusted(Distrust::Declined));
        let (_, mut opener, _) = initiator.into_halves();
        let mut answer = rejected.answer().to_vec();
        assert!(matches!(opener.open(&mut answer), Ok(Opened::Close(close)) if close.code == CloseCode::Refused));
        return;
    }
    let responder = confirmed.into_channel(&mut Pinned(mine.bundle().fingerprint())).expect("who was expected");
    check_channels(initiator, responder, settings.now);
}

fn bob(suite: Suite) -> twinlock::PublicIdentity {
    world().identity(if suite == Suite::Level5Aes { "bob 2" } else { "bob" }).public()
}

/// The record goes first, and once; then the peer is judged, then early data must have been asked for.
fn resume(read: ResumeRead, sent: Sent<'_>, settings: &Settings, kept: &mut Kept, input: &mut Input) {
    let How::Resume { waiting, record, early } = sent.how else { panic!("another pattern was read than was sent") };
    assert_eq!(read.suite(), record.answerer.suite());
    let refused = if settings.psks.is_empty() { vec![0, 1, 5] } else { vec![] };
    let fails = kept.book.removing.or(kept.book.too_late.then_some(Error::NotResumable));
    let removed = match (read.remove(&mut kept.book), fails) {
        (Ok(removed), None) => removed,
        (Err(rejected), Some(error)) => return assert_eq!((rejected.error(), rejected.answer()), (error, &*refused)),
        (removed, fails) => panic!("{removed:?} with {fails:?}"),
    };
    let again = settings.responder().read_hello_with(&sent.frame, &kept.book).expect_err("a record was used twice");
    assert_eq!(again.answer(), refused);
    let accepts = input.byte() % 4 != 1;
    let judged = if accepts { removed.judge(&mut TrustAnyone) } else { removed.judge(&mut Ask(|_: &_| false)) };
    let wanted = accepts && (settings.early || early.is_empty());
    let accepted = match judged {
        Ok(accepted) => accepted,
        Err(rejected) => return assert_eq!((rejected.answer(), wanted), (&*refused, false)),
    };
    assert!(wanted && accepted.early_data().as_bytes() == early);
    assert_eq!(accepted.peer().fingerprint().as_ref(), record.answerer.peer());
    let (payload, rng) = (input.filled(MAX_PAYLOAD), &mut Seeded::new(9));
    let Ok((responder, reply)) = accepted.with_payload(payload.clone().into()).send_reply_with_rng(rng) else {
        return assert!(payload.len() > MAX_PAYLOAD);
    };
    let read = waiting.read_reply(&reply).expect("an honest message 2");
    assert!(read.payload().as_bytes() == payload && read.peer().fingerprint().as_ref() == record.opener.peer());
    check_channels(read.into_channel().expect("good secrets"), responder, settings.now);
}

/// Both have the same, and can keep the same of it.
fn check_channels(mut initiator: Channel, mut responder: Channel, now: u64) {
    assert_eq!(initiator.conversation().handshake_hash(), responder.conversation().handshake_hash());
    let exported = [&initiator, &responder].map(|channel| {
        let mut out = [0; 16];
        channel.conversation().export("fuzz", b"", &mut out).expect("a short one");
        out
    });
    assert_eq!(exported[0], exported[1]);
    let [mine, theirs] = [&mut initiator, &mut responder].map(|channel| channel.keep_resumption(now).expect("good secrets"));
    assert_eq!(mine.as_ref().map(|record| (*record.id(), record.not_after())), theirs.map(|record| (*record.id(), record.not_after())));
    assert!(mine.is_none_or(|record| now < record.not_after()) && initiator.keep_resumption(now).expect("good secrets").is_none());
}
