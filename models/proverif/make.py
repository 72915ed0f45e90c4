"""Makes the ProVerif files out of primitives.in, claims.in and pattern.in: one file a scenario.

A line of a template that ends with (*? a & !b *) stands only where a is set and b is not; {{word}} is filled in.
`files()` gives each file's name, its text and its queries as (claim, expected result).
"""
from pathlib import Path

from templates import fill

HERE = Path(__file__).parent


def words(pat, flags):
    """What stands in each slot of a pattern: the protocol's own, or what a control has in its place."""
    def unless(flag, right, wrong):
        return wrong if flag in flags else right
    name = unless("no_name", f"({pat}, su)", pat)
    return {
        "pat": pat,
        "name": f"H({name})",
        "start": unless("no_prologue", f"H((ck, {name}, pro))", f"H((ck, {name}))"),
        "mix_ek": unless("no_ek", "H((h, ekm, ekx))", "h"),
        "mix_ct": unless("no_ct", "H((h, ctm, ctx))", "h"),
        "judge": unless("anyone", "if id(vm, ve) = peer then", "let peer = id(vm, ve) in"),
        "sign_r": unless("no_context", f"({pat}, responder, h)", "h"),
        "sign_i": unless("no_context", f"({pat}, initiator, h)", "h"),
        "final": unless("no_tag", "aead(k, n5, h, p3)", "p3"),
        "final_open": unless("no_tag", "open(k, n5, h, c3)", "c3"),
        "ms": unless("no_h", "extract(ck, h)", "ck"),
        "l_back": unless("one_key", "l_r2i", "l_i2r"),
        "t2": f"({pat}, su, pro, " + ("pskid, " if "psk" in flags else "") + "ekm, ekx, p1, ctm, ctx, p2)",
    }


def combiner(flags):
    return "ssm" if "only_m" in flags else "(ssx, n0)" if "only_x" in flags else "(ssm, ssx, ctx, pkx)"


VARS = """query i: bitstring, r: bitstring, i2: bitstring, r2: bitstring, t: bitstring, k: bitstring, ms: bitstring,
  a: bitstring, b: bitstring, m: bitstring, x: bitstring, ek: ekey, ex: pt, j: time, l: time,
  s: bitstring, o: bitstring, n: bitstring, em: ekey, p: bitstring, u: bitstring, v: pt, w: bitstring, y: bitstring;
"""
# Claims while at most one lock is broken. Where a line says `l < j`: leaked before the handshake ended; later is too late.
RESPONDER = [
    ("agreement.responder", "inj-event(IAccepted(r, t, k)) && event(Honest(r)) ==> inj-event(RSent(r, t, k)) || event(Leaked(r))"),
    ("secrecy.payload2", "event(Secret2(ek, ex, m)) && event(Fresh(ek, ex)) && attacker(m)"),
    ("secrecy.initiator", "event(SecretI(i, r, m))@j && event(Honest(r)) && attacker(m) ==> (event(Leaked(r))@l && l < j)"),
    ("exporter.unique", "event(Exporter(i, r, x)) && event(Exporter(i2, r2, x)) ==> i = i2 && r = r2"),
    ("sanity.initiator", "event(IGot(i, r, t, ms, b)) && event(Honest(r))"),
]
BOTH = [
    ("agreement.initiator", "inj-event(RDone(i, r, t, ms)) && event(Honest(i)) ==> inj-event(IDone(i, r, t, ms)) || event(Leaked(i))"),
    ("agreement.records", "event(IDone(i, r, t, ms))@j && inj-event(IGot(i, r, t, ms, b)) && event(Honest(r)) ==> inj-event(RSaid(i, r, t, ms, b)) || (event(Leaked(r))@l && l < j)"),
    ("agreement.records", "event(RDone(i, r, t, ms))@j && inj-event(RGot(i, r, t, ms, a)) && event(Honest(i)) ==> inj-event(ISaid(i, r, t, ms, a)) || (event(Leaked(i))@l && l < j)"),
    ("secrecy.responder", "event(SecretR(i, r, m))@j && event(Honest(i)) && attacker(m) ==> (event(Leaked(i))@l && l < j)"),
    ("sanity.responder", "event(RGot(i, r, t, ms, a)) && event(Honest(i))"),
]
ONE = [
    ("agreement.records", "event(IDone(i, r, t, ms))@j && inj-event(IGot(i, r, t, ms, b)) && event(Honest(r)) ==> inj-event(RSaid(nobody, r, t, ms, b)) || (event(Leaked(r))@l && l < j)"),
    ("secrecy.responder", "event(SecretRN(ek, ex, m)) && event(Fresh(ek, ex)) && attacker(m)"),
    ("sanity.responder", "event(RGot(i, r, t, ms, a))"),
]


