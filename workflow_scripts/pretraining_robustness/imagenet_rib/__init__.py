"""ImageNet-RIB: does fine-tuning on one shifted version of ImageNet keep the robustness on the others?"""
