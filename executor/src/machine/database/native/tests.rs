//! A server that is played: what it says is written beforehand, what it hears is looked at.

use std::io::{self, Read, Write};

use aws_lc_rs::{
    digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest},
    encoding::{AsDer as _, PublicKeyX509Der},
    rsa::{KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey},
};
use bundle_format::certificate::pem;

use super::{super::session::Answer, login::Channel, wire::Fault, *};

const NONCE: &[u8; 20] = b"abcdefghijklmnopqrst";
const PASSWORD: &str = "hunter2hunter2";
const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const END: &[u8] = &[0xfe, 0, 0, 2, 0];

/// A stream on which everything has been said already.
struct Played {
    says: io::Cursor<Vec<u8>>,
    heard: Vec<u8>,
    wants_tls: bool,
    is_private: bool,
}

impl Played {
    fn says(packets: &[(u8, &[u8])]) -> Self {
        let frame = |(count, body): &(u8, &[u8])| {
            let [a, b, c, ..] = body.len().to_le_bytes();
            [&[a, b, c, *count], *body].concat()
        };
        Self::raw(packets.iter().flat_map(frame).collect())
    }

    fn raw(says: Vec<u8>) -> Self {
        Self { says: io::Cursor::new(says), heard: Vec::new(), wants_tls: false, is_private: false }
    }

    /// The packets that were heard, without their headers.
    fn packets(&self) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        let mut rest = self.heard.as_slice();
        while let [a, b, c, _, after @ ..] = rest {
            let (packet, after) = after.split_at(u32::from_le_bytes([*a, *b, *c, 0]) as usize);
            packets.push(packet.to_vec());
            rest = after;
        }
        packets
    }
}

impl Read for Played {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.says.read(into)
    }
}

impl Write for Played {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Channel for Played {
    fn wants_tls(&self) -> bool {
        self.wants_tls
    }

    fn secure(&mut self) -> Result<(), Fault> {
        self.is_private = true;
        Ok(())
    }

    fn is_private(&self) -> bool {
        self.is_private
    }
}

/// A greeting as servers of this century say it; `can` beside what all can.
fn greeting(plugin: &str, can: u32) -> Vec<u8> {
    let can = 0x0008_a200 | can;
    let low = u16::try_from(can & 0xffff).unwrap().to_le_bytes();
    let high = u16::try_from(can >> 16).unwrap().to_le_bytes();
    let parts: [&[u8]; 12] =
        [&[10], b"8.0.36\0", &[1, 0, 0, 0], &NONCE[..8], &[0], &low, &[33, 2, 0], &high, &[21], &[0; 10], &NONCE[8..], &[0]];
    [&parts.concat(), plugin.as_bytes(), &[0]].concat()
}

fn opened(played: Played) -> Result<Dialogue<Played>, Fault> {
    Dialogue::open(played, "root", Some(PASSWORD))
}

fn sha1(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes.as_ref()).as_ref().to_vec()
}

fn sha256(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    digest(&SHA256, bytes.as_ref()).as_ref().to_vec()
}

fn xored(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter().zip(other).map(|(one, other)| one ^ other).collect()
}

/// The proof within an answer to a greeting.
fn proof(answer: &[u8]) -> &[u8] {
    let after_user = &answer[32 + "root\0".len()..];
    &after_user[1..][..usize::from(after_user[0])]
}

#[test]
fn a_password_is_proven_as_servers_check_it() {
    let hello = greeting("mysql_native_password", 0);
    let mut dialogue = opened(Played::says(&[(0, &hello), (2, OK)])).unwrap();
    let heard = dialogue.stream().packets();
    assert!(heard[0].ends_with(b"\0mysql_native_password\0") || heard[0].ends_with(b"mysql_native_password\0"));
    // The server keeps SHA1(SHA1(password)) alone, gets SHA1(password) out of the proof, and hashes it.
    let kept = sha1(sha1(PASSWORD));
    let hashed = xored(proof(&heard[0]), &sha1([NONCE.as_slice(), &kept].concat()));
    assert_eq!(sha1(hashed), kept);

    let hello = greeting("caching_sha2_password", 0);
    let mut dialogue = opened(Played::says(&[(0, &hello), (2, &[1, 3]), (3, OK)])).unwrap();
    let heard = dialogue.stream().packets();
    let kept = sha256(sha256(PASSWORD));
    let hashed = xored(proof(&heard[0]), &sha256([kept.as_slice(), NONCE].concat()));
    assert_eq!(sha256(hashed), kept);
    assert!(!dialogue.stream().heard.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes()));
}

