//! Who becomes whom, and what may they do: pure decisions about identity.
//!
//! 1. [`token`] reads a token's claims, without judging them.
//! 2. [`entra`] says whether an outside token matches a federated identity credential, as Microsoft Entra would.
//!    [`first_party`] knows the audiences of Microsoft's own services.
//! 3. [`provider`] says whom Google's Security Token Service would make of those claims, or why it would refuse.
//! 4. [`principal`] names the result, and says which IAM member strings stand for it.
//! 5. [`iam`] and [`rbac`] say what that caller may do, and by which grant.
//!
//! Every answer is a value that carries its reasons, in the words the live service uses. A "no" is never an error.
//!
//! Never:
//! - a clock: the time is always handed in;
//! - a token kept, or put into an error: [`token::decode`] borrows it and lets go;
//! - a signature checked: whoever holds the keys does that;
//! - async, HTTP, environment, files, terminal;
//! - another way to evaluate CEL than the private module `cel`.

#![warn(clippy::wildcard_enum_match_arm)]

mod cel;
pub mod entra;
pub mod first_party;
pub mod iam;
pub mod principal;
pub mod provider;
pub mod rbac;
pub mod token;

pub use principal::Caller;
pub use token::Claims;
