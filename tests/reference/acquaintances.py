"""What acquaintances keep of each other, and the handshakes with it: IK, IKpsk0 and resume (docs/protocol.md, sections 4.6, 6.7, 6.8).

It stands beside twinlock.py, which has the rest of the protocol: bundles themselves, the symmetric state, the channel. As there nothing
here reads a clock: whoever calls says what time it is, in seconds since 1970-01-01 UTC.
"""

import secrets
from dataclasses import dataclass

import twinlock as tl

LABEL_RESUME_ID = b"tl1 resume id"
LABEL_RESUME_PSK = b"tl1 resume psk"
LABEL_PSK_TAG = b"tl1 psk tag"

CLOCK_BEHIND = 86_400
RESUMPTION_SECONDS = 604_800
NO_IDENTITY = bytes(32)
CONFIRM = tl.record_plaintext(tl.Type.CONFIRM, b"")

# ---------------------------------------------------------------------------------------------------------------------------------
# 4.6 Static keys of one's own


@dataclass(frozen=True)
class StaticKey:
    """`secret` is the seed; in 0x7E03 Kyber's secret key and X25519's, 2,432 bytes."""

    secret: bytes
    bundle: tl.Bundle

    def __post_init__(self):
        if self.key().ek != self.bundle.ek:
            raise tl.Malformed("static key: of another bundle")

    def key(self):
        return self.bundle.suite.kem.key(self.secret)


def static_key_make(suite, identity, not_before, not_after, random=secrets.token_bytes):
    """Draws for the KEM key pair, then for the signature."""
    suite = tl.find_suite(suite)
    key = suite.kem.generate(random)
    return StaticKey(key.secret, tl.bundle_make(suite, identity, key.ek, not_before, not_after, random))


# ---------------------------------------------------------------------------------------------------------------------------------
# 6.8 Resumption records


def psk_tag(suite, psk):
    return suite.hash.expand(psk.ljust(suite.hash.size, b"\0"), LABEL_PSK_TAG, 32)


@dataclass(frozen=True)
class Resumption:
    """`role` is the own one in the conversation before; `initiator` and `responder` are fingerprints of 32 bytes."""

    role: str
    id: bytes
    psk: bytes
    suite: tl.Suite
    prologue: bytes
    initiator: bytes
    responder: bytes
    not_after: int
    psk_tag: bytes

    @property
    def me(self):
        return remembered(self.initiator if self.role == "initiator" else self.responder)

    @property
    def peer(self):
        return remembered(self.responder if self.role == "initiator" else self.initiator)

    def fits(self, suite, prologue, psks, now):
        """Whether it may be used under this configuration."""
        tags = [psk_tag(suite, psk) for psk in psks] or [None]
        return self.suite is suite and self.prologue == prologue and self.psk_tag in tags and now < self.not_after


def remembered(fingerprint):
    return None if fingerprint == NO_IDENTITY else tl.Remembered(fingerprint)


def fingerprint_or_zero(who):
    return who.fingerprint() if who else NO_IDENTITY


def resumption_of(session, now):
    """What either side keeps of a conversation that has begun, its peer accepted."""
    suite, before = session.suite, session.resumed
    sides = fingerprint_or_zero(session.me), fingerprint_or_zero(session.peer)
    if session.role == "responder":
        sides = sides[::-1]
    if before:
        not_after, tag = before.not_after, before.psk_tag
    else:
        not_after, tag = now + RESUMPTION_SECONDS, psk_tag(suite, session.psk) if session.psk else None
    return Resumption(session.role, suite.hash.expand(session.resume, LABEL_RESUME_ID, 16),
                      suite.hash.expand(session.resume, LABEL_RESUME_PSK, 32), suite, session.prologue, *sides, not_after, tag)


# ---------------------------------------------------------------------------------------------------------------------------------
# 4.6 and 6.8: what is kept


