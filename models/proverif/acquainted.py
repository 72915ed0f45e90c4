"""Makes the ProVerif files of IK, resume and bundles out of kems.in, ik.in, resume.in and bundle.in: one file a scenario.

As make.py, which has XX, NX and the channel.
"""
from pathlib import Path

from templates import fill

HERE = Path(__file__).parent


def query(variables, claims):
    """Each by itself: the search then follows the events of one alone."""
    return "".join(f"query {variables};\n  {q}.\n" for _, q in claims)


# IK. Where a line says `l < j`: stolen before the handshake ended; later is too late. Only the peer's static key is ever an exception.
IK_VARS = """i: bitstring, r: bitstring, i2: bitstring, r2: bitstring, ms: bitstring, a: bitstring, b: bitstring, m: bitstring, x: bitstring,
  n: bitstring, ek: bitstring, j: time, l: time"""
IK = [
    ("ik-agreement.responder", "inj-event(IDone(i, r, n, ms))@j && event(Issued(r)) ==> inj-event(RSent(i, r, n, ms)) || (event(Stolen(r))@l && l < j)"),
    ("ik-agreement.initiator", "inj-event(RDone(i, r, n, ms))@j && event(Issued(i)) ==> inj-event(IDone(i, r, n, ms)) || (event(Stolen(i))@l && l < j)"),
    ("ik-agreement.record-r", "event(IDone(i, r, n, ms))@j && inj-event(IGot(i, r, n, ms, b)) && event(Issued(r)) ==> inj-event(RSaid(i, r, n, ms, b)) || (event(Stolen(r))@l && l < j)"),
    ("ik-agreement.record-i", "event(RDone(i, r, n, ms))@j && inj-event(RGot(i, r, n, ms, a)) && event(Issued(i)) ==> inj-event(ISaid(i, r, n, ms, a)) || (event(Stolen(i))@l && l < j)"),
    ("ik-secrecy.payload2", "event(Secret2(i, ek, m)) && event(Issued(i)) && attacker(m) ==> event(Stolen(i))"),
    ("ik-secrecy.payload2-fresh", "event(Secret2(i, ek, m)) && event(Fresh(ek)) && attacker(m)"),
    ("ik-secrecy.initiator", "event(SecretI(i, r, m))@j && event(Issued(r)) && attacker(m) ==> (event(Stolen(r))@l && l < j)"),
    ("ik-secrecy.responder", "event(SecretR(i, r, m))@j && event(Issued(i)) && attacker(m) ==> (event(Stolen(i))@l && l < j)"),
    ("ik-exporter.unique", "event(Exporter(i, r, x)) && event(Exporter(i2, r2, x)) ==> i = i2 && r = r2"),
    ("sanity.initiator", "event(IGot(i, r, n, ms, b)) && event(Issued(r))"),
    ("sanity.responder", "event(RGot(i, r, n, ms, a)) && event(Issued(i))"),
]
# What pqIK does not give, asked for all the same: each finds its attack.
LIMITS = [
    ("limit.payload2-stolen", "event(Secret2(i, ek, m)) && event(Issued(i)) && attacker(m)"),
    ("limit.named", "event(RNamed(i, r, m)) && event(Issued(i)) && event(Issued(r)) ==> event(ISent(i, r, m)) || event(Stolen(i)) || event(Stolen(r))"),
]
LATER = [                                                  # static keys leak in a later phase alone
    ("limit.payload2-forward", "event(Secret2(i, ek, m)) && event(Issued(i)) && attacker(m)"),
    ("ik-secrecy.payload2-fresh", "event(Secret2(i, ek, m)) && event(Fresh(ek)) && attacker(m)"),
    ("ik-secrecy.initiator", "event(SecretI(i, r, m)) && event(Issued(r)) && attacker(m)"),
    ("ik-secrecy.responder", "event(SecretR(i, r, m)) && event(Issued(i)) && attacker(m)"),
]
PSK = [
    ("ik-psk.secrecy", "event(SecretPsk(n, m)) && attacker(m) ==> event(LeakedPsk(n))"),
    ("ik-psk.agreement", "inj-event(IDone(i, r, n, ms)) ==> inj-event(RSent(i, r, n, ms)) || event(LeakedPsk(n))"),
    ("ik-psk.agreement", "inj-event(RGot(i, r, n, ms, a)) ==> inj-event(ISaid(i, r, n, ms, a)) || event(LeakedPsk(n))"),
    ("ik-psk.agreement", "inj-event(IGot(i, r, n, ms, b)) ==> inj-event(RSaid(i, r, n, ms, b)) || event(LeakedPsk(n))"),
    ("sanity.initiator", "event(IGot(i, r, n, ms, b))"),
    ("sanity.responder", "event(RGot(i, r, n, ms, a))"),
]


