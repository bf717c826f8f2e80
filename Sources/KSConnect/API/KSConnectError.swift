public import AuthModels
internal import AuthenticatedHTTP
internal import FoundationEssentials
internal import HTTPTypes
internal import OpenIDConnect

/// Why a call of the KS Connect API gave no result, split by what the caller does about it.
public enum KSConnectError: Error, Hashable, Sendable {
    /// No token, no answer, or a refusal of the token.
    case auth(AuthError)
    /// The lock wants a one-time password: ask the person for it.
    case otpMissing(ServiceFault)
    /// Wrong: ask again.
    case otpInvalid(ServiceFault)
    /// Wrong too often: it has to be reset at the service.
    case otpBlocked(ServiceFault)
    /// Nobody knows whether the door opened: the answer was lost (`fault` is nil), or the service
    /// or a gateway before it failed on the way (HTTP 500, 502, 504). To try again may open it again:
    /// somebody has to look first.
    case outcomeUnknown(why: String, fault: ServiceFault?)
    /// The service answered that it did not do it.
    case service(ServiceFault)
    /// A success whose body is not of the known shape; says what is wrong with it.
    case unreadable(String)

    /// What the service said, where it said no.
    public var fault: ServiceFault? {
        switch self {
        case .otpMissing(let fault), .otpInvalid(let fault), .otpBlocked(let fault),
            .service(let fault):
            fault
        case .outcomeUnknown(_, let fault): fault
        case .auth, .unreadable: nil
        }
    }
}

/// An answer that is no success, in either form of the service: `{"ErrorCode", "Message"}` of v1,
/// or problem details (RFC 9457) of v2.
public struct ServiceFault: Hashable, Sendable {
    public let status: Int
    /// `ErrorCode`, where there is one.
    public let code: Int?
    /// `Message`, or the problem's `detail`, or its `title`; escaped and capped.
    public let message: String?
    /// The problem's `type` (RFC 9457 §3.1.1), escaped and capped.
    public let type: String?
    /// What `Retry-After` asked for, capped.
    public let retryAfter: Duration?

    public init(
        status: Int, code: Int? = nil, message: String? = nil, type: String? = nil,
        retryAfter: Duration? = nil
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.type = type
        self.retryAfter = retryAfter
    }

    /// Reads what it can; a body that is no JSON, or none, leaves the status.
    init(_ answer: HTTPAnswer) {
        let body = try? JSONDecoder().decode(Body.self, from: Data(answer.body))
        self.init(
            status: answer.response.status.code, code: body?.code,
            message: body?.message.map { SafeText.escaped($0) },
            type: body?.type.map { SafeText.escaped($0) },
            retryAfter: RetryAfter.duration(in: answer.response))
    }

    private struct Body: Decodable {
        let code: Int?
        let message: String?
        let type: String?

        enum CodingKeys: String, CodingKey {
            case type, title, detail
            case code = "ErrorCode"
            case message = "Message"
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            code = fields.tolerant(.code)
            type = fields.tolerant(.type)
            message =
                fields.tolerant(.message) ?? fields.tolerant(.detail) ?? fields.tolerant(.title)
        }
    }
}

extension KSConnectError {
    /// What was asked of an object that was decoded by hand, and so knows no API.
    static let unread = KSConnectError.auth(
        .configInvalid("this object was not read from the API, so nothing can be asked of it"))

    /// What it means for an unlock.
    var ofUnlock: KSConnectError {
        switch self {
        case .auth(.outcomeUnknown(let why)): .outcomeUnknown(why: why, fault: nil)
        case .service(let fault): Self.ofUnlock(fault)
        default: self
        }
    }

    private static func ofUnlock(_ fault: ServiceFault) -> KSConnectError {
        switch (fault.status, fault.code) {
        case (404, 2202): .otpMissing(fault)
        case (400, 3102): .otpInvalid(fault)
        case (403, 3102): .otpBlocked(fault)
        case (500, _), (502, _), (504, _):
            .outcomeUnknown(why: "the service answered HTTP \(fault.status)", fault: fault)
        default: .service(fault)
        }
    }
}
