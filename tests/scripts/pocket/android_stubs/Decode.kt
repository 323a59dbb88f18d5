package speechlstm

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Notes what the network is given. */
private class Listener(override val description: Description) : Recognizer {
    var given = FloatArray(0)

    override fun logProbs(samples: FloatArray): FloatArray {
        given = samples
        return FloatArray(description.numFrames(samples.size) * description.width)
    }

    override fun close() {}
}

/**
 * Runs the app's decoder on the JVM: MODEL, then FILE.f32 and the number of samples, repeated. For
 * each, a line with the words and their times, then what the network is given of a step from 0.5 to
 * 0.25, and of one from 1/2048. Last, the model with the length of the first.
 */
fun main(arguments: Array<String>) {
    val file = ModelFile(File(arguments[0]).readBytes())
    val description = file.description
    for (i in 1 until arguments.size - 1 step 2) {
        val numSamples = arguments[i + 1].toInt()
        val bytes = ByteBuffer.wrap(File(arguments[i]).readBytes()).order(ByteOrder.LITTLE_ENDIAN)
        val logProbs = FloatArray(bytes.remaining() / 4) { bytes.getFloat() }
        check(logProbs.size == description.numFrames(numSamples) * description.width)
        val duration = numSamples.toDouble() / description.sampleRate
        val words = greedyDecode(logProbs, description, duration).words
        println(words.joinToString(" ") { "${it.text},${it.start},${it.end},${it.confidence}" })
    }
    val listener = Listener(description)
    for (step in listOf(0.5f, 1f / 2048)) {
        listener.transcribe(FloatArray(3200) { if (it < 1600) step else step / 2 })
        println("${listener.given.first()} ${listener.given.last()}")
    }
    file.setLength(arguments[2].toInt())
    File(arguments[0] + ".fixed").writeBytes(file.bytes)
}
