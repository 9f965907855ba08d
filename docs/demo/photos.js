// Pictures from files, the clipboard, another window, and the camera.
import { acceptFiles } from "./files.js";

// take(picture, width, height) gets each one.
export function acceptPictures(field, take, refuse) {
  acceptFiles(field, async (file) => {
    try {
      const picture = await createImageBitmap(file); // upright, as its file says
      take(picture, picture.width, picture.height);
    } catch {
      refuse(`${file.name || "This"} is not a picture that this browser can read.`);
    }
  });
}

export class Camera {
  #stream = null;

  get on() { return this.#stream !== null; }

  // frame(video) is called for each picture and awaited, so that none queue up.
  async start(frame) {
    if (!navigator.mediaDevices) throw new Error("Browsers allow the camera only to pages from https:// or localhost.");
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).catch((error) => {
      throw new Error(error.name === "NotAllowedError" ? "The camera was not allowed." : `There is no camera that can be used (${error.message}).`);
    });
    const video = document.createElement("video");
    Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
    this.#stream = stream;
    await video.play();
    while (this.#stream === stream) {
      await frame(video);
      await new Promise(requestAnimationFrame);
    }
  }

  stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
  }
}
