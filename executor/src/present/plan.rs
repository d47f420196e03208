//! Plans, as people read them: like a diff. `-` is now, `+` is then, what stays takes one line. Of a private key nothing is shown but
//! whether it changes.

use bundle_format::{certificate::Certificate, digest::Digest, language::counted, manifest::Manifest, slice::Slice, text, word};
use time::OffsetDateTime;

use super::{
    Screen, Tone,
    bundle::time_text,
    downtime::show_downtimes,
    services::{show_found, show_service},
    shown_digest,
};
use crate::{
    bundle::Bundle,
    facts::{Facts, Target},
    identity::Evidence,
    plan::{Change, Plan, PlannedEdit, PlannedFile, PlannedStep, services::Todo},
};

/// Shows a plan: for whom it is, what was found, each step, and what will be down.
pub fn show_plan(screen: &Screen, bundle: &Bundle, slice: &Slice, evidence: Evidence, facts: &Facts, plan: &Plan<'_>) {
    screen.row(Tone::Bold, word!("bundle", "证书包"), &bundle.manifest().name().to_string());
    for signer in &bundle.complete.signers {
        screen.row(Tone::Plain, "", &text!("signed by {signer}", "签名人 {signer}"));
    }
    screen.row(Tone::Bold, word!("node", "节点"), &text!("{}, known {}", "{}，{}识别"; slice.node, evidence.text()));
    show_found(screen, facts);
    for (number, step) in (1..).zip(&plan.steps) {
        let diff = Diff { screen, manifest: bundle.manifest(), now: facts.now, head: head(number, plan.steps.len()) };
        match step {
            PlannedStep::EditJson(edit) => diff.edit(edit),
            PlannedStep::InstallFiles(files) => diff.files(files),
            PlannedStep::Service(service) => show_service(screen, &diff.head, service),
        }
    }
    if plan.services().any(|service| matches!(service.todo, Todo::Restart { .. })) {
        screen.row(Tone::Bold, word!("mode", "方式"), &plan.mode.to_string());
    }
    show_downtimes(screen, plan, slice);
}

fn head(number: usize, steps: usize) -> String {
    text!("step {number} of {steps}", "第 {number} 步，共 {steps} 步")
}

/// One step, told as a diff.
struct Diff<'a> {
    screen: &'a Screen,
    manifest: &'a Manifest,
    now: OffsetDateTime,
    head: String,
}

