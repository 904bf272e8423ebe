//! Compiles the `.proto` files in Rust, without protoc; their descriptors make any event readable as JSON.

use std::{env, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=steward_v1");
    let mut files = Vec::new();
    for entry in fs::read_dir("steward_v1")? {
        files.push(entry?.path());
    }
    // The order of a folder is the file system's; that of the descriptors is to be the same everywhere.
    files.sort();
    let descriptors = protox::compile(files, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), prost_build_bytes(&descriptors))?;
    // These messages hold a secret, so their `Debug` is written by hand.
    prost_build::Config::new()
        .skip_debug([
            "steward.v1.WebhookCreated",
            "steward.v1.WebhookSecretRotated",
            "steward.v1.ApiKeyCreated",
            "steward.v1.SessionBegun",
        ])
        .compile_fds(descriptors)?;
    Ok(())
}

fn prost_build_bytes(descriptors: &impl prost::Message) -> Vec<u8> {
    descriptors.encode_to_vec()
}
