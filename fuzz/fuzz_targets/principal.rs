//! Any text as an IAM member: what is read is written as it stood, and read as the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trust::principal::Principal;

fuzz_target!(|text: &str| {
    match text.parse::<Principal>() {
        Ok(principal) => {
            let written = principal.to_string();
            assert_eq!(written, text, "policies compare members as text");
            assert_eq!(written.parse(), Ok(principal));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
