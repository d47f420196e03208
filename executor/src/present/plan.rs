//! Bundles and plans, for programs and for people. Of a private key nothing is shown but whether it changes.

use std::collections::BTreeMap;

use bundle_format::{
    certificate::Certificate,
    digest::Digest,
    manifest::{AuthorityRecord, CertificateRecord, Manifest},
    reader::Complete,
    rfc3339_seconds,
    slice::Slice,
};
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    Screen, Tone,
    services::{service_value, show_service},
};
use crate::{
    bundle::Bundle,
    facts::{Found, Target},
    identity::Evidence,
    plan::{Change, Plan, PlannedEdit, PlannedFile, PlannedStep, services::Todo},
};

/// A plan for programs.
#[derive(Debug, Serialize)]
pub struct PlanView {
    /// Its steps.
    pub steps: Vec<Value>,
    /// How many files change.
    pub changes: usize,
    /// How many rows change.
    pub rows: usize,
    /// How many restarts there are.
    pub restarts: usize,
}

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
        "created": text(manifest.created),
        "not_after": text(manifest.not_after),
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

fn signers(complete: &Complete) -> String {
    complete.signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// All of a bundle, for people.
pub fn show_bundle(screen: &Screen, complete: &Complete) {
    let manifest = &complete.manifest;
    screen.toned(Tone::Bold, "bundle", &format!("   {}, profile {}", manifest.name(), manifest.profile));
    for signer in &complete.signers {
        screen.say(&format!("signer   {signer}"));
    }
    screen.say(&format!("made     {}, to be applied before {}", text(manifest.created), text(manifest.not_after)));
    screen.say(&format!("checked  {} entries, each against the signed list", complete.sums.digests.len()));
    screen.say(&format!("secrets  {}", manifest.how_sealed()));
    for authority in &manifest.authorities {
        show_authority(screen, authority);
    }
    show_nodes(screen, manifest);
}

fn show_authority(screen: &Screen, authority: &AuthorityRecord) {
    screen.say(&format!("authority {}  {}", authority.name, dates(&authority.former, &authority.renewed)));
    screen.detail(&format!("  key {}", authority.public_key));
    for leaf in &authority.leaves {
        screen.say(&format!("  leaf {}  {}", leaf.name, dates(&leaf.former, &leaf.renewed)));
    }
}

fn show_nodes(screen: &Screen, manifest: &Manifest) {
    const MOST: usize = 20;
    screen.say(&format!("nodes    {}, in the order of visits", manifest.nodes.len()));
    for node in manifest.nodes.iter().take(MOST) {
        let roles: Vec<&str> = node.roles.iter().map(bundle_format::name::Label::as_str).collect();
        screen.say(&format!("  {}  {}", node.name, roles.join(", ")));
    }
    if let Some(more) = manifest.nodes.len().checked_sub(MOST).filter(|more| *more > 0) {
        screen.say(&format!("  and {more} more"));
    }
}

fn dates(former: &CertificateRecord, renewed: &CertificateRecord) -> String {
    format!("{} to {}  ->  {} to {}", text(former.not_before), text(former.not_after), text(renewed.not_before), text(renewed.not_after))
}

/// A plan, for people.
pub fn show_plan(screen: &Screen, bundle: &Bundle, slice: &Slice, evidence: Evidence, plan: &Plan<'_>) {
    let (manifest, node) = (bundle.manifest(), &slice.node);
    screen.toned(Tone::Bold, "bundle", &format!("  {}, signed by {}", manifest.name(), signers(&bundle.complete)));
    screen.toned(Tone::Bold, "node", &format!("    {node}, known {}", evidence.text()));
    for (number, step) in (1..).zip(&plan.steps) {
        match step {
            PlannedStep::EditJson(edit) => show_edit(screen, number, plan.steps.len(), edit),
            PlannedStep::InstallFiles(files) => {
                screen.toned(Tone::Bold, &format!("step {number} of {}", plan.steps.len()), "  install files");
                for file in files {
                    show_file(screen, file, manifest);
                }
            }
            PlannedStep::Service(service) => show_service(screen, &format!("step {number} of {}", plan.steps.len()), service),
        }
    }
}

fn show_file(screen: &Screen, file: &PlannedFile<'_>, manifest: &Manifest) {
    let change = file.change();
    screen.say(&format!("  {}  {}", shown_path(file), word(change)));
    show_elsewhere(screen, file.target());
    let now = file.target().and_then(|target| target.sight.file());
    if file.file.entry.is_secret() {
        let what = if change == Change::Keep { "private key, stays" } else { "private key, changes" };
        screen.say(&format!("    {what}"));
    } else if change != Change::Keep {
        if let Some(seen) = now {
            show_content(screen, "now ", &seen.content);
        }
        show_content(screen, "then", file.content);
    }
    screen.say(&format!("    why   {}", why(file, manifest)));
}

fn show_edit(screen: &Screen, number: usize, steps: usize, edit: &PlannedEdit<'_>) {
    let path = edit.target().map_or(&edit.step.target, |target| &target.path);
    let values = edit.edited.as_ref().and_then(|edited| edited.as_ref().ok());
    screen.toned(Tone::Bold, &format!("step {number} of {steps}"), "  edit a document");
    screen.say(&format!("  {path}  {}", word(edit.change())));
    show_elsewhere(screen, edit.target());
    if let Some(edited) = values {
        let (member, from, to) = (&edit.step.member, &edit.step.from, &edit.step.to);
        screen.say(&format!("    {} values of `{member}`: `{from}` -> `{to}`; {} are so already", edited.changed, edited.already));
    }
}

/// A link on the way to a target is followed knowingly.
fn show_elsewhere(screen: &Screen, target: Option<&Target>) {
    if let Some(elsewhere) = target.and_then(|target| target.elsewhere.as_ref()) {
        screen.say(&format!("    lies  in fact at {elsewhere}, by a link on the way there"));
    }
}

fn shown_path(file: &PlannedFile<'_>) -> String {
    file.target().map_or(&file.file.target, |target| &target.path).to_string()
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Create => "is created",
        Change::Keep => "stays: it is so already",
        Change::Replace => "is replaced",
        Change::Unclear => "cannot be changed, see below",
    }
}

