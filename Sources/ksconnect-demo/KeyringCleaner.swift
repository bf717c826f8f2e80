import FoundationEssentials

/// Takes the key of the tour's store out of the person's keyring again.
enum KeyringCleaner {
    private static let program = "/usr/bin/secret-tool"
    /// A store's own name: so many hexadecimal digits.
    private static let nameLength = 32

    /// Asks the keyring to forget what it keeps under the store's name. A name that is none, or a
    /// keyring that does not answer, changes nothing: what stays is a key to a store that is gone.
    static func forgetKeys(of dataFolder: String, environment: [String: String]) async {
        guard FileManager.default.isExecutableFile(atPath: program),
            let files = try? FileManager.default.contentsOfDirectory(atPath: dataFolder)
        else { return }
        var names: Set<String> = []
        for file in files {
            guard let data = FileManager.default.contents(atPath: "\(dataFolder)/\(file)") else {
                continue
            }
            names.formUnion(storeNames(in: data))
        }
        for name in names {
            _ = try? await ChildProcess.run(
                program,
                arguments: ["secret-tool", "clear", "application", "ksconnect", "store", name],
                environment: environment
            ) { _ in }
        }
    }

    /// The beginnings of all runs of hexadecimal digits that are long enough for a name.
    static func storeNames(in data: Data) -> [String] {
        data.split { !isHexDigit($0) }.filter { $0.count >= nameLength }.map {
            String(decoding: $0.prefix(nameLength), as: UTF8.self)
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
        default: false
        }
    }
}
