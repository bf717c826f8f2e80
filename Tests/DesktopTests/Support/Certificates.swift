import NIOSSL

/// A private authority and the server certificates that an honest and a dishonest server show.
final class Certificates: Sendable {
    private let folder: TemporaryFolder
    var rootsFile: String { folder.path + "/root.pem" }

    /// One authority for all tests; making it takes a while.
    static func shared() async throws -> Certificates { try await task.value }
    private static let task = Task { try await Certificates() }

    private init() async throws {
        folder = try TemporaryFolder()
        try await folder.shell(
            """
            key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
            sign() { # name, authority, days, subject, extensions
                key "$1"
                printf '%b' "$5" > "$1.ext"
                openssl req -new -key "$1.key" -subj "$4" -out "$1.csr"
                openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial \
                    -days "$3" -extfile "$1.ext" -out "$1.pem"
            }
            key root
            openssl req -x509 -key root.key -days 30 -subj /CN=root -out root.pem \
                -addext basicConstraints=critical,CA:TRUE
            sign intermediate root 30 /CN=intermediate 'basicConstraints=critical,CA:TRUE\\n'
            names='subjectAltName=DNS:localhost,IP:127.0.0.1\\n'
            sign good root 30 /CN=server "$names"
            sign wronghost root 30 /CN=localhost 'subjectAltName=DNS:elsewhere.example\\n'
            sign wrongip root 30 /CN=server 'subjectAltName=IP:127.0.0.2\\n'
            sign cnonly root 30 /CN=localhost 'basicConstraints=CA:FALSE\\n'
            sign chained intermediate 30 /CN=server "$names"
            key expired
            openssl req -new -key expired.key -subj /CN=server -out expired.csr
            printf '%b' "$names" > expired.ext
            touch index.txt; echo 01 > serial
            printf '%s\\n' '[ca]' 'default_ca=c' '[c]' 'database=index.txt' 'serial=serial' \
                'new_certs_dir=.' 'policy=p' 'default_md=sha256' '[p]' 'commonName=supplied' \
                > ca.cnf
            openssl ca -config ca.cnf -batch -notext -in expired.csr -cert root.pem \
                -keyfile root.key -startdate 20200101000000Z -enddate 20200201000000Z \
                -extfile expired.ext -out expired.pem
            key selfsigned
            openssl req -x509 -key selfsigned.key -days 30 -subj /CN=server -out selfsigned.pem \
                -addext subjectAltName=DNS:localhost,IP:127.0.0.1
            """)
    }

    func server(_ name: String) throws -> TLSConfiguration {
        TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile("\(folder.path)/\(name).pem")
                .map { .certificate($0) },
            privateKey: .privateKey(
                try NIOSSLPrivateKey(file: "\(folder.path)/\(name).key", format: .pem)))
    }
}