def ik_words(flags):
    psk = "psk" in flags
    pat = "IKpsk0" if psk else "IK"
    rb = "" if "no_rb" in flags else ", br"
    ib = "" if "no_ib" in flags else ", bi"
    return {
        "pat": pat,
        "ck0": f"hkdf1(({pat}, su, pskof(pskid)), ek)" if psk else f"({pat}, su)",
        "h1": f"H(({pat}, su, pro{rb}, ek, ct1))",
        "h2": f"H((h1{ib}, ct2, ct3))",
        "encap1": "(n0, n0)" if "no_skem_r" in flags else "encap(er, r1)",
        "decap1": "n0" if "no_skem_r" in flags else "decap(sd, ct1)",
        "encap3": "(n0, n0)" if "no_skem_i" in flags else "encap(ei, r3)",
        "decap3": "n0" if "no_skem_i" in flags else "decap(sd, ct3)",
        "book": ", mine: bitstring, other: bitstring" if "worlds" in flags else "",
    }


def ik_claims(flags):
    if "keeppsk" in flags:
        return PSK
    if "unconfirmed" in flags:
        return [each for each in IK if each[0] == "ik-agreement.initiator"]
    return LIMITS if "limits" in flags else LATER if "later" in flags else IK


def ik(flags):
    words = ik_words(flags)
    text = fill(HERE / "kems.in", flags) + fill(HERE / "ik.in", flags, words) + query(IK_VARS, ik_claims(flags))
    psk = "\n  | (! in(c, n: bitstring); event LeakedPsk(n); out(c, pskof(n)))" if "keeppsk" in flags else ""
    theft = "(phase 1; out(c, sd))" if "later" in flags else "(in(c, =b); event Stolen(b); out(c, sd))"
    return text + f"""
(* Any number of honest identities, each with any number of bundles and in both roles; each static key may be stolen at any time. *)
process
  (! new me: bitstring; out(c, me);
    (! in(c, su: bitstring);
      new sd: dkey;
      let b = bundle(su, me, kpub(sd)) in
      event Issued(b);
      out(c, b);
      ( {theft}
      | (! in(c, (pro: bitstring, peer: bitstring)); initiator_{words["pat"]}(sd, b, su, pro, peer))
      | (! in(c, pro: bitstring); responder_{words["pat"]}(sd, b, su, pro))
      ))){psk}
"""


# resume. What was stolen after the handshake is no exception, but for early data: that is why the responder removes the secret first.
RESUME_VARS = """rs: bitstring, o: bitstring, h: bitstring, ms: bitstring, a: bitstring, b: bitstring, m: bitstring, x: bitstring,
  i: bitstring, r: bitstring, i2: bitstring, r2: bitstring, j: time, l: time"""
RESUME = [
    ("resume.early-once", "inj-event(REarly(rs, h)) && event(Root(rs)) ==> inj-event(IEarly(rs, h)) || event(Stolen(rs))"),
    ("resume.responder", "inj-event(IAccepted(rs, ms))@j && event(Root(rs)) ==> inj-event(RSent(rs, ms)) || (event(Stolen(rs))@l && l < j)"),
    ("resume.record-r", "event(IAccepted(rs, ms))@j && inj-event(IGot(rs, ms, b)) && event(Root(rs)) ==> inj-event(RSaid(rs, ms, b)) || (event(Stolen(rs))@l && l < j)"),
    ("resume.record-i", "event(RSent(rs, ms))@j && inj-event(RGot(rs, ms, a)) && event(Root(rs)) ==> inj-event(ISaid(rs, ms, a)) || (event(Stolen(rs))@l && l < j)"),
    ("resume.early-secret", "event(SecretEarly(rs, m)) && event(Root(rs)) && attacker(m) ==> event(Stolen(rs))"),
    ("resume.secrecy-i", "event(SecretI(rs, m))@j && event(Root(rs)) && attacker(m) ==> (event(Stolen(rs))@l && l < j)"),
    ("resume.secrecy-r", "event(SecretR(rs, m))@j && event(Root(rs)) && attacker(m) ==> (event(Stolen(rs))@l && l < j)"),
    ("resume.next-i", "event(NextI(rs, m))@j && event(Root(rs)) && attacker(m) ==> (event(Stolen(rs))@l && l < j)"),
    ("resume.next-r", "event(NextR(rs, m))@j && event(Root(rs)) && attacker(m) ==> (event(Stolen(rs))@l && l < j)"),
    ("resume.exporter", "event(Exporter(i, r, x)) && event(Exporter(i2, r2, x)) ==> i = i2 && r = r2"),
    ("sanity.initiator", "event(IGot(rs, ms, b)) && event(Root(rs))"),
    ("sanity.responder", "event(RGot(rs, ms, a)) && event(Root(rs))"),
]
# With both locks broken: until the record is stolen, also later.
RESUME_PSK = [(claim, q.replace("(event(Stolen(rs))@l && l < j)", "event(Stolen(rs))").replace("@j", "")) for claim, q in RESUME]
# Whoever steals a record is its owner; early data is as safe as the record.
RESUME_LIMITS = [
    ("limit.stolen-initiator", "event(REarly(rs, h)) && event(Root(rs)) ==> event(IEarly(rs, h))"),
    ("limit.stolen-responder", "event(IAccepted(rs, ms)) && event(Root(rs)) ==> event(RSent(rs, ms))"),
    ("limit.early-forward", "event(SecretEarly(rs, m))@j && event(Root(rs)) && attacker(m) ==> (event(Stolen(rs))@l && l < j)"),
]


