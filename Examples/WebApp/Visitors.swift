import AuthModels
import Hummingbird
import KSConnect
import Logging

/// Who a request is from, by its session cookie.
struct Visitors: Sendable {
    let sessions: Sessions
    let cookies: Cookies
    let logger: Logger

    func key(of request: Request) -> SessionKey? {
        cookies.read(.session, in: request).flatMap(SessionKey.init)
    }

    /// - Throws: `loginRequired` where nobody is signed in.
    func client(of request: Request) async throws(AuthError) -> KSConnectClient {
        guard let key = key(of: request) else { throw .loginRequired(.never) }
        return try await sessions.client(of: key)
    }

    /// A sign-in in a browser that has a session ends that one; behind the answer's back, since its
    /// provider may be slow.
    func replaceSession(of request: Request, by client: KSConnectClient) {
        sessions.keep(client)
        guard let earlier = key(of: request) else { return }
        Task {
            do throws(AuthError) { try await sessions.end(earlier) } catch {
                logger.warning(
                    "a replaced session is left to the sweep",
                    metadata: ["error": "\(error.kind)"])
            }
        }
    }
}
