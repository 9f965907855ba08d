"""Bad and strange input, kind by kind: each must end in one clear message, or work; nothing may be lost.

`python tests/bad_inputs` tries them all and prints a table; tests/system/test_bad_input.py has a test for each.
A new kind is one entry in the file of its group.
"""
