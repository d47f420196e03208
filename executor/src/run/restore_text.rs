//! `RESTORE.txt`: how a person puts a run back without this program. In both languages, for whoever reads it need not be who began
//! the run; commands stand alone on their lines.

use std::fmt::Write as _;

use bundle_format::{language::Language, name::TargetPath, text};
use time::OffsetDateTime;

use super::RunFolder;
use crate::{
    journal::{Begin, StepRecord},
    machine::Machine,
    shell::quoted,
    steps::manifests,
};

/// The text for a run that began like this, at this time.
pub(super) fn of(machine: &Machine, folder: &RunFolder, begin: &Begin, at: OffsetDateTime) -> String {
    let Begin { site, serial, node, .. } = begin;
    let at = bundle_format::rfc3339_seconds::format(at).unwrap_or_default();
    let mut text = both(|| {
        text!(
            "Run {} of {site}-{serial} on node {node}, {at}.\n\n\
             To take it back, prefer `reseal-node rollback`. Where that is impossible, these commands, as root and in this order,\n\
             put back every file that the run changed, with owner, mode and extended attributes.\n\n",
            "执行 {}，证书包 {site}-{serial}，节点 {node}，{at}。\n\n\
             回滚请优先使用 `reseal-node rollback`。无法使用时，以 root 按顺序执行下列命令，\n\
             即可恢复本次执行改动的每个文件，包括所有者、权限和扩展属性。\n\n";
            folder.name
        )
    });
    for file in begin.steps.iter().flat_map(StepRecord::files).rev() {
        let target = machine.place(&file.target).map_or_else(|_| file.target.to_string(), |place| place.to_string());
        let _ = match file.former {
            Some(_) => writeln!(text, "cp -a {} {}", quoted(&folder.backup(file).to_string()), quoted(&target)),
            None => writeln!(text, "rm -f {}   # it was not there before 原先没有该文件", quoted(&target)),
        };
    }
    for step in &begin.steps {
        text += &restore_service(machine, folder, step);
    }
    for (number, target) in begin.folders.iter().enumerate() {
        let copy = folder.folder_copy(number, target);
        text += "\n";
        text += &both(|| text!("A copy of all of {target} as it was: {copy}\n", "{target} 原样的完整副本：{copy}\n"));
    }
    text
}

fn both(text: impl Fn() -> String) -> String {
    Language::ALL.map(|language| language.says(&text)).concat()
}

/// What a person does about rows and about what runs.
fn restore_service(machine: &Machine, folder: &RunFolder, step: &StepRecord) -> String {
    let place = |target: &TargetPath| machine.place(target).map_or_else(|_| target.to_string(), |place| place.to_string());
    match step {
        StepRecord::UpdateDatabase { step, schema, rows } => {
            let keys = rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>().join(", ");
            let (table, copy, undo) = (&step.table, &step.backup_table, &step.undo_sql);
            let kept = folder.backups();
            let say = || {
                text!(
                    "The rows {keys} of `{schema}`.`{table}`: the table `{copy}` holds them as they were; `{undo}` of the bundle puts them back.\n\
                     They are also in {kept}, as `<number>-row`.\n",
                    "`{schema}`.`{table}` 的行 {keys}：表 `{copy}` 保存其原样；证书包中的 `{undo}` 可恢复它们。\n\
                     它们也保存在 {kept} 中，文件名为 `<number>-row`。\n"
                )
            };
            format!("\n{}", both(say))
        }
        StepRecord::RestartStaticPods { step, .. } => {
            let mut text = "\n".to_owned();
            text += &both(|| {
                text!(
                    "If a manifest is not in the kubelet's folder, its pod is down; these bring it back:\n",
                    "若清单文件不在 kubelet 目录中，其 Pod 就处于停止状态；下列命令将其恢复：\n"
                )
            });
            for manifest in &step.manifests {
                let held = manifests::held(step, manifest).map_or_else(|_| String::new(), |held| place(&held));
                let _ = writeln!(text, "mv -n {} {}", quoted(&held), quoted(&place(manifest)));
            }
            let (holding, settle) = (&step.holding, step.settle);
            text + &both(|| {
                text!(
                    "Once the files are back, take the pods down and up again: move the manifests to {holding}, wait until their containers\n\
                     are gone and {settle} s more, and move them back.\n",
                    "文件恢复后，重启这些 Pod：把清单文件移到 {holding}，等到其容器退出，\n\
                     再等 {settle} 秒，然后移回。\n"
                )
            })
        }
        StepRecord::RestartPods { step, .. } => {
            let (name, namespace) = (&step.name_contains, &step.namespace);
            let say = || {
                text!(
                    "Then restart this node's pods `{name}`: kubectl delete pod -n {namespace} <each pod of this node whose name contains {name}>\n",
                    "然后重启本节点的 Pod `{name}`：kubectl delete pod -n {namespace} <本节点上名称含 {name} 的每个 Pod>\n"
                )
            };
            format!("\n{}", both(say))
        }
        _ => String::new(),
    }
}
