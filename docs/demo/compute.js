// The network, on the graphics card if there is one that works, else on the processor.
const SILENT = 30_000; // milliseconds after which a graphics card is given up

export class Network {
  constructor(settings, loading) {
    this.settings = settings;
    this.loading = loading;
  }

  // Loads, and translates once: the first time takes longest, and shows whether the device computes what it should.
  async open(trial, accepts) {
    let reason = "";
    for (const backend of await backends(this.settings.runtime)) {
      try {
        await this.load(backend);
        const result = await within(backend === "webgpu" ? SILENT : Infinity, this.translate(trial));
        if (backend === "wasm" || accepts(result.pixels)) return;
        reason = "the graphics card computes something else";
      } catch (error) {
        reason = error.message;
      }
      this.close();
    }
    throw new Error(reason || "this browser cannot compute with WebGPU");
  }

  async load(backend) {
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    const { threads } = await this.ask({ kind: "load", backend, settings: this.settings });
    this.name = backend === "webgpu" ? "graphics card (WebGPU)" : `processor (WASM, ${threads} ${threads > 1 ? "threads" : "thread"})`;
  }

  translate(image) {
    return this.ask({ kind: "translate", pixels: image.data });
  }

  // One question at a time.
  ask(message) {
    return new Promise((resolve, reject) => {
      this.worker.onerror = (event) => reject(new Error(event.message || "the worker could not be started"));
      this.worker.onmessage = ({ data }) => {
        if (data.kind === "progress") this.loading(data.share);
        else if (data.kind === "failed") reject(new Error(data.message));
        else resolve(data);
      };
      this.worker.postMessage(message);
    });
  }

  close() {
    this.worker.terminate();
  }
}

// ?backend=wasm or ?backend=webgpu in the address chooses.
async function backends(runtime) {
  const asked = new URLSearchParams(location.search).get("backend");
  if (asked in runtime) return [asked];
  if (!("webgpu" in runtime)) return ["wasm"];
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  const slow = !adapter || adapter.isFallbackAdapter || adapter.info?.isFallbackAdapter; // done by the processor
  return slow ? ["wasm"] : ["webgpu", "wasm"];
}

function within(milliseconds, promise) {
  if (milliseconds === Infinity) return promise;
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("the graphics card does not answer")), milliseconds));
  return Promise.race([promise, late]);
}
