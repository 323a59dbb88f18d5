// recognise model.portable.tflite recording.wav [log_probs.f32]: the text of the likeliest labels, by LiteRT's C API.
// The recording: 16-bit PCM, mono, at the model's sample rate, up to 20 s. ../README.md says how to build this.
#include "files.h"

// What this uses of litert/c/*.h in LiteRT 2.3 (https://github.com/google-ai-edge/LiteRT), which its wheel lacks.
typedef void* Handle;
typedef struct { int element_type; unsigned rank : 7, has_strides : 1; int32_t dimensions[8]; uint32_t strides[8]; } TensorType;
int LiteRtCreateEnvironment(int, const void*, Handle*), LiteRtCreateOptions(Handle*);
int LiteRtSetOptionsHardwareAccelerators(Handle options, int set);
int LiteRtCreateModelFromBuffer(Handle environment, const void*, size_t, Handle* model);
int LiteRtGetModelMetadata(Handle model, const char* name, const void**, size_t*);
int LiteRtCreateCompiledModel(Handle environment, Handle model, Handle options, Handle* compiled);
int LiteRtCreateTensorBufferFromHostMemory(const TensorType*, void*, size_t, void (*)(void*), Handle*);
int LiteRtRunCompiledModel(Handle compiled, size_t signature, size_t, Handle* inputs, size_t, Handle* outputs);
enum { CPU = 1, FLOAT32 = 1, INT32 = 2, MAX_SYMBOLS = 1024 };

static uint32_t u32(const uint8_t* p) { return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24; }
static uint32_t u16(const uint8_t* p) { return p[0] | (uint32_t)p[1] << 8; }

// FlatBuffers: what an offset leads to, and the field of a table by its number in schema.fbs, NULL if it is missing.
static uint8_t* follow(uint8_t* p) { return p + u32(p); }
static uint8_t* field(uint8_t* table, uint32_t number) {
  uint8_t* vtable = table - (int32_t)u32(table);
  uint32_t offset = 4 + 2 * number < u16(vtable) ? u16(vtable + 4 + 2 * number) : 0;
  return offset ? table + offset : NULL;
}
// Of the graph: tensors (0), inputs (1) or outputs (2). Sets the length of the last input or output, unless 0; its type.
static uint8_t* vector_of(uint8_t* model, int k) { return follow(field(follow(follow(field(follow(model), 2)) + 4), k)); }
static TensorType set_length(uint8_t* model, int ends, int length) {
  uint8_t *last = vector_of(model, ends), *tensor = follow(vector_of(model, 0) + 4 + 4 * u32(last + 4 * u32(last)));
  for (uint32_t number = 0; length && number <= 7; number += 7) {  // shape, shape_signature
    uint8_t* shape = field(tensor, number);
    for (int byte = 0; shape && byte < 4; byte++) follow(shape)[8 + byte] = (uint8_t)(length >> 8 * byte);
  }
  uint8_t* shape = follow(field(tensor, 0));
  TensorType type = {.element_type = FLOAT32, .rank = u32(shape) & 7};
  for (unsigned k = 0; k < type.rank; k++) type.dimensions[k] = (int32_t)u32(shape + 4 + 4 * k);
  return type;
}
static const char* model_path;
static const char* after(const char* json, const char* key) {
  const char* found = strstr(json, key);
  check(found != NULL, model_path, "its description is incomplete");
  return found + strlen(key);
}
static int read_symbols(const char* json, const char** symbols) {  // of label 1 and so on, each up to its quotation mark
  int count = 0;
  for (const char* p = after(after(json, "\"alphabet\":"), "\"symbols\":"); *p && *p != ']'; p++) {
    if (*p != '"') continue;
    check(count < MAX_SYMBOLS, model_path, "has too many symbols");
    for (symbols[count++] = ++p; *p && *p != '"'; p++) p += *p == '\\' && p[1];
    check(*p == '"', model_path, "its description is incomplete");
  }
  return count;
}

