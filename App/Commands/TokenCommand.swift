import ArgumentParser
import AuthModels
import AuthSession
import KSConnect

struct TokenCommand: SessionCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Print an access token that is valid for a while, refreshing when needed.",
        discussion: """
            A token that is bound to a key (--dpop) is printed too, with a warning: without the \
            key, which stays in the store, no API takes it.

            Example: curl -H "Authorization: Bearer $(ksconnect token)" \
            https://connect.my-clay.com/v1.2/me
            """)

    @OptionGroup(title: "Settings") var global: GlobalOptions

    @Option(
        help: ArgumentHelp(
            "How long the token must still be valid; 30 unless told.", valueName: "seconds"))
    var minTtl: Int?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard minTtl.map({ (0...315_360_000).contains($0) }) ?? true else {
            throw ValidationError("--min-ttl is a number of seconds, 0 or more.")
        }
    }

    func run(in workspace: Workspace) async throws {
        let token = try await token(workspace)
        let type = token.record.registration.tokenType
        if type == .dpop {
            StandardError.line(
                "This token is bound to a key that stays here (DPoP); an API takes it from "
                    + "`ksconnect api` alone.")
        }
        guard json else { return try StandardOutput.line(token.access.reveal()) }
        try JSONOutput.print(
            TokenReport(
                accessToken: token.access.reveal(), tokenType: type.rawValue,
                account: token.record.account.rawValue,
                expiresAt: token.record.expiry.date?.rfc3339))
    }

    private func token(_ workspace: Workspace) async throws(AuthError) -> IssuedToken {
        if let minTtl {
            return try await workspace.client.accessToken(
                TokenNeed(remainingMin: .seconds(minTtl), isStrict: true))
        }
        // The ordinary lead is longer than the 30 s but for tokens that live a few minutes. Those
        // that live less than two of these spans would be refreshed each time.
        let usual = Duration.seconds(30)
        let token = try await workspace.client.accessToken()
        let expiry = token.record.expiry
        guard let lifetime = expiry.lifetime, lifetime > usual * 2,
            let remaining = expiry.remaining(at: workspace.platform.clock.now()), remaining < usual
        else { return token }
        return try await workspace.client.accessToken(TokenNeed(remainingMin: usual))
    }
}

private struct TokenReport: Encodable {
    let accessToken: String
    let tokenType: String
    let account: String
    let expiresAt: String?
}