class Book:
    """Keeps static keys, bundles and resumption records, in memory. Its `reports` are for its owner."""

    def __init__(self):
        self.statics, self.bundles, self.delivered = [], {}, {}
        self.records, self.removed, self.reports = {}, {}, []
        self.latest = None

    # The clock

    def clock_is_good(self, now):
        """Remembers the latest time that it was told."""
        if self.latest is not None and now < self.latest - CLOCK_BEHIND:
            return False
        self.latest = max(self.latest or 0, now)
        return True

    def clock_is_right(self):
        """The owner says so."""
        self.latest = None

    def _check_clock(self, now):
        if not self.clock_is_good(now):
            raise tl.NotTaken("the clock is behind")

    # Bundles

    def issue(self, suite, identity, not_before, not_after, random=secrets.token_bytes):
        """A new static key of one's own. Each has a later not-before than the one before; two are kept in a suite."""
        suite = tl.find_suite(suite)
        of_suite = [static for static in self.statics if static.bundle.suite is suite]
        if any(not_before <= static.bundle.not_before for static in of_suite):
            raise tl.Misuse("a new static key has a later not-before")
        static = static_key_make(suite.id, identity, not_before, not_after, random)
        self.add_static(static)
        return static

    def add_static(self, static):
        suite = static.bundle.suite
        of_suite = sorted((s for s in (*self.statics, static) if s.bundle.suite is suite), key=lambda s: -s.bundle.not_before)
        self.statics = [s for s in self.statics if s.bundle.suite is not suite] + of_suite[:2]

    def static_keys(self, suite, now):
        """Those of one's own that are valid, newer first. They are judged by this time alone."""
        return [static for static in self.statics if static.bundle.suite is suite and static.bundle.is_valid(now)]

    def take(self, bundle, now):
        """Keeps the bundle of an acquaintance; returns whether it is a new one, or raises NotTaken."""
        self._check_clock(now)
        if not bundle.is_valid(now):
            raise tl.NotTaken("the bundle is not valid now")
        kept = self.bundles.get((bundle.fingerprint, bundle.suite.id))
        if kept and bundle.not_before == kept.not_before and bundle.unsigned == kept.unsigned:
            return False
        if kept and bundle.not_before <= kept.not_before:
            raise tl.NotTaken("a newer bundle is kept, or another with this not-before")
        self.bundles[bundle.fingerprint, bundle.suite.id] = bundle
        return True

    def bundle_of(self, fingerprint, suite, now):
        """The one that is kept, if it is valid."""
        bundle = self.bundles.get((fingerprint, suite.id))
        return bundle if bundle and self.clock_is_good(now) and bundle.is_valid(now) else None

    def acquaintance(self, suite, reference, now):
        """The bundle of this reference. (In constant time in an implementation that is used.)"""
        good = self.clock_is_good(now)
        found = [b for b in self.bundles.values() if b.suite is suite and b.reference == reference and b.is_valid(now)]
        return found[0] if good and found else None

    def mark_delivered(self, fingerprint, suite, reference):
        self.delivered.setdefault((fingerprint, suite.id), set()).add(reference)

    def delivered_static(self, fingerprint, suite, now):
        """The newest valid one that this peer has, or None."""
        references = self.delivered.get((fingerprint, suite.id), ())
        return next((static for static in self.static_keys(suite, now) if static.bundle.reference in references), None)

    # Resumption records

    def keep(self, record, now):
        self._check_clock(now)
        self.records[record.role, record.id] = record

    def record(self, role, number, now):
        """The record of this id and role, or None. An id that was used before is reported, once."""
        if not self.clock_is_good(now):
            return None
        self._forget_ended(now)
        if (role, number) in self.removed:
            self._report(role, number)
        return self.records.get((role, number))

    def _forget_ended(self, now):
        self.records = {key: record for key, record in self.records.items() if now < record.not_after}
        self.removed = {key: entry for key, entry in self.removed.items() if now < entry[0]}

    def _report(self, role, number):
        not_after, reported = self.removed[role, number]
        if not reported:
            self.removed[role, number] = not_after, True
            self.reports.append(number)

    def newest_record(self, fingerprint, suite, now):
        """The one that an initiator of this peer would use: of those the one that lasts longest."""
        records = [r for r in self.records.values() if r.role == "initiator" and r.suite is suite and r.responder == fingerprint]
        return max(records, key=lambda record: record.not_after, default=None) if self.clock_is_good(now) else None

    def remove(self, role, number):
        """Whether it was this call that removed the record."""
        record = self.records.pop((role, number), None)
        if record:
            self.removed[role, number] = record.not_after, False
        return record is not None


