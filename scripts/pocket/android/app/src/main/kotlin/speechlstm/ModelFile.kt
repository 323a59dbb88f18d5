package speechlstm

import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.json.JSONException
import org.json.JSONObject

/** A model file is damaged, or speechlstm has not written it. The message is one line. */
class ModelException(message: String) : Exception(message)

/**
 * What the input and the output of a model mean: see data/README.md of the project.
 *
 * @property sampleRate of the input, in Hz
 * @property hopSamples samples from one feature frame to the next
 * @property isLevelled whether a recording is given without its mean, and no quieter than LEAST_PEAK
 * @property frameStack feature frames in an output frame
 * @property symbols those of labels 1 and up; label 0 is CTC's blank
 * @property separator written between symbols; "" for characters
 * @property width the number of columns of the output; further columns are those of phones
 */
class Description(
    val sampleRate: Int,
    val hopSamples: Int,
    val isLevelled: Boolean,
    val frameStack: Int,
    val symbols: List<String>,
    val separator: String,
    val width: Int,
) {
    val frameSeconds: Double
        get() = hopSamples.toDouble() * frameStack / sampleRate

    /** The number of output frames of a recording. */
    fun numFrames(numSamples: Int): Int =
        (1 + numSamples / hopSamples + frameStack - 1) / frameStack
}

/**
 * The content of a .tflite file, which is a FlatBuffer. ByteBuffer refuses positions outside the
 * file; what it throws becomes a [ModelException].
 */
class ModelFile(val bytes: ByteArray) {
    private val buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)

    /** The description that speechlstm has put into the file. */
    val description: Description = reading { parse(String(metadata(), Charsets.UTF_8)) }

    /**
     * Writes the length of a recording into the shapes of input and output, in place: CompiledModel
     * needs them before it compiles.
     */
    fun setLength(numSamples: Int) = reading {
        val graph = tables(follow(0), SUBGRAPHS).first()
        setDimension(graph, INPUTS, numSamples)
        setDimension(graph, OUTPUTS, description.numFrames(numSamples))
    }

    private fun setDimension(graph: Int, ends: Int, size: Int) {
        val tensor = tables(graph, TENSORS)[buffer.getInt(vector(graph, ends) + 4)]
        for (field in listOf(SHAPE, SHAPE_SIGNATURE)) {
            if (place(tensor, field) == 0) continue
            val shape = vector(tensor, field)
            if (buffer.getInt(shape) < 2) throw ModelException("a tensor has too few dimensions")
            buffer.putInt(shape + 8, size)
        }
    }

    private fun metadata(): ByteArray {
        if (bytes.size < 8 || String(bytes, 4, 4, Charsets.US_ASCII) != "TFL3") {
            throw ModelException("this is no .tflite file")
        }
        val model = follow(0)
        val entry = tables(model, METADATA).firstOrNull { text(it) == "speechlstm" }
            ?: throw ModelException("this .tflite file is not from speechlstm export")
        val index = place(entry, METADATA_BUFFER).let { if (it == 0) 0 else buffer.getInt(it) }
        val data = vector(tables(model, BUFFERS)[index], BUFFER_DATA)
        return slice(data + 4, buffer.getInt(data))
    }

    private fun text(entry: Int): String {
        val name = vector(entry, METADATA_NAME)
        return String(slice(name + 4, buffer.getInt(name)), Charsets.UTF_8)
    }

    private fun slice(start: Int, length: Int): ByteArray {
        if (start < 0 || length < 0 || length > bytes.size - start) {
            throw IndexOutOfBoundsException("byte $start")
        }
        return bytes.copyOfRange(start, start + length)
    }

    /** The position of a field of a table; 0: it is missing. */
    private fun place(table: Int, field: Int): Int {
        val vtable = table - buffer.getInt(table)
        val entry = 4 + 2 * field
        if (entry + 2 > buffer.getShort(vtable).toInt().and(0xffff)) return 0
        val offset = buffer.getShort(vtable + entry).toInt().and(0xffff)
        return if (offset == 0) 0 else table + offset
    }

    /** The position of a vector: that of its length, which its items follow. */
    private fun vector(table: Int, field: Int): Int {
        val place = place(table, field)
        if (place == 0) throw IndexOutOfBoundsException("field $field is missing")
        return follow(place)
    }

    private fun tables(table: Int, field: Int): List<Int> {
        val vector = vector(table, field)
        val length = buffer.getInt(vector)
        if (length < 0 || length > bytes.size / 4) throw IndexOutOfBoundsException("byte $vector")
        return List(length) { follow(vector + 4 + 4 * it) }
    }

    private fun follow(position: Int): Int = Math.addExact(position, buffer.getInt(position))

    private fun <T> reading(read: () -> T): T =
        try {
            read()
        } catch (error: IndexOutOfBoundsException) {
            throw ModelException("the .tflite file is damaged: ${error.message}")
        } catch (error: ArithmeticException) {
            throw ModelException("the .tflite file is damaged: ${error.message}")
        } catch (error: JSONException) {
            throw ModelException("the description in the .tflite file is damaged: ${error.message}")
        }

    private companion object {
        // Numbers of fields in TensorFlow Lite's schema.fbs.
        const val SUBGRAPHS = 2
        const val BUFFERS = 4
        const val METADATA = 6
        const val TENSORS = 0
        const val INPUTS = 1
        const val OUTPUTS = 2
        const val SHAPE = 0
        const val SHAPE_SIGNATURE = 7
        const val METADATA_NAME = 0
        const val METADATA_BUFFER = 1
        const val BUFFER_DATA = 0

        fun parse(json: String): Description {
            val values = JSONObject(json)
            if (values.getInt("format_version") != 1) {
                throw ModelException("the model has another format version; update this app")
            }
            val features = values.getJSONObject("features")
            val alphabet = values.getJSONObject("alphabet")
            val symbols = alphabet.getJSONArray("symbols")
            val phones = values.optJSONObject("phones")?.getJSONArray("symbols")
            val sampleRate = features.getInt("sample_rate")
            val hopSamples = Math.round(sampleRate * features.getDouble("hop_ms") / 1000).toInt()
            val frameStack = values.getJSONObject("model").getInt("frame_stack")
            if (hopSamples < 1 || frameStack < 1) throw ModelException("the description is damaged")
            return Description(
                sampleRate,
                hopSamples,
                features.getString("normalize") in listOf("mean", "mean_variance"),
                frameStack,
                List(symbols.length()) { symbols.getString(it) },
                alphabet.getString("separator"),
                symbols.length() + 1 + if (phones == null) 0 else phones.length() + 1,
            )
        }
    }
}