# With both locks broken and the psk unknown to the attacker.
def psk(pat):
    t = f"({pat}, s, o, n, em, ex, p, u, v, w)"
    t3 = f"({t}, y)" if pat == "XXpsk0" else t
    q = [
        ("psk.secrecy", "event(SecretPsk(n, m)) && attacker(m) ==> event(LeakedPsk(n))"),
        ("psk.first", f"event(RGot1(n, ({pat}, s, o, em, ex, p))) ==> event(ISent(n, ({pat}, s, o, em, ex, p))) || event(LeakedPsk(n))"),
        ("psk.agreement", f"inj-event(IAccepted(r, {t}, k)) ==> inj-event(RSent(r, {t}, k)) || event(LeakedPsk(n))"),
        ("psk.agreement", f"inj-event(RGot(i, r, {t3}, ms, a)) ==> inj-event(ISaid(i, r, {t3}, ms, a)) || event(LeakedPsk(n))"),
        ("psk.agreement", f"inj-event(IGot(i, r, {t3}, ms, b)) ==> inj-event(RSaid(i, r, {t3}, ms, b)) || event(LeakedPsk(n))"),
    ]
    return q + [("sanity.initiator", "event(IGot(i, r, t, ms, b))"), ("sanity.responder", "event(RGot(i, r, t, ms, a))")]


def claims(pats, flags):
    if "keeppsk" in flags:
        return psk(pats[0])
    return RESPONDER + (BOTH if pats[0].startswith("XX") else ONE)


def parts(pats):
    for p in pats:
        me = "me" if p.startswith("XX") else "nobody"
        yield f"(! in(c, (su: bitstring, pro: bitstring, peer: bitstring)); initiator_{p}(skm, ske, {me}, su, pro, peer))"
        yield f"(! in(c, (su: bitstring, pro: bitstring)); responder_{p}(skm, ske, me, su, pro))"


def main(pats, flags):
    """Any number of honest identities, each in both roles; each may leak at any time, and signs anything under every other context."""
    signed = "m" if "no_context" in flags else "(p, role, m)"
    broken = "".join(f"\n    out(c, {k});" for f, k in (("dh", "ske"), ("pq", "skm")) if f in flags)
    roles = [
        "(in(c, =me); event Leaked(me); out(c, (skm, ske)))",
        f"(! in(c, (p: bitstring, role: bitstring, m: bitstring)); if p <> {pats[0]} then out(c, (sigM(skm, {signed}), sigE(ske, {signed}))))",
        *parts(pats),
    ]
    more = "\n  | (! in(c, n: bitstring); event LeakedPsk(n); out(c, pskof(n)))" if "keeppsk" in flags else ""
    return f"""process
  (! new skm: skM; new ske: skE;
    let me = id(vkM(skm), vkE(ske)) in
    event Honest(me);
    out(c, me);{broken}
    ( {chr(10).join('    | ' + r for r in roles)[6:]}
    )){more}
"""


