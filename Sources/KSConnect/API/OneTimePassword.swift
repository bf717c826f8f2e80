public import AuthModels

/// What an unlock asks for where the hub is set so; never shown.
public struct OneTimePassword: Secret {
    public let bytes: SecretBytes

    /// - Returns: nil unless 1 to 64 bytes of visible ASCII.
    public init?(_ text: String) {
        guard (1...64).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        bytes = SecretBytes(text.utf8)
    }
}
