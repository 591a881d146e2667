//! Any text as an IAM member: what is read is written as it stood, and read as the same again; what looks wrong about it is
//! said.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trust::principal::{Caller, Membership, Principal, Suspicion, suspicions};

fuzz_target!(|text: &str| {
    let found = suspicions(text, None);
    assert!(found.iter().all(|suspicion| !suspicion.to_string().is_empty()));
    match text.parse::<Principal>() {
        Ok(principal) => {
            let written = principal.to_string();
            assert_eq!(written, text, "policies compare members as text");
            assert_eq!(written.parse(), Ok(principal.clone()));
            let caller = Caller::ServiceAccount("somebody@project.iam.gserviceaccount.com".to_owned());
            assert_eq!(caller.is(&principal), caller.membership(&principal) == Membership::Yes);
            assert!(!found.iter().any(|suspicion| matches!(suspicion, Suspicion::Malformed(_))));
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(!found.is_empty(), "a text that is no member looks wrong");
        }
    }
});
