//! The bundles, static keys, records and handshakes of tests/vectors/acquaintances.json: what two that know each other keep, and live states of the library between them.

use crate::cases::{read_state, unhex};
use crate::forge::{Symmetric, expand};
use crate::rng::Coins;
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use twinlock::acquaintances::AddressBook;
use twinlock::channel::{Resumption, Role};
use twinlock::handshake::{AcquaintedAwaitsReply, AcquaintedInitiator, Decoys, Psk, ResumeAwaitsReply, ResumeInitiator};
use twinlock::identity::{SignatureAlgorithm, StaticKey};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Bundle, Error, Fingerprint, Identity, Suite};

pub struct World {
    /// When it is, in seconds since 1970.
    pub now: u64,
    pub prologue: Vec<u8>,
    identities: Vec<(String, Identity)>,
    /// Of the suites of this build.
    pub keys: Vec<(String, Arc<StaticKey>)>,
    pub records: Vec<Record>,
    /// Pre-shared keys under which some of them stand.
    pub psks: Vec<[u8; 32]>,
    pub cases: Vec<Case>,
    /// Bundles that are none, some with a good signature over what is wrong.
    pub bad_bundles: Vec<Vec<u8>>,
}

/// What both sides keep of one conversation.
pub struct Record {
    pub name: String,
    pub opener: Arc<Resumption>,
    pub answerer: Arc<Resumption>,
}

/// A handshake of the vectors.
pub struct Case {
    pub suite: Suite,
    psk: Option<[u8; 32]>,
    how: How,
    initiator_random: Vec<u8>,
    pub payloads: Vec<Vec<u8>>,
    pub messages: Vec<Vec<u8>>,
    pub handshake_hash: Vec<u8>,
    /// After message 1, and after message 2.
    states: Vec<Symmetric>,
}

enum How {
    /// By these two: mine, and the peer's.
    Ik(Arc<StaticKey>, Arc<StaticKey>),
    Resume(Arc<Resumption>),
}

/// An initiator that awaits message 2.
pub enum Waiting {
    Acquainted(AcquaintedAwaitsReply),
    Resume(ResumeAwaitsReply),
}

pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::read)
}

/// Made once, from coins that are no secret.
pub fn decoys() -> &'static Arc<Decoys> {
    static DECOYS: OnceLock<Arc<Decoys>> = OnceLock::new();
    DECOYS.get_or_init(|| Arc::new(Decoys::generate_with_rng(&mut crate::rng::Seeded::new(0xDEC0)).expect("a good generator")))
}

/// Section 6.8: by which a record remembers the pre-shared key.
pub fn psk_tag(suite: Suite, psk: &[u8; 32]) -> Vec<u8> {
    let mut padded = vec![0; if suite == Suite::Level5Aes { 64 } else { 32 }];
    padded[..32].copy_from_slice(psk);
    expand(suite, &padded, b"tl1 psk tag", 32)
}

