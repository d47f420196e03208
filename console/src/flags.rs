//! The options that every command of both programs takes.

use std::{env, io, io::IsTerminal as _};

use bundle_format::{language::Language, word};
use clap::{
    ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Color {
    /// On a terminal that has it.
    #[default]
    #[value(help = word!("On a terminal that has it, unless `NO_COLOR` is set", "终端支持颜色且未设置 `NO_COLOR` 时"))]
    Auto,
    /// Always.
    #[value(help = word!("Always", "总是"))]
    Always,
    /// Never.
    #[value(help = word!("Never", "从不"))]
    Never,
}

/// How a program speaks, and to whom.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
#[command(next_help_heading = common_options())]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command line")]
pub struct Flags {
    /// Data goes to standard output as one JSON document.
    #[arg(long, global = true, help = word!("Write one JSON document to stdout", "向标准输出写一份 JSON 文档"))]
    pub json: bool,
    /// Say nothing but warnings and errors.
    #[arg(short, long, global = true, conflicts_with = "verbose", help = word!("Say nothing but warnings and errors", "只显示警告和错误"))]
    pub quiet: bool,
    /// Say more.
    #[arg(short, long, global = true, help = word!("Say more", "显示更多细节"))]
    pub verbose: bool,
    /// The language that was asked for.
    #[arg(long, global = true, value_name = "LANGUAGE", value_parser = languages(),
        help = word!("The language to speak [default: that of the locale]", "使用的语言 [默认：由系统区域设置决定]"))]
    pub lang: Option<Language>,
    /// Only ASCII is shown.
    #[arg(long, global = true, help = word!(
        "Write ASCII alone, for a serial console; in English unless `--lang` says otherwise",
        "只使用 ASCII 符号，适用于串口控制台；未指定 `--lang` 时使用英文"))]
    pub ascii: bool,
    /// When to use colour.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t, help = word!("When to use color", "何时使用颜色"))]
    pub color: Color,
}

/// The heading of these options in help.
#[must_use]
pub fn common_options() -> &'static str {
    word!("Options of every command", "通用选项")
}

impl Flags {
    /// How it was asked to speak, as that is typed: for a command in a hint, so that its answer is read by the same person.
    #[must_use]
    pub fn speech(&self) -> Vec<String> {
        let language = self.lang.into_iter().flat_map(|language| ["--lang", language.tag()]);
        language.chain(self.ascii.then_some("--ascii")).map(str::to_owned).collect()
    }

    /// Whether words on standard error are to be coloured.
    #[must_use]
    pub fn wants_color(&self) -> bool {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                io::stderr().is_terminal() && !is_set("NO_COLOR") && env::var_os("TERM").is_some_and(|terminal| terminal != "dumb")
            }
        }
    }
}

fn languages() -> impl TypedValueParser<Value = Language> {
    let values = [
        PossibleValue::new("en").help("English"),
        PossibleValue::new("zh-CN").aliases(["zh", "zh_CN"]).help(word!("Simplified Chinese", "简体中文")),
    ];
    PossibleValuesParser::new(values).map(|tag| Language::named(&tag).unwrap_or_default())
}