def resume_claims(flags):
    return RESUME_LIMITS if "limits" in flags else RESUME_PSK if "until" in flags else RESUME


def resume(flags):
    ids = "" if "no_ids" in flags else ", i, r"
    start = f"H((resume, su, derive(rs, l_id), pro{ids}, ek))"
    words = {"start": start, "salt": "su" if "no_psk" in flags else "ck1"}
    claims = resume_claims(flags)
    again = "! " if "forgets" in flags else ""
    return fill(HERE / "kems.in", flags) + fill(HERE / "resume.in", flags, words) + query(RESUME_VARS, claims) + f"""
(* Any number of conversations, of any two; their secrets may be stolen at any time. With a dishonest peer the attacker names the secret. *)
process
  ( (! in(c, (i: bitstring, r: bitstring, su: bitstring, pro: bitstring));
      new rs: bitstring;
      event Root(rs);
      ( initiator_resume(rs, i, r, su, pro)
      | ({again}responder_resume(rs, i, r, su, pro))
      | (in(steal, =l_id); event Stolen(rs); out(c, (derive(rs, l_id), derive(rs, l_psk)))) ))
  | (! in(c, (rs: bitstring, i: bitstring, r: bitstring, su: bitstring, pro: bitstring)); initiator_resume(rs, i, r, su, pro))
  | (! in(c, (rs: bitstring, i: bitstring, r: bitstring, su: bitstring, pro: bitstring)); responder_resume(rs, i, r, su, pro))
  )
"""


# Whom sref names, to who does not hold the responder's static key: two worlds that differ in it alone.
def hiding(flags):
    flags = flags | {"worlds"}
    text = fill(HERE / "kems.in", flags) + fill(HERE / "ik.in", flags, ik_words(flags))
    bundles = "".join(f"  new d{n}: dkey; new id{n}: bitstring; let b{n} = bundle(hello, id{n}, kpub(d{n})) in\n" for n in "rabz")
    head = f"""
free hello: bitstring.
process
{bundles}  out(c, (br, ba, bb));
"""
    if "all" in flags:                                     # ann or ben opens; the responder keeps everybody's bundle
        return text + head + """  ( (! initiator_IK(choice[da, db], choice[ba, bb], hello, hello, br))
  | (! responder_IK(dr, br, hello, hello, bz, bz))
  )
"""
    if "unseen" in flags:                                  # ann's key was never published, her reference was: message 2 must not show the key
        shown = "query i: bitstring, x: bitstring; event(Issued(bundle(hello, i, x))) && attacker(x).\n"
        head = head.replace("process", shown + "process").replace("(br, ba, bb)", "(br, ref(ba))")
        return text + head + """  event Issued(ba);
  (! responder_IK(dr, br, hello, hello, ba, bz))
"""
    return text + head + """  ( (! responder_IK(dr, br, hello, hello, choice[ba, bb], bz))
  | (! responder_IK(da, ba, hello, hello, br, bz))
  )
"""


BUNDLE_VARS = "p: bitstring, b: bitstring, k: bitstring, l: bitstring"
BUNDLE = [
    ("bundle.signed", "event(Took(k, p, b)) && event(Honest(p)) ==> event(Issued(p, b)) || event(Leaked(p))"),
    ("bundle.newest", "event(Uses(k, p, b)) && event(Took(k, p, l)) && event(Newest(p, l)) ==> b = l || event(Leaked(p))"),
    ("bundle.stolen-old", "event(Believes(k, p, b)) && event(Took(k, p, l)) && event(Newest(p, l)) ==> event(Answered(p, b)) || event(Stolen(l)) || event(Leaked(p))"),
    ("sanity.initiator", "event(Believes(k, p, b)) && event(Newest(p, b))"),
]


