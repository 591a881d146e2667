//! Who becomes whom, and what may they do: pure decisions about identity.
