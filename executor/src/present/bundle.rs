//! Bundles, for programs and for people.

use std::collections::BTreeMap;

use bundle_format::{
    manifest::{AuthorityRecord, CertificateRecord, Manifest},
    reader::Complete,
    rfc3339_seconds, text, word,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Screen, Tone};
use crate::bundle::Bundle;

/// What a bundle says of itself.
pub fn bundle_view(complete: &Complete) -> Value {
    let manifest = &complete.manifest;
    json!({
        "name": manifest.name().to_string(),
        "site": manifest.site,
        "serial": manifest.serial,
        "identity": complete.identity,
        "signer": complete.signers.first(),
        "signers": complete.signers,
        "needs_signers": manifest.needs_signers,
        "created": time_text(manifest.created),
        "not_after": time_text(manifest.not_after),
        "profile": manifest.profile,
        "needs_executor": manifest.needs_executor,
        "entries": complete.sums.digests.len(),
        "sealing": manifest.sealing_view(),
    })
}

/// All of a bundle that `verify` shows.
pub fn verify_view(bundle: &Bundle) -> Value {
    let manifest = bundle.manifest();
    let listings: BTreeMap<_, _> = bundle.nodes.iter().map(|listing| (&listing.node, listing)).collect();
    let nodes = manifest.nodes.iter().map(|record| {
        let listing = listings.get(&record.name);
        json!({
            "name": record.name,
            "roles": record.roles,
            "host_names": listing.map(|listing| &listing.host_names),
            "addresses": listing.map(|listing| &listing.addresses),
        })
    });
    json!({
        "bundle": bundle_view(&bundle.complete),
        "authorities": manifest.authorities,
        "nodes": nodes.collect::<Vec<_>>(),
    })
}

/// All of a bundle, for people.
pub fn show_bundle(screen: &Screen, complete: &Complete) {
    let manifest = &complete.manifest;
    let name = text!("{}, profile {}", "{}，profile {}"; manifest.name(), manifest.profile);
    screen.row(Tone::Bold, word!("bundle", "证书包"), &name);
    for signer in &complete.signers {
        screen.row(Tone::Plain, word!("signer", "签名人"), &signer.to_string());
    }
    let made = text!(
        "{}, to be applied before {}", "{}，须在 {} 之前执行";
        time_text(manifest.created), time_text(manifest.not_after)
    );
    screen.row(Tone::Plain, word!("made", "制作于"), &made);
    let checked = text!("{} entries, each against the signed list", "{} 个条目，均与已签名的清单一致"; complete.sums.digests.len());
    screen.row(Tone::Plain, word!("checked", "校验"), &checked);
    screen.row(Tone::Plain, word!("secrets", "机密内容"), &manifest.how_sealed());
    for authority in &manifest.authorities {
        show_authority(screen, authority);
    }
    show_nodes(screen, manifest);
}

fn show_authority(screen: &Screen, authority: &AuthorityRecord) {
    screen.row(Tone::Plain, word!("authority", "CA"), authority.name.as_str());
    screen.detail(&text!("    key {}", "    密钥 {}"; authority.public_key));
    show_dates(screen, &authority.former, &authority.renewed);
    for leaf in &authority.leaves {
        screen.row(Tone::Plain, word!("  leaf", "  叶子证书"), leaf.name.as_str());
        show_dates(screen, &leaf.former, &leaf.renewed);
    }
}

fn show_dates(screen: &Screen, former: &CertificateRecord, renewed: &CertificateRecord) {
    let dates = |record: &CertificateRecord| text!("{} to {}", "{} 至 {}"; time_text(record.not_before), time_text(record.not_after));
    screen.say(&format!("    - {}", dates(former)));
    screen.say(&format!("    + {}", dates(renewed)));
}

fn show_nodes(screen: &Screen, manifest: &Manifest) {
    const MOST: usize = 20;
    let count = text!("{}, in the order of visits", "{} 个，按访问顺序"; manifest.nodes.len());
    screen.row(Tone::Plain, word!("nodes", "节点"), &count);
    for node in manifest.nodes.iter().take(MOST) {
        let roles: Vec<&str> = node.roles.iter().map(bundle_format::name::Label::as_str).collect();
        screen.say(&format!("  {}  {}", node.name, roles.join(", ")));
    }
    if let Some(more) = manifest.nodes.len().checked_sub(MOST).filter(|more| *more > 0) {
        screen.say(&text!("  and {more} more", "  另有 {more} 个"));
    }
}

/// A time, as it is shown everywhere.
pub(super) fn time_text(time: OffsetDateTime) -> String {
    rfc3339_seconds::format(time).unwrap_or_else(|_| time.to_string())
}
