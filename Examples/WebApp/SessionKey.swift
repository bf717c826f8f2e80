import AuthModels
import Crypto
import Foundation

/// What a browser's cookie holds: when it was made, and 256 bits that nobody can guess. No token.
///
/// The store knows the session by a digest of it, as the account's name: who steals the store gets
/// no cookie out of it, and who changes the time in the cookie names another account.
struct SessionKey: Sendable {
    /// `<seconds since 1970>.<43 characters of base64url>`
    let cookie: String
    let madeAt: Date
    let account: AccountName

    /// A new one; made at each sign-in, so that no cookie from before it is ever worth a session.
    init(at now: Date, from random: any RandomSource) throws(AuthError) {
        let secret = try Base64URL.secret(from: random)
        guard let key = SessionKey(cookie: "\(Int(now.timeIntervalSince1970)).\(secret)") else {
            throw .configInvalid("the clock shows a time before 1970")
        }
        self = key
    }

    /// - Returns: nil unless it is of the form that this application gives.
    init?(cookie: String) {
        let parts = cookie.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...12).contains(parts[0].utf8.count), parts[1].utf8.count == 43,
            parts[1].utf8.allSatisfy({ Base64URL.digits.contains($0) }),
            let seconds = UInt64(parts[0]),
            let account = AccountName(
                "\(Self.prefix)\(seconds) \(Data(SHA256.hash(data: Data(cookie.utf8))).base64URL)")
        else { return nil }
        self.cookie = cookie
        self.madeAt = Date(timeIntervalSince1970: Double(seconds))
        self.account = account
    }

    private static let prefix = "web "

    /// When the session of an account of this application was made; nil for any other account.
    static func madeAt(_ account: AccountName) -> Date? {
        let parts = account.rawValue.split(separator: " ")
        guard parts.count == 3, account.rawValue.hasPrefix(prefix), let seconds = UInt64(parts[1])
        else { return nil }
        return Date(timeIntervalSince1970: Double(seconds))
    }
}

/// base64url without padding (RFC 4648 §5).
enum Base64URL {
    static let digits = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// 256 bits that nobody can guess, as 43 characters.
    static func secret(from random: any RandomSource) throws(AuthError) -> String {
        do { return Data(try random.bytes(32)).base64URL } catch { throw .randomnessUnavailable }
    }
}

extension Data {
    var base64URL: String {
        base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }
}