def handshake(pats, flags):
    flags = set(flags) | ({"psk"} if any("psk" in p for p in pats) else set())
    text = fill(HERE / "primitives.in", flags, {"combiner": combiner(flags)}) + fill(HERE / "claims.in", flags)
    for p in pats:
        f = (flags - {"psk"}) | ({"xx"} if p.startswith("XX") else set()) | ({"psk"} if "psk" in p else set())
        text += fill(HERE / "pattern.in", f, words(p, f))
    text += VARS + ";\n".join("  " + q for _, q in claims(pats, flags)) + ".\n"
    return text + "\n" + main(pats, flags)


def identities(names, known, flags):
    text = ""
    for n in names:
        text += f"  new {n}m: skM; new {n}e: skE; let {n} = id(vkM({n}m), vkE({n}e)) in\n"
    for n in known:
        text += f"  out(c, {n});" + (f" out(c, {n}e);" if "dh" in flags else "") + (f" out(c, {n}m);" if "pq" in flags else "") + "\n"
    return text


def hiding(flags):
    """Is a side's identity hidden? Two worlds that differ in it alone, or an identity that nobody has published."""
    flags = set(flags)
    pat = "XXpsk0" if "psk" in flags else "XX"
    f = flags | {"xx"}
    text = "set attacker = passive.\n" if "passive" in flags else ""
    text += fill(HERE / "primitives.in", flags, {"combiner": combiner(flags)}) + fill(HERE / "claims.in", flags) + fill(HERE / "pattern.in", f, words(pat, f))
    given = "" if "worlds" in flags else "in(c, (su: bitstring, pro: bitstring)); "
    su, pro = ("hello", "hello") if "worlds" in flags else ("su", "pro")
    run = {
        "i": f"(! {given}initiator_{pat}({{m}}, {{e}}, {{who}}, {su}, {pro}, {{peer}}))",
        "r": f"(! {given}responder_{pat}({{m}}, {{e}}, {{who}}, {su}, {pro}))",
    }
    def side(role, who, peer=""):
        if "," in who:
            x, y = who.split(",")
            return run[role].format(m=f"choice[{x}m, {y}m]", e=f"choice[{x}e, {y}e]", who=f"choice[{x}, {y}]", peer=peer)
        return run[role].format(m=f"{who}m", e=f"{who}e", who=who, peer=peer)
    configured = ["(! out(c, (hello, hello)))"]
    text += "free hello: bitstring.\n"
    if "worlds" in flags and "hide_r" in flags:
        body = identities(["A", "B", "I"], ["A", "B", "I"], flags)
        roles = configured + [side("r", "A,B"), side("i", "I", "choice[A, B]")]
    elif "worlds" in flags:
        body = identities(["A", "B", "R"], ["A", "B", "R"], flags)
        roles = configured + [side("i", "A,B", "R"), side("r", "R")]
    else:
        hidden, known = ("I", "R") if "hide_r" not in flags else ("R", "I")
        text += "event Shown(bitstring).\nquery x: bitstring; event(Shown(x)) && attacker(x).\n"
        body = identities([hidden, known], [known], flags) + f"  event Shown({hidden});\n"
        roles = configured + [side("i", "I", "R"), side("r", "R")]
    return text + "\nprocess\n" + body + "  ( " + "\n  | ".join(roles) + "\n  )\n"


def channel(flags):
    """Healing by Rekey and forward secrecy by KeyUpdate."""
    flags = set(flags)
    w = {
        "sanity": ";\n  event(SentAfter(g, m)) && event(Stolen(g)) && g <> g0" if "once" in flags else "",
        "first": "first" if "no_update" in flags else "next(first)",
        "next": "cs" if "no_update" in flags else "next(cs)",
        "renew": "renew(cs, %s, H((em, ex, ctm, ctx)))" % ("g0" if "no_ikm" in flags else "ss") if "no_salt" not in flags else "renew(g0, ss, H((em, ex, ctm, ctx)))",
    }
    return fill(HERE / "primitives.in", flags, {"combiner": combiner(flags)}) + fill(HERE / "channel.in", flags, w)


