//! `reseal-node status`: what was done here, what could be done next, and how etcd of the whole site is? Changes nothing.

use bundle_format::{digest::Digest, manifest::AuthorityRecord, slice::EtcdCluster, text, word};
use serde_json::{Value, json};

use super::{
    Context, Outcome, examples,
    job::{self, BundleArgs, NodeArgs},
};
use crate::{
    cluster,
    error::Failure,
    etcd::MemberSight,
    present::{StatusView, Tone, generation, show_members, show_status},
    quorum,
    run::{Run, Store},
};

#[derive(Debug, clap::Args)]
#[command(about = word!(
    "Show the last run, where each of its files stands, and etcd of the whole site as the network shows it",
    "显示最近一次执行、其中每个文件的现状，以及从网络上看到的全站 etcd 状态"
), long_about = word!(
    "The site is known from the last run; before the first one, from a bundle, where one is named.",
    "站点信息取自最近一次执行；首次执行之前，取自命令行给出的证书包。"
), after_help = examples(&["status --json"]))]
pub struct Args {
    #[command(flatten)]
    pub bundle: BundleArgs,
    #[command(flatten)]
    pub node: NodeArgs,
}

impl Args {
    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let runs = Store::of(&context.machine)?.runs()?;
        let view = StatusView::of(&runs, &context.machine);
        show_status(&context.screen, &view);
        let site = if context.machine.is_whole() { self.site(context, &runs)? } else { None };
        let mut document = json!(view);
        document["etcd"] = site.map_or(Value::Null, |site| show_site(context, &site));
        Ok(Outcome::of(document))
    }

    /// The clusters of the site and what was renewed, from the bundle that was named, or else from the last run.
    fn site(&self, context: &Context, runs: &[Run]) -> Result<Option<Site>, Failure> {
        if self.bundle.path.is_some() {
            let bundle = self.bundle.read(context, self.node.wanted(&context.machine))?;
            let (slice, _) = job::own_slice(&bundle, &self.node, &context.machine)?;
            return Ok(Some(Site { etcd: slice.etcd.clone(), authorities: bundle.manifest().authorities.clone() }));
        }
        let begin = runs.iter().rev().find_map(|run| run.state().ok()?.begin);
        Ok(begin.map(|begin| Site { etcd: begin.etcd.clone(), authorities: begin.authorities.clone() }))
    }
}

/// The clusters of a site, and what was renewed of it.
struct Site {
    etcd: Vec<EtcdCluster>,
    authorities: Vec<AuthorityRecord>,
}

fn show_site(context: &Context, site: &Site) -> Value {
    let leaves = site.authorities.iter().flat_map(|authority| &authority.leaves);
    let leaves: Vec<(Digest, Digest)> = leaves.map(|leaf| (leaf.former.fingerprint, leaf.renewed.fingerprint)).collect();
    let show = |cluster: &EtcdCluster| match cluster::look(&context.machine, cluster) {
        Err(why) => {
            context.screen.warn(&why.to_string());
            json!({ "cluster": cluster.name, "error": why.to_string() })
        }
        Ok(sights) => {
            let peers = cluster::peers(&context.machine, cluster);
            let renewed: Vec<Digest> = leaves.iter().map(|(_, renewed)| *renewed).collect();
            let certificate = |sight: &MemberSight| {
                let peer = peers.iter().find(|peer| peer.node == sight.node);
                let is_renewed = peer.is_some_and(|peer| cluster::is_renewed(peer, &renewed))
                    || sight.is_healthy() && generation(sight, &leaves) == Some("new");
                if is_renewed {
                    Some("new")
                } else {
                    generation(sight, &leaves).map(|generation| if generation == "new" { "new-not-restarted" } else { generation })
                }
            };
            show_members(&context.screen, cluster.name.as_str(), &sights, certificate);
            let left = sights.iter().filter(|sight| certificate(sight) != Some("new")).count();
            let healthy = sights.iter().filter(|sight| sight.is_healthy()).count();
            let needed = quorum::quorum(sights.len());
            let verdict = if healthy >= needed {
                word!("the quorum is there", "已达到法定票数")
            } else {
                word!("there is no quorum", "没有达到法定票数")
            };
            let site = text!(
                "{healthy} of {} members are healthy, {needed} are a quorum: {verdict}",
                "{} 个成员中 {healthy} 个健康，法定票数为 {needed}：{verdict}"; sights.len()
            );
            context.screen.row(Tone::Plain, word!("site", "站点"), &site);
            let left_text = text!("{left} still to visit, as far as the network shows", "从网络上看，还有 {left} 台待处理");
            context.screen.row(Tone::Plain, "", &left_text);
            let certificates: Vec<Value> =
                sights.iter().map(|sight| json!({ "node": sight.node, "certificate": certificate(sight) })).collect();
            json!({ "cluster": cluster.name, "members": sights, "certificates": certificates, "to_visit": left, "healthy": healthy, "needed": needed })
        }
    };
    Value::Array(site.etcd.iter().map(show).collect())
}
