import ArgumentParser
import AuthModels
import AuthSession
import FoundationEssentials
import KSConnect

struct StatusCommand: SessionCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say whether somebody is signed in; asks neither network nor keyring.",
        discussion: """
            The exit code is 0 when signed in, 77 when not.

            Example: ksconnect status --json
            """)

    @OptionGroup(title: "Settings") var global: GlobalOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run(in workspace: Workspace) async throws {
        let state = try await workspace.client.restore()
        let report = StatusReport(state, account: workspace.account)
        if json {
            try JSONOutput.print(report)
        } else {
            let style = Style(isTerminal: StandardOutput.isTerminal, workspace.environment)
            try StandardOutput.write(report.text(style))
        }
        switch state {
        case .signedIn, .refreshing: return
        case .expired(_, let reason): throw AuthError.loginRequired(.ended(reason))
        case .signedOut, .signingIn, .signingOut: throw AuthError.loginRequired(.never)
        }
    }
}

/// The members are part of the contract.
struct StatusReport: Encodable {
    var state: String
    var account: String
    var issuer: String?
    var subject: String?
    var scope: [String]
    var expiresAt: String?
    var hasRefreshToken: Bool
    /// For people only.
    private var isBound: Bool

    init(_ state: AuthState, account: AccountName) {
        let record = state.record
        self.state = state.name.rawValue
        self.account = account.rawValue
        issuer = record?.registration.issuer.rawValue
        subject = record?.identity?.subject.rawValue
        scope = record?.grantedScope.values ?? []
        expiresAt = record?.expiry.date?.rfc3339
        hasRefreshToken = record?.hasRefreshToken ?? false
        isBound = record?.registration.usesDPoP ?? false
    }

    enum CodingKeys: String, CodingKey {
        case state, account, issuer, subject, scope, expiresAt, hasRefreshToken
    }

    /// Null is written out: every member is always there.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(state, forKey: .state)
        try container.encode(account, forKey: .account)
        try container.encode(issuer, forKey: .issuer)
        try container.encode(subject, forKey: .subject)
        try container.encode(scope, forKey: .scope)
        try container.encode(expiresAt, forKey: .expiresAt)
        try container.encode(hasRefreshToken, forKey: .hasRefreshToken)
    }

    func text(_ style: Style) -> String {
        var fields = Fields()
        fields.add("account", account)
        fields.add("provider", issuer)
        fields.add("person", subject)
        fields.add("scope", scope.isEmpty ? nil : scope.joined(separator: " "))
        fields.add("token until", expiresAt)
        if issuer != nil { fields.add("refresh token", hasRefreshToken ? "yes" : "no") }
        if isBound { fields.add("tokens", "bound to a key (DPoP)") }
        return heading(style) + "\n" + fields.text
    }

    private func heading(_ style: Style) -> String {
        switch state {
        case AuthState.Name.signedIn.rawValue: style.good("Signed in")
        case AuthState.Name.refreshing.rawValue: style.good("Signed in, refreshing")
        case AuthState.Name.expired.rawValue: style.bad("Signing in again is needed")
        default: style.bad("Signed out")
        }
    }
}

extension AuthState {
    /// The session that the state speaks of; nil when there is none.
    var record: SessionRecord? {
        switch self {
        case .signedOut: nil
        case .signedIn(let session): session.record
        case .refreshing(let refreshing): refreshing.session.record
        case .expired(let record, _): record
        case .signingIn(let signIn): signIn.before.state.record
        case .signingOut(let signOut): signOut.before.state.record
        }
    }
}
