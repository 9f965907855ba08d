"""What scripts/distill.py is made of: the training of a student, and its comparison with the teacher."""
