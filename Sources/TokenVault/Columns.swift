internal import AuthModels
internal import Crypto
internal import FoundationEssentials
internal import GRDB

/// Named values on their way into a row.
struct Columns {
    private(set) var names: [String] = []
    private(set) var values: [DatabaseValue] = []

    mutating func set(_ name: String, _ value: (any DatabaseValueConvertible)?) {
        names.append(name)
        values.append(value?.databaseValue ?? .null)
    }

    mutating func append(_ other: Columns) {
        names += other.names
        values += other.values
    }

    func insert(_ db: Database, into table: String, replacing: Bool = false) throws {
        let marks = names.map { _ in "?" }.joined(separator: ", ")
        try db.execute(
            sql: """
                INSERT \(replacing ? "OR REPLACE " : "")INTO \(table) \
                (\(names.joined(separator: ", "))) VALUES (\(marks))
                """,
            arguments: StatementArguments(values))
    }

    func update(
        _ db: Database, _ table: String, where condition: String,
        _ arguments: [any DatabaseValueConvertible]
    ) throws {
        let list = names.map { "\($0) = ?" }.joined(separator: ", ")
        try db.execute(
            sql: "UPDATE \(table) SET \(list) WHERE \(condition)",
            arguments: StatementArguments(values + arguments.map(\.databaseValue)))
    }

    /// A digest of names and values, to be sealed in the ledger: what stands in clear cannot be
    /// edited unnoticed either (the token endpoint above all).
    var digest: [UInt8] {
        var bytes = CanonicalBytes()
        for (name, value) in zip(names, values) {
            bytes.append(name)
            switch value.storage {
            case .null: bytes.append("null")
            case .int64(let number):
                bytes.append("int")
                bytes.append(number)
            case .double(let number):
                bytes.append("real")
                bytes.append(Int64(bitPattern: number.bitPattern))
            case .string(let text):
                bytes.append("text")
                bytes.append(text)
            case .blob(let data):
                bytes.append("blob")
                bytes.append(data)
            }
        }
        return Array(SHA256.hash(data: bytes.bytes))
    }
}

extension AccountName {
    var column: Data { Data(rawValue.utf8) }
}

/// Reads columns; what was not written by this software is damage.
struct ColumnReader {
    let row: Row
    let what: String

    func damaged(_ column: String) -> StoreError {
        .corrupt("\(what): \(column) cannot be read")
    }

    func text(_ column: String) throws -> String {
        guard let value = String.fromDatabaseValue(try value(column)) else { throw damaged(column) }
        return value
    }

    func optionalText(_ column: String) throws -> String? {
        try optional(column) { try text(column) }
    }

    func number(_ column: String) throws -> Int64 {
        guard let value = Int64.fromDatabaseValue(try value(column)) else { throw damaged(column) }
        return value
    }

    func optionalNumber(_ column: String) throws -> Int64? {
        try optional(column) { try number(column) }
    }

    func real(_ column: String) throws -> Double {
        guard let value = Double.fromDatabaseValue(try value(column)), value.isFinite else {
            throw damaged(column)
        }
        return value
    }

    func data(_ column: String) throws -> Data? {
        try optional(column) {
            guard let value = Data.fromDatabaseValue(try value(column)) else {
                throw damaged(column)
            }
            return value
        }
    }

    /// GRDB traps at a column that does not exist, which is what a flipped bit in the schema makes.
    private func value(_ column: String) throws -> DatabaseValue {
        guard row.hasColumn(column) else { throw damaged(column) }
        return row[column]
    }

    private func optional<Value>(_ column: String, _ read: () throws -> Value) throws -> Value? {
        try value(column).isNull ? nil : try read()
    }

    /// Reads a value whose type checks the text.
    func parsed<Value>(_ column: String, _ parse: (String) throws -> Value?) throws -> Value {
        guard let value = try? parse(text(column)) else { throw damaged(column) }
        return value
    }

