// swift-tools-version: 5.9
import PackageDescription

let package = Package(
  name: "SpeechLSTM",
  platforms: [.iOS(.v15), .macOS(.v12)],
  products: [.library(name: "SpeechLSTM", targets: ["SpeechLSTM"])],
  dependencies: [
    // A branch, since SwiftPM refuses a version of a package that has unsafe flags, as LiteRT's has.
    .package(url: "https://github.com/google-ai-edge/LiteRT", branch: "release/2.3.0")
  ],
  targets: [
    .target(
      name: "SpeechLSTM",
      dependencies: [
        .product(name: "TensorFlowLite", package: "LiteRT"),  // Interpreter
        .product(name: "LiteRT", package: "LiteRT"),  // CompiledModel
      ]
    )
  ]
)
