import Foundation

/// A model file is damaged, or speechlstm has not written it; or a recording has a wrong length.
public struct RecognizerError: LocalizedError {
  public let errorDescription: String?

  init(_ message: String) {
    errorDescription = message
  }
}

/// What the input and the output of a model mean: see data/README.md of the project.
public struct Description {
  /// Of the input, in Hz.
  public let sampleRate: Int
  /// Samples from one feature frame to the next.
  let hopSamples: Int
  /// Whether a recording is given without its mean, and no quieter than leastPeak.
  let isLevelled: Bool
  /// Feature frames in an output frame.
  let frameStack: Int
  /// The symbols of labels 1 and up; label 0 is CTC's blank.
  let symbols: [String]
  /// Written between symbols; "" for characters.
  let separator: String
  /// The number of columns of the output; those after the symbols are the phones'.
  let width: Int

  var frameSeconds: Double {
    Double(hopSamples * frameStack) / Double(sampleRate)
  }

  /// The number of output frames of a recording.
  func numFrames(_ numSamples: Int) -> Int {
    (1 + numSamples / hopSamples + frameStack - 1) / frameStack
  }
}

/// The content of a .tflite file, which is a FlatBuffer; every access is checked to lie within it.
struct ModelFile {
  private(set) var bytes: [UInt8]
  let description: Description

  // Numbers of fields in TensorFlow Lite's schema.fbs.
  private enum Model { static let subgraphs = 2, buffers = 4, metadata = 6 }
  private enum Subgraph { static let tensors = 0, inputs = 1, outputs = 2 }
  private enum Tensor { static let shape = 0, shapeSignature = 7 }
  private enum Metadata { static let name = 0, buffer = 1 }
  private static let bufferData = 0

  init(_ data: Data) throws {
    bytes = [UInt8](data)
    let reader = Reader(bytes: bytes)
    guard bytes.count >= 8, Array(bytes[4..<8]) == Array("TFL3".utf8) else {
      throw RecognizerError("this is no .tflite file")
    }
    let model = try reader.follow(0)
    let entry = try reader.tables(model, Model.metadata).first {
      try reader.text($0, Metadata.name) == "speechlstm"
    }
    guard let entry else {
      throw RecognizerError("this .tflite file is not from speechlstm export")
    }
    let place = try reader.place(entry, Metadata.buffer)
    let index = place == 0 ? 0 : try reader.int32(place)
    let buffers = try reader.tables(model, Model.buffers)
    guard buffers.indices.contains(index) else { throw reader.damaged(index) }
    description = try Self.parse(Data(try reader.items(buffers[index], Self.bufferData)))
  }

  /// Writes the length of a recording into the shapes of input and output, in place: CompiledModel
  /// needs them before it compiles.
  mutating func setLength(_ numSamples: Int) throws {
    let reader = Reader(bytes: bytes)
    let graphs = try reader.tables(try reader.follow(0), Model.subgraphs)
    guard let graph = graphs.first else { throw reader.damaged(0) }
    let sizes = [
      (Subgraph.inputs, numSamples), (Subgraph.outputs, description.numFrames(numSamples)),
    ]
    for (ends, size) in sizes {
      let tensors = try reader.tables(graph, Subgraph.tensors)
      let index = try reader.int32(try reader.vector(graph, ends) + 4)
      guard tensors.indices.contains(index) else { throw reader.damaged(index) }
      for field in [Tensor.shape, Tensor.shapeSignature] {
        if try reader.place(tensors[index], field) == 0 { continue }
        let shape = try reader.vector(tensors[index], field)
        guard try reader.int32(shape) >= 2 else { throw reader.damaged(shape) }
        _ = try reader.int32(shape + 8)
        withUnsafeBytes(of: Int32(size).littleEndian) {
          bytes.replaceSubrange(shape + 8..<shape + 12, with: $0)
        }
      }
    }
  }

  private static func parse(_ json: Data) throws -> Description {
    let damaged = RecognizerError("the description in the .tflite file is damaged")
    guard
      let values = try? JSONSerialization.jsonObject(with: json) as? [String: Any],
      let features = values["features"] as? [String: Any],
      let alphabet = values["alphabet"] as? [String: Any],
      let network = values["model"] as? [String: Any],
      let sampleRate = features["sample_rate"] as? Int,
      let hopMs = features["hop_ms"] as? Double,
      let normalize = features["normalize"] as? String,
      let frameStack = network["frame_stack"] as? Int,
      let symbols = alphabet["symbols"] as? [String],
      let separator = alphabet["separator"] as? String
    else { throw damaged }
    guard values["format_version"] as? Int == 1 else {
      throw RecognizerError("the model has another format version; update this app")
    }
    let phones = (values["phones"] as? [String: Any])?["symbols"] as? [String]
    let hop = (Double(sampleRate) * hopMs / 1000).rounded()
    guard hop >= 1, hop < 1e6, (1...1000).contains(frameStack) else { throw damaged }
    return Description(
      sampleRate: sampleRate,
      hopSamples: Int(hop),
      isLevelled: ["mean", "mean_variance"].contains(normalize),
      frameStack: frameStack,
      symbols: symbols,
      separator: separator,
      width: symbols.count + 1 + (phones.map { $0.count + 1 } ?? 0)
    )
  }
}

/// Reads tables and vectors of a FlatBuffer.
private struct Reader {
  let bytes: [UInt8]

  func damaged(_ position: Int) -> RecognizerError {
    RecognizerError("the .tflite file is damaged at byte \(position)")
  }

  func int32(_ position: Int) throws -> Int {
    guard position >= 0, position <= bytes.count - 4 else { throw damaged(position) }
    let parts = (0..<4).map { UInt32(bytes[position + $0]) << UInt32(8 * $0) }
    return Int(Int32(bitPattern: parts.reduce(0, |)))
  }

  func uint16(_ position: Int) throws -> Int {
    guard position >= 0, position <= bytes.count - 2 else { throw damaged(position) }
    return Int(bytes[position]) | Int(bytes[position + 1]) << 8
  }

  func follow(_ position: Int) throws -> Int {
    position + (try int32(position))
  }

  /// The position of a field of a table; 0: it is missing.
  func place(_ table: Int, _ field: Int) throws -> Int {
    let vtable = table - (try int32(table))
    let entry = 4 + 2 * field
    guard entry + 2 <= (try uint16(vtable)) else { return 0 }
    let offset = try uint16(vtable + entry)
    return offset == 0 ? 0 : table + offset
  }

  /// The position of a vector: that of its length, which its items follow.
  func vector(_ table: Int, _ field: Int) throws -> Int {
    let place = try place(table, field)
    guard place != 0 else { throw damaged(table) }
    return try follow(place)
  }

  func tables(_ table: Int, _ field: Int) throws -> [Int] {
    let start = try vector(table, field)
    let length = try int32(start)
    guard length >= 0, length <= bytes.count / 4 else { throw damaged(start) }
    return try (0..<length).map { try follow(start + 4 + 4 * $0) }
  }

  func items(_ table: Int, _ field: Int) throws -> ArraySlice<UInt8> {
    let start = try vector(table, field)
    let length = try int32(start)
    guard length >= 0, length <= bytes.count - start - 4 else { throw damaged(start) }
    return bytes[start + 4..<start + 4 + length]
  }

  func text(_ table: Int, _ field: Int) throws -> String {
    String(decoding: try items(table, field), as: UTF8.self)
  }
}
