"""TensorFlow Lite files: what they say of themselves, whether they are sound, what runs them."""

# In whose environment this is set, LiteRT's greeting is kept from stderr. What others write there
# at that moment is lost, which only a program that owns its stderr may decide.
QUIET = "SPEECHLSTM_QUIET_LITERT"
