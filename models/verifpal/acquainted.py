"""Makes the Verifpal models of IK, resume and bundles out of ik.in, resume.in and bundle.in, one a scenario; as make.py, which has the rest."""
from pathlib import Path

from templates import fill

HERE = Path(__file__).parent

LATER = {
    "": ([], []),
    "statics": (["di"], ["dr"]),
    "both": (["di", "d"], ["dr"]),
}


def ik_queries(flags, later):
    p2, c2, ok = "confidentiality? p2", "authentication? Rob -> Ida: c2", "authentication? Ida -> Rob: ok"
    if "payload2" in flags:
        return [p2]
    if "hide" in flags:
        return ["confidentiality? sref"]
    if "early" in flags:
        return ["confidentiality? b"]
    if "views" in flags:
        return [c2, "authentication? Rob -> Ida: rb", "equivalence? told_pro, my_pro"]
    if "leak_i" in flags:
        return [c2, "confidentiality? a", "confidentiality? ex_i"]
    if "leak_r" in flags:
        return [ok, "authentication? Ida -> Rob: ra", "confidentiality? b", p2]
    q = [] if later else [p2]
    q += [c2, ok, "authentication? Ida -> Rob: ra", "authentication? Rob -> Ida: rb", "equivalence? ms_i, ms_r"]
    return q + [f"confidentiality? {n}" for n in ("a", "b", "ex_i", "rs_r")]


def ik(flags, later):
    w = {"attacker": "passive" if "passive" in flags else "active"}
    for side in "ir":
        w[f"start_{side}"] = "proto" + ("" if "no_prologue" in flags else ", pro") + ("" if "no_rb" in flags else f", br_{side}")
        w[f"salt_{side}"] = f"cb_{side}" if "psk" in flags else "proto"
    w["ct1"] = "got_ct1" if "psk" in flags else "ct1"
    mine, theirs = LATER[later]
    w["phases"] = f"phase[1]\n\nprincipal Ida[leaks {', '.join(mine)}]\nprincipal Rob[leaks {', '.join(theirs)}]\n" if later else ""
    w["queries"] = "\n".join("\t" + q for q in ik_queries(flags, later))
    return fill(HERE / "ik.in", flags, w)


def resume_queries(flags):
    q = [f"confidentiality? {n}" for n in ("p1", "p2", "a", "b", "ex_i", "next_i")]
    if "later" in flags:
        return q[:1] if "early" in flags else q[1:]
    q += [f"authentication? {m}" for m in ("Ida -> Rob: c1", "Rob -> Ida: c2", "Rob -> Ida: rb", "Ida -> Rob: ra")]
    return q + ["equivalence? ms_i, ms_r"]


def resume(flags, _):
    w = {"queries": "\n".join("\t" + q for q in resume_queries(flags))}
    for side in "ir":
        w[f"salt_{side}"] = "proto" if "no_psk" in flags else f"cb_{side}"
    return fill(HERE / "resume.in", flags, w)


# name, what is made, its flags, what leaks later, row, the queries that an attack is found against, in the short run too
SCENARIOS = [
    ("ik-x25519-broken", ik, "", "", "ik", "", True),
    ("ik-mlkem-broken", ik, "x25519", "", "ik", "", True),
    ("ik-prologue", ik, "views", "", "ik", "", True),
    ("ik-initiator-stolen", ik, "leak_i", "", "ik-kci", "", True),
    ("ik-responder-stolen", ik, "leak_r", "", "ik-kci", "", True),
    ("ik-later-statics", ik, "", "statics", "ik-forward", "", True),
    ("ik-payload2", ik, "payload2 made_by_attacker", "", "ik", "", True),
    ("ik-initiator-hidden", ik, "hide", "", "ik-hiding", "", True),
    ("ikpsk0-both-broken", ik, "psk open", "", "ik", "", True),
    ("resume-x25519-broken", resume, "nobind dh", "", "resume", "", True),
    ("resume-mlkem-broken", resume, "nobind pq", "", "resume", "", True),
    ("resume-both-broken", resume, "nobind dh pq", "", "resume", "", True),
    ("resume-later", resume, "nobind later", "", "resume", "", True),
    ("resume-later-x25519", resume, "nobind later later_x", "", "resume", "", True),
    ("resume-later-mlkem", resume, "nobind later later_q", "", "resume", "", True),
    ("control-ik-both-broken", ik, "open", "", "control", "confidentiality|authentication|equivalence", True),
    ("control-ik-both-later", ik, "", "both", "control", "confidentiality", True),
    ("control-ik-psk-stolen", ik, "psk leak_psk open", "", "control", "confidentiality|authentication|equivalence", True),
    ("control-ik-payload2-later", ik, "payload2 made_by_attacker", "statics", "control", "confidentiality? p2", True),
    ("control-ik-payload2-stolen", ik, "payload2 leak_i", "", "control", "confidentiality? p2", True),
    ("control-ik-no-prologue", ik, "views no_prologue", "", "control", "equivalence? told_pro, my_pro", True),
    ("control-ik-named-stolen", ik, "hide leak_r", "", "control", "confidentiality? sref", True),
    ("control-resume-stolen", resume, "nobind stolen", "", "control", "confidentiality|authentication|equivalence", True),
    ("control-resume-early-later", resume, "nobind later early", "", "control", "confidentiality? p1", True),
    ("control-resume-both-later", resume, "nobind later later_x later_q", "", "control", "confidentiality", True),
    ("control-resume-no-psk", resume, "nobind dh pq no_psk", "", "control", "confidentiality? p2", True),
]


def files():
    """For each model: its name, its text, and (row, query, result expected) for each query."""
    for name, make, flags, later, row, attacked, short in SCENARIOS:
        flags, attacked = set(flags.split()), [a for a in attacked.split("|") if a]
        asked = ik_queries(flags, later) if make is ik else resume_queries(flags)
        yield name, make(flags, later), [(row, q, any(q.startswith(a) for a in attacked)) for q in asked], short
