internal import AsyncHTTPClient
internal import AuthModels
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPCompression
internal import NIOPosix
internal import NIOSSL

/// Sorts the library's errors by what they say about the request.
///
/// A refresh token must not be thought unused when it may have been seen: "not sent" is said only
/// for errors that name the way to a connection, and only while nothing was written. Whatever is
/// unknown counts as ``TransportError/answerLost(_:)``.
struct TransportFault {
    let error: any Error
    let mayHaveArrived: Bool

    init(_ error: any Error, mayHaveArrived: Bool) {
        self.error = error
        self.mayHaveArrived = mayHaveArrived
    }

    var asTransportError: TransportError {
        switch error {
        case let error as TransportError: error
        case is CancellationError: .cancelled
        case let error as HTTPClientError: sort(error)
        case let error as HTTPParserError: sort(error)
        case NIOHTTPDecompression.DecompressionError.limit: .responseTooLarge
        case is NIOHTTPDecompression.DecompressionError,
            is NIOHTTPDecompression.ExtraDecompressionError:
            .malformed("the body cannot be inflated")
        default: mayHaveArrived ? .answerLost(brief) : sortBeforeSending()
        }
    }

    private func sort(_ error: HTTPClientError) -> TransportError {
        switch error {
        case .cancelled, .requestStreamCancelled: return .cancelled
        case .deadlineExceeded, .connectTimeout, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout,
            .socksHandshakeTimeout, .getConnectionFromPoolTimeout, .readTimeout, .writeTimeout:
            return .timedOut(mayHaveArrived: mayHaveArrived)
        case .proxyAuthenticationRequired where !mayHaveArrived:
            return .notSent("the proxy asks for credentials (407)")
        case .invalidProxyResponse where !mayHaveArrived:
            return .notSent("the proxy refused to connect")
        case .alreadyShutdown where !mayHaveArrived:
            return .notSent("the transport has been shut down")
        case .invalidURL, .emptyHost, .emptyScheme:
            return .notSent("the request's URL cannot be used")
        case .remoteConnectionClosed:
            return .answerLost("the connection was closed before the answer was whole")
        default:
            return .answerLost(brief)
        }
    }

    private func sort(_ error: HTTPParserError) -> TransportError {
        switch error {
        case .invalidEOFState, .closedConnection:
            .answerLost("the connection was closed before the answer was whole")
        default:
            .malformed("the answer is not HTTP: \(brief)")
        }
    }

    private func sortBeforeSending() -> TransportError {
        switch error {
        case let error as NIOConnectionError:
            if let fault = error.connectionErrors.first(where: { Self.isTLS($0.error) }) {
                return .tls("TLS cannot be used (\(Self.brief(fault.error)))")
            }
            return .notSent(Self.text(of: error))
        case let error where Self.isTLS(error):
            return .tls("the peer's certificate or TLS version was refused (\(brief))")
        case ChannelError.connectTimeout:
            return .timedOut(mayHaveArrived: false)
        case let error as IOError where Self.neverConnected.contains(error.errnoCode):
            return .notSent(brief)
        default:
            return .answerLost(brief)
        }
    }

    private static func isTLS(_ error: any Error) -> Bool {
        switch error {
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError, is UnnamedCertificate: true
        default: false
        }
    }

    /// Errors of socket(2) and connect(2); a write never gives them.
    private static let neverConnected: Set<CInt> = [
        ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT, EACCES, EPERM,
        EMFILE, ENFILE,
    ]

    private static func text(of error: NIOConnectionError) -> String {
        let place = "\(error.host):\(error.port)"
        if error.connectionErrors.isEmpty { return "the name of \(place) was not found" }
        let reasons = error.connectionErrors.map { TransportFault.brief($0.error) }
        return "no connection to \(place): \(reasons.joined(separator: "; "))"
    }

    private var brief: String { Self.brief(error) }

    /// One line of visible characters; the library's texts hold addresses and error names, never
    /// parts of a message.
    private static func brief(_ error: any Error) -> String {
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
        let scalars = "\(error)".unicodeScalars.prefix(200).map { scalar in
            (0x20...0x7E).contains(scalar.value) ? Character(scalar) : " "
        }
        return String(scalars)
    }
}
