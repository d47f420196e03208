//! What will be down, and for how long, for people.

use bundle_format::{slice::Slice, text, word};

use super::{Screen, Tone};
use crate::plan::{
    Plan,
    downtime::{Downtime, Fate},
};

/// Shows what a plan takes down; that it takes nothing down is said too.
pub(super) fn show_downtimes(screen: &Screen, plan: &Plan<'_>, slice: &Slice) {
    let all = Downtime::of(plan, slice);
    let label = word!("down", "停机");
    if all.is_empty() {
        screen.row(Tone::Bold, label, word!("nothing", "无"));
        return;
    }
    for downtime in &all {
        screen.row(Tone::Bold, label, &said(downtime));
        match downtime.cluster {
            Some(Fate::StandsStill) => screen.warn(word!(
                "etcd of one or two members has no quorum meanwhile: the whole cluster stands still; `apply` asks for your consent",
                "etcd 只有一两个成员，其间没有法定票数：整个集群会停止服务；`apply` 会征求你的同意"
            )),
            Some(Fate::Waits { needed, total }) => screen.row(
                Tone::Plain,
                "",
                &text!(
                    "etcd answers again once {needed} of {total} members are renewed",
                    "{total} 个成员中续签 {needed} 个后，etcd 才恢复服务"
                ),
            ),
            Some(Fate::Lives) => {
                screen.row(Tone::Plain, "", word!("the other members keep etcd's quorum", "其他成员保持 etcd 的法定票数"));
            }
            None => {}
        }
    }
    screen.row(Tone::Plain, "", word!("estimated; what takes longer than the limit is taken back", "时间为估计值；超过上限则自动回滚"));
}

fn said(downtime: &Downtime) -> String {
    let names = downtime.what.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(word!(" and ", " 和 "));
    let (about, most) = (duration(downtime.about), duration(downtime.at_most));
    if downtime.is_pods {
        text!("this node's pods {names}: about {about}, at most {most}", "本节点的 Pod {names}：约 {about}，最多 {most}")
    } else {
        text!("{names} on this node: about {about}, at most {most}", "本节点的 {names}：约 {about}，最多 {most}")
    }
}

/// Seconds, as people say them.
pub(super) fn duration(seconds: u32) -> String {
    match (seconds / 60, seconds % 60) {
        (0 | 1, _) => text!("{seconds} s", "{seconds} 秒"),
        (minutes, 0) => text!("{minutes} min", "{minutes} 分钟"),
        (minutes, rest) => text!("{minutes} min {rest} s", "{minutes} 分 {rest} 秒"),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn seconds_are_said_as_people_say_them() {
        assert_eq!([0, 70, 119, 120, 1530].map(duration), ["0 s", "70 s", "119 s", "2 min", "25 min 30 s"]);
    }
}
