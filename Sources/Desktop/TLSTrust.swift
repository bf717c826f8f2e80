internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// Which certificates are believed: the system's roots, and those of one more file.
///
/// The file is what the environment variable `SSL_CERT_FILE` names, as with OpenSSL, but it adds to
/// the system's roots instead of replacing them: a company's own authority is trusted without
/// losing the public ones. A file that cannot be read fails every connection. There is no way to
/// turn verification off.
public struct TLSTrust: Hashable, Sendable {
    /// A PEM file of further roots.
    public var additionalRootsFile: String?

    public static let system = TLSTrust(additionalRootsFile: nil)

    public init(additionalRootsFile: String?) {
        self.additionalRootsFile = additionalRootsFile
    }

    public init(environment: [String: String]) {
        let file = environment["SSL_CERT_FILE"] ?? ""
        self.init(additionalRootsFile: file.isEmpty ? nil : file)
    }

    var configuration: TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        tls.certificateVerification = .fullVerification
        if let additionalRootsFile { tls.additionalTrustRoots = [.file(additionalRootsFile)] }
        return tls
    }

    /// Refuses a certificate that names its host in the subject's common name only: the library
    /// still accepts those, RFC 9110 §4.3.4 and RFC 9525 §6.3 don't. Runs before the first request.
    @Sendable
    static func checkNames(of channel: any Channel) -> EventLoopFuture<Void> {
        let operations = channel.pipeline.syncOperations
        guard (try? operations.handler(type: NIOSSLClientHandler.self)) != nil else {
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        guard let certificate = try? operations.nioSSL_peerCertificate(),
            !certificate._subjectAlternativeNames().isEmpty
        else {
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(UnnamedCertificate())
        }
        return channel.eventLoop.makeSucceededVoidFuture()
    }
}

/// The certificate has no subjectAltName.
struct UnnamedCertificate: Error, CustomStringConvertible {
    var description: String { "the certificate has no subjectAltName" }
}
