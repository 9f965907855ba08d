"""A static page on which a trained generator translates drawings, photos and the camera's picture in the browser."""
