"""Makes the Verifpal models of the handshakes out of handshake.in, one a scenario, and names what each query stands for."""
import re
from pathlib import Path

from templates import fill

HERE = Path(__file__).parent


def words(flags):
    """What stands in each slot: the protocol's own, or what a control has in its place."""
    def combined(side):
        if "only_mlkem" in flags:
            return f"ssm_{side}"
        return f"ssx_{side}" if "only_x25519" in flags else f"ssm_{side}, ssx_{side}, gy, gx"
    last = "h8" if "xx" in flags else "h5"
    w = {
        "attacker": "passive" if "passive" in flags else "active",
        "hash1": "proto, ek, gx" if "no_prologue" in flags else "proto, pro, ek, gx",
        "l_back": "l_i2r" if "one_key" in flags else "l_r2i",
        "peer_m": "pvm" if "eve" in flags else "vrm",
        "peer_e": "pve" if "eve" in flags else "vre",
    }
    for side in "ir":
        w[f"combine_{side}"] = combined(side)
        w[f"salt_{side}"] = f"cb_{side}" if "psk" in flags else "proto"
        w[f"last_{side}"] = "nil" if "no_h" in flags else f"{last}_{side}"
    return w


def queries(flags):
    """(claim, query) in the order of the result code's letters."""
    if "hide_i" in flags:
        return [("hiding", "confidentiality? vim")]
    if "hide_r" in flags:
        return [("hiding", "confidentiality? vrm")]
    if "exporter" in flags:
        return [("exporter", "equivalence? rob_view, my_view")]
    if "leak_r" in flags:
        return [("kci", "authentication? Ida -> Rob: c3"), ("kci", "confidentiality? ex_r")]
    if "leak_i" in flags:
        return [("kci", "authentication? Rob -> Ida: c2"), ("kci", "confidentiality? p3"), ("kci", "confidentiality? ex_i")]
    xx = "xx" in flags
    if "views" in flags:
        told = [("uks", "equivalence? told_pro, my_pro")] + ([("uks", "equivalence? told_m, vim"), ("uks", "equivalence? told_e, vie")] if xx else [])
        return ([("uks", "confidentiality? p3")] if xx else []) + [("uks", "confidentiality? a"), ("uks", "authentication? Rob -> Ida: rb")] + told
    records = "records" in flags
    accepted = "[ precondition[ Ida -> Rob: " + ("c3" if xx else "ra" if records else "done") + " ] ]"    # Ida found message 2 good
    q = [("psk", "confidentiality? p1"), ("psk", "authentication? Ida -> Rob: c1")] if "psk" in flags and "leak_psk" not in flags else []
    q += [("secrecy", "confidentiality? p2" + accepted), ("secrecy", "confidentiality? ex_i"), ("agreement", "authentication? Rob -> Ida: c2")]
    q += [("secrecy", "confidentiality? p3"), ("agreement", "authentication? Ida -> Rob: c3"), ("agreement", "equivalence? ms_i, ms_r")] if xx else []
    if records:
        q += [("secrecy", "confidentiality? a"), ("secrecy", "confidentiality? b" + ("" if xx else accepted)), ("agreement", "authentication? Rob -> Ida: rb")]
        q += [("agreement", "authentication? Ida -> Rob: ra")] if xx else []
    return q


LATER = {
    "": "",
    "identities": (["im", "ie"], ["rm", "re"]),
    "x25519": (["im", "ie", "x"], ["rm", "re", "y"]),
    "mlkem": (["im", "ie", "d"], ["rm", "re", "r"]),
    "both": (["x", "d"], ["y", "r"]),
}


def phases(later, xx):
    if not later:
        return ""
    mine, theirs = LATER[later]
    mine = [n for n in mine if xx or n not in ("im", "ie")]
    ida = f"principal Ida[leaks {', '.join(mine)}]\n" if mine else ""
    return f"phase[1]\n\n{ida}principal Rob[leaks {', '.join(theirs)}]\n"


def handshake(flags, later=""):
    w = words(flags)
    w["phases"] = phases(later, "xx" in flags)
    w["scenarios"] = "scenarios[\n\tIda[pvm = vrm, pve = vre]\n\tIda[pvm = vem, pve = vee]\n]\n" if "eve" in flags else ""
    w["queries"] = "\n".join("\t" + q for _, q in queries(flags))
    text = fill(HERE / "handshake.in", flags, w)
    if "self" in flags:
        for name in ("im", "ie", "vim", "vie"):
            text = re.sub(rf"\b{name}\b", name.replace("i", "r", 1), text)
    return text


def channel_queries(flags):
    q = [("rekey", "confidentiality? m0")]
    q += [("rekey", "confidentiality? m1")] if "sent" in flags else []
    q += [("rekey", "confidentiality? m2")] if "later" not in flags else []
    if "passive" not in flags:
        q += [("rekey", f"authentication? Ann -> Ben: {c}") for c in (["r0"] + (["r1"] if "sent" in flags else []) + ["r2"])]
        q += [("rekey", "authentication? Ben -> Ann: offer"), ("rekey", "equivalence? ca2, cb2")]
    return q


def channel(flags):
    w = {"attacker": "passive" if "passive" in flags else "active",
         "queries": "\n".join("\t" + q for _, q in channel_queries(flags))}
    for side, cs1 in (("a", "ca1"), ("b", "cb1")):
        w[f"salt_{side}"] = "nil" if "no_salt" in flags else cs1
        w[f"ikm_{side}"] = "nil" if "no_ikm" in flags else f"ss_{side}"
    return fill(HERE / "channel.in", flags, w)


