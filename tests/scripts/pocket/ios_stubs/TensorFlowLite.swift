import Foundation

// LiteRT's tflite/swift/Sources, release/2.3.0.
public struct Tensor {
  public struct Shape {
    public init(_ dimensions: [Int]) {}
  }

  public let data: Data
}

public final class Interpreter {
  public init(modelData: Data) throws {}

  public func resizeInput(at index: Int, to shape: Tensor.Shape) throws {}

  public func allocateTensors() throws {}

  @discardableResult
  public func copy(_ data: Data, toInputAt index: Int) throws -> Tensor { fatalError() }

  public func invoke() throws {}

  public func output(at index: Int) throws -> Tensor { fatalError() }
}
