//! `reseal show`: what a bundle holds, without trusting it.

use std::{fmt::Write as _, path::PathBuf};

use bundle_format::{
    manifest::{CertificateRecord, Manifest},
    name::{EntryPath, NodeName},
    reader::{Complete, Visitor},
    slice::{Slice, Step, Workload},
    text, word,
};
use serde_json::json;
use zeroize::Zeroizing;

use super::{DONE, Failure, Outcome, verify::read_untrusted};
use crate::present::{self, Output};

#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(value_name = "BUNDLE", help = word!("The bundle", "证书包"))]
    bundle: PathBuf,
    #[arg(long, value_name = "NAME", help = word!("Show this node's slice, step by step", "逐步显示此节点的内容"))]
    node: Option<NodeName>,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let mut wanted = Wanted { node: self.node.clone(), slice: None };
        let complete = read_untrusted(&self.bundle, &mut wanted)?;
        let signers = complete.signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(word!(" and ", " 和 "));
        output.say(&text!(
            "not verified: the bundle says that {signers} signed it; `reseal verify` checks that",
            "未经校验：证书包自称由 {signers} 签名；请用 `reseal verify` 校验"
        ));
        let needed = complete.manifest.needs_signers;
        if complete.signers.len() < needed.into() {
            output.warn(&text!(
                "it needs {needed} signers and has {}; `reseal sign` adds one",
                "它需要 {needed} 个签名人，现有 {} 个；用 `reseal sign` 添加";
                complete.signers.len()
            ));
        }
        let data = match (&self.node, &wanted.slice) {
            (Some(name), None) => return Err(unknown_node(name, &complete.manifest)),
            (_, Some(slice)) if output.is_json() => serde_json::to_string_pretty(slice)?,
            (_, Some(slice)) => slice_text(slice),
            (None, None) if output.is_json() => serde_json::to_string_pretty(
                &json!({ "signer": complete.signers.first(), "signers": complete.signers, "sealing": complete.manifest.sealing_view(), "manifest": complete.manifest }),
            )?,
            (None, None) => bundle_text(&complete, output.is_verbose()),
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
    Failure::new(text!("the bundle has no node `{name}`", "证书包中没有节点 `{name}`"))
        .hint(text!("its nodes are: {}", "其中的节点有：{}"; names.join(", ")))
}

fn bundle_text(complete: &Complete, verbose: bool) -> String {
    let manifest = &complete.manifest;
    let mut text = text!(
        "bundle {}, made {}, to be applied by {}\nsecrets: {}\n\n",
        "证书包 {}，制作于 {}，应在 {} 之前执行\n机密：{}\n\n";
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
    let head =
        word!(["", "NAME", "ENDS", "AFTERWARDS", "NEW FINGERPRINT (SHA-256)"], ["", "名称", "有效期至", "续签后至", "新指纹（SHA-256）"]);
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for ca in &manifest.authorities {
        rows.push(row("CA", ca.name.as_str(), &ca.former, &ca.renewed));
        rows.extend(ca.leaves.iter().map(|leaf| row(word!("leaf", "叶子"), leaf.name.as_str(), &leaf.former, &leaf.renewed)));
    }
    let _ = writeln!(text, "{}\n{}", present::table(&rows), word!("nodes, in visiting order:", "节点，按访问顺序："));
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
        text.push_str(word!("\nentries:\n", "\n条目：\n"));
        for (path, digest) in &complete.sums.digests {
            let _ = writeln!(text, "  {digest}  {path}");
        }
    }
    text
}

fn slice_text(slice: &Slice) -> String {
    let names = slice.identity.host_names.iter().cloned().chain(slice.identity.addresses.iter().map(ToString::to_string));
    let roles: Vec<&str> = slice.roles.iter().map(bundle_format::name::Label::as_str).collect();
    let mut text = text!(
        "node {}, known by {}; {}\n",
        "节点 {}，识别依据：{}；{}\n";
        slice.node, names.collect::<Vec<_>>().join(", "), roles.join("+")
    );
    for (index, step) in slice.steps.iter().enumerate() {
        let _ = writeln!(text, "{}. {}", index + 1, step_text(step));
        if let Step::InstallFiles(step) = step {
            for file in &step.files {
                let _ = writeln!(text, "   {}", text!("{} from {}", "{}，来自 {}"; file.target, file.entry));
            }
        }
    }
    text
}

fn step_text(step: &Step) -> String {
    match step {
        Step::InstallFiles(_) => word!("install files", "安装文件").to_owned(),
        Step::EditJson(step) => text!(
            "edit {target}: every `{member}` of `{from}` becomes `{to}`",
            "修改 {target}：把值为 `{from}` 的 `{member}` 都改为 `{to}`";
            target = step.target, member = step.member, from = step.from, to = step.to
        ),
        Step::AwaitContainers(step) => text!("wait for {}", "等待 {}"; workloads(&step.workloads)),
        Step::AwaitEtcd(step) => text!(
            "wait for the member {member} of the etcd cluster {cluster}",
            "等待 etcd 集群 {cluster} 的成员 {member}";
            member = step.member, cluster = step.cluster
        ),
        Step::RestartPods(step) => text!(
            "restart the pods of {} whose name contains {}",
            "重启命名空间 {} 中名称含 {} 的 Pod";
            step.namespace, step.name_contains
        ),
        Step::RestartStaticPods(step) => {
            text!("restart {}, {} s apart", "重启 {}，停止与启动间隔 {} 秒"; workloads(&step.workloads), step.settle)
        }
        Step::UpdateDatabase(step) => {
            let keys: Vec<&str> = step.rows.iter().map(|row| row.key.as_str()).collect();
            text!("update the rows {} of {table}", "更新表 {table} 的行：{}"; keys.join(", "), table = step.table)
        }
    }
}

fn workloads(workloads: &[Workload]) -> String {
    workloads.iter().map(|workload| workload.container.as_str()).collect::<Vec<_>>().join(word!(" and ", " 和 "))
}
