//! Certificates: how those of a cluster look, and what one proves of the node that shows it.
//!
//! The cluster's identity stands in the authority's name, so that another cluster's certificate reads as an unknown issuer
//! and not as a bad signature. A node's role stands in a name of its certificate, and in what its key may be used for: a
//! client's is good for dialing alone, so that the TLS library itself refuses one that lets itself be dialed.

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::PKCS_ED25519;
use rcgen::PublicKeyData;
use rcgen::SanType;
use rcgen::SerialNumber;
use rcgen::SignatureAlgorithm;
use ring::signature::ED25519;
use ring::signature::UnparsedPublicKey;
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use crate::net::error::NetworkError;
use crate::replica::Role;

/// A certificate says with a name of this form what its node may do.
const ROLE_PREFIX: &str = "lasp:node?role=";

/// What a certificate proves of the node that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The node's identity: a digest of its public key, so that nobody can claim another's.
    pub id: u128,
    /// What it may do.
    pub role: Role,
    /// The certificate's number, by which it is revoked.
    pub serial: u128,
    /// The second of the calendar from which it is valid.
    pub from_s: i64,
    /// The second of the calendar until which it is valid.
    pub until_s: i64,
}

/// What a new certificate is to say.
pub(super) struct Wish<'a> {
    pub(super) name: &'a str,
    pub(super) role: Role,
    pub(super) serial: u128,
    /// From and until when; always when not given.
    pub(super) valid: Option<(OffsetDateTime, OffsetDateTime)>,
}

/// The identity of the node that has this public key (a `SubjectPublicKeyInfo`, DER).
#[must_use]
pub fn node_id(public_key: &[u8]) -> u128 {
    let digest = blake3::derive_key("lasp 2026 node identity from public key", public_key);
    let (id, _) = digest.split_first_chunk().expect("32 bytes have 16");
    u128::from_be_bytes(*id)
}

/// What a certificate proves; `None` if it names no role, which every certificate of a cluster does.
#[must_use]
pub fn proven_by(certificate: &CertificateDer<'_>) -> Option<Proven> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let names = &parsed.subject_alternative_name().ok()??.value.general_names;
    let role = names.iter().find_map(|name| match name {
        GeneralName::URI(uri) => Role::of(uri.strip_prefix(ROLE_PREFIX)?),
        _ => None,
    })?;
    Some(Proven {
        id: node_id(parsed.public_key().raw),
        role,
        serial: serial_of(parsed.raw_serial())?,
        from_s: parsed.validity().not_before.timestamp(),
        until_s: parsed.validity().not_after.timestamp(),
    })
}

/// The name for people in a certificate.
#[must_use]
pub fn name_of(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    parsed.subject().iter_common_name().next()?.as_str().ok().map(str::to_owned)
}

/// A number of at most 16 bytes, as all numbers here are; leading zeros do not count.
pub(super) fn serial_of(bytes: &[u8]) -> Option<u128> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let rest = bytes.get(start..)?;
    (rest.len() <= 16).then(|| rest.iter().fold(0, |number, byte| number << 8 | u128::from(*byte)))
}

pub(super) fn public_key(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(parsed.public_key().subject_public_key.data.to_vec())
}

/// Whether an authority has signed a certificate.
pub(super) fn signed_by(certificate: &CertificateDer<'_>, authority: &CertificateDer<'_>) -> bool {
    let parsed = |certificate| x509_parser::parse_x509_certificate(certificate).ok().map(|(_, parsed)| parsed);
    let (Some(certificate), Some(authority)) = (parsed(certificate), parsed(authority)) else { return false };
    let bytes = certificate.tbs_certificate.as_ref();
    certificate.issuer().as_raw() == authority.subject().as_raw()
        && proves(&authority, bytes, &certificate.signature_value.data)
}

/// Whether a signature is the authority's over these bytes.
pub(super) fn proves(authority: &X509Certificate<'_>, bytes: &[u8], signature: &[u8]) -> bool {
    let key = &authority.public_key().subject_public_key.data;
    UnparsedPublicKey::new(&ED25519, key).verify(bytes, signature).is_ok()
}