int main(int argc, char** argv) {
  static Handle environment, options, described, model, compiled, inputs[2], output;  // they live as long as the program
  static const char *symbols[MAX_SYMBOLS], *json;
  static uint8_t *bytes, *wav; static float *samples, *log_probs; static _Alignas(64) int32_t length;
  const void* metadata; size_t model_size, json_size, size, data = 12;
  check(argc == 3 || argc == 4, "usage", "recognise model.portable.tflite recording.wav [log_probs.f32]");
  bytes = read_file(model_path = argv[1], &model_size), wav = read_file(argv[2], &size);
  check(model_size > 64 && !memcmp(bytes + 4, "TFL3", 4), model_path, "not a .tflite file");
  check(is_intact(bytes, model_size), model_path, "damaged, or not written by speechlstm: wrong checksum at its end");
  check(!LiteRtCreateEnvironment(0, NULL, &environment) && !LiteRtCreateOptions(&options) &&
        !LiteRtSetOptionsHardwareAccelerators(options, CPU), "LiteRT", "does not start");
  check(!LiteRtCreateModelFromBuffer(environment, bytes, model_size, &described), model_path, "LiteRT cannot read it");
  check(!LiteRtGetModelMetadata(described, "speechlstm", &metadata, &json_size), model_path, "has no description");
  json = memcpy(allocate(json_size), metadata, json_size);
  const int rate = atoi(after(json, "\"sample_rate\":")), stack = atoi(after(json, "\"frame_stack\":"));
  const int hop = (int)(atof(after(json, "\"hop_ms\":")) * rate / 1000 + 0.5), num_symbols = read_symbols(json, symbols);
  const int is_levelled = !strncmp(after(after(json, "\"normalize\":"), "\""), "mean", 4);  // no offset, -30 dB at least
  const int is_spaced = *after(after(after(json, "\"alphabet\":"), "\"separator\":"), "\"") != '"';  // symbols are words
  check(rate > 0 && stack > 0 && hop > 0, model_path, "its description has numbers that cannot be");
  int is_known = 0; double mean = 0; float peak = 0;
  for (uint8_t* p; data + 24 < size && memcmp(p = wav + data, "data", 4); data += 8 + (size_t)u32(p + 4) + (p[4] & 1))
    is_known |= !memcmp(p, "fmt ", 4) && u32(p + 8) == 0x10001 && (int)u32(p + 12) == rate && u16(p + 22) == 16;
  size_t left = data + 8 < size ? size - data - 8 : 0;
  const int num_samples = left ? (int)((u32(wav + data + 4) < left ? u32(wav + data + 4) : left) / 2) : 0;
  check(is_known && num_samples > 0, argv[2], "not a WAV file of 16-bit PCM, mono, at the model's sample rate");
  check(u32(wav + data + 4) <= left || u32(wav + data + 4) >= 0x7F000000 /* not known, in a pipe */, argv[2], "is truncated");
  check(num_samples >= 0.05 * rate, argv[2], "lasts less than 0.05 s, too short for speech");
  // A model for one length has two inputs: the number of samples, then the samples, padded with zeros.
  const int num_frames = (1 + num_samples / hop + stack - 1) / stack, is_fixed = u32(vector_of(bytes, 1)) == 2;
  const TensorType in = set_length(bytes, 1, is_fixed ? 0 : num_samples), out = set_length(bytes, 2, is_fixed ? 0 : num_frames),
                   one = {.element_type = INT32, .rank = 1, .dimensions = {1}};
  check(in.rank == 2 && out.rank == 3 && out.dimensions[2] > num_symbols, model_path, "has other tensors than its description");
  check((length = num_samples) <= in.dimensions[1] && num_frames <= out.dimensions[1], argv[2], "is longer than the model takes");
  samples = allocate(left = in.dimensions[1] * sizeof(float));
  log_probs = allocate(size = sizeof(float) * out.dimensions[1] * out.dimensions[2]);
  for (int k = 0; k < num_samples; k++) mean += samples[k] = (float)(int16_t)u16(wav + data + 8 + 2 * k) / 32768;
  for (int k = 0; is_levelled && k < num_samples; k++) {
    samples[k] -= (float)(mean / num_samples);
    if (samples[k] > peak || -samples[k] > peak) peak = samples[k] < 0 ? -samples[k] : samples[k];
  }
  for (int k = 0; 0 < peak && peak < 0.03f && k < num_samples; k++) samples[k] *= 0.03f / peak;
  check(!LiteRtCreateModelFromBuffer(environment, bytes, model_size, &model) &&
        !LiteRtCreateCompiledModel(environment, model, options, &compiled), model_path, "LiteRT cannot compile it");
  check((!is_fixed || !LiteRtCreateTensorBufferFromHostMemory(&one, &length, sizeof length, NULL, inputs)) &&
        !LiteRtCreateTensorBufferFromHostMemory(&in, samples, left, NULL, inputs + is_fixed) &&
        !LiteRtCreateTensorBufferFromHostMemory(&out, log_probs, size, NULL, &output) &&
        !LiteRtRunCompiledModel(compiled, 0, 1 + is_fixed, inputs, 1, &output), model_path, "LiteRT cannot run it");
  for (int frame = 0, best, last = 0, is_gap = 0, is_first = 1; frame < num_frames; frame++, last = best) {
    const float* row = log_probs + frame * out.dimensions[2];
    for (int k = best = 0; k <= num_symbols; k++) best = row[k] > row[best] ? k : best;
    if (!best || best == last) continue;
    const char* p = symbols[best - 1];
    if (!strncmp(p, " \"", 2)) { is_gap = 1; continue; }  // between words
    if (!is_first && (is_gap || is_spaced)) putchar(' ');
    for (is_gap = is_first = 0; *p != '"'; p++) putchar(*(p += *p == '\\'));
  }
  putchar('\n');
  FILE* file = argc > 3 ? fopen(argv[3], "wb") : NULL;
  size = sizeof(float) * num_frames * out.dimensions[2];
  check(argc == 3 || (file && fwrite(log_probs, 1, size, file) == size && !fclose(file)), argv[argc - 1], "cannot be written");
  return 0;
}