class Decoys:
    """What a responder works with where it has nothing: made at start-up, of every suite, and held by nobody else."""

    def __init__(self, suites, random=secrets.token_bytes):
        self.psk = random(32)
        self.bundles, self.static_keys = {}, {}
        for suite in map(tl.find_suite, suites):
            self.bundles[suite] = self._unsigned(suite, suite.kem.generate(random).ek, random)
            key = suite.kem.generate(random)
            self.static_keys[suite] = DecoyStatic(key, self._unsigned(suite, key.ek, random))

    @staticmethod
    def _unsigned(suite, ek, random):
        public = tl.Identity.generate(random, suite.signature).public
        return tl.Bundle(suite, public, ek, 0, 0, tl.bundle_unsigned(suite, public, ek, 0, 0))


class DecoyStatic:
    def __init__(self, key, bundle):
        self._key, self.bundle = key, bundle

    def key(self):
        return self._key


# ---------------------------------------------------------------------------------------------------------------------------------
# 6.7 IK: tokens that both sides write and read


def encapsulate_in_clear(state, suite, ek, random):
    """The sender's `ekem`."""
    ct, ss = suite.kem.encapsulate(ek, random)
    state.mix_hash(ct)
    state.mix_key(ss)
    return ct


def encapsulate_to_static(state, suite, ek, random):
    """The sender's `skem`."""
    ct, ss = suite.kem.encapsulate(ek, random)
    sealed = state.encrypt_and_hash(ct)
    state.mix_key_and_hash(ss)
    return sealed


def decapsulate_in_clear(state, suite, cursor, key):
    ct = cursor.take(suite.kem.ct_size)
    state.mix_hash(ct)
    state.mix_key(key.decapsulate(ct))


def decapsulate_with_static(state, suite, cursor, key):
    sealed_size = suite.kem.ct_size + (tl.TAG if state.k is not None else 0)
    ct = state.decrypt_and_hash(cursor.take(sealed_size))
    state.mix_key_and_hash(key.decapsulate(ct))


def mix_ephemeral(state, ek, psk):
    """The tokens `psk`, if there is one, and `e`."""
    if psk is not None:
        state.mix_key_and_hash(psk)
    state.mix_hash(ek)
    if psk is not None:
        state.mix_key(ek)


class OneRoundTripInitiator(tl.Handshake):
    """What the initiators of IK and resume share: message 2 up to and with `ekem`."""

    role, peer_role = "initiator", "responder"

    def length_allowed(self, length):
        least, greatest = tl.body_bounds(self.suite, self.pattern, 2)
        return length == 1 or least <= length <= greatest

    def _used_prologue(self):
        return self._prologue

    def _read_ekem(self, frame):
        self._begin(2)
        body = tl.from_frame(frame)
        if len(body) == 1 and body[0] != 0:
            raise tl.Refused(body[0])
        tl.check_bounds(body, self.suite, self.pattern, 2)
        cursor = tl.Cursor(body)
        status = cursor.take(1)
        if status != b"\0":
            raise tl.Malformed("message 2: a refusal with more bytes")
        self._state.mix_hash(status)
        decapsulate_in_clear(self._state, self.suite, cursor, self._ephemeral)
        self._ephemeral = None
        return cursor


