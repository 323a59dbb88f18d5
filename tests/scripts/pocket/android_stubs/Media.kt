package android.media

object AudioFormat {
    const val ENCODING_PCM_FLOAT = 4
    const val CHANNEL_IN_MONO = 16
}

object MediaRecorder {
    object AudioSource {
        const val VOICE_RECOGNITION = 6
    }
}

class AudioRecord(source: Int, rate: Int, channel: Int, encoding: Int, size: Int) {
    val state: Int = TODO()

    fun startRecording() {}

    fun read(samples: FloatArray, offset: Int, size: Int, mode: Int): Int = TODO()

    fun release() {}

    companion object {
        const val STATE_INITIALIZED = 1
        const val READ_BLOCKING = 0

        fun getMinBufferSize(rate: Int, channel: Int, encoding: Int): Int = TODO()
    }
}
