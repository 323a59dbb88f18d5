"""TensorFlow Lite files.

check        refuses what LiteRT must not load: the graph (with tensor, operators), read by
             flatbuffer, schema
metadata     the description inside a file
interpreter  runs a file
editing      a file as objects that can be changed; output_layer: of a softmax over many outputs
weights      of an acoustic model; four_bits: in half a byte each
"""
