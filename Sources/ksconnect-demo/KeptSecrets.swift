import FoundationEssentials

/// What lies on disk while someone is signed in, and who keeps the key to it.
struct KeptSecrets {
    let dataFolder: String

    /// Every JSON Web Token begins so: `{"` in base64url.
    private static let tokenBeginning = Data("eyJ".utf8)
    /// Three bytes come up by chance in what is sealed; so many in a row of that alphabet do not.
    private static let tokenLengthMin = 12

    func show(on screen: TourScreen) throws(TourFailure) {
        screen.scene("Where the secrets are")
        screen.say("On disk, for your eyes only:")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: dataFolder)) ?? []
        screen.say("  \(Self.mode(dataFolder))  \(Self.lastPart(dataFolder))/")
        for name in names.sorted() {
            let path = "\(dataFolder)/\(name)"
            let data = FileManager.default.contents(atPath: path) ?? Data()
            screen.say("  \(Self.mode(path))  \(Self.lastPart(dataFolder))/\(name)")
            guard !Self.holdsToken(data) else { throw .plainToken(path: path) }
        }
        screen.say(
            """
            The tokens in there are sealed with AES-256-GCM: a search of these files for a JSON Web
            Token finds none. The key does not lie beside them: the desktop's keyring keeps it, and
            gives it out only while it is unlocked.
            """)
    }

    private static func holdsToken(_ data: Data) -> Bool {
        var rest = data[...]
        while let found = rest.firstRange(of: tokenBeginning) {
            rest = rest[found.lowerBound...]
            if rest.prefix(tokenLengthMin).count(where: isOfToken) == tokenLengthMin { return true }
            rest = rest.dropFirst(tokenBeginning.count)
        }
        return false
    }

    /// The alphabet of base64url.
    private static func isOfToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// The permission bits in octal, as `ls` and `chmod` mean them.
    private static func mode(_ path: String) -> String {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = attributes?[.posixPermissions] as? Int else { return "????" }
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private static func lastPart(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}
