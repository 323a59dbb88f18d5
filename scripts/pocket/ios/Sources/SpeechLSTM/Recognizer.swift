import Foundation
import LiteRT
import TensorFlowLite

/// Turns a waveform into words, by the best path. One thread at a time.
public protocol Recognizer: AnyObject {
  var description: Description { get }

  /// Natural log-probabilities, one frame after another.
  func logProbs(_ samples: [Float]) throws -> [Float]
}

extension Recognizer {
  /// Transcribes a recording.
  ///
  /// - Parameter samples: at description.sampleRate, in -1...1, of 0.05 to 20 seconds: the network's
  ///   memory grows with the length
  public func transcribe(_ samples: [Float]) throws -> [Word] {
    let seconds = Double(samples.count) / Double(description.sampleRate)
    guard (0.05...20).contains(seconds) else {
      throw RecognizerError("a recording must last 0.05 to 20 s, not \(seconds)")
    }
    let outputs = try logProbs(description.isLevelled ? levelled(samples) : samples)
    guard outputs.count == description.numFrames(samples.count) * description.width else {
      throw RecognizerError("the model computes \(outputs.count) numbers, which is wrong")
    }
    return greedyDecode(outputs, description, duration: seconds)
  }
}

/// The least peak that a network is given, -30 dB: its features have a floor.
private let leastPeak: Float = 0.03

private func levelled(_ samples: [Float]) -> [Float] {
  let mean = samples.reduce(0.0) { $0 + Double($1) } / Double(samples.count)
  let given = samples.map { $0 - Float(mean) }
  let peak = given.reduce(0) { max($0, abs($1)) }
  return 0 < peak && peak < leastPeak ? given.map { $0 / peak * leastPeak } : given
}

/// Runs `model.tflite`, whose fused LSTMs keep a state, in TensorFlow Lite's Interpreter. Swift's has
/// no call that resets it, and allocateTensors does not: so each recording gets an interpreter of its
/// own, which takes 2 ms.
public final class InterpreterRecognizer: Recognizer {
  public let description: Description
  private let model: Data

  public init(model: Data) throws {
    self.model = model
    description = try ModelFile(model).description
  }

  public func logProbs(_ samples: [Float]) throws -> [Float] {
    let interpreter = try Interpreter(modelData: model)
    try interpreter.resizeInput(at: 0, to: Tensor.Shape([1, samples.count]))
    try interpreter.allocateTensors()
    try interpreter.copy(samples.withUnsafeBufferPointer { Data(buffer: $0) }, toInputAt: 0)
    try interpreter.invoke()
    let data = try interpreter.output(at: 0).data
    return data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }
}

/// Runs `model.portable.tflite` in CompiledModel, which needs the length of the recording before it
/// compiles.
public final class CompiledRecognizer: Recognizer {
  public let description: Description
  private let environment: Environment
  private var file: ModelFile
  private var compiled: (numSamples: Int, model: CompiledModel)?

  public init(model: Data) throws {
    file = try ModelFile(model)
    description = file.description
    environment = try Environment()
  }

  public func logProbs(_ samples: [Float]) throws -> [Float] {
    let model = try compiledModel(samples.count)
    let inputs = try model.createInputBuffers()
    try inputs[0].write(samples)
    let outputs = try model.run(inputs: inputs)
    return try outputs[0].read()
  }

  private func compiledModel(_ numSamples: Int) throws -> CompiledModel {
    if let compiled, compiled.numSamples == numSamples { return compiled.model }
    try file.setLength(numSamples)
    let model = try CompiledModel(data: Data(file.bytes), environment: environment)
    compiled = (numSamples, model)
    return model
  }
}
