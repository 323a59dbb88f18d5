import Foundation

// LiteRT's litert/swift/Sources, release/2.3.0.
public final class Options {}

public final class Environment {
  public enum Option {}

  public init(options: [Option] = []) throws {}
}

public final class TensorBuffer {
  public func write<T>(_ data: [T]) throws {}

  public func read<T>() throws -> [T] { fatalError() }
}

public final class CompiledModel {
  public init(data: Data, environment: Environment, options: Options? = nil) throws {}

  public func createInputBuffers(signatureIndex: Int = 0) throws -> [TensorBuffer] { fatalError() }

  public func run(
    inputs: [TensorBuffer], options: Options? = nil, signatureIndex: Int = 0
  ) throws -> [TensorBuffer] { fatalError() }
}
