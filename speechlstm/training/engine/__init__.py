"""What the training of every network shares.

network       the base class of networks: one compiled graph, and the loss
loop          epochs, checkpoints, stopping and resuming; word_loop: of networks that read text
optimizer     AdamW that skips gradients that are not finite; the learning rate
run_folder    the files of a run, and its lock; checkpoint, events (for TensorBoard): two of them
devices       what Keras computes on
distribution  several devices share each batch: torch_processes, jax_processes
"""
