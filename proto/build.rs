//! Compiles the `.proto` files in Rust (no protoc) and keeps their descriptors for readers of any event.

use std::{env, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=steward_v1");
    let files = [
        "steward_v1/shared.proto",
        "steward_v1/conversation.proto",
        "steward_v1/contact.proto",
        "steward_v1/other.proto",
        "steward_v1/webhook.proto",
    ];
    let descriptors = protox::compile(files, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), prost_build_bytes(&descriptors))?;
    // These hold a secret: their `Debug` is written by hand.
    prost_build::Config::new()
        .skip_debug(["steward.v1.WebhookCreated", "steward.v1.WebhookSecretRotated", "steward.v1.ApiKeyCreated"])
        .compile_fds(descriptors)?;
    Ok(())
}

fn prost_build_bytes(descriptors: &impl prost::Message) -> Vec<u8> {
    descriptors.encode_to_vec()
}
