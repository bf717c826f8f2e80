/// The outside world, in the parts that a front end may bring of its own. `Desktop` brings Linux's.
public struct Platform: Sendable {
    public var transport: any HTTPTransport
    public var redirects: any RedirectReceiving
    public var browser: any BrowserOpening
    public var clock: any AuthClock
    public var random: any RandomSource

    public init(
        transport: any HTTPTransport, redirects: any RedirectReceiving,
        browser: any BrowserOpening, clock: any AuthClock, random: any RandomSource
    ) {
        self.transport = transport
        self.redirects = redirects
        self.browser = browser
        self.clock = clock
        self.random = random
    }
}
