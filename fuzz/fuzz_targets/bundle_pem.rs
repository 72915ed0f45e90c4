#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twinlock_fuzz::bundle::run_pem(data));
