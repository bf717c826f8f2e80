import AuthModels
import FoundationEssentials
import OpenIDConnect
import Synchronization
import Testing

/// A browser and a listener in one: what the browser is sent to decides what the listener receives.
final class FakeRedirects: RedirectReceiving, BrowserOpening {
    /// What the person's browser does with the authorize URL.
    enum Person: Sendable {
        /// Comes back with these targets, `STATE` standing for the right state.
        case returns([String])
        case neverReturns
        case noBrowser
    }

    private struct Content {
        var opened: [WebURL] = []
        var listener: FakeListener?
        var listenError: RedirectError?
    }

    private let person: Person
    private let content = Mutex(Content())
    private let onFinish: @Sendable (SignInOutcome) async -> Void

    /// - Parameter onFinish: runs when the browser is told the outcome.
    init(
        _ person: Person = .returns(["/callback?code=c-1&state=STATE"]),
        onFinish: @escaping @Sendable (SignInOutcome) async -> Void = { _ in }
    ) {
        self.person = person
        self.onFinish = onFinish
    }

    func failListening(_ error: RedirectError) { content.withLock { $0.listenError = error } }

    var opened: [WebURL] { content.withLock { $0.opened } }
    var listener: FakeListener? { content.withLock { $0.listener } }

    func listen(
        on redirectURI: RedirectURI
    ) async throws(RedirectError) -> any RedirectListener {
        let listener = FakeListener(redirectURI: redirectURI, onFinish: onFinish)
        let error = content.withLock { content in
            #expect(content.listener == nil, "one listener for a sign-in")
            if content.listenError == nil { content.listener = listener }
            return content.listenError
        }
        if let error { throw error }
        return listener
    }

    func open(_ url: WebURL) async throws(BrowserUnavailable) {
        let listener = content.withLock { content in
            content.opened.append(url)
            return content.listener
        }
        #expect(listener != nil, "the port is bound before a browser is opened")
        switch person {
        case .noBrowser: throw BrowserUnavailable(reason: "none is installed")
        case .neverReturns: break
        case .returns(let targets):
            for target in targets {
                listener?.arrive(target.replacing("STATE", with: Self.parameter("state", of: url)))
            }
        }
    }

    static func parameter(_ name: String, of url: WebURL) -> String {
        let pair = (url.query ?? "").split(separator: "&").first { $0.hasPrefix(name + "=") }
        return pair.flatMap { FormCoder.decode(String($0.dropFirst(name.count + 1))) } ?? ""
    }
}

/// A bound listener whose requests the test makes.
final class FakeListener: RedirectListener {
    let redirectURI: RedirectURI
    private let requests: AsyncStream<String>
    private let arrivals: AsyncStream<String>.Continuation
    private let onFinish: @Sendable (SignInOutcome) async -> Void
    private let content = Mutex<(outcomes: [SignInOutcome], isClosed: Bool)>(([], false))

    init(
        redirectURI: RedirectURI, onFinish: @escaping @Sendable (SignInOutcome) async -> Void
    ) {
        self.redirectURI = redirectURI
        self.onFinish = onFinish
        (requests, arrivals) = AsyncStream.makeStream()
    }

    var outcomes: [SignInOutcome] { content.withLock { $0.outcomes } }
    var isClosed: Bool { content.withLock { $0.isClosed } }

    func arrive(_ target: String) { arrivals.yield(target) }

    func receive(
        judge: @escaping @Sendable (String) -> RedirectJudgement
    ) async throws(RedirectError) -> ReceivedRedirect {
        #expect(!isClosed)
        var rejections = 0
        for await target in requests {
            if judge(target) == .accepted {
                return ReceivedRedirect(target: target, rejections: rejections)
            }
            rejections += 1
        }
        throw Task.isCancelled ? .cancelled : .closed
    }

    func finish(_ outcome: SignInOutcome) async {
        #expect(!isClosed, "a closed listener can answer no browser")
        await onFinish(outcome)
        content.withLock { $0.outcomes.append(outcome) }
    }

    func close() async {
        content.withLock { $0.isClosed = true }
        arrivals.finish()
    }
}