/// Why a file is changed, from what the manifest says of its entry.
fn why(file: &PlannedFile<'_>, manifest: &Manifest) -> String {
    let entry = &file.file.entry;
    for authority in &manifest.authorities {
        if authority.certificate == *entry {
            return format!("the renewed certificate of the authority `{}`, with the same key", authority.name);
        }
        for leaf in &authority.leaves {
            if leaf.certificate == *entry {
                return format!("the new certificate `{}`, under the authority `{}`", leaf.name, authority.name);
            }
            if leaf.key == entry.unsealed() {
                return format!("the private key of the new certificate `{}`", leaf.name);
            }
        }
    }
    format!("the bundle's `{entry}`")
}

/// A public file: validity, subject, and the whole fingerprint, so that it can be compared by hand.
fn show_content(screen: &Screen, when: &str, content: &[u8]) {
    match certificate(content) {
        Some(certificate) => {
            let (begin, end) = (text(certificate.not_before()), text(certificate.not_after()));
            screen.say(&format!("    {when}  {begin} to {end}  {}", certificate.subject()));
            screen.say(&format!("          {}", certificate.fingerprint()));
        }
        None => screen.say(&format!("    {when}  {} bytes, no certificate", content.len())),
    }
}

fn certificate(content: &[u8]) -> Option<Certificate> {
    Certificate::all_from_file(content).ok()?.into_iter().next()
}

impl PlanView {
    /// A plan for programs.
    pub fn of(plan: &Plan<'_>, manifest: &Manifest) -> Self {
        let steps = plan.steps.iter().map(|step| match step {
            PlannedStep::EditJson(edit) => edit_value(edit),
            PlannedStep::InstallFiles(files) => {
                let files: Vec<Value> = files.iter().map(|file| file_value(file, manifest)).collect();
                json!({ "kind": "install-files", "files": files })
            }
            PlannedStep::Service(service) => service_value(service),
        });
        let rows = plan.services().map(|service| match &service.todo {
            Todo::Rows { rows, .. } => rows.len(),
            _ => 0,
        });
        let restarts = plan.services().filter(|service| matches!(service.todo, Todo::Restart { .. })).count();
        Self { steps: steps.collect(), changes: plan.sizes().len(), rows: rows.sum(), restarts }
    }
}

fn file_value(file: &PlannedFile<'_>, manifest: &Manifest) -> Value {
    let is_secret = file.file.entry.is_secret();
    let now = file.target().and_then(|target| target.sight.file()).filter(|_| !is_secret);
    json!({
        "target": shown_path(file),
        "entry": file.file.entry,
        "change": change_value(file.change()),
        "secret": is_secret,
        "elsewhere": file.target().and_then(|target| target.elsewhere.as_ref()),
        "now": now.map(|seen| public_value(&seen.content)),
        "then": (!is_secret).then(|| public_value(file.content)),
        "why": why(file, manifest),
    })
}

fn edit_value(edit: &PlannedEdit<'_>) -> Value {
    let edited = edit.edited.as_ref().and_then(|edited| edited.as_ref().ok());
    let path = match edit.found {
        Found::At(target) => &target.path,
        _ => &edit.step.target,
    };
    json!({
        "kind": "edit-json",
        "target": path,
        "change": change_value(edit.change()),
        "elsewhere": edit.target().and_then(|target| target.elsewhere.as_ref()),
        "member": edit.step.member,
        "from": edit.step.from,
        "to": edit.step.to,
        "values": edited.map(|edited| edited.changed),
        "already": edited.map(|edited| edited.already),
    })
}

fn change_value(change: Change) -> &'static str {
    match change {
        Change::Create => "create",
        Change::Keep => "keep",
        Change::Replace => "replace",
        Change::Unclear => "unclear",
    }
}

fn public_value(content: &[u8]) -> Value {
    match certificate(content) {
        Some(certificate) => json!({
            "fingerprint": certificate.fingerprint(),
            "subject": certificate.subject(),
            "not_before": text(certificate.not_before()),
            "not_after": text(certificate.not_after()),
            "sans": certificate.sans().iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        None => json!({ "sha256": Digest::of(content), "size": content.len() }),
    }
}

fn text(time: OffsetDateTime) -> String {
    rfc3339_seconds::format(time).unwrap_or_else(|_| time.to_string())
}
