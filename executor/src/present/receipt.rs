//! A receipt, for people.

use bundle_format::{
    receipt::{Content, Document, Down, FileReceipt, Mode, Occasion, Outcome, QuorumSight, Receipt, StepReceipt},
    rfc3339_seconds, text, word,
};
use time::OffsetDateTime;

use super::{Screen, Tone};

/// Shows a receipt.
pub fn show_receipt(screen: &Screen, Document { receipt, digest }: &Document) {
    show_head(screen, receipt);
    for found in &receipt.deviations {
        screen.warn(&text!("the operator overrode: {}", "操作员强制放行：{}"; found.what.text()));
    }
    if receipt.clock_went_back > 0 {
        let seconds = receipt.clock_went_back;
        screen.warn(&text!("the clock of this node was put back by {seconds} s meanwhile", "期间本节点的时钟被调回了 {seconds} 秒"));
    }
    for step in &receipt.steps {
        show_step(screen, receipt, step);
    }
    for sight in &receipt.quorum {
        screen.row(Tone::Plain, "etcd", &quorum(sight));
    }
    screen.row(Tone::Plain, word!("digest", "摘要"), &digest.to_string());
}

fn show_head(screen: &Screen, receipt: &Receipt) {
    let Receipt { number, node, site, run, bundle, .. } = receipt;
    let tone = if receipt.is_in_effect() { Tone::Good } else { Tone::Warn };
    let outcome = receipt.outcome.text();
    let head = text!("{number} of {node}, site {site}: {outcome}", "第 {number} 份，{site} 站点 {node} 节点：{outcome}");
    screen.row(tone, word!("receipt", "回执"), &head);
    let signers = bundle.signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let name = receipt.bundle_name();
    screen.row(Tone::Plain, word!("bundle", "证书包"), &text!("{name}, signed by {signers}", "{name}，签名人 {signers}"));
    let (begun, last) = (time(run.begun), time(run.last_record));
    screen.row(Tone::Plain, word!("run", "执行"), &text!("{}, {begun} to {last}", "{}，{begun} 至 {last}"; run.name));
    let exit = receipt.exit.map_or_else(|| word!("none: the call was cut off", "无：该次执行被中断").to_owned(), |exit| exit.to_string());
    screen.row(Tone::Plain, word!("exit", "退出码"), &exit);
    if let Some(why) = receipt.why.as_ref().filter(|_| !matches!(receipt.outcome, Outcome::Applied | Outcome::Waiting)) {
        screen.row(Tone::Plain, word!("why", "原因"), why);
    }
    let mode = match &receipt.mode {
        Mode::Recovery { target, ended } => text!("recovery: `{target}` ended {}", "恢复：`{target}` 已于 {} 过期"; time(*ended)),
        Mode::Rolling => word!("rolling: a quorum was guarded", "滚动：保护法定票数").to_owned(),
    };
    screen.row(Tone::Plain, word!("mode", "模式"), &mode);
}

fn show_step(screen: &Screen, receipt: &Receipt, step: &StepReceipt) {
    screen.row(Tone::Plain, word!("step", "步骤"), &format!("{}{}{}", step.text(), word!(": ", "："), step.state.text()));
    for file in &step.files {
        screen.say(&format!("  {}  {}", file.target, change(receipt, file)));
    }
    for row in &step.rows {
        screen.say(&format!("  {row}"));
    }
    for Down { from, until } in &step.down {
        let from_text = time(*from);
        match until {
            Some(until) => {
                let seconds = (*until - *from).whole_seconds();
                screen.say(&text!("  down for {seconds} s from {from_text}", "  自 {from_text} 起停机 {seconds} 秒"));
            }
            None => screen.say(&text!("  down from {from_text}, and not seen running again", "  自 {from_text} 起停机，未见其恢复运行")),
        }
    }
}

/// What became of a file's content.
fn change(receipt: &Receipt, file: &FileReceipt) -> String {
    let ends = |content: &Content| content.certificates().iter().map(|certificate| certificate.not_after).min().map(time);
    match (&file.former, &file.new) {
        (_, Content::PrivateKey { public_key: Some(key) }) => {
            let certificates = receipt.files().flat_map(|file| file.new.certificates());
            let matches = certificates.filter(|certificate| certificate.public_key == *key).count() > 0;
            if matches {
                word!("private key, fits the new certificate", "私钥，与新证书匹配").to_owned()
            } else {
                word!("private key", "私钥").to_owned()
            }
        }
        (_, Content::PrivateKey { .. }) => word!("private key", "私钥").to_owned(),
        (former, new) => match (former.as_ref().and_then(ends), ends(new)) {
            (Some(before), Some(after)) => text!("valid until {before} -> {after}", "有效期至 {before} -> {after}"),
            (None, Some(after)) => text!("valid until {after}", "有效期至 {after}"),
            _ => word!("changed", "有改动").to_owned(),
        },
    }
}

fn quorum(sight: &QuorumSight) -> String {
    let QuorumSight { members, healthy, .. } = sight;
    let at = time(sight.at);
    let renewed = sight.renewed.map_or_else(String::new, |renewed| text!(", {renewed} renewed", "，{renewed} 个已续签"));
    let when = match sight.occasion {
        Occasion::BeforeStop => word!("before the restart", "重启前"),
        Occasion::End => word!("at the end", "结束时"),
    };
    text!("{when}, {at}: {healthy} of {members} members healthy{renewed}", "{when}（{at}）：{members} 个成员中 {healthy} 个健康{renewed}")
}

fn time(time: OffsetDateTime) -> String {
    rfc3339_seconds::format(time).unwrap_or_default()
}
