"""Keeps a Book of acquaintances.py in a JSON file, for talk.py. Secrets stand in it as they are: it is for tests."""

import json
import os
import pathlib

import acquaintances as aq
import twinlock as tl


def static_entry(static):
    return {"secret": static.secret.hex(), "bundle": static.bundle.body.hex()}


def record_entry(record):
    return {"role": record.role, "id": record.id.hex(), "psk": record.psk.hex(), "suite": record.suite.id, "prologue": record.prologue.hex(),
            "initiator": record.initiator.hex(), "responder": record.responder.hex(), "not_after": record.not_after,
            "psk_tag": record.psk_tag and record.psk_tag.hex()}


def static_from(entry):
    return aq.StaticKey(bytes.fromhex(entry["secret"]), bundle_from(entry["bundle"]))


def bundle_from(text):
    return tl.bundle_read(bytes.fromhex(text), tuple(tl.SUITES))


def record_from(entry):
    names = ("id", "psk", "prologue", "initiator", "responder")
    tag = entry["psk_tag"] and bytes.fromhex(entry["psk_tag"])
    return aq.Resumption(role=entry["role"], suite=tl.SUITES[entry["suite"]], not_after=entry["not_after"], psk_tag=tag,
                         **{name: bytes.fromhex(entry[name]) for name in names})


class FileBook(aq.Book):
    """Written after every change, before the call that changed it returns. Without a path it is kept in memory alone."""

    def __init__(self, path=None):
        super().__init__()
        self._path = path and pathlib.Path(path)
        if self._path and self._path.exists():
            self._read(json.loads(self._path.read_text(encoding="ascii")))

    def _read(self, state):
        self.statics = [static_from(entry) for entry in state["statics"]]
        for bundle in map(bundle_from, state["bundles"]):
            self.bundles[bundle.fingerprint, bundle.suite.id] = bundle
        for fingerprint, suite, reference in state["delivered"]:
            super().mark_delivered(bytes.fromhex(fingerprint), tl.SUITES[suite], bytes.fromhex(reference))
        for record in map(record_from, state["records"]):
            self.records[record.role, record.id] = record
        self.removed = {(role, bytes.fromhex(number)): (not_after, reported) for role, number, not_after, reported in state["removed"]}
        self.latest = state["latest"]

    def _state(self):
        delivered = [[fingerprint.hex(), suite, reference.hex()] for (fingerprint, suite), references in self.delivered.items()
                     for reference in sorted(references)]
        removed = [[role, number.hex(), *entry] for (role, number), entry in self.removed.items()]
        return {"statics": list(map(static_entry, self.statics)), "bundles": [bundle.body.hex() for bundle in self.bundles.values()],
                "delivered": delivered, "records": list(map(record_entry, self.records.values())), "removed": removed, "latest": self.latest}

    def save(self):
        if not self._path:
            return
        beside = self._path.with_name(self._path.name + ".new")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            json.dump(self._state(), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self._path)

    def _saving(name):
        def method(self, *arguments, **options):
            result = getattr(super(FileBook, self), name)(*arguments, **options)
            self.save()
            return result
        return method

    add_static, take, mark_delivered, keep, remove = map(_saving, ("add_static", "take", "mark_delivered", "keep", "remove"))
