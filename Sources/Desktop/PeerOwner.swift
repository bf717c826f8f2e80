internal import CDesktop
internal import Glibc
internal import NIOCore

/// Which user owns the other end of a loopback connection.
///
/// Another user of the machine can read the state from the browser's arguments and be first at the
/// port with a code of their own session; the kernel tells them apart. It is asked for this one
/// connection (sock_diag(7)); where it cannot be asked, its tables `/proc/net/tcp` and `tcp6` are
/// searched, which anybody can make long.
enum PeerOwner: Equatable {
    case user(UInt32)
    /// No established connection of that address is held by a process.
    case gone
    /// The kernel tells nothing here.
    case unknowable

    /// Room for 50,000 connections; who cannot be found among them counts as gone.
    private static let tableBytesMax = 8 << 20

    init(of peer: SocketAddress, connectedTo own: SocketAddress) {
        var user: uid_t = 0
        let answer = peer.withSockAddr { peer, _ in
            own.withSockAddr { own, _ in cdesktop_tcp_owner(peer, own, &user) }
        }
        switch answer {
        case 1: self = .user(user)
        case 0: self = .gone
        default:
            let tables = ["/proc/net/tcp", "/proc/net/tcp6"].compactMap { path in
                SmallFile.read(path, bytesMax: Self.tableBytesMax)
            }
            self.init(of: peer, connectedTo: own, tables: tables)
        }
    }

    init(of peer: SocketAddress, connectedTo own: SocketAddress, tables: [[UInt8]]) {
        guard !tables.isEmpty else {
            self = .unknowable
            return
        }
        let peers = Self.spellings(of: peer)
        let owns = Self.spellings(of: own)
        for table in tables {
            for line in table.split(separator: UInt8(ascii: "\n")).dropFirst() {
                let columns = line.split(separator: UInt8(ascii: " "), maxSplits: 8)
                guard columns.count > 8,
                    // Only a connection that a process still holds has an owner to be trusted.
                    columns[3].elementsEqual("01".utf8),
                    peers.contains(where: { columns[1].elementsEqual($0.utf8) }),
                    owns.contains(where: { columns[2].elementsEqual($0.utf8) }),
                    let user = UInt32(String(decoding: columns[7], as: UTF8.self))
                else { continue }
                self = .user(user)
                return
            }
        }
        self = .gone
    }

    /// Whether a redirect from this peer is taken.
    ///
    /// Root is: it could read this process's memory anyway, and port relays of containers and
    /// virtual machines run as root. Without the kernel's tables the state alone must do; no other
    /// user can take them away.
    var isAcceptable: Bool {
        switch self {
        case .user(let user): user == geteuid() || user == 0
        case .gone: false
        case .unknowable: true
        }
    }

    /// The address as the tables write it: 32-bit words in the machine's order, then the port. An
    /// IPv4 peer may use an IPv6 socket, which lists it as a mapped address.
    private static func spellings(of address: SocketAddress) -> [String] {
        let bytes = address.withSockAddr { pointer, size in
            Array(UnsafeRawBufferPointer(start: pointer, count: size))
        }
        // struct sockaddr_in and sockaddr_in6: family, port, and the latter's flow before the words.
        func word(at offset: Int) -> String {
            hex(bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) })
        }
        guard bytes.count >= 8 else { return [] }
        let port = hex(UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
        switch address {
        case .v4:
            let mapped = "0000000000000000" + hex(UInt32(0xFFFF).bigEndian)
            return ["\(word(at: 4)):\(port)", "\(mapped)\(word(at: 4)):\(port)"]
        case .v6 where bytes.count >= 24:
            return ["\(word(at: 8))\(word(at: 12))\(word(at: 16))\(word(at: 20)):\(port)"]
        case .v6, .unixDomainSocket:
            return []
        }
    }

    private static func hex(_ number: some FixedWidthInteger) -> String {
        let digits = String(number, radix: 16, uppercase: true)
        let width = number.bitWidth / 4
        return String(repeating: "0", count: width - digits.utf8.count) + digits
    }
}
