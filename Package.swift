// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours: Swift 6, no warning tolerated, every unsafe construct marked where it
/// stands.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name + "Tests", dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
  name: "mirrorfs",
  products: [
    .library(name: "DMIO", targets: ["DMIO", "BlockIO", "BlockIOThreads", "BlockIOUring"]),
    .executable(name: "mirrorfs", targets: ["mirrorfs"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // C: what Swift cannot import by itself.
    .target(name: "CLinux"),
    .systemLibrary(name: "CFUSE3", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
    .systemLibrary(name: "CURing", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),

    // From the devices up; every import points down.
    module("BlockIO", ["CLinux"]),
    module("BlockIOThreads", ["BlockIO"]),
    module("BlockIOUring", ["BlockIO", "CLinux", "CURing"]),
    module("BlockIOFaults", ["BlockIO"]),
    module("DMIO", ["BlockIO"]),
    module("Mirror", ["DMIO", "BlockIO"]),
    module("Volumes", ["Mirror", "DMIO", "BlockIO", "BlockIOFaults"]),
    module("FuseRing", ["BlockIO", "CLinux", "CURing"]),
    module("VolumeFS", ["Volumes", "FuseRing", "CFUSE3", "CLinux"]),
    module("MountConfig", ["BlockIO", "CLinux", yams]),
    .executableTarget(
      name: "mirrorfs",
      dependencies: [
        "VolumeFS", "Volumes", "Mirror", "DMIO", "BlockIO", "BlockIOThreads", "BlockIOUring",
        "BlockIOFaults",
        "MountConfig", "CLinux", logging, arguments,
      ],
      swiftSettings: strict),

    // The engine by hand and in scripts: integration/cases/engine.
    .executableTarget(
      name: "dmio-tool",
      dependencies: ["DMIO", "BlockIO", "BlockIOThreads", "BlockIOUring", arguments],
      swiftSettings: strict),

    // Benchmarks/engine/run: the engine beside plain C.
    .target(
      name: "EngineBaseline", dependencies: ["CURing"], path: "Benchmarks/engine/Baseline"),
    .executableTarget(
      name: "engine-benchmark",
      dependencies: ["EngineBaseline", "DMIO", "BlockIO", "BlockIOUring"],
      path: "Benchmarks/engine/Program", swiftSettings: strict),

    tests("BlockIO", ["BlockIO", "BlockIOThreads", "BlockIOUring", "BlockIOFaults"]),
    tests("DMIO", ["DMIO", "BlockIO", "BlockIOThreads", "BlockIOUring", "BlockIOFaults"]),
    tests("Mirror", ["Mirror", "DMIO", "BlockIO", "BlockIOThreads", "BlockIOFaults"]),
    tests("Volumes", ["Volumes", "Mirror", "DMIO", "BlockIO", "BlockIOFaults"]),
    tests("FuseRing", ["FuseRing"]),
    tests("VolumeFS", ["VolumeFS", "BlockIO"]),
    tests("MountConfig", ["MountConfig", "BlockIO"]),
    tests("Style", []),
  ]
)
