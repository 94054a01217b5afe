//! What a certificate holds, for people.

use std::path::Path;

use ring::digest::SHA256;
use ring::digest::digest;
use rustls::pki_types::CertificateDer;

use crate::net::certificate::Proven;
use crate::net::certificate::name_of;
use crate::net::certificate::proven_by;
use crate::net::error::NetworkError;
use crate::net::identity::Credentials;
use crate::net::identity::certificate;
use crate::net::keyfile;
use crate::net::keyfile::damaged;
use crate::net::records::Issued;

/// A certificate, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The node's name.
    pub name: String,
    /// What it proves.
    pub proven: Proven,
    /// Whether it counts now.
    pub state: State,
    /// The digest by which certificates are compared, SHA-256 of all of it.
    pub fingerprint: String,
    /// The cluster that it belongs to, where its authority's certificate is at hand.
    pub cluster: Option<String>,
}

/// Whether a certificate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    Valid,
    /// No more.
    Expired,
    /// Later.
    NotYet,
    /// Never again.
    Revoked,
}

impl State {
    /// In one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Valid => "valid",
            State::Expired => "expired",
            State::NotYet => "not yet valid",
            State::Revoked => "revoked",
        }
    }

    fn at(proven: &Proven, revoked: bool, now_s: i64) -> State {
        if revoked {
            State::Revoked
        } else if now_s > proven.until_s {
            State::Expired
        } else if now_s < proven.from_s {
            State::NotYet
        } else {
            State::Valid
        }
    }
}

impl Shown {
    /// A certificate that an authority has issued.
    #[must_use]
    pub fn of(issued: &Issued, now_s: i64) -> Shown {
        let state = State::at(&issued.proven, issued.revoked, now_s);
        let fingerprint = fingerprint(issued.certificate());
        Shown { name: issued.name.clone(), proven: issued.proven, state, fingerprint, cluster: None }
    }

    /// The certificate in a node's folder.
    #[must_use]
    pub fn of_node(credentials: &Credentials, now_s: i64) -> Shown {
        let revoked = credentials.revocations.as_ref().is_some_and(|list| list.revokes(credentials.proven.serial));
        Shown {
            name: credentials.name.clone(),
            proven: credentials.proven,
            state: State::at(&credentials.proven, revoked, now_s),
            fingerprint: credentials.chain.first().map(fingerprint).unwrap_or_default(),
            cluster: Some(credentials.cluster()),
        }
    }

    /// The certificate in a file; whether it was revoked is not known from it.
    ///
    /// # Errors
    /// When it cannot be read, or is no node's certificate.
    pub fn of_file(path: &Path, now_s: i64) -> Result<Shown, NetworkError> {
        let missing = NetworkError::Unusable { path: path.into(), reason: "there is no such file".into() };
        let text = keyfile::read(path)?.ok_or(missing)?;
        if let Some(label) = label(&text).filter(|label| *label != "CERTIFICATE") {
            let what = label.to_lowercase();
            return Err(NetworkError::NoCertificate { path: path.into(), what });
        }
        let certificate = certificate((path.into(), text))?;
        let none = || damaged(path, "it is no node's certificate");
        let proven = proven_by(&certificate).ok_or_else(none)?;
        Ok(Shown {
            name: name_of(&certificate).ok_or_else(none)?,
            proven,
            state: State::at(&proven, false, now_s),
            fingerprint: fingerprint(&certificate),
            cluster: None,
        })
    }
}

/// What the first part of a file in PEM says that it is.
fn label(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    rest.split_once("-----").map(|(label, _)| label)
}

fn fingerprint(certificate: &CertificateDer<'static>) -> String {
    let digest = digest(&SHA256, certificate);
    let bytes: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.concat()
}
