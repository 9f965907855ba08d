// Computes beside the page, so that the page stays responsive.
let ort, session, model;

onmessage = async ({ data }) => {
  try {
    if (data.kind === "load") await load(data);
    else await translate(data);
  } catch (error) {
    postMessage({ kind: "failed", message: String(error?.message ?? error) });
  }
};

async function load({ backend, settings }) {
  model = settings;
  ort = await import(`./ort.${backend}.js`);
  // Threads share memory, which browsers allow only pages that were served with two special headers.
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  const total = model.runtime[backend] + model.bytes;
  let done = 0;
  const progress = (bytes) => postMessage({ kind: "progress", share: Math.min(1, (done += bytes) / total) });
  const [runtime, network] = await Promise.all([`ort.${backend}.wasm.gz`, model.network].map((name) => fetched(name, progress).then(unpacked)));
  ort.env.wasm.wasmBinary = runtime;
  session = await ort.InferenceSession.create(new Uint8Array(network), { executionProviders: [backend] });
  postMessage({ kind: "loaded", threads: ort.env.wasm.numThreads });
}

async function fetched(name, progress) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name} could not be fetched (${response.status})`);
  const parts = [];
  for (const reader = response.body.getReader(); ; ) {
    const { value, done: ended } = await reader.read();
    if (ended) return new Blob(parts);
    parts.push(value);
    progress(value.length);
  }
}

// Some web servers say that a .gz file is compressed, and the browser has unpacked it already.
async function unpacked(file) {
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const stream = file.stream();
  const plain = first === 0x1f && second === 0x8b ? stream.pipeThrough(new DecompressionStream("gzip")) : stream;
  return new Response(plain).arrayBuffer();
}

async function translate({ pixels }) {
  const started = performance.now();
  const input = new ort.Tensor("float32", toNetwork(pixels), [1, model.input_nc, model.size, model.size]);
  const { output } = await session.run({ input });
  const result = toPixels(await output.getData());
  postMessage({ kind: "translated", pixels: result, milliseconds: performance.now() - started }, [result.buffer]);
}

// RGBA -> planes in [-1, 1]; for a network of grey, luminance as Python weighs it.
function toNetwork(pixels) {
  const count = pixels.length / 4;
  const planes = new Float32Array(model.input_nc * count);
  for (let i = 0; i < count; i++) {
    const [r, g, b] = [pixels[4 * i], pixels[4 * i + 1], pixels[4 * i + 2]];
    if (model.input_nc === 1) {
      planes[i] = (0.299 * r + 0.587 * g + 0.114 * b) / 127.5 - 1;
    } else {
      planes[i] = r / 127.5 - 1;
      planes[count + i] = g / 127.5 - 1;
      planes[2 * count + i] = b / 127.5 - 1;
    }
  }
  return planes;
}

// Planes -> opaque RGBA; the clamped array rounds to the nearest level, as Python does.
function toPixels(planes) {
  const count = model.size * model.size;
  const colours = model.output_nc === 3;
  const pixels = new Uint8ClampedArray(4 * count);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < 3; c++) pixels[4 * i + c] = (planes[(colours ? c * count : 0) + i] + 1) * 127.5;
    pixels[4 * i + 3] = 255;
  }
  return pixels;
}