impl Diff<'_> {
    fn files(&self, files: &[PlannedFile<'_>]) {
        let Self { screen, head, .. } = self;
        let title = text!("  install {}", "  安装 {}"; counted(files.len(), "file", "个文件"));
        if files.iter().all(|file| file.change() == Change::Keep) {
            screen.toned(Tone::Bold, head, &text!("{title}: all is so already", "{title}：已是如此"));
            return;
        }
        screen.toned(Tone::Bold, head, &title);
        for file in files {
            self.file(file);
        }
    }

    fn file(&self, file: &PlannedFile<'_>) {
        let change = file.change();
        self.target(change, &shown_path(file), file.target());
        if change == Change::Keep {
            return;
        }
        self.screen.say(&format!("    {}", why(file, self.manifest)));
        let now = file.target().and_then(|target| target.sight.file());
        if file.file.entry.is_secret() {
            if now.is_some() {
                self.screen.say(word!("    - the private key that is there", "    - 现有的私钥"));
            }
            self.screen.say(word!("    + another private key", "    + 新的私钥"));
        } else {
            self.contents(now.map(|seen| seen.content.as_slice()), file.content);
        }
    }

    fn edit(&self, edit: &PlannedEdit<'_>) {
        self.screen.toned(Tone::Bold, &self.head, word!("  edit a document", "  编辑文档"));
        let path = edit.target().map_or(&edit.step.target, |target| &target.path);
        self.target(edit.change(), path.as_str(), edit.target());
        if let Some(Ok(edited)) = &edit.edited {
            let (member, from, to) = (&edit.step.member, &edit.step.from, &edit.step.to);
            if edited.changed > 0 {
                let places = text!("in {}", "共 {}"; counted(edited.changed, "place", "处"));
                self.screen.say(&text!("    - `{member}`: `{from}`, {places}", "    - `{member}`：`{from}`，{places}"));
                self.screen.say(&text!("    + `{member}`: `{to}`", "    + `{member}`：`{to}`"));
            }
            if edited.already > 0 {
                let already = counted(edited.already, "place", "处");
                self.screen.say(&text!("      `{to}` already in {already}", "      已是 `{to}`：{already}"));
            }
        }
    }

    /// A file, what happens to it, and where it really is: a link on the way to it is followed knowingly.
    fn target(&self, change: Change, path: &str, target: Option<&Target>) {
        self.screen.say(&match change {
            Change::Create => text!("  create {path}", "  新建 {path}"),
            Change::Keep => text!("  keep {path}: it is so already", "  不变 {path}：已是如此"),
            Change::Replace => text!("  replace {path}", "  替换 {path}"),
            Change::Unclear => text!("  cannot change {path}, see below", "  无法更改 {path}，见下文"),
        });
        if let Some(elsewhere) = target.and_then(|target| target.elsewhere.as_ref()) {
            self.screen
                .say(&text!("    lies in fact at {elsewhere}, by a link on the way there", "    实际位于 {elsewhere}，途中有一个链接"));
        }
    }

    /// What of a public file changes, and in one line what of a certificate stays.
    fn contents(&self, now: Option<&[u8]>, then: &[u8]) {
        let (former, new) = (now.map(Public::of), Public::of(then));
        let is_past = former.as_ref().and_then(|former| former.certificate.as_ref()).is_some_and(|one| one.not_after() < self.now);
        let validity = former.as_ref().map(Public::validity).filter(|validity| *validity != new.validity());
        if let Some(validity) = &validity {
            let expired = if is_past { word!(", expired", "，已过期") } else { "" };
            self.screen.say(&format!("    - {validity}{expired}"));
        }
        if validity.is_some() || former.is_none() {
            self.screen.say(&format!("    + {}", new.validity()));
        }
        if let Some(former) = &former {
            self.screen.say(&format!("    - {}", shown_digest(self.screen, &former.digest)));
        }
        self.screen.say(&format!("    + {}", shown_digest(self.screen, &new.digest)));
        if let Some(new) = &new.certificate {
            self.names(former.and_then(|former| former.certificate).as_ref(), new);
        }
    }

    /// The subject and the names of a certificate: those lost and gained, and in one line those that stay.
    fn names(&self, former: Option<&Certificate>, new: &Certificate) {
        let before = called(former.unwrap_or(new));
        let after = called(new);
        for lost in before.iter().filter(|name| !after.contains(name)) {
            self.screen.say(&format!("    - {lost}"));
        }
        for gained in after.iter().filter(|name| !before.contains(name)) {
            self.screen.say(&format!("    + {gained}"));
        }
        let has_same_key = former.is_some_and(|former| former.public_key() == new.public_key());
        let subject = after.first().filter(|subject| before.contains(subject)).cloned();
        let key = has_same_key.then(|| text!("the same key", "密钥相同"));
        let count = after.iter().skip(1).filter(|name| before.contains(name)).count();
        let names = (count > 0).then(|| counted(count, "name", "个名称"));
        let stays: Vec<String> = [subject, key, names].into_iter().flatten().collect();
        if !stays.is_empty() {
            self.screen.say(&format!("      {}", stays.join(word!(", ", "，"))));
        }
    }
}

/// The subject of a certificate, then its names.
fn called(certificate: &Certificate) -> Vec<String> {
    let names = certificate.sans().iter().map(ToString::to_string);
    std::iter::once(certificate.subject().clone()).chain(names).collect()
}

/// The content of a file that is no secret.
struct Public {
    certificate: Option<Certificate>,
    digest: Digest,
    size: usize,
}

impl Public {
    fn of(content: &[u8]) -> Self {
        let certificate = certificate(content);
        let digest = certificate.as_ref().map_or_else(|| Digest::of(content), Certificate::fingerprint);
        Self { certificate, digest, size: content.len() }
    }

    fn validity(&self) -> String {
        let Some(certificate) = &self.certificate else {
            return text!("{} bytes, no certificate", "{} 字节，不是证书"; self.size);
        };
        let (begin, end) = (time_text(certificate.not_before()), time_text(certificate.not_after()));
        text!("{begin} to {end}", "{begin} 至 {end}")
    }
}

/// Where a file is, or would be.
pub(super) fn shown_path(file: &PlannedFile<'_>) -> String {
    file.target().map_or(&file.file.target, |target| &target.path).to_string()
}

/// Why a file is changed, from what the manifest says of its entry.
pub(super) fn why(file: &PlannedFile<'_>, manifest: &Manifest) -> String {
    let entry = &file.file.entry;
    for authority in &manifest.authorities {
        let name = &authority.name;
        if authority.certificate == *entry {
            return text!("the renewed certificate of the authority `{name}`, with the same key", "CA `{name}` 续签后的证书，密钥不变");
        }
        for leaf in &authority.leaves {
            let leaf_name = &leaf.name;
            if leaf.certificate == *entry {
                return text!("the new certificate `{leaf_name}`, under the authority `{name}`", "CA `{name}` 签发的新证书 `{leaf_name}`");
            }
            if leaf.key == entry.unsealed() {
                return text!("the private key of the new certificate `{leaf_name}`", "新证书 `{leaf_name}` 的私钥");
            }
        }
    }
    text!("the bundle's `{entry}`", "证书包中的 `{entry}`")
}

/// The first certificate of a file.
pub(super) fn certificate(content: &[u8]) -> Option<Certificate> {
    Certificate::all_from_file(content).ok()?.into_iter().next()
}