#[test]
fn without_a_password_nothing_is_proven() {
    let hello = greeting("caching_sha2_password", 0);
    let mut dialogue = Dialogue::open(Played::says(&[(0, &hello), (2, OK)]), "root", None).unwrap();
    assert_eq!(proof(&dialogue.stream().packets()[0]), b"");
}

#[test]
fn a_whole_password_goes_where_nobody_else_hears_it_or_encrypted() {
    let hello = greeting("caching_sha2_password", 0);
    let local = Played { is_private: true, ..Played::says(&[(0, &hello), (2, &[1, 4]), (4, OK)]) };
    assert_eq!(opened(local).unwrap().stream().packets()[1], b"hunter2hunter2\0");

    let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let shown = [b"\x01", pem::encode("PUBLIC KEY", public.as_ref()).as_bytes()].concat();
    let clear = Played::says(&[(0, &hello), (2, &[1, 4]), (4, &shown), (6, OK)]);
    let heard = opened(clear).unwrap().stream().packets();
    assert_eq!(heard[1], [2]);
    let key = OaepPrivateDecryptingKey::new(key).unwrap();
    let mut plain = vec![0; key.min_output_size()];
    let plain = key.decrypt(&OAEP_SHA1_MGF1SHA1, &heard[2], &mut plain, None).unwrap();
    let nonce: Vec<u8> = NONCE.iter().copied().cycle().take(plain.len()).collect();
    assert_eq!(xored(plain, &nonce), b"hunter2hunter2\0");

    for shown in [b"\x01no key".as_slice(), b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", b""] {
        let clear = Played::says(&[(0, &hello), (2, &[1, 4]), (4, shown), (6, OK)]);
        assert!(matches!(opened(clear), Err(Fault::Malformed("the server shows no RSA key"))));
    }
}

#[test]
fn a_server_may_ask_for_another_way_once() {
    let hello = greeting("somebody_elses", 0);
    let switch = [b"\xfecaching_sha2_password\0".as_slice(), b"01234567890123456789\0"].concat();
    let mut dialogue = opened(Played::says(&[(0, &hello), (2, &switch), (4, &[1, 3]), (5, OK)])).unwrap();
    let heard = dialogue.stream().packets();
    let kept = sha256(sha256(PASSWORD));
    let hashed = xored(&heard[1], &sha256([kept.as_slice(), b"01234567890123456789"].concat()));
    assert_eq!(sha256(hashed), kept);
    assert!(matches!(opened(Played::says(&[(0, &hello), (2, &switch), (4, &switch)])), Err(Fault::Malformed(_))));
    for (switch, name) in [(b"\xfemysql_clear_password\0".as_slice(), "mysql_clear_password"), (b"\xfe", "mysql_old_password")] {
        let refused = opened(Played::says(&[(0, &hello), (2, switch)]));
        assert!(matches!(&refused, Err(Fault::Plugin(plugin)) if plugin == name), "{name}");
    }
}

#[test]
fn tls_comes_before_the_users_name_or_nothing_does() {
    let plain = Played { wants_tls: true, ..Played::says(&[(0, &greeting("mysql_native_password", 0)), (2, OK)]) };
    assert!(matches!(opened(plain), Err(Fault::NoTls)));
    let hello = greeting("mysql_native_password", 0x800);
    let mut dialogue = opened(Played { wants_tls: true, ..Played::says(&[(0, &hello), (3, OK)]) }).unwrap();
    let heard = dialogue.stream().packets();
    assert_eq!((heard[0].len(), &heard[1][..32]), (32, heard[0].as_slice()));
    assert_eq!(heard[0][1] & 0x08, 0x08);
}

/// A login and one statement, whose answer is `answer`.
fn asked(answer: &[(u8, &[u8])]) -> Result<Vec<Answer>, Fault> {
    let hello = greeting("mysql_native_password", 0);
    let packets = [&[(0, hello.as_slice()), (2, OK)], answer].concat();
    let mut answers = Vec::new();
    opened(Played::says(&packets))?.say(b"select 1", &mut answers).map(|()| answers)
}