FORGED = "agreement.responder secrecy.initiator agreement.records"
ALL = FORGED + " secrecy.payload2 secrecy.responder"

# name, what is made, its flags, row, the claims against which an attack is found
SCENARIOS = [
    ("xx", "XX", "", "", ""),
    ("xx-x25519-broken", "XX", "nobind dh", "", ""),
    ("xx-mlkem-broken", "XX", "nobind pq", "", ""),
    ("nx", "NX", "", "", ""),
    ("nx-x25519-broken", "NX", "nobind dh", "", ""),
    ("nx-mlkem-broken", "NX", "nobind pq", "", ""),
    ("nxpsk0-stolen-x25519", "NXpsk0", "nobind dh", "", ""),
    ("nxpsk0-both-broken", "NXpsk0", "nobind dh pq keeppsk", "psk", ""),
    ("initiator-hidden", "hiding", "nobind", "hiding", ""),
    ("responder-hidden", "hiding", "nobind hide_r passive", "hiding", ""),
    ("responder-hidden-psk", "hiding", "nobind hide_r psk keeppsk", "hiding", ""),
    ("channel-x25519-broken", "channel", "nobind dh", "rekey", ""),
    ("channel-mlkem-broken", "channel", "nobind pq", "rekey", ""),
    ("channel-once", "channel", "nobind dh once", "rekey", ""),
    ("control-both-broken", "NX", "nobind dh pq", "control", ALL),
    ("control-mlkem-alone", "NX", "nobind pq only_m", "control", ALL),
    ("control-x25519-alone", "NX", "nobind dh only_x", "control", ALL),
    ("control-ed25519-alone", "NX", "nobind dh edonly", "control", FORGED),
    ("control-no-context", "NX", "nobind no_context", "control", FORGED),
    ("control-no-prologue", "NX", "nobind no_prologue", "control", "agreement.responder agreement.records"),
    ("control-no-name", "NX", "nobind no_name", "control", "agreement.responder agreement.records"),
    ("control-no-ct", "NX", "nobind pq no_ct", "control", "agreement.responder agreement.records"),
    ("control-no-h", "NX", "nobind dh no_h", "control", "exporter.unique"),
    ("control-one-key", "NX", "nobind one_key", "control", "agreement.records"),
    ("control-no-tag", "XX", "no_tag", "control", "agreement.initiator secrecy.initiator"),
    ("control-psk-stolen", "NXpsk0", "nobind dh pq", "control", ALL),
    ("control-initiator-shown", "hiding", "nobind anyone", "control", "hiding"),
    ("control-responder-probed", "hiding", "nobind hide_r", "control", "hiding"),
    ("control-channel-both-broken", "channel", "nobind dh pq once", "control", "rekey.before rekey.after"),
    ("control-channel-active-thief", "channel", "nobind active once", "control", "rekey.before rekey.after"),
    ("control-channel-no-ikm", "channel", "nobind no_ikm once", "control", "rekey.before rekey.after"),
    ("control-channel-no-update", "channel", "nobind no_update once", "control", "rekey.before"),
]


def claimed(kind, flags):
    if kind == "hiding":
        return ["hiding"]
    if kind == "channel":
        return ["rekey.before", "rekey.after"] + (["sanity"] if "once" in flags else [])
    return [claim for claim, _ in claims([kind], flags)]


def files():
    """For each model: its name, its text, and (row, claim, result expected) for each query."""
    for name, kind, flags, row, broken in SCENARIOS:
        flags, broken = set(flags.split()), broken.split()
        text = hiding(flags) if kind == "hiding" else channel(flags) if kind == "channel" else handshake([kind], flags)
        expected = [(row or claim.split(".")[0], claim, "false" if claim in broken or claim.startswith("sanity") else "true") for claim in claimed(kind, flags)]
        yield name, text, expected