    func optionalParsed<Value>(
        _ column: String, _ parse: (String) throws -> Value?
    ) throws -> Value? {
        try optional(column) { try parsed(column, parse) }
    }

    func account() throws -> AccountName {
        guard let bytes = try data("account"),
            let text = String(validating: bytes, as: UTF8.self), let name = AccountName(text)
        else { throw damaged("account") }
        return name
    }

    func key(_ column: String) throws -> KeyID { try parsed(column) { KeyID($0) } }

    func duration(_ column: String) throws -> Duration? {
        try optionalNumber(column).map { .nanoseconds($0) }
    }

    func moment(_ prefix: String) throws -> Moment {
        Moment(
            wall: Date(timeIntervalSinceReferenceDate: try real("\(prefix)_wall")),
            sinceBoot: .nanoseconds(try number("\(prefix)_boot")),
            bootID: try text("\(prefix)_boot_id"))
    }
}

extension Columns {
    mutating func set(moment: Moment?, _ prefix: String) {
        set("\(prefix)_wall", moment?.wall.timeIntervalSinceReferenceDate)
        set("\(prefix)_boot", moment?.sinceBoot.wholeNanoseconds)
        set("\(prefix)_boot_id", moment?.bootID)
    }

    mutating func set(_ registration: ClientRegistration, _ endpoints: PinnedEndpoints) {
        set("issuer", registration.issuer.rawValue)
        set("client_id", registration.clientID.rawValue)
        set("client_auth", registration.authentication.rawValue)
        set("asked_scope", registration.scope.description)
        set("redirect_uri", registration.redirectURI.rawValue)
        set("api_base", registration.apiBase.rawValue)
        set("prompt", registration.prompt)
        set("authorization_endpoint", endpoints.authorization.rawValue)
        set("token_endpoint", endpoints.token.rawValue)
        set("jwks_endpoint", endpoints.jwks?.rawValue)
        set("userinfo_endpoint", endpoints.userInfo?.rawValue)
        set("revocation_endpoint", endpoints.revocation?.rawValue)
        set("end_session_endpoint", endpoints.endSession?.rawValue)
        set("id_token_algorithms", endpoints.idTokenAlgorithms.joined(separator: " "))
        // Only where it is so: seals made before there was such a column cover its absence.
        if registration.usesDPoP { set("uses_dpop", true) }
    }
}

extension ColumnReader {
    func registration() throws -> ClientRegistration {
        ClientRegistration(
            issuer: try parsed("issuer") { try Issuer($0) },
            clientID: try parsed("client_id") { ClientID($0) },
            authentication: try parsed("client_auth") { ClientAuthentication(rawValue: $0) },
            scope: try parsed("asked_scope") { Scope($0) },
            redirectURI: try parsed("redirect_uri") { try RedirectURI(web: $0) },
            apiBase: try parsed("api_base") { try WebURL($0) },
            prompt: try optionalText("prompt"), usesDPoP: try number("uses_dpop") == 1)
    }

    func endpoints() throws -> PinnedEndpoints {
        func url(_ column: String) throws -> WebURL? {
            try optionalParsed(column) { try WebURL($0) }
        }
        return PinnedEndpoints(
            authorization: try parsed("authorization_endpoint") { try WebURL($0) },
            token: try parsed("token_endpoint") { try WebURL($0) },
            jwks: try url("jwks_endpoint"), userInfo: try url("userinfo_endpoint"),
            revocation: try url("revocation_endpoint"), endSession: try url("end_session_endpoint"),
            idTokenAlgorithms: try text("id_token_algorithms").split(separator: " ").map(
                String.init))
    }
}

extension Duration {
    /// Nanoseconds, cut to what 64 bits hold (292 years).
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if isTooLong { return seconds < 0 ? .min : .max }
        let (sum, isOver) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return isOver ? (seconds < 0 ? .min : .max) : sum
    }
}