#[test]
fn rows_of_one_text_are_answers() {
    assert_eq!(asked(&[(1, OK)]).unwrap().len(), 0);
    let long = [&[0xfc, 0x2c, 0x01], "x".repeat(300).as_bytes()].concat();
    let answers = asked(&[(1, &[1]), (2, b"\x03def"), (3, END), (4, b"\x02ab"), (5, &long), (6, b"\0"), (7, END)]).unwrap();
    assert_eq!(answers.iter().map(|answer| answer.len()).collect::<Vec<_>>(), [2, 300, 0]);
}

#[test]
fn what_a_hostile_server_answers_is_refused_by_name() {
    let rows = |row: &'static [u8]| asked(&[(1, &[1]), (2, b"\x03def"), (3, END), (4, row), (5, END)]);
    let refused = |what: Result<Vec<Answer>, Fault>| match what {
        Err(Fault::Malformed(why)) => why,
        Err(fault) => panic!("{fault}"),
        Ok(answers) => panic!("{} answers", answers.len()),
    };
    for row in [b"\xfb".as_slice(), b"\x02a", b"\x01ab", b"\x01\xff", b"\xfc\xff", b"\xfe\0\0\0\0\0\0\0\0\0", b"\xfd\xff\xff\xffx", b""] {
        assert_eq!(refused(rows(row)), "a row is not one text", "{row:?}");
    }
    assert_eq!(refused(asked(&[(1, b"\xfb/etc/shadow")])), "the server asks for a file of this machine");
    for columns in [b"\x02".as_slice(), b"\xfc\xff\xff", b"", b"\x01\x01"] {
        assert_eq!(refused(asked(&[(1, columns)])), "an answer has not one column");
    }
    assert_eq!(refused(asked(&[(1, &[1]), (2, b"\x03def"), (3, b"\x03def")])), "columns have no end");
    assert_eq!(refused(asked(&[(2, OK)])), "packets come out of order");
    let many: Vec<(u8, &[u8])> = (4_u32..).take(10_001).map(|count| (count.to_le_bytes()[0], b"\x01x".as_slice())).collect();
    assert_eq!(refused(asked(&[&[(1, [1].as_slice()), (2, b"\x03def"), (3, END)], many.as_slice()].concat())), "answers are too long");
}

#[test]
fn a_refusal_is_told_whenever_it_comes() {
    let refusal = b"\xff\x19\x04#HY000no more".as_slice();
    let is_told =
        |what: Result<Vec<Answer>, Fault>| matches!(&what, Err(Fault::Refused { code: 1049, text }) if text.as_str() == "no more");
    assert!(is_told(asked(&[(1, refusal)])));
    assert!(is_told(asked(&[(7, refusal)])), "out of turn");
    assert!(is_told(asked(&[(1, &[1]), (2, b"\x03def"), (3, END), (4, refusal)])));
    assert!(is_told(opened(Played::says(&[(0, b"\xff\x19\x04no more")])).map(|_| Vec::new())), "before anything else");
    assert!(matches!(asked(&[(1, b"\xff\x19")]), Err(Fault::Malformed("a refusal has no number"))));
    assert!(matches!(asked(&[(1, b"\xff\x19\x04#HY")]), Err(Fault::Refused { .. })));
}

#[test]
fn who_speaks_another_protocol_is_no_server_of_this_one() {
    let says: [&[u8]; 5] =
        [b"HTTP/1.1 400 Bad Request\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", &[0; 64], b"\x05\0\0\0\x09old\0", b"\x01\0\0\0\x0a"];
    for bytes in says {
        let outcome = opened(Played::raw(bytes.to_vec()));
        assert!(matches!(outcome, Err(Fault::Malformed(_))), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_conversation_that_is_cut_anywhere_has_no_answers() {
    let hello = greeting("caching_sha2_password", 0);
    let packets: [(u8, &[u8]); 8] = [(0, &hello), (2, &[1, 3]), (3, OK), (1, &[1]), (2, b"\x03def"), (3, END), (4, b"\x02ab"), (5, END)];
    let whole = Played::says(&packets).says.into_inner();
    let run = |bytes: &[u8]| {
        let mut answers = Vec::new();
        opened(Played::raw(bytes.to_vec())).and_then(|mut dialogue| dialogue.say(b"select 1", &mut answers))
    };
    assert!(run(&whole).is_ok());
    for length in 0..whole.len() {
        assert!(matches!(run(&whole[..length]), Err(Fault::Io(_))), "{length} bytes");
    }
}
