//! What may be done about a run that did not end well.

use bundle_format::text;

use super::{Advice, Call, once_mended};
use crate::{
    code::Code,
    journal::JournalError,
    run::{Ended, Fault},
    steps::StepError,
};

/// By how things are now.
pub(super) fn advise(error: &Ended, call: &Call) -> Advice {
    match error {
        Ended::Exhausted { is_undoing, restore_text, .. } => (Code::Exhausted, exhausted(*is_undoing, restore_text, call)),
        Ended::Interrupted { .. } => (
            Code::Interrupted,
            vec![text!("to go on: {}", "继续：{}"; call.again("")), text!("to go back: {}", "回滚：{}"; call.other("rollback"))],
        ),
        Ended::Unchanged { why } => (Code::Unchanged, causes(why, call).into_iter().chain([once_mended(call)]).collect()),
        Ended::RolledBack { why } => (Code::RolledBack, causes(why, call).into_iter().chain([once_mended(call)]).collect()),
        Ended::Stuck { undo, restore_text, .. } => {
            let then = [
                text!("remove the cause, then, to go back: {}", "排除原因后，回滚：{}"; call.other("rollback")),
                text!("or, to go back and begin once more: {}", "或回滚后重新开始：{}"; call.again("")),
                by_hand(restore_text),
            ];
            (Code::Stuck, causes(undo, call).into_iter().chain(then).collect())
        }
        Ended::NotUndone { why, restore_text, .. } => {
            let then = [text!("remove the cause, then {}", "排除原因后执行 {}"; call.other("rollback")), by_hand(restore_text)];
            (Code::NotUndone, causes(why, call).into_iter().chain(then).collect())
        }
    }
}

/// Where a person finds the cause, as far as the message does not say.
fn causes(why: &Fault, call: &Call) -> Option<String> {
    match why {
        Fault::Step(StepError::TooLong { .. }) => Some(text!(
            "see why it does not come up: `docker ps -a` or `crictl ps -a`, then the log of its container",
            "查看其未能启动的原因：`docker ps -a` 或 `crictl ps -a`，再看该容器的日志"
        )),
        Fault::Step(StepError::Containers(_)) => {
            Some(text!("look at the runtime: `docker ps; crictl ps`", "查看容器运行时：`docker ps; crictl ps`"))
        }
        Fault::Step(StepError::Unreadable { target, .. } | StepError::Changed(target)) => {
            Some(text!("look at it: `ls -l {}`", "查看：`ls -l {}`"; call.at(target)))
        }
        _ => None,
    }
}

fn by_hand(restore_text: &str) -> String {
    text!("or put the files back by hand, as `{restore_text}` says", "或按 `{restore_text}` 的说明手工恢复文件")
}

fn exhausted(is_undoing: bool, restore_text: &str, call: &Call) -> Vec<String> {
    let back = text!("to go back instead: {}", "改为回滚：{}"; call.other("rollback"));
    let close = if is_undoing {
        text!("then close the run: {}", "然后结束该次执行：{}"; call.other("rollback --try-again"))
    } else {
        text!("then take the run back, which closes it: {}", "然后回滚该次执行，使其结束：{}"; call.other("rollback"))
    };
    [text!(
        "find out why it ends there each time, then, on purpose: {}",
        "查明每次停在此处的原因，然后明确执行：{}";
        call.again("--try-again")
    )]
    .into_iter()
    .chain((!is_undoing).then_some(back))
    .chain([
        text!(
            "or by hand: as root, type the commands that `less {restore_text}` shows, in their order",
            "或手工处理：以 root 按顺序输入 `less {restore_text}` 中的命令"
        ),
        close,
    ])
    .collect()
}

/// A journal that says nothing. Whatever the reason, a person can put things back and set the run aside.
pub(super) fn journal(folder: &str, why: &JournalError, call: &Call) -> Advice {
    let list = text!("see what is kept: {}", "查看保存的内容：{}"; call.other("backups"));
    if matches!(why, JournalError::Version { .. } | JournalError::NotUnderstood { .. }) {
        let later = text!(
            "a later version made this run: use the `reseal-node` of its bundle, or a later one",
            "该次执行由更新的版本产生：请使用其证书包内的 `reseal-node`，或更新的版本"
        );
        return (Code::JournalVersion, vec![later, list]);
    }
    let aside = folder.replacen("/runs/", "/damaged-", 1);
    let hints = vec![
        text!(
            "nothing is done while it is unclear what this run did; `less {folder}/RESTORE.txt` says how to put things back by hand",
            "在查清该次执行做了什么之前，不做任何操作；手工恢复方法见 `less {folder}/RESTORE.txt`"
        ),
        list,
        text!(
            "once all is as it should be, set the run aside, and go on: `mv {folder} {aside}`",
            "一切恢复正常后，移开该次执行的目录，再继续：`mv {folder} {aside}`"
        ),
    ];
    (Code::Journal, hints)
}
