/** Keeps the page's files, so that it works without a connection. site.js fills in what they are. */

const CACHE = 'speechlstm-VERSION';
const PAGE = ['PAGE']; // loaded before this worker takes over; larger files come when they are used

self.addEventListener('install', () => self.skipWaiting());

self.addEventListener('activate', (event) => {
  event.waitUntil(takeOver());
});

async function takeOver() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith('speechlstm-') && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  const cache = await caches.open(CACHE);
  await cache.addAll(['./', ...PAGE]);
  await self.clients.claim();
}

self.addEventListener('fetch', (event) => {
  const {request} = event;
  const isOurs = new URL(request.url).origin === location.origin && request.method === 'GET';
  if (isOurs) event.respondWith(fromCache(request));
});

/** The file as kept, or from the network, after which it is kept. */
async function fromCache(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.status === 200) await cache.put(request, response.clone());
  return response;
}
