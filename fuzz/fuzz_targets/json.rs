//! libFuzzer on `tillroll_fuzz::json`. Built without `--cfg fuzzing`, it runs
//! the files named as arguments instead.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tillroll_fuzz::json(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    tillroll_fuzz::run_arguments(tillroll_fuzz::json)
}
