"""Parts of scripts/translate.py: plans of files, images, values, videos."""
