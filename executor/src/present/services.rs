//! What runs and what will be restarted, for people.

use bundle_format::{digest::Digest, language::counted, slice::Step, text, word};

use super::{Screen, Tone, downtime::duration, shown_digest};
use crate::{
    containers::Runtime,
    etcd::MemberSight,
    facts::Facts,
    machine::database::Survey,
    plan::services::{PlannedService, Todo},
    steps::restart_static_pods::names,
};

/// A step of a plan, for people.
pub(super) fn show_service(screen: &Screen, head: &str, service: &PlannedService<'_>) {
    let title = title(service.step);
    let limit = match (service.step, &service.todo) {
        (Step::AwaitContainers(step), Todo::Await) => Some(step.timeout),
        (Step::AwaitEtcd(step), Todo::Await) => Some(step.timeout),
        _ => None,
    };
    let limit = limit.map(duration).map_or_else(String::new, |limit| text!(", at most {limit}", "，最多 {limit}"));
    screen.toned(Tone::Bold, head, &format!("  {title}{limit}"));
    match (service.step, &service.todo) {
        (_, Todo::Nothing(why)) => screen.say(&text!("  nothing to do: {why}", "  无事可做：{why}")),
        (_, Todo::Unclear) => screen.say(word!("  cannot be done, see below", "  无法执行，见下文")),
        (Step::RestartStaticPods(step), Todo::Restart { former, why }) => {
            show_restart(screen, former.len(), why);
            for manifest in &step.manifests {
                screen.say(&text!("      {manifest}", "      {manifest}"));
            }
            screen.say(&text!("      moves to {} and back", "      移到 {}，再移回"; step.holding));
        }
        (Step::RestartPods(_), Todo::Restart { former, why }) => show_restart(screen, former.len(), why),
        (Step::UpdateDatabase(step), Todo::Rows { schema, rows }) => {
            screen.say(&text!(
                "  table `{schema}`.`{}`, copied to `{}` first", "  表 `{schema}`.`{}`，先复制到 `{}`";
                step.table, step.backup_table
            ));
            for (key, former, new) in rows {
                let is_secret = step.rows.iter().any(|row| row.key == *key && row.entry.is_secret());
                show_row(screen, key, (former, new), is_secret);
            }
        }
        _ => {}
    }
}

fn show_restart(screen: &Screen, count: usize, why: &str) {
    screen.say(&format!("    {why}"));
    if count > 0 {
        screen.say(&text!("    - {} of now", "    - 现有的 {}"; counted(count, "container", "个容器")));
    }
    screen.say(word!("    + containers started anew, with what is on disk then", "    + 用届时磁盘上的内容重新启动的容器"));
}

fn show_row(screen: &Screen, key: &str, (former, new): (&Digest, &Digest), is_secret: bool) {
    if former == new {
        screen.say(&text!("    keep {key}: it is so already", "    不变 {key}：已是如此"));
        return;
    }
    screen.say(&text!("    replace {key}", "    替换 {key}"));
    if is_secret {
        screen.say(word!("      - the private key that is there", "      - 现有的私钥"));
        screen.say(word!("      + another private key", "      + 新的私钥"));
    } else {
        screen.say(&format!("      - {}", shown_digest(screen, former)));
        screen.say(&format!("      + {}", shown_digest(screen, new)));
    }
}

/// A step about services, in a few words.
pub(super) fn title(step: &Step) -> String {
    match step {
        Step::AwaitContainers(step) => text!("wait until {} are well", "等待 {} 恢复正常"; names(&step.workloads)),
        Step::AwaitEtcd(step) => text!("wait until the etcd member `{}` is back", "等待 etcd 成员 `{}` 恢复"; step.member),
        Step::RestartPods(step) => text!(
            "restart this node's pods `{}` in `{}`", "重启本节点在 `{1}` 中的 Pod `{0}`";
            step.name_contains, step.namespace
        ),
        Step::RestartStaticPods(step) => text!("restart {}", "重启 {}"; names(&step.workloads)),
        Step::UpdateDatabase(step) => {
            text!("update {} of the Manager's database", "更新 Manager 数据库的 {}"; counted(step.rows.len(), "row", "行"))
        }
        Step::EditJson(_) | Step::InstallFiles(_) => String::new(),
    }
}

/// What was found of what runs: who is asked, the database, and how etcd is.
pub(super) fn show_found(screen: &Screen, facts: &Facts) {
    let Some(services) = &facts.services else { return };
    if let Some(detection) = &services.runtime {
        let runtime = match detection.runtime {
            Runtime::ProcessTable => word!("the process table", "进程表").to_owned(),
            runtime => runtime.to_string(),
        };
        screen.row(Tone::Bold, word!("runtime", "容器"), &runtime);
        for why in &detection.why {
            screen.say(&format!("  {why}"));
        }
    }
    match &services.kubectl {
        Some(Err(why)) => {
            screen
                .say(&text!("  kubectl cannot be used: {why}; containers are stopped instead", "  无法使用 kubectl：{why}；改为停止容器"));
        }
        Some(Ok(())) => screen.say(word!("  kubectl works here", "  kubectl 可用")),
        None => {}
    }
    if let Some(Ok(Survey::Table(table))) = &services.database {
        let engine = if table.is_transactional {
            word!("all rows in one transaction", "所有行在一个事务中更改")
        } else {
            word!("it knows no transactions: row by row, each verified", "不支持事务：逐行更改，逐行校验")
        };
        let text = text!(
            "`{}` on {}, engine {}: {engine}", "{1} 上的 `{0}`，引擎 {2}：{engine}";
            table.schema, table.server, table.engine
        );
        screen.row(Tone::Bold, word!("database", "数据库"), &text);
    }
    for (name, sights) in &services.clusters {
        match sights {
            Ok(sights) => show_members(screen, name.as_str(), sights, |_| None),
            Err(why) => screen.warn(&why.to_string()),
        }
    }
}

/// Members, one a line, each with the certificate that it has, where that is known.
pub fn show_members(screen: &Screen, cluster: &str, sights: &[MemberSight], certificate: impl Fn(&MemberSight) -> Option<&'static str>) {
    screen.row(Tone::Bold, "etcd", &text!("`{cluster}`, {} members", "`{cluster}`，{} 个成员"; sights.len()));
    for sight in sights {
        let certificate = certificate(sight).map_or_else(String::new, certificate_said);
        screen.say(&format!("  {}  {certificate}{}", sight.node, sight.state));
    }
}

fn certificate_said(certificate: &'static str) -> String {
    let chinese = match certificate {
        "new" => "新证书",
        "new-not-restarted" => "新证书，尚未重启",
        "old" => "旧证书",
        _ => "其他证书",
    };
    text!("{certificate} certificate, ", "{chinese}，")
}

/// Which leaf a member serves: `old`, `new` or `other`. `leaves` are the fingerprints of the former and the new one.
pub fn generation(sight: &MemberSight, leaves: &[(Digest, Digest)]) -> Option<&'static str> {
    let served = sight.served?.fingerprint;
    Some(match () {
        () if leaves.is_empty() => return None,
        () if leaves.iter().any(|(_, new)| *new == served) => "new",
        () if leaves.iter().any(|(former, _)| *former == served) => "old",
        () => "other",
    })
}