pub fn psk(bytes: &[u8; 32]) -> Psk {
    Psk::take(&mut { *bytes })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn suite(value: &Value) -> Option<Suite> {
    Suite::from_id(value["suite"].as_u64().unwrap_or(1) as u16).ok()
}

fn array(value: &Value) -> [u8; 32] {
    unhex(value).try_into().expect("32 bytes")
}

impl World {
    fn read() -> Self {
        let file = |text| serde_json::from_str::<Value>(text).expect("JSON");
        let (vectors, people) =
            (file(include_str!("../../tests/vectors/acquaintances.json")), file(include_str!("../../tests/vectors/identity.json")));
        let now = vectors["now"].as_u64().expect("a number");
        let identities = list(&people["identities"]).iter().map(|one| (text(&one["name"]).to_owned(), identity(one))).collect();
        let here = |name: &str| list(&vectors[name]).iter().filter(|case| suite(case).is_some()).collect::<Vec<_>>();
        let mut world = Self {
            now,
            prologue: b"example/1".to_vec(),
            identities,
            keys: here("bundles").into_iter().map(|case| (text(&case["name"]).to_owned(), static_key(case))).collect(),
            records: Vec::new(),
            psks: Vec::new(),
            cases: Vec::new(),
            bad_bundles: Vec::new(),
        };
        world.records = here("resumption_records").into_iter().map(|case| world.record(case)).collect();
        world.cases = here("handshakes").into_iter().map(|case| world.case(case)).collect();
        world.psks = world.cases.iter().filter_map(|case| case.psk).collect();
        world.psks.sort_unstable();
        world.psks.dedup();
        world.bad_bundles =
            here("bundles_refused").into_iter().filter(|case| case.get("asked_for").is_none()).map(|case| world.bad(case)).collect();
        world
    }

    pub fn identity(&self, name: &str) -> &Identity {
        self.identities.iter().find(|(of, _)| of == name).map(|(_, identity)| identity).expect("an identity of the vectors")
    }

    pub fn key(&self, name: &str) -> &Arc<StaticKey> {
        self.keys.iter().find(|(of, _)| of == name).map(|(_, key)| key).expect("a static key of the vectors")
    }

    /// `alice`, `bob`, `alice older`, `bob older` in this suite.
    pub fn key_in(&self, suite: Suite, who: &str) -> &Arc<StaticKey> {
        self.key(&format!("{:#06x} {who}", suite.id()))
    }

    /// By section 6.8: the encoding of `Resumption::to_secret_bytes`, whose reader has a target of its own.
    fn record(&self, case: &Value) -> Record {
        let [opener, answerer] = [Role::Opener, Role::Answerer].map(|role| {
            let (me, peer) = match role {
                Role::Opener => (&case["initiator"], &case["responder"]),
                Role::Answerer => (&case["responder"], &case["initiator"]),
            };
            let peer = Fingerprint::from_bytes(array(peer));
            let key = self.identities.iter().find(|(_, one)| one.fingerprint() == peer).map(|(_, one)| one.public());
            let key = key.map(|key| key.as_bytes().to_vec()).unwrap_or_default();
            let tag = case["psk_tag"].is_string().then(|| unhex(&case["psk_tag"]));
            let bytes = [
                vec![1, u8::from(role == Role::Answerer)],
                suite(case).expect("of this build").id().to_be_bytes().to_vec(),
                unhex(&case["id"]),
                unhex(&case["psk"]),
                case["not_after"].as_u64().expect("a number").to_be_bytes().to_vec(),
                unhex(me),
                vec![u8::from(tag.is_some())],
                tag.unwrap_or_else(|| vec![0; 32]),
                (key.len() as u16).to_be_bytes().to_vec(),
                key,
                unhex(&case["prologue"]),
            ];
            Arc::new(Resumption::from_secret_bytes(&bytes.concat()).expect("a record of the vectors"))
        });
        Record { name: text(&case["name"]).to_owned(), opener, answerer }
    }

    fn case(&self, case: &Value) -> Case {
        let suite = suite(case).expect("of this build");
        let how = if case["pattern"] == "resume" {
            let record = self.records.iter().find(|record| record.name == text(&case["record"])).expect("a record of the vectors");
            How::Resume(Arc::clone(&record.opener))
        } else {
            How::Ik(Arc::clone(self.key(text(&case["initiator_static"]))), Arc::clone(self.key(text(&case["responder_bundle"]))))
        };
        let all = |name: &str| list(&case[name]).iter().map(unhex).collect::<Vec<_>>();
        Case {
            suite,
            psk: case["psk"].is_string().then(|| array(&case["psk"])),
            how,
            initiator_random: unhex(&case["initiator_random"]),
            payloads: all("payloads"),
            messages: all("messages"),
            handshake_hash: unhex(&case["handshake_hash"]),
            states: list(&case["states"]).iter().map(|state| read_state(suite, state)).collect(),
        }
    }

    fn bad(&self, case: &Value) -> Vec<u8> {
        let mut bytes = self.key(text(&case["case"])).bundle().as_bytes().to_vec();
        if let Some(replace) = case.get("replace") {
            let (at, replace) = (case["offset"].as_u64().expect("a number") as usize, unhex(replace));
            bytes[at..at + replace.len()].copy_from_slice(&replace);
        }
        bytes.truncate(bytes.len() - case["cut"].as_u64().unwrap_or_default() as usize);
        bytes.extend(case.get("append").map(unhex).unwrap_or_default());
        bytes
    }
}

fn identity(case: &Value) -> Identity {
    let algorithm = if case["signature"] == 2 { SignatureAlgorithm::MlDsa87P384 } else { SignatureAlgorithm::MlDsa65Ed25519 };
    Identity::from_secret_bytes(algorithm, &unhex(&case["secret"])).expect("an identity of the vectors")
}

fn static_key(case: &Value) -> Arc<StaticKey> {
    let bytes = [unhex(&case["static"]), unhex(&case["bundle"])].concat();
    Arc::new(StaticKey::from_secret_bytes(&bytes).expect("a static key of the vectors"))
}

impl Case {
    pub fn is_resume(&self) -> bool {
        matches!(self.how, How::Resume(_))
    }

    /// Who answers; nobody where the record remembers none.
    pub fn responder(&self) -> Option<Fingerprint> {
        match &self.how {
            How::Ik(_, theirs) => Some(theirs.bundle().fingerprint()),
            How::Resume(record) => record.peer().copied(),
        }
    }

    /// The initiator has sent message 1.
    pub fn waiting(&self) -> Waiting {
        let (world, rng) = (world(), &mut Coins::new(self.initiator_random.clone()));
        let psk = self.psk.as_ref().map(psk);
        let (waiting, hello) = match &self.how {
            How::Ik(mine, theirs) => {
                let opened = AcquaintedInitiator::new(mine, theirs.bundle(), &world.prologue, world.now);
                let opened = psk.iter().fold(opened, AcquaintedInitiator::psk);
                let (waiting, hello) = opened.send_hello_with_rng(rng).expect("good arguments");
                (Waiting::Acquainted(waiting), hello)
            }
            How::Resume(record) => {
                let opened = ResumeInitiator::new(Arc::clone(record), &world.prologue).with_early_data(self.payloads[0].clone().into());
                let judged = psk.iter().fold(opened, ResumeInitiator::psk).judge(&mut TrustAnyone).expect("anybody");
                let (waiting, hello) = judged.send_hello_with_rng(&mut Gone, world.now, rng).expect("good arguments");
                (Waiting::Resume(waiting), hello)
            }
        };
        assert!(hello == self.messages[0], "message 1 is another one than the vectors'");
        waiting
    }

    /// Message 2 of `resume` before its payload: status and ciphertext in clear, and the state after them.
    pub fn before_payload(&self) -> (Vec<u8>, Symmetric) {
        let clear = self.messages[1][2..3 + self.suite.ciphertext_len()].to_vec();
        let mut state = Symmetric { h: self.states[0].h.clone(), n: 0, ..self.states[1].clone() };
        state.mix_hash(&clear[..1]);
        state.mix_hash(&clear[1..]);
        (clear, state)
    }

    /// Where the fields of message 2 begin, in its frame.
    pub fn borders(&self) -> Vec<usize> {
        let ct = self.suite.ciphertext_len();
        let mut borders = vec![0, 2, 3, 3 + ct];
        if !self.is_resume() {
            borders.push(3 + ct + ct + 16);
        }
        borders.push(self.messages[1].len());
        borders
    }
}

/// A store that lets go of whatever it is asked to, and has nothing.
pub struct Gone;

impl AddressBook for Gone {
    fn static_keys(&self, _: Suite, _: u64) -> Result<Vec<Arc<StaticKey>>, Error> {
        Ok(Vec::new())
    }

    fn acquaintance(&self, _: Suite, _: &[u8; 32], _: u64) -> Result<Option<Arc<Bundle>>, Error> {
        Ok(None)
    }

    fn resumption(&self, _: Role, _: &[u8; 16], _: u64) -> Result<Option<Arc<Resumption>>, Error> {
        Ok(None)
    }

    fn remove(&mut self, _: Role, _: &[u8; 16], _: u64) -> Result<bool, Error> {
        Ok(true)
    }
}
