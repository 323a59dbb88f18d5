// Memory, files and their checksums, for recognise.c.
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int is_true, const char* file, const char* otherwise) {
  if (!is_true) { fprintf(stderr, "recognise: %s: %s\n", file, otherwise); exit(1); }
}
static void* allocate(size_t size) {  // zeros; LiteRT wants multiples of 64 bytes
  void* memory = aligned_alloc(64, size = (size + 64) / 64 * 64);
  check(memory != NULL, "memory", "there is not enough");
  return memset(memory, 0, size);
}
static uint8_t* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  long end = file && !fseek(file, 0, SEEK_END) ? ftell(file) : -1;
  check(end >= 0 && end < LONG_MAX && !fseek(file, 0, SEEK_SET), path, "cannot be read");
  uint8_t* bytes = allocate(*size = (size_t)end);
  check(fread(bytes, 1, *size, file) == *size && !fclose(file), path, "cannot be read");
  return bytes;
}

// SHA-256 (FIPS 180-4).
static const uint32_t SHA_ROUNDS[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
static uint32_t rotated(uint32_t x, int n) { return x >> n | x << (32 - n); }
static void add_block(uint32_t* hash, const uint8_t* block) {
  uint32_t w[64], s[8];
  for (int t = 0; t < 64; t++)
    w[t] = t < 16 ? (uint32_t)block[4 * t] << 24 | block[4 * t + 1] << 16 | block[4 * t + 2] << 8 | block[4 * t + 3]
                  : w[t - 16] + w[t - 7] + (rotated(w[t - 15], 7) ^ rotated(w[t - 15], 18) ^ w[t - 15] >> 3) +
                        (rotated(w[t - 2], 17) ^ rotated(w[t - 2], 19) ^ w[t - 2] >> 10);
  memcpy(s, hash, sizeof s);
  for (int t = 0; t < 64; t++) {
    uint32_t first = s[7] + (rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25)) +
                     ((s[4] & s[5]) ^ (~s[4] & s[6])) + SHA_ROUNDS[t] + w[t];
    uint32_t second = (rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[0] = first + second, s[4] += first;
  }
  for (int k = 0; k < 8; k++) hash[k] += s[k];
}
// Whether the last 32 bytes are the SHA-256 of all before.
static int is_intact(const uint8_t* bytes, size_t size) {
  uint32_t hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint8_t last[128] = {0};
  if (size < 32) return 0;
  const uint8_t* digest = bytes + (size -= 32);
  size_t whole = size / 64 * 64, rest = size - whole, padded = rest < 56 ? 64 : 128;
  for (size_t at = 0; at < whole; at += 64) add_block(hash, bytes + at);
  memcpy(last, bytes + whole, rest);
  last[rest] = 0x80;
  for (int k = 0; k < 8; k++) last[padded - 1 - k] = (uint8_t)((uint64_t)size * 8 >> 8 * k);
  for (size_t at = 0; at < padded; at += 64) add_block(hash, last + at);
  for (int k = 0; k < 32; k++) if (digest[k] != (uint8_t)(hash[k / 4] >> (24 - 8 * (k % 4)))) return 0;
  return 1;
}
