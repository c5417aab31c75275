"""Any picture → what the network can read.

decode     a file → grey levels, by Pillow
ink        grey levels → ink
segment    ink → the shapes that are the digit
framing    a digit → 28×28
read       all of it: `load_picture`
"""
