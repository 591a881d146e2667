//! An imported bridge file in words: itself.

use bridge::import::Imported;

use super::Human;

impl Human for Imported {
    fn human(&self) -> String {
        self.text.clone()
    }
}
