//! What tests of the whole system are made with: processes, stand-ins, clients of the public interface.

pub mod api;
pub mod binary;
pub mod browser;
pub mod config;
mod empty;
pub mod gate;
pub mod lateness;
pub mod live;
pub mod llm;
pub mod mail;
pub mod node;
pub mod openapi;
pub mod processes;
pub mod python;
pub mod receiver;
pub mod system;
pub mod telegram;
pub mod updates;
pub mod whatsapp;

pub use api::Api;
pub use browser::{Browser, Tab};
pub use config::Config;
pub use llm::Llm;
pub use mail::Mail;
pub use receiver::Receiver;
pub use system::System;
pub use telegram::Telegram;
pub use whatsapp::WhatsApp;
