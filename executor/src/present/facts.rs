//! What a node is, for the person who stands before it.

use std::{collections::BTreeSet, net::IpAddr};

use bundle_format::{
    facts::{ClusterFacts, NodeFacts},
    text, word,
};
use time::OffsetDateTime;

use super::{Screen, Tone};

/// The most lines of one kind.
const MOST_LINES: usize = 12;

/// A summary; the facts themselves are data.
pub fn show_facts(screen: &Screen, facts: &NodeFacts) {
    screen.row(Tone::Bold, word!("node", "节点"), &facts.called());
    // Each once, whatever it is known from, and none that means nothing elsewhere.
    let is_told = |address: &IpAddr| !matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
    let addresses: BTreeSet<IpAddr> = facts.host.addresses.iter().map(|found| found.address).filter(is_told).collect();
    let addresses: Vec<String> = addresses.iter().take(MOST_LINES).map(IpAddr::to_string).collect();
    let addresses = if addresses.is_empty() { text!("no address is known", "没有已知的地址") } else { addresses.join(", ") };
    screen.row(Tone::Plain, "", &addresses);
    let system = &facts.system;
    let system: Vec<&str> = [&system.name, &system.architecture, &system.kernel].into_iter().flatten().map(String::as_str).collect();
    if !system.is_empty() {
        screen.row(Tone::Plain, word!("system", "系统"), &system.join(", "));
    }
    screen.row(Tone::Plain, word!("clock", "时钟"), &told(facts.gathered));
    facts.clusters.iter().for_each(|cluster| show_cluster(screen, cluster));
    if facts.clusters.iter().all(|cluster| cluster.roles.is_empty()) {
        screen.warn(word!(
            "no role was found on this node: give it one by hand, in the site file",
            "没有在本节点上发现任何角色：请在站点文件中手工填写"
        ));
    }
    for facts in facts.certificates.iter().take(MOST_LINES) {
        let text = format!("{}  {}  {}", told(facts.not_after), facts.path, facts.subject);
        screen.row(Tone::Plain, word!("ends", "到期"), &text);
    }
    if let Some(runtime) = &facts.runtime {
        screen.row(Tone::Plain, word!("runtime", "容器"), &runtime.name);
    }
    match &facts.recipient {
        Some(recipient) => screen.row(Tone::Plain, word!("recipient", "接收方"), recipient.as_str()),
        None => screen.row(
            Tone::Plain,
            word!("recipient", "接收方"),
            word!("none: secrets cannot be sealed to this node", "无：不能为本节点加密封存机密内容"),
        ),
    }
    facts.remarks.iter().for_each(|remark| screen.warn(remark));
}

fn show_cluster(screen: &Screen, cluster: &ClusterFacts) {
    let roles: Vec<&str> = cluster.roles.iter().map(|role| role.role.as_str()).collect();
    let roles = if roles.is_empty() { word!("none", "无").to_owned() } else { roles.join("+") };
    screen.row(Tone::Plain, word!("roles", "角色"), &text!("{roles} ({})", "{roles}（{}）"; cluster.profile));
    for role in &cluster.roles {
        screen.detail(&format!("          {}: {}", role.role, role.because.join(", ")));
    }
    let mut versions: Vec<&str> = cluster.versions.iter().map(|version| version.text.as_str()).collect();
    versions.dedup();
    if !versions.is_empty() {
        screen.row(Tone::Plain, word!("version", "版本"), &versions.join(", "));
    }
    if let Some(database) = &cluster.database {
        screen.row(Tone::Plain, word!("database", "数据库"), &database.said);
    }
}

fn told(time: OffsetDateTime) -> String {
    bundle_format::rfc3339_seconds::format(time).unwrap_or_default()
}
