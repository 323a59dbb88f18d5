plugins {
    id("com.android.application") version "8.7.3"
    id("org.jetbrains.kotlin.android") version "2.1.0"
}

android {
    namespace = "speechlstm"
    compileSdk = 35
    defaultConfig {
        applicationId = "speechlstm.pocket"
        minSdk = 26
        targetSdk = 35
        versionCode = 1
        versionName = "0.2.0"
    }
    androidResources {
        noCompress += "tflite" // so that the model can be mapped into memory
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
    kotlinOptions {
        jvmTarget = "17"
    }
}

dependencies {
    // 2.0.x had no org.tensorflow.lite.Interpreter; it is back since 2.1.0, beside CompiledModel.
    implementation("com.google.ai.edge.litert:litert:2.1.5")
}
