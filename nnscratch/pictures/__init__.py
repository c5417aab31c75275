"""Any picture → what the network can read.

decode     a file → grey levels, by Pillow
limits     what decoding may cost, judged from the header
flatten    colours, 16 bits, transparency → grey on white, reduced
libtiff    kept from writing to stderr
ink        grey levels → ink
segment    ink → the shapes that are the digit
framing    a digit → 28×28
read       all of it: `load_picture`
ladder     a picture after each of these steps
strokes    drawn by hand in a window: strokes → grey levels
cleaning   of several digits: what may be one
frames     of several digits: long lines and boxes taken away
combs      of several digits: the short posts of a form taken away
rows       of several digits: the rows
cuts       of several digits: where one ends, and the likeliest path
"""
