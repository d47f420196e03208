//! Whether a file is an executor that a bundle may carry: a static Linux program for an architecture that nodes have.

use bundle_format::{text, word};
use elf::{
    ElfBytes,
    abi::{DT_NEEDED, ELFOSABI_GNU, ELFOSABI_SYSV, EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC, PT_INTERP},
    endian::AnyEndian,
    file::Class,
};
use thiserror::Error;

/// Why a file is no executor.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ElfError {
    /// Not an ELF file, or a damaged one.
    #[error("{}", text!("is not a Linux program: {_0}", "不是 Linux 程序：{_0}"))]
    NotElf(String),
    /// An object file, a library without entry, a core.
    #[error("{}", text!("is an ELF file, but not a program", "是 ELF 文件，但不是可执行程序"))]
    NotAProgram,
    /// For another kind of machine.
    #[error("{}", text!(
        "is for another system ({_0}); nodes are 64-bit little-endian x86_64 or aarch64 Linux",
        "用于其他系统（{_0}）；节点是 64 位小端 x86_64 或 aarch64 Linux"
    ))]
    OtherSystem(String),
    /// Needs a loader or libraries that a node may not have.
    #[error("{}", text!("is dynamically linked ({_0}); an executor must be static", "是动态链接的（{_0}）；执行程序必须是静态的"))]
    Dynamic(String),
}

/// An architecture that nodes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Architecture {
    /// 64-bit ARM.
    Aarch64,
    /// 64-bit x86.
    X86_64,
}

impl Architecture {
    /// Every architecture.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    /// The name as `uname -m` prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64",
            Self::X86_64 => "x86_64",
        }
    }
}

/// The architecture of a static Linux program.
///
/// # Errors
/// When `content` is anything else, by its ELF header, its program headers and its dynamic section.
pub fn static_program(content: &[u8]) -> Result<Architecture, ElfError> {
    let not_elf = |error: elf::ParseError| ElfError::NotElf(error.to_string());
    let file = ElfBytes::<AnyEndian>::minimal_parse(content).map_err(not_elf)?;
    let header = file.ehdr;
    let architecture = match (header.class, header.endianness, header.e_machine) {
        (Class::ELF64, AnyEndian::Little, EM_X86_64) => Architecture::X86_64,
        (Class::ELF64, AnyEndian::Little, EM_AARCH64) => Architecture::Aarch64,
        (class, endianness, machine) => {
            return Err(ElfError::OtherSystem(text!(
                "{class:?}, {endianness:?} endian, machine {machine}",
                "{class:?}，{endianness:?} 端序，机器类型 {machine}"
            )));
        }
    };
    if !matches!(header.osabi, ELFOSABI_SYSV | ELFOSABI_GNU) {
        return Err(ElfError::OtherSystem(text!("system ABI {}", "系统 ABI {}"; header.osabi)));
    }
    if !matches!(header.e_type, ET_EXEC | ET_DYN) || header.e_entry == 0 {
        return Err(ElfError::NotAProgram);
    }
    let segments = file.segments().ok_or(ElfError::NotAProgram)?;
    if segments.iter().any(|segment| segment.p_type == PT_INTERP) {
        return Err(ElfError::Dynamic(word!("it names an interpreter", "指定了解释器").to_owned()));
    }
    let needed = file.dynamic().map_err(not_elf)?.is_some_and(|table| table.iter().any(|entry| entry.d_tag == DT_NEEDED));
    if needed { Err(ElfError::Dynamic(word!("it needs shared libraries", "需要共享库").to_owned())) } else { Ok(architecture) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Vec<u8> {
        std::fs::read(path).unwrap()
    }

    #[test]
    fn this_test_is_static_and_the_shell_is_not() {
        let own = read(std::env::current_exe().unwrap().to_str().unwrap());
        assert_eq!(static_program(&own).unwrap().name(), std::env::consts::ARCH);
        assert!(matches!(static_program(&read("/bin/sh")), Err(ElfError::Dynamic(_))));
        assert!(matches!(static_program(b"#!/bin/sh\n"), Err(ElfError::NotElf(_))));
        let mut other = own.clone();
        other[18] = 8;
        assert!(matches!(static_program(&other), Err(ElfError::OtherSystem(_))));
        other[18] = own[18];
        other[16] = 1;
        assert_eq!(static_program(&other), Err(ElfError::NotAProgram));
        assert!(static_program(&own[..200]).is_err());
    }
}
