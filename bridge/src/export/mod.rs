//! What a bridge wants, for other people's tools: Terraform (and OpenTofu), over the providers google, azuread, azurerm
//! and kubernetes. Pure text; where one resource refers to another there is a reference and not an id.

mod hcl;
mod kubernetes;
mod terraform;

pub use terraform::terraform;
