//! What a node is, for the person who stands before it.

use bundle_format::facts::{ClusterFacts, NodeFacts};

use super::{Screen, Tone};

/// The most lines of one kind.
const MOST_LINES: usize = 12;

/// A summary; the facts themselves are data.
pub fn show_facts(screen: &Screen, facts: &NodeFacts) {
    screen.toned(Tone::Bold, "node", &format!("      {}", facts.called()));
    let mut addresses: Vec<String> = facts.host.addresses.iter().take(MOST_LINES).map(|found| found.address.to_string()).collect();
    addresses.dedup();
    screen.say(&format!("          {}", if addresses.is_empty() { "no address is known".to_owned() } else { addresses.join(", ") }));
    let system = &facts.system;
    let system: Vec<&str> = [&system.name, &system.architecture, &system.kernel].into_iter().flatten().map(String::as_str).collect();
    if !system.is_empty() {
        screen.say(&format!("system    {}", system.join(", ")));
    }
    screen.say(&format!("clock     {}", bundle_format::rfc3339_seconds::format(facts.gathered).unwrap_or_default()));
    facts.clusters.iter().for_each(|cluster| show_cluster(screen, cluster));
    if facts.clusters.iter().all(|cluster| cluster.roles.is_empty()) {
        screen.warn("no role was found on this node: give it one by hand, in the site file");
    }
    for facts in facts.certificates.iter().take(MOST_LINES) {
        let end = bundle_format::rfc3339_seconds::format(facts.not_after).unwrap_or_default();
        screen.say(&format!("ends      {end}  {}  {}", facts.path, facts.subject));
    }
    if let Some(runtime) = &facts.runtime {
        screen.say(&format!("runtime   {}", runtime.name));
    }
    match &facts.recipient {
        Some(recipient) => screen.say(&format!("recipient {recipient}")),
        None => screen.say("recipient none: secrets cannot be sealed to this node"),
    }
    facts.remarks.iter().for_each(|remark| screen.warn(remark));
}

fn show_cluster(screen: &Screen, cluster: &ClusterFacts) {
    let roles: Vec<&str> = cluster.roles.iter().map(|role| role.role.as_str()).collect();
    screen.say(&format!("roles     {} ({})", if roles.is_empty() { "none".to_owned() } else { roles.join("+") }, cluster.profile));
    for role in &cluster.roles {
        screen.detail(&format!("          {}: {}", role.role, role.because.join(", ")));
    }
    let mut versions: Vec<&str> = cluster.versions.iter().map(|version| version.text.as_str()).collect();
    versions.dedup();
    if !versions.is_empty() {
        screen.say(&format!("version   {}", versions.join(", ")));
    }
    if let Some(database) = &cluster.database {
        screen.say(&format!("database  {}", database.said));
    }
}
