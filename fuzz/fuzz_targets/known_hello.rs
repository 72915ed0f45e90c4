#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twinlock_fuzz::known_hello::run(data));
