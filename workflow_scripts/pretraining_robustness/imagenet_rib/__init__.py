"""ImageNet-RIB: does fine-tuning on one shifted version of ImageNet keep the robustness on the others?"""

HELD_OUT = "held_out"  # the test set of the images of a task's own variant that are not fine-tuned on
UNLIMITED = "{}_unlimited"  # the test set of a variant with all of ImageNet's classes as answers
