/**
 * Computes log-probabilities by LiteRT.js, for tests that compare with Python:
 *
 *     node outputs.js BUNDLE MODEL FILE.wav OUT.f32 [FILE.wav OUT.f32 ...]
 */

import {writeFileSync} from 'node:fs';
import {AcousticModel} from '../src/acoustic.js';
import {readBundle} from '../speechlstm.js';
import {loadLiteRtInNode, readFolder, readWav} from '../src/node.js';

const [folder, name, ...files] = process.argv.slice(2);
const litert = await loadLiteRtInNode();
const bundle = await readBundle(readFolder(folder), name);
const model = new AcousticModel(bundle.model, bundle.acoustic, litert);
for (let i = 0; i < files.length; i += 2) {
  const outputs = await model.outputs(await readWav(files[i], bundle.acoustic.sampleRate));
  writeFileSync(files[i + 1], outputs.data);
}
process.exit(0); // LiteRT.js leaves handles open
