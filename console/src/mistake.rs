//! What is wrong with a command line, in words, and what to type instead.

use std::{error::Error as _, num::ParseIntError};

use bundle_format::{text, word};
use clap::{
    Command, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

/// A command line that makes no sense.
pub struct Mistake {
    /// What it is.
    pub message: String,
    /// What to type.
    pub hints: Vec<String>,
}

impl Mistake {
    /// What an error of the parser means, in a command of a program that was called by this word.
    pub fn of(error: &Error, command: &Command, program: &str) -> Self {
        let path = command.get_bin_name().unwrap_or(command.get_name());
        let inner = path.split_once(' ').map(|(_, inner)| format!(" {inner}")).unwrap_or_default();
        let help = text!("`{program}{inner} --help` lists what there is", "`{program}{inner} --help` 列出全部用法");
        let meant = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
        let meant = meant.into_iter().find_map(|kind| said(error, kind)).map(|meant| text!("did you mean {meant}?", "是否想用 {meant}？"));
        Self { message: message(error, path), hints: meant.into_iter().chain([help]).collect() }
    }
}

fn message(error: &Error, path: &str) -> String {
    let get = |kind| said(error, kind).unwrap_or_else(|| word!("an argument", "某个参数").to_owned());
    let argument = || get(ContextKind::InvalidArg);
    let value = || get(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::ArgumentConflict => match (said(error, ContextKind::InvalidArg), said(error, ContextKind::PriorArg)) {
            (Some(one), Some(other)) if one == other => text!("{one} is given more than once", "{one} 重复出现"),
            (Some(one), Some(other)) => text!("{one} cannot be used together with {other}", "{one} 不能与 {other} 同时使用"),
            (one, other) => {
                let one = one.or(other).unwrap_or_else(|| get(ContextKind::InvalidSubcommand));
                text!("{one} cannot be used together with the other arguments", "{one} 不能与其他参数同时使用")
            }
        },
        ErrorKind::InvalidSubcommand => {
            text!("there is no command {}", "没有命令 {}"; get(ContextKind::InvalidSubcommand))
        }
        ErrorKind::InvalidUtf8 => text!("an argument is not UTF-8 text", "有参数不是 UTF-8 文本"),
        ErrorKind::InvalidValue if is_empty(error, ContextKind::InvalidValue) => {
            text!("{} needs a value", "{} 需要一个值"; argument()) + &choices(error)
        }
        ErrorKind::InvalidValue => text!("{} does not take {}", "{} 不接受 {}"; argument(), value()) + &choices(error),
        ErrorKind::MissingRequiredArgument => text!("missing: {}", "缺少：{}"; argument()),
        ErrorKind::MissingSubcommand => {
            let all = get(ContextKind::ValidSubcommand);
            text!("`{path}` needs a command: {all}", "`{path}` 需要一个命令：{all}")
        }
        ErrorKind::TooFewValues => text!("{} needs more values", "{} 需要更多的值"; argument()),
        ErrorKind::TooManyValues => text!("{} is one value too many for {}", "{} 多余，{} 不再接受更多的值"; value(), argument()),
        ErrorKind::UnknownArgument => text!("unexpected argument {}", "未知参数 {}"; argument()),
        ErrorKind::ValueValidation => text!("{} does not take {}: {}", "{} 不接受 {}：{}"; argument(), value(), why(error)),
        ErrorKind::WrongNumberOfValues => text!("{} takes another number of values", "{} 的值的个数不对"; argument()),
        _ => error.to_string().trim().to_owned(),
    }
}

/// What the parser tells of this kind, each in backquotes.
fn said(error: &Error, kind: ContextKind) -> Option<String> {
    let quoted = |word: &String| format!("`{word}`");
    match error.get(kind)? {
        ContextValue::String(word) => Some(quoted(word)),
        ContextValue::Strings(words) if !words.is_empty() => Some(words.iter().map(quoted).collect::<Vec<_>>().join(word!(", ", "、"))),
        _ => None,
    }
}

fn is_empty(error: &Error, kind: ContextKind) -> bool {
    matches!(error.get(kind), Some(ContextValue::String(word)) if word.is_empty())
}

fn choices(error: &Error) -> String {
    said(error, ContextKind::ValidValue).map(|values| text!("; it takes {values}", "；可选值：{values}")).unwrap_or_default()
}

fn why(error: &Error) -> String {
    match error.source() {
        // Numbers that are out of range have no type of their own.
        Some(source) if source.is::<ParseIntError>() || source.to_string().contains(" is not in ") => {
            text!("it is not a whole number that fits", "不是有效范围内的整数")
        }
        Some(source) if source.is::<std::net::AddrParseError>() => text!("it is not an IP address", "不是 IP 地址"),
        Some(source) => source.to_string(),
        None => text!("it cannot be read", "无法解析"),
    }
}
