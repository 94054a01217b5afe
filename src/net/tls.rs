//! Configurations of QUIC and TLS: version 1.3 alone, both sides prove themselves, by the libraries' own verifiers.

use std::sync::Arc;

use quinn::ClientConfig;
use quinn::Connection;
use quinn::ServerConfig;
use quinn::TransportConfig;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::crypto::rustls::QuicServerConfig;
use rustls::RootCertStore;
use rustls::client::Resumption;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::server::NoServerSessionStorage;
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;

use crate::net::certificate::Proven;
use crate::net::certificate::proven_by;
use crate::net::error::NetworkError;
use crate::net::identity::Credentials;
use crate::net::limits::ALPN;
use crate::net::limits::FIRST_ROUND_TRIP;
use crate::net::limits::HANDSHAKES_MAX;
use crate::net::limits::IDLE;
use crate::net::limits::KEEP_ALIVE;

/// What a node dials and listens with.
pub(super) fn configure(credentials: &Credentials) -> Result<(ClientConfig, ServerConfig), NetworkError> {
    // Passed explicitly: with a second provider in the process, a default one would be ambiguous.
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(credentials.authority.clone()).map_err(|error| failed(&error))?;
    let roots = Arc::new(roots);

    let lists: Vec<CertificateRevocationListDer<'static>> =
        credentials.revocations.iter().map(|list| list.der().to_vec().into()).collect();

    let verifier = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone())
        .with_crls(lists.clone())
        .only_check_end_entity_revocation()
        .build()
        .map_err(|error| failed(&error))?;
    let mut client = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| failed(&error))?
        .with_webpki_verifier(verifier)
        .with_client_auth_cert(credentials.chain.clone(), credentials.key.clone_key())
        .map_err(|error| failed(&error))?;
    client.alpn_protocols = vec![ALPN.to_vec()];
    client.enable_early_data = false;
    // A connection that resumes an earlier one shows no certificate, so none would be looked at.
    client.resumption = Resumption::disabled();

    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
        .with_crls(lists)
        .only_check_end_entity_revocation()
        .build()
        .map_err(|error| failed(&error))?;
    let mut server = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| failed(&error))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(credentials.chain.clone(), credentials.key.clone_key())
        .map_err(|error| failed(&error))?;
    server.alpn_protocols = vec![ALPN.to_vec()];
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;

    let transport = transport();
    let crypto = QuicClientConfig::try_from(client).map_err(|error| failed(&error))?;
    let mut client = ClientConfig::new(Arc::new(crypto));
    client.transport_config(transport.clone());
    let crypto = QuicServerConfig::try_from(server).map_err(|error| failed(&error))?;
    let mut server = ServerConfig::with_crypto(Arc::new(crypto));
    server.transport_config(transport).max_incoming(4 * HANDSHAKES_MAX);
    Ok((client, server))
}

fn transport() -> Arc<TransportConfig> {
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(Some(IDLE.try_into().expect("a few seconds fit")))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .initial_rtt(FIRST_ROUND_TRIP)
        .max_concurrent_bidi_streams(16u32.into())
        .max_concurrent_uni_streams(16u32.into())
        .stream_receive_window((4u32 << 20).into())
        .receive_window((8u32 << 20).into())
        .send_window(8 << 20)
        .datagram_receive_buffer_size(None);
    Arc::new(transport)
}

/// Who is at the other end, as its certificate proves.
pub(super) fn peer_identity(connection: &Connection) -> Option<Proven> {
    let chain = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    proven_by(chain.first()?)
}

fn failed(error: &dyn std::error::Error) -> NetworkError {
    NetworkError::Certificate { reason: error.to_string() }
}
