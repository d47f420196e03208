//! A server of a database, or whoever listens in its place. Bits of the first byte: TLS is wanted; the stream is a socket of this machine;
//! the login is behind us already, so that what follows answers statements. The rest is what the server says, whatever it is told.
#![no_main]

use std::io::{self, Read, Write};

use libfuzzer_sys::fuzz_target;
use reseal_node::database::{Channel, Dialogue, Fault};

const PASSWORD: &str = "correct horse battery";
/// A greeting of version 10 with `mysql_native_password`, and the OK after the answer to it.
const LOGIN: &[u8] = b"\x4a\0\0\0\x0a8.0.36\0\x01\0\0\0abcdefgh\0\x00\xa2\x21\x02\x00\x08\x00\x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0\
    mysql_native_password\0\x07\0\0\x02\0\0\0\x02\0\0\0";

struct Played<'a> {
    says: io::Chain<&'a [u8], &'a [u8]>,
    heard: Vec<u8>,
    wants_tls: bool,
    is_private: bool,
}

impl Read for Played<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.says.read(into)
    }
}

impl Write for Played<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.extend_from_slice(bytes);
        let tells = self.heard.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes());
        assert!(self.is_private || !tells, "the password goes over in the clear");
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Channel for Played<'_> {
    fn wants_tls(&self) -> bool {
        self.wants_tls
    }

    fn secure(&mut self) -> Result<(), Fault> {
        let told = self.heard.windows(4).any(|part| part == b"root");
        assert!(self.wants_tls && !told, "TLS comes before the user's name");
        self.is_private = true;
        self.heard.clear();
        Ok(())
    }

    fn is_private(&self) -> bool {
        self.is_private
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((flags, says)) = input.split_first() else { return };
    let is_logged_in = flags & 4 != 0;
    let login = if is_logged_in { LOGIN } else { &[] };
    let played =
        Played { says: login.chain(says), heard: Vec::new(), wants_tls: flags & 1 != 0 && !is_logged_in, is_private: flags & 2 != 0 };
    let mut dialogue = match Dialogue::open(played, "root", Some(PASSWORD)) {
        Ok(dialogue) => dialogue,
        Err(fault) => {
            assert!(!is_logged_in || matches!(fault, Fault::Io(_)), "{fault}");
            return;
        }
    };
    let mut answers = Vec::new();
    for _ in 0..3 {
        if dialogue.enter("site").is_err() || dialogue.say(b"select 1", &mut answers).is_err() {
            break;
        }
    }
    assert!(answers.iter().map(|answer| answer.len()).sum::<usize>() <= says.len(), "answers hold more than was said");
    dialogue.quit();
});
