//! `reseal show`: what a bundle holds, without trusting it.

use std::{fmt::Write as _, path::PathBuf};

use bundle_format::{
    manifest::{CertificateRecord, Manifest},
    name::{EntryPath, NodeName},
    reader::{Complete, Visitor},
    slice::{Slice, Step, Workload},
};
use serde_json::json;
use zeroize::Zeroizing;

use super::{DONE, Failure, Outcome, verify::read_untrusted};
use crate::present::{self, Output};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// Show this node's slice, step by step
    #[arg(long, value_name = "NAME")]
    node: Option<NodeName>,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let mut wanted = Wanted { node: self.node.clone(), slice: None };
        let complete = read_untrusted(&self.bundle, &mut wanted)?;
        let signers = complete.signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        output.say(&format!("not verified: the bundle says that {signers} signed it; `reseal verify` checks that"));
        let needed = complete.manifest.needs_signers;
        if complete.signers.len() < needed.into() {
            output.warn(&format!("it needs {needed} signers and has {}; `reseal sign` adds one", complete.signers.len()));
        }
        let data = match (&self.node, &wanted.slice) {
            (Some(name), None) => return Err(unknown_node(name, &complete.manifest)),
            (_, Some(slice)) if output.json => serde_json::to_string_pretty(slice)?,
            (_, Some(slice)) => slice_text(slice),
            (None, None) if output.json => serde_json::to_string_pretty(
                &json!({ "signer": complete.signers.first(), "signers": complete.signers, "sealing": complete.manifest.sealing_view(), "manifest": complete.manifest }),
            )?,
            (None, None) => bundle_text(&complete, output.verbose),
        };
        output.data(&data);
        Ok(DONE)
    }
}

struct Wanted {
    node: Option<NodeName>,
    slice: Option<Slice>,
}

impl Visitor for Wanted {
    fn slice(&mut self, slice: Slice) {
        if self.node.as_ref() == Some(&slice.node) {
            self.slice = Some(slice);
        }
    }
    fn wants(&mut self, _: &EntryPath) -> bool {
        false
    }
    fn entry(&mut self, _: EntryPath, _: Zeroizing<Vec<u8>>) {}
}

fn unknown_node(name: &NodeName, manifest: &Manifest) -> Failure {
    const LISTED: usize = 20;
    let mut names: Vec<&str> = manifest.nodes.iter().take(LISTED).map(|node| node.name.as_str()).collect();
    if manifest.nodes.len() > LISTED {
        names.push("…");
    }
    Failure::new(format!("the bundle has no node `{name}`"), format!("its nodes are: {}", names.join(", ")))
}

fn bundle_text(complete: &Complete, verbose: bool) -> String {
    let manifest = &complete.manifest;
    let mut text = format!(
        "bundle {}, made {}, to be applied by {}\nsecrets: {}\n\n",
        manifest.name(),
        present::moment(manifest.created),
        present::moment(manifest.not_after),
        manifest.how_sealed()
    );
    let row = |kind: &str, name: &str, former: &CertificateRecord, renewed: &CertificateRecord| {
        vec![
            kind.to_owned(),
            name.to_owned(),
            present::moment(former.not_after),
            present::moment(renewed.not_after),
            renewed.fingerprint.to_string(),
        ]
    };
    let mut rows = vec![["", "NAME", "ENDS", "AFTERWARDS", "NEW FINGERPRINT (SHA-256)"].map(str::to_owned).to_vec()];
    for ca in &manifest.authorities {
        rows.push(row("CA", ca.name.as_str(), &ca.former, &ca.renewed));
        rows.extend(ca.leaves.iter().map(|leaf| row("leaf", leaf.name.as_str(), &leaf.former, &leaf.renewed)));
    }
    let _ = writeln!(text, "{}\nnodes, in visiting order:", present::table(&rows));
    let nodes = manifest.nodes.iter().enumerate().map(|(index, node)| {
        let roles: Vec<&str> = node.roles.iter().map(bundle_format::name::Label::as_str).collect();
        vec![
            format!("  {}.", index + 1),
            node.name.to_string(),
            roles.join("+"),
            node.recipient.as_ref().map(ToString::to_string).unwrap_or_default(),
        ]
    });
    text.push_str(&present::table(&nodes.collect::<Vec<_>>()));
    if verbose {
        text.push_str("\nentries:\n");
        for (path, digest) in &complete.sums.digests {
            let _ = writeln!(text, "  {digest}  {path}");
        }
    }
    text
}

fn slice_text(slice: &Slice) -> String {
    let names = slice.identity.host_names.iter().cloned().chain(slice.identity.addresses.iter().map(ToString::to_string));
    let roles: Vec<&str> = slice.roles.iter().map(bundle_format::name::Label::as_str).collect();
    let mut text = format!("node {}, known by {}; {}\n", slice.node, names.collect::<Vec<_>>().join(", "), roles.join("+"));
    for (index, step) in slice.steps.iter().enumerate() {
        match step {
            Step::InstallFiles(step) => {
                let _ = writeln!(text, "{}. install files", index + 1);
                for file in &step.files {
                    let _ = writeln!(text, "   {} from {}", file.target, file.entry);
                }
            }
            Step::EditJson(step) => {
                let _ =
                    writeln!(text, "{}. edit {}: every `{}` of `{}` becomes `{}`", index + 1, step.target, step.member, step.from, step.to);
            }
            Step::AwaitContainers(step) => {
                let _ = writeln!(text, "{}. wait for {}", index + 1, workloads(&step.workloads));
            }
            Step::AwaitEtcd(step) => {
                let _ = writeln!(text, "{}. wait for the member {} of the etcd cluster {}", index + 1, step.member, step.cluster);
            }
            Step::RestartPods(step) => {
                let _ = writeln!(text, "{}. restart the pods of {} whose name contains {}", index + 1, step.namespace, step.name_contains);
            }
            Step::RestartStaticPods(step) => {
                let _ = writeln!(text, "{}. restart {}, {} s apart", index + 1, workloads(&step.workloads), step.settle);
            }
            Step::UpdateDatabase(step) => {
                let keys: Vec<&str> = step.rows.iter().map(|row| row.key.as_str()).collect();
                let _ = writeln!(text, "{}. update the rows {} of {}", index + 1, keys.join(", "), step.table);
            }
        }
    }
    text
}

fn workloads(workloads: &[Workload]) -> String {
    workloads.iter().map(|workload| workload.container.as_str()).collect::<Vec<_>>().join(" and ")
}
