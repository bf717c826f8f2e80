internal import AuthModels
internal import FoundationEssentials
internal import HTTPTypes

/// What an answer's status says before its body is looked at.
enum AnswerStatus {
    /// An outage or a request to wait, for reads that may simply be repeated.
    static func error(of answer: HTTPAnswer, from source: String, now: Date?) -> AuthError? {
        let status = answer.response.status.code
        let retryAfter = RetryAfter.duration(in: answer.response, now: now)
        let text = "\(source) answered HTTP \(status)"
        return switch status {
        case 429: .busy(text, retryAfter: retryAfter)
        case 404, 408, 500...599: .transient(text, retryAfter: retryAfter)
        default: nil
        }
    }
}

/// The error of a token, revocation or authorization answer (RFC 6749 §5.2).
enum OAuthErrorBody {
    /// The `error` member of a JSON body, as received; nil where there is none.
    static func code(in answer: HTTPAnswer) -> String? {
        guard let document = try? JSONDocument.parse(answer.body),
            let code = document["error"]?.string, !code.isEmpty
        else { return nil }
        return code
    }
}
