"""Keras layers and losses.

mfcc             features inside the graph; mel: their matrices
recurrent        LSTM, GRU or RNN, in one or two directions; LSTMs of each backend: lstm_tensorflow
                 (by lstm_numpy), lstm_torch, lstm_jax; accelerator: whether there is a GPU
row_convolution  lets a unidirectional network see some frames ahead
ctc              the loss
"""
