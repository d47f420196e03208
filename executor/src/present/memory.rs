//! What a node remembers, for people.

use bundle_format::{rfc3339_seconds, signature::SignerCount};
use time::OffsetDateTime;

use super::{Screen, Tone};
use crate::memory::{Floor, Memory, Pin};

/// Signers and sites.
pub fn show_memory(screen: &Screen, memory: &Memory) {
    if memory.pins.is_empty() {
        screen.say("no signer is pinned here; the first bundle that is applied needs `--signer`");
    }
    for pin in &memory.pins {
        show_pin(screen, pin);
    }
    for Floor { site, serial, needs_signers, at, .. } in &memory.floors {
        let signers = if *needs_signers == SignerCount::ONE { "one signer".to_owned() } else { format!("{needs_signers} signers") };
        screen.toned(Tone::Bold, "site", &format!("    {site}: up to serial {serial}, applied {}; needs {signers}", text(*at)));
    }
}

fn show_pin(screen: &Screen, pin: &Pin) {
    screen.toned(Tone::Bold, "signer", &format!("  {}", pin.fingerprint));
    let by = pin.by.as_ref().map_or_else(|| "by hand".to_owned(), |bundle| format!("by the bundle {bundle}"));
    let last = pin.last_serial.map_or_else(|| "none was applied yet".to_owned(), |serial| format!("last serial {serial}"));
    screen.say(&format!("        pinned {} {by}; {last}", text(pin.since)));
}

fn text(time: OffsetDateTime) -> String {
    rfc3339_seconds::format(time).unwrap_or_default()
}
