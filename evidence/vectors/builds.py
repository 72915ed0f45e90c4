"""The two builds of the tests: as this machine would have it, and of portable code alone; and the running of their vectors."""

import json
import os
import pathlib
import subprocess

import lean

# Each crate's own switch. With them nothing is left that looks for what the processor can do, but hashing in a peer that the tests compare with.
PORTABLE = """--cfg aes_backend="soft" --cfg polyval_backend="soft" --cfg chacha20_backend="soft" --cfg poly1305_backend="soft" --cfg chacha20_force_soft
    --cfg poly1305_force_soft --cfg curve25519_dalek_backend="serial" --cfg sha2_backend="soft" --cfg keccak_backend="soft" """

# The code that is not portable, by the names of its functions.
FASTER = {
    "ML-KEM, AVX2": "libcrux_ml_kem::ind_cca::instantiations::avx2",
    "ML-DSA, AVX2": "libcrux_ml_dsa::simd::avx2",
    "SHA-3, AVX2": "libcrux_sha3::simd::avx2",
    "Ed25519, AVX2": "curve25519_dalek::backend::vector::avx2",
    "ChaCha20, AVX2": "chacha20::backends::avx2",
    "Poly1305, AVX2": "poly1305::backend::avx2",
    "AES, AES-NI": "aes::backends::x86_aes",
    "GHASH, PCLMULQDQ": "polyval::backend::intrinsics",
    "SHA-256, SHA-NI": "sha2::sha256::x86_sha",
    "SHA-512, AVX2": "sha2::sha512::x86_avx2",
}

TESTS = ["published_vectors::", "noise_transcripts::", "handshake::tests::", "channel::stream::tests::vectors::", "channel::stream::tests::acquaintances::"]


def build(name):
    """The programs of the tests, the library's own first, optimised. Portable code has a folder of its own, since it is another compilation of everything."""
    command = ["cargo", "test", "--release", "--no-run", "--message-format=json-render-diagnostics"]
    environment, folder = dict(os.environ), pathlib.Path()
    if name == "portable":
        # Round 3 is C code, the same in both.
        command, folder = [*command, "--features", "level5", "--lib"], lean.make()
        target = str(pathlib.Path("target/evidence-vectors-portable").resolve())
        environment |= {"LIBCRUX_DISABLE_SIMD256": "1", "RUSTFLAGS": " ".join(PORTABLE.split()), "CARGO_TARGET_DIR": target}
    else:
        command += ["--locked", "--all-features", "--lib", "--test", "vectors", "--test", "statement_vectors", "--test", "identity"]
    print(f"{name}: building", flush=True)
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    if name == "portable" and not lean.same_versions():
        raise SystemExit("the portable build has other versions of crates than Cargo.lock")
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    programs = [each for each in messages if each.get("executable") and each["profile"]["test"]]
    return [each["executable"] for each in sorted(programs, key=lambda each: each["target"]["kind"] != ["lib"])]


def run(programs, name, runs, tests=None):
    """Runs the vectors. Gives where the tests wrote what they ran, and whether all of them passed."""
    place = pathlib.Path("target/evidence-vectors").resolve() / f"{name}.tsv"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    environment = os.environ | {"TWINLOCK_VECTORS_RAN": str(place), "TWINLOCK_ACCUMULATED_RUNS": str(runs)}
    passed = True
    for number, program in enumerate(programs):
        print(f"{name}: running {pathlib.Path(program).name}", flush=True)
        chosen = (tests or TESTS) if number == 0 else []
        passed &= subprocess.run([program, *chosen], env=environment, check=False).returncode == 0
    place.touch()
    return place, passed


def symbols(program):
    return subprocess.run(["nm", "--demangle", program], stdout=subprocess.PIPE, text=True, check=True).stdout


def processor():
    found = [line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")]
    return set(found[0].split()) if found else set()


def paths(picked, portable):
    """Which of the faster code stands in the first program and not in the second, and whether this processor can run it."""
    first, second = symbols(picked), symbols(portable)
    apart = [what for what, name in FASTER.items() if name in first and name not in second]
    lacking = sorted({"avx2", "aes", "pclmulqdq", "sha_ni"} - processor())
    figure = f"{len(apart)} of {len(FASTER)} implementations in one build only"
    if lacking:
        return {"value": len(apart), "holds": False, "figure": f"{figure}; this processor lacks {', '.join(lacking)}"}
    missing = sorted(set(FASTER) - set(apart))
    return {"value": len(apart), "figure": figure + (f"; not {', '.join(missing)}" if missing else "")}
