//! The codes: for each its number, the kind that programs may look at instead, and in both languages what it is called, what it means,
//! and what to do about it.

use bundle_format::word;

macro_rules! codes {
    ($($name:ident = $number:literal, $kind:literal,
        word!($title:literal, $title_zh:literal), $meaning:expr, $advice:expr;)+) => {
        /// The code of a problem.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[repr(u16)]
        pub enum Code {
            $(#[doc = $title] $name = $number,)+
        }

        impl Code {
            /// Every code, by number.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// A word for programs, which several codes of one matter may share.
            #[must_use]
            pub fn kind(self) -> &'static str {
                match self { $(Self::$name => $kind,)+ }
            }

            /// What it is called.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => word!($title, $title_zh),)+ }
            }

            /// What it means.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }

            /// What to do about it.
            #[must_use]
            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)+ }
            }
        }
    };
}

codes! {
    Facts = 101, "facts",
        word!("facts cannot be put into words", "节点信息无法写成文本"),
        word!("What this node says of itself does not fit the form of facts.", "本节点的信息无法写成规定的格式。"),
        word!("Report it to whoever made this program.", "请报告给本程序的提供方。");
    System = 102, "system",
        word!("the system refused", "系统拒绝操作"),
        word!(
            "A system call failed before the first change; the message names the call, the path and the system's reason.",
            "在首次改动之前，某个系统调用失败；消息中给出操作、路径和系统给出的原因。"
        ),
        word!("Remove the reason, and give the same command again.", "排除原因后，重新执行同一命令。");
    IdentityFolder = 103, "identity",
        word!("the node's identity cannot be written or read", "节点身份密钥无法写入或读取"),
        word!(
            "The identity lies in `/var/lib/reseal/identity`, and the system refuses it.",
            "节点身份密钥存放在 `/var/lib/reseal/identity`，系统不允许访问。"
        ),
        word!("Be root; where nothing may be written, `facts --no-identity`.", "请以 root 执行；不允许写入时，用 `facts --no-identity`。");
    IdentityOther = 104, "identity",
        word!("something else lies where the node's identity belongs", "节点身份密钥的位置上是别的东西"),
        word!("What is there is not one line of an identity; it is never written over.", "该处的内容不是一行身份密钥；程序从不覆盖它。"),
        word!("Look at it, and move it away, so that a new one is made.", "查看后将其移走，程序会生成新的身份密钥。");
    IdentityReadable = 105, "identity-readable",
        word!("others may read the node's identity", "其他用户可以读取节点身份密钥"),
        word!("Who could read it can open what is sealed to this node.", "能读取它的人，就能打开加密封存给本节点的内容。"),
        word!(
            "If nobody else was on this node, `chmod 600`; otherwise move it away and have a new one made.",
            "若没有他人登录过本节点，执行 `chmod 600`；否则将其移走，重新生成。"
        );
    NoSite = 106, "no-site",
        word!("nothing is remembered of that site", "没有该站点的记录"),
        word!("`signers forget` names a site of which no bundle was applied here.", "`signers forget` 所指站点，在本节点从未执行过证书包。"),
        word!("See which sites are known: `reseal-node signers`.", "查看已知站点：`reseal-node signers`。");
    NotPinned = 107, "not-pinned",
        word!("that signer is not pinned", "该签名人未固定"),
        word!("`signers remove` names a signer whom this node does not know.", "`signers remove` 所指签名人，本节点并不认识。"),
        word!("See who is pinned: `reseal-node signers`.", "查看已固定的签名人：`reseal-node signers`。");
    Out = 108, "out",
        word!("the output cannot be written", "无法写出结果文件"),
        word!("The file after `--out` exists already, or its folder does not.", "`--out` 指定的文件已存在，或其目录不存在。"),
        word!("Name a file that does not exist yet, in a folder that does.", "指定一个尚不存在的文件，且其目录已存在。");
    BundleUnreadable = 109, "unreadable",
        word!("the medium fails while the bundle is read", "读取证书包时介质出错"),
        word!("The system cannot read the file to its end; that says nothing about the bundle.", "系统无法读完该文件；这不说明证书包本身有问题。"),
        word!("Copy the bundle to another medium, or to a disk of this node.", "把证书包复制到另一个介质，或本节点的磁盘上。");
    Unchanged = 110, "unchanged",
        word!("the run failed before its first change", "本次执行在首次改动之前失败"),
        word!("Backups or the journal could not be made; every file is as before.", "备份或日志记录未能写成；所有文件保持原样。"),
        word!("Remove the reason, and give the same command again.", "排除原因后，重新执行同一命令。");
    StateSystem = 111, "state",
        word!("what is kept of runs cannot be read or written", "执行记录无法读写"),
        word!("The system refuses a file below `/var/lib/reseal/`.", "系统不允许访问 `/var/lib/reseal/` 下的某个文件。"),
        word!("Remove the reason, such as a full or read-only disk.", "排除原因，例如磁盘已满或只读。");
    StateDenied = 112, "state",
        word!("what is kept of runs is for root alone", "执行记录仅 root 可读"),
        word!("Below `/var/lib/reseal/` only root may read and write.", "`/var/lib/reseal/` 下只有 root 可以读写。"),
        word!("Give the command as root.", "以 root 执行该命令。");
    StatePlace = 113, "state",
        word!("the folder of runs leads elsewhere", "执行记录的目录指向别处"),
        word!(
            "`/var/lib/reseal` or a folder above it is a link out of the root, or cannot be entered.",
            "`/var/lib/reseal` 或其上级目录是指向根目录之外的链接，或无法进入。"
        ),
        word!("Look at each part of the path: `namei -l /var/lib/reseal`.", "逐级查看路径：`namei -l /var/lib/reseal`。");

    CommandLine = 201, "usage",
        word!("the command line makes no sense", "命令行有误"),
        word!("A command, a flag or a value is unknown or missing.", "命令、参数或取值未知，或者缺失。"),
        word!("See `--help` of the command.", "查看该命令的 `--help`。");
    Flag = 202, "flag",
        word!("a flag's value is of no use", "参数的取值不可用"),
        word!("The message names the flag and what is wrong with its value.", "消息中给出参数名和取值的问题。"),
        word!("Correct the value; `--help` says what it takes.", "更正取值；`--help` 说明可用的取值。");
    NoBundle = 203, "no-bundle",
        word!("no bundle was named", "没有指定证书包"),
        word!("Without a name, the program takes the bundle that it lies in; it lies in none.", "未指定时，程序使用自身所在的证书包；它不在任何证书包中。"),
        word!("Name the tarball, or the folder that it was unpacked to.", "指定证书包文件，或其解压后的目录。");
    CannotOpen = 204, "cannot-open",
        word!("a file on the command line cannot be opened", "命令行中的文件无法打开"),
        word!("There is nothing at that path, or the system refuses it.", "该路径不存在，或系统不允许访问。"),
        word!("Look for the stick: is it mounted? Name the bundle's tarball or folder.", "检查 U 盘是否已挂载；指定证书包文件或目录。");
    SignerValue = 205, "signer",
        word!("`--signer` is neither a fingerprint nor a public key", "`--signer` 既不是指纹也不是公钥"),
        word!(
            "A fingerprint is `SHA256:` and 43 characters; otherwise it is a file with a PEM public key.",
            "指纹是 `SHA256:` 加 43 个字符；否则应是含 PEM 公钥的文件。"
        ),
        word!("Copy it once more from the delivery note, character by character.", "对照交付单，逐字重新输入。");
    NoRun = 206, "flag",
        word!("there is no such run", "没有这次执行"),
        word!("`backups prune` names a run that this node does not have.", "`backups prune` 所指的执行，本节点没有。"),
        word!("See which there are: `reseal-node backups`.", "查看现有的执行：`reseal-node backups`。");
    NotAgreed = 207, "flag",
        word!("nobody agreed", "没有人确认"),
        word!(
            "What is asked for lowers a guard, so a person has to type `yes`, or `--yes` has to be given.",
            "该操作会放宽保护，需要有人输入 `yes`，或给出 `--yes`。"
        ),
        word!("If it is meant, give the command once more with `--yes`.", "确实需要时，加上 `--yes` 重新执行。");

    NoSigner = 301, "no-signer",
        word!("nobody is trusted yet", "尚未信任任何签名人"),
        word!(
            "No `--signer` was given and none is pinned, so nothing says whose bundle this may be.",
            "没有给出 `--signer`，也没有已固定的签名人，无法判断证书包是否可信。"
        ),
        word!(
            "Compare the fingerprint with the one on paper; only if they are equal, name it with `--signer`.",
            "把指纹与纸上的指纹对比；完全一致时，才用 `--signer` 指定。"
        );
    OtherSigner = 302, "other-signer",
        word!("the bundle is signed by somebody else", "证书包由其他人签名"),
        word!("Its signer is neither pinned here nor named by `--signer`.", "其签名人既未在本节点固定，也未由 `--signer` 指定。"),
        word!("Do not apply it. Ask whoever sent it, by phone or on paper, for the signer's fingerprint.", "不要执行。通过电话或纸面，向发送方核对签名人的指纹。");
    TooFewSigners = 303, "too-few-signers",
        word!("too few trusted signatures", "可信签名不足"),
        word!("The bundle itself asks for more signers than those of its signers whom this node trusts.", "证书包自身要求的签名人数，多于本节点信任的签名人数。"),
        word!("Have it signed by another, or name everybody whose signature counts.", "请另一位签名人补签，或指定所有有效的签名人。");
    FewerSigners = 304, "too-few-signers",
        word!("fewer signers than this site needed before", "签名人数少于该站点以往的要求"),
        word!("Earlier bundles of this site asked for more signers; that number only rises.", "该站点以往的证书包要求更多签名人；这个数只增不减。"),
        word!(
            "Have it signed by another. Only a person can forget the number: `signers forget`.",
            "请另一位签名人补签。只有人工执行 `signers forget` 才能取消该要求。"
        );
    Signature = 305, "signature",
        word!("the signature does not fit", "签名不匹配"),
        word!(
            "The signed list was changed after it was signed, or the signer's key is of a kind that is not taken.",
            "签名之后清单被改动，或签名人的密钥类型不被接受。"
        ),
        word!("Do not apply it. Compare its SHA-256 with the one that was made.", "不要执行。与制作方核对 SHA-256。");
    NotABundle = 306, "bundle",
        word!("this is no bundle", "这不是证书包"),
        word!("The file does not begin as a bundle does.", "文件开头不符合证书包的格式。"),
        word!("Name the file `<site>-<serial>.tar.gz` as it was delivered.", "指定交付的原始文件 `<site>-<serial>.tar.gz`。");
    Damaged = 307, "damaged",
        word!("the file is damaged or cut short", "文件已损坏或不完整"),
        word!("Its bytes differ from those that were written, as after a stick was pulled out too early.", "内容与写入时不同，例如 U 盘过早拔出。"),
        word!("Copy it again, and compare its SHA-256 on both sides.", "重新复制，并在两端对比 SHA-256。");
    Packing = 308, "bundle",
        word!("the bundle is not packed as bundles are", "证书包的打包形式不符"),
        word!(
            "An entry is of another kind, at another place, twice, or named as no entry may be; somebody repacked or changed it.",
            "某个条目的类型、位置或名称不符，或重复出现；证书包被重新打包或改动过。"
        ),
        word!("Do not apply it: get the bundle again from whoever made it.", "不要执行：向制作方重新索取证书包。");
    TooLarge = 309, "bundle",
        word!("the bundle is past a limit", "证书包超出上限"),
        word!("An entry, the number of entries or the whole is larger than any bundle is.", "条目大小、条目数量或总大小超出证书包的上限。"),
        word!("Do not apply it: get the bundle again from whoever made it.", "不要执行：向制作方重新索取证书包。");
    Altered = 310, "bundle",
        word!("what is there is not what was signed", "内容与签名清单不符"),
        word!("An entry is missing, additional, or differs from the digest in the signed list.", "有条目缺失、多余，或与签名清单中的摘要不同。"),
        word!(
            "Do not apply it. If it was unpacked, unpack it anew into an empty folder, or name the tarball.",
            "不要执行。若已解压，请重新解压到空目录，或直接指定证书包文件。"
        );
    Malformed = 311, "malformed",
        word!("the bundle is built badly", "证书包制作有误"),
        word!("What is wrong is signed, so another copy of the same bundle is no better.", "有误的内容已被签名，同一证书包的其他副本也一样。"),
        word!("Do not apply it, and ask for another.", "不要执行，请索取新的证书包。");
    Contradiction = 312, "contradiction",
        word!("the bundle contradicts itself", "证书包自相矛盾"),
        word!("Two places of the bundle say different things of one matter; both are in the message.", "证书包中两处对同一内容的说法不同；消息中给出两者。"),
        word!("Do not apply it, and ask for another.", "不要执行，请索取新的证书包。");
    Sealing = 313, "bundle",
        word!("secrets are not sealed as the bundle says", "机密内容的加密封存与声明不符"),
        word!(
            "A secret is open where it should be sealed, or sealed for somebody else than the node that needs it.",
            "应加密封存的内容未加密，或加密给了其他节点。"
        ),
        word!("Do not apply it, and ask for another.", "不要执行，请索取新的证书包。");
    Format = 320, "format",
        word!("the bundle has another format", "证书包格式版本不同"),
        word!("This `reseal-node` reads one version of the format, and the bundle has another.", "本 `reseal-node` 只读取一种格式版本，证书包是另一种。"),
        word!("Use the `reseal-node` that lies in the bundle.", "使用证书包内的 `reseal-node`。");
    ExecutorTooOld = 321, "executor-too-old",
        word!("this `reseal-node` is too old", "本 `reseal-node` 版本过旧"),
        word!("The bundle asks for a later version.", "证书包要求更新的版本。"),
        word!("Use the `reseal-node` that lies in the bundle.", "使用证书包内的 `reseal-node`。");
    OtherSite = 330, "other-site",
        word!("the bundle is for another site, by its CA", "按 CA 判断，证书包属于其他站点"),
        word!(
            "The CA on this node has another key than the CA in the bundle. Nothing can be forced here.",
            "本节点 CA 的密钥与证书包中 CA 的密钥不同。此项不可强制跳过。"
        ),
        word!("Look for the bundle of this site.", "请找到本站点的证书包。");
    WrongSite = 331, "wrong-site",
        word!("the bundle is for another site, by name", "按名称判断，证书包属于其他站点"),
        word!("Bundles of another site were applied here before.", "本节点以前执行过其他站点的证书包。"),
        word!(
            "Look for the bundle of this site. Only if the node has moved to another: `signers forget`.",
            "请找到本站点的证书包。只有节点确已改属其他站点时，才执行 `signers forget`。"
        );
    OlderSerial = 332, "older-serial",
        word!("a newer bundle was applied already", "已执行过更新的证书包"),
        word!("The serial of this bundle is below the last one that was applied here.", "该证书包的序号低于本节点上次执行的序号。"),
        word!("Look for the newest bundle; only if the older one is meant, `--allow-older`.", "请使用最新的证书包；确实需要旧包时，用 `--allow-older`。");
    SerialReused = 333, "serial-reused",
        word!("another bundle of that serial was applied", "已执行过相同序号的另一证书包"),
        word!("Two different bundles carry one serial, so one of them is not what it seems.", "两个不同的证书包使用了同一序号，其中之一可疑。"),
        word!("Have the bundle built again, with a higher serial.", "请用更高的序号重新制作证书包。");
    Twice = 334, "twice",
        word!("the bundle changes one file twice", "证书包对同一文件改动两次"),
        word!("Two paths of the bundle are one file on this node, by a link.", "证书包中的两个路径，因链接在本节点上是同一个文件。"),
        word!("Report it to whoever made the bundle.", "请报告给证书包制作方。");
    Inconsistent = 335, "contradiction",
        word!("the bundle's contents do not go together", "证书包内容互不相符"),
        word!("A certificate, key or step is not what `bundle.json` or the slice says.", "某个证书、密钥或步骤与 `bundle.json` 或本节点内容不符。"),
        word!("Report it to whoever made the bundle.", "请报告给证书包制作方。");
    Sealed = 340, "sealed",
        word!("secrets do not open, though the key should fit", "密钥应当匹配，但机密内容无法打开"),
        word!("What is sealed is damaged, of another bundle, or sealed to nobody.", "加密封存的内容已损坏、属于其他证书包，或没有接收方。"),
        word!("Get the bundle again from whoever made it.", "向制作方重新索取证书包。");

    NodeUnknown = 401, "node-unknown",
        word!("this host is no node of the bundle", "本机不是证书包中的节点"),
        word!("Neither host name, addresses nor machine-id fit a node.", "主机名、地址和 machine-id 均与任何节点不符。"),
        word!("Is this the right machine? If it is, say which node it is with `--node`.", "是否登录了正确的机器？若是，用 `--node` 指定节点。");
    NodeNotThere = 402, "node-not-there",
        word!("the bundle has no node of that name", "证书包中没有该名称的节点"),
        word!("`--node` names a node that is not in the bundle.", "`--node` 指定的节点不在证书包中。"),
        word!("Take one of the nodes that are listed.", "从列出的节点中选择。");
    NodeAmbiguous = 403, "node-ambiguous",
        word!("this host fits several nodes", "本机与多个节点相符"),
        word!("What the host says of itself fits more than one node of the bundle.", "本机信息与证书包中的多个节点相符。"),
        word!("Say which it is with `--node`.", "用 `--node` 指定。");
    NotRoot = 404, "not-root",
        word!("root's rights are needed", "需要 root 权限"),
        word!("Certificates and services belong to root.", "证书和服务属于 root。"),
        word!("Give the command as root.", "以 root 执行该命令。");
    Busy = 405, "busy",
        word!("another run is in progress", "另一次执行正在进行"),
        word!("One process at a time may change this node; another holds the lock.", "同一时间只允许一个进程改动本节点；锁被另一进程持有。"),
        word!("Wait for it, or look at its process.", "等待其结束，或查看该进程。");
    StateUnusable = 406, "state",
        word!("the folder of backups and journals is unusable", "备份和日志记录的目录不可用"),
        word!("`/var/lib/reseal` cannot be made, locked or written.", "`/var/lib/reseal` 无法创建、加锁或写入。"),
        word!("Look at it: `namei -l /var/lib/reseal; findmnt -T /var/lib`.", "查看：`namei -l /var/lib/reseal; findmnt -T /var/lib`。");
    Unfinished = 407, "unfinished",
        word!("a run of another bundle is unfinished", "另一证书包的执行尚未完成"),
        word!("Only one run is open at a time.", "同一时间只能有一次未完成的执行。"),
        word!("Finish it with `apply` of its own bundle, or take it back with `rollback`.", "用该证书包的 `apply` 完成它，或用 `rollback` 回滚。");
    Needed = 408, "needed",
        word!("these backups are still needed", "这些备份仍然需要"),
        word!("Without them a run could not be taken back.", "没有它们，某次执行就无法回滚。"),
        word!("See why: `reseal-node backups`.", "查看原因：`reseal-node backups`。");
    Unconfirmed = 409, "unconfirmed",
        word!("nobody agreed to what was asked", "没有人同意所询问的操作"),
        word!("Nothing was changed.", "没有更改任何内容。"),
        word!("Type what is asked for, at a terminal; in a script, `--yes`.", "在终端上输入要求的内容；脚本中用 `--yes`。");
    ClockBefore = 410, "clock",
        word!("the clock is too early", "时钟过早"),
        word!("By this node's clock the new certificates are not valid yet.", "按本节点的时钟，新证书尚未生效。"),
        word!("Compare with another clock, and set this one.", "与其他时钟对比，并校正本节点时钟。");
    ClockAhead = 411, "clock-ahead",
        word!("the clock is ahead", "时钟过快"),
        word!(
            "By this node's clock a certificate has ended with which etcd is healthy all the same, so the clock is wrong.",
            "按本节点的时钟证书已过期，但 etcd 使用该证书仍然健康，说明时钟有误。"
        ),
        word!("Compare with another clock, and set this one.", "与其他时钟对比，并校正本节点时钟。");
    Stale = 412, "stale",
        word!("the bundle is past its time", "证书包已过使用期限"),
        word!("Whoever built it wanted it to be applied before a date that is over, by this node's clock.", "按本节点的时钟，已超过制作方规定的执行期限。"),
        word!("If the clock is right and the bundle is meant, `--accept-stale`.", "若时钟无误且确实要用该证书包，用 `--accept-stale`。");
    AuthorityAbsent = 420, "authority-absent",
        word!("the site's CA is not on this node", "本节点上没有该站点的 CA"),
        word!("Nothing on this node proves that the bundle is for it.", "本节点上没有任何内容能证明证书包属于它。"),
        word!("Is this the right node? If it is, put the site's present CA certificate back first.", "是否是正确的节点？若是，先恢复站点现有的 CA 证书。");
    NoCertificate = 421, "no-certificate",
        word!("a file on this node is no certificate", "本节点的某个文件不是证书"),
        word!("Where the certificate should be that is renewed, something else is.", "待续签证书的位置上是别的内容。"),
        word!("Restore the file, or move it away.", "恢复该文件，或将其移走。");
    DiskLeaf = 422, "disk-leaf",
        word!("the certificate on this node is of another CA", "本节点的证书属于其他 CA"),
        word!("It would not verify under the renewed CA.", "它在续签后的 CA 下无法通过校验。"),
        word!("Have the bundle built from this site's files.", "请用本站点的文件重新制作证书包。");
    NewLeaf = 423, "new-leaf",
        word!("the new certificate would break this cluster", "新证书会使本集群中断"),
        word!("It does not verify under the CA in the bundle, or under the CA on this node.", "它在证书包中的 CA 或本节点的 CA 下无法通过校验。"),
        word!("Have the bundle built again from this site's files.", "请用本站点的文件重新制作证书包。");
    OtherKey = 424, "other-key",
        word!("the private key is not the one of its certificate", "私钥与证书不匹配"),
        word!("The bundle holds a key and a certificate that do not belong together.", "证书包中的私钥和证书不是一对。"),
        word!("Have the bundle built again.", "请重新制作证书包。");
    SanLoss = 425, "san-loss",
        word!("names would be lost", "会丢失 SAN（主题备用名称）"),
        word!("The certificate on this node is good for names or addresses that the new one lacks.", "本节点证书含有新证书没有的名称或地址。"),
        word!("Have the bundle built again with these names added to the site.", "请在站点文件中补充这些名称，重新制作证书包。");
    NoPlace = 430, "no-place",
        word!("a folder does not exist here", "目录在本节点上不存在"),
        word!("Nothing is installed into folders that do not exist, or that lead out of the root.", "不向不存在的目录、或指向根目录之外的目录安装文件。"),
        word!("Is this the right node? Look at the folder.", "是否是正确的节点？请查看该目录。");
    NoFolder = 431, "no-folder",
        word!("no folder fits the `*`", "没有与 `*` 相符的目录"),
        word!("The service that owns the folder is not installed here.", "拥有该目录的服务未安装在本节点。"),
        word!("Is this the right node?", "是否是正确的节点？");
    SeveralFolders = 432, "several-folders",
        word!("several folders fit the `*`", "有多个目录与 `*` 相符"),
        word!("It cannot be told which of them is in use.", "无法判断哪一个在使用。"),
        word!("Move all but the one in use away, or have the bundle built with its name.", "移走未使用的目录，或在制作证书包时写明目录名。");
    NotAFile = 433, "not-a-file",
        word!("a target is no regular file", "目标不是普通文件"),
        word!("A folder, a pipe or a device is where a file is to be replaced.", "待替换的位置上是目录、管道或设备。"),
        word!("Look at it: `ls -ld`.", "查看：`ls -ld`。");
    IsALink = 434, "not-a-file",
        word!("a target is a symbolic link", "目标是符号链接"),
        word!("A link is not replaced, since others may need what it leads to.", "不替换链接，因为其他程序可能需要它所指的文件。"),
        word!("Have the bundle built for the path that it leads to, or put the file itself in its place.", "按链接所指的路径制作证书包，或用文件本身替换链接。");
    ReadOnly = 435, "read-only",
        word!("a target cannot be replaced", "目标无法替换"),
        word!("Its file system is read-only, or an attribute forbids it.", "文件系统只读，或文件属性不允许。"),
        word!("Look at it: `findmnt -T`, `lsattr -d`.", "查看：`findmnt -T`、`lsattr -d`。");
    Unreadable = 436, "unreadable",
        word!("a target cannot be read", "目标无法读取"),
        word!("What cannot be read cannot be backed up, and so it is not replaced.", "无法读取就无法备份，因此不替换。"),
        word!("Look at it: `ls -l`; the system's log may tell of a bad disk.", "查看：`ls -l`；系统日志可能显示磁盘故障。");
    TargetTooLarge = 437, "too-large",
        word!("a target is too large", "目标文件过大"),
        word!("No certificate, key or document of this kind is that large.", "此类证书、密钥或文档不会这么大。"),
        word!("Look at it: `ls -l`.", "查看：`ls -l`。");
    Document = 438, "document",
        word!("a document cannot be edited", "文档无法编辑"),
        word!("It is not the JSON that it should be.", "它不是应有的 JSON。"),
        word!("Mend it, or have the vendor mend it.", "修复该文档，或请厂商修复。");
    DocumentMissing = 439, "document-missing",
        word!("a document is missing", "缺少文档"),
        word!("It is to be edited, and is not there.", "需要编辑的文档不存在。"),
        word!("Look for it; is this the right node?", "查找该文档；是否是正确的节点？");
    Full = 440, "full",
        word!("too little room on the disk", "磁盘空间不足"),
        word!("Backups and new files need more bytes than are free.", "备份和新文件所需空间多于可用空间。"),
        word!("Make room; old backups can go: `reseal-node backups prune`.", "释放空间；可删除旧备份：`reseal-node backups prune`。");
    FullOfFiles = 441, "full",
        word!("too few inodes on the disk", "磁盘 inode 不足"),
        word!("The file system can hold no more files.", "文件系统无法再容纳更多文件。"),
        word!(
            "Remove files that nobody needs; old backups can go: `reseal-node backups prune`.",
            "删除无用文件；可删除旧备份：`reseal-node backups prune`。"
        );
    FilesChanged = 445, "changed-since",
        word!("files were changed since the run", "文件在该次执行之后被改动"),
        word!("They have neither their former nor the new content, so somebody else changed them.", "内容既不是原来的，也不是新的，说明被其他人改动。"),
        word!(
            "Find out who and whether it is wanted; `rollback --discard-changes` overwrites it.",
            "查明何人改动、是否需要保留；`rollback --discard-changes` 会覆盖改动。"
        );
    RowsChanged = 446, "changed-since",
        word!("rows were changed since the run", "数据库行在该次执行之后被改动"),
        word!("They hold neither their former nor the new value, so somebody else changed them.", "值既不是原来的，也不是新的，说明被其他人改动。"),
        word!(
            "Find out who and whether it is wanted; `rollback --discard-changes` overwrites it.",
            "查明何人改动、是否需要保留；`rollback --discard-changes` 会覆盖改动。"
        );
    UnreadableSince = 447, "unreadable",
        word!("files of the run cannot be read", "该次执行涉及的文件无法读取"),
        word!("It cannot be told whether they are as before, new, or changed by somebody.", "无法判断它们是原内容、新内容，还是被改动过。"),
        word!("Look at them, and mend what keeps them from being read.", "查看这些文件，排除无法读取的原因。");
    Manifest = 450, "manifest",
        word!("a static pod's manifest is not in its place", "静态 Pod 的清单文件不在原位"),
        word!("It is neither in the kubelet's folder alone nor where a run puts it meanwhile.", "它既不只在 kubelet 目录中，也不在执行期间的暂存目录中。"),
        word!("Is this the right node? Exactly one of both must be there.", "是否是正确的节点？两处中应恰有一处存在。");
    Holding = 451, "holding",
        word!("manifests cannot be moved away", "清单文件无法移出"),
        word!("The folder that holds them during a restart cannot be used.", "重启期间暂存清单文件的目录不可用。"),
        word!("Look at it: `ls -ld`, `findmnt -T`.", "查看：`ls -ld`、`findmnt -T`。");
    Runtime = 452, "runtime",
        word!("what runs here cannot be told", "无法得知本节点运行的容器"),
        word!("Neither docker nor crictl answers, so nothing can be restarted safely.", "docker 和 crictl 均无应答，无法安全重启。"),
        word!("Look at it: `docker ps; crictl ps`.", "查看：`docker ps; crictl ps`。");
    Quorum = 455, "quorum",
        word!("etcd would lose its quorum", "etcd 会失去法定票数"),
        word!("Too few other members are healthy for this one to restart.", "其余健康成员不足，本成员不能重启。"),
        word!("Mend the others first; `--force-quorum-loss` restarts all the same.", "先修复其他成员；`--force-quorum-loss` 可强制重启。");
    Outage = 456, "outage",
        word!("etcd stands still while this node restarts", "本节点重启期间 etcd 会中断"),
        word!("With one or two members there is no quorum without this one.", "只有一两个成员时，缺少本成员就没有法定票数。"),
        word!("If that is agreed, `--accept-outage`.", "若已同意中断，用 `--accept-outage`。");
    Blind = 457, "blind",
        word!("whether etcd keeps its quorum cannot be judged", "无法判断 etcd 是否保有法定票数"),
        word!("The members cannot be asked with what is on this node.", "以本节点现有的证书无法询问各成员。"),
        word!(
            "Mend what keeps it from being asked; `--force-quorum-loss` restarts without knowing.",
            "排除无法询问的原因；`--force-quorum-loss` 可在未知状态下重启。"
        );
    DatabaseReach = 460, "database",
        word!("the Manager's database cannot be reached", "无法连接 Manager 数据库"),
        word!("Nothing answers where it is looked for, the client program fails, or the connection ends.", "所给位置没有应答、客户端程序失败，或连接中断。"),
        word!(
            "Say how it is reached: `--db-socket`, `--db-host` and `--db-port`, or `--db-command`.",
            "说明连接方式：`--db-socket`、`--db-host` 和 `--db-port`，或 `--db-command`。"
        );
    DatabaseAccess = 461, "database",
        word!("the Manager's database does not let this user in", "Manager 数据库拒绝该用户"),
        word!("The user, the password or a right is missing.", "用户、口令或权限不对。"),
        word!(
            "Name another user: `--db-user`, `--db-password-file` or `--db-ask-password`.",
            "换用其他用户：`--db-user`、`--db-password-file` 或 `--db-ask-password`。"
        );
    DatabaseTls = 462, "database",
        word!("no TLS with the Manager's database", "无法与 Manager 数据库建立 TLS"),
        word!("TLS was asked for, and the server does not offer it or its certificate does not verify.", "要求使用 TLS，但服务器不支持，或其证书校验失败。"),
        word!("Correct `--db-tls-ca`, or use the local socket.", "更正 `--db-tls-ca`，或使用本机套接字。");
    DatabaseName = 463, "database",
        word!("the Manager's table is not in this database", "该数据库中没有 Manager 的表"),
        word!("No database has the table, or several have it, or this user may not see it.", "没有数据库含有该表，或有多个，或该用户无权查看。"),
        word!("Name the database: `--db-name`.", "指定数据库：`--db-name`。");
    DatabaseRow = 464, "database",
        word!("a row is missing, twice, empty or too long", "数据库行缺失、重复、为空或过长"),
        word!("What is to be updated is not there as it should be.", "待更新的行不是应有的样子。"),
        word!("Is this the Manager's database? Look at the row with any client.", "这是 Manager 的数据库吗？用任意客户端查看该行。");
    DatabaseColumn = 465, "database",
        word!("the column is too narrow, or of another kind", "列长度不足或类型不符"),
        word!("The new value would be cut.", "新值会被截断。"),
        word!("Widen the column, with the vendor's consent.", "经厂商同意，加宽该列。");
    DatabaseReadOnly = 466, "database",
        word!("the database takes no changes", "数据库只读"),
        word!("It is a replica, or was set read-only.", "它是从库，或被设为只读。"),
        word!("Name the server that takes changes, or end its read-only state.", "指定可写的服务器，或解除只读。");
    DatabaseLocked = 467, "database",
        word!("somebody else holds the rows", "数据库行被其他连接占用"),
        word!("The lock did not come in time.", "未能及时取得锁。"),
        word!("Stop the Manager, or end the connection that holds it, then once more.", "停止 Manager，或结束占用的连接，然后重试。");
    DatabaseCopy = 468, "database",
        word!("the copy's table holds something else", "备份表中是别的内容"),
        word!("The table that keeps the former rows exists already, with other rows.", "用于保存原有行的表已存在，且内容不同。"),
        word!("Rename it, then once more.", "将其改名，然后重试。");
    DatabaseChanged = 469, "database",
        word!("rows are not what was written", "数据库行与写入的内容不符"),
        word!("Somebody changed them meanwhile, or the server does not store what it is given.", "期间被他人改动，或服务器没有按原样保存。"),
        word!("Look at the rows with any client, then once more.", "用任意客户端查看这些行，然后重试。");
    DatabaseServer = 470, "database",
        word!("the database server fails", "数据库服务器出错"),
        word!("It answers with an error of its own, whose number is in the message.", "它返回了自身的错误，错误号在消息中。"),
        word!("Look into the server's log; or leave the rows to the SQL: `--leave-database`.", "查看服务器日志；或用 SQL 手工改动：`--leave-database`。");
    NoIdentity = 475, "no-identity",
        word!("this node has no identity", "本节点没有身份密钥"),
        word!("The secrets are sealed to the identity of the node, which is not here.", "机密内容加密封存给节点身份密钥，而本节点没有。"),
        word!("Is this the right node? If its identity is gone, have the bundle built for a new one.", "是否是正确的节点？若身份密钥已丢失，请按新的重新制作证书包。");
    OtherIdentity = 476, "other-identity",
        word!("the secrets are sealed to another identity", "机密内容加密封存给另一身份密钥"),
        word!("This node's own recipient is not the one in the bundle.", "本节点的接收方与证书包中的不同。"),
        word!("Is this the right node? If it is, have the bundle built for its present recipient.", "是否是正确的节点？若是，请按现有接收方重新制作证书包。");
    NoPassphrase = 477, "no-passphrase",
        word!("there is nobody to ask for the passphrase", "无人可询问口令"),
        word!("The secrets need the bundle's passphrase, and this is no terminal.", "机密内容需要证书包口令，而当前不是终端。"),
        word!("Give `--passphrase-file`, or start it at a terminal.", "给出 `--passphrase-file`，或在终端上执行。");
    WrongPassphrase = 478, "wrong-passphrase",
        word!("the passphrase does not open the secrets", "口令无法打开机密内容"),
        word!("It is mistyped, or of another bundle.", "输入有误，或属于另一证书包。"),
        word!("Compare it with whoever made the bundle.", "与证书包制作方核对。");
    Passphrase = 479, "passphrase",
        word!("the passphrase cannot be read", "口令无法读取"),
        word!("The file or descriptor that should hold it is unreadable or empty.", "存放口令的文件或描述符不可读或为空。"),
        word!("Correct `--passphrase-file` or `--passphrase-fd`.", "更正 `--passphrase-file` 或 `--passphrase-fd`。");
    Memory = 480, "memory",
        word!("what this node remembers cannot be used", "本节点的信任记录不可用"),
        word!(
            "A file below `/var/lib/reseal/signers` or `sites` is not what this program writes; nobody is trusted while that is so.",
            "`/var/lib/reseal/signers` 或 `sites` 下的某个文件不是本程序写的；在此期间不信任任何人。"
        ),
        word!("Look at it; to have it forgotten, move it away.", "查看该文件；需要遗忘时，将其移走。");
    MemoryDenied = 481, "memory",
        word!("what this node remembers is for root to see", "本节点的信任记录仅 root 可读"),
        word!("The system does not let it be read or written.", "系统不允许读写。"),
        word!("Give the command as root.", "以 root 执行该命令。");
    MemoryPlace = 482, "memory",
        word!("the folder of what this node remembers leads elsewhere", "本节点信任记录的目录指向别处"),
        word!(
            "`/var/lib/reseal` or a folder above it is a link out of the root, or cannot be entered.",
            "`/var/lib/reseal` 或其上级目录是指向根目录之外的链接，或无法进入。"
        ),
        word!("Look at each part of the path: `namei -l /var/lib/reseal`.", "逐级查看路径：`namei -l /var/lib/reseal`。");

    RolledBack = 501, "rolled-back",
        word!("the run failed, and everything was put back", "本次执行失败，已全部回滚"),
        word!("Files, rows and services are as before.", "文件、数据库行和服务均已恢复原状。"),
        word!("Remove the reason, and give the same command again.", "排除原因后，重新执行同一命令。");

    Exhausted = 601, "exhausted",
        word!("the run was tried often enough", "该次执行已尝试多次"),
        word!("Each call ended at the same place; once more would end there too.", "每次都停在同一处；再试也一样。"),
        word!("Find out why; then `--try-again`, or by hand as `RESTORE.txt` says.", "查明原因后用 `--try-again`，或按 `RESTORE.txt` 手工恢复。");
    Interrupted = 602, "interrupted",
        word!("a signal stopped the run", "本次执行被信号中断"),
        word!("Every manifest is in its place; the run can go on, or back.", "所有清单文件均在原位；可以继续，也可以回滚。"),
        word!("`apply` once more, or `rollback`.", "再次执行 `apply`，或执行 `rollback`。");
    Stuck = 603, "stuck",
        word!("the run failed, and could not be put back", "本次执行失败，且未能回滚"),
        word!("Both reasons are in the message; the journal knows how far it came.", "消息中给出两个原因；日志记录了进行到哪一步。"),
        word!(
            "Remove the reason, then `rollback` or `apply`; or by hand as `RESTORE.txt` says.",
            "排除原因后执行 `rollback` 或 `apply`；或按 `RESTORE.txt` 手工恢复。"
        );
    NotUndone = 604, "stuck",
        word!("the rollback stopped", "回滚中止"),
        word!("Part of it is put back; the journal knows how far it came.", "部分内容已恢复；日志记录了进行到哪一步。"),
        word!(
            "Remove the reason, then `rollback` once more; or by hand as `RESTORE.txt` says.",
            "排除原因后再次执行 `rollback`；或按 `RESTORE.txt` 手工恢复。"
        );
    Journal = 605, "journal",
        word!("a journal cannot be used", "日志记录不可用"),
        word!("It is damaged other than by a power cut, so it is unclear what its run did.", "其损坏并非断电造成，无法得知该次执行做了什么。"),
        word!("Put things back by hand as `RESTORE.txt` says, then set the run aside.", "按 `RESTORE.txt` 手工恢复，然后移开该次执行的目录。");
    JournalVersion = 606, "journal-version",
        word!("a later version made this run", "该次执行由更新的版本产生"),
        word!("Its journal has records that this version does not know.", "其日志记录含有本版本不认识的内容。"),
        word!("Use the `reseal-node` of its bundle, or a later one.", "使用该证书包内的 `reseal-node`，或更新的版本。");
    Fault = 690, "fault",
        word!("`reseal-node` itself is at fault", "`reseal-node` 自身出错"),
        word!("Something happened that should not; the message is kept back, since it may hold a secret.", "发生了不应发生的情况；详细消息可能含有机密，因此不显示。"),
        word!(
            "A run that was begun can be continued or taken back: `reseal-node status` says how. Report the place that is named.",
            "已开始的执行可以继续或回滚：`reseal-node status` 说明方法。请报告消息中的位置。"
        );
}
