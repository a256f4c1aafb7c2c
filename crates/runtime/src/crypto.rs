//! The one TLS crypto provider of a program.

/// Makes ring the provider of every TLS client in this process. Call it first thing in `main`.
///
/// Clients such as Redis over TLS take the process's default and fail without one. A second call changes nothing.
pub fn install_crypto_provider() {
    rustls::crypto::ring::default_provider().install_default().ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_provider_can_be_installed_twice() {
        install_crypto_provider();
        install_crypto_provider();
        assert!(rustls::crypto::CryptoProvider::get_default().is_some());
    }
}
