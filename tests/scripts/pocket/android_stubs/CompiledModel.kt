package com.google.ai.edge.litert

// LiteRT's CompiledModel and TensorBuffer, release 2.1.5.
enum class Accelerator { CPU }

class TensorBuffer : AutoCloseable {
    fun writeFloat(data: FloatArray) {}

    fun readFloat(): FloatArray = TODO()

    override fun close() {}
}

class CompiledModel : AutoCloseable {
    class Options(vararg accelerators: Accelerator)

    fun createInputBuffers(): List<TensorBuffer> = TODO()

    fun createOutputBuffers(): List<TensorBuffer> = TODO()

    fun run(inputs: List<TensorBuffer>, outputs: List<TensorBuffer>) {}

    override fun close() {}

    companion object {
        fun create(path: String, options: Options): CompiledModel = TODO()
    }
}
