//! The words for what a receipt says, in both languages: here once, for the node and for the workstation.

use super::{Deviation, EventKind, Outcome, StepKind, StepReceipt, StepState};
use crate::{text, word};

impl Outcome {
    /// For people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Applied => word!("applied", "已完成"),
            Self::Failed => word!("failed", "失败"),
            Self::Interrupted => word!("interrupted", "中断"),
            Self::Paused => word!("paused before the restarts", "已暂停，尚未重启服务"),
            Self::RolledBack => word!("rolled back", "已回滚"),
            Self::Waiting => word!("applied, etcd waits for other nodes", "已完成，etcd 等待其他节点"),
        }
    }
}

impl Deviation {
    /// For people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::DatabaseLeft => {
                word!("the Manager's database is left to the by-hand SQL", "Manager 的数据库留给手工 SQL 处理")
            }
            Self::OutageAccepted => word!("an outage of etcd was accepted", "已接受 etcd 中断"),
            Self::OlderAllowed => word!("a bundle older than the last one was allowed", "已允许使用比上一次更旧的证书包"),
            Self::QuorumLossForced => word!("the loss of etcd's quorum was forced", "已强制允许 etcd 失去法定票数"),
            Self::SignerAdded => word!("a signer was taken who was not pinned here", "已接受一个未在本机固定的签名人"),
            Self::StaleAccepted => word!("a bundle past its time was accepted", "已接受超过使用期限的证书包"),
        }
    }
}

impl EventKind {
    /// For people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Abandoned => word!("ended before the first change", "未做任何改动即结束"),
            Self::Applied => word!("applied", "已完成"),
            Self::BackedUp => word!("backed up", "已备份"),
            Self::Begun => word!("begun", "开始"),
            Self::ChangesDiscarded => word!("changes of others were overwritten", "覆盖了他人的改动"),
            Self::Paused => word!("paused before the restarts", "在重启服务前暂停"),
            Self::Pruned => word!("backups removed", "备份已删除"),
            Self::Resumed => word!("gone on with", "继续执行"),
            Self::TriedAgain => word!("tried again on the operator's word", "应操作员要求再次尝试"),
            Self::TurnedBack => word!("turned back", "开始回滚"),
            Self::RolledBack => word!("rolled back", "已回滚"),
        }
    }
}

impl StepState {
    /// For people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Begun => word!("begun", "已开始，未完成"),
            Self::Done => word!("done", "已完成"),
            Self::ToDo => word!("not begun", "未开始"),
            Self::ToUndo => word!("to be undone", "待回滚"),
            Self::Undone => word!("undone", "已回滚"),
        }
    }
}

impl StepReceipt {
    /// The step in a few words, for people.
    #[must_use]
    pub fn text(&self) -> String {
        let services = self.services.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(word!(", ", "、"));
        let target = self.files.first().map(|file| file.target.as_str()).unwrap_or_default();
        let (files, rows) = (self.files.len(), self.rows.len());
        match self.kind {
            StepKind::AwaitContainers => text!("wait for {services}", "等待 {services} 运行正常"),
            StepKind::AwaitEtcd => text!("wait for {services} on this node", "等待本节点的 {services}"),
            StepKind::EditJson => text!("edit `{target}`", "编辑 `{target}`"),
            StepKind::InstallFiles if files == 1 => text!("install 1 file", "安装 1 个文件"),
            StepKind::InstallFiles => text!("install {files} files", "安装 {files} 个文件"),
            StepKind::RestartPods => text!("restart the pods {services} of this node", "重启本节点的 Pod {services}"),
            StepKind::RestartStaticPods => text!("restart {services}", "重启 {services}"),
            StepKind::UpdateDatabase if rows == 1 => text!("update 1 row of {services}", "更新 {services} 的 1 行"),
            StepKind::UpdateDatabase => text!("update {rows} rows of {services}", "更新 {services} 的 {rows} 行"),
        }
    }
}
