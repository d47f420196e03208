//! What may be done about each refusal of the preflight.

use bundle_format::text;

use super::{Advice, Call, database};
use crate::{code::Code, guard::Risk, identity::NodeListing, machine::Kind, preflight::Refusal};

/// A code and the next commands.
#[expect(clippy::too_many_lines, reason = "one arm for each refusal")]
pub(super) fn advise(refusal: &Refusal, call: &Call) -> Advice {
    match refusal {
        Refusal::AuthorityAbsent { .. } => (
            Code::AuthorityAbsent,
            vec![text!(
                "nothing on this node proves that the bundle is for it; put the site's present CA certificate back first",
                "本节点上没有任何内容能证明证书包属于它；请先恢复站点现有的 CA 证书"
            )],
        ),
        Refusal::Blind { .. } | Refusal::Risk(Risk::Blind(_)) => {
            (Code::Blind, vec![text!("to restart without knowing: {}", "在未知状态下仍要重启：{}"; call.again("--force-quorum-loss"))])
        }
        Refusal::Busy { pid } => {
            let look = pid.map_or_else(
                || text!("wait for it", "请等待其结束"),
                |pid| text!("wait for it, or look at it: `ps -fp {pid}`", "请等待其结束，或查看：`ps -fp {pid}`"),
            );
            (Code::Busy, vec![look])
        }
        Refusal::ChangedSince { .. } => (
            Code::FilesChanged,
            changed_since(
                text!("find out who changed the files and whether that is wanted: {}", "请查明是谁改动了这些文件、是否需要保留：{}"; call.other("status")),
                call,
            ),
        ),
        Refusal::RowsChangedSince { .. } => (
            Code::RowsChanged,
            changed_since(
                text!("find out who changed the rows and whether that is wanted: {}", "请查明是谁改动了这些行、是否需要保留：{}"; call.other("status")),
                call,
            ),
        ),
        Refusal::UnreadableSince { targets, .. } => {
            let paths = targets.iter().map(|target| call.at(target)).collect::<Vec<_>>().join(" ");
            (
                Code::UnreadableSince,
                vec![
                    text!("look at it: `ls -l {paths}`", "查看：`ls -l {paths}`"),
                    text!("see where the run stands: {}", "查看该次执行的状态：{}"; call.other("status")),
                ],
            )
        }
        Refusal::ClockAhead { now, .. } => (
            Code::ClockAhead,
            vec![text!(
                "it is {now} here; compare with another clock, then `date -u -s '<YYYY-MM-DD hh:mm:ss>'`",
                "本节点时间为 {now}；请与其他时钟对比，然后执行 `date -u -s '<YYYY-MM-DD hh:mm:ss>'`"
            )],
        ),
        Refusal::ClockBefore { now, .. } => (
            Code::ClockBefore,
            vec![text!(
                "it is {now} here; set the clock: `date -u -s '<YYYY-MM-DD hh:mm:ss>'`",
                "本节点时间为 {now}；请校正时钟：`date -u -s '<YYYY-MM-DD hh:mm:ss>'`"
            )],
        ),
        Refusal::Database(error) => database::advise(error, call),
        Refusal::DiskLeaf { .. } => (
            Code::DiskLeaf,
            vec![text!(
                "the certificate on this node is not from the authority that the bundle renews: have the bundle built from this site's files",
                "本节点的证书不是由证书包所续签的 CA 颁发：请用本站点的文件重新制作证书包"
            )],
        ),
        Refusal::Document { target, .. } => (
            Code::Document,
            vec![
                text!("mend the document, or have the vendor mend it: `less {}`", "请修复该文档，或请厂商修复：`less {}`"; call.at(target)),
            ],
        ),
        Refusal::DocumentMissing { target } => {
            (Code::DocumentMissing, vec![text!("look for it: `ls -l {}`", "请查找：`ls -l {}`"; call.folder_of(target))])
        }
        Refusal::Full { folder, .. } => {
            (Code::Full, vec![text!("make room: `df -h {}`", "请释放空间：`df -h {}`"; call.at(folder)), old_backups(call)])
        }
        Refusal::FullOfFiles { folder, .. } => (
            Code::FullOfFiles,
            vec![text!("remove files that nobody needs: `df -i {}`", "请删除无用文件：`df -i {}`"; call.at(folder)), old_backups(call)],
        ),
        Refusal::Holding { holding, .. } => (Code::Holding, vec![look(&format!("ls -ld {0}; findmnt -T {0}", call.at(holding)))]),
        Refusal::Manifest { manifest, holding, .. } => (
            Code::Manifest,
            vec![text!(
                "is this the right node? exactly one of both must be there: `ls -l {} {}/`",
                "是否是正确的节点？两处中应恰有一处存在：`ls -l {} {}/`";
                call.at(manifest), call.at(holding)
            )],
        ),
        Refusal::Needed { .. } => {
            (Code::Needed, vec![text!("see what is kept, and why: {}", "查看保存的内容及原因：{}"; call.other("backups"))])
        }
        Refusal::NewLeaf { .. } => (
            Code::NewLeaf,
            vec![text!(
                "the bundle would break this cluster: have it built again from this site's files",
                "该证书包会使本集群中断：请用本站点的文件重新制作"
            )],
        ),
        Refusal::NoCertificate { target, .. } => (
            Code::NoCertificate,
            vec![text!(
                "restore the file, or move it away: `openssl x509 -noout -in {}`",
                "请恢复该文件，或将其移走：`openssl x509 -noout -in {}`";
                call.at(target)
            )],
        ),
        Refusal::NodeAmbiguous { .. } => {
            (Code::NodeAmbiguous, vec![text!("say which it is: {}", "请指定节点：{}"; call.as_node("<name>"))])
        }
        Refusal::NodeUnknown { nodes, .. } => (Code::NodeUnknown, listing(nodes, call)),
        Refusal::NodeNotThere { nodes, .. } => (Code::NodeNotThere, listing(nodes, call)),
        Refusal::NotAFile { target, kind: Kind::Link } => (
            Code::IsALink,
            vec![
                text!("see where it leads: `readlink -f {}`", "查看其指向：`readlink -f {}`"; call.at(target)),
                text!(
                    "have the bundle built for that path, or put the file itself in the link's place, where nobody else needs the link",
                    "请按该路径制作证书包；若无他人需要该链接，也可用文件本身替换它"
                ),
            ],
        ),
        Refusal::NotAFile { target, .. } => (Code::NotAFile, vec![look(&format!("ls -ld {}", call.at(target)))]),
        Refusal::NotRoot => (Code::NotRoot, vec![format!("`sudo {}`", call.again("").trim_matches('`'))]),
        Refusal::OtherKey { .. } => (Code::OtherKey, vec![text!("have the bundle built again", "请重新制作证书包")]),
        Refusal::Place { target, .. } => (
            Code::NoPlace,
            vec![text!(
                "is this the right node? nothing is installed into folders that do not exist: `ls -ld {}`",
                "是否是正确的节点？不向不存在的目录安装文件：`ls -ld {}`";
                call.folder_of(target)
            )],
        ),
        Refusal::ReadOnly { target, .. } => (Code::ReadOnly, vec![look(&format!("findmnt -T {0}; lsattr -d {0}", call.at(target)))]),
        Refusal::Risk(Risk::Outage { .. }) => {
            (Code::Outage, vec![text!("if that is agreed: {}", "若已同意：{}"; call.again("--accept-outage"))])
        }
        Refusal::Risk(Risk::Quorum { .. }) => (
            Code::Quorum,
            vec![
                text!("mend these members first, or wait until they are back", "请先修复这些成员，或等待其恢复"),
                text!("to lose the quorum all the same: {}", "仍要失去法定票数：{}"; call.again("--force-quorum-loss")),
            ],
        ),
        Refusal::Runtime { .. } => (Code::Runtime, vec![look("docker ps; crictl ps")]),
        Refusal::SanLoss { lost, .. } => {
            let names = lost.join(", ");
            (
                Code::SanLoss,
                vec![text!(
                    "have the bundle built again with these names added to the site: {names}",
                    "请在站点文件中加入这些名称，重新制作证书包：{names}"
                )],
            )
        }
        Refusal::Stale { now, .. } => (
            Code::Stale,
            vec![
                text!(
                    "it is {now} here; if that is wrong, set the clock: `date -u -s '<YYYY-MM-DD hh:mm:ss>'`",
                    "本节点时间为 {now}；若有误，请校正时钟：`date -u -s '<YYYY-MM-DD hh:mm:ss>'`"
                ),
                text!("to apply it all the same: {}", "仍要执行：{}"; call.again("--accept-stale")),
            ],
        ),
        Refusal::State { .. } => (Code::StateUnusable, vec![call.other("status")]),
        Refusal::TooLarge { target, .. } => (Code::TargetTooLarge, vec![look(&format!("ls -l {}", call.at(target)))]),
        Refusal::Unconfirmed { .. } => (Code::Unconfirmed, vec![text!("if that is agreed: {}", "若已同意：{}"; call.again("--yes"))]),
        Refusal::Unfinished { .. } => (
            Code::Unfinished,
            vec![
                text!("see where it stopped: {}", "查看其停在何处：{}"; call.other("status")),
                text!(
                    "finish it with `apply` of its own bundle, or take it back: {}",
                    "用其证书包的 `apply` 完成它，或回滚：{}";
                    call.other("rollback")
                ),
            ],
        ),
        Refusal::Unreadable { target, .. } => (Code::Unreadable, vec![look(&format!("ls -l {}", call.at(target)))]),
        Refusal::WildcardNone { .. } => (
            Code::NoFolder,
            vec![text!(
                "is this the right node? the service that owns the folder is not installed here",
                "是否是正确的节点？拥有该目录的服务未安装在本节点"
            )],
        ),
        Refusal::WildcardSeveral { .. } => (
            Code::SeveralFolders,
            vec![text!(
                "move all but the one in use away, or have the bundle built with its name",
                "请移走未使用的目录，或在制作证书包时写明目录名"
            )],
        ),
    }
}

