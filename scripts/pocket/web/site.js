#!/usr/bin/env node
/**
 * Puts the page, LiteRT.js and a bundle into a folder that any web server can serve:
 *
 *     node site.js --bundle BUNDLE [--model FILE] -o FOLDER
 *
 * Nothing is compiled. Only two files change: LiteRT.js imports its helper by a package's name, for
 * which browsers have no import map in workers; and the service worker is told a version.
 */

import {createHash} from 'node:crypto';
import {cp, mkdir, readFile, readdir, rm, stat, writeFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import path from 'node:path';
import {parseArgs} from 'node:util';

const HERE = import.meta.dirname;
const PACKAGES = path.resolve(createRequire(import.meta.url).resolve('@litertjs/core'), '../../..');
const MODEL = 'model.portable.tflite';
const BUNDLE_FILES = ['bundle.json', MODEL, 'lm.ngram', 'lexicon.tree'];
const OWN = 'speechlstm/speechlstm.js'; // what every site has
// For browsers with relaxed SIMD, and for the others.
const WASM = ['litert_wasm_internal', 'litert_wasm_compat_internal'];

/** @param {string} file */
const exists = (file) => stat(file).then(() => true, () => false);

/**
 * Refuses what would make no site, or spoil another folder.
 * @param {string} bundle
 * @param {string} model
 * @param {string} folder
 */
async function check(bundle, model, folder) {
  if (!(await exists(path.join(bundle, 'bundle.json')))) {
    throw new Error(`${bundle}: not the folder of a bundle`);
  }
  if (!(await exists(model))) {
    const made = `speechlstm export ${bundle} --target everywhere -o pocket`;
    throw new Error(`${model}: there is none; make a bundle that has it: ${made}`);
  }
  const own = path.resolve(folder, 'bundle');
  for (const file of [bundle, path.dirname(model)]) {
    if (path.resolve(file) === own) {
      throw new Error(`${file}: is that of the site, which is made anew; give another bundle`);
    }
  }
  if (!(await exists(folder)) || (await exists(path.join(folder, OWN)))) return;
  if (!(await stat(folder)).isDirectory() || (await readdir(folder)).length) {
    throw new Error(`${folder}: is something else than a site; give a new folder`);
  }
}

/**
 * @param {string} bundle
 * @param {string} model
 * @param {string} folder
 */
async function makeSite(bundle, model, folder) {
  await check(bundle, model, folder);
  await rm(path.join(folder, 'bundle'), {recursive: true, force: true}); // of the site before
  await mkdir(path.join(folder, 'litert', 'wasm'), {recursive: true});
  await mkdir(path.join(folder, 'bundle'), {recursive: true});
  await cp(path.join(HERE, 'page'), folder, {recursive: true});
  await cp(path.join(HERE, 'src'), path.join(folder, 'speechlstm', 'src'), {recursive: true});
  await cp(path.join(HERE, 'speechlstm.js'), path.join(folder, 'speechlstm', 'speechlstm.js'));
  const core = await readFile(path.join(PACKAGES, 'core/dist/index.js'), 'utf8');
  const local = core.replaceAll('"@litertjs/wasm-utils"', '"./wasm_utils.js"');
  if (local === core) throw new Error('@litertjs/core: has another import than expected');
  await writeFile(path.join(folder, 'litert', 'core.js'), local);
  const utils = path.join(PACKAGES, 'wasm-utils/dist/index.js');
  await cp(utils, path.join(folder, 'litert', 'wasm_utils.js'));
  for (const name of WASM.flatMap((stem) => [`${stem}.js`, `${stem}.wasm`])) {
    await cp(path.join(PACKAGES, 'core/wasm', name), path.join(folder, 'litert/wasm', name));
  }
  for (const name of BUNDLE_FILES) {
    const source = name === MODEL ? model : path.join(bundle, name);
    if (await exists(source)) await cp(source, path.join(folder, 'bundle', name));
  }
  await setVersion(folder);
}

/**
 * Tells the service worker what to keep. The version is a hash of all files: when one changes,
 * browsers load all anew.
 * @param {string} folder
 */
async function setVersion(folder) {
  const hash = createHash('sha256');
  const page = [];
  for (const entry of (await readdir(folder, {recursive: true})).sort()) {
    const file = path.join(folder, entry);
    if (!(await stat(file)).isFile()) continue;
    hash.update(entry).update(await readFile(file));
    const name = entry.replaceAll(path.sep, '/');
    if (/\.(js|css|html)$/.test(name) && !name.startsWith('litert/wasm/')) page.push(name);
  }
  const worker = path.join(folder, 'service_worker.js');
  const text = await readFile(worker, 'utf8');
  const filled = text.replace('VERSION', hash.digest('hex').slice(0, 16));
  await writeFile(worker, filled.replace("['PAGE']", JSON.stringify(page)));
}

/** @param {unknown} error */
function failed(error, code = 1) {
  console.error(`error: ${error instanceof Error ? error.message : error}`);
  process.exit(code);
}

/** The options that were given. */
function options() {
  const known = {
    bundle: {type: 'string'}, model: {type: 'string'}, output: {type: 'string', short: 'o'},
  }; // prettier-ignore
  try {
    return parseArgs({options: known}).values;
  } catch (error) {
    return failed(error, 2);
  }
}

const {bundle, model, output} = options();
if (!bundle || !output) {
  console.error('usage: node site.js --bundle BUNDLE [--model FILE] -o FOLDER');
  process.exit(2);
}
await makeSite(bundle, model ?? path.join(bundle, MODEL), output).catch(failed);
