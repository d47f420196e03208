//! Where a passphrase may come from, and where an opened secret may go.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read as _},
};

use bundle_format::text;
use zeroize::Zeroizing;

use super::Machine;

impl Machine {
    /// Reads the first line that a descriptor gives, without its end, of at most `most` bytes. It must have been open when this
    /// process began. What follows the line is not read.
    ///
    /// # Errors
    /// When it is not open, or the line is longer.
    pub fn read_descriptor(&self, descriptor: u32, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
        // Opened anew by its name, since there is no safe way to take over a bare number.
        let mut file = File::open(format!("/proc/self/fd/{descriptor}"))?;
        let mut line = Zeroizing::new(Vec::with_capacity(most));
        let mut byte = Zeroizing::new([0]);
        while file.read(byte.as_mut_slice())? == 1 && byte[0] != b'\n' {
            if line.len() == most {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    text!("its first line has more than {most} bytes", "其首行超过 {most} 字节"),
                ));
            }
            line.push(byte[0]);
        }
        Ok(line)
    }

    /// Whether what is written to standard output is shown to whoever looks.
    pub fn shows_output(&self) -> bool {
        io::stdout().is_terminal()
    }
}
