package org.tensorflow.lite

import java.nio.ByteBuffer

// LiteRT's Interpreter.java, release 2.1.5.
class Interpreter(model: ByteBuffer, options: Options) : AutoCloseable {
    class Options {
        fun setNumThreads(number: Int): Options = this
    }

    fun resizeInput(index: Int, shape: IntArray) {}

    fun allocateTensors() {}

    fun resetVariableTensors() {}

    fun run(input: Any, output: Any) {}

    override fun close() {}
}