def bundle(flags):
    words = {"newer": "t2 = t2" if "any" in flags else "t2 > t"}
    return fill(HERE / "kems.in", flags) + fill(HERE / "bundle.in", flags, words) + query(BUNDLE_VARS, BUNDLE) + """
process
  ( (! new sk: skey; let me = vk(sk) in
      event Honest(me);
      out(c, me);
      ( (in(c, =me); event Leaked(me); out(c, sk))
      | (! in(c, (context: bitstring, m: bitstring)); if context <> l_bundle then out(c, sign(sk, (context, m))))
      | owner(sk, me) ))
  | (! keeper())
  )
"""


ALL = "ik-agreement.responder ik-agreement.initiator ik-agreement.record-r ik-agreement.record-i ik-secrecy.payload2 ik-secrecy.payload2-fresh ik-secrecy.initiator ik-secrecy.responder"

# name, what is made, its flags, row, the claims against which an attack is found
SCENARIOS = [
    ("ik-one-lock", "ik", "mlkem", "", ""),
    ("ikpsk0-stolen-one-lock", "ik", "psk mlkem", "", ""),
    ("ikpsk0-both-broken", "ik", "psk neither keeppsk", "", ""),
    ("ik-named-x25519-broken", "hiding", "all mlkem", "ik-hiding", ""),
    ("ik-named-mlkem-broken", "hiding", "all x25519", "ik-hiding", ""),
    ("ik-decoy-x25519-broken", "hiding", "mlkem", "ik-hiding", ""),
    ("ik-kept-x25519-broken", "hiding", "mlkem unseen", "ik-hiding", ""),
    ("resume-x25519-broken", "resume", "mlkem", "", ""),
    ("resume-mlkem-broken", "resume", "x25519", "", ""),
    ("resume-both-broken", "resume", "neither until", "", ""),
    ("bundle", "bundle", "mlkem precise", "", ""),
    ("control-ik-both-broken", "ik", "neither", "control", ALL),
    ("control-ik-psk-stolen", "ik", "psk neither", "control", ALL),
    ("control-ik-no-rb", "ik", "mlkem no_rb", "control", "ik-agreement.initiator ik-agreement.record-i ik-exporter.unique"),
    ("control-ik-no-skem-r", "ik", "mlkem no_skem_r", "control", "ik-agreement.responder ik-agreement.record-r ik-secrecy.initiator"),
    ("control-ik-no-skem-i", "ik", "mlkem no_skem_i", "control", "ik-agreement.initiator ik-agreement.record-i ik-secrecy.payload2 ik-secrecy.responder"),
    ("control-ik-unconfirmed", "ik", "mlkem unconfirmed", "control", "ik-agreement.initiator"),
    ("control-ik-limits", "ik", "mlkem limits", "control", "limit.payload2-stolen limit.named"),
    ("control-ik-later", "ik", "mlkem later", "control", "limit.payload2-forward"),
    ("control-ik-kept-mlkem-broken", "hiding", "x25519 unseen", "control", "ik-hiding"),
    ("control-resume-forgets", "resume", "mlkem forgets", "control", "resume.early-once"),
    ("control-resume-no-psk", "resume", "neither until no_psk", "control", "resume.responder resume.record-r resume.record-i resume.secrecy-i resume.secrecy-r resume.next-i resume.next-r"),
    ("control-resume-both-later", "resume", "neither", "control", "resume.record-r resume.record-i resume.secrecy-i resume.secrecy-r resume.next-i resume.next-r"),
    ("control-resume-no-ids", "resume", "mlkem no_ids", "control", "resume.exporter"),
    ("control-resume-limits", "resume", "mlkem limits", "control", "limit.stolen-initiator limit.stolen-responder limit.early-forward"),
    ("control-bundle-older", "bundle", "mlkem precise any", "control", "bundle.newest bundle.stolen-old"),
    ("control-bundle-unsigned", "bundle", "mlkem precise unsigned", "control", "bundle.signed bundle.newest bundle.stolen-old"),
]


def claimed(kind, flags):
    if kind == "hiding":
        return ["ik-hiding"]
    if kind == "resume":
        return [claim for claim, _ in resume_claims(flags)]
    return [claim for claim, _ in (BUNDLE if kind == "bundle" else ik_claims(flags))]


def files():
    """For each model: its name, its text, and (row, claim, result expected) for each query."""
    make = {"ik": ik, "hiding": hiding, "resume": resume, "bundle": bundle}
    for name, kind, flags, row, attacked in SCENARIOS:
        flags, attacked = set(flags.split()), attacked.split()
        expected = [(row or claim.split(".")[0], claim, "false" if claim in attacked or claim.startswith("sanity") else "true") for claim in claimed(kind, flags)]
        yield name, make[kind](flags), expected
