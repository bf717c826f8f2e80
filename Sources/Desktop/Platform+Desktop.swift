public import AuthModels

extension Platform {
    /// Linux with a desktop or a terminal: AsyncHTTPClient, loopback redirect, `$BROWSER` or
    /// `xdg-open`, the system's clocks and randomness. Nothing is started before it is used.
    ///
    /// - Parameter environment: where proxy, trust and browser settings are read from.
    public static func desktop(environment: [String: String]) -> Platform {
        Platform(
            transport: AsyncHTTPTransport(environment: environment),
            redirects: LoopbackRedirectReceiver(), browser: SystemBrowser(environment: environment),
            clock: SystemClock(), random: KernelRandom())
    }
}
