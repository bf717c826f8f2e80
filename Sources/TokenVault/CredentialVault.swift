public import AuthModels
internal import CLibsecret
internal import Crypto
internal import FoundationEssentials
internal import Glibc

/// Takes keys from a credential that systemd hands to a service (systemd.exec(5), "Credentials"):
/// for servers, by explicit choice.
///
/// It makes no secret of its own. Each data key is derived (HKDF-SHA256, RFC 5869) from the
/// credential and the names of the store and of the key, so that a new key needs no new credential.
public struct CredentialVault: KeyVault {
    public static let fileName = "ksconnect.key"

    public let kind = VaultKind.credential
    private let directory: String?

    /// - Parameter directory: what `CREDENTIALS_DIRECTORY` names; nil where it is not set.
    public init(directory: String?) {
        self.directory = directory
    }

    public func load(_ id: KeyID, of store: StoreID) async throws(StoreError) -> DataKey {
        let secret = try read()
        let derived = secret.withBytes { secret in
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: secret), salt: Array(store.rawValue.utf8),
                info: Array("ksconnect.credential.1:\(id.rawValue)".utf8), outputByteCount: 32)
        }
        return DataKey(id: id, bytes: derived.withUnsafeBytes { SecretBytes($0) })
    }

    /// Derives it; nothing has to be kept.
    public func create(_ id: KeyID, of store: StoreID) async throws(StoreError) -> DataKey {
        try await load(id, of: store)
    }

    /// A derived key is nowhere.
    public func delete(_ id: KeyID, of store: StoreID) async throws(StoreError) {}

    public func state() async -> VaultState {
        do throws(StoreError) {
            _ = try read()
            return .available(provider: "a systemd credential")
        } catch {
            guard case .key(let fault) = error else { return .fault(.noCredential(error.message)) }
            return .fault(fault)
        }
    }

    private func read() throws(StoreError) -> SecretBytes {
        guard let directory else {
            throw .key(.noCredential("CREDENTIALS_DIRECTORY is not set; is this a service?"))
        }
        guard directory.hasPrefix("/") else {
            throw .key(.noCredential("CREDENTIALS_DIRECTORY is no absolute path"))
        }
        let path = "\(directory)/\(Self.fileName)"
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let reason = errno == ELOOP ? "it is a symbolic link" : String(cString: strerror(errno))
            throw .key(.noCredential("\(path): \(reason)"))
        }
        defer { close(descriptor) }
        if let objection = Self.objection(to: descriptor) {
            throw .key(.noCredential("\(path): \(objection)"))
        }
        guard let secret = Self.contents(of: descriptor) else {
            throw .key(.noCredential("\(path): it is neither 32 bytes nor a line that tells 32"))
        }
        return secret
    }

    /// Why a file cannot be the credential that systemd made for this process alone.
    private static func objection(to descriptor: Int32) -> String? {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { return String(cString: strerror(errno)) }
        guard facts.st_mode & S_IFMT == S_IFREG else { return "it is not a regular file" }
        guard facts.st_nlink <= 1 else { return "it has a second name (hard link)" }
        guard facts.st_uid == geteuid() || facts.st_uid == 0 else {
            return "it belongs to another user (\(facts.st_uid))"
        }
        guard facts.st_mode & 0o077 == 0 || FileAccessList.grantsOnlyThisUser(descriptor, facts)
        else { return "it is open to others; chmod 400 it" }
        return nil
    }

    private static func contents(of descriptor: Int32) -> SecretBytes? {
        var buffer = [UInt8](repeating: 0, count: 513)
        defer { wipe(&buffer) }
        var count = 0
        while count < buffer.count {
            let taken = buffer.withUnsafeMutableBytes { bytes in
                Glibc.read(descriptor, bytes.baseAddress.map { $0 + count }, bytes.count - count)
            }
            if taken < 0, errno == EINTR { continue }
            guard taken >= 0 else { return nil }
            if taken == 0 { break }
            count += taken
        }
        return count < buffer.count ? parse(buffer[..<count]) : nil
    }

    /// 32 bytes as they are, in base64 or base64url, or a vault's line of a key.
    static func parse(_ bytes: ArraySlice<UInt8>) -> SecretBytes? {
        if bytes.count == 32 { return SecretBytes(bytes) }
        var line = bytes
        while let last = line.last, last == 0x0A || last == 0x0D || last == 0x20 {
            line = line.dropLast()
        }
        let parts = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        if parts.count == 3, let id = KeyID(String(decoding: parts[1], as: UTF8.self)) {
            return DataKey(line: SecretBytes(line), expecting: id)?.bytes
        }
        while line.last == UInt8(ascii: "=") { line = line.dropLast() }
        var alphabet = line.map { (byte: UInt8) -> UInt8 in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: byte
            }
        }
        defer { wipe(&alphabet) }
        guard var secret = Base64URL.decode(alphabet), secret.count == 32 else { return nil }
        defer { wipe(&secret) }
        return SecretBytes(secret)
    }
}

/// A file's access control list, as the kernel tells it (`acl(5)`). systemd gives a credential that
/// root owns to a service's user by one, and the group's bits of the mode are then the list's mask.
private enum FileAccessList {
    private static let user: UInt16 = 0x02
    private static let others: Set<UInt16> = [0x04, 0x08, 0x20]

    static func grantsOnlyThisUser(_ descriptor: Int32, _ facts: stat) -> Bool {
        guard facts.st_mode & 0o007 == 0 else { return false }
        var list = [UInt8](repeating: 0, count: 1024)
        let count = ksc_read_access_list(descriptor, &list, list.count)
        // A version, then entries of a tag, permissions and an id.
        guard count >= 4, (count - 4) % 8 == 0, list[..<4].elementsEqual([2, 0, 0, 0]) else {
            return false
        }
        for start in stride(from: 4, to: count, by: 8) {
            let tag = UInt16(list[start]) | UInt16(list[start + 1]) << 8
            let permissions = UInt16(list[start + 2]) | UInt16(list[start + 3]) << 8
            let id = (4..<8).reduce(UInt32(0)) { $0 | UInt32(list[start + $1]) << (8 * ($1 - 4)) }
            if others.contains(tag), permissions != 0 { return false }
            if tag == user, id != geteuid() { return false }
        }
        return true
    }
}
