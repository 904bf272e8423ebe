//! Mail on its way in: what a mail means, and the webhook and the mailbox that bring it.

mod arrival;
mod authenticity;
mod automatic;
mod bounds;
mod calendar;
#[cfg(test)]
mod forged;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
#[cfg(test)]
mod growth;
mod html;
pub mod imap;
mod message;
mod operator;
mod proof;
pub mod providers;
#[cfg(test)]
mod recorded;
mod reply;
pub mod webhook;

use arrival::{Folder, Mailbox};
use message::Mail;
pub use webhook::record_mail;
