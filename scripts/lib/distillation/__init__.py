"""Parts of scripts/distill.py: the training of a student, and its comparison with the teacher."""
