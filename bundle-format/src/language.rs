//! The language that people are spoken to in: English, or 简体中文.
//!
//! A text is written once, in both, at the place that says it: [`text!`](crate::text) and [`word!`](crate::word) take the English and the
//! Chinese side by side, so a text without the other does not compile, and both name the same values. The language is the whole process's,
//! chosen once, when its flags are read. What programs read (`--json`, journals, facts, bundles) is in no language.

use std::{
    cell::Cell,
    io,
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether this process speaks Chinese.
static IS_CHINESE: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// What this thread says something in meanwhile, whatever the process speaks.
    static MEANWHILE: Cell<Option<Language>> = const { Cell::new(None) };
}

/// A language that people are spoken to in.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Language {
    /// 简体中文.
    Chinese,
    /// English.
    #[default]
    English,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The one that this process speaks; within [`says`](Self::says), that one.
    #[must_use]
    pub fn spoken() -> Self {
        let of_process = || if IS_CHINESE.load(Ordering::Relaxed) { Self::Chinese } else { Self::English };
        MEANWHILE.get().unwrap_or_else(of_process)
    }

    /// Has this process speak it from now on.
    pub fn speak(self) {
        IS_CHINESE.store(self == Self::Chinese, Ordering::Relaxed);
    }

    /// What is said in this language, whatever the process speaks, and its other threads: for what is kept or carried elsewhere.
    pub fn says<T>(self, say: impl FnOnce() -> T) -> T {
        let before = MEANWHILE.replace(Some(self));
        let said = say();
        MEANWHILE.set(before);
        said
    }

    /// Its tag (BCP 47), as `--lang` takes it and HTML names it.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    /// The one that a tag or a locale names, such as `zh`, `zh-CN`, `zh_CN.UTF-8` or `en_US`; `None` for other languages.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name.split(['-', '_', '.', '@']).next()?.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::Chinese),
            "en" | "c" | "posix" => Some(Self::English),
            _ => None,
        }
    }

    /// The one that an environment asks for, by the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that says something (POSIX, base
    /// definitions, 8.2). English where Chinese could not be read: a locale that is not in UTF-8, and the kernel's own console
    /// (`TERM=linux`), which has no Chinese glyphs.
    #[must_use]
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let said = |name: &str| variable(name).filter(|value| !value.is_empty());
        let Some(locale) = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(said) else { return Self::English };
        let is_utf_8 = locale.split_once('.').is_none_or(|(_, set)| {
            let set = set.split('@').next().unwrap_or_default();
            set.eq_ignore_ascii_case("utf-8") || set.eq_ignore_ascii_case("utf8")
        });
        let has_glyphs = said("TERM").is_none_or(|terminal| terminal != "linux");
        if is_utf_8 && has_glyphs { Self::named(&locale).unwrap_or_default() } else { Self::English }
    }
}

/// So many of something: the English noun gets its `s`, the Chinese one comes with its measure word.
///
/// ```
/// assert_eq!(bundle_format::language::counted(2, "file", "个文件"), "2 files");
/// ```
#[must_use]
pub fn counted(count: usize, english: &str, chinese: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    crate::text!("{count} {english}{ending}", "{count} {chinese}")
}

/// Why the system refused something: in Chinese the reasons that people meet, and in the system's own words all others.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    use io::ErrorKind::{
        AlreadyExists, ConnectionRefused, FileTooLarge, IsADirectory, NotADirectory, NotFound, PermissionDenied, QuotaExceeded,
        ReadOnlyFilesystem, StorageFull, TimedOut,
    };
    const EIO: i32 = 5;
    let known = match (Language::spoken(), error.kind()) {
        (Language::English, _) => None,
        // It has words of its own.
        _ if error.get_ref().is_some() => None,
        _ if error.raw_os_error() == Some(EIO) => Some("输入/输出错误"),
        (_, AlreadyExists) => Some("已存在"),
        (_, ConnectionRefused) => Some("连接被拒绝"),
        (_, FileTooLarge) => Some("文件过大"),
        (_, IsADirectory) => Some("是目录"),
        (_, NotADirectory) => Some("上级不是目录"),
        (_, NotFound) => Some("没有那个文件或目录"),
        (_, PermissionDenied) => Some("权限不够"),
        (_, QuotaExceeded) => Some("超出磁盘配额"),
        (_, ReadOnlyFilesystem) => Some("文件系统只读"),
        (_, StorageFull) => Some("磁盘空间已满"),
        (_, TimedOut) => Some("超时"),
        _ => None,
    };
    match (known, error.raw_os_error()) {
        (Some(known), Some(number)) => format!("{known}（os error {number}）"),
        (Some(known), None) => known.to_owned(),
        (None, _) => error.to_string(),
    }
}

