package android.app

import android.content.Context
import android.content.res.AssetManager
import android.os.Bundle
import android.view.View

open class Activity : Context() {
    val assets: AssetManager = TODO()

    protected open fun onCreate(state: Bundle?) {}

    protected open fun onDestroy() {}

    open fun onRequestPermissionsResult(code: Int, names: Array<String>, results: IntArray) {}

    fun checkSelfPermission(name: String): Int = TODO()

    fun requestPermissions(names: Array<String>, code: Int) {}

    fun setContentView(view: View) {}

    fun runOnUiThread(task: Runnable) {}
}