class AcquaintedInitiator(OneRoundTripInitiator):
    """`own` is the StaticKey whose bundle was delivered to the peer, `bundle` the peer's. `acceptable(public_identity) -> bool`."""

    def __init__(self, prologue, acceptable, own, bundle, now, psk=None, random=secrets.token_bytes, on_message=None):
        super().__init__(random, on_message)
        if own.bundle.suite is not bundle.suite:
            raise tl.Misuse("bundles of two suites")
        if not own.bundle.is_valid(now) or not bundle.is_valid(now):
            raise tl.Misuse("a bundle is not valid now")
        if psk is not None and len(psk) != 32:
            raise tl.Misuse("a pre-shared key has 32 bytes")
        self.suite = bundle.suite
        self.pattern = "IK" if psk is None else "IKpsk0"
        self._prologue, self._acceptable, self._own, self._bundle = prologue, acceptable, own, bundle
        self._psk = self._used_psk = psk

    def _me(self):
        return self._own.bundle.identity

    def write_1(self):
        self._begin(1)
        state = self._state = tl.start(self.suite, self.pattern, self._prologue)
        state.mix_hash(self._bundle.unsigned)
        self._ephemeral = self.suite.kem.generate(self._random)
        mix_ephemeral(state, self._ephemeral.ek, self._psk)
        body = tl.header(self.suite, self.pattern) + self._ephemeral.ek
        body += encapsulate_to_static(state, self.suite, self._bundle.ek, self._random)
        body += state.encrypt_and_hash(self._own.bundle.reference)
        body += state.encrypt_and_hash(b"")
        self._done(1)
        return tl.to_frame(body)

    def read_2(self, frame):
        """Returns the payload. Raises Refused, Malformed, Failed, or NotAcceptable."""
        cursor = self._read_ekem(frame)
        decapsulate_with_static(self._state, self.suite, cursor, self._own.key())
        self._state.mix_hash(self._own.bundle.unsigned)
        payload = self._read_payload(cursor)
        if not self._acceptable(self._bundle.identity):
            raise tl.NotAcceptable()
        self.peer = self._bundle.identity
        if self._on_message:
            self._on_message(self._state)
        self._next = 3
        return payload

    def write_3(self):
        """The `Confirm`, which is sent at once."""
        self._begin(3)
        self.session = self._session()
        return tl.Direction(self.suite, self.session.i2r).seal(CONFIRM)


# ---------------------------------------------------------------------------------------------------------------------------------
# 6.8 resume, initiator


class ResumeInitiator(OneRoundTripInitiator):
    """Judges the peer, then takes the record out of `book`. `psk` is the pre-shared key that is configured now, or None."""

    pattern = "resume"

    def __init__(self, book, record, prologue, suite, acceptable, now, psk=None, random=secrets.token_bytes, on_message=None):
        super().__init__(random, on_message)
        self.suite = tl.find_suite(suite)
        if record.role != "initiator" or not record.fits(self.suite, prologue, () if psk is None else (psk,), now):
            raise tl.Misuse("the record does not fit")
        if not acceptable(record.peer):
            raise tl.NotAcceptable()
        if not book.clock_is_good(now) or not book.remove("initiator", record.id):
            raise tl.Misuse("the record is gone, or the clock is behind")
        self._record, self._prologue, self.peer = record, prologue, record.peer

    def _me(self):
        return self._record.me

    def write_1(self, early_data=b""):
        self._begin(1)
        self._state = start_resume(self.suite, self._prologue, self._record.id, self._record.initiator, self._record.responder)
        self._ephemeral = self.suite.kem.generate(self._random)
        mix_ephemeral(self._state, self._ephemeral.ek, self._record.psk)
        body = tl.header(self.suite, self.pattern, self._record.id) + self._ephemeral.ek + self._write_payload(early_data)
        self._done(1)
        return tl.to_frame(body)

    def read_2(self, frame):
        payload = self._read_payload(self._read_ekem(frame))
        self._done(2)
        self.session.resumed = self._record
        return payload


def start_resume(suite, prologue, number, initiator, responder):
    """Section 5.3 with `ids`."""
    state = tl.start(suite, "resume", prologue, number)
    state.mix_hash(initiator)
    state.mix_hash(responder)
    return state


# ---------------------------------------------------------------------------------------------------------------------------------
# The responder of every pattern


