// The members of Android's classes that the app uses, so that it compiles without the SDK. Nothing
// here runs. Signatures: developer.android.com/reference.

package android

object Manifest {
    object permission {
        const val RECORD_AUDIO = "android.permission.RECORD_AUDIO"
    }
}
