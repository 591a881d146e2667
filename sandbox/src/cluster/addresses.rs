//! Addresses of pods and services: each its own one in 127.0.0.0/8, chosen at random so that several sandboxes can run
//! side by side, and tried out for the ports it is wanted for.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

/// Pods: 127.64.0.0/10.
const PODS: Range = Range { first: [127, 64, 0, 0], bits: 22 };
/// Services: 127.32.0.0/11.
const SERVICES: Range = Range { first: [127, 32, 0, 0], bits: 21 };
/// How many addresses are tried before giving up.
const ATTEMPTS: usize = 64;

struct Range {
    first: [u8; 4],
    bits: u32,
}

/// The addresses in use.
#[derive(Default)]
pub(crate) struct Addresses(Mutex<BTreeSet<Ipv4Addr>>);

impl Addresses {
    /// A fresh address for a pod that listens on `ports`.
    pub(crate) fn pod(&self, ports: &[u16]) -> Option<Ipv4Addr> {
        self.fresh(&PODS, ports)
    }

    /// A fresh address for a service with `ports`.
    pub(crate) fn service(&self, ports: &[u16]) -> Option<Ipv4Addr> {
        self.fresh(&SERVICES, ports)
    }

    /// This very address for a service, if it is in range and free.
    pub(crate) fn this_service(&self, text: &str) -> Option<Ipv4Addr> {
        let address: Ipv4Addr = text.parse().ok()?;
        (SERVICES.contains(address) && self.take(address)).then_some(address)
    }

    /// Gives an address back.
    pub(crate) fn release(&self, text: &str) {
        if let Ok(address) = text.parse() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
        }
    }

    fn fresh(&self, range: &Range, ports: &[u16]) -> Option<Ipv4Addr> {
        std::iter::repeat_with(|| range.random()).take(ATTEMPTS).find(|address| {
            let free = ports.iter().all(|port| TcpListener::bind((*address, *port)).is_ok());
            free && self.take(*address)
        })
    }

    fn take(&self, address: Ipv4Addr) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(address)
    }
}

impl Range {
    fn random(&self) -> Ipv4Addr {
        let random = u64::from_str_radix(&crate::random::hex(), 16).unwrap_or_default();
        let host = u32::try_from(random & ((1 << self.bits) - 1)).unwrap_or_default();
        Ipv4Addr::from(u32::from(Ipv4Addr::from(self.first)) | host)
    }

    fn contains(&self, address: Ipv4Addr) -> bool {
        u32::from(address) >> self.bits == u32::from(Ipv4Addr::from(self.first)) >> self.bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_range_and_never_given_twice() {
        let addresses = Addresses::default();
        let one = addresses.pod(&[]).unwrap();
        assert!(PODS.contains(one) && !SERVICES.contains(one));
        let service = addresses.service(&[]).unwrap();
        assert!(SERVICES.contains(service));
        assert_eq!(addresses.this_service(&service.to_string()), None);
        addresses.release(&service.to_string());
        assert_eq!(addresses.this_service(&service.to_string()), Some(service));
        assert_eq!(addresses.this_service("127.0.0.1"), None);
    }
}