class Responder(tl.Responder):
    """`early_data` says whether the application asked for it. `removed` tells whether this handshake has used up a record.

    In IK there is a session, and a peer is named, only after `read_3`, which reads the Confirm.
    """

    def __init__(self, config, book, now, decoys, early_data=False, random=secrets.token_bytes, on_message=None):
        super().__init__(config, random, on_message)
        self._book, self._now, self._decoys, self._early_data = book, now, decoys, early_data
        self._record = None
        self.removed = False
        self.decoy = False

    def length_allowed(self, length):
        if tl.is_acquainted(self.pattern or ""):
            return length == len(CONFIRM) + tl.TAG
        return super().length_allowed(length)

    def _me(self):
        if self._record:
            return self._record.me
        return self._static.bundle.identity if tl.is_acquainted(self.pattern) else super()._me()

    def _read_rest_1(self, sealed):
        if tl.is_acquainted(self.pattern):
            return self._read_acquainted(sealed)
        return self._read_resume(sealed) if self.pattern == "resume" else super()._read_rest_1(sealed)

    # 6.7

    def _read_acquainted(self, sealed):
        statics = self._book.static_keys(self.suite, self._now) or [self._decoys.static_keys[self.suite]]
        for static in statics:
            for psk in self._config.psks or (None,):
                try:
                    reference = self._try_message_1(static, psk, sealed)
                except tl.Failed:
                    continue
                self._static, self._used_psk = static, psk
                bundle = self._book.acquaintance(self.suite, reference, self._now)
                self.decoy = bundle is None
                self._peer_bundle = bundle or self._decoys.bundles[self.suite]
                self._done(1)
                return b""
        self._refuse(5)

    def _try_message_1(self, static, psk, sealed):
        """The transcript from `rb`. Returns the reference."""
        state = self._state = tl.start(self.suite, self.pattern, self._config.prologue)
        state.mix_hash(static.bundle.unsigned)
        mix_ephemeral(state, self._peer_ek, psk)
        cursor = tl.Cursor(sealed)
        decapsulate_with_static(state, self.suite, cursor, static.key())
        reference = state.decrypt_and_hash(cursor.take(tl.REFERENCE_SIZE + tl.TAG))
        state.decrypt_and_hash(cursor.rest())
        return reference

    # 6.8

    def _read_resume(self, sealed):
        number = self._header[tl.HEADER_SIZE:]
        record = self._book.record("responder", number, self._now)
        if record and not self._fits(record):
            record = None
        psk, sides = (record.psk, (record.initiator, record.responder)) if record else (self._decoys.psk, (NO_IDENTITY, NO_IDENTITY))
        self._state = start_resume(self.suite, self._config.prologue, number, *sides)
        mix_ephemeral(self._state, self._peer_ek, psk)
        try:
            payload = self._state.decrypt_and_hash(sealed)
        except tl.Failed:
            self._refuse(5)
        self.removed = self._book.remove("responder", number)
        if not self.removed:
            self._refuse(5)
        if not self._config.acceptable(record.peer):
            raise tl.NotAcceptable(b"" if self._config.psks else self.refusal())
        if payload and not self._early_data:
            self._refuse(5)
        self._record, self.peer = record, record.peer
        self._done(1)
        return payload

    def _fits(self, record):
        me = self._config.identity(self.suite).public.fingerprint()
        return record.responder == me and record.fits(self.suite, self._config.prologue, self._config.psks, self._now)

    # Message 2, and Confirm

    def write_2(self, payload=b""):
        if self.pattern in tl.SIGNED_PATTERNS:
            return super().write_2(payload)
        self._begin(2)
        self._state.mix_hash(b"\0")
        try:
            body = b"\0" + encapsulate_in_clear(self._state, self.suite, self._peer_ek, self._random)
            if tl.is_acquainted(self.pattern):
                body += encapsulate_to_static(self._state, self.suite, self._peer_bundle.ek, self._random)
                self._state.mix_hash(self._peer_bundle.unsigned)
        except tl.Failed as error:
            raise tl.Declined(b"", str(error)) from None
        body += self._write_payload(payload)
        if self._record:
            self._done(2)
            self.session.resumed = self._record
        else:
            if self._on_message:
                self._on_message(self._state)
            self._next = 3
        return tl.to_frame(body)

    def read_3(self, frame):
        """In IK the Confirm. NotAcceptable carries the Close record to send."""
        if not tl.is_acquainted(self.pattern):
            return super().read_3(frame)
        self._begin(3)
        self.peer = self._peer_bundle.identity
        session = self._session()
        if len(frame) != 2 + len(CONFIRM) + tl.TAG or int.from_bytes(frame[:2], "big") != len(frame) - 2:
            raise tl.Failed()
        if tl.Direction(self.suite, session.i2r).unseal(frame) != CONFIRM:
            raise tl.Failed()
        if not self._config.acceptable(self.peer):
            raise tl.NotAcceptable(session.channel().close(tl.CLOSE_REFUSED))
        self.session = session
        return b""