fn look(command: &str) -> String {
    text!("look at it: `{command}`", "查看：`{command}`")
}

fn old_backups(call: &Call) -> String {
    text!("old backups can go: {}", "可删除旧备份：{}"; call.other("backups prune"))
}

fn changed_since(find_out: String, call: &Call) -> Vec<String> {
    vec![
        find_out,
        text!(
            "what was there before the run lies in its backup, and putting that back by hand is as good",
            "执行之前的内容在其备份中，手工恢复也可以"
        ),
        text!(
            "to overwrite them with what was there before the run: {}",
            "用执行之前的内容覆盖：{}";
            call.other("rollback --discard-changes")
        ),
    ]
}

/// The nodes of a bundle and how to name one; of a large site, the first.
fn listing(nodes: &[NodeListing], call: &Call) -> Vec<String> {
    const MOST: usize = 50;
    let mut hints = vec![text!("if it is one of these, say so: {}", "若是其中之一，请指定：{}"; call.as_node("<name>"))];
    for node in nodes.iter().take(MOST) {
        let addresses: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
        hints.push(text!(
            "node `{}`: host names {}; addresses {}", "节点 `{}`：主机名 {}；地址 {}";
            node.node, list(&node.host_names), list(&addresses)
        ));
    }
    if let Some(more) = nodes.len().checked_sub(MOST).filter(|more| *more > 0) {
        hints.push(text!("and {more} more, which {} lists", "另有 {more} 个，见 {}"; call.other("verify --json <bundle>")));
    }
    hints
}

fn list(words: &[String]) -> String {
    if words.is_empty() { text!("none", "无") } else { words.join(", ") }
}
