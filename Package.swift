// swift-tools-version: 6.1
// The manifest reads as the architecture diagram (docs/ARCHITECTURE.md): rooms from the kernel upwards,
// each target's dependency list is its set of arrows. Tidy tests hold the imports to the same picture.
import PackageDescription

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// The shim is linked without a dynamic loader: it starts in a millisecond and never loads code inside a container.
let staticExecutable: (swift: [SwiftSetting], linker: [LinkerSetting]) = (
    [.unsafeFlags(["-static-stdlib"])], [.unsafeFlags(["-static-executable"])]
)

let collections: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")
let nioCore: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
]
let nioHTTP: [Target.Dependency] = nioCore + [.product(name: "NIOHTTP1", package: "swift-nio")]
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "berth",
    products: [
        .executable(name: "berth", targets: ["berth"]),
        .executable(name: "berth-agent", targets: ["berth-agent"]),
        .executable(name: "berth-worker", targets: ["berth-worker"]),
        .executable(name: "berth-shim", targets: ["berth-shim"]),
        .executable(name: "berth-oci", targets: ["berth-oci"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        // MARK: Kernel edge
        .target(name: "CLinux", swiftSettings: house),
        .target(name: "BerthLinux", dependencies: ["CLinux"], exclude: ["README.md"], swiftSettings: house),

        // MARK: System libraries
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CCap", pkgConfig: "libcap", providers: [.apt(["libcap-dev"])]),
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CCrypt", providers: [.apt(["libcrypt-dev"])]),

        // MARK: Nouns
        .target(name: "BerthModel", dependencies: [collections], exclude: ["README.md"], swiftSettings: house),

        // MARK: Text and decisions (pure)
        .target(
            name: "BerthLoader", dependencies: ["BerthModel", "CYAML"], exclude: ["README.md"], swiftSettings: house),
        .target(
            name: "BerthPlan", dependencies: ["BerthModel", collections], exclude: ["README.md"], swiftSettings: house),

        .target(name: "BerthInit", dependencies: ["BerthModel"], exclude: ["README.md"], swiftSettings: house),

        .target(name: "BerthDoctor", exclude: ["README.md"], swiftSettings: house),

        // MARK: Hands
        .target(
            name: "BerthLog", dependencies: ["BerthModel", "BerthLinux"], exclude: ["README.md"], swiftSettings: house),
        .target(
            name: "BerthStore",
            dependencies: ["BerthModel", "BerthLinux", .product(name: "Crypto", package: "swift-crypto")],
            exclude: ["README.md"], swiftSettings: house),
        .target(
            name: "BerthTransfer",
            dependencies: ["BerthModel", "BerthLinux", "BerthStore", "CArchive"] + nioCore + [
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            exclude: ["README.md"], swiftSettings: house),
        .target(
            name: "BerthRegistry",
            dependencies: ["BerthModel", "BerthLinux", "BerthStore", "CCrypt"] + nioHTTP + [
                .product(name: "NIOSSL", package: "swift-nio-ssl")
            ],
            exclude: ["README.md"], swiftSettings: house),
        .target(
            name: "BerthBuild", dependencies: ["BerthModel", "BerthLinux", "BerthStore"], exclude: ["README.md"],
            swiftSettings: house),
        .target(
            name: "BerthNetwork", dependencies: ["BerthModel", "BerthLinux"] + nioCore,
            exclude: ["README.md"], swiftSettings: house),
        .target(
            name: "BerthRuntime", dependencies: ["BerthModel", "BerthLinux", "BerthLog", "CSeccomp", "CCap"],
            exclude: ["README.md"], swiftSettings: house),

        // MARK: The engine
        .target(
            name: "BerthEngine",
            dependencies: [
                "BerthModel", "BerthPlan", "BerthLinux", "BerthStore", "BerthNetwork", "BerthRuntime", "BerthLog", log,
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            exclude: ["README.md"], swiftSettings: house),
        .target(
            name: "BerthControl", dependencies: ["BerthModel"] + nioHTTP, exclude: ["README.md"], swiftSettings: house),

        // MARK: Executables
        .executableTarget(
            name: "berth",
            dependencies: [
                "BerthLoader", "BerthInit", "BerthDoctor", "BerthControl", "BerthLog", "BerthModel", "BerthLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], exclude: ["README.md"], swiftSettings: house,
            linkerSettings: [.unsafeFlags(["-static-executable"], .when(configuration: .release))]),
        .executableTarget(
            name: "berth-agent",
            dependencies: [
                "BerthEngine", "BerthControl", "BerthModel", "BerthPlan", "BerthStore", "BerthRuntime", "BerthLinux",
                log,
            ], exclude: ["README.md"],
            swiftSettings: house),
        .executableTarget(
            name: "berth-worker",
            dependencies: ["BerthBuild", "BerthTransfer", "BerthRegistry", "BerthStore", "BerthModel", "BerthLinux"],
            exclude: ["README.md"],
            swiftSettings: house),
        .executableTarget(
            name: "berth-shim", dependencies: ["BerthLinux"], exclude: ["README.md"],
            swiftSettings: house + staticExecutable.swift, linkerSettings: staticExecutable.linker),

        .executableTarget(
            name: "berth-oci", dependencies: ["BerthRuntime", "BerthModel", "BerthLinux"], exclude: ["README.md"],
            swiftSettings: house),

        // MARK: Tests, one target a room, then the suites that cross rooms
        .target(
            name: "BerthTesting", dependencies: ["BerthModel", "BerthPlan", "BerthLinux"],
            path: "Tests/Support/BerthTesting",
            swiftSettings: house),
        .testTarget(name: "BerthLinuxTests", dependencies: ["BerthLinux", "BerthTesting"], swiftSettings: house),
        .testTarget(name: "BerthModelTests", dependencies: ["BerthModel", "BerthTesting"], swiftSettings: house),
        .testTarget(
            name: "BerthLoaderTests", dependencies: ["BerthLoader", "BerthTesting"], exclude: ["Fixtures"],
            swiftSettings: house),
        .testTarget(
            name: "BerthPlanTests", dependencies: ["BerthPlan", "BerthTesting"], exclude: ["Fixtures"],
            swiftSettings: house),
        .testTarget(name: "BerthLogTests", dependencies: ["BerthLog", "BerthTesting"], swiftSettings: house),
        .testTarget(name: "BerthStoreTests", dependencies: ["BerthStore", "BerthTesting"], swiftSettings: house),
        .testTarget(name: "BerthTransferTests", dependencies: ["BerthTransfer", "BerthTesting"], swiftSettings: house),
        .testTarget(
            name: "BerthRegistryTests", dependencies: ["BerthRegistry", "BerthTesting"], swiftSettings: house),
        .testTarget(
            name: "BerthBuildTests", dependencies: ["BerthBuild", "BerthTesting"], exclude: ["Fixtures"],
            swiftSettings: house),
        .testTarget(
            name: "BerthInitTests", dependencies: ["BerthInit", "BerthBuild", "BerthLoader", "BerthTesting"],
            exclude: ["Fixtures"], swiftSettings: house),
        .testTarget(name: "BerthDoctorTests", dependencies: ["BerthDoctor"], swiftSettings: house),
        .testTarget(
            name: "BerthNetworkTests", dependencies: ["BerthNetwork", "BerthTesting"], exclude: ["Fixtures"],
            swiftSettings: house),
        .testTarget(
            name: "BerthRuntimeTests", dependencies: ["BerthRuntime", "BerthTesting"], exclude: ["Fixtures"],
            swiftSettings: house),
        .testTarget(
            name: "BerthEngineTests",
            dependencies: ["BerthEngine", "BerthTesting", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: house),
        .testTarget(name: "BerthControlTests", dependencies: ["BerthControl", "BerthTesting"], swiftSettings: house),
        .testTarget(
            name: "BerthCommandTests",
            dependencies: [
                "berth", "BerthControl", "BerthTesting",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], exclude: ["Fixtures"],
            swiftSettings: house),
        .testTarget(
            name: "EndToEndTests", dependencies: ["BerthModel", "BerthTesting"], exclude: ["Fixtures"],
            swiftSettings: house),
        .testTarget(
            name: "BerthOCITests", dependencies: ["BerthRuntime", "BerthModel", "BerthLinux", "BerthTesting"],
            swiftSettings: house),
        .testTarget(name: "TidyTests", dependencies: ["BerthTesting"], swiftSettings: house),
    ]
)

// `BERTH_ROOMS="BerthLoader BerthLoaderTests" swift build` builds only the named targets and what they import.
if let rooms = Context.environment["BERTH_ROOMS"], !rooms.isEmpty {
    var wanted = Set(rooms.split(separator: " ").map(String.init))
    var grew = true
    while grew {
        let before = wanted.count
        for target in package.targets where wanted.contains(target.name) {
            for case .byNameItem(let name, _) in target.dependencies { wanted.insert(name) }
        }
        grew = wanted.count != before
    }
    package.targets.removeAll { !wanted.contains($0.name) }
    package.products.removeAll { !wanted.contains($0.name) }
}
