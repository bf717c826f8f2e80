import AuthModels
import AuthSession
import Desktop
import FoundationEssentials
import KSConnect
import TokenVault

/// What `doctor` looks at, from this machine outwards.
struct Checkup {
    let workspace: Workspace

    /// More than this and ID tokens are refused, whose times are judged with a minute's leeway.
    private static let skewMax: Double = 30

    func run() async -> [Finding] {
        let record = try? await workspace.store.record(of: workspace.account)
        let chosen = LoginSettings.chosen(workspace.settings, record?.registration)
        var findings = [
            client(chosen), await store(), await keyring(), browser(), await port(chosen),
        ]
        findings += await provider(chosen)
        findings.append(await session())
        return findings
    }

    private func client(_ chosen: ProfileSettings) -> Finding {
        if let client = chosen.clientID { return .fine("client", client) }
        return Finding(
            name: "client", message: "no client is named",
            remedy: "give --client-id or KSCONNECT_CLIENT_ID, or write it into the config file",
            status: .configuration)
    }

    private func store() async -> Finding {
        do {
            let accounts = try await workspace.store.accounts()
            let waiting = try await workspace.store.pendingRevocationCount()
            let folder = workspace.settings.dataDirectory
            return .fine(
                "store",
                "\(folder): \(accounts.count) account(s)"
                    + (waiting > 0 ? ", \(waiting) revocation(s) waiting" : ""))
        } catch {
            return .fault("store", .store(error))
        }
    }

    private func keyring() async -> Finding {
        do {
            switch try await workspace.vault.keyState() {
            case .available(let provider): return .fine("keyring", "the key is in \(provider)")
            case .notMade(let provider):
                return .fine("keyring", "\(provider) is open; the first sign-in makes the key")
            case .fault(let fault): return .fault("keyring", .store(.key(fault)))
            }
        } catch {
            return .fault("keyring", .store(error))
        }
    }

    private func browser() -> Finding {
        let browser = SystemBrowser(environment: workspace.environment.variables)
        if let program = browser.program { return .fine("browser", program) }
        return Finding(
            name: "browser", message: "no program is found that opens a page",
            remedy: "install xdg-utils or set BROWSER; until then use login --no-browser",
            status: .configuration)
    }

    private func port(_ chosen: ProfileSettings) async -> Finding {
        do {
            let uri = try RedirectURI(chosen.redirectURI ?? Profile.redirectURI)
            let listener = try await workspace.platform.redirects.listen(on: uri)
            await listener.close()
            return .fine("port", "\(uri) can be received")
        } catch RedirectError.portUnavailable(let port) {
            return .fault("port", .portUnavailable(port))
        } catch is RedirectURI.Fault {
            return .fault("port", .configInvalid("the redirect URI is no loopback URI with a path"))
        } catch {
            return .fault("port", .configInvalid("no loopback address can be bound"))
        }
    }

    private func provider(_ chosen: ProfileSettings) async -> [Finding] {
        let issuer: Issuer
        do {
            issuer = try Issuer(chosen.issuer ?? Profile.production.issuer)
        } catch {
            return [.fault("provider", .configInvalid("the issuer is no usable URL"))]
        }
        let probe = await ProviderProbe.run(issuer, over: workspace.platform.transport)
        var findings: [Finding] = []
        if let error = probe.fault {
            findings.append(.fault("provider", error))
        } else {
            findings.append(.fine("provider", "\(issuer) answers as it should"))
        }
        if let skew = probe.clockSkew(at: workspace.platform.clock.now().wall) {
            findings.append(clock(skew))
        }
        return findings
    }

    private func clock(_ skew: Double) -> Finding {
        let seconds = Int(skew.magnitude.rounded())
        guard skew.magnitude > Self.skewMax else {
            return .fine("clock", "agrees with the provider's")
        }
        return Finding(
            name: "clock",
            message: "this machine's clock is \(seconds) s "
                + (skew > 0 ? "ahead of" : "behind") + " the provider's",
            remedy: "set the clock, best by NTP (timedatectl set-ntp true)",
            status: .configuration)
    }

    private func session() async -> Finding {
        do throws(AuthError) {
            switch try await workspace.client.restore() {
            case .signedIn, .refreshing, .signingIn, .signingOut:
                return .fine("session", "\(workspace.account) is signed in")
            case .signedOut:
                return .fine("session", "\(workspace.account) is not signed in")
            case .expired(_, let reason):
                return .fine(
                    "session", "\(workspace.account) must sign in again: \(reason.message)")
            }
        } catch {
            return .fault("session", error)
        }
    }
}
