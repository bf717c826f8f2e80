// swift-tools-version: 6.2
import PackageDescription

// Every module follows the same rules of style: see docs/decisions/0002-strict-swift.md.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let metricsTestKit: Target.Dependency =
    .product(name: "MetricsTestKit", package: "swift-metrics")
let tracing: Target.Dependency = .product(name: "Tracing", package: "swift-distributed-tracing")
let inMemoryTracing: Target.Dependency =
    .product(name: "InMemoryTracing", package: "swift-distributed-tracing")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTPCompression: Target.Dependency =
    .product(name: "NIOHTTPCompression", package: "swift-nio-extras")
let asyncHTTPClient: Target.Dependency =
    .product(name: "AsyncHTTPClient", package: "async-http-client")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency =
    .product(name: "HummingbirdCore", package: "hummingbird")
let jwtKit: Target.Dependency = .product(name: "JWTKit", package: "jwt-kit")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let argumentParser: Target.Dependency =
    .product(name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "KSConnect",
    products: [
        // All that a front end names: errors and ports, the states to switch over, claims.
        .library(
            name: "KSConnect",
            targets: [
                "KSConnect", "Desktop", "AuthModels", "AuthSession", "AuthenticatedHTTP",
                "OpenIDConnect", "Telemetry",
            ]),
        .executable(name: "ksconnect", targets: ["App"]),
        .executable(name: "ksconnect-demo", targets: ["ksconnect-demo"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        // The core, top to bottom as in docs/architecture.md. Arrows point down only.
        .target(
            name: "KSConnect",
            dependencies: [
                "AuthModels", "OpenIDConnect", "AuthSession", "TokenVault", "AuthenticatedHTTP",
                "Telemetry", httpTypes, logging,
            ],
            swiftSettings: strict),
        .target(
            name: "AuthenticatedHTTP",
            dependencies: ["AuthModels", "AuthSession", "OpenIDConnect", "Telemetry", httpTypes],
            swiftSettings: strict),
        .target(
            name: "AuthSession",
            dependencies: ["AuthModels", "OpenIDConnect", "Telemetry", httpTypes, logging],
            swiftSettings: strict),
        .target(
            name: "Telemetry", dependencies: ["AuthModels", httpTypes, metrics, tracing],
            swiftSettings: strict),
        .target(
            name: "TokenVault",
            dependencies: ["AuthModels", "CLibsecret", crypto, cryptoExtras, grdb],
            swiftSettings: strict),
        .target(
            name: "OpenIDConnect",
            dependencies: ["AuthModels", httpTypes, crypto, cryptoExtras],
            swiftSettings: strict),
        .target(name: "AuthModels", dependencies: [httpTypes], swiftSettings: strict),
        .target(name: "CLibsecret", dependencies: ["CLibsecretSystem"]),
        .systemLibrary(
            name: "CLibsecretSystem", pkgConfig: "libsecret-1",
            providers: [.apt(["libsecret-1-dev"])]),

        // The outside world on Linux.
        .target(
            name: "Desktop",
            dependencies: [
                "AuthModels", "CDesktop", asyncHTTPClient, crypto, httpTypes, nioCore, nioPosix,
                nioHTTP1, nioSSL, nioHTTPCompression,
            ],
            swiftSettings: strict),
        // System calls that Swift cannot import: variadic ones, and headers outside its module map.
        .target(name: "CDesktop"),

        // The command, the stand-in for a mobile UI.
        .executableTarget(
            name: "App",
            dependencies: [
                "KSConnect", "Desktop", "AuthModels", "OpenIDConnect", "AuthSession", "TokenVault",
                "AuthenticatedHTTP", argumentParser, httpTypes, logging, yams,
            ],
            path: "App", swiftSettings: strict),

        // The demo: a provider and an API of its own, linked into neither the core nor the command.
        .target(
            name: "DemoProvider",
            dependencies: [
                hummingbird, jwtKit, crypto, cryptoExtras, httpTypes, logging, nioCore,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "ksconnect-demo",
            dependencies: [
                "DemoProvider", argumentParser, asyncHTTPClient, nioCore, nioHTTP1,
            ],
            swiftSettings: strict),

        // A second front end on the same core, to copy from: a web application.
        .executableTarget(
            name: "ksconnect-webapp",
            dependencies: [
                "KSConnect", "Desktop", "AuthModels", "AuthSession", argumentParser, crypto,
                httpTypes, hummingbird, hummingbirdCore, logging, nioCore,
            ],
            path: "Examples/WebApp", exclude: ["README.md"], swiftSettings: strict),

        // A tool: the refresh protocol under simulated faults, and the state diagram.
        .executableTarget(
            name: "RefreshSimulation",
            dependencies: ["AuthModels", "AuthSession", argumentParser],
            swiftSettings: strict),

        // A tool: one large body through the real client, and the memory that it took.
        .executableTarget(
            name: "TransferBenchmark",
            dependencies: [
                "AuthenticatedHTTP", "Desktop", "AuthSession", "AuthModels", httpTypes,
            ],
            path: "Benchmarks/Transfer", swiftSettings: strict),
        // A tool: what observability costs, see Benchmarks/README.md.
        .executableTarget(
            name: "ObservabilityBenchmark",
            dependencies: [
                "AuthModels", "AuthSession", "AuthenticatedHTTP", "Telemetry", httpTypes, logging,
                metrics, inMemoryTracing,
            ],
            path: "Benchmarks/Observability", swiftSettings: strict),

        // Tests mirror Sources.
        .testTarget(
            name: "AuthModelsTests", dependencies: ["AuthModels", httpTypes], swiftSettings: strict),
        .testTarget(
            name: "OpenIDConnectTests",
            dependencies: ["OpenIDConnect", "AuthModels", httpTypes, crypto, cryptoExtras],
            swiftSettings: strict),
        .testTarget(
            name: "AuthSessionTests",
            dependencies: [
                "AuthSession", "OpenIDConnect", "AuthModels", "Telemetry", crypto, httpTypes,
                logging, metrics, metricsTestKit, tracing, inMemoryTracing,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "TelemetryTests",
            dependencies: ["AuthModels", "Telemetry", metricsTestKit, tracing],
            swiftSettings: strict),
        .testTarget(
            name: "TokenVaultTests",
            dependencies: ["TokenVault", "AuthModels", "CLibsecret", grdb, crypto],
            swiftSettings: strict),
        .testTarget(
            name: "AuthenticatedHTTPTests",
            dependencies: [
                "AuthenticatedHTTP", "AuthSession", "OpenIDConnect", "AuthModels", "Telemetry",
                httpTypes, metrics, metricsTestKit, tracing, inMemoryTracing,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "KSConnectTests",
            dependencies: [
                "KSConnect", "Desktop", "DemoProvider", "AuthModels", "AuthSession",
                "AuthenticatedHTTP", "OpenIDConnect", httpTypes,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "DesktopTests",
            dependencies: [
                "Desktop", "CDesktop", "OpenIDConnect", "AuthModels", crypto, httpTypes, nioCore,
                nioPosix, nioHTTP1, nioSSL, tracing, inMemoryTracing,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "DemoProviderTests",
            dependencies: ["DemoProvider", asyncHTTPClient, crypto, nioCore, nioHTTP1],
            swiftSettings: strict),
    ]
)

// The thread sanitizer needs a build of its own. KSCONNECT_CORE_ONLY keeps it to the session and
// what it stands on, which are built in a tenth of the time.
if Context.environment["KSCONNECT_CORE_ONLY"] != nil {
    let core = ["AuthModels", "OpenIDConnect", "Telemetry", "AuthSession", "AuthSessionTests"]
    package.products = []
    package.targets.removeAll { !core.contains($0.name) }
}
