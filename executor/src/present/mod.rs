//! What is shown, in words for people, and as views for one JSON document. [`Screen`] writes it.

mod backups;
mod bundle;
mod downtime;
mod explain;
mod facts;
mod memory;
mod outlook;
mod plan;
mod plan_view;
mod progress;
mod receipt;
mod services;
mod status;

use bundle_format::{digest::Digest, text};
pub use console::{Screen, Tone};

pub use backups::{backup_view, show_backups};
pub use bundle::{bundle_view, show_bundle, verify_view};
pub use explain::{Call, Problem, explain};
pub use facts::show_facts;
pub use memory::show_memory;
pub use outlook::{forward, show_intents};
pub use plan::show_plan;
pub use plan_view::{PlanView, services_view, show_outlook};
pub use progress::Ticker;
pub use receipt::show_receipt;
pub use services::{generation, show_members};
pub use status::{StatusView, show_status};

use crate::code::Code;

/// Says that the program itself is at fault, and nothing of what it had in hand, for that may be a secret.
pub fn say_fault(place: &str) {
    let (message, hint) = about_fault(place);
    Screen::default().problem(&message, [hint]);
}

/// What is said of a fault, and what to do.
fn about_fault(place: &str) -> (String, String) {
    let message = text!(
        "{} reseal-node itself is at fault, at {place}; its message is kept back, since it may hold a secret",
        "{} reseal-node 自身出错，位置 {place}；详细消息可能含有机密，因此不显示"; Code::Fault
    );
    let hint = text!(
        "a run that was begun can be continued or taken back: `reseal-node status` says how",
        "已开始的执行可以继续或回滚：`reseal-node status` 说明方法"
    );
    (message, hint)
}

/// A digest: enough of it to compare by eye, all of it for people who want to know more.
fn shown_digest(screen: &Screen, digest: &Digest) -> String {
    let digest = digest.to_string();
    format!("SHA-256 {}", if screen.is_verbose() { &digest } else { digest.get(..16).unwrap_or(&digest) })
}
