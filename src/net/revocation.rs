//! Which certificates count no more: a list with a number that the cluster's authority has signed. Nodes pass the newest on.

use std::collections::BTreeSet;

use rcgen::CertificateRevocationListParams;
use rcgen::Issuer;
use rcgen::KeyIdMethod;
use rcgen::KeyPair;
use rcgen::RevocationReason;
use rcgen::RevokedCertParams;
use rcgen::SerialNumber;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use time::Duration;
use time::OffsetDateTime;

use crate::net::certificate::authority;
use crate::net::certificate::certificate_error;
use crate::net::certificate::proves;
use crate::net::certificate::serial_of;
use crate::net::error::NetworkError;
use crate::net::keyfile::pem;
use crate::net::limits::REVOCATIONS_BYTES_MAX;

/// A list of revoked certificates. There is none whose signature has not been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocations {
    der: Vec<u8>,
    number: u64,
    serials: BTreeSet<u128>,
}

/// Why bytes are not such a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoList {
    /// Too many bytes.
    #[error("it is longer than {REVOCATIONS_BYTES_MAX} bytes")]
    TooLong,
    /// Not a list, or not one of this kind.
    #[error("it is no such list, or is cut off or changed")]
    Damaged,
    /// Not this cluster's authority has signed it.
    #[error("it is not signed by the cluster's authority")]
    Forged,
}

impl Revocations {
    /// Reads a list, and verifies that `authority` has signed it.
    ///
    /// # Errors
    /// See [`NoList`].
    pub fn read(der: &[u8], authority: &CertificateDer<'_>) -> Result<Revocations, NoList> {
        if der.len() > REVOCATIONS_BYTES_MAX {
            return Err(NoList::TooLong);
        }
        let (rest, list) = x509_parser::parse_x509_crl(der).map_err(|_| NoList::Damaged)?;
        let (_, authority) = x509_parser::parse_x509_certificate(authority).map_err(|_| NoList::Damaged)?;
        if !rest.is_empty() {
            return Err(NoList::Damaged);
        }
        let signed = list.issuer().as_raw() == authority.subject().as_raw()
            && proves(&authority, list.tbs_cert_list.as_ref(), &list.signature_value.data);
        if !signed {
            return Err(NoList::Forged);
        }
        let number = list.crl_number().and_then(|number| serial_of(&number.to_bytes_be()));
        let number = number.and_then(|number| u64::try_from(number).ok()).ok_or(NoList::Damaged)?;
        let serials = list.iter_revoked_certificates().map(|revoked| serial_of(revoked.raw_serial()));
        let serials = serials.collect::<Option<BTreeSet<u128>>>().ok_or(NoList::Damaged)?;
        Ok(Revocations { der: der.to_vec(), number, serials })
    }

    /// Reads a list in the form of its file.
    ///
    /// # Errors
    /// See [`NoList`].
    pub fn read_pem(pem: &str, authority: &CertificateDer<'_>) -> Result<Revocations, NoList> {
        let der = CertificateRevocationListDer::from_pem_slice(pem.as_bytes()).map_err(|_| NoList::Damaged)?;
        Revocations::read(&der, authority)
    }

    /// Makes the list with this number, and its file.
    pub(super) fn sign(
        key: &KeyPair,
        number: u64,
        serials: &BTreeSet<u128>,
        now: OffsetDateTime,
    ) -> Result<Vec<u8>, NetworkError> {
        let revoked = |serial: &u128| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&serial.to_be_bytes()),
            revocation_time: now,
            reason_code: Some(RevocationReason::PrivilegeWithdrawn),
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: now,
            // A list counts until there is a newer one, however long that takes.
            next_update: now + Duration::days(100 * 365),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let authority = authority(key)?;
        let list = params.signed_by(&Issuer::from_params(&authority, key)).map_err(certificate_error)?;
        let most = REVOCATIONS_BYTES_MAX;
        if list.der().len() > most { Err(NetworkError::TooManyRevoked) } else { Ok(list.der().to_vec()) }
    }

    /// Lists of greater numbers are newer.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether a certificate with this number counts no more.
    #[must_use]
    pub fn revokes(&self, serial: u128) -> bool {
        self.serials.contains(&serial)
    }

    /// The numbers of all revoked certificates.
    #[must_use]
    pub fn serials(&self) -> &BTreeSet<u128> {
        &self.serials
    }

    /// The list as it travels.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The list as its file has it.
    #[must_use]
    pub fn pem(&self) -> String {
        pem("X509 CRL", &self.der)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::certificate::tests::authority_key;

    #[test]
    fn a_list_survives_the_trip_and_the_file_and_only_its_authority_counts() {
        let ((key, authority), (_, other)) = (authority_key(), authority_key());
        let serials = BTreeSet::from([1, 0x80, u128::MAX >> 1]);
        let der = Revocations::sign(&key, 1_700_000_000_123, &serials, OffsetDateTime::UNIX_EPOCH).expect("signed");
        let list = Revocations::read(&der, &authority).expect("a list");
        assert_eq!((list.number(), list.serials()), (1_700_000_000_123, &serials));
        assert!(list.revokes(0x80) && !list.revokes(2));
        assert_eq!(Revocations::read_pem(&list.pem(), &authority), Ok(list));
        assert_eq!(Revocations::read(&der, &other), Err(NoList::Forged));
    }

    #[test]
    fn every_cut_and_every_flip_is_refused_and_never_a_panic() {
        let (key, authority) = authority_key();
        let der = Revocations::sign(&key, 7, &BTreeSet::from([5]), OffsetDateTime::UNIX_EPOCH).expect("signed");
        for cut in 0..der.len() {
            assert!(Revocations::read(&der[..cut], &authority).is_err());
        }
        for at in 0..der.len() {
            for flip in [1, 0x10, 0x80, 0xff] {
                let mut changed = der.clone();
                changed[at] ^= flip;
                let read = Revocations::read(&changed, &authority);
                // The algorithm's name stands there a second time, unsigned; it is not looked at.
                assert!(read.is_err() || read.is_ok_and(|list| list.number() == 7 && list.revokes(5)), "{at}");
            }
        }
        assert_eq!(Revocations::read(&vec![0x30; REVOCATIONS_BYTES_MAX + 1], &authority), Err(NoList::TooLong));
    }
}
