package android.view

import android.content.Context

open class View(context: Context) {
    open var isEnabled = true

    fun setOnClickListener(listener: (View) -> Unit) {}

    fun setPadding(left: Int, top: Int, right: Int, bottom: Int) {}
}
