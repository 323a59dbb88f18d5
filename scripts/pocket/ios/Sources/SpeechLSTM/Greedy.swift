import Foundation

/// A word, when it is said (in seconds), and its confidence: 0...1.
public struct Word {
  public let text: String
  public let start: Double
  public let end: Double
  public let confidence: Double
}

/// A label and the frames that emit it.
private struct Emission {
  let label: Int
  var frames: Range<Int>
}

/// Greedy decoding: the likeliest label of each frame, repeats collapsed, blanks dropped. The same as
/// speechlstm/decoding/greedy.py.
///
/// - Parameters:
///   - logProbs: natural log-probabilities, rows of description.width columns
///   - duration: of the recording in seconds; no word ends later
func greedyDecode(_ logProbs: [Float], _ description: Description, duration: Double) -> [Word] {
  let numFrames = logProbs.count / description.width
  // The last frame is shortened to the rest of the recording, but not to less than half a frame.
  func time(_ frame: Int) -> Double {
    let start = Double(frame) * description.frameSeconds
    if frame == numFrames { return min(start, duration) }
    return min(start, max(0, duration - description.frameSeconds / 2))
  }
  return words(emissions(logProbs, description), description).map { word in
    let logs = word.flatMap { emission in
      emission.frames.map { Double(logProbs[$0 * description.width + emission.label]) }
    }
    return Word(
      text: word.map { description.symbols[$0.label - 1] }.joined(),
      start: time(word[0].frames.lowerBound),
      end: time(word[word.count - 1].frames.upperBound),
      confidence: min(1, exp(logs.reduce(0, +) / Double(logs.count)))
    )
  }
}

private func emissions(_ logProbs: [Float], _ description: Description) -> [Emission] {
  var found: [Emission] = []
  var last = 0
  for frame in 0..<logProbs.count / description.width {
    let row = logProbs[(frame * description.width)...]
    var label = 0  // CTC's blank
    for k in 1...description.symbols.count where row[row.startIndex + k] > row[row.startIndex + label] {
      label = k
    }
    if label != 0 && label == last {
      found[found.count - 1].frames = found[found.count - 1].frames.lowerBound..<frame + 1
    } else if label != 0 {
      found.append(Emission(label: label, frames: frame..<frame + 1))
    }
    last = label
  }
  return found
}

/// The emissions of each word. Spaces separate words; with a separator, each symbol is a word.
private func words(_ emissions: [Emission], _ description: Description) -> [[Emission]] {
  if !description.separator.isEmpty { return emissions.map { [$0] } }
  return emissions.split { description.symbols[$0.label - 1] == " " }.map(Array.init)
}
