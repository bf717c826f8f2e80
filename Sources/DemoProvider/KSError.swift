/// An error of the API in the shape of its versions 1: `{"ErrorCode": int, "Message": string}`.
struct KSError: Error {
    let status: Int
    let code: Int
    let message: String

    static let notFound = KSError(status: 404, code: 404, message: "not_found")
    static let badRequest = KSError(status: 400, code: 400, message: "bad_request")
    static let lockOffline = KSError(status: 409, code: 2301, message: "lock_offline")
    static let otpMissing = KSError(status: 404, code: 2202, message: "otp_not_found")
    static let otpInvalid = KSError(status: 400, code: 3102, message: "otp_invalid")
    static let otpBlocked = KSError(status: 403, code: 3102, message: "otp_blocked")

    var body: JSON { ["ErrorCode": .int(code), "Message": .string(message)] }

    var answer: WebAnswer { .json(body, status: status) }
}
