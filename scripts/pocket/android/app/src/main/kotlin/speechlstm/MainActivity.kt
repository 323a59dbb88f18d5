package speechlstm

import android.Manifest
import android.app.Activity
import android.content.pm.PackageManager
import android.media.AudioFormat
import android.media.AudioRecord
import android.media.MediaRecorder
import android.os.Bundle
import android.widget.Button
import android.widget.LinearLayout
import android.widget.TextView
import java.util.concurrent.Executors

/** One screen: a button to speak, and what was said. The model is in assets/model.tflite. */
class MainActivity : Activity() {
    private val worker = Executors.newSingleThreadExecutor()
    private lateinit var button: Button
    private lateinit var text: TextView
    private var recognizer: Recognizer? = null // belongs to the worker
    @Volatile private var isRecording = false

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        button = Button(this).apply { setOnClickListener { onButton() } }
        text = TextView(this).apply { textSize = 24f }
        setContentView(
            LinearLayout(this).apply {
                orientation = LinearLayout.VERTICAL
                setPadding(48, 96, 48, 48)
                addView(button)
                addView(text)
            }
        )
        show("Speak", "")
        worker.execute {
            guarded { recognizer = InterpreterRecognizer(assets.open("model.tflite").readBytes()) }
        }
    }

    override fun onDestroy() {
        isRecording = false
        worker.execute { recognizer?.close() }
        worker.shutdown()
        super.onDestroy()
    }

    private fun onButton() {
        if (isRecording) {
            isRecording = false
        } else if (checkSelfPermission(Manifest.permission.RECORD_AUDIO) != GRANTED) {
            requestPermissions(arrayOf(Manifest.permission.RECORD_AUDIO), 0)
        } else {
            start()
        }
    }

    override fun onRequestPermissionsResult(code: Int, names: Array<String>, results: IntArray) {
        if (results.firstOrNull() == GRANTED) start()
        else show("Speak", "The microphone is not allowed; allow it in the settings of this app.")
    }

    private fun start() {
        isRecording = true
        show("Stop", "")
        worker.execute {
            guarded {
                val recognizer = checkNotNull(recognizer) { "there is no model" }
                val samples = record(recognizer.description.sampleRate)
                runOnUiThread { button.isEnabled = false }
                val transcript = recognizer.transcribe(samples)
                runOnUiThread { show("Speak", transcript.text.ifEmpty { "No words heard." }) }
            }
        }
    }

    /** Records until isRecording is false, or for MAX_SECONDS. */
    private fun record(sampleRate: Int): FloatArray {
        val encoding = AudioFormat.ENCODING_PCM_FLOAT
        val channel = AudioFormat.CHANNEL_IN_MONO
        val size = 4 * AudioRecord.getMinBufferSize(sampleRate, channel, encoding)
        val source = MediaRecorder.AudioSource.VOICE_RECOGNITION
        val recorder = AudioRecord(source, sampleRate, channel, encoding, maxOf(size, 16384))
        check(recorder.state == AudioRecord.STATE_INITIALIZED) { "the microphone cannot be opened" }
        val samples = FloatArray(MAX_SECONDS * sampleRate)
        var length = 0
        try {
            recorder.startRecording()
            while (isRecording && length < samples.size) {
                val block = minOf(sampleRate / 10, samples.size - length)
                val read = recorder.read(samples, length, block, AudioRecord.READ_BLOCKING)
                check(read >= 0) { "the microphone has failed ($read)" }
                length += read
            }
        } finally {
            isRecording = false
            recorder.release()
        }
        return samples.copyOf(length)
    }

    /** Runs a task of the worker; an error is shown in one line. */
    private fun guarded(task: () -> Unit) {
        try {
            task()
        } catch (error: Exception) {
            isRecording = false
            runOnUiThread { show("Speak", error.message ?: error.javaClass.simpleName) }
        }
    }

    private fun show(action: String, message: String) {
        button.text = action
        button.isEnabled = true
        text.text = message
    }

    private companion object {
        const val GRANTED = PackageManager.PERMISSION_GRANTED
    }
}
