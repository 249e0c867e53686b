//! A time-stamping authority of `openssl ts`, made anew in a temporary folder.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;

use tempfile::TempDir;

/// A key's kind, in the words of `openssl genpkey`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Rsa,
    P256,
    P384,
}

/// Extensions of a certificate that may make time-stamps.
pub(crate) const STAMPING: &str =
    "keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\nsubjectKeyIdentifier=hash\n";

/// A certificate authority, a server that stamps (`tsa`), and further certificates by name.
pub(crate) struct Authority {
    dir: TempDir,
}

/// Runs `openssl` and returns its standard output; it must do what it is asked.
pub(crate) fn openssl(dir: &Path, args: &[&str]) -> String {
    let ran = Command::new("openssl").args(args).current_dir(dir).env("HOME", dir).output();
    let ran = ran.expect("openssl is installed: run `scripts/install-deps.sh test`");
    assert!(ran.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

impl Authority {
    /// An authority whose keys are of one kind.
    pub(crate) fn new(name: &str, key: Key, digest: &str) -> Self {
        let this = Self { dir: tempfile::tempdir().expect("a folder") };
        this.key("ca", key);
        let subject = format!("/O=Provenote tests/CN={name}");
        openssl(
            this.path(),
            &["req", "-x509", "-new", "-key", "ca.key", "-days", "3650", "-subj", &subject, "-out", "ca.pem"],
        );
        this.key("tsa", key);
        this.certify("tsa", "tsa", "Stamping server", "ca", STAMPING);
        this.configure(digest, "ess_cert_id_alg = sha256");
        fs::write(this.file("serial"), "0A1B\n").expect("writes");
        this
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).expect("a file")
    }

    /// Makes `NAME.key`.
    pub(crate) fn key(&self, name: &str, key: Key) {
        let kind: &[&str] = match key {
            Key::Rsa => &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            Key::P256 => &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            Key::P384 => &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        };
        let out = format!("{name}.key");
        openssl(self.path(), &[&["genpkey", "-out", &out, "-algorithm"], kind].concat());
    }

    /// Has `issuer` sign `NAME.pem` for the key `KEY.key`. All get the same serial number.
    pub(crate) fn certify(&self, name: &str, key: &str, subject: &str, issuer: &str, extensions: &str) {
        self.asked(name, key, subject, extensions);
        let [csr, pem, ext, ca, ca_key] = [
            format!("{name}.csr"),
            format!("{name}.pem"),
            format!("{name}.ext"),
            format!("{issuer}.pem"),
            format!("{issuer}.key"),
        ];
        openssl(
            self.path(),
            &[
                "x509",
                "-req",
                "-in",
                &csr,
                "-CA",
                &ca,
                "-CAkey",
                &ca_key,
                "-set_serial",
                "4242",
                "-days",
                "3650",
                "-extfile",
                &ext,
                "-out",
                &pem,
            ],
        );
    }

    fn asked(&self, name: &str, key: &str, subject: &str, extensions: &str) {
        let (csr, key) = (format!("{name}.csr"), format!("{key}.key"));
        let subject = format!("/O=Provenote tests/CN={subject}");
        openssl(self.path(), &["req", "-new", "-key", &key, "-subj", &subject, "-out", &csr]);
        fs::write(self.file(&format!("{name}.ext")), extensions).expect("writes");
    }

    /// Has the authority sign `NAME.pem`, valid from one day to another (`YYYYMMDD`).
    pub(crate) fn certify_between(
        &self,
        name: &str,
        key: &str,
        subject: &str,
        extensions: &str,
        from: &str,
        until: &str,
    ) {
        self.asked(name, key, subject, extensions);
        fs::write(self.file("index.txt"), "").expect("writes");
        fs::write(self.file("ca.srl"), "77\n").expect("writes");
        let config = "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=ca.srl\nnew_certs_dir=.\ndefault_md=sha256\n\
                      policy=p\nunique_subject=no\n[p]\nO=supplied\nCN=supplied\n";
        fs::write(self.file("ca.cnf"), config).expect("writes");
        let [csr, pem, ext] = [format!("{name}.csr"), format!("{name}.pem"), format!("{name}.ext")];
        let (from, until) = (format!("{from}000000Z"), format!("{until}000000Z"));
        openssl(
            self.path(),
            &[
                "ca",
                "-batch",
                "-notext",
                "-config",
                "ca.cnf",
                "-cert",
                "ca.pem",
                "-keyfile",
                "ca.key",
                "-in",
                &csr,
                "-out",
                &pem,
                "-extfile",
                &ext,
                "-startdate",
                &from,
                "-enddate",
                &until,
            ],
        );
    }

    /// Writes the server's configuration.
    pub(crate) fn configure(&self, digest: &str, more: &str) {
        let config = format!(
            "[tsa]\ndefault_tsa=t\n[t]\nserial=serial\nsigner_cert=tsa.pem\nsigner_key=tsa.key\nsigner_digest={digest}\n\
             default_policy=1.3.6.1.4.1.99999.3.1\ndigests=sha256\naccuracy=secs:1,millisecs:500,microsecs:100\n\
             clock_precision_digits=3\n{more}\n"
        );
        fs::write(self.file("tsa.cnf"), config).expect("writes");
    }

    /// Answers one query, as the server would.
    pub(crate) fn reply(&self, query: &[u8]) -> Vec<u8> {
        fs::write(self.file("query.tsq"), query).expect("writes");
        openssl(self.path(), &["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr"]);
        self.read("reply.tsr")
    }

    /// A token made by hand: `openssl cms` signs `content` as if it were a time-stamp's.
    pub(crate) fn signed(&self, content: &[u8], signer: &str, key: &str, more: &[&str]) -> Vec<u8> {
        self.signed_as("1.2.840.113549.1.9.16.1.4", content, signer, key, more)
    }

    /// The same, of another content type.
    pub(crate) fn signed_as(&self, kind: &str, content: &[u8], signer: &str, key: &str, more: &[&str]) -> Vec<u8> {
        fs::write(self.file("content.der"), content).expect("writes");
        let (signer, key) = (format!("{signer}.pem"), format!("{key}.key"));
        let fixed =
            "cms -sign -binary -nodetach -nosmimecap -in content.der -outform DER -out signed.der -econtent_type";
        let mut args: Vec<&str> = fixed.split(' ').collect();
        args.extend([kind, "-signer", &signer, "-inkey", &key]);
        args.extend(more);
        openssl(self.path(), &args);
        self.read("signed.der")
    }

    /// What a reply states: its `TSTInfo`.
    pub(crate) fn content(&self, reply: &[u8]) -> Vec<u8> {
        fs::write(self.file("reply.tsr"), reply).expect("writes");
        openssl(self.path(), &["ts", "-reply", "-in", "reply.tsr", "-token_out", "-out", "token.der"]);
        openssl(
            self.path(),
            &[
                "cms",
                "-verify",
                "-noverify",
                "-no_attr_verify",
                "-binary",
                "-inform",
                "DER",
                "-in",
                "token.der",
                "-out",
                "content.der",
            ],
        );
        self.read("content.der")
    }

    /// Serves this authority over HTTP for a number of requests; its address and the thread that serves.
    pub(crate) fn serve(self: &std::sync::Arc<Self>, requests: usize) -> (String, JoinHandle<()>) {
        let this = std::sync::Arc::clone(self);
        serve(requests, move |query| ("200 OK", "application/timestamp-reply", this.reply(query)))
    }
}

/// A server that answers each request's body with a status line, a content type and a body.
pub(crate) fn serve(
    requests: usize,
    answer: impl Fn(&[u8]) -> (&'static str, &'static str, Vec<u8>) + Send + 'static,
) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/tsa", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        for _ in 0..requests {
            let (mut stream, _) = listener.accept().expect("a request");
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            let (mut length, mut line, mut kind) = (0, String::new(), String::new());
            while reader.read_line(&mut line).expect("a line") > 0 && line.trim() != "" {
                if let Some((name, value)) = line.split_once(':') {
                    match name.to_ascii_lowercase().as_str() {
                        "content-length" => length = value.trim().parse().expect("a length"),
                        "content-type" => kind = value.trim().to_owned(),
                        _ => {}
                    }
                }
                line.clear();
            }
            assert_eq!(kind, "application/timestamp-query", "RFC 3161, 3.4");
            let mut query = vec![0; length];
            reader.read_exact(&mut query).expect("a body");
            let (status, kind, body) = answer(&query);
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nLocation: /elsewhere\r\nConnection: close\r\n\r\n",
                body.len()
            );
            // Whoever asked may have seen enough and gone.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    (url, server)
}
