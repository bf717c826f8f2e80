import AuthModels
import HTTPTypes
import Hummingbird
import KSConnect
import Logging

/// One line for each request: method, route, status, time. Neither queries nor cookies nor the path
/// as it came, which may be anything.
struct AccessLog: RouterMiddleware {
    typealias Context = BasicRequestContext

    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let started = ContinuousClock.now
        let response = try await next(request, context)
        let time = started.duration(to: .now)
        let known: Set<HTTPRequest.Method> = [.get, .head, .post]
        context.logger.info(
            "request",
            metadata: [
                "method": "\(known.contains(request.method) ? request.method.rawValue : "other")",
                "route": "\(context.endpointPath ?? "-")", "status": "\(response.status.code)",
                "ms": "\(Int(time.inSeconds * 1000))",
            ])
        return response
    }
}

/// What every answer says to the browser.
struct ResponseHeaders: RouterMiddleware {
    typealias Context = BasicRequestContext

    let isSecure: Bool

    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        response.headers[.cacheControl] = "no-store"
        response.headers[.xContentTypeOptions] = "nosniff"
        // A form of an own page must say where it comes from, and nothing else must: with
        // no-referrer browsers send `Origin: null`. The redirect's page has a code in its URL.
        response.headers[.referrerPolicy] =
            request.uri.path == "/callback" ? "no-referrer" : "same-origin"
        if isSecure {
            response.headers[.strictTransportSecurity] = "max-age=31536000"
        }
        return response
    }
}

extension HTTPField.Name {
    fileprivate static let referrerPolicy =
        HTTPField.Name("Referrer-Policy") ?? .xContentTypeOptions
}

/// Errors become pages; nothing of the request stands in them but a path of the application's own.
struct ErrorPages: RouterMiddleware {
    typealias Context = BasicRequestContext

    let signInPages: SignInPages

    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as AuthError {
            return answer(to: .auth(error), request, context)
        } catch let error as KSConnectError {
            return answer(to: error, request, context)
        } catch let error as any HTTPResponseError {
            return ErrorPage.page(for: error.status).response
        }
    }

    private func answer(
        to error: KSConnectError, _ request: Request, _ context: Context
    ) -> Response {
        if case .auth(.loginRequired(let reason)) = error {
            guard case .ended = reason else { return seeOther("/") }
            var page = signInPages.signInPage(because: reason)
            page.status = .forbidden
            return page.response
        }
        context.logger.warning("page failed", metadata: ["error": "\(error.summary)"])
        let path = request.uri.path
        return ErrorPage.page(for: error, retry: path.hasPrefix("/sites") ? path : "/").response
    }
}

extension KSConnectError {
    /// For the log: the core's own words, which hold no secret.
    fileprivate var summary: String {
        switch self {
        case .auth(let error): "\(error.kind): \(error.message)"
        case .otpMissing, .otpInvalid, .otpBlocked: "one-time password"
        case .service(let fault): "HTTP \(fault.status) \(fault.message ?? "")"
        case .outcomeUnknown(let why, _): "outcome unknown: \(why)"
        case .unreadable(let what): what
        }
    }
}

/// Requests under another name than the application's own are not for it.
struct OwnNameOnly: RouterMiddleware {
    typealias Context = BasicRequestContext

    let origin: OwnOrigin

    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard origin.isMeant(by: request) else { throw HTTPError(.misdirectedRequest) }
        return try await next(request, context)
    }
}
