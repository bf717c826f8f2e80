import AuthModels
import KSConnect

/// What a sign-in is done with.
struct LoginSettings {
    let registration: ClientRegistration
    let secret: ClientSecret?

    /// - Parameters:
    ///   - earlier: what the account was signed in with last; fills what nobody said, as long as it
    ///     is of the provider that is meant.
    ///   - kept: the secret of that sign-in, asked for only where it is needed.
    init(
        _ settings: Settings, earlier: ClientRegistration?,
        kept: () async throws -> ClientSecret?
    ) async throws {
        let chosen = Self.chosen(settings, earlier)
        guard let clientID = chosen.clientID else {
            throw CommandFailure.configuration(
                "no client is named", remedy: "give --client-id or KSCONNECT_CLIENT_ID")
        }
        let isEarlierClient =
            earlier.map { earlier in
                chosen.issuer?.isExactly(earlier.issuer.rawValue) == true
                    && clientID.isExactly(earlier.clientID.rawValue)
            } ?? false
        var secret = try await Self.secret(settings, chosen)
        if secret == nil, isEarlierClient, earlier?.authentication != ClientAuthentication.none {
            secret = try await kept()
            guard secret != nil else {
                throw CommandFailure.configuration(
                    "the account's client proves itself by a secret, and there is none",
                    remedy: "give --client-secret-file or KSCONNECT_CLIENT_SECRET")
            }
        }
        var registration = try ClientRegistration(
            clientID: clientID,
            profile: Profile(
                name: "chosen", issuer: chosen.issuer ?? Profile.production.issuer,
                apiBase: chosen.apiURL ?? Profile.production.apiBase),
            scope: chosen.scope ?? Profile.scope,
            redirectURI: chosen.redirectURI ?? Profile.redirectURI,
            authentication: try Self.authentication(chosen, hasSecret: secret != nil))
        registration.prompt = try Self.prompt(chosen)
        registration.usesDPoP = try chosen.usesDPoP() ?? false
        self.registration = registration
        self.secret = secret
    }

    /// Everything that is said, by whatever wins; nil where nobody says anything.
    static func chosen(
        _ settings: Settings, _ earlier: ClientRegistration?
    ) -> ProfileSettings {
        var chosen = settings.spoken
        if let profile = settings.spokenProfile { chosen = chosen.filled(from: profile) }
        let isOwn = settings.spokenProfile == nil
        if isOwn { chosen = chosen.filled(from: settings.configured) }
        guard let earlier else { return chosen }
        let issuer = earlier.issuer.rawValue
        guard chosen.issuer.map({ $0.isExactly(issuer) }) ?? isOwn else { return chosen }
        let isClient = chosen.clientID.map { $0.isExactly(earlier.clientID.rawValue) } ?? true
        return chosen.filled(
            from: ProfileSettings(
                issuer: issuer, clientID: earlier.clientID.rawValue,
                clientAuth: isClient && earlier.authentication != .none
                    ? earlier.authentication.rawValue : nil,
                dpop: earlier.usesDPoP ? "true" : nil, prompt: earlier.prompt,
                scope: earlier.scope.description,
                redirectURI: earlier.redirectURI.rawValue, apiURL: earlier.apiBase.rawValue))
    }

    private static func secret(
        _ settings: Settings, _ chosen: ProfileSettings
    ) async throws -> ClientSecret? {
        if let path = chosen.clientSecretFile {
            return try judged(try await bytes(of: path), source: path)
        }
        guard let secret = settings.secretFromEnvironment else { return nil }
        return try judged(secret.withBytes { Array($0) }, source: "KSCONNECT_CLIENT_SECRET")
    }

    private static func bytes(of path: String) async throws -> [UInt8] {
        if path == "-", TerminalQuestions.arePossible {
            return Array((await TerminalQuestions.secretLine("Client secret: ") ?? "").utf8)
        }
        do {
            return try FileInput.read(path, bytesMax: 4096)
        } catch {
            throw CommandFailure.configuration(
                "the client secret cannot be read: \(path): \(error.reason)",
                remedy: "correct --client-secret-file")
        }
    }

    private static func judged(_ bytes: [UInt8], source: String) throws -> ClientSecret {
        // Editors end a file with a line break that is no part of the secret.
        var bytes = bytes[...]
        if bytes.last == 0x0A { bytes = bytes.dropLast() }
        if bytes.last == 0x0D { bytes = bytes.dropLast() }
        guard let text = String(validating: bytes, as: UTF8.self), let secret = ClientSecret(text)
        else {
            throw CommandFailure.configuration(
                "the client secret from \(source) is empty, too long or not UTF-8")
        }
        return secret
    }

    private static func authentication(
        _ chosen: ProfileSettings, hasSecret: Bool
    ) throws -> ClientAuthentication {
        let named = try chosen.clientAuth.map { name in
            guard let auth = ClientAuth(rawValue: name) else {
                throw CommandFailure.configuration(
                    "there is no client authentication \(name)",
                    remedy: "choose basic, basic-raw or post")
            }
            return auth.authentication
        }
        return hasSecret ? named ?? .basic : .none
    }

    private static func prompt(_ chosen: ProfileSettings) throws -> String? {
        guard let prompt = chosen.prompt else { return nil }
        guard prompt.utf8.count <= 100,
            prompt.utf8.allSatisfy({ $0 == 0x20 || $0 == 0x5F || (0x61...0x7A).contains($0) })
        else {
            throw CommandFailure.configuration("the prompt is no list of lower-case words")
        }
        return prompt
    }
}
