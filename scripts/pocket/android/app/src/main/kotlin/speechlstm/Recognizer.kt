package speechlstm

import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import java.io.Closeable
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import org.tensorflow.lite.Interpreter

/** The longest recording that a network is given, in seconds: its memory grows with the length. */
const val MAX_SECONDS = 20

/** The least peak that a network is given, -30 dB: its features have a floor. */
const val LEAST_PEAK = 0.03f

/** Turns a waveform into words, by the best path. One thread at a time. */
interface Recognizer : Closeable {
    val description: Description

    /**
     * Transcribes a recording.
     *
     * @param samples at description.sampleRate, in [-1, 1], of 0.05 to MAX_SECONDS seconds
     */
    fun transcribe(samples: FloatArray): Transcript {
        val seconds = samples.size.toDouble() / description.sampleRate
        require(seconds in 0.05..MAX_SECONDS.toDouble()) {
            "a recording must last 0.05 to $MAX_SECONDS s, not %.2f".format(seconds)
        }
        val given = if (description.isLevelled) levelled(samples) else samples
        return greedyDecode(logProbs(given), description, seconds)
    }

    /** Natural log-probabilities, description.numFrames(samples.size) rows one after another. */
    fun logProbs(samples: FloatArray): FloatArray
}

private fun levelled(samples: FloatArray): FloatArray {
    val mean = samples.sumOf { it.toDouble() } / samples.size
    val given = FloatArray(samples.size) { samples[it] - mean.toFloat() }
    val peak = given.maxOf { abs(it) }
    if (peak == 0f || peak >= LEAST_PEAK) return given
    return FloatArray(samples.size) { given[it] / peak * LEAST_PEAK }
}

/** Runs `model.tflite`, whose fused LSTMs keep a state, in TensorFlow Lite's Interpreter. */
class InterpreterRecognizer(model: ByteArray) : Recognizer {
    override val description = ModelFile(model).description
    private val interpreter = Interpreter(direct(model), Interpreter.Options().setNumThreads(1))

    override fun logProbs(samples: FloatArray): FloatArray {
        interpreter.resizeInput(0, intArrayOf(1, samples.size))
        interpreter.allocateTensors()
        interpreter.resetVariableTensors() // else the last recording goes on
        val numFrames = description.numFrames(samples.size)
        val output = Array(1) { Array(numFrames) { FloatArray(description.width) } }
        interpreter.run(arrayOf(samples), output)
        val flat = FloatArray(numFrames * description.width)
        output[0].forEachIndexed { frame, row -> row.copyInto(flat, frame * description.width) }
        return flat
    }

    override fun close() = interpreter.close()

    private fun direct(model: ByteArray): ByteBuffer =
        ByteBuffer.allocateDirect(model.size).order(ByteOrder.nativeOrder()).apply {
            put(model)
            rewind()
        }
}

/**
 * Runs `model.portable.tflite` in CompiledModel, which needs the length of the recording before it
 * compiles. So the file is written anew for each length.
 *
 * @param model the content of the file
 * @param folder where the file with the length is written, such as Context.cacheDir
 */
class CompiledRecognizer(model: ByteArray, private val folder: File) : Recognizer {
    private val file = ModelFile(model.copyOf())
    override val description = file.description
    private var compiled: CompiledModel? = null
    private var numSamples = 0

    override fun logProbs(samples: FloatArray): FloatArray {
        val model = compiledFor(samples.size)
        val inputs = model.createInputBuffers()
        val outputs = model.createOutputBuffers()
        try {
            inputs[0].writeFloat(samples)
            model.run(inputs, outputs)
            return outputs[0].readFloat()
        } finally {
            (inputs + outputs).forEach { it.close() }
        }
    }

    private fun compiledFor(length: Int): CompiledModel {
        compiled?.let { if (length == numSamples) return it }
        close()
        file.setLength(length)
        val path = File(folder, "model.tflite")
        path.writeBytes(file.bytes)
        return CompiledModel.create(path.path, CompiledModel.Options(Accelerator.CPU)).also {
            compiled = it
            numSamples = length
        }
    }

    override fun close() {
        compiled?.close()
        compiled = null
    }
}