/// A text in the language that this process speaks, as a `String`: the English format string, the Chinese one, and after `;` the
/// arguments that both take by position or name. Variables are captured by both, also within `thiserror`'s `#[error("{}", text!(…))]`.
///
/// ```
/// let count = 3;
/// assert_eq!(bundle_format::text!("{count} files", "{count} 个文件"), "3 files");
/// assert_eq!(bundle_format::text!("{} of {all}", "共 {all} 个，第 {} 个"; count, all = 5), "3 of 5");
/// ```
#[macro_export]
macro_rules! text {
    ($english:literal, $chinese:literal $(,)?) => {
        match $crate::language::Language::spoken() {
            $crate::language::Language::Chinese => ::std::format!($chinese),
            $crate::language::Language::English => ::std::format!($english),
        }
    };
    ($english:literal, $chinese:literal; $($arguments:tt)+) => {
        match $crate::language::Language::spoken() {
            $crate::language::Language::Chinese => ::std::format!($chinese, $($arguments)+),
            $crate::language::Language::English => ::std::format!($english, $($arguments)+),
        }
    };
}

/// A fixed text in the language that this process speaks, as a `&'static str`.
#[macro_export]
macro_rules! word {
    ($english:expr, $chinese:expr $(,)?) => {
        match $crate::language::Language::spoken() {
            $crate::language::Language::Chinese => $chinese,
            $crate::language::Language::English => $english,
        }
    };
}

#[cfg(test)]
mod tests {
    use super::Language::{self, Chinese, English};

    #[test]
    fn the_locale_chooses() {
        let chosen = |set: &[(&str, &str)]| {
            Language::of_environment(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        for (set, expected) in [
            (&[][..], English),
            (&[("LANG", "zh_CN.UTF-8")], Chinese),
            (&[("LANG", "zh_CN.utf8@pinyin")], Chinese),
            (&[("LANG", "zh_CN")], Chinese),
            (&[("LANG", "zh_CN.GB18030")], English),
            (&[("LANG", "de_DE.UTF-8")], English),
            (&[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")], English),
            (&[("LC_ALL", ""), ("LC_MESSAGES", "zh_CN.UTF-8"), ("LANG", "C")], Chinese),
            (&[("LANG", "zh_CN.UTF-8"), ("TERM", "linux")], English),
            (&[("LANG", "zh_CN.UTF-8"), ("TERM", "xterm")], Chinese),
        ] {
            assert_eq!(chosen(set), expected, "{set:?}");
        }
    }

    #[test]
    fn each_is_known_by_its_tag() {
        for language in Language::ALL {
            assert_eq!(Language::named(language.tag()), Some(language));
        }
        assert_eq!(Language::named("fr"), None);
    }

    #[test]
    fn what_is_said_in_another_is_said_by_one_thread_alone() {
        let said = || word!("yes", "是");
        Chinese.says(|| {
            assert_eq!(std::thread::spawn(said).join().unwrap(), "yes");
            assert_eq!((said(), English.says(said), said()), ("是", "yes", "是"));
        });
        assert_eq!(said(), "yes");
    }

    #[test]
    fn errors_are_said_in_it() {
        #[derive(Debug, thiserror::Error)]
        enum Error {
            #[error("{}", text!("`{name}` is {size} bytes", "`{name}` 有 {size} 字节"))]
            Named { name: String, size: u64 },
            #[error("{}", text!("{_0} is missing", "缺少 {_0}"))]
            Unnamed(u8),
        }
        assert_eq!(Error::Named { name: "a".to_owned(), size: 2 }.to_string(), "`a` is 2 bytes");
        assert_eq!(Error::Unnamed(3).to_string(), "3 is missing");
        assert_eq!(word!("yes", "是"), "yes");
    }
}
