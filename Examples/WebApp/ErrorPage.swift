import AuthModels
import HTTPTypes
import Hummingbird
import KSConnect

/// Errors as pages, split as the core splits them: by what the person does about it.
enum ErrorPage {
    /// - Parameter retry: the path that "try again" leads to; one of this application's own.
    static func page(for error: AuthError, retry: String) -> Page {
        switch error {
        case .transient(_, let wait), .busy(_, let wait):
            page(
                .serviceUnavailable, "Please try again in a moment",
                "The service does not answer as it should. You are still signed in.",
                retry: retry, after: wait ?? .seconds(5))
        case .tlsFailure, .cancelled, .store, .randomnessUnavailable:
            page(
                .serviceUnavailable, "This service is out of order for now",
                "Nothing of yours is lost, and you are still signed in. Please try again later.",
                retry: retry, after: .seconds(30))
        case .authorizationDenied(code: "access_denied"):
            page(
                .forbidden, "Access was not granted",
                "Nothing was stored. Sign in again and allow access to go on.", retry: "/")
        case .authorizationDenied, .loginRequired, .callbackTimeout, .codeExchangeLost,
            .authorizationResponseInvalid, .issuerMismatch:
            page(
                .badRequest, "The sign-in was not finished",
                "Its answer was lost, came too late or cannot be accepted. Please sign in again.",
                retry: "/")
        case .insufficientScope, .stepUpRequired:
            page(
                .forbidden, "This sign-in is not enough",
                "The service asks for more than this sign-in gives.", retry: retry)
        case .outcomeUnknown:
            page(
                .badGateway, "Nobody knows whether it was done",
                "The answer was lost. Look before you try again: it may then be done twice.",
                retry: nil)
        case .portUnavailable, .discoveryInvalid, .tokenResponseInvalid, .idTokenInvalid,
            .userInfoInvalid, .protocolFailure, .responseTooLarge, .configInvalid,
            .tokenEndpointRejected, .originNotAllowed, .unauthorizedAfterRefresh,
            .bodyNotRepeatable:
            page(
                .badGateway, "The service gave an answer that cannot be used",
                "Please try again later. Whoever runs this application can see why in its log.",
                retry: retry)
        }
    }

    static func page(for error: KSConnectError, retry: String) -> Page {
        switch error {
        case .auth(let error): page(for: error, retry: retry)
        case .otpMissing(let fault), .otpInvalid(let fault), .otpBlocked(let fault),
            .service(let fault):
            switch fault.status {
            case 403, 404: page(for: .notFound)
            case 429, 500...:
                page(for: .transient("", retryAfter: fault.retryAfter), retry: retry)
            default: page(for: .protocolFailure(""), retry: retry)
            }
        case .outcomeUnknown(let why, _): page(for: .outcomeUnknown(why), retry: retry)
        case .unreadable: page(for: .protocolFailure(""), retry: retry)
        }
    }

    static func page(for status: HTTPResponse.Status) -> Page {
        switch status {
        case .notFound:
            page(status, "There is no such page", "Or it is not open to you.", retry: nil)
        case .forbidden:
            page(
                status, "This form cannot be accepted",
                "It was not sent by a page of this application.", retry: nil)
        case .misdirectedRequest:
            page(status, "There is nothing here under this name", "Check the address.", retry: nil)
        default:
            page(status, "This request cannot be answered", "\(status.code)", retry: nil)
        }
    }

    private static func page(
        _ status: HTTPResponse.Status, _ title: String, _ text: String, retry: String?,
        after wait: Duration? = nil
    ) -> Page {
        let way: HTML =
            retry.map { "<a class=\"button\" href=\"\($0)\">Try again</a>" }
            ?? "<a href=\"/\">Front page</a>"
        var page = Page(
            title: title,
            body: """
                <h1>\(title)</h1>
                <p class="lead">\(text)</p>
                <p>\(way)</p>
                """,
            status: status)
        if let wait { page.headers[.retryAfter] = "\(max(wait.components.seconds, 1))" }
        return page
    }
}
