//! Fuzzers set `--cfg fuzzing`; say that the name is meant.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(fuzzing)");
    println!("cargo::rerun-if-changed=build.rs");
}
