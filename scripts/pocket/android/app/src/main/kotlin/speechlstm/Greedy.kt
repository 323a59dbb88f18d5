package speechlstm

/** A word, when it is said (in seconds), and its confidence: 0..1. */
data class Word(val text: String, val start: Double, val end: Double, val confidence: Double)

/** The words of a recording. */
class Transcript(val words: List<Word>) {
    val text: String
        get() = words.joinToString(" ") { it.text }
}

private const val BLANK = 0

/** A label and the frames start to stop - 1 that emit it. */
private class Emission(val label: Int, val start: Int, var stop: Int)

/**
 * Greedy decoding: the likeliest label of each frame, repeats collapsed, blanks dropped. The same as
 * speechlstm/decoding/greedy.py.
 *
 * @param logProbs natural log-probabilities, numFrames rows of description.width columns, of which
 *   the first are those of the characters
 * @param duration of the recording in seconds; no word ends later
 */
fun greedyDecode(logProbs: FloatArray, description: Description, duration: Double): Transcript {
    val emissions = emissions(logProbs, description)
    val words = words(emissions, description).map { word ->
        val text = word.joinToString("") { description.symbols[it.label - 1] }
        val numFrames = logProbs.size / description.width
        Word(
            text,
            time(word.first().start, numFrames, description, duration),
            time(word.last().stop, numFrames, description, duration),
            confidence(word, logProbs, description),
        )
    }
    return Transcript(words)
}

private fun emissions(logProbs: FloatArray, description: Description): List<Emission> {
    val found = mutableListOf<Emission>()
    var last = BLANK
    for (frame in 0 until logProbs.size / description.width) {
        val first = frame * description.width
        var label = BLANK
        for (k in 1..description.symbols.size) {
            if (logProbs[first + k] > logProbs[first + label]) label = k
        }
        if (label != BLANK && label == last) found.last().stop = frame + 1
        else if (label != BLANK) found.add(Emission(label, frame, frame + 1))
        last = label
    }
    return found
}

/** The emissions of each word. Spaces separate words; with a separator, each symbol is a word. */
private fun words(emissions: List<Emission>, description: Description): List<List<Emission>> {
    val words = mutableListOf<MutableList<Emission>>()
    var isWithin = false
    for (emission in emissions) {
        val continues = isWithin && description.separator.isEmpty()
        isWithin = description.symbols[emission.label - 1] != " "
        if (!isWithin) continue
        if (!continues) words.add(mutableListOf())
        words.last().add(emission)
    }
    return words
}

/** The geometric mean posterior of the frames that emit a word. */
private fun confidence(word: List<Emission>, logProbs: FloatArray, description: Description): Double {
    var sum = 0.0
    var count = 0
    for (emission in word) {
        for (frame in emission.start until emission.stop) {
            sum += logProbs[frame * description.width + emission.label]
            count++
        }
    }
    return minOf(1.0, Math.exp(sum / count))
}

/** When a frame begins. The last one is shortened to the rest of the recording, or half a frame. */
private fun time(frame: Int, numFrames: Int, description: Description, duration: Double): Double {
    val start = frame * description.frameSeconds
    if (frame == numFrames) return minOf(start, duration)
    return minOf(start, maxOf(0.0, duration - description.frameSeconds / 2))
}