/// The public key of a certificate, to make another for it.
pub(super) struct OldKey(pub(super) Vec<u8>);

impl PublicKeyData for OldKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

/// Makes a node's certificate.
pub(super) fn sign(
    authority_key: &KeyPair,
    key: &impl PublicKeyData,
    wish: &Wish<'_>,
) -> Result<CertificateDer<'static>, NetworkError> {
    let mut params = CertificateParams::new(vec![server_name(authority_key)]).map_err(certificate_error)?;
    params.distinguished_name.push(DnType::CommonName, wish.name);
    params.serial_number = Some(SerialNumber::from_slice(&wish.serial.to_be_bytes()));
    if let Some((from, until)) = wish.valid {
        (params.not_before, params.not_after) = (from, until);
    }
    let role = format!("{ROLE_PREFIX}{}", wish.role).try_into().map_err(certificate_error)?;
    params.subject_alt_names.push(SanType::URI(role));
    params.extended_key_usages = match wish.role {
        Role::Server => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
        Role::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
    };
    let authority = authority(authority_key)?;
    let issuer = Issuer::from_params(&authority, authority_key);
    Ok(params.signed_by(key, &issuer).map_err(certificate_error)?.der().clone())
}

/// What an authority's own certificate says.
pub(super) fn authority(key: &KeyPair) -> Result<CertificateParams, NetworkError> {
    let mut params = CertificateParams::new(Vec::new()).map_err(certificate_error)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, format!("lasp cluster {}", cluster_id(key.public_key_raw())));
    Ok(params)
}

/// A cluster's identity: a digest of its authority's public key.
pub(super) fn cluster_id(public_key: &[u8]) -> String {
    let digest = blake3::derive_key("lasp 2026 cluster identity from public key", public_key);
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn server_name(authority_key: &KeyPair) -> String {
    server_name_of(&cluster_id(authority_key.public_key_raw()))
}

/// The name that every certificate of a cluster bears, and that each side expects of the other.
pub(super) fn server_name_of(cluster: &str) -> String {
    format!("c-{cluster}.lasp.internal")
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn certificate_error(error: rcgen::Error) -> NetworkError {
    NetworkError::Certificate { reason: error.to_string() }
}

/// A random number for a certificate: positive, and too large to come up twice.
pub(super) fn random_serial() -> Result<u128, NetworkError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| NetworkError::Certificate { reason: error.to_string() })?;
    Ok(u128::from_be_bytes(bytes) >> 1 | 1)
}

/// A second of the calendar, for people.
#[must_use]
pub fn date(second: i64) -> String {
    OffsetDateTime::from_unix_timestamp(second).map_or_else(
        |_| "an impossible time".to_owned(),
        |at| {
            let (date, time) = (at.date(), at.time());
            let (hour, minute) = (time.hour(), time.minute());
            format!("{}-{:02}-{:02} {hour:02}:{minute:02} UTC", date.year(), u8::from(date.month()), date.day())
        },
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The key of an authority, and its certificate.
    pub(in crate::net) fn authority_key() -> (KeyPair, CertificateDer<'static>) {
        let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
        let certificate = authority(&key).expect("an authority").self_signed(&key).expect("signed");
        let der = certificate.der().clone();
        (key, der)
    }

    #[test]
    fn a_serial_number_survives_its_encoding_and_longer_ones_are_none() {
        let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
        for serial in [1, 0x80, u128::MAX >> 1] {
            let wish = Wish { name: "a", role: Role::Client, serial, valid: None };
            let certificate = sign(&key, &key, &wish).expect("signed");
            let proven = proven_by(&certificate).expect("it reads back");
            assert_eq!((proven.serial, proven.role), (serial, Role::Client));
            assert_eq!(name_of(&certificate).as_deref(), Some("a"));
        }
        assert_eq!(serial_of(&[1; 17]), None);
        assert_eq!(serial_of(&[0, 0, 1, 2]), Some(258));
    }

    #[test]
    fn dates_are_told_as_people_write_them() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(1_798_761_599), "2026-12-31 23:59 UTC");
        assert_eq!(date(i64::MAX), "an impossible time");
    }
}
