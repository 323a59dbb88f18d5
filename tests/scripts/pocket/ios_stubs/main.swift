import Foundation

/// Notes what the network is given.
final class Listener: Recognizer {
  let description: Description
  var given: [Float] = []

  init(_ description: Description) { self.description = description }

  func logProbs(_ samples: [Float]) -> [Float] {
    given = samples
    return Array(repeating: 0, count: description.numFrames(samples.count) * description.width)
  }
}

// Runs the app's decoder: MODEL, then FILE.f32 and the number of samples, repeated. For each, a line
// with the words and their times, then what the network is given of a step from 0.5 to 0.25, and of
// one from 1/2048. Last, the model with the length of the first.
do {
  let arguments = CommandLine.arguments
  let data = try Data(contentsOf: URL(fileURLWithPath: arguments[1]))
  var file = try ModelFile(data)
  for i in stride(from: 2, to: arguments.count - 1, by: 2) {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: arguments[i]))
    let logProbs = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    let numSamples = Int(arguments[i + 1])!
    precondition(logProbs.count == file.description.numFrames(numSamples) * file.description.width)
    let duration = Double(numSamples) / Double(file.description.sampleRate)
    let words = greedyDecode(logProbs, file.description, duration: duration)
    print(words.map { "\($0.text),\($0.start),\($0.end),\($0.confidence)" }.joined(separator: " "))
  }
  if arguments.count > 3 {
    let listener = Listener(file.description)
    for step: Float in [0.5, 1 / 2048] {
      _ = try listener.transcribe((0..<3200).map { $0 < 1600 ? step : step / 2 })
      print(listener.given[0], listener.given[3199])
    }
    try file.setLength(Int(arguments[3])!)
    try Data(file.bytes).write(to: URL(fileURLWithPath: arguments[1] + ".fixed"))
  }
} catch {
  FileHandle.standardError.write(Data("\(error.localizedDescription)\n".utf8))
  exit(1)
}
