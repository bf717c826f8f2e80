public import AuthModels

/// What a caller asks of an access token.
public struct TokenNeed: Hashable, Sendable {
    /// How long it must still be valid.
    public var remainingMin: Duration
    /// It must be of a later generation than this: the one that a 401 rejected, or the one that was
    /// current when someone asked for a refresh now.
    public var newerThan: Generation?
    /// Whether less than `remainingMin` is an error, also where the token is still valid.
    public var isStrict: Bool

    public init(
        remainingMin: Duration = .zero, newerThan: Generation? = nil, isStrict: Bool = false
    ) {
        self.remainingMin = remainingMin
        self.newerThan = newerThan
        self.isStrict = isStrict
    }

    /// Whether the need is met as asked, with nothing to refresh.
    func isMet(by record: SessionRecord, at now: Moment) -> Bool {
        guard isNewEnough(record) else { return false }
        guard let remaining = record.expiry.remaining(at: now) else { return true }
        return remaining > .zero && remaining >= remainingMin
    }

    /// Whether the token may be served when it cannot be refreshed (rule 7).
    func isTolerable(_ record: SessionRecord, at now: Moment) -> Bool {
        guard isNewEnough(record) else { return false }
        guard let remaining = record.expiry.remaining(at: now) else { return true }
        return remaining > .zero && (!isStrict || remaining >= remainingMin)
    }

    private func isNewEnough(_ record: SessionRecord) -> Bool {
        newerThan.map { record.generation > $0 } ?? true
    }
}

/// An access token with what a caller may know about it.
public struct IssuedToken: Hashable, Sendable {
    public let access: AccessToken
    /// To be named in ``TokenNeed/newerThan`` when the API rejects the token.
    public let generation: Generation
    public let record: SessionRecord
    /// There exactly where the token is bound to it (RFC 9449); such a token is never sent without a
    /// proof, nor as a bearer token.
    public let dpopKey: DPoPKey?

    public init(access: AccessToken, record: SessionRecord, dpopKey: DPoPKey? = nil) {
        self.access = access
        self.dpopKey = dpopKey
        self.generation = record.generation
        self.record = record
    }
}