ALL = "confidentiality? p2|confidentiality? ex_i|authentication? Rob -> Ida: c2"

# name, flags, what leaks later, row, the queries that an attack is found against, in the short run too
SCENARIOS = [
    ("xx", "xx", "", "", "", False),
    ("xx-records", "xx nobind records", "", "", "", False),
    ("xx-x25519-broken", "xx nobind dh", "", "lock", "", True),
    ("xx-mlkem-broken", "xx nobind pq", "", "lock", "", True),
    ("xx-same-identity", "xx nobind self", "", "dishonest", "", True),
    ("xx-responder-stolen", "xx nobind leak_r", "", "kci", "", True),
    ("xx-initiator-stolen", "xx nobind leak_i", "", "kci", "", True),
    ("xx-later-identities", "xx nobind", "identities", "forward", "", False),
    ("xx-later-x25519", "xx nobind", "x25519", "forward", "", False),
    ("xx-later-mlkem", "xx nobind", "mlkem", "forward", "", False),
    ("xx-initiator-hidden", "xx nobind anyone_r hide_i", "", "hiding", "", True),
    ("xx-responder-hidden", "xx nobind anyone_i anyone_r hide_r passive", "", "hiding", "", True),
    ("nx", "", "", "", "", True),
    ("nx-records", "nobind records", "", "", "", True),
    ("nx-x25519-broken", "nobind dh", "", "lock", "", True),
    ("nx-mlkem-broken", "nobind pq", "", "lock", "", True),
    ("nx-prologue", "nobind views records", "", "uks", "", True),
    ("nx-dishonest-peer", "nobind eve", "", "dishonest", "", True),
    ("nx-later-identities", "nobind", "identities", "forward", "", True),
    ("nx-later-x25519", "nobind", "x25519", "forward", "", True),
    ("nx-later-mlkem", "nobind", "mlkem", "forward", "", True),
    ("xxpsk0-both-broken", "xx psk nobind dh pq", "", "psk", "", False),
    ("nxpsk0-both-broken", "psk nobind dh pq", "", "psk", "", True),
    ("nxpsk0-stolen-x25519", "psk leak_psk nobind dh", "", "psk", "", True),
    ("nxpsk0-stolen-mlkem", "psk leak_psk nobind pq", "", "psk", "", True),
    ("nxpsk0-responder-hidden", "psk nobind anyone_i hide_r", "", "hiding", "", True),
    ("channel-x25519-broken", "nobind sent dh", "", "rekey", "", True),
    ("channel-mlkem-broken", "nobind sent pq", "", "rekey", "", True),
    ("channel-both-broken", "nobind sent dh pq", "", "rekey", "", True),
    ("channel-heals-x25519", "passive theft nobind dh", "", "rekey", "", True),
    ("channel-heals-mlkem", "passive theft nobind pq", "", "rekey", "", True),
    ("channel-stolen-later", "nobind sent later", "", "rekey", "", True),
    ("control-both-broken", "nobind dh pq", "", "control", ALL, True),
    ("control-both-later", "nobind", "both", "control", "confidentiality? p2|confidentiality? ex_i", True),
    ("control-mlkem-alone", "nobind pq only_mlkem", "", "control", ALL, True),
    ("control-x25519-alone", "nobind dh only_x25519", "", "control", ALL, True),
    ("control-ed25519-alone", "nobind dh only_e", "", "control", ALL, True),
    ("control-mldsa-alone", "nobind pq only_m", "", "control", ALL, True),
    ("control-no-prologue", "nobind views records no_prologue", "", "control", "equivalence? told_pro, my_pro", True),
    ("control-no-tag", "xx nobind no_tag", "", "control", "authentication? Ida -> Rob: c3|confidentiality? p3|equivalence? ms_i, ms_r", True),
    ("control-one-key", "nobind records one_key", "", "control", "authentication? Rob -> Ida: rb", True),
    ("control-initiator-shown", "xx nobind anyone_i anyone_r hide_i", "", "control", "confidentiality? vim", True),
    ("control-responder-probed", "nobind anyone_i hide_r", "", "control", "confidentiality? vrm", True),
    ("control-psk-stolen", "psk leak_psk nobind dh pq", "", "control", ALL, True),
    ("control-channel-both-broken", "passive theft nobind dh pq", "", "control", "confidentiality? m2", True),
    ("control-channel-active-thief", "theft nobind", "", "control", "confidentiality? m2|authentication? Ann -> Ben: r2|authentication? Ben -> Ann: offer|equivalence? ca2, cb2", True),
    ("control-channel-no-ikm", "passive theft nobind no_ikm", "", "control", "confidentiality? m2", True),
    ("control-channel-no-update", "passive theft nobind no_update", "", "control", "confidentiality? m0", True),
    ("control-channel-no-salt", "nobind sent dh pq no_salt", "", "control", "confidentiality? m2|authentication? Ann -> Ben: r2", True),
]


def files():
    """For each model: its name, its text, and (row, query, result expected) for each query."""
    for name, flags, later, row, broken, short in SCENARIOS:
        flags = set(flags.split())
        asked = channel_queries(flags) if "channel" in name else queries(flags)
        text = channel(flags) if "channel" in name else handshake(flags, later)
        broken = [b for b in broken.split("|") if b]
        expected = [(row or claim, q, any(q.startswith(b) for b in broken)) for claim, q in asked]
        yield name, text, expected, short
