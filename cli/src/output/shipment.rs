//! A shipment, for people.

use std::fmt::Write;

use bridge::shipment::Shipment;

use super::Human;

impl Human for Shipment {
    fn human(&self) -> String {
        let mut text = String::new();
        let rows = [
            ("service", format!("{} (namespace {})", self.service, self.namespace)),
            ("model", format!("{}:{}", self.model, self.version)),
            ("image", self.image.clone()),
            ("shipment", self.id.clone()),
        ];
        for (name, value) in rows {
            let _ = writeln!(text, "{name:<9} {value}");
        }
        for url in &self.urls {
            let _ = writeln!(text, "{:<9} {url}", "url");
        }
        text
    }
}
