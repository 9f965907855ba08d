"""Images on disk: listing, reading, pairing, caching, packing."""
